package jobs_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/demo"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/seal"
	"salesbook.dev/internal/web"
	"salesbook.dev/jobs"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	pgtest.Main(m)
}

// bundle is an installation with a simulated vendor, connected to it.
type bundle struct {
	*jobs.Pipeline
	sim    *pipedrive.Sim // nil: its vendor is another one
	crm    crm            // whichever it is
	vendor *httptest.Server
	calls  atomic.Int64 // requests the vendor got
	alarm  atomic.Pointer[alarm]
	acked  acknowledged
	ws     int64
	conn   int64
	db     *pgtest.Database
	key    string // file
}

// alarm rings once the vendor has got so many requests.
type alarm struct {
	at   int64
	ring func()
}

// after has a function called once the vendor has got n more requests, unless
// it is stopped before.
func (b *bundle) after(n int64, ring func()) (stop func()) {
	a := &alarm{b.calls.Load() + n, ring}
	b.alarm.Store(a)
	return func() { b.alarm.CompareAndSwap(a, nil) }
}

// setup connects a fresh installation to a simulated company of that size.
func setup(t testing.TB, deals int, o pipedrive.Options) *bundle {
	t.Helper()
	return setupOn(t, pgtest.New(t), deals, o)
}

// setupOn is setup on the given database.
func setupOn(t testing.TB, d *pgtest.Database, deals int, o pipedrive.Options) *bundle {
	t.Helper()
	b := simulated(t, d, deals, o)
	b.connect(t)
	return b
}

// simulated is setup without the connection.
func simulated(t testing.TB, d *pgtest.Database, deals int, o pipedrive.Options) *bundle {
	t.Helper()
	if o.Limits == (pipedrive.Limits{}) {
		o.Limits = roomy()
	}
	sim, err := pipedrive.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	if deals > 0 {
		if err := sim.Generate(1, pipedrive.ScaleOf(deals)); err != nil {
			t.Fatal(err)
		}
	}
	b := installed(t, d, sim)
	b.sim, b.crm = sim, pipedriveCRM{sim}
	return b
}

// installed is an installation beside a simulated vendor.
func installed(t testing.TB, d *pgtest.Database, sim http.Handler) *bundle {
	t.Helper()
	b := &bundle{db: d, key: filepath.Join(t.TempDir(), "key")}
	b.answers(t, sim)
	b.ws = b.db.Workspace(t, "acme")
	b.Pipeline = pipeline(t, b)
	return b
}

// answers has a simulator answer, and counts its calls.
func (b *bundle) answers(t testing.TB, sim http.Handler) {
	t.Helper()
	b.vendor = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := b.calls.Add(1)
		if a := b.alarm.Load(); a != nil && n >= a.at && b.alarm.CompareAndSwap(a, nil) {
			a.ring()
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(b.vendor.Close)
}

// roomy is a quota that no test comes near.
func roomy() pipedrive.Limits {
	l, err := pipedrive.PlanLimits("ultimate", 1000)
	if err != nil {
		panic(err)
	}
	l.Burst = 1_000_000
	return l
}

// pipeline opens what a process has, on the test's database.
func pipeline(t testing.TB, b *bundle) *jobs.Pipeline {
	t.Helper()
	keys, err := seal.Create(b.key)
	if err != nil {
		t.Fatal(err)
	}
	p, pool, err := assemble(t.Context(), b.db.DB, keys, b.db.RiverURL, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pool.Close()
		p.Compressor = nil // what a cleanup names lives until all tests have ended, and encoders are large
	})
	return p
}

func assemble(ctx context.Context, db *postgres.DB, keys *seal.Keyring, riverURL string, log io.Writer) (*jobs.Pipeline, *pgxpool.Pool, error) {
	p := &jobs.Pipeline{DB: db, Vault: postgres.Vault{Keys: keys}, Compressor: postgres.NewCompressor(), Catalog: catalog.Connectors,
		Now: time.Now, Patience: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})), Holder: fmt.Sprint(os.Getpid())}
	pool, err := pgxpool.New(ctx, riverURL)
	if err != nil {
		return nil, nil, err
	}
	p.Queue, err = jobs.NewClient(p, pool, jobs.ClientOptions{Log: p.Log})
	return p, pool, err
}

func (b *bundle) connect(t testing.TB) {
	t.Helper()
	s, _, err := b.Connect(t.Context(), b.ws, jobs.NewConnection{Vendor: "pipedrive", Name: "crm", By: "test",
		Config: connectors.Config{BaseURL: b.vendor.URL, Secrets: map[string]string{"api_token": "token"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.conn = s.ID
}

// receive starts our receiver and points the vendor's webhooks at it.
func (b *bundle) receive(t testing.TB) {
	t.Helper()
	// The receiver is a process of its own: what a test changes of ours it does not see.
	own := &jobs.Pipeline{DB: b.DB, Vault: b.Vault, Compressor: b.Compressor, Catalog: b.Catalog, Queue: b.Queue, Now: time.Now, Log: b.Log, Holder: b.Holder}
	s := &web.Server{DB: b.DB, Pipeline: own, Metrics: prometheus.NewRegistry(), Log: b.Log}
	handler, beside := s.Handler()
	server := httptest.NewServer(b.acked.note(handler))
	ctx, cancel := context.WithCancel(context.Background())
	go beside(ctx)
	t.Cleanup(func() {
		server.Close()
		cancel()
		own.Compressor = nil // see pipeline
	})
	b.receiveAt(t, server.URL)
}

// receiveAt points the vendor's webhooks at a receiver.
func (b *bundle) receiveAt(t testing.TB, url string) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		c, err := postgres.ConnectionByID(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		c.HookURL = url
		return postgres.UpdateConnection(t.Context(), tx, c)
	})
	if err := b.Watch(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) in(t testing.TB, f func(tx pgx.Tx) error) {
	t.Helper()
	if err := b.DB.In(t.Context(), b.ws, f); err != nil {
		t.Fatal(err)
	}
}

// pull pulls everything to the end.
func (b *bundle) pull(t testing.TB) {
	t.Helper()
	complete, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true})
	if err != nil || !complete {
		t.Fatalf("pull: complete=%v: %v", complete, err)
	}
}

// drift compares every record with the vendor's truth.
func (b *bundle) drift(t testing.TB) {
	t.Helper()
	b.driftOf(t, b.ws, b.conn)
}

// driftOf compares every record of a connection to the simulated company.
func (b *bundle) driftOf(t testing.TB, ws, conn int64) {
	t.Helper()
	got, err := demo.Compare(t.Context(), b.DB, ws, conn, b.crm.vendor(), b.crm.truths())
	if err != nil {
		t.Fatal(err)
	}
	for kind, d := range got {
		if d.Drift > 0 {
			t.Errorf("%s: vendor %d, canonical %d, drift %d: %q", kind, d.Vendor, d.Canonical, d.Drift, d.Examples)
		}
	}
}

// one reads a single value with plain SQL inside the workspace.
func one[T any](t testing.TB, b *bundle, sql string, args ...any) (v T) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error { return tx.QueryRow(t.Context(), sql, args...).Scan(&v) })
	return v
}
