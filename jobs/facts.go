package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/mapping"
)

// teller tells the sales book what is known of a connection's deals and leads.
type teller struct {
	s     *Source
	c     *book.Compiled
	reps  map[string]postgres.RepOf
	zone  *time.Location // of days without a time
	names map[string]string

	account   accountFields
	aliases   map[string]map[string]string // by kind
	spellings book.Spellings
	renamed   renames
}

// newTeller reads what all deals and leads of a connection share. bound says what
// names of fields mean that were bound when the book was put in force.
func newTeller(ctx context.Context, tx pgx.Tx, s *Source, c *book.Compiled, bound []postgres.Binding) (*teller, error) {
	t := &teller{s: s, c: c, zone: c.Zone(), reps: map[string]postgres.RepOf{}, names: map[string]string{}, aliases: map[string]map[string]string{}}
	t.renamed, t.account = renamesOf(s.Map, s.Dictionary), accountFieldsOf(s.Map, s.Dictionary, c)
	for _, kind := range []string{"deals", "leads"} {
		t.aliases[kind] = t.account.aliases(kind, bound)
	}
	reps, err := postgres.Reps(ctx, tx, s.Workspace, s.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range reps {
		t.reps[r.ID] = r
	}
	list, err := postgres.SpellingsOf(ctx, tx, s.Workspace)
	t.spellings = decided(list)
	return t, err
}

// tellsAs tells whether another teller of the connection tells the same: days
// without a time end alike, and names of fields and clients mean the same.
func (t *teller) tellsAs(o *teller) bool {
	for _, kind := range []string{"people", "companies"} {
		if t.c.Reads(prefixOf(kind)) != o.c.Reads(prefixOf(kind)) {
			return false
		}
	}
	return t.zone.String() == o.zone.String() && maps.EqualFunc(t.aliases, o.aliases, maps.Equal)
}

// facts gathers what is known of some deals or leads.
func (t *teller) facts(ctx context.Context, tx pgx.Tx, lead bool, rows []postgres.Subject) ([]*book.Facts, error) {
	ids := make([]string, len(rows))
	out := make([]*book.Facts, len(rows))
	at := map[string]*book.Facts{}
	for i := range rows {
		f, err := t.subject(lead, &rows[i])
		if err != nil {
			return nil, err
		}
		ids[i], out[i], at[rows[i].ID] = rows[i].ID, f, f
	}
	for _, add := range []func(context.Context, pgx.Tx, bool, []string, map[string]*book.Facts) error{t.past, t.moves, t.activities, t.notes, t.snoozes, t.approvals, t.clients} {
		if err := add(ctx, tx, lead, ids, at); err != nil {
			return nil, err
		}
	}
	for i, f := range out {
		if len(f.Moves) == 0 && rows[i].Stage != nil { // its past is not known
			f.Moves = []book.Move{{At: *cmp.Or(rows[i].StageEntered, &f.Added), Stage: *rows[i].Stage}}
		}
	}
	return out, nil
}

// subject tells what the canonical row holds.
func (t *teller) subject(lead bool, r *postgres.Subject) (*book.Facts, error) {
	f := &book.Facts{Lead: lead, Connection: t.s.Name, ID: r.ID, Title: r.Title, Amount: r.Amount, Currency: value(r.Currency), Status: r.Status,
		Reason: value(r.Reason), Added: *cmp.Or(r.Added, &r.FirstSeen), KnownSince: r.FirstSeen, Fields: map[string]string{},
		Renamed: t.renamed.of(value(r.Reason)), Spellings: t.spellings}
	if rep, ok := t.reps[value(r.Owner)]; ok {
		f.Owner, f.OwnerLeft = rep.Email, !rep.Active
	} else {
		f.Owner = value(r.Owner) // of a user who is not read yet
	}
	if r.Products != nil {
		f.Products = int(*r.Products)
	}
	f.NoProducts = !lead && !t.s.Map.Maps("deals", "items_count")
	if r.ExpectedClose != nil {
		var d book.Date
		if err := d.UnmarshalText([]byte(*r.ExpectedClose)); err == nil {
			f.Close = &d
		}
	}
	t.ending(f, r)
	for name, v := range map[string]*string{"source": r.Source, "person": r.Person, "company": r.Company, "currency": r.Currency, "title": &r.Title} {
		if value(v) != "" {
			f.Fields[name] = *v
		}
	}
	kind := kindOf(lead)
	f.Aliases = t.aliases[kind]
	return f, t.custom(f, kind, r.Custom)
}

// custom tells what a custom document holds: by the code of each field, and by its
// name where that is not known to mean the code.
func (t *teller) custom(f *book.Facts, kind string, document []byte) error {
	named, err := t.s.Dictionary.Describe(t.s.Map.DictionaryOf(kind), document)
	if err != nil {
		return err
	}
	for _, n := range named {
		if n.Text == "" {
			continue
		}
		for _, key := range t.keys(f, kind, &n) {
			f.Fields[key] = n.Text
		}
	}
	return nil
}

// keys are the names under which facts have a member of a custom document.
func (t *teller) keys(f *book.Facts, kind string, n *mapping.Named) []string {
	key, name := t.fold(prefixOf(kind)+n.Code), t.fold(prefixOf(kind)+n.Name)
	if name == key || f.Aliases[name] == key {
		return []string{key}
	}
	return []string{key, name}
}

// fold folds names that come again and again.
func (t *teller) fold(name string) string {
	folded, ok := t.names[name]
	if !ok {
		folded = book.FoldField(name)
		t.names[name] = folded
	}
	return folded
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ending tells how and when a deal or lead ended. What was merged has gone on
// elsewhere and is not judged.
func (t *teller) ending(f *book.Facts, r *postgres.Subject) {
	when := func(at *time.Time) time.Time { return *cmp.Or(at, r.Updated, &r.FirstSeen) }
	switch {
	case r.Status == "won":
		f.Won = when(r.Won)
	case r.Status == "lost":
		f.Lost = when(r.Lost)
	case r.Deleted != nil && value(r.DeletedWhy) != "deleted":
		f.Gone = true
	case r.Status == "deleted":
		f.Deleted = *cmp.Or(r.Updated, r.Deleted, &r.FirstSeen)
	case r.Archived:
		f.Archived = when(r.ArchivedAt)
	}
	// Where a deletion is no status, what was won or lost may be deleted as well, and
	// nothing tells when: no sooner than it was last changed, and before we noticed.
	if r.Deleted != nil && value(r.DeletedWhy) == "deleted" && r.Status != "deleted" {
		f.Deleted = *r.Deleted
		if r.Updated != nil && r.Updated.After(f.Deleted) {
			f.Deleted = *r.Updated
		}
	}
}

// past adds earlier values of fields.
func (t *teller) past(ctx context.Context, tx pgx.Tx, lead bool, ids []string, at map[string]*book.Facts) error {
	kind := kindOf(lead)
	list, err := postgres.PastOf(ctx, tx, t.s.Workspace, t.s.ID, kind, ids)
	for i := range list {
		t.earlier(at[list[i].ID], kind, &list[i])
	}
	return err
}

// earlier adds what fields held before a change of a deal or lead, or of whom it
// is about.
func (t *teller) earlier(f *book.Facts, kind string, p *postgres.Past) {
	for field, diff := range p.Fields {
		names, text := t.earlierOf(f, kind, field, diff.Old)
		for _, name := range names {
			f.Past = append(f.Past, book.Change{At: p.At, Field: name, Old: text})
		}
	}
}

// earlierOf is a field as the book knows it, and what it held.
func (t *teller) earlierOf(f *book.Facts, kind, field string, old json.RawMessage) (names []string, text string) {
	if code, ok := strings.CutPrefix(field, "custom."); ok {
		doc, err := json.Marshal(map[string]json.RawMessage{code: old})
		if err != nil {
			return nil, ""
		}
		named, err := t.s.Dictionary.Describe(t.s.Map.DictionaryOf(kind), doc)
		if err != nil || len(named) == 0 {
			return []string{t.fold(prefixOf(kind) + code)}, ""
		}
		return t.keys(f, kind, &named[0]), named[0].Text
	}
	name := cmp.Or(factOf(kind, field), field)
	return []string{name}, t.text(field, old)
}

// text is what a canonical field holds, as the book compares it.
func (t *teller) text(field string, value json.RawMessage) string {
	var one string
	var several []string
	switch {
	case len(value) == 0 || string(value) == "null":
		return ""
	case json.Unmarshal(value, &one) == nil:
	case json.Unmarshal(value, &several) == nil:
		one = strings.Join(several, ", ")
	default:
		one = string(value) // a number, or whether something is so
	}
	if rep, ok := t.reps[one]; ok && field == "owner_id" {
		return rep.Email
	}
	return one
}

func (t *teller) moves(ctx context.Context, tx pgx.Tx, lead bool, ids []string, at map[string]*book.Facts) error {
	if lead {
		return nil
	}
	list, err := postgres.EntriesOf(ctx, tx, t.s.Workspace, t.s.ID, ids)
	for _, e := range list {
		f := at[e.Deal]
		f.Moves = append(f.Moves, book.Move{At: e.At, Stage: e.Stage, By: t.reps[value(e.Actor)].Email, Ours: e.Ours})
	}
	return err
}

func (t *teller) activities(ctx context.Context, tx pgx.Tx, lead bool, ids []string, at map[string]*book.Facts) error {
	var about *book.Facts
	var list []book.Activity // of one subject, copied when it is whole
	whole := func() {
		if about != nil {
			about.Activities, list = append(about.Activities, list...), list[:0]
			slices.SortStableFunc(about.Activities, func(a, b book.Activity) int { return cmp.Or(a.Added.Compare(b.Added), cmp.Compare(a.ID, b.ID)) })
		}
	}
	err := postgres.EachActivity(ctx, tx, t.s.Workspace, t.s.ID, lead, ids, func(d *postgres.Deed) {
		f := at[d.Subject]
		if f != about {
			whole()
			about = f
		}
		a := book.Activity{ID: d.ID, Type: d.Type, Subject: d.Title, Added: *cmp.Or(d.Added, d.Updated, &f.Added), Due: t.due(d), Ours: d.Ours}
		if d.Done {
			a.Done = *cmp.Or(d.DoneAt, d.Updated, &a.Added)
		}
		list = append(list, a)
	})
	whole()
	return err
}

// due is when an activity is over: a day without a time at its end.
func (t *teller) due(d *postgres.Deed) time.Time {
	if d.DueAt != nil || d.DueOn == nil {
		return *cmp.Or(d.DueAt, &time.Time{})
	}
	var day book.Date
	if err := day.UnmarshalText([]byte(*d.DueOn)); err != nil {
		return time.Time{}
	}
	return day.End(t.zone)
}

func (t *teller) notes(ctx context.Context, tx pgx.Tx, lead bool, ids []string, at map[string]*book.Facts) error {
	err := postgres.EachNote(ctx, tx, t.s.Workspace, t.s.ID, lead, ids, func(d *postgres.Deed) {
		if d.Ours {
			return // it says what we did, and is nobody's touch
		}
		f := at[d.Subject]
		f.Notes = append(f.Notes, book.Note{ID: d.ID, At: *cmp.Or(d.Added, d.Updated, &f.Added), Letters: d.Letters})
	})
	for _, f := range at {
		slices.SortStableFunc(f.Notes, func(a, b book.Note) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	}
	return err
}

func (t *teller) snoozes(ctx context.Context, tx pgx.Tx, lead bool, ids []string, at map[string]*book.Facts) error {
	list, err := postgres.SnoozesOf(ctx, tx, t.s.Workspace, t.s.ID, kindOf(lead), ids)
	for _, s := range list {
		f := at[s.ID]
		f.Snoozes = append(f.Snoozes, book.Snooze{From: s.From, Until: s.Until, By: s.By, Reason: s.Why})
	}
	return err
}

func (t *teller) approvals(ctx context.Context, tx pgx.Tx, lead bool, ids []string, at map[string]*book.Facts) error {
	if lead {
		return nil
	}
	list, err := postgres.ApprovalsOf(ctx, tx, t.s.Workspace, t.s.ID, ids)
	for _, a := range list {
		f := at[a.Deal]
		f.Approvals = append(f.Approvals, book.Approved{At: a.Given, By: a.By, Loss: *cmp.Or(a.Loss, &time.Time{}), Reason: a.Reason, Withdrawn: *cmp.Or(a.Withdrawn, &time.Time{})})
	}
	return err
}

// kindOf is the canonical kind of leads, or of deals.
func kindOf(lead bool) string {
	if lead {
		return "leads"
	}
	return "deals"
}
