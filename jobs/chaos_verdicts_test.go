package jobs_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestChaosVerdicts judges all the while that deliveries are lost, doubled, late
// and in another order, that pulls are broken off, the vendor misbehaves, books
// are activated and deals wait. In the end the violations are those that judging
// all of it at once gives, and those of a workspace that has read it only once.
func TestChaosVerdicts(t *testing.T) {
	t.Parallel()
	_, seed := dice(t)
	n := max(2, rounds()/10)
	if os.Getenv("SALESBOOK_CHAOS_SEED") != "" {
		n = 1
	}
	for i := range n {
		seed := seed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := &judgedSchedule{schedule: newSchedule(t, seed), texts: []string{example(t), otherBook(t)}}
			s.activateAnother(t)
			s.run(t, 40, s.events()...)
			s.reconcile(t)
			s.asRecomputed(t)
			s.askAgain(t)
			s.asRecomputed(t)
			s.asReadOnce(t)
			if t.Failed() {
				t.Logf("again with SALESBOOK_CHAOS_SEED=%d; what happened:\n%s", seed, strings.Join(s.log, "\n"))
			}
		})
	}
}

// judgedSchedule is a schedule with a book in force.
type judgedSchedule struct {
	*schedule
	texts []string
	draft *book.Book // in force
}

func (s *judgedSchedule) events() []event {
	return []event{
		{"one judges", 20, func(_ *schedule, t *testing.T) { s.judgeAs(t, 0) }},
		{"both judge", 20, func(_ *schedule, t *testing.T) { s.both(t, s.judgeAs) }},
		{"one judges, one pulls", 10, func(_ *schedule, t *testing.T) { s.both(t, s.judgeOrPull) }},
		{"a book is activated", 5, func(_ *schedule, t *testing.T) { s.activateAnother(t) }},
		{"a deal waits", 5, func(_ *schedule, t *testing.T) { s.snoozeOne(t) }},
		{"all is compared", 4, func(_ *schedule, t *testing.T) { s.sweepAs(t, 0) }},
	}
}

func (s *judgedSchedule) judgeAs(t *testing.T, n int) {
	if _, err := s.two[n].Evaluate(t.Context(), s.ws); err != nil {
		t.Errorf("judging: %v", err)
	}
}

func (s *judgedSchedule) judgeOrPull(t *testing.T, n int) {
	if n == 0 {
		s.judgeAs(t, 0)
	} else {
		s.pullAs(t, 1)
	}
}

func (s *judgedSchedule) sweepAs(t *testing.T, n int) {
	if !one[bool](t, s.bundle, `SELECT c.read_at IS NOT NULL AND m.replayed = m.version FROM connections c, maps m`) {
		return // a proof follows the first load, and the replay
	}
	s.ours(t, func(ctx context.Context) error {
		_, err := s.two[n].Sweep(ctx, s.ws, s.conn, jobs.SweepOptions{Since: time.Now()})
		return err
	})
}

// activateAnother puts the books in force in turns.
func (s *judgedSchedule) activateAnother(t *testing.T) {
	text := s.texts[0]
	s.texts = append(s.texts[1:], text)
	s.draft = s.activate(t, text)
}

func (s *judgedSchedule) snoozeOne(t *testing.T) {
	deals := s.living("deals")
	if len(deals) == 0 {
		return
	}
	s.in(t, func(tx pgx.Tx) error {
		key := postgres.SubjectKey{Connection: s.conn, Kind: "deals", ID: deals[s.rng.IntN(len(deals))].ID}
		return postgres.Snooze(t.Context(), tx, s.ws, key, time.Now().Add(time.Duration(s.rng.IntN(3))*time.Hour+time.Second), "test", "так решили")
	})
}

// askAgain reads the past of all deals. It is read once otherwise, and of moves
// that were made between two looks only the last is seen.
func (s *judgedSchedule) askAgain(t *testing.T) {
	t.Helper()
	one[int](t, s.bundle, `WITH d AS (DELETE FROM parents_read RETURNING 1) SELECT count(*) FROM d`)
	if err := readHistory(t.Context(), s.Pipeline, childWork{Workspace: s.ws, Conn: s.conn}); err != nil {
		t.Fatal(err)
	}
}

// asRecomputed compares what is stored with judging all of it at once.
func (s *judgedSchedule) asRecomputed(t *testing.T) {
	t.Helper()
	s.standStill(t)
	s.evaluate(t)
	want, got := s.recomputed(t, s.draft), s.stored(t)
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("(-recomputed +stored):\n%.3000s", d)
	}
	for what, sql := range map[string]string{
		"are dirty still": `SELECT count(*) FROM dirty`,
		"were last judged by a book that is not in force": `SELECT count(*) FROM judgements WHERE book <> (SELECT max(version) FROM books)`,
		"were never judged": `SELECT count(*) FROM (SELECT 'deals' AS kind, external_id FROM deals UNION ALL SELECT 'leads', external_id FROM leads) s
			WHERE NOT EXISTS (SELECT FROM judgements j WHERE (j.kind, j.external_id) = (s.kind, s.external_id))`,
	} {
		if n := one[int](t, s.bundle, sql); n != 0 {
			t.Errorf("%d subjects %s", n, what)
		}
	}
}

// asReadOnce compares with a workspace that has read everything once, in order.
// It knows no earlier values of fields, and nothing of what was deleted; rules
// about those are left out.
func (s *judgedSchedule) asReadOnce(t *testing.T) {
	t.Helper()
	fresh := &bundle{Pipeline: pipelineAgain(t, s.bundle), sim: s.sim, vendor: s.vendor, db: s.db, key: s.key}
	fresh.ws = s.db.Workspace(t, "fresh")
	fresh.connect(t)
	w := childWork{Workspace: fresh.ws, Conn: fresh.conn}
	for _, do := range []deed{pullToTheEnd, readHistory} {
		if err := do(t.Context(), fresh.Pipeline, w); err != nil {
			t.Fatal(err)
		}
	}
	admin := s.db.Connect(t, s.db.AdminURL)
	_, err := admin.Exec(t.Context(), `INSERT INTO salesbook.snoozes (workspace_id, connection_id, kind, external_id, from_at, until_at, made_by, why)
		SELECT $1, $2, kind, external_id, from_at, until_at, made_by, why FROM salesbook.snoozes WHERE workspace_id = $3`, fresh.ws, fresh.conn, s.ws)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Activate(t.Context(), fresh.ws, s.draft, s.texts[len(s.texts)-1], "test"); err != nil {
		t.Fatal(err)
	}
	fresh.evaluate(t)
	const timed = `rule = ANY('{no_next_step,next_step_overdue,no_touch,over_limit,skipped_stage,moved_back,task_not_done,first_response,loss_without_reason,loss_reason_unknown,loss_reason_refused,loss_too_early,won_too_early,archived_open}')`
	there := one[[]string](t, fresh, `SELECT array_agg('false ' || external_id) FROM deals WHERE deleted_at IS NULL`)
	there = append(there, one[[]string](t, fresh, `SELECT COALESCE(array_agg('true ' || external_id), '{}') FROM leads`)...)
	known := func(list []string) []string {
		return slices.DeleteFunc(list, func(c string) bool {
			return !slices.ContainsFunc(there, func(id string) bool { return strings.HasPrefix(c, id+" ") })
		})
	}
	want, got := known(fresh.storedWhere(t, timed)), known(s.storedWhere(t, timed))
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("(-read once +stored):\n%.3000s", d)
	}
}

// TestChaosActivation puts books in force, one after the other, while a first load
// and live changes go on and two processes judge.
func TestChaosActivation(t *testing.T) {
	t.Parallel()
	rng, _ := dice(t)
	b := setup(t, 300, pipedrive.Options{})
	b.receive(t)
	texts := []string{otherBook(t), example(t)}
	draft := b.activate(t, texts[0])
	done := make(chan struct{})
	var judging sync.WaitGroup
	for range 2 {
		p := pipelineAgain(t, b)
		judging.Go(func() {
			for running(done) {
				if _, err := p.Evaluate(t.Context(), b.ws); err != nil {
					t.Error(err)
					return
				}
				b.neverByTwoBooks(t)
			}
		})
	}
	do := func(what deed) { // the map moves on when field definitions come in
		err := what(t.Context(), b.Pipeline, childWork{Workspace: b.ws, Conn: b.conn})
		for fault.KindOf(err) == fault.Conflict {
			err = what(t.Context(), b.Pipeline, childWork{Workspace: b.ws, Conn: b.conn})
		}
		if err != nil {
			t.Error(err)
		}
	}
	var loading sync.WaitGroup
	loading.Go(func() { do(pullToTheEnd) })
	for i := range max(4, rounds()/5) {
		if _, err := b.sim.Trickle(rng, 10); err != nil {
			t.Fatal(err)
		}
		draft = b.activate(t, texts[(i+1)%2])
		do(emptyInbox)
	}
	loading.Wait()
	b.reconcile(t)
	close(done)
	judging.Wait()
	b.standStill(t)
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" || len(b.stored(t)) == 0 {
		t.Errorf("(-recomputed +stored):\n%.3000s", d)
	}
	if n := one[int](t, b, `SELECT count(*) FROM judgements WHERE book <> (SELECT max(version) FROM books)`); n != 0 {
		t.Errorf("%d subjects were last judged by a book that is not in force", n)
	}
}

func running(done chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// neverByTwoBooks wants, at any time, what is stored of a deal or lead to be of
// the one book by which it was last judged, and nothing to be judged before all
// was read.
func (b *bundle) neverByTwoBooks(t *testing.T) {
	t.Helper()
	for what, sql := range map[string]string{
		"by a rule that the book has switched off": `SELECT count(*) FROM judgements j JOIN books b ON b.version = j.book JOIN violations v USING (connection_id, kind, external_id)
			WHERE b.text LIKE '%rule: no_owner, mode: off%' AND v.rule IN ('no_owner', 'over_limit', 'no_touch') AND v.mended_at IS NULL AND v.closed_at IS NULL`,
		"before all was read": `SELECT count(*) FROM judgements WHERE (SELECT read_at FROM connections) IS NULL`,
	} {
		if n := one[int](t, b, sql); n != 0 {
			t.Errorf("%d are judged %s", n, what)
		}
	}
}
