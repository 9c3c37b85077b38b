package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Rehearsal is what a book says of everything that is stored. Nothing was
// changed by it.
type Rehearsal struct {
	Deals   int            `json:"deals"`   // judged
	Leads   int            `json:"leads"`   // judged
	Rules   []RuleCount    `json:"rules"`   // broken, in the order of a report
	Reasons []ReasonCount  `json:"reasons"` // texts of losses that are none of the book's reasons, the most frequent first
	Outside []OutsideCount `json:"outside"` // pipelines and stages that the book does not have
	Fields  []string       `json:"fields"`  // what is wrong with the names of fields: no CRM has them
}

// RuleCount is how often a rule is broken.
type RuleCount struct {
	Rule     book.Rule                  `json:"rule"`
	Broken   int                        `json:"broken"`   // violations that are not mended
	Subjects int                        `json:"subjects"` // deals and leads that have some
	Mended   int                        `json:"mended"`
	Cannot   int                        `json:"cannot_judge"`
	Assumed  int                        `json:"on_present_values"` // judged on later values, for want of older ones
	Worth    map[string]decimal.Decimal `json:"worth"`             // of the deals, by currency
	ByPlace  map[string]int             `json:"by_stage"`          // violations by funnel/stage
	ByRep    map[string]int             `json:"by_rep"`
	Examples []SubjectRef               `json:"examples"` // the dearest first
}

// SubjectRef names a deal or lead.
type SubjectRef struct {
	Connection string           `json:"connection"`
	Kind       string           `json:"kind"`
	ID         string           `json:"id"`
	Title      string           `json:"title"`
	Amount     *decimal.Decimal `json:"amount,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	Opened     time.Time        `json:"opened_at"`
}

// ReasonCount is a text that stands as a loss reason and is none.
type ReasonCount struct {
	Text        string            `json:"text"` // empty: none was given
	Count       int               `json:"count"`
	Suggestions []book.Suggestion `json:"suggestions,omitempty"` // what it may mean
}

// OutsideCount is a stage of a CRM that the book does not have.
type OutsideCount struct {
	Connection string `json:"connection"`
	Pipeline   string `json:"pipeline"`
	Stage      string `json:"stage"`
	Deals      int    `json:"open_deals"`
}

// rehearsedAtOnce bounds the deals that are judged in one go.
const rehearsedAtOnce = 2000

// examplesOfRule bounds the examples of a rule.
const examplesOfRule = 5

// Rehearse judges everything that is stored by a book, as of now. Violations
// that opened before since are left out; the zero instant leaves none out.
func (p *Pipeline) Rehearse(ctx context.Context, workspace int64, b *book.Book, since time.Time) (Rehearsal, error) {
	r := &rehearsal{since: since, now: p.Now(), rules: map[book.Rule]*RuleCount{}, reasons: map[string]*ReasonCount{}, outside: map[OutsideCount]int{}, stages: map[[2]string]OutsideCount{}}
	sources, pipelines, err := p.judged(ctx, workspace)
	if err != nil {
		return Rehearsal{}, err
	}
	if r.c, err = book.Compile(b, pipelines); err != nil {
		return Rehearsal{}, err
	}
	for _, pl := range pipelines {
		for _, s := range pl.Stages {
			r.stages[[2]string{pl.Connection, s.ID}] = OutsideCount{pl.Connection, pl.Name, s.Name, 0}
		}
	}
	if err := p.judgeStored(ctx, sources, r.c, r.now, r.count); err != nil {
		return Rehearsal{}, err
	}
	out := r.result()
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		accounts, err := accountsOf(ctx, tx, sources, r.c)
		for _, p := range unknownFields(r.c, accounts, nil) {
			out.Fields = append(out.Fields, p.Error())
		}
		return err
	})
	return out, err
}

// JudgeStored judges all deals and leads of a workspace as of an instant, and
// calls each with the facts and what the book says of them.
func (p *Pipeline) JudgeStored(ctx context.Context, workspace int64, b *book.Book, now time.Time, each func(*book.Facts, *book.Judgement)) error {
	sources, pipelines, err := p.judged(ctx, workspace)
	if err != nil {
		return err
	}
	compiled, err := book.Compile(b, pipelines)
	if err != nil {
		return err
	}
	return p.judgeStored(ctx, sources, compiled, now, each)
}

func (p *Pipeline) judgeStored(ctx context.Context, sources []*Source, c *book.Compiled, now time.Time, each func(*book.Facts, *book.Judgement)) error {
	for _, s := range sources {
		for _, lead := range []bool{false, true} {
			if err := p.judgeSource(ctx, s, c, now, lead, each); err != nil {
				return fmt.Errorf("judge %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// judged opens a workspace's connections whose deals a book judges, with their
// pipelines.
func (p *Pipeline) judged(ctx context.Context, workspace int64) (sources []*Source, pipelines []book.Pipeline, err error) {
	var list []postgres.Connection
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		list, err = postgres.Connections(ctx, tx, workspace)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for _, c := range list {
		s, err := p.Open(ctx, workspace, c.ID)
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, s)
		err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
			stages, err := postgres.Stages(ctx, tx, workspace, c.ID)
			pipelines = append(pipelines, pipelinesOf(c.Name, stages)...)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	if len(sources) == 0 {
		return nil, nil, fault.New(fault.NotFound, "nothing is connected yet, so there is nothing to judge; `salesbook connect` comes first")
	}
	return sources, pipelines, nil
}

func pipelinesOf(connection string, stages []postgres.StageOf) (out []book.Pipeline) {
	for _, s := range stages {
		if n := len(out); n == 0 || out[n-1].ID != s.PipelineID {
			out = append(out, book.Pipeline{Connection: connection, ID: s.PipelineID, Name: s.Pipeline})
		}
		last := &out[len(out)-1]
		last.Stages = append(last.Stages, book.CRMStage{ID: s.ID, Name: s.Name})
	}
	return out
}

// judgeSource judges a connection's deals or leads, page by page.
func (p *Pipeline) judgeSource(ctx context.Context, s *Source, c *book.Compiled, now time.Time, lead bool, each func(*book.Facts, *book.Judgement)) error {
	read := postgres.Deals
	if lead {
		read = postgres.Leads
	}
	for after := ""; ; {
		var facts []*book.Facts
		err := p.DB.InByKey(ctx, s.Workspace, func(tx pgx.Tx) error {
			rows, err := read(ctx, tx, s.Workspace, s.ID, after, rehearsedAtOnce)
			if err != nil || len(rows) == 0 {
				return err
			}
			after = rows[len(rows)-1].ID
			t, err := newTeller(ctx, tx, s, c, nil)
			if err != nil {
				return err
			}
			facts, err = t.facts(ctx, tx, lead, rows)
			return err
		})
		if err != nil || len(facts) == 0 {
			return err
		}
		judgements, err := judgeAll(ctx, c, facts, now)
		if err != nil {
			return err
		}
		for i := range facts {
			each(facts[i], &judgements[i])
		}
	}
}

// judgeAll judges many deals on all processors.
func judgeAll(ctx context.Context, c *book.Compiled, facts []*book.Facts, now time.Time) ([]book.Judgement, error) {
	out := make([]book.Judgement, len(facts))
	group, ctx := errgroup.WithContext(ctx)
	share := len(facts)/runtime.GOMAXPROCS(0) + 1
	for from := 0; from < len(facts); from += share {
		group.Go(func() error {
			for i := from; i < min(from+share, len(facts)); i++ {
				out[i] = c.Judge(facts[i], now)
			}
			return ctx.Err()
		})
	}
	return out, group.Wait()
}

// rehearsal is a rehearsal under way.
type rehearsal struct {
	c       *book.Compiled
	since   time.Time
	now     time.Time
	deals   int
	leads   int
	rules   map[book.Rule]*RuleCount
	reasons map[string]*ReasonCount // by folded text
	outside map[OutsideCount]int
	stages  map[[2]string]OutsideCount // by connection and stage id: a stage's names
}

func (r *rehearsal) count(f *book.Facts, j *book.Judgement) {
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
	counted := map[book.Rule]bool{}
	for i := range j.Verdicts {
		v := &j.Verdicts[i]
		if v.Opened.Before(r.since) {
			continue
		}
		c := r.rules[v.Rule]
		if c == nil {
			c = &RuleCount{Rule: v.Rule, Worth: map[string]decimal.Decimal{}, ByPlace: map[string]int{}, ByRep: map[string]int{}}
			r.rules[v.Rule] = c
		}
		c.add(f, v, place, !counted[v.Rule])
		if v.Mended.IsZero() && v.Cannot == "" {
			counted[v.Rule] = true
		}
		if slices.Contains([]book.Rule{book.LossWithoutReason, book.LossReasonUnknown, book.LossReasonRefused}, v.Rule) {
			r.reason(f.Reason, v.Rule)
		}
	}
}

// reason counts a text however it is capitalized, by its first spelling.
func (r *rehearsal) reason(text string, rule book.Rule) {
	key := book.FoldReason(text)
	if r.reasons[key] == nil {
		r.reasons[key] = &ReasonCount{Text: text}
		if rule == book.LossReasonUnknown {
			r.reasons[key].Suggestions = r.c.Book.SuggestReasons(text)
		}
	}
	r.reasons[key].Count++
}

// add counts a verdict; first tells that it is the subject's first of the rule.
func (c *RuleCount) add(f *book.Facts, v *book.Verdict, place string, first bool) {
	switch {
	case v.Cannot != "":
		c.Cannot++
		return
	case !v.Mended.IsZero():
		c.Mended++
		return
	}
	c.Broken++
	c.ByPlace[place]++
	c.ByRep[f.Owner]++
	if v.Assumed {
		c.Assumed++
	}
	if !first {
		return
	}
	c.Subjects++
	if f.Amount != nil {
		c.Worth[f.Currency] = c.Worth[f.Currency].Add(*f.Amount)
	}
	kind := "deal"
	if f.Lead {
		kind = "lead"
	}
	c.Examples = append(c.Examples, SubjectRef{f.Connection, kind, f.ID, f.Title, f.Amount, f.Currency, v.Opened})
	if len(c.Examples) > 20*examplesOfRule {
		c.dearest()
	}
}

// dearest keeps the examples that are worth most.
func (c *RuleCount) dearest() {
	worth := func(s *SubjectRef) decimal.Decimal {
		if s.Amount == nil {
			return decimal.Zero
		}
		return *s.Amount
	}
	slices.SortStableFunc(c.Examples, func(a, b SubjectRef) int {
		return cmp.Or(worth(&b).Cmp(worth(&a)), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	c.Examples = c.Examples[:min(len(c.Examples), examplesOfRule)]
}

func (r *rehearsal) result() Rehearsal {
	out := Rehearsal{Deals: r.deals, Leads: r.leads, Rules: []RuleCount{}, Reasons: []ReasonCount{}, Outside: []OutsideCount{}, Fields: []string{}}
	for _, rule := range r.c.Book.RuleNames() {
		if c := r.rules[book.Rule(rule)]; c != nil {
			c.dearest()
			out.Rules = append(out.Rules, *c)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.reasons)) {
		out.Reasons = append(out.Reasons, *r.reasons[key])
	}
	slices.SortStableFunc(out.Reasons, func(a, b ReasonCount) int { return cmp.Compare(b.Count, a.Count) })
	for o, n := range r.outside {
		o.Deals = n
		out.Outside = append(out.Outside, o)
	}
	slices.SortFunc(out.Outside, func(a, b OutsideCount) int {
		return cmp.Or(cmp.Compare(b.Deals, a.Deals), cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Stage, b.Stage))
	})
	return out
}
