package web

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// receiver is an opened connection that deliveries arrive for.
type receiver struct {
	workspace, connection int64
	connectors.Receiver
	callback connectors.Callback
	until    time.Time
}

const (
	// fresh is how long an opened receiver is used: changed credentials take
	// effect within it.
	fresh = 15 * time.Second
	// opensAtOnce bounds the lookups under way: whoever tries out addresses
	// must not take the database from deliveries that are good.
	opensAtOnce = 4
	// openLimit bounds one lookup.
	openLimit = 5 * time.Second
	// mostKnown bounds the receivers that are kept.
	mostKnown = 10_000
)

// receivers opens the connections that deliveries are for, and keeps them for a
// short time.
type receivers struct {
	db       *postgres.DB
	pipeline *jobs.Pipeline
	log      *slog.Logger
	opening  singleflight.Group // by hash
	slots    chan struct{}

	mu    sync.Mutex
	known map[string]receiver // by hash
}

func newReceivers(db *postgres.DB, p *jobs.Pipeline, log *slog.Logger) *receivers {
	return &receivers{db: db, pipeline: p, log: log, slots: make(chan struct{}, opensAtOnce), known: map[string]receiver{}}
}

// at returns the connection that listens at this unguessable part of a URL,
// fault.NotFound when none does.
func (r *receivers) at(ctx context.Context, part string) (receiver, error) {
	hash := string(jobs.HookHash(part))
	r.mu.Lock()
	rc, ok := r.known[hash]
	r.mu.Unlock()
	if ok && r.pipeline.Now().Before(rc.until) {
		return rc, nil
	}
	// One opens it for all who wait, so it does not end with that one's request.
	opened, err, _ := r.opening.Do(hash, func() (any, error) { return r.open(context.WithoutCancel(ctx), hash) })
	if err != nil {
		return receiver{}, err
	}
	return opened.(receiver), nil
}

func (r *receivers) open(ctx context.Context, hash string) (receiver, error) {
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return receiver{}, fault.New(fault.Temporary, "too many deliveries to other addresses wait")
	}
	rc, err := r.read(ctx, hash)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		r.log.ErrorContext(ctx, "deliveries cannot be verified; vendors will repeat them for a while", "workspace", rc.workspace, "connection", rc.connection, "why", err)
		// Not the kind it has: that credentials cannot be opened is no fault of the delivery's.
		return rc, fault.New(fault.Temporary, "the connection could not be opened: %w", err)
	}
	return rc, err
}

func (r *receivers) read(ctx context.Context, hash string) (rc receiver, err error) {
	rc.until = r.pipeline.Now().Add(fresh)
	if rc.workspace, rc.connection, err = r.db.RouteDelivery(ctx, []byte(hash)); err != nil {
		return rc, err
	}
	if rc.Receiver, rc.callback, err = r.pipeline.Receiver(ctx, rc.workspace, rc.connection); err != nil {
		return rc, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= mostKnown {
		clear(r.known)
	}
	r.known[hash] = rc
	return rc, nil
}
