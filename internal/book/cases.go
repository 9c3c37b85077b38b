package book

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// CaseResult is what a case of the book gave.
type CaseResult struct {
	Name     string
	Place    Place
	Want     []string // rules that it is to break
	Got      []string // rules that it breaks and has not mended
	Verdicts []Verdict
}

// Passed tells whether the case gave what it is to give.
func (r *CaseResult) Passed() bool { return slices.Equal(r.Want, r.Got) }

// Test judges the cases of a book that was parsed, each on its own.
func (b *Book) Test() ([]CaseResult, error) {
	c, err := Compile(b, b.imagined())
	if err != nil {
		return nil, err
	}
	out := make([]CaseResult, len(b.Cases))
	for i := range b.Cases {
		out[i] = c.run(&b.Cases[i])
	}
	return out, nil
}

// imagined are pipelines that fit the book.
func (b *Book) imagined() (all []Pipeline) {
	for i := range b.Funnels {
		f := &b.Funnels[i]
		for _, from := range f.CRM {
			p := Pipeline{Connection: from.Connection, ID: strings.TrimPrefix(from.Pipeline, "#"), Name: from.Pipeline}
			for j := range f.Stages {
				for _, name := range f.Stages[j].CRMNames() {
					p.Stages = append(p.Stages, CRMStage{ID: f.imaginedID(name), Name: name})
				}
			}
			all = append(all, p)
		}
	}
	return all
}

// imaginedID is the id of a stage in an imagined pipeline: two of them may have
// stages of one name.
func (f *Funnel) imaginedID(name string) string {
	if id, ok := strings.CutPrefix(name, "#"); ok {
		return id
	}
	return f.ID + "/" + name
}

func (c *Compiled) run(k *Case) CaseResult {
	zone := c.calendar.Zone()
	var f *Facts
	if k.Deal != nil {
		f = c.dealOf(k.Deal, zone)
	} else {
		f = leadOf(k.Lead, zone)
	}
	j := c.Judge(f, k.Now.in(zone))
	r := CaseResult{Name: k.Name, Place: k.At, Want: slices.Sorted(slices.Values(k.Expect)), Verdicts: j.Verdicts}
	for _, v := range j.Verdicts {
		if v.Mended.IsZero() && !slices.Contains(r.Got, string(v.Rule)) {
			r.Got = append(r.Got, string(v.Rule))
		}
	}
	slices.Sort(r.Got)
	r.Want = slices.Compact(r.Want)
	return r
}

// somebody owns a deal of a case that names nobody.
const somebody = "somebody@example.com"

func ownerOf(written string) string {
	switch written {
	case "":
		return somebody
	case "-":
		return ""
	}
	return written
}

func (c *Compiled) dealOf(d *CaseDeal, zone *time.Location) *Facts {
	i := slices.Index(c.Book.funnelIDs(), d.Funnel)
	fn := &c.Book.Funnels[i]
	f := &Facts{Connection: fn.CRM[0].Connection, ID: "1", Owner: ownerOf(d.Owner), OwnerLeft: d.OwnerLeft, Amount: d.Amount, Currency: cmp.Or(d.Currency, c.Book.Currency),
		Close: d.Close, Added: d.Added.in(zone), Status: "open"}
	f.Fields, f.Past = fieldsOf(d.Fields, zone)
	for _, m := range d.Moves {
		name := fn.Stages[slices.Index(fn.stageIDs(), m.Stage)].CRMNames()[0]
		f.Moves = append(f.Moves, Move{At: m.When.in(zone), Stage: fn.imaginedID(name)})
	}
	f.Activities, f.Notes = activitiesOf(d.Activities, f.Added, zone), notesOf(d.Notes, zone)
	end := func(m *Moment, status string, at *time.Time) {
		if m != nil {
			f.Status, *at = status, m.in(zone)
		}
	}
	end(d.Won, "won", &f.Won)
	end(d.Deleted, "deleted", &f.Deleted)
	end(d.Archived, f.Status, &f.Archived)
	if d.Lost != nil {
		end(&d.Lost.When, "lost", &f.Lost)
		f.Reason = d.Lost.Reason
		if d.Lost.Agreed != nil {
			f.Approvals = []Approved{approvalOf(d.Lost, f, zone)}
		}
	}
	return f
}

// approvalOf is a case's approval: of the loss that had happened, or of one to
// come.
func approvalOf(l *CaseLoss, f *Facts, zone *time.Location) Approved {
	a := Approved{At: l.Agreed.in(zone), By: somebody, Reason: f.Reason}
	if a.At.After(f.Lost) {
		a.Loss = f.Lost
	}
	return a
}

func leadOf(l *CaseLead, zone *time.Location) *Facts {
	f := &Facts{Lead: true, ID: "1", Owner: ownerOf(l.Owner), Added: l.Added.in(zone), Status: "open"}
	f.Fields, f.Past = fieldsOf(l.Fields, zone)
	if l.Source != "" {
		f.Fields["source"] = l.Source
	}
	f.Activities, f.Notes = activitiesOf(l.Activities, f.Added, zone), notesOf(l.Notes, zone)
	return f
}

// fieldsOf are the fields of a case, and that those with a time were empty before.
func fieldsOf(list []CaseField, zone *time.Location) (map[string]string, []Change) {
	fields, past := map[string]string{}, []Change(nil)
	for _, f := range list {
		fields[fold(f.Name)] = f.Is
		if f.Set != (Moment{}) {
			past = append(past, Change{At: f.Set.in(zone), Field: fold(f.Name)})
		}
	}
	slices.SortStableFunc(past, func(a, b Change) int { return a.At.Compare(b.At) })
	return fields, past
}

func activitiesOf(list []CaseActivity, added time.Time, zone *time.Location) (out []Activity) {
	for i, a := range list {
		one := Activity{ID: fmt.Sprint(i + 1), Type: a.Type, Subject: a.Subject, Added: added}
		if a.Planned != nil {
			one.Added = a.Planned.in(zone)
		}
		if a.Done != nil {
			one.Done = a.Done.in(zone)
			one.Due = one.Done
		} else {
			one.Due = a.Due.in(zone)
		}
		out = append(out, one)
	}
	return out
}

func notesOf(list []CaseNote, zone *time.Location) (out []Note) {
	for i, n := range list {
		out = append(out, Note{ID: fmt.Sprint(i + 1), At: n.When.in(zone), Letters: utf8.RuneCountInString(n.Text)})
	}
	slices.SortStableFunc(out, func(a, b Note) int { return a.At.Compare(b.At) })
	return out
}
