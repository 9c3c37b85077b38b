package jobs

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// Rehearsal is what a book says of everything that is stored. Nothing was
// changed by it.
type Rehearsal struct {
	Deals        int            `json:"deals"`             // judged
	Leads        int            `json:"leads"`             // judged
	Rules        []RuleCount    `json:"rules"`             // broken, in the order of a report
	Steps        Steps          `json:"moves"`             // of deals, and which the book would have refused
	Reasons      []ReasonCount  `json:"reasons"`           // texts of losses that are none of the book's reasons, the most frequent first
	OtherReasons int            `json:"other_reasons"`     // losses for further texts, of which there are too many to keep
	Outside      []OutsideCount `json:"outside"`           // pipelines and stages that the book does not have
	Against      *Against       `json:"against,omitempty"` // what differs from the book in force; nil: none is
	NotAgainst   string         `json:"not_against,omitempty"`
	Does         *Doing         `json:"does,omitempty"` // nil: it only shows what it finds
	LeftOut      []LeftOut      `json:"left_out"`       // connections that were not judged
	Fields       []string       `json:"fields"`         // what is wrong with the names of fields: no CRM has them
}

// RehearseOptions narrow a rehearsal.
type RehearseOptions struct {
	Since   time.Time // violations that opened, moves and losses that happened before are left out; zero: none
	Samples int       // how many deals and leads each rule is shown with; 5 unless set
}

// OutsideCount is a stage of a CRM that the book does not have.
type OutsideCount struct {
	Connection string `json:"connection"`
	Pipeline   string `json:"pipeline"`
	Stage      string `json:"stage"`
	Deals      int    `json:"open_deals"`
}

// usualSamples is how many deals and leads a rule is shown with.
const usualSamples = 5

// Rehearse judges everything that is stored by a book, as of now, and by the one
// in force if there is one. What it needs does not grow with the account.
// Connections that cannot be judged are left out.
func (p *Pipeline) Rehearse(ctx context.Context, workspace int64, draft *book.Book, o RehearseOptions) (Rehearsal, error) {
	j, err := p.judged(ctx, workspace)
	if err != nil {
		return Rehearsal{}, err
	}
	compiled, err := j.compile(draft)
	if err != nil {
		return Rehearsal{}, err
	}
	r := newRehearsal(compiled, p.Now(), o)
	for _, pl := range j.pipelines {
		for _, s := range pl.Stages {
			r.stages[[2]string{pl.Connection, s.ID}] = OutsideCount{pl.Connection, pl.Name, s.Name, 0}
		}
	}
	books := []reviewed{{compiled, nil}}
	active, err := p.active(ctx, workspace)
	switch {
	case err != nil:
		return Rehearsal{}, err
	case active.evaluation != nil:
		r.against = newAgainst(active, r)
		books = append(books, reviewed{active.compiled, active.bound})
	}
	review := &review{p, books, r.now, r.count}
	if err := review.all(ctx, j.sources); err != nil {
		return Rehearsal{}, err
	}
	out := r.result()
	out.NotAgainst, out.LeftOut = active.unreadable, append(out.LeftOut, j.leftOut...)
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		accounts, err := accountsOf(ctx, tx, j.sources, r.c)
		for _, p := range unknownFields(r.c, accounts, nil) {
			out.Fields = append(out.Fields, p.Error())
		}
		return err
	})
	return out, err
}

// activeBook is the book in force, ready to judge.
type activeBook struct {
	*evaluation        // nil: none is in force, or it cannot be read
	unreadable  string // why
}

// active opens the book in force. One that this release cannot read is no
// obstacle to rehearsing another.
func (p *Pipeline) active(ctx context.Context, workspace int64) (a activeBook, err error) {
	var stored postgres.StoredBook
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		stored, err = postgres.ActiveBook(ctx, tx, workspace)
		return err
	})
	if err != nil || stored.Version == 0 {
		return a, err
	}
	if _, err := parseStored(stored); err != nil {
		a.unreadable = err.Error()
		return a, nil
	}
	a.evaluation, err = p.openBook(ctx, workspace)
	return a, err
}

// suggestedFor bounds the texts for which is said what they may mean.
const suggestedFor = 100

// rehearsal is a rehearsal under way.
type rehearsal struct {
	c       *book.Compiled
	options RehearseOptions
	now     time.Time
	deals   int
	leads   int
	rules   map[book.Rule]*RuleCount
	steps   Steps
	reasons texts
	outside map[OutsideCount]int
	stages  map[[2]string]OutsideCount // by connection and stage id: a stage's names
	against *against
	doing   *doing // nil: the draft only shows what it finds
}

func newRehearsal(c *book.Compiled, now time.Time, o RehearseOptions) *rehearsal {
	o.Samples = cmp.Or(o.Samples, usualSamples)
	return &rehearsal{c: c, options: o, doing: newDoing(c, o, now), now: now, rules: map[book.Rule]*RuleCount{}, steps: newSteps(), outside: map[OutsideCount]int{}, stages: map[[2]string]OutsideCount{}}
}

// count counts what the draft says of a deal or lead and, if there is one, the
// book in force.
func (r *rehearsal) count(f *book.Facts, j []book.Judgement) {
	if f.Gone {
		return
	}
	if f.Lead {
		r.leads++
	} else {
		r.deals++
	}
	place := r.c.Place(f, r.now)
	if n := len(f.Moves); !f.Lead && place == "" && f.Status == "open" && n > 0 {
		r.outside[r.stages[[2]string{f.Connection, f.Moves[n-1].Stage}]]++
	}
	r.verdicts(f, place, j[0].Verdicts)
	steps := r.c.Steps(f, r.now)
	r.steps.count(steps, j[0].Verdicts, r.options.Since)
	if r.doing != nil {
		r.doing.count(f, &j[0])
	}
	if r.against != nil {
		r.against.count(f, place, j[0].Verdicts, j[1].Verdicts)
	}
}

func (r *rehearsal) verdicts(f *book.Facts, place string, verdicts []book.Verdict) {
	for i := range verdicts {
		v := &verdicts[i]
		if v.Opened.Before(r.options.Since) {
			continue
		}
		c := r.rules[v.Rule]
		if c == nil {
			c = newRuleCount(v.Rule, r.options.Samples)
			r.rules[v.Rule] = c
		}
		first := !slices.ContainsFunc(verdicts[:i], func(o book.Verdict) bool {
			return o.Rule == v.Rule && brokenNow(&o) && !o.Opened.Before(r.options.Since)
		})
		c.add(f, v, place, first)
		if slices.Contains(book.Reasonless(), v.Rule) {
			r.reasons.add(f.Reason)
		}
	}
}

func (r *rehearsal) result() Rehearsal {
	out := Rehearsal{Deals: r.deals, Leads: r.leads, Rules: []RuleCount{}, Steps: r.steps, Outside: []OutsideCount{}, LeftOut: []LeftOut{}, Fields: []string{}}
	for _, rule := range r.c.Book.RuleNames() {
		if c := r.rules[book.Rule(rule)]; c != nil {
			out.Rules = append(out.Rules, c.result())
		}
	}
	out.Reasons, out.OtherReasons = r.reasons.result()
	for i := range out.Reasons[:min(len(out.Reasons), suggestedFor)] {
		if n := &out.Reasons[i]; n.Text != "" && !r.c.Says(n.Text) {
			n.Suggestions = r.c.Book.SuggestReasons(n.Text)
		}
	}
	for o, n := range r.outside {
		o.Deals = n
		out.Outside = append(out.Outside, o)
	}
	slices.SortFunc(out.Outside, func(a, b OutsideCount) int {
		return cmp.Or(cmp.Compare(b.Deals, a.Deals), cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Stage, b.Stage))
	})
	if r.doing != nil {
		out.Does = &r.doing.Doing
	}
	if r.against != nil {
		out.Against = r.against.result()
	}
	return out
}
