package jobs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// boundary is a point in the work of a process. The zero value is none.
type boundary struct {
	// At is where, in relation to what Of tells:
	//
	//	statement  before a statement
	//	commit     before the COMMIT of a transaction with such a statement
	//	committed  after that COMMIT, before anybody knows
	//	request    before a request
	//	answer     when its answer has arrived
	At  string
	Of  string // part of the SQL, or of the URL's path
	Nth int    // the first time is 1
}

// mortal is a process that kills itself at a boundary. It watches what the
// process tells PostgreSQL and vendors; the code under test knows nothing of it.
type mortal struct {
	boundary
	mu     sync.Mutex
	passed int
	said   map[*pgx.Conn]string // in the transaction that is open
}

func newMortal(b boundary) *mortal { return &mortal{boundary: b, said: map[*pgx.Conn]string{}} }

// pass notes that a point is reached, and dies if it is the one.
func (m *mortal) pass(at, text string) {
	if m.At != at || !strings.Contains(text, m.Of) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.passed++; m.passed == m.Nth {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // nothing happens any more, not even in the time the signal takes
	}
}

// told returns what the connection's transaction has said so far.
func (m *mortal) told(conn *pgx.Conn) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.said[conn]
}

func (m *mortal) before(conn *pgx.Conn, sql string) {
	switch sql {
	case "begin", "rollback":
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.said, conn)
	case "commit":
		m.pass("commit", m.told(conn))
	default:
		m.pass("statement", sql)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.said[conn] += sql + "\n"
	}
}

func (m *mortal) after(conn *pgx.Conn, sql string) {
	if sql == "commit" {
		m.pass("committed", m.told(conn))
	}
}

// statement is the key under which a context holds the statement that runs.
type statement struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (m *mortal) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	m.before(conn, data.SQL)
	return context.WithValue(ctx, statement{}, data.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (m *mortal) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryEndData) {
	sql, _ := ctx.Value(statement{}).(string)
	m.after(conn, sql)
}

// TraceBatchStart implements pgx.BatchTracer.
func (m *mortal) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		m.before(conn, q.SQL)
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (m *mortal) TraceBatchQuery(_ context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	m.after(conn, data.SQL)
}

// TraceBatchEnd implements pgx.BatchTracer.
func (m *mortal) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// RoundTrip implements http.RoundTripper.
func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	m.pass("request", r.URL.Path)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	m.pass("answer", r.URL.Path)
	return resp, nil
}
