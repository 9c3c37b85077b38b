package book

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatWasTakenBackIsMended: by that alone, from that instant on, and by no
// other move. Our own moves break nothing.
func TestWhatWasTakenBackIsMended(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	at := func(hour int) time.Time { return time.Date(2026, 11, 2, hour, 0, 0, 0, time.UTC) }
	rep := func(hour int, stage string) Move { return Move{At: at(hour), Stage: "main/" + stage} }
	ours := func(hour int, stage string) Move { return Move{At: at(hour), Stage: "main/" + stage, Ours: true} }
	for name, tc := range map[string]struct {
		moves []Move
		want  []string
	}{
		"a stage was skipped": {[]Move{rep(8, "Qualify"), rep(9, "Offer")},
			[]string{"exit_criteria main/qualify/1", "skipped_stage main/qualify→offer", "spoken main/qualify", "task_not_done main/qualify/call"}},
		"and the deal brought back": {[]Move{rep(8, "Qualify"), rep(9, "Offer"), ours(10, "Qualify")},
			[]string{"exit_criteria main/qualify/1 mended 10", "skipped_stage main/qualify→offer mended 10", "spoken main/qualify mended 10", "task_not_done main/qualify/call mended 10"}},
		"by the rep himself": {[]Move{rep(8, "Qualify"), rep(9, "Offer"), rep(10, "Qualify")},
			[]string{"exit_criteria main/qualify/1", "moved_back main/offer→qualify", "skipped_stage main/qualify→offer mended 10", "spoken main/qualify", "task_not_done main/qualify/call"}},
		"it went back, and was brought forward": {[]Move{rep(8, "Paid"), rep(9, "Offer"), ours(10, "Paid")},
			[]string{"moved_back main/paid→offer mended 10"}},
		"what was brought back is skipped again": {[]Move{rep(8, "Lead"), rep(9, "Offer"), ours(10, "Lead"), rep(11, "Offer")},
			[]string{"skipped_stage main/lead→offer", "skipped_stage main/lead→offer mended 10"}},
		"the entry before it stays": {[]Move{rep(8, "Lead"), rep(9, "Demo"), rep(10, "Paid"), ours(11, "Demo")},
			[]string{"entry_criteria main/demo/1", "skipped_stage main/demo→paid mended 11", "skipped_stage main/lead→demo"}},
		"later than we look": {[]Move{rep(8, "Lead"), rep(9, "Offer"), ours(13, "Lead")},
			[]string{"skipped_stage main/lead→offer"}},
	} {
		f := &Facts{Owner: "closer@x.pl", Added: at(8), Moves: tc.moves}
		var got []string
		for _, v := range c.Judge(f, at(12)).Verdicts {
			if v.Step > 0 {
				one := string(v.Rule) + " " + v.Detail
				if !v.Mended.IsZero() {
					one += fmt.Sprint(" mended ", v.Mended.Hour())
				}
				got = append(got, one)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
		for _, s := range c.Steps(f, at(12)) {
			if f.Moves[s.Number-1].Ours {
				t.Errorf("%s: our move is a step of a rep's: %+v", name, s)
			}
		}
	}
}

// TestAStayGoesOnWhereADealIsBroughtBackTo: its limit runs from the first entry
// on, and what has broken meanwhile is broken since it is back.
func TestAStayGoesOnWhereADealIsBroughtBackTo(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	on := func(day int) time.Time { return time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC) }
	for name, tc := range map[string]struct {
		moves  []Move
		opened time.Time
	}{
		"it is over when the deal comes back":   {[]Move{{At: on(2), Stage: "main/Demo"}, {At: on(15), Stage: "main/Offer"}, {At: on(18), Stage: "main/Demo", Ours: true}}, on(18)},
		"it is over later":                      {[]Move{{At: on(2), Stage: "main/Demo"}, {At: on(3), Stage: "main/Offer"}, {At: on(4), Stage: "main/Demo", Ours: true}}, on(16)},
		"it was over before":                    {[]Move{{At: on(2), Stage: "main/Demo"}, {At: on(17), Stage: "main/Offer"}, {At: on(18), Stage: "main/Demo", Ours: true}}, on(16)},
		"twice":                                 {[]Move{{At: on(2), Stage: "main/Demo"}, {At: on(3), Stage: "main/Offer"}, {At: on(4), Stage: "main/Demo", Ours: true}, {At: on(15), Stage: "main/Paid"}, {At: on(17), Stage: "main/Demo", Ours: true}}, on(17)},
		"a rep who goes back begins anew":       {[]Move{{At: on(2), Stage: "main/Demo"}, {At: on(3), Stage: "main/Offer"}, {At: on(4), Stage: "main/Demo"}}, on(18)},
		"brought to a stage that it was not in": {[]Move{{At: on(2), Stage: "main/Offer"}, {At: on(3), Stage: "main/Paid"}, {At: on(4), Stage: "main/Demo", Ours: true}}, on(18)},
	} {
		f := &Facts{Owner: "closer@x.pl", Added: on(2), Moves: tc.moves}
		var opened time.Time
		for _, v := range c.Judge(f, on(20)).Verdicts {
			if v.Rule == OverLimit {
				opened = v.Opened
			}
		}
		if !opened.Equal(tc.opened) {
			t.Errorf("%s: over its limit since %v, want %v", name, opened, tc.opened)
		}
	}
}

// TestAStageThatWasTakenBackWasNotPassed, or a skip would meet what it skipped.
func TestAStageThatWasTakenBackWasNotPassed(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	at := func(hour int) time.Time { return time.Date(2026, 11, 2, hour, 0, 0, 0, time.UTC) }
	s := &subject{c: c, Facts: &Facts{Moves: []Move{{At: at(8), Stage: "main/Lead"}, {At: at(9), Stage: "main/Demo"}, {At: at(10), Stage: "main/Lead", Ours: true}}}}
	for hour, want := range map[int]bool{8: false, 9: true, 10: false} {
		if s.at = at(hour); s.passed("main/demo").holds != want {
			t.Errorf("at %d it has passed the stage: %v", hour, !want)
		}
	}
}

// TestLast is what people did last, and not what we did since.
func TestLast(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 11, 2, hour, 0, 0, 0, time.UTC) }
	moves := []Move{{At: at(8), Stage: "a"}, {At: at(9), Stage: "b"}, {At: at(10), Stage: "b"}, {At: at(11), Stage: "a", Ours: true}, {At: at(12), Stage: "c"}}
	for name, tc := range map[string]struct {
		facts Facts
		now   time.Time
		want  Last
		did   bool
	}{
		"made":                       {Facts{Moves: moves}, at(8), Last{}, false},
		"moved":                      {Facts{Moves: moves}, at(9), Last{Step: 2, At: at(9), From: "a", To: "b"}, true},
		"moved to where it stood":    {Facts{Moves: moves}, at(10), Last{Step: 2, At: at(9), From: "a", To: "b"}, true},
		"brought back":               {Facts{Moves: moves}, at(11), Last{}, false},
		"moved from there":           {Facts{Moves: moves}, at(12), Last{Step: 5, At: at(12), From: "a", To: "c"}, true},
		"lost":                       {Facts{Moves: moves, Lost: at(13)}, at(13), Last{Step: 6, At: at(13), End: "lost"}, true},
		"won":                        {Facts{Moves: moves, Won: at(13)}, at(14), Last{Step: 6, At: at(13), End: "won"}, true},
		"deleted, after it was lost": {Facts{Moves: moves, Lost: at(13), Deleted: at(14)}, at(15), Last{Step: 6, At: at(13), End: "lost"}, true},
		"deleted":                    {Facts{Moves: moves, Deleted: at(13)}, at(13), Last{At: at(13), End: "deleted"}, true},
		"archived":                   {Facts{Moves: moves, Archived: at(13)}, at(13), Last{At: at(13), End: "archived"}, true},
		"a lead":                     {Facts{Lead: true}, at(13), Last{}, false},
		"gone":                       {Facts{Gone: true, Moves: moves}, at(13), Last{}, false},
		"without stages":             {Facts{}, at(13), Last{}, false},
	} {
		if got, did := tc.facts.Last(tc.now); got != tc.want || did != tc.did {
			t.Errorf("%s: %+v %v, want %+v %v", name, got, did, tc.want, tc.did)
		}
	}
}
