package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// activate puts an example in force.
func (b *bundle) activate(t testing.TB, text string) *book.Book {
	t.Helper()
	draft := parseBook(t, text)
	if _, err := b.Activate(t.Context(), b.ws, draft, text, "test"); err != nil {
		t.Fatal(err)
	}
	return draft
}

// evaluate judges until nothing is dirty.
func (b *bundle) evaluate(t testing.TB) {
	t.Helper()
	if err := judgeToTheEnd(t.Context(), b.Pipeline, childWork{Workspace: b.ws}); err != nil {
		t.Fatal(err)
	}
}

func judgeToTheEnd(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	for {
		if n, err := p.Evaluate(ctx, w.Workspace); err != nil || n == 0 {
			return err
		}
	}
}

// judgeAnew puts a book in force, and forgets what an earlier one has found.
func judgeAnew(t *testing.T, b *bundle) {
	t.Helper()
	b.activate(t, example(t))
	one[int](t, b, `WITH d AS (DELETE FROM violations RETURNING 1) SELECT count(*) FROM d`)
}

// judgedAsRecomputed compares what is stored with judging everything anew.
func judgedAsRecomputed(t *testing.T, b *bundle) {
	t.Helper()
	defer func(now func() time.Time) { b.Pipeline.Now = now }(b.Pipeline.Now)
	b.standStill(t)
	// What a process that was killed had taken off the list is locked until
	// PostgreSQL hears of its death.
	one[int](t, b, `SELECT count(*) FROM (SELECT FROM dirty FOR UPDATE) d`)
	b.evaluate(t)
	want := b.recomputed(t, parseBook(t, example(t)))
	if d := cmp.Diff(want, b.stored(t)); d != "" || len(want) == 0 {
		t.Errorf("(-recomputed +stored):\n%.2000s", d)
	}
}

// standStill stops our clock, so that what is judged one after the other is
// judged at one instant.
func (b *bundle) standStill(t testing.TB) {
	t.Helper()
	now := time.Now()
	b.Pipeline.Now = func() time.Time { return now }
}

// recomputed are the violations that judging everything anew gives, and stored
// those that evaluation left behind: both without what has been mended.
func (b *bundle) recomputed(t testing.TB, draft *book.Book) []string {
	t.Helper()
	var out []string
	err := b.JudgeStored(t.Context(), b.ws, draft, b.Now(), func(f *book.Facts, j *book.Judgement) {
		for i := range j.Verdicts {
			if v := &j.Verdicts[i]; v.Mended.IsZero() {
				out = append(out, fmt.Sprintf("%v %s %s", f.Lead, f.ID, v.Cause()))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (b *bundle) stored(t testing.TB) []string { return b.storedWhere(t, `true`) }

func (b *bundle) storedWhere(t testing.TB, where string, args ...any) []string {
	t.Helper()
	var out []string
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT kind = 'leads', external_id, rule, detail, opened_at FROM violations WHERE mended_at IS NULL AND closed_at IS NULL AND `+where, args...)
		if err != nil {
			return err
		}
		var lead bool
		var id, rule, detail string
		var opened time.Time
		_, err = pgx.ForEachRow(rows, []any{&lead, &id, &rule, &detail, &opened}, func() error {
			v := book.Verdict{Rule: book.Rule(rule), Detail: detail, Opened: opened}
			out = append(out, fmt.Sprintf("%v %s %s", lead, id, v.Cause()))
			return nil
		})
		return err
	})
	slices.Sort(out)
	return out
}

func example(t testing.TB) string {
	t.Helper()
	text, err := book.Example("developer")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestViolationsAreWhatARecomputationGives goes through changes of all kinds,
// and compares after each what evaluation keeps with judging everything anew.
func TestViolationsAreWhatARecomputationGives(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.pull(t)
	draft := b.activate(t, example(t))
	check := func(when string) {
		t.Helper()
		b.standStill(t)
		b.evaluate(t)
		want, got := b.recomputed(t, draft), b.stored(t)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s (-recomputed +stored):\n%.3000s", when, d)
		}
		if len(want) == 0 {
			t.Fatalf("%s: nothing is broken, which proves nothing", when)
		}
		if n := one[int](t, b, `SELECT count(*) FROM dirty`); n != 0 {
			t.Errorf("%s: %d subjects are dirty still", when, n)
		}
	}
	check("after activation")
	rng, _ := dice(t)
	for range 3 {
		if _, err := b.sim.Trickle(rng, 60); err != nil {
			t.Fatal(err)
		}
		b.pull(t)
		check("after changes")
	}
	draft = b.activate(t, strings.Replace(example(t), "{rule: all, mode: observe}", "{rule: all, mode: observe}\n  - {rule: no_owner, mode: off}\n  - {rule: over_limit, mode: off}", 1))
	check("after another book")
	if n := one[int](t, b, `SELECT count(*) FROM violations WHERE rule = 'over_limit' AND mended_at IS NULL AND closed_at IS NULL`); n != 0 {
		t.Errorf("%d violations of a rule that is off are open", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM (SELECT FROM violations GROUP BY connection_id, kind, external_id, rule, detail, opened_at HAVING count(*) > 1) twice`); n != 0 {
		t.Errorf("%d violations stand twice", n)
	}
}

// TestTimeAloneMakesViolations: nothing happens, and what is due is judged when
// its time has come, and nothing else is.
func TestTimeAloneMakesViolations(t *testing.T) {
	t.Parallel()
	b := setup(t, 100, pipedrive.Options{})
	b.pull(t)
	draft := b.activate(t, example(t))
	b.evaluate(t)
	all := one[int](t, b, `SELECT count(*) FROM judgements`)
	later := time.Now().AddDate(0, 0, 10)
	b.Pipeline.Now = func() time.Time { return later }
	due := one[int](t, b, `WITH u AS (UPDATE judgements SET due_at = now() WHERE due_at < $1 RETURNING 1) SELECT count(*) FROM u`, later)
	if due == 0 || due == all {
		t.Fatalf("%d of %d subjects are due within ten days, which proves nothing", due, all)
	}
	n, err := b.Evaluate(t.Context(), b.ws)
	if err != nil || n != due {
		t.Errorf("%d subjects were judged (%v), want the %d that were due", n, err, due)
	}
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
		t.Errorf("ten days later (-recomputed +stored):\n%.3000s", d)
	}
}

// TestSeveralWorkersJudgeAtOnce while deals change: nothing is left out and
// nothing stands twice.
func TestSeveralWorkersJudgeAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 600, pipedrive.Options{})
	b.pull(t)
	draft := b.activate(t, example(t))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				if _, err := b.Evaluate(t.Context(), b.ws); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		if _, err := b.sim.Trickle(rng, 20); err != nil {
			t.Fatal(err)
		}
		b.pull(t)
	}
	all.Wait()
	b.standStill(t)
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
		t.Errorf("(-recomputed +stored):\n%.3000s", d)
	}
}

// TestNothingIsJudgedWithoutABook, and what is dirty waits for one.
func TestNothingIsJudgedWithoutABook(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	b.pull(t)
	if n, err := b.Evaluate(t.Context(), b.ws); n != 0 || err != nil {
		t.Errorf("%d subjects were judged, %v", n, err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM dirty`); n == 0 {
		t.Error("nothing waits for a book")
	}
}

// retired lets the vendor say that a user has left.
func retired(user int) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || !strings.HasSuffix(r.URL.Path, "/v1/users") {
			return resp, err
		}
		defer resp.Body.Close()
		var page map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
			return nil, err
		}
		for _, u := range page["data"].([]any) {
			if u := u.(map[string]any); u["id"] == float64(user) {
				u["active_flag"] = false
			}
		}
		body, err := json.Marshal(page)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return resp, err
	})
}

// TestWhatADealDependsOnReachesIt changes what stands beside deals, and never a
// deal: those that it touches are judged anew.
func TestWhatADealDependsOnReachesIt(t *testing.T) {
	t.Parallel()
	const planned = `SELECT a.external_id FROM activities a JOIN deals d ON d.external_id = a.deal_id
		WHERE NOT a.done AND a.deleted_at IS NULL AND d.status = 'open' AND NOT d.archived AND d.deleted_at IS NULL
			AND 1 = (SELECT count(*) FROM activities o WHERE o.deal_id = a.deal_id AND NOT o.done AND o.deleted_at IS NULL) ORDER BY a.external_id LIMIT 1`
	cases := map[string]func(t *testing.T, b *bundle){
		"an activity goes to another deal": func(t *testing.T, b *bundle) {
			activity := one[string](t, b, planned)
			from := one[string](t, b, `SELECT deal_id FROM activities WHERE external_id = $1`, activity)
			to := one[int](t, b, `SELECT min(external_id::int) FROM deals WHERE external_id <> $1 AND status = 'open' AND deleted_at IS NULL`, from)
			if _, err := b.sim.Do(1, "PATCH", "/api/v2/activities/"+activity, map[string]any{"deal_id": to}); err != nil {
				t.Fatal(err)
			}
			b.pull(t)
			if n := one[int](t, b, `SELECT count(*) FROM dirty WHERE kind = 'deals' AND external_id IN ($1, $2)`, from, fmt.Sprint(to)); n != 2 {
				t.Errorf("%d of the two deals are dirty", n)
			}
		},
		"a note is written": func(t *testing.T, b *bundle) {
			deal := one[int](t, b, `SELECT max(external_id::int) FROM violations WHERE kind = 'deals' AND rule = 'no_touch' AND mended_at IS NULL AND closed_at IS NULL`)
			if _, err := b.sim.Do(1, "POST", "/v1/notes", map[string]any{"deal_id": deal, "content": "Перезвонили, всё в силе"}); err != nil {
				t.Fatal(err)
			}
			b.pull(t)
		},
		"a rep leaves": func(t *testing.T, b *bundle) {
			rep := one[int](t, b, `SELECT owner_id::int FROM deals JOIN reps r ON r.external_id = owner_id WHERE r.active AND status = 'open' AND deals.deleted_at IS NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1`)
			b.Transport = retired(rep)
			b.pull(t)
		},
		"the past becomes known": func(t *testing.T, b *bundle) {
			if err := readHistory(t.Context(), b.Pipeline, childWork{Workspace: b.ws, Conn: b.conn}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 120, pipedrive.Options{})
			b.pull(t)
			draft := b.activate(t, example(t))
			b.standStill(t)
			b.evaluate(t)
			before := b.stored(t)
			b.Pipeline.Now = time.Now
			change(t, b)
			b.standStill(t)
			b.evaluate(t)
			got := b.stored(t)
			if d := cmp.Diff(b.recomputed(t, draft), got); d != "" {
				t.Errorf("(-recomputed +stored):\n%.2000s", d)
			}
			if slices.Equal(before, got) {
				t.Error("nothing changed, which proves nothing")
			}
		})
	}
}
