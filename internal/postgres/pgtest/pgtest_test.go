package pgtest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { Main(m) }

func TestDatabasesAreSeparateAndGoAway(t *testing.T) {
	t.Parallel()
	outer := New(t)
	if outer.Pooled != (os.Getenv("SALESBOOK_TEST_POOLER") == "1") {
		t.Errorf("Pooled is %v, against SALESBOOK_TEST_POOLER=%q", outer.Pooled, os.Getenv("SALESBOOK_TEST_POOLER"))
	}
	first := outer.Workspace(t, "acme")
	var gone string
	t.Run("inner", func(t *testing.T) {
		inner := New(t)
		gone = inner.Name
		inner.Workspace(t, "other") // so that equal ids are no accident of an empty table
		if again := outer.Workspace(t, "acme"); again != first {
			t.Errorf("the workspace acme is %d, then %d", first, again)
		}
		if got := names(t, inner); !cmp.Equal(got, []string{"other"}) {
			t.Errorf("the second database has the workspaces %q", got)
		}
		inner.Connect(t, inner.URL) // left open: it must not keep the database
	})
	if got := names(t, outer); !cmp.Equal(got, []string{"acme"}) {
		t.Errorf("the first database has the workspaces %q", got)
	}
	var there bool
	err := outer.Connect(t, outer.AdminURL).QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", gone).Scan(&there)
	if err != nil || there || gone == "" {
		t.Errorf("the database %q of a test that has ended is there: %v, %v", gone, there, err)
	}
}

// names lists the workspaces as salesbook_app, by its own connection.
func names(t *testing.T, d *Database) []string {
	t.Helper()
	var names []string
	err := d.Connect(t, d.URL).QueryRow(t.Context(), "SELECT array_agg(name ORDER BY name) FROM list_workspaces()").Scan(&names)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRolesOfTheURLs(t *testing.T) {
	t.Parallel()
	d := New(t)
	for url, want := range map[string]string{d.URL: "salesbook_app", d.RiverURL: "salesbook_river"} {
		var role, path string
		if err := d.Connect(t, url).QueryRow(t.Context(), "SELECT current_user, current_setting('search_path')").Scan(&role, &path); err != nil {
			t.Fatal(err)
		}
		if role != want || (path != "salesbook" && path != "river") {
			t.Errorf("a URL leads to role %s with search_path %q, want %s", role, path, want)
		}
	}
}

func TestEmptyIsEmpty(t *testing.T) {
	t.Parallel()
	d := Empty(t)
	var schemas int
	err := d.Connect(t, d.AdminURL).QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname IN ('salesbook', 'river')").Scan(&schemas)
	if err != nil || schemas != 0 || d.DB != nil {
		t.Errorf("an empty database has %d schemas, %v, DB %v", schemas, err, d.DB)
	}
}

func TestAKilledServerKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	s := Own(t)
	want := s.Workspace(t, "acme")
	for range 2 {
		s.Kill(t)
		if got := s.Workspace(t, "acme"); got != want {
			t.Errorf("the workspace acme was %d and is %d after the server was killed", want, got)
		}
	}
}

func TestSweepTakesOnlyWhatIsAbandoned(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	long := time.Now().Add(-time.Hour)
	make := func(name string, age time.Time) string {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "pgtest.lock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, age, age); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead := make(dirPrefix+"dead", long)
	fresh := make(dirPrefix+"fresh", time.Now())
	foreign := make("somebody-elses", long)
	living := make(dirPrefix+"living", long)
	lock, err := os.Open(filepath.Join(living, "pgtest.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}

	sweep(base)

	left, err := filepath.Glob(filepath.Join(base, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fresh, living, foreign}, left); diff != "" {
		t.Errorf("left of those and %s (-want +got):\n%s", dead, diff)
	}
}
