package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const poolerPort = "6432"

// pooler is a pgbouncer with transaction pooling before the private server.
// Debian 12's 1.18 knows no prepared statements, which is the hard case.
type pooler struct {
	dir string // of its socket
	cmd *exec.Cmd
	log *bytes.Buffer
}

func startPooler(ctx context.Context, base string, server *url.URL) (*pooler, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			return nil, errors.New("SALESBOOK_TEST_POOLER=1 needs pgbouncer: apt-get install pgbouncer")
		}
	}
	p := &pooler{dir: filepath.Join(base, "pooler"), log: &bytes.Buffer{}}
	config, err := p.configure(server)
	if err != nil {
		return nil, fmt.Errorf("configure pgbouncer: %w", err)
	}
	p.cmd = exec.Command(program, "--quiet", config)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start pgbouncer: %w", err)
	}
	if err := p.awaitReady(ctx, server); err != nil {
		return nil, errors.Join(fmt.Errorf("pgbouncer does not answer: %w", err), p.stop(), errors.New(p.log.String()))
	}
	return p, nil
}

// configure writes the configuration into a directory of the account that
// pgbouncer runs as, which is not root, and returns its path.
func (p *pooler) configure(server *url.URL) (string, error) {
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		return "", err
	}
	q := server.Query()
	users := filepath.Join(p.dir, "users")
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
pool_mode = transaction
unix_socket_dir = %s
listen_port = %s
auth_type = trust
auth_file = %s
max_client_conn = 1000
default_pool_size = 10
`, q.Get("host"), q.Get("port"), p.dir, poolerPort, users)
	if os.Geteuid() == 0 {
		text += "user = postgres\n"
		if err := giveTo("postgres", p.dir); err != nil {
			return "", err
		}
	}
	list := "\"salesbook_app\" \"\"\n\"salesbook_river\" \"\"\n\"salesbook_admin\" \"\"\n"
	if err := os.WriteFile(users, []byte(list), 0o644); err != nil {
		return "", err
	}
	config := filepath.Join(p.dir, "pgbouncer.ini")
	return config, os.WriteFile(config, []byte(text), 0o644)
}

func giveTo(name, path string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, -1)
}

func (p *pooler) awaitReady(ctx context.Context, server *url.URL) error {
	var last error
	for range 200 {
		conn, err := pgx.Connect(ctx, p.url("salesbook_admin", server.Path[1:]))
		if err == nil {
			return conn.Close(ctx)
		}
		last = err
		select {
		case <-ctx.Done():
			return errors.Join(last, ctx.Err())
		case <-time.After(25 * time.Millisecond):
		}
	}
	return last
}

func (p *pooler) url(role, database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=%s&user=%s", database, url.PathEscape(p.dir), poolerPort, role)
}

// stop ends it at once (SIGTERM; SIGINT would wait for clients).
func (p *pooler) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop pgbouncer: %w", err)
	}
	_ = p.cmd.Wait() // its status after a signal says nothing
	return nil
}
