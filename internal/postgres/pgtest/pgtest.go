// Package pgtest gives each test a migrated PostgreSQL database of its own.
//
// A test binary starts one private server, migrates one template and clones it
// for every test, which takes about 50 ms. Its TestMain is
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// The environment changes what is underneath:
//
//   - SALESBOOK_TEST_DATABASE_URL: a superuser's URL of a server for tests. No
//     private one is started; databases are made and dropped there.
//   - SALESBOOK_TEST_POOLER=1: salesbook_app and salesbook_river connect through
//     pgbouncer with transaction pooling.
//   - SALESBOOK_PG_BIN: which PostgreSQL the private server is.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesbook.dev/internal/postgres"
)

// Database is one test's database. It is dropped when the test ends, sessions
// left open or not.
type Database struct {
	Name      string
	URL       string       // as salesbook_app
	RiverURL  string       // as salesbook_river
	DirectURL string       // as salesbook_app, never through a pooler
	AdminURL  string       // as a superuser, never through a pooler
	Pooled    bool         // URL and RiverURL lead through a transaction pooler
	DB        *postgres.DB // opened at URL
}

// shared is the one piece of state: what all tests of this binary have in
// common, started when the first of them asks for a database.
var shared struct {
	sync.Mutex
	main    bool // Main will clean up
	started bool
	cluster *cluster
	err     error
}

// Main runs the tests, stops what they started, and exits.
func Main(m *testing.M) {
	shared.Lock()
	shared.main = true
	shared.Unlock()
	status := m.Run()
	shared.Lock()
	if shared.cluster != nil {
		if err := shared.cluster.close(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			status = max(status, 1)
		}
	}
	os.Exit(status)
}

// New returns a fresh database with the newest schema and no rows.
func New(t testing.TB) *Database {
	t.Helper()
	return create(t, true)
}

// Empty returns a database without roles' grants, schemas or tables, for tests
// of the migrations themselves. Its DB is nil, and it is never pooled.
func Empty(t testing.TB) *Database {
	t.Helper()
	return create(t, false)
}

func create(t testing.TB, migrated bool) *Database {
	t.Helper()
	c, err := start()
	if err != nil {
		t.Fatalf("no database for this test: %v", err)
	}
	// Not the test's context: that ends before the database is dropped.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return c.make(ctx, t, migrated)
}

// make makes a database that is dropped when the test ends.
func (c *cluster) make(ctx context.Context, t testing.TB, migrated bool) *Database {
	t.Helper()
	d, err := c.create(ctx, migrated)
	if err != nil {
		t.Fatalf("make a database for this test: %v", err)
	}
	t.Cleanup(func() { c.drop(t, d) })
	if migrated {
		d.DB, err = postgres.Open(ctx, d.URL, postgres.Options{MaxConns: 8, Pooler: d.Pooled})
		if err != nil {
			t.Fatalf("open the database of this test: %v", err)
		}
		t.Cleanup(d.DB.Close)
	}
	return d
}

// start returns the cluster of this binary; a failure is kept, too.
func start() (*cluster, error) {
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		return nil, fmt.Errorf("this package's tests need func TestMain(m *testing.M) { pgtest.Main(m) }")
	}
	if !shared.started {
		shared.started = true
		shared.cluster, shared.err = new(cluster).launch()
	}
	return shared.cluster, shared.err
}

// Workspace makes a workspace and returns its id.
func (d *Database) Workspace(t testing.TB, name string) int64 {
	t.Helper()
	var id int64
	conn := d.Connect(t, d.AdminURL)
	if err := conn.QueryRow(t.Context(), "SELECT salesbook.create_workspace($1)", name).Scan(&id); err != nil {
		t.Fatalf("make the workspace %q: %v", name, err)
	}
	return id
}

// Connect opens a connection of the test's own, closed at its end. url is one
// of the database's.
func (d *Database) Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatalf("parse the URL of the test's database: %v", err)
	}
	if d.Pooled && url != d.AdminURL && url != d.DirectURL {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { t.Logf("%s: %s", n.Severity, n.Message) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test has ended, nobody is interested
	return conn
}
