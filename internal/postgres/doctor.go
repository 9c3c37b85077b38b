package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Facts are what a database server says of itself.
type Facts struct {
	Version  string
	Number   int // server_version_num, such as 150018
	Role     string
	Settings map[string]string // those that decide whether data is safe and work flows
	Now      time.Time         // the server's clock
	Between  bool              // a pooler or proxy answers in the server's place
}

// Facts asks the server about itself.
func (db *DB) Facts(ctx context.Context) (f Facts, err error) {
	c, err := db.pool.Acquire(ctx)
	if err != nil {
		return f, fmt.Errorf("connect to the database: %w", err)
	}
	defer c.Release()
	var backend uint32
	err = c.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_user::text, pg_backend_pid(), clock_timestamp()`).
		Scan(&f.Version, &f.Number, &f.Role, &backend, &f.Now)
	if err != nil {
		return f, fmt.Errorf("ask the database about itself: %w", err)
	}
	// A direct connection is told its backend's process id when it opens.
	f.Between = c.Conn().PgConn().PID() != backend
	rows, err := c.Query(ctx, `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'max_connections', 'server_encoding')`)
	if err != nil {
		return f, err
	}
	f.Settings = map[string]string{}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error { f.Settings[name] = value; return nil })
	return f, err
}
