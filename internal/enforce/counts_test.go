package enforce_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// A deal without a next step broke no_next_step when it was made, on Monday, the
// 2nd of November at 10:00.
func cause() string { return "no_next_step||2026-11-02T09:00:00Z" }

// TestWhatIsDoneFollowsFromTheMode on one violation: whether it stands on the card,
// in a task, and in the digest, and until when.
func TestWhatIsDoneFollowsFromTheMode(t *testing.T) {
	t.Parallel()
	const task = "{rule: no_next_step, mode: task}"
	for name, tc := range map[string]struct {
		lines            []string
		change           func(*enforce.Policy)
		state            enforce.State
		now              time.Time
		card, task, told bool
		next             time.Time
	}{
		"no line":                                {now: at(3, 10, 0)},
		"observed":                               {lines: []string{"{rule: no_next_step, mode: observe}"}, now: at(3, 10, 0)},
		"told":                                   {lines: []string{"{rule: no_next_step, mode: tell}"}, now: at(3, 10, 0), card: true, told: true},
		"a task":                                 {lines: []string{task}, now: at(3, 10, 0), card: true, task: true, told: true},
		"another rule":                           {lines: []string{"{rule: no_owner, mode: task}"}, now: at(3, 10, 0)},
		"more than all rules":                    {lines: []string{"{rule: all, mode: observe}", task}, now: at(3, 10, 0), card: true, task: true, told: true},
		"less than all rules":                    {lines: []string{"{rule: all, mode: observe, from: 2026-11-04}", "{rule: no_next_step, mode: \"off\"}"}, now: at(4, 10, 0)},
		"not yet":                                {lines: []string{"{rule: no_next_step, mode: task, from: 2026-11-04}"}, now: at(3, 10, 0), next: at(4, 0, 0)},
		"what broke before is backlog":           {lines: []string{"{rule: no_next_step, mode: task, from: 2026-11-04}"}, now: at(4, 0, 0), card: true},
		"from the day on that it broke":          {lines: []string{"{rule: no_next_step, mode: task, from: 2026-11-02}"}, now: at(3, 10, 0), card: true, task: true, told: true},
		"told before it became a task":           {lines: []string{"{rule: no_next_step, mode: tell}", "{rule: no_next_step, mode: task, from: 2026-11-04}"}, now: at(4, 10, 0), card: true, told: true},
		"a task that is only told any more":      {lines: []string{task, "{rule: no_next_step, mode: tell, from: 2026-11-04}"}, now: at(4, 10, 0), card: true, told: true},
		"before it is only told":                 {lines: []string{task, "{rule: no_next_step, mode: tell, from: 2026-11-04}"}, now: at(3, 10, 0), card: true, task: true, told: true, next: at(4, 0, 0)},
		"off for a day breaks the row":           {lines: []string{task, "{rule: no_next_step, mode: observe, from: 2026-11-04}", "{rule: no_next_step, mode: task, from: 2026-11-05}"}, now: at(5, 10, 0), card: true},
		"within the grace":                       {lines: []string{"{rule: no_next_step, mode: task, grace: 16wh}"}, now: at(3, 16, 59), next: at(3, 17, 0)},
		"the grace is over":                      {lines: []string{"{rule: no_next_step, mode: task, grace: 16wh}"}, now: at(3, 17, 0), card: true, task: true, told: true},
		"the book was put in force later":        {lines: []string{task}, change: func(p *enforce.Policy) { p.Since[book.NoNextStep][book.TaskIt] = at(2, 10, 1) }, now: at(3, 10, 0), card: true, told: true},
		"it told later, too":                     {lines: []string{task}, change: since(at(2, 10, 1)), now: at(3, 10, 0), card: true},
		"the very instant":                       {lines: []string{task}, change: since(at(2, 10, 0)), now: at(3, 10, 0), card: true, task: true, told: true},
		"nobody knows since when":                {lines: []string{task}, change: func(p *enforce.Policy) { p.Since = nil }, now: at(3, 10, 0), card: true},
		"the connection was read later":          {lines: []string{task}, change: func(p *enforce.Policy) { p.Read = at(2, 12, 0) }, now: at(3, 10, 0), card: true},
		"excused":                                {lines: []string{task}, state: enforce.State{Excused: map[string]time.Time{cause(): at(4, 0, 0)}}, now: at(3, 10, 0), next: at(4, 0, 0), told: true},
		"no longer excused":                      {lines: []string{task}, state: enforce.State{Excused: map[string]time.Time{cause(): at(4, 0, 0)}}, now: at(4, 0, 0), card: true, task: true, told: true},
		"another is excused":                     {lines: []string{task}, state: enforce.State{Excused: map[string]time.Time{"no_next_step||x": at(4, 0, 0)}}, now: at(3, 10, 0), card: true, task: true, told: true},
		"a task stands":                          {lines: []string{task}, state: enforce.State{Task: &enforce.Standing{Open: true, Causes: []string{cause()}}}, now: at(3, 10, 0), card: true, task: true, told: true},
		"the rep has closed it":                  {lines: []string{task}, state: enforce.State{Task: &enforce.Standing{Causes: []string{cause()}}}, now: at(3, 10, 0), card: true, told: true},
		"the rep has closed one about more":      {lines: []string{task}, state: enforce.State{Task: &enforce.Standing{Causes: []string{"x", cause()}}}, now: at(3, 10, 0), card: true, told: true},
		"the rep has closed one about something": {lines: []string{task}, state: enforce.State{Task: &enforce.Standing{Causes: []string{"x"}}}, now: at(3, 10, 0), card: true, task: true, told: true},
		"we have closed it":                      {lines: []string{task}, state: enforce.State{Task: &enforce.Standing{ByUs: true, Causes: []string{cause()}}}, now: at(3, 10, 0), card: true, task: true, told: true},
	} {
		p := policy(t, "en", tc.lines...)
		if tc.change != nil {
			tc.change(p)
		}
		f := deal("11")
		e := effects(p, f, tc.state, tc.now)
		_, told := p.Told(book.NoNextStep, at(2, 10, 0), f.Owner, tc.now)
		got := [3]bool{e.Card != "", e.Task != nil, told}
		if want := [3]bool{tc.card, tc.task, tc.told}; got != want {
			t.Errorf("%s: card, task and told are %v, want %v: %+v", name, got, want, e)
		}
		if tc.task && (len(e.Task.Causes) != 1 || e.Task.Causes[0] != cause()) {
			t.Errorf("%s: the task is about %v", name, e.Task.Causes)
		}
		if !tc.next.IsZero() && !e.NextDue.Equal(tc.next) {
			t.Errorf("%s: it may change at %v, want %v", name, e.NextDue, tc.next)
		}
	}
}

// since is a book that was put in force at an instant.
func since(at time.Time) func(*enforce.Policy) {
	return func(p *enforce.Policy) {
		for _, modes := range p.Since {
			for m := range modes {
				modes[m] = at
			}
		}
	}
}

// TestModes: what is more than told is told, too, and off days to come count.
func TestModes(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: all, mode: observe}", "{rule: no_owner, mode: tell, from: 2027-01-01}", "{rule: no_touch, mode: task}", "{rule: no_touch, mode: observe, from: 2026-12-01}",
		"{rule: skipped_stage, mode: revert}", "{rule: moved_back, mode: \"off\"}")
	want := map[book.Rule][]book.Mode{
		book.NoOwner: {book.Tell}, book.NoTouch: {book.Tell, book.TaskIt}, book.SkippedStage: {book.Tell, book.TaskIt, book.Revert},
	}
	if d := cmp.Diff(want, enforce.Modes(p.Book.Book)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
