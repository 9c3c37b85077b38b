package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Delivery is one event on its way to one subscriber.
type Delivery struct {
	// Subscriber tells the reporter whose delivery this is.
	Subscriber int64
	URL        string
	// User and Password go into HTTP Basic authentication when User is not "".
	User, Password string
	// Body renders the event for the given attempt, counted from 1: vendors
	// put the attempt into the body.
	Body func(attempt int) []byte
}

// Outcome is what became of one attempt.
type Outcome struct {
	Delivery Delivery
	Attempt  int
	Status   int   // HTTP status, 0 when there was no answer
	Err      error // why there was no answer; nil for any HTTP answer
}

// OK reports whether the subscriber took the event.
func (o Outcome) OK() bool { return o.Status >= 200 && o.Status < 300 }

// Queue delivers events over HTTP with bounded concurrency, and again after
// each pause of the schedule until the subscriber answers 2xx.
type Queue struct {
	clock    Clock
	client   *http.Client
	schedule []time.Duration
	report   func(Outcome) (retry bool)

	mu      sync.Mutex
	cond    *sync.Cond
	ready   []attempt
	workers int
	limit   int
	flying  int // attempts under way
	waiting int // retries that wait for their time
	ctx     context.Context
	cancel  context.CancelFunc
}

type attempt struct {
	Delivery
	n int
}

// QueueConfig configures a Queue.
type QueueConfig struct {
	Clock Clock
	// Workers is the number of deliveries under way at once.
	Workers int
	// Timeout is how long a subscriber may take to answer.
	Timeout time.Duration
	// Schedule holds the pauses before the second and later attempts.
	Schedule []time.Duration
	// Report is told every outcome, concurrently; false gives the delivery up.
	Report func(Outcome) (retry bool)
}

// NewQueue returns a queue at rest: it has no goroutine until there is work.
func NewQueue(c QueueConfig) *Queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{
		clock: c.Clock, schedule: c.Schedule, report: c.Report, limit: c.Workers, ctx: ctx, cancel: cancel,
		client: &http.Client{
			Timeout:       c.Timeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: c.Workers, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// Send queues a delivery and returns at once. After Close it does nothing.
func (q *Queue) Send(d Delivery) { q.enqueue(attempt{Delivery: d, n: 1}, false) }

func (q *Queue) enqueue(a attempt, wasWaiting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if wasWaiting {
		q.waiting--
	}
	if q.ctx.Err() != nil {
		q.cond.Broadcast()
		return
	}
	q.ready = append(q.ready, a)
	if q.workers < q.limit {
		q.workers++
		go q.work()
	}
}

// work delivers until nothing is ready.
func (q *Queue) work() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) > 0 && q.ctx.Err() == nil {
		a := q.ready[0]
		q.ready = q.ready[1:]
		q.flying++
		q.mu.Unlock()
		again := q.deliver(a)
		q.mu.Lock()
		q.flying--
		if again && a.n <= len(q.schedule) && q.ctx.Err() == nil {
			q.later(a)
		}
		q.cond.Broadcast()
	}
	q.workers--
	q.cond.Broadcast()
}

// later schedules the next attempt; the caller holds mu.
func (q *Queue) later(a attempt) {
	q.waiting++
	pause := q.schedule[a.n-1]
	a.n++
	q.clock.AfterFunc(pause, func() { q.enqueue(a, true) })
}

func (q *Queue) deliver(a attempt) (again bool) {
	o := Outcome{Delivery: a.Delivery, Attempt: a.n}
	o.Status, o.Err = q.post(a)
	return q.report(o) && !o.OK()
}

func (q *Queue) post(a attempt) (status int, err error) {
	req, err := http.NewRequestWithContext(q.ctx, http.MethodPost, a.URL, bytes.NewReader(a.Body(a.n)))
	if err != nil {
		return 0, fmt.Errorf("webhook to %s: %w", a.URL, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if a.User != "" {
		req.SetBasicAuth(a.User, a.Password)
	}
	resp, err := q.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	// Read what little there is, so that the connection is used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, nil
}

// Flush waits until nothing is ready, under way or waiting for its retry.
func (q *Queue) Flush(ctx context.Context) error {
	return q.wait(ctx, func() bool { return q.flying+len(q.ready)+q.waiting == 0 })
}

// Settle waits until no attempt is ready or under way; retries may still wait
// for their time. With a Manual clock: Settle, Advance, Settle.
func (q *Queue) Settle(ctx context.Context) error {
	return q.wait(ctx, func() bool { return q.flying+len(q.ready) == 0 })
}

func (q *Queue) wait(ctx context.Context, done func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.cond.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !done() && q.ctx.Err() == nil {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("webhook deliveries still pending: %d under way or ready, %d waiting for a retry: %w", q.flying+len(q.ready), q.waiting, err)
		}
		q.cond.Wait()
	}
	return nil
}

// Pending returns how many deliveries are not done yet.
func (q *Queue) Pending() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flying + len(q.ready) + q.waiting
}

// Close drops what is pending, breaks off what is under way and returns when
// the last worker is gone.
func (q *Queue) Close() {
	q.cancel()
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.workers > 0 {
		q.cond.Wait()
	}
	q.ready = nil
	q.client.CloseIdleConnections()
}
