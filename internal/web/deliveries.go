package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// maxDelivery bounds a delivery's body, in bytes.
const maxDelivery = 4 << 20

// deliveries receives what vendors send. A delivery is verified, stored, and
// only then answered with 2xx; what it names is read later, by a job.
type deliveries struct {
	receivers *receivers
	inbox     *committer
	now       func() time.Time
	log       *slog.Logger
	received  *prometheus.CounterVec // by outcome
}

// ServeHTTP verifies and stores one delivery.
func (d *deliveries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc, err := d.receivers.at(r.Context(), r.PathValue("part"))
	if err != nil {
		d.refuse(w, r, rc, err)
		return
	}
	receipt, err := d.take(w, r, rc)
	if err != nil {
		d.refuse(w, r, rc, err)
		return
	}
	outcome := "stored"
	if len(receipt.Reads) == 0 {
		outcome = "ignored"
	}
	d.received.WithLabelValues(outcome).Inc()
	if receipt.Answer.Type != "" {
		w.Header().Set("Content-Type", receipt.Answer.Type)
	}
	w.WriteHeader(cmp.Or(receipt.Answer.Status, http.StatusOK))
	_, _ = w.Write(receipt.Answer.Body) // a vendor that has gone repeats the delivery
}

// take verifies a delivery and stores it if it names anything.
func (d *deliveries) take(w http.ResponseWriter, r *http.Request, rc receiver) (connectors.Receipt, error) {
	body, err := readBody(w, r)
	if err != nil {
		return connectors.Receipt{}, err
	}
	receipt, err := rc.Receive(connectors.Delivery{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body, Secret: rc.callback})
	if err != nil || len(receipt.Reads) == 0 {
		return receipt, err
	}
	return receipt, d.inbox.store(r.Context(), letterOf(rc, receipt, body, d.now()))
}

// readBody reads a body of at most maxDelivery bytes. The space that is made in
// advance is bounded by what deliveries usually are, whatever a header claims.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	const usual = 64 << 10
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), usual)) + bytes.MinRead)
	if r.ContentLength > maxDelivery {
		return nil, &http.MaxBytesError{Limit: maxDelivery}
	}
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxDelivery)); err != nil {
		return nil, fault.New(fault.Invalid, "the body could not be read whole: %w", err)
	}
	return body.Bytes(), nil
}

func letterOf(rc receiver, receipt connectors.Receipt, body []byte, now time.Time) postgres.Letter {
	l := postgres.Letter{Workspace: rc.workspace, Connection: rc.connection, At: receipt.At, Key: receipt.Key, Reads: receipt.Reads, Merges: receipt.Merges, Body: body}
	if l.Key == "" {
		sum := sha256.Sum256(body)
		l.Key = hex.EncodeToString(sum[:])
	}
	// An event time that is far off would land in no partition that retention looks at.
	if l.At.Before(now.AddDate(0, 0, -7)) || l.At.After(now.Add(time.Hour)) {
		l.At = now.UTC().Truncate(24 * time.Hour)
	}
	return l
}

// refuse answers with the status of the error's kind and no detail: the other
// side may be anybody.
func (d *deliveries) refuse(w http.ResponseWriter, r *http.Request, rc receiver, err error) {
	v := judge(r, err)
	d.received.WithLabelValues(v.outcome).Inc()
	d.log.Log(r.Context(), v.level, "a delivery was refused", "status", v.status, "workspace", rc.workspace, "connection", rc.connection, "why", err)
	if v.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="salesbook"`) // some clients wait to be asked
	}
	http.Error(w, http.StatusText(v.status), v.status)
}

// verdict is what becomes of a refused delivery.
type verdict struct {
	status  int
	outcome string // in the metrics
	level   slog.Level
}

func judge(r *http.Request, err error) verdict {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return verdict{http.StatusRequestEntityTooLarge, "too large", slog.LevelWarn}
	}
	if errors.Is(r.Context().Err(), context.Canceled) {
		return verdict{http.StatusServiceUnavailable, "gone", slog.LevelDebug} // nobody reads the answer
	}
	kind := fault.KindOf(err)
	switch kind {
	case fault.NotFound:
		return verdict{kind.HTTPStatus(), "unknown address", slog.LevelDebug}
	case fault.Auth:
		return verdict{kind.HTTPStatus(), "unauthentic", slog.LevelWarn}
	case fault.Invalid:
		return verdict{kind.HTTPStatus(), "invalid", slog.LevelWarn}
	case fault.Temporary: // logged where it happened, once for all deliveries that it hit
		return verdict{kind.HTTPStatus(), "failed", slog.LevelDebug}
	}
	return verdict{http.StatusServiceUnavailable, "failed", slog.LevelError} // so that it is repeated
}
