package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/trace"

	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/embedded"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
	"salesbook.dev/internal/seal"
	"salesbook.dev/internal/telemetry"
	"salesbook.dev/jobs"
)

// app is an opened installation: its database, its keys and its pipeline.
type app struct {
	*globals
	log      *slog.Logger
	workers  int              // jobs at once; a pull holds up to three connections
	server   *embedded.Server // nil with DATABASE_URL
	adminURL string
	db       *postgres.DB
	keys     *seal.Keyring
	pool     *pgxpool.Pool // River's own
	river    *river.Client[pgx.Tx]
	pipeline *jobs.Pipeline
	metrics  *prometheus.Registry // of this process, see /metrics
	traces   trace.TracerProvider // nil: none are exported
	close    []func()
}

// need says how much of an installation a command opens.
type need struct {
	workers int                // jobs at once; 0: jobs are only inserted
	tracing *telemetry.Tracing // nil: none
}

// open opens the installation. The private database is started or attached to
// and brought up to this release's schema.
func open(ctx context.Context, g *globals, log *slog.Logger, n need) (_ *app, err error) {
	a := &app{globals: g, log: log, workers: n.workers}
	if n.tracing != nil && n.tracing.On {
		a.traces = n.tracing.Provider
	}
	defer func() {
		if err != nil {
			a.shut()
		}
	}()
	riverURL, err := a.openDB(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.openKeys(ctx); err != nil {
		return nil, err
	}
	return a, a.openQueue(ctx, riverURL, n)
}

// openDB opens the database alone, and returns the queue's URL of it.
func (a *app) openDB(ctx context.Context) (riverURL string, err error) {
	defer a.telling("starting the database")()
	appURL, riverURL, err := a.locate(ctx)
	if err != nil {
		return "", err
	}
	err = a.patiently(ctx, func() (err error) {
		a.db, err = postgres.Open(ctx, appURL, postgres.Options{Pooler: a.Pooler, MaxConns: max(16, 3*a.workers+8), Tracer: a.tracer()})
		return err
	})
	if err != nil {
		return "", err
	}
	a.close = append(a.close, a.db.Close)
	return riverURL, a.patiently(ctx, func() error { return postgres.CheckSchema(ctx, a.db) })
}

// tracer is told of every statement; nil while no traces are exported.
func (a *app) tracer() pgx.QueryTracer {
	if a.traces == nil {
		return nil
	}
	return postgres.NewTracer(a.traces)
}

// handover is how long the private database may be away while it changes
// hands: the process that ran it has ended, and another takes it over.
const handover = 20 * time.Second

// patiently repeats what fails because the private database changes hands.
func (a *app) patiently(ctx context.Context, do func() error) error {
	for until := time.Now().Add(handover); ; {
		err := do()
		if err == nil || a.server == nil || !postgres.Unreachable(err) || time.Now().After(until) {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// locate finds the database, starting the private one where none is named.
func (a *app) locate(ctx context.Context) (appURL, riverURL string, err error) {
	if a.DatabaseURL != "" {
		a.adminURL = a.DirectURL
		riverURL = a.RiverURL
		if riverURL == "" {
			riverURL = a.DatabaseURL
		}
		return a.DatabaseURL, riverURL, nil
	}
	if err := a.startServer(ctx); err != nil {
		return "", "", err
	}
	if err := a.migrated(ctx); err != nil {
		return "", "", err
	}
	return a.server.URL("salesbook_app", "salesbook"), a.server.URL("salesbook_river", "salesbook"), nil
}

// startServer starts the private database, or attaches to it.
func (a *app) startServer(ctx context.Context) error {
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	a.server, err = embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "postgres"), BinDir: a.PostgresBin, Log: a.log})
	if err != nil {
		return err
	}
	a.adminURL = a.server.URL("salesbook_admin", "salesbook")
	a.close = append(a.close, func() {
		late, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := a.server.Stop(late); err != nil {
			a.log.Error("the private database did not stop cleanly", "why", err)
		}
	})
	return nil
}

// openKeys opens the key file. Only a private installation makes one by itself.
func (a *app) openKeys(ctx context.Context) error {
	path, err := a.keyFile()
	if err != nil {
		return err
	}
	if a.server != nil {
		a.keys, err = seal.OpenOrCreate(path)
	} else if a.keys, err = seal.Open(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no key file %s: on the first machine `salesbook key create` makes it, to others it is copied (SALESBOOK_KEY_FILE)", path)
	}
	if err != nil {
		return err
	}
	return a.patiently(ctx, func() error { return postgres.Vault{Keys: a.keys}.CheckKey(ctx, a.db) })
}

// openQueue completes an installation whose database and keys are open.
func (a *app) openQueue(ctx context.Context, url string, n need) error {
	a.metrics = telemetry.NewRegistry()
	a.pipeline = &jobs.Pipeline{DB: a.db, Vault: postgres.Vault{Keys: a.keys}, Compressor: postgres.NewCompressor(),
		Catalog: catalog.Connectors, Transport: rest.NewTransport(), Now: time.Now, Log: a.log, Holder: holder()}
	if a.server != nil {
		dir, err := a.dataDir()
		if err != nil {
			return err
		}
		a.pipeline.FreeDisk = func() (float64, error) {
			free, _, err := freeDisk(dir)
			return free, err
		}
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return errors.New("the queue's database URL cannot be read (its text is not shown, it may hold a password)")
	}
	cfg.MaxConns = int32(max(4, n.workers+6))
	cfg.ConnConfig.Tracer = a.tracer()
	if a.Pooler {
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	if a.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return fmt.Errorf("connect the queue to the database: %w", err)
	}
	a.close = append(a.close, a.pool.Close)
	plugins := []rivertype.Plugin{jobs.NewMetrics(a.metrics)}
	if n.tracing != nil {
		plugins = append(plugins, n.tracing.RiverPlugin())
	}
	a.river, err = jobs.NewClient(a.pipeline, a.pool, jobs.ClientOptions{Workers: n.workers, PollOnly: a.Pooler,
		Reindex: a.server != nil || a.RiverURL != "", Plugins: plugins, Log: a.log})
	if err != nil {
		return err
	}
	a.pipeline.Queue = a.river
	return nil
}

// shut closes everything in reverse order.
func (a *app) shut() {
	for i := len(a.close) - 1; i >= 0; i-- {
		a.close[i]()
	}
	a.close = nil
}

// workspace returns the id of the workspace the command works in, made if it
// is the default one.
func (a *app) workspace(ctx context.Context) (int64, error) {
	if a.Workspace == "default" {
		return a.db.CreateWorkspace(ctx, a.Workspace)
	}
	w, err := a.db.WorkspaceByName(ctx, a.Workspace)
	return w.ID, err
}

// inside runs f in a transaction within the workspace of this command.
func (a *app) inside(ctx context.Context, f func(ws int64, tx pgx.Tx) error) error {
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	return a.db.In(ctx, ws, func(tx pgx.Tx) error { return f(ws, tx) })
}

// connection returns the named connection.
func (a *app) connection(ctx context.Context, name string) (c postgres.Connection, err error) {
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) error {
		c, err = postgres.ConnectionByName(ctx, tx, ws, name)
		return err
	})
	return c, err
}

// holder names this process in leases.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
