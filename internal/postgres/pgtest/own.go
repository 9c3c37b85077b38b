package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of one test's own, with one database, which the test
// may kill. What was committed before is there afterwards.
type Server struct {
	*Database
	dir string
}

// Own starts a server that ends with the test. It takes seconds, so it is for
// tests that need to do harm to a server; all others share one, see New. It is
// always private and never pooled.
func Own(t testing.TB) *Server {
	t.Helper()
	c, err := (&cluster{own: true}).launch()
	if err != nil {
		t.Fatalf("no server for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Errorf("end the server of this test: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return &Server{Database: c.make(ctx, t, true), dir: c.dir}
}

// Kill kills the postmaster as kill -9 does and returns when the server, which
// is started again by itself, has recovered. Five times are allowed.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	before, err := s.startedAt(ctx)
	if err != nil {
		t.Fatalf("ask the server that is to be killed: %v", err)
	}
	pid, err := s.postmaster()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill the postmaster %d: %v", pid, err)
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		at, err := s.startedAt(ctx)
		if err == nil && !at.Equal(before) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the killed server did not come back: %v", err)
		case <-look.C:
		}
	}
}

// startedAt asks, by a connection of its own, since when the server runs.
func (s *Server) startedAt(ctx context.Context) (at time.Time, err error) {
	conn, err := pgx.Connect(ctx, s.AdminURL)
	if err != nil {
		return at, err
	}
	defer conn.Close(ctx)
	return at, conn.QueryRow(ctx, "SELECT pg_postmaster_start_time()").Scan(&at)
}

// postmaster reads the server's process id from the file that it keeps.
func (s *Server) postmaster() (int, error) {
	path := filepath.Join(s.dir, "data", "postmaster.pid")
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("find the postmaster: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s does not begin with a process id", path)
	}
	return pid, nil
}
