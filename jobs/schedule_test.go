package jobs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// schedule is one random course of events: a vendor that lives on and
// misbehaves, and two workers that go on beside each other.
type schedule struct {
	*bundle
	name   string
	rng    *rand.Rand
	two    [2]*jobs.Pipeline // the workers
	disarm []func()
	log    []string // what happened, to be told if it ends badly
}

// event is one thing that happens.
type event struct {
	name   string
	weight int
	do     func(s *schedule, t *testing.T)
}

func events() []event {
	return []event{
		{"people work", 30, (*schedule).live},
		{"people tidy up", 14, (*schedule).tidy},
		{"a fault", 24, (*schedule).misbehave},
		{"faults end", 5, func(s *schedule, _ *testing.T) { s.behave() }},
		{"deliveries arrive", 10, func(s *schedule, t *testing.T) { s.settle(t) }},
		{"one pulls", 12, func(s *schedule, t *testing.T) { s.pullAs(t, 0) }},
		{"both pull", 8, func(s *schedule, t *testing.T) { s.both(t, s.pullAs) }},
		{"a pull is broken off", 10, (*schedule).interrupt},
		{"one receives", 12, func(s *schedule, t *testing.T) { s.receiveAs(t, 1) }},
		{"both receive", 6, func(s *schedule, t *testing.T) { s.both(t, s.receiveAs) }},
		{"one pulls, one receives", 8, (*schedule).pullAndReceive},
		{"the past is read", 3, (*schedule).history},
		{"all is mapped anew", 4, (*schedule).replay},
		{"subscriptions are looked after", 3, (*schedule).watch},
		{"a new day", 3, (*schedule).newDay},
	}
}

// run lets n things happen, also some that only this test has.
func (s *schedule) run(t *testing.T, n int, more ...event) {
	all := append(events(), more...)
	total := 0
	for _, e := range all {
		total += e.weight
	}
	for range n {
		dice := s.rng.IntN(total)
		for _, e := range all {
			if dice -= e.weight; dice < 0 {
				s.log = append(s.log, e.name)
				e.do(s, t)
				break
			}
		}
	}
}

// note adds details to what happened last.
func (s *schedule) note(format string, args ...any) {
	s.log[len(s.log)-1] += " " + fmt.Sprintf(format, args...)
}

func (s *schedule) live(t *testing.T) {
	done, err := s.sim.Trickle(s.rng, 1+s.rng.IntN(12))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range done {
		s.note("%s %s %s,", m.Object, m.ID, m.What)
	}
}

// tidying are changes that the simulator's people do not make by themselves.
func tidying() []struct{ object, method, path string } {
	return []struct{ object, method, path string }{
		{"persons", "DELETE", "/api/v2/persons/%s"},
		{"organizations", "DELETE", "/api/v2/organizations/%s"},
		{"leads", "DELETE", "/api/v1/leads/%s"},
		{"notes", "DELETE", "/api/v1/notes/%s"},
		{"products", "DELETE", "/api/v2/products/%s"},
		{"activities", "DELETE", "/api/v2/activities/%s"},
		{"deals", "DELETE", "/api/v2/deals/%s"},
		{"deals", "archive", "/api/v2/deals/%s"},
		{"leads", "archive", "/api/v1/leads/%s"},
		{"deals", "merge", "/api/v1/deals/%s/merge"},
		{"persons", "merge", "/api/v1/persons/%s/merge"},
		{"organizations", "merge", "/api/v1/organizations/%s/merge"},
	}
}

// tidy deletes, merges, archives or takes out of the archive.
func (s *schedule) tidy(t *testing.T) {
	what := tidying()[s.rng.IntN(len(tidying()))]
	living := s.living(what.object)
	if len(living) < 2 {
		return
	}
	i := s.rng.IntN(len(living))
	id, other := living[i].ID, living[(i+1)%len(living)].ID
	method, path := what.method, fmt.Sprintf(what.path, id)
	var body any
	switch what.method {
	case "archive":
		method, body = "PATCH", map[string]any{"is_archived": !living[i].Archived}
	case "merge":
		with, err := strconv.Atoi(other)
		if err != nil {
			t.Fatal(err)
		}
		method, body = "PUT", map[string]any{"merge_with_id": with}
	}
	s.note("%s %s %v", method, path, body)
	if answer, err := s.sim.Do(1, method, path, body); err != nil {
		s.note("refused: %v %s", err, gjson.GetBytes(answer, "error"))
	}
}

func (s *schedule) living(object string) []pipedrive.Record {
	return slices.DeleteFunc(slices.Collect(s.sim.Truth(object)), func(r pipedrive.Record) bool { return r.Deleted })
}

// faults are what may be wrong with the vendor, for a few calls or events.
func (s *schedule) faults() []sandbox.Fault {
	few := 1 + s.rng.IntN(4)
	path := []string{"", "", "/deals", "/persons", "/v1/", "/activities"}[s.rng.IntN(6)]
	return []sandbox.Fault{
		{Kind: sandbox.ServerError, Status: 500 + s.rng.IntN(4), P: 0.5, Times: few, Path: path},
		{Kind: sandbox.ServerError, Status: 503, AfterCommit: true, Times: few, Path: path},
		{Kind: sandbox.Cut, Times: few, Path: path},
		{Kind: sandbox.Slow, Times: few, Delay: time.Duration(s.rng.IntN(200)) * time.Millisecond, Path: path},
		{Kind: sandbox.HTML, Status: []int{200, 502, 404}[s.rng.IntN(3)], Times: few, Path: path},
		{Kind: sandbox.Empty, Times: few, Path: path},
		{Kind: sandbox.BurstLimit, Times: 1, Path: path},
		{Kind: sandbox.DailyLimit, Times: 1, After: s.rng.IntN(20), Path: path},
		{Kind: sandbox.CursorExpire, Times: 1, Delay: time.Nanosecond, Path: path},
		{Kind: sandbox.WebhookLost, P: 0.5, Times: few},
		{Kind: sandbox.WebhookDouble, P: 0.5, Times: few},
		{Kind: sandbox.WebhookReorder, P: 0.5, Times: few},
		{Kind: sandbox.Skew, Delay: time.Duration(s.rng.IntN(240)-120) * time.Second},
	}
}

func (s *schedule) misbehave(t *testing.T) {
	all := s.faults()
	f := all[s.rng.IntN(len(all))]
	s.note("%+v", f)
	off, err := s.sim.Inject(f)
	if err != nil {
		t.Fatal(err)
	}
	s.disarm = append(s.disarm, off)
}

func (s *schedule) behave() {
	for _, off := range s.disarm {
		off()
	}
	s.disarm = nil
}

// settle waits until what is under way to us has arrived.
func (s *schedule) settle(t *testing.T) {
	if err := s.sim.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *schedule) pullAs(t *testing.T, n int) {
	s.ours(t, func(ctx context.Context) error {
		_, err := s.two[n].Pull(ctx, s.ws, s.conn, jobs.PullOptions{Force: true})
		return err
	})
}

func (s *schedule) receiveAs(t *testing.T, n int) {
	s.ours(t, func(ctx context.Context) error { return s.two[n].Receive(ctx, s.ws, s.conn) })
}

func (s *schedule) history(t *testing.T) {
	s.ours(t, func(ctx context.Context) error { return s.two[0].History(ctx, s.ws, s.conn) })
}

func (s *schedule) watch(t *testing.T) {
	s.ours(t, func(ctx context.Context) error { return s.two[1].Watch(ctx, s.ws, s.conn) })
}

// both has both workers do the same at once.
func (s *schedule) both(t *testing.T, do func(t *testing.T, n int)) {
	together(func() { do(t, 0) }, func() { do(t, 1) })
}

// pullAndReceive goes on while the vendor changes.
func (s *schedule) pullAndReceive(t *testing.T) {
	together(func() { s.pullAs(t, 0) }, func() { s.receiveAs(t, 1) }, func() { s.live(t) })
}

// interrupt breaks a pull off after some calls.
func (s *schedule) interrupt(t *testing.T) {
	s.ours(t, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer s.after(int64(1+s.rng.IntN(40)), cancel)()
		_, err := s.two[0].Pull(ctx, s.ws, s.conn, jobs.PullOptions{Force: true})
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
}

func (s *schedule) replay(t *testing.T) {
	s.ours(t, func(ctx context.Context) error {
		_, err := s.two[1].Replay(ctx, s.ws, s.conn)
		return err
	})
}
