package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/jobs"
)

// TestChaosEnforcement lets people work at will in a company whose book acts, while
// the vendor misbehaves and workers are killed at boundaries. Whenever it comes to
// rest, what is wanted is there, and once; nothing more is written, and nobody's
// deed is taken for another's.
func TestChaosEnforcement(t *testing.T) {
	t.Parallel()
	_, seed := dice(t)
	n, kills := 1, 1
	if rounds() > 20 { // in `make chaos`
		n, kills = rounds()/killsOfACompany, killsOfACompany
	}
	if os.Getenv("SALESBOOK_CHAOS_SEED") != "" {
		n, kills = 1, killsOfACompany
	}
	for i := range n {
		seed := seed + uint64(i)
		for vendor, writable := range furnishers() {
			t.Run(fmt.Sprint(seed, " ", vendor), func(t *testing.T) {
				t.Parallel()
				endure(t, seed, kills, writable)
			})
		}
	}
}

// endure is one company under siege.
func endure(t *testing.T, seed uint64, kills int, writable furnisher) {
	s := besiege(t, seed, writable)
	for s.kills = 0; s.kills < kills && !t.Failed(); {
		for range 2 + s.rng.IntN(8) {
			s.happens(t)
		}
		s.rest(t)
		s.holds(t)
	}
	if t.Failed() {
		s.note("edits: %s", strings.Join(s.whole(t), "\n"))
		t.Logf("again with SALESBOOK_CHAOS_SEED=%d; what happened:\n%s", seed, strings.Join(s.log, "\n"))
	}
}

// killsOfACompany is how many workers are killed in one company; fewer in the tests
// of every day.
const killsOfACompany = 5

// siege is a company whose book acts, and to which things happen at random.
type siege struct {
	*bureau
	rng     *rand.Rand
	kills   int
	log     []string
	ahead   atomic.Int64 // of the machine's clock, for the vendor and for us
	mu      sync.Mutex   // guards log and skew: some of what happens does so while a worker works
	skew    func()       // ends what the vendor's clock is ahead now
	disarm  []func()
	stages  []string
	wrote   int            // texts that reps wrote on cards
	offered map[string]int // how often people brought a deal to the stage that makes a task
	given   map[string]int // how often people gave a deal up for the reason that makes one
}

// modesAtRandom is a book's enforcement. What is deleted can be brought back at some
// vendors only.
func (s *siege) modesAtRandom() string {
	restored := "revert"
	if s.crm.vendor() == "zoho" {
		restored = "observe"
	}
	var out strings.Builder
	for rule, modes := range map[book.Rule][]string{
		"no_next_step": {"tell", "task"}, "close_date_past": {"tell", "task"}, "day_known": {"task", "revert", "revert"},
		"loss_without_reason": {"tell", "revert", "revert"}, "loss_reason_unknown": {"task", "revert"}, "deleted_open": {"observe", restored},
	} {
		fmt.Fprintf(&out, "  - {rule: %s, mode: %s}\n", rule, modes[s.rng.IntN(len(modes))])
	}
	return out.String()
}

func besiege(t *testing.T, seed uint64, writable furnisher) *siege {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	s := beleaguered(t, writable(t, 4), func(s *siege) string {
		s.rng = rng
		return s.modesAtRandom()
	})
	if rng.IntN(2) == 0 {
		s.agree(t)
	}
	s.rest(t)
	return s
}

// beleaguered is a company with some deals and a book that acts.
func beleaguered(t *testing.T, d *desk, enforcement func(*siege) string) *siege {
	t.Helper()
	s := &siege{bureau: &bureau{desk: d}, skew: func() {}, offered: map[string]int{}, given: map[string]int{}}
	s.bureau = enforcingAt(t, d, enforcement(s))
	s.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.receive(t)
	s.stages = []string{s.stage[0], s.stage[1], s.third(t)}
	s.run(t, `UPDATE connections SET writes_share = 100, writes_hourly = 100000`)
	for _, deal := range s.deals { // the rows are the vendor's again
		s.later(t, 3*time.Second)
		s.set(t, deal, map[string]any{"title": "Dom " + deal + "a"})
	}
	return s
}

// agree: somebody has agreed to many moves being taken back.
func (o *bureau) agree(t *testing.T) {
	t.Helper()
	o.run(t, `INSERT INTO edits (workspace_id, connection_id, kind, external_id, what, key, target_kind, wanted, state, mark, approved_at, done_at, checked_at)
		SELECT $1, $2, 'deals', 'x' || n, 'revert', 'revert/' || n, 'deals', '{}', 'done', 'm' || n, now(), now() - interval '3 days', now() FROM generate_series(1, 20) n`, o.ws, o.conn)
}

// later puts all clocks forward: of what happens to a deal within one second a CRM
// knows no order, and neither do we.
func (s *siege) later(t *testing.T, d time.Duration) {
	off, err := s.crm.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: d + time.Duration(s.ahead.Load())})
	if err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew()
	s.skew = off
	s.ahead.Add(int64(d))
}

func (s *siege) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// happens lets one thing happen.
func (s *siege) happens(t *testing.T) {
	switch n := s.rng.IntN(22); {
	case n < 10:
		s.later(t, time.Duration(2+s.rng.IntN(100))*time.Second)
		s.deed(t, s.deals[s.rng.IntN(len(s.deals))])
	case n < 12:
		s.misbehave(t)
	case n < 13:
		s.head(t)
	case n < 14:
		s.note("we work")
		s.work(t)
	case n < 15:
		s.turn(t)
	default:
		s.mortalWorks(t)
	}
}

// deed has a person do something with a deal; the vendor may refuse it.
func (s *siege) deed(t *testing.T, deal string) {
	day := func(n int) string { return s.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	patch := func(fields map[string]any) bool {
		return s.tried(s.crm.set(deal, fields), "changes deal %s: %v", deal, fields)
	}
	switch s.rng.IntN(14) {
	case 0, 1, 2, 3:
		to := s.stages[s.rng.IntN(len(s.stages))]
		if patch(map[string]any{"stage_id": json.Number(to)}) && to == s.stage[1] {
			s.offered[deal]++
		}
	case 4, 5:
		fields := map[string]any{"status": "lost"}
		if s.rng.IntN(2) == 0 {
			fields["lost_reason"] = []string{"Za drogo", "Bez powodu"}[s.rng.IntN(2)]
		}
		if patch(fields) && s.at(t, deal, "lost_reason") == "Za drogo" { // also one from before, where reopening leaves it
			s.given[deal]++
		}
	case 6:
		if patch(map[string]any{"status": "open"}) && s.at(t, deal, "stage_id") == s.stage[1] {
			s.offered[deal]++
		}
	case 7:
		patch(map[string]any{"expected_close_date": []any{nil, day(-2), day(30)}[s.rng.IntN(3)]})
	case 8:
		s.wrote++
		patch(map[string]any{"custom_fields": map[string]any{s.card: []any{nil, fmt.Sprintf("mine %d", s.wrote)}[s.rng.IntN(2)]}})
	case 9:
		s.tried(s.crm.plan(deal, "Spotkanie", day(3)), "plans a meeting about deal %s", deal)
	case 10, 11:
		if list := s.openActivities(deal, ""); len(list) > 0 {
			id := list[s.rng.IntN(len(list))]
			switch s.rng.IntN(4) {
			case 0:
				s.tried(s.crm.drop(id), "deletes activity %s of deal %s", id, deal)
			case 1:
				s.tried(s.crm.rename(id, "inaczej"), "renames activity %s of deal %s", id, deal)
			default:
				s.tried(s.crm.mark(id), "marks activity %s of deal %s as done", id, deal)
			}
		}
	case 12:
		if s.rng.IntN(3) == 0 {
			s.tried(s.crm.remove(deal), "deletes deal %s", deal)
		} else {
			put := s.rng.IntN(3) == 0
			s.tried(s.crm.archive(deal, put), "archives deal %s: %v", deal, put)
		}
	case 13:
		into := s.deals[s.rng.IntN(len(s.deals))]
		if s.rng.IntN(3) == 0 && into != deal && s.tried(s.crm.merge(deal, into), "merges deal %s into %s", deal, into) {
			s.offered[into], s.given[into] = s.offered[into]+s.offered[deal], s.given[into]+s.given[deal]
		}
	}
}

// turn puts another book in force, or says that nothing is written for a while.
func (s *siege) turn(t *testing.T) {
	if s.rng.IntN(2) == 0 {
		modes := s.modesAtRandom()
		s.note("another book:\n%s", modes)
		s.enforce(t, modes)
		return
	}
	mode := []string{"dry", "stopped", "live"}[s.rng.IntN(3)]
	s.note("writing is %s", mode)
	s.switchTo(t, jobs.Switch{Mode: mode, By: "test"})
}

// tried notes what a person does, and whether the vendor lets him.
func (s *siege) tried(err error, format string, args ...any) bool {
	s.note("%s a person %s %v", s.Now().UTC().Format(time.TimeOnly), fmt.Sprintf(format, args...), err)
	return err == nil
}

// does has a person make a call of Pipedrive's.
func (s *siege) does(t *testing.T, method, path string, body map[string]any) bool {
	t.Helper()
	answer, err := s.sim.Do(2, method, path, body)
	s.note("%s a person: %s %s %v %v", s.Now().UTC().Format(time.TimeOnly), method, path, body, err)
	if err != nil {
		s.note("refused: %s", gjson.GetBytes(answer, "error"))
	}
	return err == nil
}

// openActivities are the vendor's ids of a deal's activities that are planned, and
// hold a text.
func (s *siege) openActivities(deal, text string) (ids []string) {
	for _, a := range s.crm.written("activities") {
		if !a.deleted && a.deal == deal && !a.done && strings.Contains(a.text, text) {
			ids = append(ids, a.id)
		}
	}
	return ids
}

// whole are all edits, with what they are about.
func (s *siege) whole(t *testing.T) (out []string) {
	t.Helper()
	s.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT format('%s: %s %s %s %s %s %s %s %s %s', id, external_id, key, target_id, state, attempts, why, sent_at, done_at, cause) FROM edits WHERE external_id NOT LIKE 'x%' ORDER BY id`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out
}

// head has the head of sales agree to what waits, or decline it.
func (s *siege) head(t *testing.T) {
	ids := one[[]int64](t, s.bundle, `SELECT COALESCE(array_agg(id), '{}') FROM edits WHERE state = 'asked'`)
	do := s.ApproveEdits
	if s.rng.IntN(4) == 0 {
		do = s.CancelEdits
	}
	n, err := do(t.Context(), s.ws, ids, "head")
	if err != nil {
		t.Error(err)
	}
	s.note("the head decides on %d", n)
}

// misbehave has the vendor fail a few times.
func (s *siege) misbehave(t *testing.T) {
	few := 1 + s.rng.IntN(2)
	update, deals, activities, notes := s.crm.writes()
	method := []string{update, "POST", "GET"}[s.rng.IntN(3)]
	api := map[string]string{"pipedrive": "/api/", "zoho": "/crm/v8/"}[s.crm.vendor()]
	all := []sandbox.Fault{
		{Kind: sandbox.ServerError, Status: 503, AfterCommit: true, Times: few, Method: method, Path: api},
		{Kind: sandbox.ServerError, Status: 502, Times: few, Method: method, Path: api},
		{Kind: sandbox.Cut, Times: few, Path: []string{deals, activities, notes}[s.rng.IntN(3)]},
		{Kind: sandbox.Empty, Times: few, Path: []string{deals, activities, notes}[s.rng.IntN(3)]},
		{Kind: sandbox.WebhookLost, P: 0.5, Times: few}, {Kind: sandbox.WebhookDouble, P: 0.5, Times: few}, {Kind: sandbox.WebhookReorder, P: 0.5, Times: few},
	}
	f := all[s.rng.IntN(len(all))]
	off, err := s.crm.Inject(f)
	if err != nil {
		t.Fatal(err)
	}
	s.disarm = append(s.disarm, off)
	s.note("a fault: %+v", f)
}

// work does all of our work once, whatever fails.
func (s *siege) work(t *testing.T) {
	t.Helper()
	w := childWork{Workspace: s.ws, Conn: s.conn}
	ready := []deed{pullToTheEnd, receiveOnce, judgeToTheEnd, pushOnce}
	s.rng.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
	for _, do := range ready {
		s.tolerates(t, do(t.Context(), s.Pipeline, w))
	}
}

func receiveOnce(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return p.Receive(ctx, w.Workspace, w.Conn)
}

func (s *siege) tolerates(t *testing.T, err error) {
	t.Helper()
	switch fault.KindOf(err) {
	case fault.Temporary, fault.Lost:
		s.note("failed: %v", err)
	default:
		if err != nil {
			t.Errorf("%v", err)
		}
	}
}

// lastStands are boundaries between the steps of each kind of work that decides on
// edits, makes them, or reads what came of them.
func (s *siege) lastStands() map[string][]boundary {
	_, deals, activities, notes := s.crm.writes()
	reads := []boundary{
		{"answer", "/", 1}, {"commit", "INSERT INTO deals", 1}, {"committed", "INSERT INTO deals", 1}, {"commit", "SET echoed_at", 1}, {"committed", "SET echoed_at", 1},
		{"commit", "UPDATE edits e SET target_id", 1}, {"committed", "INSERT INTO changes", 1}, {"commit", "UPDATE inbox SET done_at", 1}, {"committed", "UPDATE inbox SET done_at", 1},
	}
	return map[string][]boundary{
		"evaluate": {
			{"statement", "INSERT INTO violations", 1}, {"statement", "INSERT INTO edits", 1}, {"commit", "INSERT INTO edits", 1}, {"committed", "INSERT INTO edits", 1}, {"committed", "INSERT INTO violations", 1},
		},
		"push once": {
			{"answer", deals, 1}, {"statement", "SET state = 'sent'", 1}, {"commit", "SET state = 'sent'", 1}, {"committed", "SET state = 'sent'", 1},
			{"request", deals, 2}, {"answer", deals, 2}, {"request", activities, 1}, {"answer", activities, 1}, {"request", notes, 1}, {"answer", notes, 1},
			{"answer", activities, 2}, {"statement", "SET state = 'done'", 1}, {"commit", "SET state = 'done'", 1}, {"committed", "SET state = 'done'", 1},
			{"commit", "SET checked_at", 1}, {"committed", "SET checked_at", 1}, {"statement", "UPDATE leases SET until = '-infinity'", 1},
		},
		"receive": reads, "pull": reads,
	}
}

// mortalWorks has a worker die at a boundary, if it comes to it; at times another
// reads what comes back meanwhile.
func (s *siege) mortalWorks(t *testing.T) {
	do := []string{"push once", "push once", "push once", "evaluate", "receive", "pull"}[s.rng.IntN(6)]
	stands := s.lastStands()[do]
	w := s.bundle.work(do)
	if do == "push once" && s.rng.IntN(2) == 0 {
		_, deals, activities, notes := s.crm.writes()
		stands = []boundary{{"answer", activities, 1}, {"answer", notes, 1}, {"answer", deals, 2}} // called, and no receipt
	}
	w.Die, w.Ahead = stands[s.rng.IntN(len(stands))], time.Duration(s.ahead.Load())
	w.Die.Nth += s.rng.IntN(6) / 4
	if do == "push once" { // there is something to do
		s.tolerates(t, s.justJudge(t))
		if one[int](t, s.bundle, `SELECT count(*) FROM edits WHERE state IN ('ready', 'sent')`) == 0 {
			return
		}
	}
	s.note("%s dies at %+v", do, w.Die)
	happened := func() bool { return false }
	if do == "push once" && s.rng.IntN(3) == 0 {
		happened = s.inTheLastMoment(t, s.deals[s.rng.IntN(len(s.deals))], s.stages[s.rng.IntN(len(s.stages))])
	}
	p := start(t, w)
	if s.rng.IntN(3) == 0 {
		s.tolerates(t, receiveOnce(t.Context(), s.Pipeline, w))
	}
	switch status := p.wait(); {
	case status > childFailed:
		t.Errorf("exit status %d: %s", status, p.errors())
	case status >= 0:
		s.note("it came to an end: %d %s", status, p.errors())
	default:
		s.kills++
	}
	happened()
	// Its lease ends in a moment, for which nobody waits.
	s.run(t, `UPDATE leases SET until = '-infinity'`)
	if s.rng.IntN(2) == 0 { // what became of a call is looked for before it comes back by itself
		s.later(t, time.Second)
		s.run(t, `UPDATE edits SET not_before = NULL WHERE not_before IS NOT NULL`)
		s.tolerates(t, pushOnce(t.Context(), s.Pipeline, w))
	}
}

// inTheLastMoment has a person move a deal just before it is written next. Whether he
// or we did it cannot be told if he does at that moment what we want, so he does not.
func (s *siege) inTheLastMoment(t *testing.T, deal, to string) (happened func() bool) {
	s.offered[deal]++ // or not, if it is moved elsewhere
	method, deals, _, _ := s.crm.writes()
	return s.crm.Before(method, deals+deal, func() {
		if one[bool](t, s.bundle, `SELECT EXISTS (SELECT FROM edits WHERE external_id = $1 AND wanted->>'stage_id' = $2 AND state = 'sent')`, deal, to) {
			return
		}
		s.later(t, 3*time.Second)
		s.tried(s.crm.set(deal, map[string]any{"stage_id": json.Number(to)}), "moves deal %s to %s, in the last moment", deal, to)
		s.later(t, 3*time.Second)
	})
}

func (s *siege) justJudge(t *testing.T) error {
	w := childWork{Workspace: s.ws, Conn: s.conn}
	if err := receiveOnce(t.Context(), s.Pipeline, w); err != nil {
		return err
	}
	return judgeToTheEnd(t.Context(), s.Pipeline, w)
}

// rest has everything come to its end once the vendor behaves.
func (s *siege) rest(t *testing.T) {
	t.Helper()
	for _, off := range s.disarm {
		off()
	}
	lost := len(s.disarm) > 0
	s.disarm = nil
	s.note("it comes to rest")
	if s.writing(t).Mode != "live" {
		s.switchTo(t, jobs.Switch{Mode: "live", By: "test"})
	}
	if lost { // nothing but a sweep finds what was deleted and told in vain
		s.comesBack(t)
		if err := s.replayIfDue(t.Context(), childWork{Workspace: s.ws, Conn: s.conn}); err != nil { // there is a new field
			t.Fatal(err)
		}
		if err := s.sweepAll(t); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		s.later(t, 50*time.Second) // what waits for an instant, and what the vendor's log may lag behind
		s.run(t, `UPDATE edits SET not_before = NULL WHERE not_before IS NOT NULL`)
		s.run(t, `DELETE FROM breakers`)
		s.comesBack(t)
		s.pull(t)
		s.evaluate(t)
		s.push(t)
		if s.atRest(t) {
			return
		}
	}
	t.Fatalf("it never comes to rest: %q", s.edits(t))
}

func (s *siege) atRest(t *testing.T) bool {
	t.Helper()
	if err := s.crm.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return one[int](t, s.bundle, `SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM inbox WHERE done_at IS NULL)
		+ (SELECT count(*) FROM edits WHERE state IN ('ready', 'sent') OR state = 'done' AND checked_at IS NULL)`) == 0
}

// holds is what is promised of a company at rest.
func (s *siege) holds(t *testing.T) {
	t.Helper()
	s.drift(t)
	s.once(t)
	s.shown(t)
	s.attributed(t)
	if r := s.crm.refused(); len(r) > 0 {
		t.Errorf("the vendor refused calls: %q", r)
	}
	for _, why := range s.failed(t) {
		if strings.HasPrefix(why, "edit ") {
			t.Errorf("failed: %s", why)
		}
	}
	stop := s.writes()
	s.run(t, `INSERT INTO dirty (workspace_id, connection_id, kind, external_id) SELECT workspace_id, connection_id, 'deals', external_id FROM deals ON CONFLICT DO NOTHING`)
	s.rest(t)
	if calls := stop(); len(calls) > 0 {
		t.Errorf("written again: %q", calls)
	}
}

// once: what was made is there once, and whatever was taken back has its note, unless
// its deal was gone before that was written.
func (s *siege) once(t *testing.T) {
	t.Helper()
	var list []postgres.Edit
	s.in(t, func(tx pgx.Tx) (err error) {
		list, err = postgres.EditsAbout(t.Context(), tx, s.ws, s.conn, "deals", s.deals)
		return err
	})
	gone := one[[]string](t, s.bundle, `SELECT COALESCE(array_agg(external_id), '{}') FROM deals WHERE deleted_at IS NOT NULL`)
	made := map[string]int{}
	for _, e := range list {
		if marked := s.marked(&e); !e.Makes() && len(marked) > 0 || len(marked) > 1 || len(marked) == 1 && (e.TargetID == nil || marked[0] != *e.TargetID) {
			t.Errorf("records %q have the mark of edit %d: %s %s %s %s", marked, e.ID, e.Subject.ID, e.Key, e.State, e.Why)
		}
		switch {
		case e.Makes() && e.State == "done" && !s.exists(e.TargetKind, *e.TargetID):
			t.Errorf("nothing was made by edit %d: %s %s", e.ID, e.Subject.ID, e.Key)
		case e.What == "revert" && e.State == "done" && e.Attempts > 0:
			made["revert/"+fmt.Sprint(e.ID)]--
		case e.What == "note" && (e.State == "done" || e.State == "cancelled" && slices.Contains(gone, e.Subject.ID)):
			made["revert/"+strings.TrimPrefix(e.Key, "note/")]++
		case e.What == "activity" && e.State == "done":
			if made[e.Subject.ID+" "+e.Key]++; made[e.Subject.ID+" "+e.Key] > 1 {
				t.Errorf("made twice: %s %s", e.Subject.ID, e.Key)
			}
		}
	}
	for what, n := range made {
		if strings.HasPrefix(what, "revert/") && n != 0 {
			t.Errorf("%s has %d notes too many", what, n)
		}
	}
	for _, deal := range s.deals {
		if n := s.about(deal, "Wyślij ofertę"); n > s.offered[deal] {
			t.Errorf("deal %s came to the stage %d times, its task was made %d times", deal, s.offered[deal], n)
		}
		if n := s.about(deal, "Zadzwoń ponownie"); n > s.given[deal] {
			t.Errorf("deal %s was lost %d times, the task for that was made %d times", deal, s.given[deal], n)
		}
	}
}

// marked are the vendor's records with the mark of an edit, deleted ones as well.
// Another text of our task stands there without the mark.
func (s *siege) marked(e *postgres.Edit) (ids []string) {
	for _, object := range []string{"activities", "notes"} {
		for _, w := range s.crm.written(object) {
			if strings.Contains(w.text, e.Mark) {
				ids = append(ids, w.id)
			}
		}
	}
	return ids
}

func (s *siege) exists(object, id string) bool {
	return slices.ContainsFunc(s.crm.written(object), func(w writing) bool { return w.id == id })
}

// about counts the activities that were ever made about a deal with such a subject.
func (s *siege) about(deal, subject string) (n int) {
	for _, a := range s.crm.written("activities") {
		if a.deal == deal && a.subject == subject {
			n++
		}
	}
	return n
}

// shown: cards and tasks are what is wanted by what is stored.
func (s *siege) shown(t *testing.T) {
	t.Helper()
	err := s.EffectsOnDeals(t.Context(), s.ws, s.conn, s.deals, func(f *book.Facts, e *enforce.Effects) {
		if e.Leave || one[int](t, s.bundle, `SELECT count(*) FROM failures WHERE kind = 'fight' AND external_id = $1`, f.ID) > 0 {
			return
		}
		if got := s.shows(t, f.ID); got != e.Card {
			t.Errorf("the card of deal %s shows %q, want %q", f.ID, got, e.Card)
		}
		open := s.ourTasks(t, f.ID)
		if want := map[bool]int{true: 1}[e.Task != nil]; len(open) != want {
			t.Errorf("deal %s has %d open tasks of ours, want %d: %q, %+v", f.ID, len(open), want, open, e.Task)
		}
		if asked := one[int](t, s.bundle, `SELECT count(*) FROM edits WHERE external_id = $1 AND what = 'revert' AND state = 'asked'`, f.ID); len(e.Activities) > 0 || len(e.Reverts) != asked {
			t.Errorf("deal %s: %d waits, still wanted are %+v, %+v", f.ID, asked, e.Activities, e.Reverts)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// ourTasks are the vendor's ids of the open tasks on a deal that are the one task.
func (s *siege) ourTasks(t *testing.T, deal string) (ids []string) {
	t.Helper()
	ours := one[[]string](t, s.bundle, `SELECT COALESCE(array_agg(target_id), '{}') FROM edits WHERE what = 'task' AND before IS NULL AND target_id IS NOT NULL`)
	return slices.DeleteFunc(s.openActivities(deal, ""), func(id string) bool { return !slices.Contains(ours, id) })
}

// attributed: by the vendor's own log, what we have done is ours, and what people
// have done is theirs.
func (s *siege) attributed(t *testing.T) {
	t.Helper()
	us := s.crm.us()
	for _, deal := range s.deals {
		log := s.crm.logged(deal)
		for _, field := range []string{"stage_id", "status", "custom." + s.card} {
			for _, c := range s.changesOf(t, deal, field) {
				if by := author(log, strings.TrimPrefix(field, "custom."), c); by != "" && (by == us) != c.ours {
					t.Errorf("deal %s: %s became %q at %v by user %s, and is ours: %v\n%+v", deal, field, c.value, c.at, by, c.ours, log)
				}
			}
		}
		for _, c := range s.entriesOf(t, deal) {
			if by := author(log, "stage_id", c); by != "" && (by == us) != c.ours {
				t.Errorf("deal %s came to stage %s at %v by user %s, and is ours: %v", deal, c.value, c.at, by, c.ours)
			}
		}
	}
	for _, a := range s.crm.written("activities") {
		ours := one[bool](t, s.bundle, `SELECT EXISTS (SELECT FROM edits WHERE target_kind = 'activities' AND target_id = $1 AND before IS NULL)`, a.id)
		if (a.maker == us) != ours {
			t.Errorf("activity %s was made by user %s, and is ours: %v", a.id, a.maker, ours)
		}
	}
}

// seen is a value that we saw a field of a deal take.
type seen struct {
	value string
	at    time.Time
	ours  bool
}

func (s *siege) changesOf(t *testing.T, deal, field string) (list []seen) {
	t.Helper()
	return s.seen(t, `SELECT COALESCE(fields->$2->>'new', ''), at, edit_id IS NOT NULL FROM changes WHERE kind = 'deals' AND external_id = $1 AND fields ? $2 ORDER BY id`, deal, field)
}

func (s *siege) entriesOf(t *testing.T, deal string) (list []seen) {
	t.Helper()
	return s.seen(t, `SELECT stage_id, at, edit_id IS NOT NULL FROM deal_stages WHERE deal_id = $1 AND from_stage_id IS NOT NULL ORDER BY at`, deal)
}

func (s *siege) seen(t *testing.T, sql string, args ...any) (list []seen) {
	t.Helper()
	s.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), sql, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c seen, err error) { return c, row.Scan(&c.value, &c.at, &c.ours) })
		return err
	})
	return list
}

// author is the user who, by the vendor's log, last gave a field a value up to an
// instant; empty if nobody did.
func author(log []logged, field string, c seen) string {
	i := slices.IndexFunc(log, func(l logged) bool {
		return l.field == field && l.value == c.value && !l.at.After(c.at.Add(time.Second))
	})
	if i < 0 {
		return ""
	}
	return log[i].by
}
