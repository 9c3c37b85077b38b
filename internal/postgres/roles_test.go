package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/embedded"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// server is a private server without our roles, which belong to a whole server.
type server struct {
	*embedded.Server
	dir   string
	admin *pgx.Conn
}

func startServer(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "sb") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // root's PostgreSQL runs under another account
		t.Fatal(err)
	}
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	admin, err := pgx.Connect(t.Context(), s.URL("salesbook_admin", "salesbook"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	return &server{s, dir, admin}
}

func (s *server) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := s.admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// TestRolesOnAFreshServer is one test because each step needs what the one
// before left on the server.
func TestRolesOnAFreshServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.exec(t,
		"CREATE ROLE bob LOGIN", "CREATE DATABASE bobs", "REVOKE CONNECT ON DATABASE bobs FROM PUBLIC", "GRANT CONNECT ON DATABASE bobs TO bob",
		"CREATE ROLE alice LOGIN CREATEROLE", "CREATE DATABASE one OWNER alice", "CREATE DATABASE two OWNER alice", "CREATE DATABASE three OWNER alice")

	advice := refusal(t, s.URL("bob", "bobs"))
	for _, want := range []string{`"bob"`, "\n  CREATE ROLE salesbook_owner NOLOGIN;", "\n  CREATE ROLE salesbook_app LOGIN;", "\n  GRANT salesbook_owner TO bob;",
		"\n  CREATE SCHEMA salesbook AUTHORIZATION salesbook_owner;", "\n  GRANT CONNECT ON DATABASE bobs TO salesbook_app, salesbook_river;"} {
		if !strings.Contains(advice, want) {
			t.Errorf("the advice lacks %q:\n%s", want, advice)
		}
	}

	// A role that may create roles needs no help, not even for three databases
	// at once, which share the roles but not the lock.
	race(t, s.URL("alice", "one"), s.URL("alice", "two"), s.URL("alice", "three"))
	for _, database := range []string{"one", "two", "three"} {
		opens(t, s.URL("salesbook_app", database))
	}

	// The advice is all that somebody without rights needs.
	_, sql, _ := strings.Cut(refusal(t, s.URL("bob", "bobs")), "migrate again:")
	runScript(t, s.URL("salesbook_admin", "bobs"), sql)
	r := migrate(t, s.URL("bob", "bobs"))
	if len(r.Setup) > 0 || r.To == 0 {
		t.Errorf("after the advice: %+v; want migrations and no setup", r)
	}
	opens(t, s.URL("salesbook_app", "bobs"))

	// Rights that would undo the isolation are taken away.
	s.exec(t, "ALTER ROLE salesbook_app SUPERUSER", "GRANT salesbook_owner TO salesbook_app")
	refuses(t, s.URL("salesbook_app", "one"))
	migrate(t, s.URL("salesbook_admin", "one"))
	opens(t, s.URL("salesbook_app", "one"))
	if again := migrate(t, s.URL("alice", "one")); len(again.Setup) > 0 {
		t.Errorf("nothing should be left to set up: %q", again.Setup)
	}
}

func refusal(t *testing.T, url string) string {
	t.Helper()
	_, err := postgres.Migrate(t.Context(), url, postgres.MigrateOptions{})
	if fault.KindOf(err) != fault.Forbidden {
		t.Fatalf("a role without rights: %v; want a refusal", err)
	}
	return err.Error()
}

func runScript(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// opens expects the schema to be usable through a URL.
func opens(t *testing.T, url string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := postgres.CheckSchema(t.Context(), db); err != nil {
		t.Errorf("%s: %v", url, err)
	}
}

func refuses(t *testing.T, url string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err == nil {
		db.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "not bound by row-level security") {
		t.Errorf("a role that is not bound: %v; want a refusal", err)
	}
}

func TestPasswordsOfRoles(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	passwords := postgres.MigrateOptions{AppPassword: "пароль №1 'quoted'", RiverPassword: "zażółć"}
	if _, err := postgres.Migrate(t.Context(), s.URL("salesbook_admin", "salesbook"), passwords); err != nil {
		t.Fatal(err)
	}
	rules := "local all salesbook_app,salesbook_river scram-sha-256\nlocal all all trust\n"
	if err := os.WriteFile(filepath.Join(s.dir, "data", "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "SELECT pg_reload_conf()")
	awaitRules(t, s)
	tests := []struct {
		role, password string
		want           bool
	}{
		{"salesbook_app", passwords.AppPassword, true},
		{"salesbook_river", passwords.RiverPassword, true},
		{"salesbook_app", passwords.RiverPassword, false},
		{"salesbook_app", "", false},
	}
	for _, tt := range tests {
		config, err := pgx.ParseConfig(s.URL(tt.role, "salesbook"))
		if err != nil {
			t.Fatal(err)
		}
		config.Password = tt.password
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err == nil {
			_ = conn.Close(t.Context())
		}
		if (err == nil) != tt.want {
			t.Errorf("%s with password %q: %v; want success: %v", tt.role, tt.password, err, tt.want)
		}
	}

	s.exec(t, "CREATE ROLE carol LOGIN", "GRANT salesbook_owner, salesbook_river TO carol")
	_, err := postgres.Migrate(t.Context(), s.URL("carol", "salesbook"), passwords)
	if fault.KindOf(err) != fault.Forbidden || strings.Contains(err.Error(), "пароль") || !strings.Contains(err.Error(), `\password salesbook_`) {
		t.Errorf("passwords set by a role that may not: %v; want a refusal without the password", err)
	}
}

// awaitRules waits until the server asks salesbook_app for a password: a reload
// is announced, not awaited.
func awaitRules(t *testing.T, s *server) {
	t.Helper()
	for range 500 {
		conn, err := pgx.Connect(t.Context(), s.URL("salesbook_app", "salesbook"))
		if err != nil {
			return
		}
		_ = conn.Close(t.Context())
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the server never asked for a password")
}

// The example of RFC 7677, in PostgreSQL's notation.
func TestScramVerifier(t *testing.T) {
	t.Parallel()
	salt := []byte("\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81")
	got, err := postgres.ScramVerifierWith("pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	const want = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
