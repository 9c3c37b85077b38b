package jobs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// longestSpelling is how many letters a text has at most on which something is
// decided: an index has to take it.
const longestSpelling = 500

// The states of a text that stands as a loss reason.
const (
	SpellingUnknown = "unknown" // nobody knows what it means
	SpellingReason  = "reason"  // it is one of the book's reasons
	SpellingRefused = "refused" // it is no reason
	SpellingVoid    = "void"    // somebody has decided for a reason that the book does not have
)

// ReasonText is what reps write as the reason of losses: texts that differ in
// case, blanks and punctuation alone count as one.
type ReasonText struct {
	Text        string                     `json:"text"`    // as it is written most often
	Written     []string                   `json:"written"` // all ways, the most frequent first
	Count       int64                      `json:"count"`
	Worth       map[string]decimal.Decimal `json:"worth"`     // of the deals, by currency
	LastUsed    *time.Time                 `json:"last_used"` // null: a decision on what nobody writes any more
	Connections []string                   `json:"connections"`
	State       string                     `json:"state"`
	Reason      string                     `json:"reason,omitempty"`      // id in the book
	By          string                     `json:"by,omitempty"`          // how that is known: book, decision or rename
	AlsoCalled  string                     `json:"also_called,omitempty"` // by a rename: the CRM's other name
	Decision    *Decision                  `json:"decision,omitempty"`
	Suggestions []book.Suggestion          `json:"suggestions"` // what it may mean, if it is not known
}

// Decision is what a person has decided on a text.
type Decision struct {
	Reason  string    `json:"reason,omitempty"` // id in the book, or else
	Refused bool      `json:"refused,omitempty"`
	Why     string    `json:"why,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Spellings lists what reps of a workspace write as loss reasons, and what it
// means by the book in force: what nobody knows first, then by how often it is
// written.
func (p *Pipeline) Spellings(ctx context.Context, workspace int64) ([]ReasonText, error) {
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return nil, err
	}
	l := &spellingList{e: e, groups: map[string]*reasonGroup{}}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error { return l.read(ctx, tx) })
	if err != nil {
		return nil, err
	}
	out := make([]ReasonText, 0, len(l.groups))
	for _, key := range slices.Sorted(maps.Keys(l.groups)) {
		out = append(out, l.groups[key].text())
	}
	slices.SortStableFunc(out, func(a, b ReasonText) int {
		return cmp.Or(cmp.Compare(urgency(&a), urgency(&b)), cmp.Compare(b.Count, a.Count))
	})
	return out, nil
}

// urgency puts first what somebody must decide.
func urgency(t *ReasonText) int {
	switch t.State {
	case SpellingUnknown, SpellingVoid:
		return 0
	}
	return 1
}

// spellingList collects texts and what they mean.
type spellingList struct {
	e       *evaluation
	decided book.Spellings
	groups  map[string]*reasonGroup // by folded text
}

// reasonGroup is texts that fold to one.
type reasonGroup struct {
	ReasonText
	written map[string]int64 // how often each is written
}

func (l *spellingList) read(ctx context.Context, tx pgx.Tx) error {
	decisions, err := postgres.SpellingsOf(ctx, tx, l.e.workspace)
	if err != nil {
		return err
	}
	l.decided = decided(decisions)
	texts, err := postgres.LossTexts(ctx, tx, l.e.workspace)
	if err != nil {
		return err
	}
	renamed := map[int64]renames{}
	for id, s := range l.e.sources {
		dict, err := Dictionary(ctx, tx, s.Workspace, s.ID)
		if err != nil {
			return err
		}
		renamed[id] = renamesOf(s.Map, dict)
	}
	for i := range texts {
		if s := l.e.sources[texts[i].Connection]; s != nil && strings.TrimSpace(texts[i].Text) != "" {
			l.add(s.Name, &texts[i], renamed[s.ID])
		}
	}
	for i := range decisions {
		l.decision(&decisions[i])
	}
	return nil
}

func (l *spellingList) group(folded string) *reasonGroup {
	g := l.groups[folded]
	if g == nil {
		g = &reasonGroup{ReasonText: ReasonText{Worth: map[string]decimal.Decimal{}, Connections: []string{}, Suggestions: []book.Suggestion{}}, written: map[string]int64{}}
		l.groups[folded] = g
	}
	return g
}

// add counts losses for a text. If what it means is not known in one of the
// connections, it is not known.
func (l *spellingList) add(connection string, t *postgres.LossText, renamed renames) {
	g := l.group(book.FoldReason(t.Text))
	g.written[t.Text] += t.Count
	g.Count += t.Count
	if t.Worth.IsPositive() {
		g.Worth[t.Currency] = g.Worth[t.Currency].Add(t.Worth)
	}
	if g.LastUsed == nil || t.Last.After(*g.LastUsed) {
		last := t.Last.UTC()
		g.LastUsed = &last
	}
	if !slices.Contains(g.Connections, connection) {
		g.Connections = append(g.Connections, connection)
	}
	if g.State == SpellingUnknown {
		return
	}
	l.means(g, t.Text, renamed.of(t.Text))
}

// means notes what a text means.
func (l *spellingList) means(g *reasonGroup, text string, renamed []string) {
	m := l.e.compiled.Meaning(text, renamed, l.decided)
	g.By, g.AlsoCalled, g.Reason = m.By, m.As, ""
	switch {
	case m.Reason != nil:
		g.State, g.Reason = SpellingReason, m.Reason.ID
	case m.Refused:
		g.State = SpellingRefused
	default:
		g.State, g.Suggestions = SpellingUnknown, l.e.compiled.Book.SuggestReasons(text)
	}
}

// decision notes what was decided on a text.
func (l *spellingList) decision(s *postgres.Spelling) {
	g := l.group(s.Folded)
	g.Decision = &Decision{Reason: value(s.Reason), Refused: s.Reason == nil, Why: s.Why, By: s.By, At: s.At.UTC()}
	if len(g.written) == 0 {
		g.written[s.Written] = 0
		l.means(g, s.Written, nil)
	}
	if g.State == SpellingUnknown {
		g.State = SpellingVoid // else it would be known
	}
}

func (g *reasonGroup) text() ReasonText {
	g.Written = slices.SortedFunc(maps.Keys(g.written), func(a, b string) int {
		return cmp.Or(cmp.Compare(g.written[b], g.written[a]), cmp.Compare(b, a)) // small letters first
	})
	g.Text = g.Written[0]
	slices.Sort(g.Connections)
	return g.ReasonText
}

// decided is what people have decided, as the book asks for it.
func decided(list []postgres.Spelling) book.Spellings {
	out := make(book.Spellings, len(list))
	for _, s := range list {
		out[s.Folded] = book.Spelling{Reason: value(s.Reason), Why: s.Why, By: s.By, At: s.At}
	}
	return out
}

// NewSpelling is a decision that somebody makes on a text.
type NewSpelling struct {
	Text   string
	Reason string // id in the book
	Refuse bool   // it is no reason
	Why    string // it is none
	Forget bool   // take back what was decided
	By     string
}

// SetSpelling stores a decision and has the losses judged anew for which the text
// was given; it returns how many these are.
func (p *Pipeline) SetSpelling(ctx context.Context, workspace int64, n NewSpelling) (losses int64, err error) {
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return 0, err
	}
	folded := book.FoldReason(n.Text)
	if err := n.sound(e.compiled, folded); err != nil {
		return 0, err
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		texts, count, err := textsOf(ctx, tx, workspace, folded)
		if err != nil {
			return err
		}
		if losses = count; count == 0 && !n.Forget {
			return fault.New(fault.NotFound, "no loss has that text as its reason: %q; `salesbook spellings --all` lists those that are written", n.Text)
		}
		if err := n.store(ctx, tx, workspace, folded); err != nil {
			return err
		}
		if err := postgres.MarkLost(ctx, tx, workspace, texts); err != nil {
			return err
		}
		_, err = p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: workspace}, nil)
		return err
	})
	return losses, err
}

// sound refuses a decision that could not take effect.
func (n *NewSpelling) sound(c *book.Compiled, folded string) error {
	if n.Forget {
		return nil
	}
	if letters := utf8.RuneCountInString(folded); letters > longestSpelling {
		return fault.New(fault.Invalid, "the text has %d letters: that is a story, and only a person can say what it means; at most %d", letters, longestSpelling)
	}
	if folded == "" {
		return fault.New(fault.Invalid, "no text at all is no reason, whatever anybody decides")
	}
	if n.Reason != "" && c.Book.LossReason(n.Reason) == nil {
		return fault.New(fault.Invalid, "the book has no reason %q; %s", n.Reason, c.Book.HintReason(n.Reason))
	}
	switch m := c.Meaning(n.Text, nil, nil); {
	case m.Reason != nil:
		return fault.New(fault.Invalid, "the book itself says that this is %s, and the book comes first; change it there", m.Reason.ID)
	case m.Refused:
		return fault.New(fault.Invalid, "the book itself refuses this, and the book comes first; change it there")
	}
	return nil
}

// store writes a decision, and who made it. The text may quote a client, so the
// audit has its number alone.
func (n *NewSpelling) store(ctx context.Context, tx pgx.Tx, workspace int64, folded string) error {
	var id int64
	var err error
	action, details := "set spelling", map[string]any{}
	switch {
	case n.Forget:
		action = "forget spelling"
		id, err = postgres.ForgetSpelling(ctx, tx, workspace, folded)
	case n.Refuse:
		details["refused"] = true
		id, err = postgres.SetSpelling(ctx, tx, workspace, postgres.Spelling{Folded: folded, Written: n.Text, Why: n.Why, By: n.By})
	default:
		details["reason"] = n.Reason
		id, err = postgres.SetSpelling(ctx, tx, workspace, postgres.Spelling{Folded: folded, Written: n.Text, Reason: &n.Reason, By: n.By})
	}
	if err != nil {
		return err
	}
	details["id"] = id
	return postgres.Audit(ctx, tx, workspace, n.By, action, "spelling", details)
}

// textsOf are the texts that stand as loss reasons and fold to one, and how many
// losses have them.
func textsOf(ctx context.Context, tx pgx.Tx, workspace int64, folded string) (texts []string, losses int64, err error) {
	list, err := postgres.LossTexts(ctx, tx, workspace)
	for _, t := range list {
		if book.FoldReason(t.Text) == folded {
			texts = append(texts, t.Text)
			losses += t.Count
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts), losses, err
}
