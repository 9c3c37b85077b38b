package enforce_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// made lists activities by what a person sees of them.
func made(list []enforce.Activity) (out []string) {
	for _, a := range list {
		out = append(out, fmt.Sprintf("%s: %s, %s", a.Type, a.Subject, a.Due))
	}
	return out
}

// TestAStageMakesItsTasks once, for whoever enters it while it is in the book.
func TestAStageMakesItsTasks(t *testing.T) {
	t.Parallel()
	all := []string{"call: Call the client, 2026-11-03", "task: Write it down, 2026-11-03"}
	stage := func(day int, task string) string {
		return fmt.Sprintf("stage/%d/main/need/%s", at(day, 10, 0).UnixMilli(), task)
	}
	for name, tc := range map[string]struct {
		stages []string
		lines  []string
		change func(*enforce.Policy, *book.Facts, *enforce.State)
		now    time.Time
		want   []string
	}{
		"it has entered":                {stages: []string{"11", "12"}, now: at(3, 10, 0), want: all},
		"it was made there":             {stages: []string{"12"}, now: at(2, 10, 0), want: []string{"call: Call the client, 2026-11-02", "task: Write it down, 2026-11-02"}},
		"somebody looks on a Sunday":    {stages: []string{"11", "12"}, now: at(8, 10, 0), want: []string{"call: Call the client, 2026-11-09", "task: Write it down, 2026-11-09"}},
		"on the eve of a holiday, late": {stages: []string{"11", "12"}, now: at(10, 20, 0), want: []string{"call: Call the client, 2026-11-12", "task: Write it down, 2026-11-12"}},
		"a stage that makes none":       {stages: []string{"11"}, now: at(3, 10, 0)},
		"it has gone on":                {stages: []string{"11", "12", "13"}, now: at(5, 10, 0)},
		"it has come back":              {stages: []string{"12", "13", "12"}, now: at(4, 10, 0), want: []string{"call: Call the client, 2026-11-04", "task: Write it down, 2026-11-04"}},
		"in no stage of the book":       {stages: []string{"12", "99"}, now: at(4, 10, 0)},
		"made before": {stages: []string{"11", "12"}, now: at(3, 10, 0), change: func(_ *enforce.Policy, _ *book.Facts, s *enforce.State) {
			s.Made = map[string]bool{stage(3, "call"): true}
		}, want: all[1:]},
		"refused": {stages: []string{"11", "12"}, now: at(3, 10, 0), change: func(_ *enforce.Policy, _ *book.Facts, s *enforce.State) {
			s.Refused = map[string]bool{stage(3, "write"): true}
		}, want: all[:1]},
		"made at an earlier stay": {stages: []string{"12", "13", "12"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, _ *book.Facts, s *enforce.State) {
			s.Made = map[string]bool{stage(2, "call"): true, stage(2, "write"): true}
		}, want: []string{"call: Call the client, 2026-11-04", "task: Write it down, 2026-11-04"}},
		"made before we brought it back": {stages: []string{"12", "13", "12"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, s *enforce.State) {
			f.Moves[2].Ours = true
			s.Made = map[string]bool{stage(2, "call"): true, stage(2, "write"): true}
		}},
		"before the book was in force":   {stages: []string{"11", "12"}, now: at(4, 10, 0), change: func(p *enforce.Policy, _ *book.Facts, _ *enforce.State) { p.Active = at(3, 10, 1) }},
		"before the connection was read": {stages: []string{"11", "12"}, now: at(4, 10, 0), change: func(p *enforce.Policy, _ *book.Facts, _ *enforce.State) { p.Read = at(3, 10, 1) }},
		"the very instant": {stages: []string{"11", "12"}, now: at(3, 10, 0), change: func(p *enforce.Policy, _ *book.Facts, _ *enforce.State) {
			p.Read, p.Active = at(3, 10, 0), at(3, 10, 0)
		}, want: all},
		"it is lost":                      {stages: []string{"11", "12"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Lost = at(3, 12, 0) }},
		"it is archived":                  {stages: []string{"11", "12"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Archived = at(3, 12, 0) }},
		"it is to be brought back":        {stages: []string{"13", "12"}, lines: []string{"{rule: moved_back, mode: revert}"}, now: at(3, 10, 0)},
		"it is not brought back any more": {stages: []string{"13", "12"}, lines: []string{"{rule: moved_back, mode: revert}"}, now: at(3, 10, 0), change: func(_ *enforce.Policy, _ *book.Facts, s *enforce.State) { s.Takens = []enforce.Taken{{To: "12"}} }, want: all},
	} {
		p, f, s := policy(t, "en", tc.lines...), deal(tc.stages...), enforce.State{}
		if tc.change != nil {
			tc.change(p, f, &s)
		}
		if d := cmp.Diff(tc.want, made(effects(p, f, s, tc.now).Activities)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

// TestALossMakesItsTasks once, with the days that the reason says.
func TestALossMakesItsTasks(t *testing.T) {
	t.Parallel()
	all := []string{"call: Call again, 2027-05-04", "task: Look at their price, 2026-11-04", "task: Tell marketing, 2026-11-04"}
	for name, tc := range map[string]struct {
		reason string
		lines  []string
		change func(*enforce.Policy, *book.Facts, *enforce.State)
		now    time.Time
		want   []string
	}{
		"for a reason that makes some": {reason: "PRICE!", now: at(4, 10, 0), want: all},
		"for one that makes none":      {reason: "no contact", now: at(4, 10, 0)},
		"for nothing":                  {now: at(4, 10, 0)},
		"on the day in a field":        {reason: "price", now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Fields["look on"] = "2026-12-05" }, want: []string{all[0], "task: Look at their price, 2026-12-05", all[2]}},
		"on a day that is over":        {reason: "price", now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Fields["look on"] = "2026-10-05" }, want: all},
		"in a field that holds no day": {reason: "price", now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Fields["look on"] = "soon" }, want: all},
		"heard of on Saturday":         {reason: "price", now: at(7, 10, 0), want: []string{all[0], "task: Look at their price, 2026-11-09", "task: Tell marketing, 2026-11-09"}},
		"heard of in a year":           {reason: "price", now: at(4, 10, 0).AddDate(1, 0, 0), want: []string{"call: Call again, 2027-11-04", "task: Look at their price, 2027-11-04", "task: Tell marketing, 2027-11-04"}},
		"made before": {reason: "price", now: at(4, 10, 0), change: func(_ *enforce.Policy, _ *book.Facts, s *enforce.State) {
			s.Made = map[string]bool{fmt.Sprintf("lost/%d/price/1", at(4, 10, 0).UnixMilli()): true}
		}, want: all[1:]},
		"before the book was in force":   {reason: "price", now: at(5, 10, 0), change: func(p *enforce.Policy, _ *book.Facts, _ *enforce.State) { p.Active = at(4, 10, 1) }},
		"before the connection was read": {reason: "price", now: at(5, 10, 0), change: func(p *enforce.Policy, _ *book.Facts, _ *enforce.State) { p.Read = at(4, 10, 1) }},
		"it was deleted since":           {reason: "price", now: at(5, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Deleted = at(4, 12, 0) }},
		"it is to be opened again":       {reason: "price", lines: []string{"{rule: loss_facts, mode: revert}"}, now: at(4, 10, 0)},
		"it is being opened again": {reason: "price", lines: []string{"{rule: loss_facts, mode: revert}"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, _ *book.Facts, s *enforce.State) {
			s.Made = map[string]bool{key(4, "lost"): true}
		}},
		"it waits for somebody to agree": {reason: "price", lines: []string{"{rule: loss_approval, mode: revert}"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) { f.Amount = amount(10001) }},
		"somebody has agreed": {reason: "price", lines: []string{"{rule: loss_approval, mode: revert}"}, now: at(4, 10, 0), change: func(_ *enforce.Policy, f *book.Facts, _ *enforce.State) {
			f.Amount, f.Approvals = amount(10001), []book.Approved{{At: at(4, 9, 0), Reason: "price"}}
		}, want: all},
		"it is in a mode that only tells": {reason: "price", lines: []string{"{rule: all, mode: tell}"}, now: at(4, 10, 0), want: all},
	} {
		p, f, s := policy(t, "en", tc.lines...), deal("11", "13"), enforce.State{}
		f.Lost, f.Reason = at(4, 10, 0), tc.reason
		if tc.change != nil {
			tc.change(p, f, &s)
		}
		if d := cmp.Diff(tc.want, made(effects(p, f, s, tc.now).Activities)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}
