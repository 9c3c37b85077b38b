package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/embedded"
)

// bench is a server with the two databases, and a vendor.
type bench struct {
	dir       string
	binary    string
	tools     string // the yardstick's programs
	yardstick string // URL of its scratch database
	direct    string // of salesbook's, as superuser
	env       []string
	db        *pgx.Conn // to salesbook's database, as superuser
	server    int       // process id
	source    *process  // the yardstick's vendor
	sourceURL string
	vendor    *exec.Cmd
	vendorURL string
	cleanup   []func()
}

const password = "bench"

// prepare makes everything that a measurement needs.
func prepare(ctx context.Context, s settings) (_ *bench, err error) {
	b := &bench{}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.binary, err = filepath.Abs(s.binary); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "salesbook-bench-"); err != nil {
		return nil, err
	}
	b.cleanup = append(b.cleanup, func() { _ = os.RemoveAll(b.dir) })
	if err := os.Chmod(b.dir, 0o755); err != nil { // the database's account passes through
		return nil, err
	}
	if err := b.buildTools(ctx, s.yardstick); err != nil {
		return nil, err
	}
	admin := os.Getenv("YARDSTICK_DSN")
	if admin == "" {
		if admin, err = b.privateServer(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.databases(ctx, admin); err != nil {
		return nil, err
	}
	return b, b.vendors(ctx, s.deals)
}

func (b *bench) close() {
	for i := len(b.cleanup) - 1; i >= 0; i-- {
		b.cleanup[i]()
	}
}

func (b *bench) buildTools(ctx context.Context, from string) error {
	b.tools = filepath.Join(b.dir, "yardstick")
	for _, name := range []string{"fake", "pipe", "hook"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(b.tools, name), "./"+name)
		cmd.Dir = from
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the yardstick's %s in %s: %w\n%s", name, from, err, out)
		}
	}
	return nil
}

// privateServer starts a PostgreSQL with the settings that salesbook's own
// server has; fsync is on.
func (b *bench) privateServer(ctx context.Context) (string, error) {
	server, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(b.dir, "postgres"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	b.cleanup = append(b.cleanup, func() { _ = server.Stop(context.WithoutCancel(ctx)) })
	return server.URL("salesbook_admin", "postgres"), nil
}

// databases makes both databases anew and migrates ours.
func (b *bench) databases(ctx context.Context, admin string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var pid int
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	if b.server, _, _, err = stat(pid); err != nil {
		return fmt.Errorf("the server is not on this machine, its processor time cannot be seen: %w", err)
	}
	for _, name := range []string{"yardstick", "salesbook_bench"} {
		if name == conn.Config().Database {
			continue
		}
		for _, sql := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
	}
	b.yardstick = urlOf(conn.Config(), "", "yardstick")
	return b.migrate(ctx, conn.Config())
}

func (b *bench) migrate(ctx context.Context, cfg *pgx.ConnConfig) (err error) {
	secret := filepath.Join(b.dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return err
	}
	b.direct = urlOf(cfg, "", "salesbook_bench")
	b.env = []string{
		"DATABASE_DIRECT_URL=" + b.direct, "DATABASE_URL=" + urlOf(cfg, "salesbook_app", "salesbook_bench"),
		"DATABASE_RIVER_URL=" + urlOf(cfg, "salesbook_river", "salesbook_bench"), "SALESBOOK_DATA=" + filepath.Join(b.dir, "data"),
		"SALESBOOK_APP_PASSWORD_FILE=" + secret, "SALESBOOK_RIVER_PASSWORD_FILE=" + secret,
	}
	if err := os.Mkdir(filepath.Join(b.dir, "data"), 0o700); err != nil {
		return err
	}
	for _, args := range [][]string{{"migrate"}, {"key", "create"}} {
		if _, err := b.salesbook(ctx, args...); err != nil {
			return err
		}
	}
	if b.db, err = pgx.Connect(ctx, b.direct); err == nil {
		b.cleanup = append(b.cleanup, func() { _ = b.db.Close(context.WithoutCancel(ctx)) })
	}
	return err
}

// urlOf is the server's URL for a role (empty: the same) and a database.
func urlOf(cfg *pgx.ConnConfig, role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(cfg.User, cfg.Password), Path: "/" + database}
	if role != "" {
		u.User = url.UserPassword(role, password)
	}
	u.RawQuery = url.Values{"host": {cfg.Host}, "port": {fmt.Sprint(cfg.Port)}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// vendors starts the yardstick's vendor, and ours with the same records.
func (b *bench) vendors(ctx context.Context, deals int) error {
	at, err := freeAddress()
	if err != nil {
		return err
	}
	if b.source, err = start(ctx, nil, filepath.Join(b.tools, "fake"), "-n", fmt.Sprint(deals), "-addr", at); err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, b.source.stop)
	b.sourceURL = "http://" + at + "/api/v2/deals?limit=500"
	if err := await(ctx, at); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.vendor = exec.CommandContext(ctx, self, "vendor", "-from", b.sourceURL)
	b.vendor.Stderr = os.Stderr
	out, err := b.vendor.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.vendor.Start(); err != nil {
		return err
	}
	b.cleanup = append(b.cleanup, func() { _ = b.vendor.Process.Kill(); _ = b.vendor.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	b.vendorURL = strings.TrimSpace(line)
	return err
}

// salesbook runs the binary to its end and returns what it prints.
func (b *bench) salesbook(ctx context.Context, args ...string) ([]byte, error) {
	p, err := start(ctx, b.env, b.binary, args...)
	if err != nil {
		return nil, err
	}
	return p.wait()
}

// connect makes a connection to an account of that name. It is not compared
// with the vendor, and no history is read, beside what is measured.
func (b *bench) connect(ctx context.Context, name string, more ...string) error {
	token := filepath.Join(b.dir, "token")
	if err := os.WriteFile(token, []byte("token"), 0o600); err != nil {
		return err
	}
	return b.connectTo(ctx, "pipedrive", name, append([]string{"--secret", "api_token=@" + token}, more...)...)
}

// connectTo makes a connection to an account of a vendor's.
func (b *bench) connectTo(ctx context.Context, vendor, name string, more ...string) error {
	args := append([]string{"connect", vendor, name, "--base-url", b.vendorURL + "/" + name}, more...)
	if _, err := b.salesbook(ctx, args...); err != nil {
		return err
	}
	return b.exec(ctx, "DELETE FROM salesbook.schedules WHERE kind IN ('sweep', 'history')")
}

// exec runs statements one after the other, as superuser.
func (b *bench) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := b.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// machine tells where figures were taken.
func (b *bench) machine(ctx context.Context) string {
	var version string
	if err := b.db.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		version = err.Error()
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	_, model, _ := strings.Cut(string(info), "model name")
	model, _, _ = strings.Cut(strings.TrimLeft(model, "\t :"), "\n")
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("PostgreSQL %s; %d x %s; load before %s", version, strings.Count(string(info), "processor\t"), cmp.Or(model, "unknown"), strings.Join(strings.Fields(string(load))[:1], ""))
}

// freeAddress returns an address of this machine that nothing listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// await waits until something listens: a million deals take minutes to make.
func await(ctx context.Context, addr string) error {
	for range 6000 {
		conn, err := dial(ctx, addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("nothing listens on " + addr)
}
