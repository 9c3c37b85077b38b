package pgtest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesbook.dev/internal/embedded"
	"salesbook.dev/internal/postgres"
)

// cluster is the server of one test binary with the migrated template.
type cluster struct {
	at       *url.URL // admin's URL of a database that is left alone
	password string   // of salesbook_app and salesbook_river; empty where sockets are trusted
	admin    *pgxpool.Pool
	template string
	pool     *pooler // nil: direct
	own      bool    // of one test, which kills it: what is committed must last
	dir      string  // of the private server
	stops    []func() error
}

// settings trade every safety for speed: the server never outlives its tests.
// One that is killed writes its log before it says that something is committed;
// the machine itself goes on, so nothing need be forced to the disk.
func (c *cluster) settings() map[string]string {
	s := map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"wal_level": "minimal", "max_wal_senders": "0",
		"max_connections": "300", "shared_buffers": "64MB",
	}
	if c.own {
		s["synchronous_commit"], s["full_page_writes"], s["wal_level"] = "on", "on", "replica"
	}
	return s
}

func (c *cluster) launch() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context) error {
	if err := c.findServer(ctx); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(c.at.String())
	if err != nil {
		return fmt.Errorf("the tests' database URL cannot be read")
	}
	config.MaxConns = 4
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	if c.admin, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	c.stops = append(c.stops, func() error { c.admin.Close(); return nil })
	return c.makeTemplate(ctx)
}

// findServer takes the server that the environment names, or starts one.
func (c *cluster) findServer(ctx context.Context) error {
	if given := os.Getenv("SALESBOOK_TEST_DATABASE_URL"); given != "" && !c.own {
		return c.useGiven(given)
	}
	dir, err := c.tempDir()
	if err != nil {
		return err
	}
	c.dir = dir
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, Settings: c.settings()})
	if err != nil {
		return err
	}
	c.stops = append(c.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return server.Stop(ctx)
	})
	c.at, err = url.Parse(server.URL("salesbook_admin", "salesbook"))
	if err != nil || c.own || os.Getenv("SALESBOOK_TEST_POOLER") != "1" {
		return err
	}
	if c.pool, err = startPooler(ctx, dir, c.at); err != nil {
		return err
	}
	c.stops = append(c.stops, c.pool.stop)
	return nil
}

func (c *cluster) useGiven(given string) error {
	at, err := url.Parse(given)
	if err != nil || at.Scheme == "" {
		return errors.New("SALESBOOK_TEST_DATABASE_URL is not a postgres:// URL")
	}
	if os.Getenv("SALESBOOK_TEST_POOLER") == "1" {
		return errors.New("SALESBOOK_TEST_POOLER needs the private server: unset SALESBOOK_TEST_DATABASE_URL")
	}
	c.at = at
	// All binaries on this server share the roles, so they must agree on the
	// password without knowing each other.
	if secret, ok := at.User.Password(); ok {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte("salesbook pgtest"))
		c.password = hex.EncodeToString(mac.Sum(nil)[:16])
	}
	return nil
}

func (c *cluster) makeTemplate(ctx context.Context) error {
	c.template = "salesbook_template_" + randomName()
	if _, err := c.admin.Exec(ctx, "CREATE DATABASE "+c.template); err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	c.stops = append(c.stops, func() error {
		_, err := c.admin.Exec(context.Background(), "DROP DATABASE "+c.template+" WITH (FORCE)")
		return err
	})
	_, err := postgres.Migrate(ctx, c.url("", c.template), postgres.MigrateOptions{AppPassword: c.password, RiverPassword: c.password})
	if err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	return nil
}

// create clones the template, or an empty database.
func (c *cluster) create(ctx context.Context, migrated bool) (*Database, error) {
	name := "salesbook_test_" + randomName()
	d := &Database{Name: name, AdminURL: c.url("", name), DirectURL: c.url("salesbook_app", name), RiverURL: c.url("salesbook_river", name)}
	d.URL = d.DirectURL
	if !migrated {
		_, err := c.admin.Exec(ctx, "CREATE DATABASE "+name)
		return d, err
	}
	if err := c.clone(ctx, name); err != nil {
		return nil, err
	}
	// A clone inherits everything but the settings of the database.
	if _, err := c.admin.Exec(ctx, "ALTER DATABASE "+name+" SET search_path = salesbook, public"); err != nil {
		return nil, err
	}
	if c.pool != nil {
		d.Pooled = true
		d.URL, d.RiverURL = c.pool.url("salesbook_app", name), c.pool.url("salesbook_river", name)
	}
	return d, nil
}

// clone copies the template's files. Through the log, which PostgreSQL prefers
// from 15 on, takes three times as long where nothing is forced to the disk.
func (c *cluster) clone(ctx context.Context, name string) error {
	how := ""
	var version int
	if err := c.admin.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version >= 150000 {
		how = " STRATEGY file_copy"
	}
	_, err := c.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+c.template+how)
	return err
}

func (c *cluster) drop(t testing.TB, d *Database) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	for range c.admin.Config().MaxConns + 1 { // connections that died with a killed server fail once each
		if _, err = c.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+d.Name+" WITH (FORCE)"); err == nil {
			return
		}
	}
	t.Errorf("drop the database of this test: %v", err)
}

// url returns a direct URL; role "" is the admin.
func (c *cluster) url(role, database string) string {
	u := *c.at
	u.Path = "/" + database
	if role != "" {
		q := u.Query()
		if q.Has("user") {
			q.Set("user", role)
		} else {
			u.User = url.User(role)
		}
		if c.password != "" {
			u.User = url.UserPassword(role, c.password)
		}
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // libpq reads + as itself
	}
	return u.String()
}

// close undoes in the opposite order, as far as it can.
func (c *cluster) close() error {
	var errs []error
	for i := len(c.stops) - 1; i >= 0; i-- {
		errs = append(errs, c.stops[i]())
	}
	return errors.Join(errs...)
}

func randomName() string {
	b := make([]byte, 6)
	rand.Read(b)
	return hex.EncodeToString(b)
}
