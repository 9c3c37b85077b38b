package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// subscriber is a server that fails as often as it is told.
type subscriber struct {
	*httptest.Server
	mu       sync.Mutex
	failures int
	bodies   []string
}

func subscribe(t *testing.T, failures int) *subscriber {
	t.Helper()
	s := &subscriber{failures: failures}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bodies = append(s.bodies, string(body))
		if s.failures > 0 {
			s.failures--
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *subscriber) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

func numbered(attempt int) []byte { return fmt.Appendf(nil, "attempt %d", attempt) }

func newQueue(t *testing.T, clock Clock, report func(Outcome) bool) *Queue {
	t.Helper()
	q := NewQueue(QueueConfig{
		Clock: clock, Workers: 2, Timeout: 5 * time.Second, Report: report,
		Schedule: []time.Duration{3 * time.Second, 30 * time.Second},
	})
	t.Cleanup(q.Close)
	return q
}

func settle(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := q.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestQueueRetriesBySchedule(t *testing.T) {
	t.Parallel()
	clock := NewManual(time.Unix(0, 0))
	s := subscribe(t, 2)
	q := newQueue(t, clock, func(Outcome) bool { return true })
	q.Send(Delivery{URL: s.URL, Body: numbered})
	var got []int
	for _, wait := range []time.Duration{0, 2 * time.Second, time.Second, 29 * time.Second, time.Second, time.Hour} {
		clock.Advance(wait)
		settle(t, q)
		got = append(got, len(s.got()))
	}
	if diff := cmp.Diff([]int{1, 1, 2, 2, 3, 3}, got); diff != "" {
		t.Errorf("attempts seen after 0, 2, 3, 32, 33 s and an hour (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"attempt 1", "attempt 2", "attempt 3"}, s.got()); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestQueueGivesUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		retry bool
		want  int
	}{
		"after the last retry":            {true, 3},
		"when the reporter wants no more": {false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewManual(time.Unix(0, 0))
			s := subscribe(t, 100)
			q := newQueue(t, clock, func(Outcome) bool { return tc.retry })
			q.Send(Delivery{URL: s.URL, Body: numbered})
			for range 5 {
				settle(t, q)
				clock.Advance(time.Minute)
			}
			settle(t, q)
			if got := len(s.got()); got != tc.want {
				t.Errorf("%d attempts, want %d", got, tc.want)
			}
			if err := q.Flush(t.Context()); err != nil || q.Pending() != 0 {
				t.Errorf("Flush: %v, %d pending; want none", err, q.Pending())
			}
		})
	}
}

func TestQueueReportsOutcomes(t *testing.T) {
	t.Parallel()
	outcomes := make(chan Outcome, 2)
	q := newQueue(t, System{}, func(o Outcome) bool { outcomes <- o; return false })
	s := subscribe(t, 0)
	q.Send(Delivery{Subscriber: 7, URL: s.URL, Body: numbered})
	if o := <-outcomes; !o.OK() || o.Status != 200 || o.Attempt != 1 || o.Delivery.Subscriber != 7 || o.Err != nil {
		t.Errorf("outcome %+v, want the first attempt of subscriber 7 taken", o)
	}
	s.Close()
	q.Send(Delivery{URL: s.URL, Body: numbered})
	if o := <-outcomes; o.OK() || o.Status != 0 || o.Err == nil {
		t.Errorf("outcome %+v, want an error without a status", o)
	}
}

func TestQueueFlushNamesWhatIsPending(t *testing.T) {
	t.Parallel()
	clock := NewManual(time.Unix(0, 0))
	s := subscribe(t, 100)
	q := newQueue(t, clock, func(Outcome) bool { return true })
	q.Send(Delivery{URL: s.URL, Body: numbered})
	settle(t, q)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush with a retry waiting and a dead context: %v, want its error", err)
	}
}

func TestQueueKeepsToItsWorkersAndClosesCleanly(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	entered, release := make(chan struct{}, 10), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		entered <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	q := newQueue(t, System{}, func(Outcome) bool { return true })
	for range 10 {
		q.Send(Delivery{URL: srv.URL, Body: numbered})
	}
	<-entered
	<-entered
	if n := len(entered); n != 0 || q.Pending() != 10 {
		t.Errorf("%d more than two deliveries under way, %d pending; want 0 and 10", n, q.Pending())
	}
	q.Close() // returns although the subscriber hangs
	if most.Load() != 2 {
		t.Errorf("%d deliveries at once, want 2", most.Load())
	}
	q.Send(Delivery{URL: srv.URL, Body: numbered})
	if err := q.Flush(t.Context()); err != nil {
		t.Errorf("Flush after Close: %v", err)
	}
	close(release)
}
