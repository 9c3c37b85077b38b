package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const readyPoll = 10 * time.Millisecond

// postmaster is a running server, our child.
type postmaster struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended; err is set then
	err    error
}

// launch describes one start of a server.
type launch struct {
	bin      binaries
	data     string
	at       address
	lock     *os.File
	settings map[string]string
}

// startPostmaster starts the server and returns without waiting for it to be
// ready. The caller has to stay on its thread, see processAttributes. The
// server's processes hold the lock from here on.
func (h host) startPostmaster(l launch) (*postmaster, error) {
	out, err := openPrivate(h.home.startupLog(), h.who, os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	args := []string{"-D", l.data}
	for _, name := range slices.Sorted(maps.Keys(l.settings)) {
		args = append(args, "-c", name+"="+l.settings[name])
	}
	for _, setting := range h.placement(l.at) {
		args = append(args, "-c", setting)
	}
	// The server outlives this call's context: it is stopped by a signal.
	cmd := h.command(context.Background(), l.lock, syscall.SIGINT, l.bin.path("postgres"), args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(cmd.Env, disownStalePID(l.data)...)
	if err := cmd.Start(); err != nil {
		return nil, h.explain("start PostgreSQL", l.bin.path("postgres"), err, "")
	}
	p := &postmaster{cmd: cmd, exited: make(chan struct{})}
	go func() {
		if p.err = cmd.Wait(); p.err == nil {
			p.err = errors.New("somebody shut it down")
		}
		close(p.exited)
	}()
	return p, nil
}

// placement are the settings that nobody may change: no TCP, our socket, our
// log.
func (h host) placement(at address) []string {
	return []string{
		"listen_addresses=",
		"port=" + strconv.Itoa(at.port),
		"unix_socket_directories=" + quoteList(at.dir),
		"unix_socket_permissions=0700",
		"logging_collector=on",
		"log_destination=stderr",
		"log_directory=" + h.home.logs(),
		"log_filename=" + logPattern,
	}
}

// quoteList quotes one element of a setting that is a comma-separated list.
func quoteList(element string) string {
	return `"` + strings.ReplaceAll(element, `"`, `""`) + `"`
}

// disownStalePID lets the server start over a postmaster.pid whose number now
// belongs to some other process, as happens after a restart of the machine or
// the container. PostgreSQL takes a living process of that number for a running
// server unless told that it is its own grandparent, which is how pg_ctl does
// it too. Holding server.lock we know that no server of ours lives; against one
// started by hand PostgreSQL still checks the shared memory.
func disownStalePID(data string) []string {
	pid, err := postmasterPID(data)
	if err != nil {
		return nil
	}
	return []string{"PG_GRANDPARENT_PID=" + strconv.Itoa(pid)}
}

// postmasterPID reads the process id that the server of data left in its file.
func postmasterPID(data string) (int, error) {
	f, err := os.Open(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	return strconv.Atoi(strings.TrimSpace(lines.Text()))
}

// awaitReady waits until the server answers, or has ended, or ctx does.
func (h host) awaitReady(ctx context.Context, p *postmaster, at address) error {
	for waited := time.Duration(0); ; waited += readyPoll {
		err := ping(ctx, at.url(adminRole, "postgres"))
		if err == nil {
			return nil
		}
		if refusal := new(pgconn.PgError); errors.As(err, &refusal) && strings.HasPrefix(refusal.Code, "28") {
			return fmt.Errorf("PostgreSQL in %s does not let salesbook in, data/pg_hba.conf must hold %q: %w", h.home, accessRules, err)
		}
		if waited > 0 && waited%(10*time.Second) == 0 {
			h.log.Info("PostgreSQL is not ready yet, it may be recovering from a crash", "answer", err)
		}
		select {
		case <-p.exited:
			return h.explain("start PostgreSQL", p.cmd.Path, p.err, h.lastWords())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(readyPoll):
		}
	}
}

// stop asks for a fast shutdown (sessions are ended, everything is written) and
// waits for its end.
func (p *postmaster) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	<-p.exited
	return nil
}

// ping reports whether a server answers and has the database.
func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// ensureDatabase creates our database unless it is there.
func ensureDatabase(ctx context.Context, at address) (err error) {
	conn, err := pgx.Connect(ctx, at.url(adminRole, "postgres"))
	if err != nil {
		return fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var there bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&there)
	if err != nil || there {
		return err
	}
	if _, err := conn.Exec(ctx, "create database "+database); err != nil {
		return fmt.Errorf("create the database %s: %w", database, err)
	}
	return nil
}
