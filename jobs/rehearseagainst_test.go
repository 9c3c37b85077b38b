package jobs_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// told is what a book says of one deal or lead.
type told struct {
	facts    *book.Facts
	verdicts []book.Verdict
}

// toldBy judges everything that is stored by a book alone.
func toldBy(t *testing.T, b *bundle, text string) map[string]told {
	t.Helper()
	out := map[string]told{}
	err := b.JudgeStored(t.Context(), b.ws, parseBook(t, text), b.Now(), func(f *book.Facts, j *book.Judgement) {
		if !f.Gone {
			out[fmt.Sprint(f.Lead, f.ID)] = told{f, slices.Clone(j.Verdicts)}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// breaks are the rules that are broken since an instant.
func (s told) breaks(since time.Time) map[book.Rule]bool {
	out := map[book.Rule]bool{}
	for _, v := range s.verdicts {
		if v.Mended.IsZero() && v.Cannot == "" && !v.Opened.Before(since) {
			out[v.Rule] = true
		}
	}
	return out
}

// rehearsed is a company with its history, a book in force, and drafts of another.
func rehearsed(t *testing.T) (b *bundle, active string, drafts map[string]string) {
	t.Helper()
	b = setup(t, 400, pipedrive.Options{})
	b.pull(t)
	if err := readHistory(t.Context(), b.Pipeline, childWork{Workspace: b.ws, Conn: b.conn}); err != nil {
		t.Fatal(err)
	}
	b.standStill(t)
	const lenient = "\n  - {rule: no_next_step, mode: off}\n  - {rule: next_step_overdue, mode: off}\n  - {rule: close_date_past, mode: off}"
	active = strings.Replace(example(t), "  - {rule: all, mode: observe}", "  - {rule: all, mode: observe}"+lenient, 1)
	b.activate(t, active)
	edit := func(pairs ...string) string {
		out := active
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(out, pairs[i]) {
				t.Fatalf("the example does not say %q", pairs[i])
			}
			out = strings.Replace(out, pairs[i], pairs[i+1], 1)
		}
		return out
	}
	return b, active, map[string]string{
		"the same":     active,
		"another":      edit("limit: 10wd", "limit: 200wd", "limit: 5wd", "limit: 1wh", "    order: strict\n", "    order: free\n", "no_touch: 5wd", "no_touch: 500d", "name: Дубль", "name: Двойник", "name: Выбрал конкурента", "name: Ушёл к другим", lenient, ""),
		"another zone": edit("zone: Europe/Moscow", "zone: Pacific/Auckland", "holidays_of: RU", "holidays_of: US"),
	}
}

// TestLargeARehearsalComparesWithTheBookInForce: judging by both in one pass gives what
// judging by each alone gives.
func TestLargeARehearsalComparesWithTheBookInForce(t *testing.T) {
	t.Parallel()
	b, active, drafts := rehearsed(t)
	still := b.Now
	for name, draft := range drafts {
		if b.Pipeline.Now = still; name == "another zone" {
			now := betweenTwoEndsOfADay(t, b)
			b.Pipeline.Now = func() time.Time { return now }
		}
		was, is := toldBy(t, b, active), toldBy(t, b, draft)
		for _, since := range []time.Time{{}, b.Now().AddDate(0, -3, 0)} {
			r, err := b.Rehearse(t.Context(), b.ws, parseBook(t, draft), jobs.RehearseOptions{Since: since})
			if err != nil {
				t.Fatal(err)
			}
			want := map[book.Rule]jobs.RuleChange{}
			for key := range is {
				before, after := was[key].breaks(since), is[key].breaks(since)
				for rule := range maps.Keys(mergedRules(before, after)) {
					c := want[rule]
					c.Rule = rule
					switch {
					case before[rule] && after[rule]:
						c.Still++
					case after[rule]:
						c.Newly++
					default:
						c.NoLonger++
					}
					want[rule] = c
				}
			}
			got := map[book.Rule]jobs.RuleChange{}
			newly := 0
			for _, c := range r.Against.Rules {
				got[c.Rule] = c
				newly += c.Newly + c.NoLonger
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, since %v (-each alone +together):\n%s", name, since, d)
			}
			if (newly == 0) != (draft == active) {
				t.Errorf("%s: %d are broken under one book alone", name, newly)
			}
			compareStale(t, name, was, is, r.Against.Stale)
		}
	}
}

// betweenTwoEndsOfADay leaves the last step of an open deal without a time, and
// is an afternoon of its day in UTC: in Auckland the day is over, in Moscow not.
func betweenTwoEndsOfADay(t *testing.T, b *bundle) time.Time {
	t.Helper()
	step := one[string](t, b, `
		SELECT a.external_id FROM deals d JOIN activities a ON a.deal_id = d.external_id
		WHERE d.status = 'open' AND d.deleted_at IS NULL AND NOT d.archived AND NOT a.done AND a.deleted_at IS NULL
		AND NOT EXISTS (SELECT FROM activities o WHERE o.deal_id = d.external_id AND NOT o.done AND o.deleted_at IS NULL AND o.external_id <> a.external_id)
		ORDER BY a.due_at DESC, a.external_id LIMIT 1`)
	return one[time.Time](t, b, `
		UPDATE activities SET due_on = COALESCE(due_on, due_at::date), due_at = NULL WHERE external_id = $1
		RETURNING (due_on + time '15:00') AT TIME ZONE 'UTC'`, step)
}

func mergedRules(a, b map[book.Rule]bool) map[book.Rule]bool {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// compareStale counts deals that hang as `salesbook stale` lists them.
func compareStale(t *testing.T, name string, was, is map[string]told, got jobs.StaleChange) {
	t.Helper()
	hangs := func(s told) bool {
		broken := s.breaks(time.Time{})
		return !s.facts.Lead && slices.ContainsFunc(book.Hanging(), func(r book.Rule) bool { return broken[r] })
	}
	want := jobs.StaleChange{Worth: map[string]decimal.Decimal{}}
	var ids []string
	for key := range is {
		switch before, after := hangs(was[key]), hangs(is[key]); {
		case before && after:
			want.Still++
		case after:
			want.Newly++
			ids = append(ids, is[key].facts.ID)
			if f := is[key].facts; f.Amount != nil {
				want.Worth[f.Currency] = want.Worth[f.Currency].Add(*f.Amount)
			}
		case before:
			want.NoLonger++
		}
	}
	for _, e := range got.Examples {
		if !slices.Contains(ids, e.ID) || len(e.Evidence) == 0 && e.Rule != book.NoNextStep {
			t.Errorf("%s: %+v does not newly hang, or nobody knows why", name, e)
		}
	}
	if len(got.Examples) != min(len(ids), 5) {
		t.Errorf("%s: %d of %d deals are shown that newly hang", name, len(got.Examples), len(ids))
	}
	got.Examples = nil
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: deals that hang (-each alone +together):\n%s", name, d)
	}
	if name == "another" && want.Newly == 0 {
		t.Error("no deal newly hangs, which proves nothing")
	}
}

// TestNothingIsComparedWithoutABookInForce, nor with one that cannot be read.
func TestNothingIsComparedWithoutABookInForce(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	b.pull(t)
	r, err := b.Rehearse(t.Context(), b.ws, parseBook(t, example(t)), jobs.RehearseOptions{})
	if err != nil || r.Against != nil || r.NotAgainst != "" {
		t.Fatalf("%+v, %v", r.Against, err)
	}
	if _, err := b.Activate(t.Context(), b.ws, parseBook(t, example(t)), "book: 2\n", "test"); err != nil {
		t.Fatal(err)
	}
	r, err = b.Rehearse(t.Context(), b.ws, parseBook(t, example(t)), jobs.RehearseOptions{})
	if err != nil || r.Against != nil || !strings.Contains(r.NotAgainst, "book, version 1:1:1") || r.Deals == 0 {
		t.Fatalf("%+v, %q, %v", r.Against, r.NotAgainst, err)
	}
}

// TestLargeRefusedMovesAreCounted beside SQL and the verdicts themselves.
func TestLargeRefusedMovesAreCounted(t *testing.T) {
	t.Parallel()
	b, _, drafts := rehearsed(t)
	stepRules := []book.Rule{book.SkippedStage, book.MovedBack, book.EntryCriteria, book.ExitCriteria, book.TaskNotDone, book.LossWithoutReason, book.LossReasonUnknown, book.LossReasonRefused,
		book.LossTooEarly, book.LossCriteria, book.LossFacts, book.LossApproval, book.WonCriteria, book.WonTooEarly, book.WonWithoutAmount, "reserve-fee"}
	for _, since := range []time.Time{{}, b.Now().AddDate(0, -6, 0)} {
		for _, name := range []string{"the same", "another"} {
			type step struct {
				deal string
				at   time.Time
			}
			refused, byRule := map[step]bool{}, map[book.Rule]map[step]bool{}
			for _, s := range toldBy(t, b, drafts[name]) {
				for _, v := range s.verdicts {
					if slices.Contains(stepRules, v.Rule) && v.Cannot == "" && !v.Opened.Before(since) {
						at := step{s.facts.ID, v.Opened}
						if refused[at] = true; byRule[v.Rule] == nil {
							byRule[v.Rule] = map[step]bool{}
						}
						byRule[v.Rule][at] = true
					}
				}
			}
			r, err := b.Rehearse(t.Context(), b.ws, parseBook(t, drafts[name]), jobs.RehearseOptions{Since: since})
			if err != nil {
				t.Fatal(err)
			}
			want := map[book.Rule]int{}
			for rule, steps := range byRule {
				want[rule] = len(steps)
			}
			if d := cmp.Diff(want, r.Steps.ByRule); d != "" {
				t.Errorf("%s, since %v: refused by rule (-verdicts +rehearsal):\n%s", name, since, d)
			}
			if r.Steps.Refused != len(refused) || len(refused) == 0 {
				t.Errorf("%s, since %v: %d moves are refused, by the verdicts %d", name, since, r.Steps.Refused, len(refused))
			}
			judged := map[string]int{}
			for kind, c := range r.Steps.ByKind {
				judged[kind] = c.Judged
			}
			if d := cmp.Diff(stepsBySQL(t, b, since), judged); d != "" {
				t.Errorf("%s, since %v: steps judged (-SQL +rehearsal):\n%s", name, since, d)
			}
			sumsUp(t, "kind", r.Steps, r.Steps.ByKind)
			sumsUp(t, "stage", r.Steps, r.Steps.ByPlace)
			sumsUp(t, "rep", r.Steps, r.Steps.ByRep)
		}
	}
}

// stepsBySQL counts moves into stages of the book, wins and losses.
func stepsBySQL(t *testing.T, b *bundle, since time.Time) map[string]int {
	t.Helper()
	now := b.Now()
	return map[string]int{
		"moved": one[int](t, b, `
			WITH s AS (SELECT deal_id, at, stage_id, lag(stage_id) OVER (PARTITION BY deal_id ORDER BY at, stage_id) AS before FROM deal_stages)
			SELECT count(*) FROM s JOIN stages st ON st.external_id = s.stage_id JOIN pipelines p ON p.external_id = st.pipeline_id JOIN deals d ON d.external_id = s.deal_id
			WHERE p.name IN ('Жильё', 'Инвесторы') AND before <> s.stage_id AND at BETWEEN $1 AND $2
			AND (d.status IN ('won', 'lost') OR d.deleted_at IS NULL OR d.deleted_why = 'deleted')`, since, now),
		"won":  one[int](t, b, `SELECT count(*) FROM deals WHERE status = 'won' AND won_at BETWEEN $1 AND $2`, since, now),
		"lost": one[int](t, b, `SELECT count(*) FROM deals WHERE status = 'lost' AND lost_at BETWEEN $1 AND $2`, since, now),
	}
}

func sumsUp(t *testing.T, what string, all jobs.Steps, parts map[string]*jobs.StepCount) {
	t.Helper()
	var sum jobs.StepCount
	for _, c := range parts {
		sum.Add(*c)
	}
	if sum != all.StepCount || len(parts) < 2 {
		t.Errorf("the parts by %s give %+v, and all are %+v", what, sum, all.StepCount)
	}
}

// TestLargeReasonsThatWouldBecomeInvalid are counted as SQL counts them.
func TestLargeReasonsThatWouldBecomeInvalid(t *testing.T) {
	t.Parallel()
	b, _, drafts := rehearsed(t)
	for _, since := range []time.Time{{}, b.Now().AddDate(0, -6, 0)} {
		r, err := b.Rehearse(t.Context(), b.ws, parseBook(t, drafts["another"]), jobs.RehearseOptions{Since: since})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, c := range r.Against.Reasons {
			got[c.Text] = c.Count
		}
		want := map[string]int{}
		for _, reason := range []string{"Дубль", "Выбрал конкурента"} {
			want[reason] = one[int](t, b, `SELECT count(*) FROM deals WHERE status = 'lost' AND lower(btrim(lost_reason)) = lower($1) AND lost_at >= $2`, reason, since)
		}
		if d := cmp.Diff(want, got); d != "" || want["Дубль"] == 0 {
			t.Errorf("since %v (-SQL +rehearsal):\n%s", since, d)
		}
		if !slices.ContainsFunc(r.Reasons, func(c jobs.ReasonCount) bool { return c.Text == "Дубль" && c.Count == want["Дубль"] }) {
			t.Errorf("the list of what is no reason lacks %v", want)
		}
	}
}
