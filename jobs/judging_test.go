package jobs_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// twice connects the company a second time, under another name, and reads it.
func (b *bundle) twice(t testing.TB) (other int64) {
	t.Helper()
	s, _, err := b.Connect(t.Context(), b.ws, jobs.NewConnection{Vendor: "pipedrive", Name: "other", By: "test",
		Config: connectors.Config{BaseURL: b.vendor.URL, Secrets: map[string]string{"api_token": "token"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.pullOf(t, s.ID)
	return s.ID
}

// pullOf pulls everything of a connection to the end.
func (b *bundle) pullOf(t testing.TB, connection int64) {
	t.Helper()
	if complete, err := b.Pull(t.Context(), b.ws, connection, jobs.PullOptions{Force: true}); err != nil || !complete {
		t.Fatalf("pull: complete=%v: %v", complete, err)
	}
}

// causesOf are the violations of a connection that a recomputation gives, and
// those that are stored; both without what has been mended.
func (b *bundle) causesOf(t testing.TB, connection string, draft *book.Book) (recomputed, stored []string) {
	t.Helper()
	err := b.JudgeStored(t.Context(), b.ws, draft, b.Now(), func(f *book.Facts, j *book.Judgement) {
		for i := range j.Verdicts {
			if v := &j.Verdicts[i]; f.Connection == connection && v.Mended.IsZero() {
				recomputed = append(recomputed, fmt.Sprintf("%v %s %s", f.Lead, f.ID, v.Cause()))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	stored = b.storedWhere(t, `connection_id = (SELECT id FROM connections WHERE name = $1)`, connection)
	slices.Sort(recomputed)
	return slices.Compact(recomputed), stored
}

// TestOneConnectionKeepsNoOtherWaiting: what belongs to a connection that cannot
// be judged waits, untouched, and is judged once it can be; the other goes on.
func TestOneConnectionKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	const noSuchField = "objects: {deals: {fields: {source: {custom: nowhere}}}}"
	cases := map[string]struct{ breaks, mends, why string }{
		"its map cannot be used":   {`UPDATE maps SET override = '` + noSuchField + `' WHERE connection_id = $1`, `UPDATE maps SET override = '' WHERE connection_id = $1`, "its field map cannot be used: crm:1:"},
		"its map cannot be read":   {`UPDATE maps SET base = 'a: b: c' WHERE connection_id = $1`, `UPDATE maps SET base = (SELECT max(base) FROM maps WHERE connection_id <> $1) WHERE connection_id = $1`, "its field map cannot be used: crm (base):1:"},
		"its fields are gibberish": {`UPDATE fields SET options = '7' WHERE connection_id = $1 AND code = 'title'`, `UPDATE fields SET options = NULL WHERE connection_id = $1 AND code = 'title'`, "its field map cannot be used: options of field title"},
		"it is not read whole":     {`UPDATE connections SET read_at = NULL WHERE id = $1`, `UPDATE connections SET read_at = now() WHERE id = $1`, "not everything has been read yet"},
		"it is being removed":      {`UPDATE connections SET state = 'removing' WHERE id = $1`, `UPDATE connections SET state = 'active' WHERE id = $1`, "it is being removed"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 60, pipedrive.Options{})
			b.pull(t)
			other := b.twice(t)
			draft := b.activate(t, example(t))
			b.evaluate(t)
			b.run(t, tc.breaks, b.conn)
			b.run(t, `INSERT INTO dirty (workspace_id, connection_id, kind, external_id) SELECT workspace_id, connection_id, 'deals', external_id FROM deals ON CONFLICT DO NOTHING`)
			b.run(t, `DELETE FROM violations`) // so that it shows who was judged
			waiting := func() string {
				return one[string](t, b, `SELECT string_agg(ctid::text || xmin::text || xmax::text, ' ' ORDER BY external_id) FROM dirty WHERE connection_id = $1 AND kind = 'deals'`, b.conn)
			}
			before, all := waiting(), one[int](t, b, `SELECT count(*) FROM deals WHERE connection_id = $1`, other)
			for i, want := range []int{all, 0, 0} {
				if n, err := b.Evaluate(t.Context(), b.ws); n != want || err != nil {
					t.Errorf("look %d judged %d subjects (%v), want %d", i, n, err, want)
				}
			}
			asked := b.evaluationsAsked(t)
			b.pullOf(t, other)
			if n := b.evaluationsAsked(t) - asked; n != 0 || waiting() != before {
				t.Errorf("what waits was taken up, in vain, or asked for %d times", n)
			}
			want, got := b.causesOf(t, "other", draft)
			if d := cmp.Diff(dealsOf(want), got); d != "" || len(got) == 0 {
				t.Errorf("the other connection (-recomputed +stored):\n%.2000s", d)
			}
			b.leavesOut(t, draft, tc.why)
			broken := strings.Contains(tc.why, "map")
			if n := one[int](t, b, `SELECT COALESCE(sum(times), 0)::int FROM failures WHERE object = 'evaluate' AND resolved_at IS NULL`); n != map[bool]int{true: 1}[broken] {
				t.Errorf("it was listed %d times among the failures", n)
			}

			b.run(t, tc.mends, b.conn)
			b.evaluate(t)
			b.standStill(t)
			want, got = b.causesOf(t, "crm", draft)
			if d := cmp.Diff(dealsOf(want), dealsOf(got)); d != "" || len(got) == 0 {
				t.Errorf("once it was mended (-recomputed +stored):\n%.2000s", d)
			}
			if n := one[int](t, b, `SELECT count(*) FROM failures WHERE object = 'evaluate' AND resolved_at IS NULL`); n != 0 {
				t.Errorf("%d failures are open still", n)
			}
		})
	}
}

// evaluationsAsked counts the jobs that ask for an evaluation.
func (b *bundle) evaluationsAsked(t testing.TB) int {
	t.Helper()
	return one[int](t, b, `SELECT count(*) FROM river.river_job WHERE kind = 'evaluate'`)
}

// dealsOf leaves out leads.
func dealsOf(causes []string) []string {
	return slices.DeleteFunc(slices.Clone(causes), func(c string) bool { return strings.HasPrefix(c, "true ") })
}

// leavesOut wants a rehearsal, an explanation and an activation to name crm.
func (b *bundle) leavesOut(t *testing.T, draft *book.Book, why string) {
	t.Helper()
	check := func(what string, left []jobs.LeftOut, err error) {
		t.Helper()
		if err != nil || len(left) != 1 || left[0].Connection != "crm" || !strings.Contains(left[0].Why, why) {
			t.Errorf("%s leaves out %v (%v), want crm: %s", what, left, err, why)
		}
	}
	r, err := b.Rehearse(t.Context(), b.ws, draft, jobs.RehearseOptions{})
	check("a rehearsal", r.LeftOut, err)
	if n := one[int](t, b, `SELECT count(*) FROM deals WHERE (deleted_at IS NULL OR deleted_why = 'deleted') AND connection_id <> $1`, b.conn); r.Deals != n {
		t.Errorf("%d deals were rehearsed, want the %d of the other connection", r.Deals, n)
	}
	deal := one[string](t, b, `SELECT min(external_id) FROM deals`)
	if _, err := b.Explain(t.Context(), b.ws, false, deal, "crm", b.Now()); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("a deal that nobody judges is explained: %v", err)
	}
	if x, err := b.Explain(t.Context(), b.ws, false, deal, "other", b.Now()); err != nil || x.Connection != "other" {
		t.Errorf("explained %+v, %v", x, err)
	}
}

// TestNothingCanBeJudged names why.
func TestNothingCanBeJudged(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	b.pull(t)
	draft := b.activate(t, example(t))
	b.run(t, `UPDATE maps SET base = 'a: b: c'`)
	if n, err := b.Evaluate(t.Context(), b.ws); n != 0 || err != nil {
		t.Errorf("%d subjects were judged (%v)", n, err)
	}
	if _, err := b.Rehearse(t.Context(), b.ws, draft, jobs.RehearseOptions{}); err == nil || !strings.Contains(err.Error(), "nothing can be judged: crm: its field map") {
		t.Errorf("a rehearsal says %v", err)
	}
}

// TestWhatIsReadWholeIsJudged: not before, so that half a picture gives no
// verdict; what the vendor refuses for good is not waited for.
func TestWhatIsReadWholeIsJudged(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		notes  int // how the vendor answers when it is asked for notes; 0: properly
		only   string
		judged bool
	}{
		"everything":                   {0, "", true},
		"only deals were asked for":    {0, "deals", false},
		"the notes are refused":        {http.StatusForbidden, "", true},
		"the notes cannot be read yet": {http.StatusBadGateway, "", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 20, pipedrive.Options{})
			b.activate(t, example(t))
			if tc.notes != 0 {
				b.Transport = failingAt(tc.notes, new(atomic.Int64), at("/notes"))
			}
			complete, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true, Object: tc.only})
			if tc.notes != 0 && err == nil || tc.notes == 0 && (err != nil || !complete) {
				t.Fatalf("pull: complete=%v: %v", complete, err)
			}
			n, err := b.Evaluate(t.Context(), b.ws)
			if err != nil || (n > 0) != tc.judged {
				t.Errorf("%d subjects were judged (%v), want some: %v", n, err, tc.judged)
			}
			b.Transport = nil
			b.pull(t)
			b.evaluate(t)
			if n, all := one[int](t, b, `SELECT count(*) FROM judgements`), one[int](t, b, `SELECT (SELECT count(*) FROM deals) + (SELECT count(*) FROM leads)`); n != all {
				t.Errorf("in the end %d of %d subjects are judged", n, all)
			}
		})
	}
}

// TestWhatIsPausedIsJudgedAsItIsStored: time goes on for its deals, too.
func TestWhatIsPausedIsJudgedAsItIsStored(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"paused", "needs consent"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 60, pipedrive.Options{})
			b.pull(t)
			b.run(t, `UPDATE connections SET state = $1`, state)
			draft := b.activate(t, example(t))
			b.standStill(t)
			b.evaluate(t)
			if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" || len(b.stored(t)) == 0 {
				t.Errorf("(-recomputed +stored):\n%.2000s", d)
			}
		})
	}
}

// run runs plain SQL inside the workspace.
func (b *bundle) run(t testing.TB, sql string, args ...any) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql, args...); return err })
}

// otherBook is the example in which fewer rules are judged.
func otherBook(t testing.TB) string {
	t.Helper()
	return strings.Replace(example(t), "{rule: all, mode: observe}", "{rule: all, mode: observe}\n  - {rule: no_owner, mode: off}\n  - {rule: over_limit, mode: off}\n  - {rule: no_touch, mode: off}", 1)
}

// TestWhatIsJudgedByIsNeverStale: a process that has judged keeps the book, maps
// and field definitions open. Whatever of them changes is seen at the next look,
// also what another process or plain SQL changes, and reaches every deal. What is
// only called otherwise means what it meant, see
// TestLargeWhatTheCRMRenamesIsJudgedAsBefore.
func TestWhatIsJudgedByIsNeverStale(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, b *bundle) *book.Book{
		"a book is activated": func(t *testing.T, b *bundle) *book.Book {
			draft := parseBook(t, otherBook(t))
			if _, err := pipelineAgain(t, b).Activate(t.Context(), b.ws, draft, otherBook(t), "test"); err != nil {
				t.Fatal(err)
			}
			return draft
		},
		"a map says that leads have fields of their own": func(t *testing.T, b *bundle) *book.Book {
			b.run(t, `UPDATE maps SET base = replace(base, 'dictionary: deals', 'dictionary: leads')`)
			return nil
		},
		"a rep leaves": func(t *testing.T, b *bundle) *book.Book {
			b.Transport = retired(one[int](t, b, `SELECT owner_id::int FROM deals JOIN reps r ON r.external_id = owner_id WHERE r.active AND status = 'open' AND deals.deleted_at IS NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1`))
			b.pull(t)
			return nil
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 120, pipedrive.Options{})
			b.pull(t)
			draft := b.activate(t, example(t))
			b.evaluate(t)
			b.standStill(t)
			b.evaluate(t)
			before := b.stored(t)
			if other := change(t, b); other != nil {
				draft = other
			}
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

// pipelineAgain is another process on the same installation.
func pipelineAgain(t testing.TB, b *bundle) *jobs.Pipeline {
	t.Helper()
	p := &jobs.Pipeline{DB: b.DB, Vault: b.Vault, Compressor: b.Compressor, Catalog: b.Catalog, Queue: b.Queue, Transport: b.Transport, Log: b.Log, Holder: "another"}
	p.Now = b.Now
	return p
}

// TestWhatIsBeingChangedIsJudgedAfterwards: a deal that waits to be judged is
// changed, and the change is not committed yet. Who judged it now would take the
// mark away with him, and the change would never be judged.
func TestWhatIsBeingChangedIsJudgedAfterwards(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, b *bundle, tx pgx.Tx, deal string) string{
		"a deal": func(t *testing.T, b *bundle, tx pgx.Tx, deal string) string {
			if _, err := tx.Exec(t.Context(), `UPDATE deals SET owner_id = NULL WHERE external_id = $1`, deal); err != nil {
				t.Fatal(err)
			}
			if err := postgres.MarkDirty(t.Context(), tx, b.ws, b.conn, "deals", []string{deal}); err != nil {
				t.Fatal(err)
			}
			return example(t)
		},
		"the book": func(t *testing.T, b *bundle, tx pgx.Tx, _ string) string {
			if _, err := postgres.AddBook(t.Context(), tx, b.ws, "another", otherBook(t), "test", postgres.AfterAny); err != nil {
				t.Fatal(err)
			}
			if err := postgres.MarkAllDirty(t.Context(), tx, b.ws); err != nil {
				t.Fatal(err)
			}
			return otherBook(t)
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 60, pipedrive.Options{})
			b.pull(t)
			b.activate(t, example(t))
			b.standStill(t)
			b.evaluate(t)
			before := b.stored(t)
			deal := one[string](t, b, `SELECT min(external_id) FROM deals WHERE status = 'open' AND deleted_at IS NULL AND owner_id IS NOT NULL`)
			mark := func(tx pgx.Tx) error {
				if err := postgres.MarkDirty(t.Context(), tx, b.ws, b.conn, "deals", []string{deal}); err != nil {
					return err
				}
				return postgres.MarkAllDirty(t.Context(), tx, b.ws)
			}
			b.in(t, mark)
			var text string
			evaluated, done := make(chan struct{}), make(chan *book.Book, 1)
			b.in(t, func(tx pgx.Tx) error {
				text = change(t, b, tx, deal)
				go func() { defer close(evaluated); b.evaluate(t); done <- nil }()
				b.awaitIdle(t, done)
				return nil
			})
			<-evaluated
			b.evaluate(t)
			got := b.stored(t)
			if d := cmp.Diff(b.recomputed(t, parseBook(t, text)), got); d != "" {
				t.Errorf("(-recomputed +stored):\n%.2000s", d)
			}
			if slices.Equal(before, got) {
				t.Error("nothing changed, which proves nothing")
			}
		})
	}
}

// TestABookIsActivatedWhileAnotherJudges at every place of a judging worker at
// which it looks at the clock: another process activates a book and makes all
// dirty. Nothing may remain judged by the old book.
func TestABookIsActivatedWhileAnotherJudges(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	now := time.Now()
	texts := []string{example(t), otherBook(t)}
	places := 0
	for k := 0; k == places; k++ {
		draft := b.activate(t, texts[k%2])
		looks, others := 0, make(chan *book.Book, 1)
		b.Pipeline.Now = func() time.Time {
			if looks++; looks == k+1 {
				places = k + 1
				go func() { others <- b.activatedElsewhere(t, now, texts[(k+1)%2]) }()
				b.awaitIdle(t, others)
			}
			return now
		}
		b.evaluate(t)
		if looks > k {
			draft = <-others
		}
		b.Pipeline.Now = func() time.Time { return now }
		b.evaluate(t)
		if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
			t.Fatalf("at look %d (-recomputed +stored):\n%.2000s", k+1, d)
		}
		if n := one[int](t, b, `SELECT count(*) FROM judgements WHERE book <> (SELECT max(version) FROM books)`); n != 0 {
			t.Fatalf("at look %d: %d subjects were last judged by a book that is not in force", k+1, n)
		}
	}
	if places < 4 {
		t.Errorf("a worker looks at the clock %d times, which proves little", places)
	}
}

// activatedElsewhere puts a book in force in another process, which makes all
// dirty and judges nothing.
func (b *bundle) activatedElsewhere(t *testing.T, now time.Time, text string) *book.Book {
	p := pipelineAgain(t, b)
	p.Slice = time.Nanosecond // over before it has begun
	p.Now = func() time.Time { now = now.Add(time.Microsecond); return now }
	draft := parseBook(t, text)
	_, err := p.Activate(t.Context(), b.ws, draft, text, "test")
	if err == nil {
		var n int
		if n, err = p.Evaluate(t.Context(), b.ws); n > 0 {
			t.Errorf("%d subjects were judged elsewhere", n)
		}
	}
	if err != nil {
		t.Error(err)
	}
	return draft
}

// awaitIdle waits until another process is done, or waits for what this one has
// locked.
func (b *bundle) awaitIdle(t *testing.T, done chan *book.Book) {
	for len(done) == 0 && one[int](t, b, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
	}
}

// TestSeveralProcessesJudgeTwoConnections while both change, stages are renamed
// and books are activated.
func TestSeveralProcessesJudgeTwoConnections(t *testing.T) {
	t.Parallel()
	b := setup(t, 150, pipedrive.Options{})
	b.pull(t)
	other := b.twice(t)
	b.activate(t, otherBook(t))
	var all sync.WaitGroup
	for range 3 {
		p := pipelineAgain(t, b)
		all.Go(func() {
			for range 15 {
				if _, err := p.Evaluate(t.Context(), b.ws); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	rng, _ := dice(t)
	var draft *book.Book
	for i := range 4 {
		if _, err := b.sim.Trickle(rng, 20); err != nil {
			t.Fatal(err)
		}
		b.pull(t)
		b.run(t, `UPDATE stages SET name = CASE WHEN name LIKE '%!' THEN rtrim(name, '!') ELSE name || '!' END WHERE connection_id = $1 AND external_id = (SELECT min(external_id) FROM stages)`, b.conn)
		b.pullOf(t, other)
		draft = b.activate(t, []string{otherBook(t), example(t)}[i%2])
	}
	all.Wait()
	b.standStill(t)
	b.evaluate(t)
	for _, name := range []string{"crm", "other"} {
		want, got := b.causesOf(t, name, draft)
		if d := cmp.Diff(want, got); d != "" || len(got) == 0 {
			t.Errorf("%s (-recomputed +stored):\n%.3000s", name, d)
		}
	}
	if n := one[int](t, b, `SELECT count(*) FROM judgements WHERE book <> (SELECT max(version) FROM books)`); n != 0 {
		t.Errorf("%d subjects were last judged by a book that is not in force", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM dirty`); n != 0 {
		t.Errorf("%d subjects are dirty still", n)
	}
}
