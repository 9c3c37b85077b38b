package jobs_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/jobs"
)

// TestLargeSamplesAreTheDearest, with what was found.
func TestLargeSamplesAreTheDearest(t *testing.T) {
	t.Parallel()
	b, _, drafts := rehearsed(t)
	all := toldBy(t, b, drafts["another"])
	for _, n := range []int{1, 3, 50} {
		r, err := b.Rehearse(t.Context(), b.ws, parseBook(t, drafts["another"]), jobs.RehearseOptions{Samples: n})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Rules {
			worth := []decimal.Decimal{}
			for _, s := range all {
				if s.breaks(time.Time{})[c.Rule] {
					worth = append(worth, *cmp.Or(s.facts.Amount, &decimal.Zero))
				}
			}
			slices.SortFunc(worth, func(a, b decimal.Decimal) int { return b.Cmp(a) })
			got := []decimal.Decimal{}
			for _, e := range c.Examples {
				got = append(got, *cmp.Or(e.Amount, &decimal.Zero))
				s := all[fmt.Sprint(e.Kind == "lead", e.ID)]
				if !slices.ContainsFunc(s.verdicts, func(v book.Verdict) bool {
					return v.Rule == c.Rule && v.Detail == e.Detail && v.Opened.Equal(e.Opened) && gocmp.Equal(append([]book.Evidence{}, v.Evidence...), e.Evidence)
				}) {
					t.Errorf("%s: the evidence of %s %s is not that of its verdict: %+v", c.Rule, e.Kind, e.ID, e)
				}
			}
			if d := gocmp.Diff(worth[:min(n, len(worth))], got); d != "" {
				t.Errorf("%s, %d of %d (-all +rehearsal):\n%s", c.Rule, n, len(worth), d)
			}
			funnels, places, reps := 0, 0, 0
			for _, n := range c.ByFunnel {
				funnels += n
			}
			for _, n := range c.ByPlace {
				places += n
			}
			for _, n := range c.ByRep {
				reps += n
			}
			if funnels != c.Broken || places != c.Broken || reps != c.Broken || c.Broken > 0 && c.Share != float64(c.Assumed)/float64(c.Broken) {
				t.Errorf("%s: %d are broken; by funnel %d, by stage %d, by rep %d; share %v of %d", c.Rule, c.Broken, funnels, places, reps, c.Share, c.Assumed)
			}
		}
	}
}

// TestTextsDoNotGrowWithTheAccount: where each loss has a text of its own, the
// rest is counted together.
func TestTextsDoNotGrowWithTheAccount(t *testing.T) {
	t.Parallel()
	list := []string{"Дорого", "дорого"}
	for i := range jobs.MostTexts + 50 {
		list = append(list, fmt.Sprint("text ", i))
	}
	list = append(list, "ДОРОГО")
	counts, other := jobs.CountTexts(list)
	if len(counts) != jobs.MostTexts || other != 51 || !reflect.DeepEqual(counts[0], jobs.ReasonCount{Text: "Дорого", Count: 3}) {
		t.Errorf("%d texts, %d others, first %+v", len(counts), other, counts[0])
	}
}
