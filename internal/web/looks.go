package web

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"salesbook.dev/jobs"
)

// looksEvery is how long the queue is left in peace after it was asked: while
// deliveries arrive without end, one job looks at many commits of them.
const looksEvery = 50 * time.Millisecond

// looks asks the queue to look at inboxes that got something new, after the
// commit and beside the next one. What is not asked for, because the process
// ends or the queue refuses, the tick finds.
type looks struct {
	queue jobs.Queue
	log   *slog.Logger
	wake  chan struct{}

	mu    sync.Mutex
	boxes map[[2]int64]bool // workspace and connection
}

func newLooks(q jobs.Queue, log *slog.Logger) *looks {
	return &looks{queue: q, log: log, wake: make(chan struct{}, 1), boxes: map[[2]int64]bool{}}
}

// due notes inboxes that must be looked at. It does not wait.
func (l *looks) due(boxes [][2]int64) {
	if len(boxes) == 0 {
		return
	}
	l.mu.Lock()
	for _, b := range boxes {
		l.boxes[b] = true
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already
	}
}

// run asks for what is due until ctx ends.
func (l *looks) run(ctx context.Context) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		l.ask(ctx)
		rest.Reset(looksEvery)
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

func (l *looks) ask(ctx context.Context) {
	params := l.take()
	if len(params) == 0 {
		return // what woke us was taken together with what came before
	}
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	if _, err := l.queue.InsertManyFast(ctx, params); err != nil && ctx.Err() == nil {
		l.log.WarnContext(ctx, "deliveries are stored, but no job could be asked to look at them; the tick finds them", "inboxes", len(params), "why", err)
	}
}

func (l *looks) take() []river.InsertManyParams {
	l.mu.Lock()
	defer l.mu.Unlock()
	params := make([]river.InsertManyParams, 0, len(l.boxes))
	for b := range l.boxes {
		params = append(params, river.InsertManyParams{Args: jobs.ReceiveArgs{Workspace: b[0], Connection: b[1]}})
	}
	clear(l.boxes)
	return params
}
