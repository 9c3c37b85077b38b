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
	//	commit     before the COMMIT of a transaction with such a statement; a
	//	           batch outside of a BEGIN is sent with its COMMIT, all at once
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
	begun  map[*pgx.Conn]bool   // by a BEGIN
}

func newMortal(b boundary) *mortal {
	return &mortal{boundary: b, said: map[*pgx.Conn]string{}, begun: map[*pgx.Conn]bool{}}
}

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
		m.begun[conn] = sql == "begin"
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
		m.mu.Lock()
		defer m.mu.Unlock()
		m.begun[conn] = false
	}
}

// alone tells that a connection is in no transaction that a BEGIN opened: what
// it sends together is one.
func (m *mortal) alone(conn *pgx.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.begun[conn]
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
	alone := m.alone(conn)
	if alone {
		m.before(conn, "rollback") // what was said before is over
	}
	for _, q := range data.Batch.QueuedQueries {
		m.before(conn, q.SQL)
	}
	if alone {
		m.pass("commit", m.told(conn))
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (m *mortal) TraceBatchQuery(_ context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	m.after(conn, data.SQL)
}

// TraceBatchEnd implements pgx.BatchTracer.
func (m *mortal) TraceBatchEnd(_ context.Context, conn *pgx.Conn, data pgx.TraceBatchEndData) {
	if data.Err == nil && m.alone(conn) {
		m.pass("committed", m.told(conn))
	}
}

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
