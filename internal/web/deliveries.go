package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// maxDelivery bounds a delivery's body.
const maxDelivery = 4 << 20

// deliveries receives what vendors send. A delivery is verified, stored, and
// only then answered; what it names is read later, by a job.
type deliveries struct {
	db       *postgres.DB
	pipeline *jobs.Pipeline
	log      *slog.Logger
	queue    chan pending

	mu    sync.Mutex
	known map[string]receiver // by hash of the unguessable part
}

// receiver is an opened connection, kept for a short time.
type receiver struct {
	workspace, connection int64
	connectors.Receiver
	callback connectors.Callback
	until    time.Time
}

// fresh is how long an opened receiver is used: changed credentials take
// effect within it.
const fresh = 15 * time.Second

// pending is a letter that waits for its commit.
type pending struct {
	letter postgres.Letter
	done   chan error
}

// atOnce bounds the letters of one commit.
const atOnce = 500

func newDeliveries(db *postgres.DB, p *jobs.Pipeline, log *slog.Logger) *deliveries {
	return &deliveries{db: db, pipeline: p, log: log, queue: make(chan pending, atOnce), known: map[string]receiver{}}
}

// ServeHTTP verifies and stores one delivery.
func (d *deliveries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := d.take(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	if answer.Type != "" {
		w.Header().Set("Content-Type", answer.Type)
	}
	if answer.Status > 0 {
		w.WriteHeader(answer.Status)
	}
	_, _ = w.Write(answer.Body) // the vendor has gone: it will repeat the delivery
}

func (d *deliveries) take(w http.ResponseWriter, r *http.Request) (connectors.Answer, error) {
	rc, err := d.receiver(r.Context(), r.PathValue("part"))
	if err != nil {
		return connectors.Answer{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	if err != nil {
		return connectors.Answer{}, fault.New(fault.Invalid, "the body could not be read whole: %w", err)
	}
	receipt, err := rc.Receive(connectors.Delivery{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body, Secret: rc.callback})
	if err != nil || len(receipt.Reads) == 0 {
		return receipt.Answer, err
	}
	return receipt.Answer, d.store(r.Context(), letterOf(rc, receipt, body, d.pipeline.Now()))
}

func letterOf(rc receiver, receipt connectors.Receipt, body []byte, now time.Time) postgres.Letter {
	l := postgres.Letter{Workspace: rc.workspace, Connection: rc.connection, At: receipt.At, Key: receipt.Key, Reads: receipt.Reads, Body: body}
	if l.Key == "" {
		sum := sha256.Sum256(body)
		l.Key = hex.EncodeToString(sum[:])
	}
	// An event time that is far off would land in no partition that retention looks at.
	if l.At.Before(now.AddDate(0, 0, -7)) || l.At.After(now.Add(time.Hour)) {
		l.At = now.Truncate(24 * time.Hour)
	}
	return l
}

// store hands the letter to the committer and waits for its commit.
func (d *deliveries) store(ctx context.Context, l postgres.Letter) error {
	p := pending{l, make(chan error, 1)}
	select {
	case d.queue <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refuse answers with the status of the error's kind and no detail: the other
// side may be anybody.
func (d *deliveries) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := fault.KindOf(err).HTTPStatus()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	level := slog.LevelWarn
	if status == http.StatusNotFound {
		level = slog.LevelDebug
	}
	d.log.Log(r.Context(), level, "a delivery was refused", "status", status, "why", err)
	http.Error(w, http.StatusText(status), status)
}

// receiver returns the connection that listens at this part of the URL.
func (d *deliveries) receiver(ctx context.Context, part string) (receiver, error) {
	hash := jobs.HookHash(part)
	d.mu.Lock()
	rc, ok := d.known[string(hash)]
	d.mu.Unlock()
	if ok && d.pipeline.Now().Before(rc.until) {
		return rc, nil
	}
	workspace, connection, err := d.db.RouteDelivery(ctx, hash)
	if err != nil {
		return receiver{}, err
	}
	rc = receiver{workspace: workspace, connection: connection, until: d.pipeline.Now().Add(fresh)}
	if rc.Receiver, rc.callback, err = d.pipeline.Receiver(ctx, workspace, connection); err != nil {
		return receiver{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) > 10_000 {
		clear(d.known)
	}
	d.known[string(hash)] = rc
	return rc, nil
}

// run commits letters until ctx ends. One commit takes whatever queued while
// the last one ran: no timer, and no wait for a single delivery.
func (d *deliveries) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-d.queue:
			d.commit(ctx, d.gather(first))
		}
	}
}

func (d *deliveries) gather(first pending) []pending {
	group := []pending{first}
	for len(group) < atOnce {
		select {
		case p := <-d.queue:
			group = append(group, p)
		default:
			return group
		}
	}
	return group
}

// commit stores a group together or, if that fails, letter by letter, so that
// one bad letter does not take the others with it.
func (d *deliveries) commit(ctx context.Context, group []pending) {
	err := d.storeAll(ctx, group)
	for i := range group {
		one := err
		if err != nil && len(group) > 1 {
			one = d.storeAll(ctx, group[i:i+1])
		}
		group[i].done <- one
	}
}

func (d *deliveries) storeAll(ctx context.Context, group []pending) error {
	letters := make([]postgres.Letter, len(group))
	for i := range group {
		letters[i] = group[i].letter
	}
	return d.db.StoreLetters(ctx, letters, func(tx pgx.Tx, got [][2]int64) error {
		if len(got) == 0 {
			return nil
		}
		params := make([]river.InsertManyParams, len(got))
		for i, g := range got {
			params[i].Args = jobs.ReceiveArgs{Workspace: g[0], Connection: g[1]}
		}
		_, err := d.pipeline.Queue.InsertManyTx(ctx, tx, params)
		return err
	})
}
