package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/migrations"
)

// MigrateOptions tune Migrate. The zero value suits the private server, which
// trusts whoever reaches its socket.
type MigrateOptions struct {
	// AppPassword and RiverPassword become the passwords of salesbook_app and
	// salesbook_river; empty leaves what is. They leave this process only as
	// SCRAM verifiers.
	AppPassword, RiverPassword string

	Log *slog.Logger // nil: nothing is logged
}

// Report tells what Migrate did, or for Pending what it would do.
type Report struct {
	Setup              []string // SQL on roles, schemas and their grants; never passwords
	From, To           int64    // version of our schema before and after; 0 is an empty database
	Applied            []string // file names of the migrations between them
	RiverFrom, RiverTo int      // version of River's schema before and after
}

// Migrate brings the database at adminURL to this binary's schema: roles,
// schemas, our tables, then River's, all under one lock, so that any number of
// processes may call it at once. It can be repeated; where nothing is to be done
// it takes no lock and a few milliseconds.
//
// adminURL must lead to the server itself, not to a transaction pooler, as a
// superuser, as a role that may create roles and owns the database, or as any
// role once a superuser has run what the error of the first try lists.
func Migrate(ctx context.Context, adminURL string, o MigrateOptions) (Report, error) {
	m, err := newMigrator(adminURL, migrations.FS, o)
	if err != nil {
		return Report{}, err
	}
	return m.migrate(ctx)
}

// Pending returns what Migrate would do. While Setup is not empty the versions
// may not be readable; they are 0 then.
func Pending(ctx context.Context, adminURL string) (Report, error) {
	m, err := newMigrator(adminURL, migrations.FS, MigrateOptions{})
	if err != nil {
		return Report{}, err
	}
	conn, s, err := m.look(ctx)
	if err != nil {
		return Report{}, err
	}
	defer hangUp(ctx, conn)
	r := s.report()
	r.To, r.RiverTo = max(r.From, m.newest), max(r.RiverFrom, m.river)
	if r.Applied, err = m.between(r.From, r.To); err != nil {
		return Report{}, err
	}
	return r, nil
}

// migrator is one call of Migrate.
type migrator struct {
	MigrateOptions
	config      *pgx.ConnConfig // of the admin
	files       fs.FS
	newest      int64 // version this binary brings our schema to
	river       int   // and River's
	lockTimeout time.Duration
	tries       int           // how often a migration may meet a lock it does not get
	pause       time.Duration // after the first time; doubled each time
}

func newMigrator(adminURL string, files fs.FS, o MigrateOptions) (*migrator, error) {
	config, err := pgx.ParseConfig(adminURL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the admin's database URL cannot be read (its text is not shown, it may hold a password)")
	}
	// Nothing may be prepared before we know that no pooler stands between.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	newest, err := newestVersion(files)
	if err != nil {
		return nil, err
	}
	river, err := newestRiver()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &migrator{MigrateOptions: o, config: config, files: files, newest: newest, river: river,
		lockTimeout: lockTimeout, tries: 6, pause: time.Second}, nil
}

func (m *migrator) migrate(ctx context.Context) (Report, error) {
	conn, s, err := m.look(ctx)
	if err != nil {
		return Report{}, err
	}
	defer hangUp(ctx, conn) // and with it the lock
	if m.done(s) {
		return s.report(), nil
	}
	if err := m.lock(ctx, conn); err != nil {
		return Report{}, err
	}
	// Whoever held the lock before us may have done it all.
	if s, err = m.survey(ctx, conn); err != nil || m.done(s) {
		return s.report(), err
	}
	return m.advance(ctx, conn, s)
}

// done tells that nothing is left to do. Passwords can only be set, not
// compared.
func (m *migrator) done(s state) bool {
	return len(s.setup) == 0 && s.version >= m.newest && s.river >= m.river && m.AppPassword == "" && m.RiverPassword == ""
}

// advance does the work, in the order in which one step needs the other. It
// reports what was done also when it fails.
func (m *migrator) advance(ctx context.Context, conn *pgx.Conn, s state) (Report, error) {
	r := s.report()
	if err := m.setUp(ctx, conn, s); err != nil {
		return r, err
	}
	if err := m.setPasswords(ctx, conn); err != nil {
		return r, err
	}
	if err := m.versions(ctx, conn, &s); err != nil {
		return r, err
	}
	r.From, r.To, r.RiverFrom, r.RiverTo = s.version, s.version, s.river, s.river
	var err error
	if r.Applied, err = m.up(ctx, s.version); err != nil {
		return r, err
	}
	r.To = max(s.version, m.newest)
	if err := m.riverUp(ctx, s.river); err != nil {
		return r, err
	}
	r.RiverTo = max(s.river, m.river)
	m.Log.Info("the database was migrated", "from", r.From, "to", r.To, "river_from", r.RiverFrom, "river_to", r.RiverTo)
	return r, nil
}

// look connects and finds out what is there. The connection is the lock's: it
// belongs to no pool, which migrations waiting for each other could exhaust.
func (m *migrator) look(ctx context.Context) (*pgx.Conn, state, error) {
	conn, err := pgx.ConnectConfig(ctx, m.config)
	if err != nil {
		return nil, state{}, fmt.Errorf("connect to the database as its admin: %w", err)
	}
	s, err := m.survey(ctx, conn)
	if err != nil {
		hangUp(ctx, conn)
		return nil, state{}, err
	}
	return conn, s, nil
}

// hangUp closes a connection also when ctx has ended.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing is left to lose: every step has committed or failed
}
