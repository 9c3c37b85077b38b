package web

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

const (
	// atOnce bounds the letters of one commit.
	atOnce = 500
	// commitLimit bounds one commit. Pipedrive waits 10 s for its answer
	// (guide on webhooks v2, 2026-11), and one of two halves may follow.
	commitLimit = 4 * time.Second
)

// pending is a letter that waits for its commit.
type pending struct {
	letter postgres.Letter
	done   chan error
}

// committer stores letters of all workspaces, many in one commit. There is one
// commit at a time.
type committer struct {
	db      *postgres.DB
	looks   *looks
	log     *slog.Logger
	turn    sync.Mutex // held by whoever commits
	arrived chan pending
	wake    chan struct{}        // filled after arrived was
	sizes   prometheus.Histogram // letters of a commit
	seconds prometheus.Histogram // that a commit took
}

// store returns nil once the letter is durable, and also when it had been
// stored before. It is fault.Invalid when this letter never can be stored,
// fault.Temporary when trying again may help.
func (c *committer) store(ctx context.Context, l postgres.Letter) error {
	p := pending{l, make(chan error, 1)}
	if c.turn.TryLock() {
		// Nothing is being stored. A letter that comes alone is stored where it
		// came in: to wake another goroutine for it and to be woken by that one
		// would cost as much as the statement. A vendor that hangs up does not
		// cost the connection to the database.
		c.commit(context.WithoutCancel(ctx), []pending{p})
		c.turn.Unlock()
		return <-p.done
	}
	select {
	case c.arrived <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run commits letters that arrive while another is being stored, and asks for
// looks at all, until ctx ends.
func (c *committer) run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { c.looks.run(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			c.commitAll(ctx)
		}
	}
}

// commitAll commits until none wait. One commit takes whatever arrived while
// the last one ran: no timer. The turn is kept between them, so that no single
// letter comes in between and keeps the many waiting for a commit of its own.
func (c *committer) commitAll(ctx context.Context) {
	c.turn.Lock()
	defer c.turn.Unlock()
	for group := c.gather(); len(group) > 0; group = c.gather() {
		c.commit(ctx, group)
	}
}

func (c *committer) gather() (group []pending) {
	for len(group) < atOnce {
		select {
		case p := <-c.arrived:
			group = append(group, p)
		default:
			return group
		}
	}
	return group
}

// commit stores a group together. If the database refuses what is in it, each
// half is tried alone, so that one bad letter does not take the others with it.
func (c *committer) commit(ctx context.Context, group []pending) {
	err := c.storeAll(ctx, group)
	if len(group) > 1 && refused(err) {
		half := len(group) / 2
		c.commit(ctx, group[:half])
		c.commit(ctx, group[half:])
		return
	}
	if err != nil {
		c.log.ErrorContext(ctx, "deliveries could not be stored; vendors will repeat them for a while", "deliveries", len(group), "why", err)
		err = fault.New(kindOf(err), "the delivery could not be stored: %w", err)
	}
	for i := range group {
		group[i].done <- err
	}
}

func (c *committer) storeAll(ctx context.Context, group []pending) error {
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	letters := make([]postgres.Letter, len(group))
	for i := range group {
		letters[i] = group[i].letter
	}
	start := time.Now()
	got, err := c.db.PostLetters(ctx, letters)
	c.looks.due(got)
	c.sizes.Observe(float64(len(group)))
	c.seconds.Observe(time.Since(start).Seconds())
	return err
}

// class returns the class of PostgreSQL's error code, empty for an error that
// is not the server's answer.
func class(err error) string {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && len(pe.Code) == 5 {
		return pe.Code[:2]
	}
	return ""
}

// refused tells that the server is well and what it was given is the cause: bad
// data, a violated constraint, a function's own error, or a deadlock with
// another process that stores repeats of the same letters.
func refused(err error) bool {
	switch class(err) {
	case "22", "23", "40", "P0":
		return true
	}
	return false
}

// kindOf tells a letter that can never be stored from one that may be later.
func kindOf(err error) fault.Kind {
	if c := class(err); c == "22" || c == "23" {
		return fault.Invalid
	}
	return fault.Temporary
}
