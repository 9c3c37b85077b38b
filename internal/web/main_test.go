package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/seal"
	"salesbook.dev/internal/web"
	"salesbook.dev/jobs"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is an installation that serves HTTP.
type bundle struct {
	*pgtest.Database
	pipeline *jobs.Pipeline
	metrics  *prometheus.Registry
	log      *journal
	url      string
	ahead    atomic.Int64 // how far the pipeline's clock is before the machine's
	stop     func() error // asks the server to stop and waits until it has
}

// hook is a connection that deliveries arrive for.
type hook struct {
	workspace, connection int64
	postgres.Hook
}

// journal keeps what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// setup serves with the server that edit, which may be nil, has changed.
func setup(t testing.TB, edit func(*bundle, *web.Server)) *bundle {
	t.Helper()
	b := &bundle{Database: pgtest.New(t), metrics: prometheus.NewRegistry(), log: &journal{}}
	log := slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(b.log)
		}
	})
	b.pipeline = pipeline(t, b, log)
	s := &web.Server{DB: b.DB, Pipeline: b.pipeline, Metrics: b.metrics, Log: log}
	if edit != nil {
		edit(b, s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	b.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// pipeline opens what a process has, on the test's database.
func pipeline(t testing.TB, b *bundle, log *slog.Logger) *jobs.Pipeline {
	t.Helper()
	keys, err := seal.Create(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	p := &jobs.Pipeline{DB: b.DB, Vault: postgres.Vault{Keys: keys}, Compressor: postgres.NewCompressor(), Catalog: catalog.Connectors, Log: log, Holder: t.Name(),
		Now: func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }}
	pool, err := pgxpool.New(t.Context(), b.RiverURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if p.Queue, err = jobs.NewClient(p, pool, jobs.ClientOptions{Log: log}); err != nil {
		t.Fatal(err)
	}
	return p
}

// connect makes a workspace with a connection to Pipedrive whose webhook has
// been agreed on.
func (b *bundle) connect(t testing.TB, workspace string) hook {
	t.Helper()
	return b.connectTo(t, "pipedrive", workspace)
}

func (b *bundle) connectTo(t testing.TB, vendor, workspace string) hook {
	t.Helper()
	h := hook{workspace: b.Workspace(t, workspace), Hook: postgres.Hook{Path: "unguessable-" + workspace, User: "salesbook", Password: "password-" + workspace}}
	b.in(t, h.workspace, func(tx pgx.Tx) (err error) {
		h.connection, err = postgres.AddConnection(t.Context(), tx, h.workspace, postgres.Connection{Name: "crm", Vendor: vendor, Settings: map[string]string{}})
		return err
	})
	b.agree(t, h)
	return h
}

// agree stores what deliveries of a connection must present.
func (b *bundle) agree(t testing.TB, h hook) {
	t.Helper()
	b.in(t, h.workspace, func(tx pgx.Tx) error {
		c, err := b.pipeline.Vault.Load(t.Context(), tx, h.workspace, h.connection)
		if err != nil {
			return err
		}
		c.Secrets, c.Hook = map[string]string{"api_token": "api-token-of-the-vendor"}, h.Hook
		if _, err := b.pipeline.Vault.Save(t.Context(), tx, h.workspace, h.connection, c); err != nil {
			return err
		}
		if _, err := postgres.SetState(t.Context(), tx, h.workspace, h.connection, "active", ""); err != nil {
			return err
		}
		return postgres.SetHook(t.Context(), tx, h.workspace, h.connection, jobs.HookHash(h.Path))
	})
}

func (b *bundle) in(t testing.TB, workspace int64, f func(tx pgx.Tx) error) {
	t.Helper()
	if err := b.DB.In(t.Context(), workspace, f); err != nil {
		t.Fatal(err)
	}
}

// stored returns how often each event is in a workspace's inbox, seen with the
// eyes of the application.
func (b *bundle) stored(t testing.TB, workspace int64) map[string]int {
	t.Helper()
	keys := map[string]int{}
	b.in(t, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT key, count(*) FROM inbox GROUP BY key`)
		if err != nil {
			return err
		}
		var key string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error { keys[key] = n; return nil })
		return err
	})
	return keys
}

// event is a delivery's body about a deal, of about now.
func event(id string) string {
	return fmt.Sprintf(`{"meta":{"action":"change","entity":"deal","entity_id":"7","id":%q,"timestamp":%q,"version":"2.0"},"data":{"id":7,"title":"Секретная сделка"},"previous":null}`,
		id, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

// answer is what a delivery was answered with.
type answer struct {
	status int
	header http.Header
	body   string
}

// deliver sends a body to a connection's receiver, as its vendor does.
func (b *bundle) deliver(t testing.TB, h hook, body string) answer {
	t.Helper()
	a, err := b.send(t.Context(), http.MethodPost, h, strings.NewReader(body))
	if err != nil {
		t.Errorf("deliver: %v", err)
	}
	return a
}

func (b *bundle) send(ctx context.Context, method string, h hook, body io.Reader) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.url+jobs.HookPath+h.Path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if h.User != "" {
		req.SetBasicAuth(h.User, h.Password)
	}
	return b.do(req)
}

func (b *bundle) do(req *http.Request) (answer, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

// get reads one of the pages for operators' machines.
func (b *bundle) get(t testing.TB, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.do(req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// run changes the database behind the application's back.
func (b *bundle) run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// metric returns one of our figures as it stands, by the values of its labels
// after the name; a histogram's is its count.
func (b *bundle) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := b.metrics.Gather()
	if len(families) == 0 { // some may fail while a test has broken the database
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && hasValues(m, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

func hasValues(m *dto.Metric, labels []string) bool {
	for i, l := range labels {
		if i >= len(m.GetLabel()) || m.GetLabel()[i].GetValue() != l {
			return false
		}
	}
	return true
}

// await polls until a condition holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
