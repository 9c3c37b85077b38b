package enforce_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// TestWhoIsToldAtOnce: of a lead that nobody answers, of large deals that hang, of
// stages that say so and of losses that wait; never of the backlog.
func TestWhoIsToldAtOnce(t *testing.T) {
	t.Parallel()
	lead := func(f *book.Facts) { f.Lead, f.Moves = true, nil }
	large := func(n int64, currency string) func(*book.Facts) {
		return func(f *book.Facts) { f.Amount, f.Currency = amount(n), currency }
	}
	const overdue = "{rule: first_response, mode: tell}"
	for name, tc := range map[string]struct {
		lines  []string
		stage  string
		change func(*book.Facts)
		now    time.Time
		want   []string
		next   time.Time
	}{
		"nobody answers":             {lines: []string{overdue}, change: lead, now: at(2, 10, 15), want: []string{"overdue_lead first_response: anna@x.pl"}, next: at(2, 10, 45)},
		"a minute is left":           {lines: []string{overdue}, change: lead, now: at(2, 10, 14), next: at(2, 10, 15)},
		"still nobody":               {lines: []string{overdue}, change: lead, now: at(2, 10, 45), want: []string{"escalation first_response: marina@x.pl", "overdue_lead first_response: anna@x.pl"}},
		"nobody has it":              {lines: []string{overdue}, change: func(f *book.Facts) { lead(f); f.Owner = "" }, now: at(2, 10, 15), want: []string{"overdue_lead first_response: marina@x.pl"}},
		"it is only observed":        {lines: []string{"{rule: first_response, mode: observe}"}, change: lead, now: at(2, 10, 45)},
		"it is backlog":              {lines: []string{"{rule: first_response, mode: tell, from: 2026-11-03}"}, change: lead, now: at(4, 10, 45)},
		"answered too late":          {lines: []string{overdue}, change: func(f *book.Facts) { lead(f); f.Notes = []book.Note{{ID: "1", At: at(2, 10, 30)}} }, now: at(2, 10, 45)},
		"it is lost":                 {lines: []string{overdue}, change: func(f *book.Facts) { f.Lost = at(2, 10, 20) }, stage: "11", now: at(2, 10, 45)},
		"a large deal hangs":         {lines: []string{"{rule: no_next_step, mode: tell}"}, stage: "13", change: large(20000, "PLN"), now: at(3, 10, 0), want: []string{"large_deal no_next_step: anna@x.pl, marina@x.pl"}},
		"a small one":                {lines: []string{"{rule: no_next_step, mode: tell}"}, stage: "13", change: large(19999, "PLN"), now: at(3, 10, 0)},
		"in euros":                   {lines: []string{"{rule: no_next_step, mode: tell}"}, stage: "13", change: large(5000, "EUR"), now: at(3, 10, 0), want: []string{"large_deal no_next_step: anna@x.pl, marina@x.pl"}},
		"in euros, too few of them":  {lines: []string{"{rule: no_next_step, mode: tell}"}, stage: "14", change: large(4000, "EUR"), now: at(3, 10, 0), next: at(31, 0, 0)},
		"and then euros are dearer":  {lines: []string{"{rule: no_next_step, mode: tell}"}, stage: "14", change: large(4000, "EUR"), now: at(31, 0, 0), want: []string{"large_deal no_next_step: anna@x.pl, marina@x.pl"}},
		"in what nobody knows":       {lines: []string{"{rule: no_next_step, mode: tell}"}, stage: "13", change: large(50000, "USD"), now: at(3, 10, 0)},
		"a large one is incomplete":  {lines: []string{"{rule: required_fields, mode: tell}"}, stage: "12", change: large(20000, "PLN"), now: at(3, 10, 0)},
		"a stage says who is told":   {lines: []string{"{rule: over_limit, mode: tell}"}, stage: "12", now: at(9, 10, 0), want: []string{"past_limit over_limit: anna@x.pl, marina@x.pl"}},
		"it is not over its limit":   {lines: []string{"{rule: over_limit, mode: tell}"}, stage: "12", now: at(9, 9, 59), next: at(9, 10, 0)},
		"nobody touches the client":  {lines: []string{"{rule: no_touch, mode: task}"}, stage: "12", now: at(5, 10, 0), want: []string{"past_limit no_touch: anna@x.pl, marina@x.pl"}},
		"a stage says nothing of it": {lines: []string{"{rule: over_limit, mode: tell}"}, stage: "13", now: at(29, 10, 0)},
		"a loss waits":               {lines: []string{"{rule: loss_approval, mode: tell}"}, stage: "13", change: func(f *book.Facts) { large(10001, "PLN")(f); f.Lost, f.Reason = at(3, 10, 0), "price" }, now: at(3, 10, 0), want: []string{"decision loss_approval: marina@x.pl"}},
		"a rule of another kind":     {lines: []string{"{rule: no_owner, mode: tell}"}, stage: "13", change: func(f *book.Facts) { f.Owner = "" }, now: at(3, 10, 0)},
	} {
		f := deal(tc.stage)
		if tc.change != nil {
			tc.change(f)
		}
		p := policy(t, "en", tc.lines...)
		e := effects(p, f, enforce.State{}, tc.now)
		var got []string
		for _, tell := range e.Tells {
			got = append(got, fmt.Sprintf("%s %s: %s", tell.Occasion, tell.Rule, strings.Join(tell.To, ", ")))
			if tell.Key == "" || tell.Opened.IsZero() || !strings.HasPrefix(tell.Key, string(tell.Occasion)+"/") {
				t.Errorf("%s: %+v", name, tell)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
		if !tc.next.IsZero() && !e.NextDue.Equal(tc.next) {
			t.Errorf("%s: it may change at %v, want %v", name, e.NextDue, tc.next)
		}
		later := effects(p, f, enforce.State{}, tc.now.Add(time.Second))
		for i := range min(len(later.Tells), len(e.Tells)) {
			if later.Tells[i].Key != e.Tells[i].Key {
				t.Errorf("%s: the key changes: %s, %s", name, e.Tells[i].Key, later.Tells[i].Key)
			}
		}
	}
}

// TestCardsOfDealsThatHaveEndedShowNoBacklog: thousands of them have, and nobody
// works with them.
func TestCardsOfDealsThatHaveEndedShowNoBacklog(t *testing.T) {
	t.Parallel()
	p, open, lost := policy(t, "en", "{rule: all, mode: tell}"), deal("11", "13"), deal("11", "13")
	lost.Lost = at(4, 10, 0)
	for instant, want := range map[time.Time]string{at(4, 10, 0): "No loss reason. Choose the reason of the loss.", at(4, 10, 1): ""} {
		since(instant)(p)
		if card := effects(p, lost, enforce.State{}, at(9, 10, 0)).Card; card != want {
			t.Errorf("in force since %v: %q, want %q", instant, card, want)
		}
		if card := effects(p, open, enforce.State{}, at(9, 10, 0)).Card; !strings.Contains(card, "skipped") {
			t.Errorf("an open deal of the backlog: %q", card)
		}
	}
}

// TestWhatIsGoneIsLeftAlone: deleted and archived deals are not written to, and of
// those that have ended only the end is looked at.
func TestWhatIsGoneIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change                   func(*book.Facts)
		card, task, leave, tells bool
	}{
		"open":             {func(*book.Facts) {}, true, true, false, true},
		"lost for nothing": {func(f *book.Facts) { f.Lost = at(13, 10, 0) }, true, true, false, false},
		"lost as it should": {func(f *book.Facts) {
			f.Lost, f.Reason = at(13, 10, 0), "price"
			f.Fields = map[string]string{"their price": "1", "whose": "x"}
		}, false, false, false, false},
		"won":               {func(f *book.Facts) { f.Won, f.Amount = at(13, 10, 0), amount(5) }, true, true, false, false},
		"deleted":           {func(f *book.Facts) { f.Deleted = at(13, 10, 0) }, false, false, true, false},
		"archived":          {func(f *book.Facts) { f.Archived = at(13, 10, 0) }, false, false, true, false},
		"lost and archived": {func(f *book.Facts) { f.Lost, f.Archived = at(13, 10, 0), at(14, 10, 0) }, false, false, true, false},
		"deleted tomorrow":  {func(f *book.Facts) { f.Deleted = at(21, 10, 0) }, true, true, false, true},
		"gone":              {func(f *book.Facts) { f.Gone = true }, false, false, true, false},
	} {
		f := deal("11", "13")
		f.Amount = amount(20000)
		f.Approvals = []book.Approved{{At: at(13, 9, 0), Reason: "price"}}
		tc.change(f)
		e := effects(policy(t, "en", "{rule: all, mode: task}"), f, enforce.State{}, at(20, 10, 0))
		if got, want := [4]bool{e.Card != "", e.Task != nil, e.Leave, len(e.Tells) > 0}, [4]bool{tc.card, tc.task, tc.leave, tc.tells}; got != want {
			t.Errorf("%s: card, task, leave, tells are %v, want %v: %+v", name, got, want, e)
		}
		if strings.Contains(e.Card, "skipped") && e.Task != nil && f.Lost != (time.Time{}) {
			t.Errorf("%s: the card speaks of the way: %s", name, e.Card)
		}
	}
}
