package jobs_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// override gives the connection another field map.
func (b *bundle) override(t *testing.T, yaml string) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		m, err := postgres.MapOf(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		m.Override = yaml
		return postgres.SetMap(t.Context(), tx, b.ws, b.conn, m, "test")
	})
}

// failures returns the open failures.
func (b *bundle) failures(t *testing.T) (list []postgres.Failure) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) (err error) {
		list, err = postgres.Failures(t.Context(), tx, b.ws, b.conn, false, 0, 100)
		return err
	})
	return list
}

const strictStatus = "vendor: pipedrive\nobjects: {deals: {fields: {status: {from: status, values: {open: open}}}}}\n"

func TestARetriedRecordIsMappedFromItsStoredBytes(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.override(t, strictStatus)
	b.pull(t)
	list := b.failures(t)
	if len(list) == 0 {
		t.Fatal("no record was put aside")
	}
	b.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a retry of a record asked the vendor")
		return nil, http.ErrHandlerTimeout
	})
	r, err := b.Retry(t.Context(), b.ws, list[0])
	if err != nil || r.Resolved || !strings.Contains(r.Why, "values do not list") {
		t.Errorf("under the same map: %+v, %v; want it to fail again with its reason", r, err)
	}
	b.override(t, "")
	for _, f := range list {
		if r, err := b.Retry(t.Context(), b.ws, f); err != nil || !r.Resolved || r.Queued {
			t.Errorf("%s %s under a map that fits: %+v, %v", f.Object, f.ExternalID, r, err)
		}
	}
	if left := b.failures(t); len(left) > 0 {
		t.Errorf("%d failures stay open", len(left))
	}
	b.drift(t)
}

// forbidding refuses every call whose path holds the text.
func forbidding(path string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.Contains(r.URL.Path, path) {
			return http.DefaultTransport.RoundTrip(r)
		}
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"success":false,"error":"not allowed"}`))}, nil
	})
}

func TestARetriedDeliveryReadsAllThatItNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	named := []connectors.Ref{{Object: "deals", ID: "3"}, {Object: "deals", ID: "4"}, {Object: "deals", ID: "5"}}
	letter := postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now(), Key: "test", Reads: named, Body: []byte("{}")}
	if err := b.DB.StoreLetters(t.Context(), []postgres.Letter{letter}, func(pgx.Tx, [][2]int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	b.Transport = forbidding("/deals")
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	list := b.failures(t)
	if len(list) != len(named) || list[0].Kind != "delivery" {
		t.Fatalf("failures: %+v; want one for each record that could not be read", list)
	}
	for _, ref := range named {
		if _, err := b.sim.Do(1, "PATCH", "/api/v2/deals/"+ref.ID, map[string]any{"title": "Nowa nazwa"}); err != nil {
			t.Fatal(err)
		}
	}
	b.Transport = nil
	for _, f := range list {
		r, err := b.Retry(t.Context(), b.ws, f)
		if d := cmp.Diff(jobs.Retried{Resolved: true, Queued: true}, r); err != nil || d != "" {
			t.Fatalf("retry: %v (-want +got):\n%s", err, d)
		}
	}
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deals WHERE title = 'Nowa nazwa'`); n != len(named) {
		t.Errorf("%d of %d named deals were read again", n, len(named))
	}
	if left := b.failures(t); len(left) > 0 {
		t.Errorf("failures stay open: %+v", left)
	}
}

func TestARetriedJobIsInsertedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	for _, kind := range []string{"pull", "receive", "history", "watch", "replay"} {
		b.in(t, func(tx pgx.Tx) error {
			return postgres.AddFailures(t.Context(), tx, b.ws, []postgres.Failure{{ConnectionID: b.conn, Kind: "job", Object: kind, ExternalID: "1", Reason: "test"}})
		})
		before := one[int](t, b, `SELECT count(*) FROM river.river_job WHERE kind = $1`, kind)
		r, err := b.Retry(t.Context(), b.ws, b.failures(t)[0])
		if err != nil || !r.Queued {
			t.Errorf("%s: %+v, %v", kind, r, err)
		}
		if n := one[int](t, b, `SELECT count(*) FROM river.river_job WHERE kind = $1`, kind); n != before+1 {
			t.Errorf("%s: %d jobs, want one more than %d", kind, n, before)
		}
	}
	if left := b.failures(t); len(left) > 0 {
		t.Errorf("failures stay open: %+v", left)
	}
	_, err := b.Retry(t.Context(), b.ws, postgres.Failure{ID: 1, Kind: "job", Object: "unheard-of"})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("a job of another release: %v, want fault.Invalid", err)
	}
}

func TestARefusedReplacementLeavesTheOldCredentialsGood(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{Token: "token"})
	done := make(chan struct{})
	defer b.after(1, func() { // a job comes in the midst of the check
		defer close(done)
		if _, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true}); err == nil || fault.KindOf(err) == fault.Auth {
			t.Errorf("a pull worked with credentials that nobody had checked: %v", err)
		}
	})()
	_, _, err := b.Connect(t.Context(), b.ws, jobs.NewConnection{Vendor: "pipedrive", Name: "crm", By: "test", Replace: true, HookURL: "https://elsewhere.example",
		Config: connectors.Config{BaseURL: b.vendor.URL, Secrets: map[string]string{"api_token": "mistyped"}}})
	if fault.KindOf(err) != fault.Auth {
		t.Fatalf("a wrong token: %v, want fault.Auth", err)
	}
	if url := one[string](t, b, `SELECT hook_url FROM connections`); url != "" {
		t.Errorf("the refused settings stayed: %q", url)
	}
	<-done
	if state := one[string](t, b, `SELECT state FROM connections`); state != "active" {
		t.Errorf("a mistyped token left the connection %s", state)
	}
	b.pull(t)
}
