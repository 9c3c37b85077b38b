package web_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/web"
)

func TestAlive(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if a := b.get(t, "/healthz"); a.status != 200 || a.body != "ok\n" {
		t.Errorf("want 200 and ok, got %d %q", a.status, a.body)
	}
	if a := b.get(t, "/"); a.status != 404 {
		t.Errorf("the root: want 404, got %d", a.status)
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ breaks, mends, why string }{
		"the schema is too old": {`UPDATE salesbook.goose_db_version SET version_id = version_id - 100`, `UPDATE salesbook.goose_db_version SET version_id = version_id + 100`, "salesbook migrate"},
		"the schema is too new": {`UPDATE salesbook.goose_db_version SET version_id = version_id + 100`, `UPDATE salesbook.goose_db_version SET version_id = version_id - 100`, "newer release"},
		"the database is away":  {`REVOKE USAGE ON SCHEMA salesbook FROM salesbook_app`, `GRANT USAGE ON SCHEMA salesbook TO salesbook_app`, "schema"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			admin := b.Connect(t, b.AdminURL)
			ready := func(want int) {
				t.Helper()
				if a := b.get(t, "/readyz"); a.status != want {
					t.Errorf("want %d, got %d %s", want, a.status, a.body)
				}
				if a := b.get(t, "/healthz"); a.status != 200 {
					t.Errorf("the process is alive all the same, got %d", a.status)
				}
			}
			ready(200)
			b.run(t, admin, tc.breaks)
			ready(503)
			if !strings.Contains(b.log.String(), tc.why) {
				t.Errorf("the log does not say why: want %q in it", tc.why)
			}
			b.run(t, admin, tc.mends)
			ready(200)
		})
	}
}

func TestReadinessWithoutADatabase(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.DB.Close()
	if a := b.get(t, "/readyz"); a.status != 503 {
		t.Errorf("want 503, got %d", a.status)
	}
}

func TestReadinessOnAFullDisk(t *testing.T) {
	t.Parallel()
	var percentFree atomic.Int64
	b := setup(t, func(b *bundle, _ *web.Server) {
		b.pipeline.FreeDisk = func() (float64, error) { return float64(percentFree.Load()) / 100, nil }
	})
	h := b.connect(t, "acme")
	for free, want := range map[int64]int{4: 503, 5: 200, 90: 200} {
		percentFree.Store(free)
		if a := b.get(t, "/readyz"); a.status != want {
			t.Errorf("with %d %% free: want %d, got %d %s", free, want, a.status, a.body)
		}
		if a := b.get(t, "/metrics"); !strings.Contains(a.body, fmt.Sprintf("\nsalesbook_disk_free_ratio %v\n", float64(free)/100)) {
			t.Errorf("with %d %% free: no such figure in\n%s", free, a.body)
		}
	}
	percentFree.Store(0)
	b.deliver(t, h, event("1"))
	if b.stored(t, h.workspace)["1"] != 1 {
		t.Error("a delivery was not stored though the disk still takes it")
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	b.deliver(t, h, event("1"))
	b.deliver(t, h, event("2"))
	b.in(t, h.workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO cursors (workspace_id, connection_id, object, as_of, loaded_at) VALUES ($1, $2, 'deals', now() - interval '90 s', now())`, h.workspace, h.connection)
		return err
	})
	text := b.get(t, "/metrics").body
	of := `{connection="crm",vendor="pipedrive",workspace="acme"} `
	for _, line := range []string{
		`salesbook_connection_up` + of + `1`, `salesbook_connection_lag_seconds` + of + `9`,
		`salesbook_connection_loaded_objects` + of + `1`, `salesbook_connection_objects` + of + `1`,
		`salesbook_deliveries_waiting` + of + `2`, `salesbook_failures_open` + of + `0`, `salesbook_connection_resting` + of + `0`,
		`salesbook_deliveries_total{outcome="stored"} 2`, `salesbook_deliveries_commit_size_count 2`, `salesbook_deliveries_commit_size_sum 2`,
		`salesbook_deliveries_commit_seconds_count 2`, `salesbook_deliveries_queued 0`,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
	admin := b.Connect(t, b.AdminURL)
	b.run(t, admin, `INSERT INTO salesbook.breakers (workspace_id, connection_id, strikes, why, rest_until) SELECT workspace_id, id, 5, 'down', now() + interval '1 hour' FROM salesbook.connections`)
	if text := b.get(t, "/metrics").body; !strings.Contains(text, "salesbook_connection_resting"+of+"1") {
		t.Error("a connection that rests is not shown as resting")
	}
	b.run(t, admin, `UPDATE salesbook.connections SET state = 'needs consent'`)
	if text := b.get(t, "/metrics").body; !strings.Contains(text, "salesbook_connection_up"+of+"0") {
		t.Error("a connection that needs consent is shown as up")
	}
}

func TestMetricsOfProofs(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	b.in(t, h.workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO cursors (workspace_id, connection_id, object) VALUES ($1, $2, 'deals'), ($1, $2, 'persons')`, h.workspace, h.connection)
		return err
	})
	prove := func(object, age string, found, unrepaired int) {
		b.in(t, h.workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO proofs (workspace_id, connection_id, object, as_of, started_at, found, unrepaired, figures) VALUES ($1, $2, $3, date_trunc('second', now() - $4::interval), now(), $5, $6, '{}')`,
				h.workspace, h.connection, object, age, found, unrepaired)
			return err
		})
	}
	of := `{connection="crm",vendor="pipedrive",workspace="acme"} `
	byObject := func(o string) string {
		return `{connection="crm",object="` + o + `",vendor="pipedrive",workspace="acme"} `
	}
	want := func(lines ...string) {
		t.Helper()
		text := b.get(t, "/metrics").body
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line) {
				t.Errorf("no line %q in\n%s", line, text)
			}
		}
	}
	prove("deals", "1 hour", 3, 0)
	want(`salesbook_connection_proven`+of+`0`, `salesbook_connection_drift_found`+byObject("deals")+`3`)
	if text := b.get(t, "/metrics").body; strings.Contains(text, "salesbook_connection_proven_timestamp_seconds{") {
		t.Error("an instant is told though an object has never been compared")
	}
	prove("persons", "2 hours", 0, 0)
	want(`salesbook_connection_proven`+of+`1`, `salesbook_connection_proven_timestamp_seconds`+of+`1.`, `salesbook_connection_drift`+byObject("persons")+`0`)
	prove("persons", "1 hour", 2, 1)
	want(`salesbook_connection_proven`+of+`0`, `salesbook_connection_drift`+byObject("persons")+`1`)
	prove("persons", "50 hours", 0, 0)
	want(`salesbook_connection_proven`+of+`0`, `salesbook_connection_drift`+byObject("persons")+`0`)
}

// TestMetricsOutliveTheDatabase: what is measured in the process is shown also
// while the database is away, when it is needed most.
func TestMetricsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.DB.Close()
	if a := b.get(t, "/metrics"); a.status != 200 || !strings.Contains(a.body, "salesbook_deliveries_queued 0") {
		t.Errorf("want the process's own metrics, got %d %s", a.status, a.body)
	}
}

// TestSecretsStayInside goes through every outcome and then looks for secrets,
// and for what customers would not want to be read, in all that leaves.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	wrong := h
	wrong.Password = "guessed-password"
	unknown := h
	unknown.Path = "guessed-address"
	admin := b.Connect(t, b.AdminURL)
	var answers strings.Builder
	note := func(a answer) { answers.WriteString(a.body) }
	for _, at := range []hook{h, wrong, unknown} {
		for _, body := range []string{event("1"), `{"Секретная сделка"`, event("2")[:99], strings.Repeat("Секретная сделка", 400_000)} {
			note(b.deliver(t, at, body))
		}
		if a, err := b.send(t.Context(), http.MethodGet, at, nil); err == nil {
			note(a)
		}
	}
	b.run(t, admin, `ALTER TABLE salesbook.inbox RENAME TO away`)
	note(b.deliver(t, h, event("3")))
	note(b.get(t, "/metrics"))
	b.run(t, admin, `UPDATE salesbook.credentials SET sealed = '\x0112345678'`)
	b.ahead.Store(int64(time.Minute))
	note(b.deliver(t, h, event("4")))
	note(b.get(t, "/readyz"))
	note(b.get(t, "/metrics"))
	secrets := []string{h.Path, h.Password, wrong.Password, unknown.Path, "api-token-of-the-vendor", "Секретная", "Authorization",
		base64.StdEncoding.EncodeToString([]byte(h.User + ":" + h.Password))}
	for where, text := range map[string]string{"the log": b.log.String(), "an answer": answers.String()} {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%q is in %s", s, where)
			}
		}
	}
	if !strings.Contains(b.log.String(), "could not be stored") {
		t.Error("the log does not tell of the delivery that was not stored")
	}
}
