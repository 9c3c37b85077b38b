package embedded_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/embedded"
)

func TestStartKeepsDataAcrossRestart(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Dir: dataDir(t), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for i := range 3 {
		begun := time.Now()
		s, err := embedded.Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(s.URL("salesbook_admin", "salesbook"), time.Since(begun))
		conn, err := pgx.Connect(t.Context(), s.URL("salesbook_admin", "salesbook"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := conn.Exec(t.Context(), "create table a as select 1 as x"); err != nil {
				t.Fatal(err)
			}
		}
		var x int
		if err := conn.QueryRow(t.Context(), "select x from a").Scan(&x); err != nil {
			t.Fatal(err)
		}
		begun = time.Now()
		if err := s.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Log("stop", time.Since(begun))
	}
}

// dataDir is a directory that the account PostgreSQL runs as can reach even
// when root runs the tests: the parent of t.TempDir is closed to others.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
