package jobs_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

func TestAnObjectThatIsForbiddenKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.Transport = forbidding("/api/v2/products")
	complete, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{})
	if complete || fault.KindOf(err) != fault.Forbidden {
		t.Fatalf("want an incomplete pull that names what is forbidden, got %v, %v", complete, err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM notes`); n == 0 {
		t.Error("what stands behind the forbidden object was not read")
	}
	b.Transport = nil
	b.pull(t)
	b.drift(t)
}

func TestOptionsThatVanishKeepTheirLabel(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	options := `SELECT jsonb_array_length(options) FROM fields WHERE external_id = 'deals.lost_reason'`
	before := one[int](t, b, options)
	// The next listing shows the first option of the field no more.
	b.Transport = rewriteField("lost_reason")
	b.pull(t)
	if after := one[int](t, b, options); before == 0 || after != before {
		t.Errorf("want all %d options kept, got %d", before, after)
	}
	gone := one[int](t, b, `SELECT count(*) FROM fields, jsonb_array_elements(options) o WHERE external_id = 'deals.lost_reason' AND (o->>'deleted')::bool AND o->>'label' <> ''`)
	if gone != 1 {
		t.Errorf("want the vanished option marked as deleted with its label, got %d", gone)
	}
}

func TestAPageMappedWithAnOldMapIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	held := make(chan error, 1)
	b.in(t, func(tx pgx.Tx) error {
		s, err := b.Open(t.Context(), b.ws, b.conn)
		if err != nil {
			return err
		}
		if err := postgres.AdoptMap(t.Context(), tx, b.ws, b.conn, s.MapVersion+1); err != nil {
			return err
		}
		held <- postgres.HoldMap(t.Context(), tx, b.ws, b.conn, s.MapVersion)
		return nil
	})
	if err := <-held; fault.KindOf(err) != fault.Conflict {
		t.Errorf("want fault.Conflict for rows of an old map, got %v", err)
	}
	due := false
	b.in(t, func(tx pgx.Tx) (err error) {
		due, _, err = postgres.ReplayDue(t.Context(), tx, b.ws, b.conn)
		return err
	})
	if !due {
		t.Error("no replay is due though the map changed")
	}
	if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || !r.Complete {
		t.Fatalf("replay: %+v, %v", r, err)
	}
	b.in(t, func(tx pgx.Tx) (err error) {
		due, _, err = postgres.ReplayDue(t.Context(), tx, b.ws, b.conn)
		return err
	})
	if due {
		t.Error("a replay is still due after one came to its end")
	}
}

func TestCredentialsOfAnotherCompanyAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	one[int](t, b, `WITH u AS (UPDATE connections SET base_url = '' RETURNING 1) SELECT count(*) FROM u`)
	b.in(t, func(tx pgx.Tx) error {
		c, err := postgres.ConnectionByID(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		err = postgres.SetRights(t.Context(), tx, c, rightsOf("another company"))
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("want fault.Conflict, got %v", err)
		}
		return nil
	})
}

func TestALateAnswerNeitherRevivesNorBuries(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	future := time.Now().Add(time.Hour)
	// Read again in an hour: an answer that was asked for before cannot bury it.
	one[int](t, b, `WITH u AS (UPDATE records SET fetched_at = $1 WHERE object = 'deals' RETURNING 1) SELECT count(*) FROM u`, future)
	b.in(t, func(tx pgx.Tx) error {
		missing, err := postgres.Missing(t.Context(), tx, b.ws, b.conn, "deals", nil, []string{}, time.Now())
		if len(missing) > 0 {
			t.Errorf("%d living records would be buried by an older answer", len(missing))
		}
		return err
	})
	// Buried in an hour: an older answer does not revive it, however new its content looks.
	one[int](t, b, `WITH u AS (UPDATE records SET deleted_at = now() WHERE object = 'deals' RETURNING 1) SELECT count(*) FROM u`)
	b.in(t, resetAll(t, b))
	b.Transport = rewrite(`"update_time":"20`, `"update_time":"21`, 1000)
	b.pull(t)
	if n := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'deals' AND deleted_at IS NULL`); n > 0 {
		t.Errorf("%d records were revived by an answer from before their deletion", n)
	}
}

func TestAVendorsClockThatWasSetBackHidesNoChange(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	rename := func(title string) {
		t.Helper()
		if _, err := b.sim.Do(1, "PATCH", "/api/v2/deals/1", map[string]any{"title": title}); err != nil {
			t.Fatal(err)
		}
	}
	rename("before")
	b.pull(t)
	if _, err := b.sim.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: -2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	rename("after")
	b.age(t, 2*time.Minute)
	b.pull(t)
	b.sound(t)
}

// age makes what we hold older.
func (b *bundle) age(t testing.TB, by time.Duration) {
	t.Helper()
	one[int](t, b, `WITH u AS (UPDATE records SET fetched_at = fetched_at - $1::interval RETURNING 1) SELECT count(*) FROM u`, by)
}

// oneByOne asks for pages of one record.
func oneByOne(path string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, path) {
			q := r.URL.Query()
			q.Set("limit", "1")
			r = r.Clone(r.Context())
			r.URL.RawQuery = q.Encode()
		}
		return http.DefaultTransport.RoundTrip(r)
	}
}

// TestNeighbouringPagesMarkOneDeal: activities of one deal stand on two pages that
// are written at once, and the first one is slow. Who marks the deal first waits
// for nobody who waits for him.
func TestNeighbouringPagesMarkOneDeal(t *testing.T) {
	t.Parallel()
	for name, marked := range map[string]bool{"that is marked already": true, "that is not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 20, pipedrive.Options{})
			b.pull(t)
			deal := one[int](t, b, `SELECT min(external_id::int) FROM deals WHERE status = 'open' AND deleted_at IS NULL`)
			b.run(t, `DELETE FROM dirty`)
			if marked {
				b.run(t, `INSERT INTO dirty (workspace_id, connection_id, kind, external_id) SELECT workspace_id, connection_id, 'deals', external_id FROM deals`)
			}
			for range 4 {
				if _, err := b.sim.Do(1, "POST", "/api/v2/activities", map[string]any{"subject": "Показ", "type": "meeting", "deal_id": deal}); err != nil {
					t.Fatal(err)
				}
			}
			admin := b.db.Connect(t, b.db.AdminURL)
			for _, sql := range []string{
				`CREATE FUNCTION salesbook.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
					IF NEW.external_id::int = (SELECT max(external_id::int) + 1 FROM salesbook.activities) THEN PERFORM pg_sleep(0.5); END IF; RETURN NEW; END $$`,
				`CREATE TRIGGER slow BEFORE INSERT ON salesbook.activities FOR EACH ROW EXECUTE FUNCTION salesbook.slow()`,
			} {
				if _, err := admin.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			b.Transport = oneByOne("/activities")
			start := time.Now()
			b.pull(t)
			if took := time.Since(start); took > 3*time.Second { // the time after which a lock is given up
				t.Errorf("it took %v", took)
			}
			if n := one[int](t, b, `SELECT count(*) FROM dirty WHERE kind = 'deals' AND external_id = $1`, strconv.Itoa(deal)); n != 1 {
				t.Error("the deal is not marked")
			}
		})
	}
}
