package enforce_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// TestWhatIsTakenBack: the latest step, if it broke a rule in revert and the deal is
// still where it led; else there is a task.
func TestWhatIsTakenBack(t *testing.T) {
	t.Parallel()
	move := func(f *book.Facts, day int, stage string, ours bool) {
		f.Moves = append(f.Moves, book.Move{At: at(day, 10, 0), Stage: stage, Ours: ours})
	}
	lost := func(f *book.Facts, reason string) { f.Lost, f.Reason = at(5, 10, 0), reason }
	for name, tc := range map[string]struct {
		rules  string
		stages []string
		change func(*book.Facts)
		state  enforce.State
		want   string // rule: what is undone, how; empty: nothing is
		task   bool
		tell   enforce.Occasion
	}{
		"a stage was skipped":                   {rules: "skipped_stage", stages: []string{"11", "13"}, want: "skipped_stage: 13, stage 11"},
		"the deal went back":                    {rules: "moved_back", stages: []string{"13", "12"}, want: "moved_back: 12, stage 13"},
		"into a stage that it may not enter":    {rules: "entry_criteria", stages: []string{"12", "13"}, want: "entry_criteria: 13, stage 12"},
		"out of a stage that has no result":     {rules: "exit_criteria", stages: []string{"12", "13"}, want: "exit_criteria: 13, stage 12"},
		"a task was not done":                   {rules: "task_not_done", stages: []string{"12", "13"}, want: "task_not_done: 13, stage 12"},
		"a rule of the book's own":              {rules: "spoken", stages: []string{"12", "13"}, want: "spoken: 13, stage 12"},
		"several rules are one":                 {rules: "spoken entry_criteria exit_criteria task_not_done", stages: []string{"12", "13"}, want: "entry_criteria: 13, stage 12"},
		"what is not broken":                    {rules: "skipped_stage", stages: []string{"11", "12"}},
		"two moves, of which the first is bad":  {rules: "entry_criteria", stages: []string{"12", "13", "14"}, task: true},
		"it was moved once more, for nothing":   {rules: "skipped_stage", stages: []string{"11", "13", "13"}, want: "skipped_stage: 13, stage 11"},
		"it was lost since":                     {rules: "skipped_stage", stages: []string{"11", "13"}, change: func(f *book.Facts) { lost(f, "") }},
		"it was deleted since":                  {rules: "skipped_stage", stages: []string{"11", "13"}, change: func(f *book.Facts) { f.Deleted = at(5, 10, 0) }},
		"we brought it back":                    {rules: "skipped_stage", stages: []string{"11", "13"}, change: func(f *book.Facts) { move(f, 5, "11", true) }},
		"ours is the last, though it breaks":    {rules: "skipped_stage moved_back", stages: []string{"11"}, change: func(f *book.Facts) { move(f, 5, "14", true) }},
		"it is on its way":                      {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Made: map[string]bool{key(3, "13"): true}}},
		"somebody did not agree":                {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Refused: map[string]bool{key(3, "13"): true}}, task: true},
		"the CRM has refused it":                {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Refused: map[string]bool{key(3, "13"): true}, Barred: map[string]bool{key(3, "13"): true}}, task: true, tell: enforce.Barred},
		"the CRM has refused an earlier one":    {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Refused: map[string]bool{key(2, "13"): true}, Barred: map[string]bool{key(2, "13"): true}}, want: "skipped_stage: 13, stage 11"},
		"it was taken back before":              {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Takens: []enforce.Taken{{Key: key(2, "13"), To: "13", At: at(2, 12, 0)}}}, task: true, tell: enforce.Repeated},
		"another stage was":                     {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Takens: []enforce.Taken{{Key: key(2, "14"), To: "14", At: at(2, 12, 0)}}}, want: "skipped_stage: 13, stage 11"},
		"this was, and so says its history":     {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Takens: []enforce.Taken{{Key: key(3, "13"), To: "13", At: at(3, 12, 0)}}}},
		"it cannot be judged":                   {rules: "loss_approval", stages: []string{"13"}, change: func(f *book.Facts) { lost(f, "price"); f.Amount, f.Currency = amount(50000), "USD" }},
		"this was, and we have not heard":       {rules: "skipped_stage", stages: []string{"11", "13"}, state: enforce.State{Made: map[string]bool{key(3, "13"): true}, Takens: []enforce.Taken{{Key: key(3, "13"), To: "13", At: at(3, 12, 0)}}}},
		"a loss without reason":                 {rules: "loss_without_reason", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, "") }, want: "loss_without_reason: lost, opened"},
		"a reason of nobody's":                  {rules: "loss_reason_unknown", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, "moon") }, want: "loss_reason_unknown: lost, opened"},
		"a reason that is none":                 {rules: "loss_reason_refused", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, "no time") }, want: "loss_reason_refused: lost, opened"},
		"too early":                             {rules: "loss_too_early", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, "price") }, want: "loss_too_early: lost, opened"},
		"without what the reason asks for":      {rules: "loss_criteria", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, "no contact") }, want: "loss_criteria: lost, opened"},
		"without its facts":                     {rules: "loss_facts", stages: []string{"13"}, change: func(f *book.Facts) { lost(f, "price") }, want: "loss_facts: lost, opened"},
		"nobody has agreed":                     {rules: "loss_approval", stages: []string{"13"}, change: func(f *book.Facts) { lost(f, "price"); f.Amount = amount(10001) }, want: "loss_approval: lost, opened, asks", tell: enforce.Decision},
		"nobody has agreed, and facts are none": {rules: "loss_facts loss_approval", stages: []string{"13"}, change: func(f *book.Facts) { lost(f, "price"); f.Amount = amount(10001) }, want: "loss_facts: lost, opened, asks", tell: enforce.Decision},
		"a loss that is archived since":         {rules: "loss_without_reason", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, ""); f.Archived = at(6, 10, 0) }},
		"a loss that was taken back before":     {rules: "loss_without_reason", stages: []string{"12"}, change: func(f *book.Facts) { lost(f, "") }, state: enforce.State{Takens: []enforce.Taken{{Key: key(3, "lost"), To: "lost", At: at(3, 12, 0)}}}, task: true, tell: enforce.Repeated},
		"won without a contract":                {rules: "won_criteria", stages: []string{"13"}, change: func(f *book.Facts) { f.Won = at(5, 10, 0) }, want: "won_criteria: won, opened"},
		"won too early":                         {rules: "won_too_early", stages: []string{"12"}, change: func(f *book.Facts) { f.Won = at(5, 10, 0) }, want: "won_too_early: won, opened"},
		"won for nothing":                       {rules: "won_without_amount", stages: []string{"13"}, change: func(f *book.Facts) { f.Won = at(5, 10, 0) }, want: "won_without_amount: won, opened"},
		"deleted":                               {rules: "deleted_open", stages: []string{"12"}, change: func(f *book.Facts) { f.Deleted = at(5, 10, 0) }, want: "deleted_open: deleted, restored"},
		"archived":                              {rules: "archived_open", stages: []string{"12"}, change: func(f *book.Facts) { f.Archived = at(5, 10, 0) }, want: "archived_open: archived, restored"},
		"deleted again":                         {rules: "deleted_open", stages: []string{"12"}, change: func(f *book.Facts) { f.Deleted = at(5, 10, 0) }, state: enforce.State{Takens: []enforce.Taken{{Key: key(3, "deleted"), To: "deleted", At: at(3, 12, 0)}}}, tell: enforce.Repeated},
	} {
		var lines []string
		for _, rule := range strings.Fields(tc.rules) {
			lines = append(lines, "{rule: "+rule+", mode: revert}")
		}
		f := deal(tc.stages...)
		if tc.change != nil {
			tc.change(f)
		}
		e := effects(policy(t, "en", lines...), f, tc.state, at(9, 12, 0))
		got := ""
		for _, r := range e.Reverts {
			got += taken(r)
		}
		if got != tc.want {
			t.Errorf("%s: %q is taken back, want %q", name, got, tc.want)
		}
		if (e.Task != nil) != tc.task {
			t.Errorf("%s: the task is %+v", name, e.Task)
		}
		occasion := enforce.Occasion("")
		if len(e.Tells) > 0 {
			occasion = e.Tells[0].Occasion
			if d := cmp.Diff([]string{"marina@x.pl"}, e.Tells[0].To); d != "" {
				t.Errorf("%s: told are (-want +got) %s", name, d)
			}
		}
		if len(e.Tells) > 1 || occasion != tc.tell {
			t.Errorf("%s: told is %+v, want %q", name, e.Tells, tc.tell)
		}
		for _, r := range e.Reverts {
			if n := strings.Count(r.Note, "<li>"); n != len(lines) {
				t.Errorf("%s: the note has %d of %d violations: %s", name, n, len(lines), r.Note)
			}
		}
	}
}

func key(day int, undoes string) string {
	return fmt.Sprintf("revert/%d/%s", at(day, 10, 0).UnixMilli(), undoes)
}

// taken tells what is taken back, and how.
func taken(r enforce.Revert) string {
	s := string(r.Rule) + ": " + r.Undoes
	if r.Stage != "" {
		s += ", stage " + r.Stage
	}
	if r.Reopen {
		s += ", opened"
	}
	if r.Unhide {
		s += ", restored"
	}
	if r.NeedsYes {
		s += ", asks"
	}
	return s
}

// TestKeysAreOfTheStep and not of the instant at which somebody looks.
func TestKeysAreOfTheStep(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: skipped_stage, mode: revert}")
	for _, now := range []time.Time{at(3, 10, 0), at(20, 10, 0)} {
		if r := effects(p, deal("11", "13"), enforce.State{}, now).Reverts; len(r) != 1 || r[0].Key != key(3, "13") || r[0].Cause != "skipped_stage|main/lead→offer|2026-11-03T09:00:00Z" {
			t.Errorf("at %v: %+v", now, r)
		}
	}
}

// TestNothingIsTakenBackBeforeItsTime: neither within the grace, nor what happened
// before the rule was in revert; that becomes a task if it was one then.
func TestNothingIsTakenBackBeforeItsTime(t *testing.T) {
	t.Parallel()
	p := policy(t, "en", "{rule: skipped_stage, mode: revert, grace: 1h}")
	if e := effects(p, deal("11", "13"), enforce.State{}, at(3, 10, 59)); len(e.Reverts) > 0 || !e.NextDue.Equal(at(3, 11, 0)) {
		t.Errorf("within the grace: %+v", e)
	}
	if e := effects(p, deal("11", "13"), enforce.State{}, at(3, 11, 0)); len(e.Reverts) != 1 {
		t.Errorf("after it: %+v", e)
	}
	p = policy(t, "en", "{rule: skipped_stage, mode: task}", "{rule: skipped_stage, mode: revert, from: 2026-11-04}")
	if e := effects(p, deal("11", "13"), enforce.State{}, at(4, 10, 0)); len(e.Reverts) > 0 || e.Task == nil {
		t.Errorf("what happened before: %+v", e)
	}
}
