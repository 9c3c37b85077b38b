package jobs_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// answering answers calls whose path and query contain the text in place of
// the vendor.
func answering(text string, status int, body string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.Contains(r.URL.Path+"?"+r.URL.RawQuery, text) {
			return http.DefaultTransport.RoundTrip(r)
		}
		h := http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
	})
}

const emptyList = `{"success":true,"data":[],"additional_data":{"next_cursor":null}}`

// living counts the records of an object that are living here.
func (b *bundle) living(t testing.TB, object string) int {
	t.Helper()
	return one[int](t, b, `SELECT count(*) FROM records WHERE object = $1 AND deleted_at IS NULL`, object)
}

func TestAListingThatCannotBeBelievedBuriesNothing(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		object string
		wire   http.RoundTripper
		kind   fault.Kind
		says   string
	}{
		"empty, and each record gone": {"products", chain(answering("/api/v2/products?", 200, emptyList), answering("/api/v2/products/", 404, `{"success":false,"error":"not found"}`)),
			fault.Invalid, "lists no products at all"},
		"empty list of a small object": {"activityTypes", answering("/v1/activityTypes?", 200, `{"success":true,"data":[]}`), fault.Invalid, "lists no activityTypes at all"},
		"refused":                      {"products", answering("/api/v2/products", 403, `{"success":false,"error":"no"}`), fault.Forbidden, "403"},
		"cut":                          {"products", answering("/api/v2/products", 200, emptyList[:40]), fault.Temporary, "cut off"},
		"a page of somebody else's":    {"products", answering("/api/v2/products", 200, "<html>welcome</html>"), fault.Temporary, "HTML"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 60, pipedrive.Options{})
			b.pull(t)
			before := b.living(t, tc.object)
			b.Transport = tc.wire
			complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Object: tc.object, Since: time.Now()})
			if complete || fault.KindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("want an incomplete sweep with %v that says %q, got %v, %v", tc.kind, tc.says, complete, err)
			}
			if n := b.living(t, tc.object); n != before || n == 0 {
				t.Errorf("of %d living %s %d are left", before, tc.object, n)
			}
			if p, ok := b.proofs(t)[tc.object]; ok {
				t.Errorf("there is a proof: %+v", p)
			}
			// Once the vendor answers properly the next sweep starts anew.
			b.Transport = nil
			b.wantDrift(t, b.sweep(t, jobs.SweepOptions{Object: tc.object}), map[string]postgres.Figures{})
		})
	}
}

// chain lets the second wire answer what the first does not; both fall back to
// the vendor.
func chain(first, second http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "s") {
			return first.RoundTrip(r)
		}
		return second.RoundTrip(r)
	})
}

func TestLargeImplausiblyMuchGoneWaitsForAPerson(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	before := b.living(t, "persons")
	deleted := 0
	for id := 1; id <= 110; id++ {
		if _, err := b.sim.Do(1, "DELETE", fmt.Sprintf("/api/v2/persons/%d", id), nil); err == nil {
			deleted++
		}
	}
	b.settle(t)
	if deleted <= 100 || deleted*5 <= before {
		t.Fatalf("%d of %d are too few for this test", deleted, before)
	}
	ask := func(confirm bool, since time.Time) error {
		complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Confirm: confirm, Since: since})
		if complete != (err == nil) {
			t.Fatalf("complete=%v: %v", complete, err)
		}
		return err
	}
	now := one[time.Time](t, b.bundle, `SELECT now()`)
	err := ask(false, now)
	for _, says := range []string{fmt.Sprintf("no longer lists %d of %d persons", deleted, before), "salesbook prove crm --object persons --confirm"} {
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), says) {
			t.Fatalf("want fault.Invalid that says %q, got %v", says, err)
		}
	}
	if n := b.living(t, "persons"); n != before {
		t.Errorf("%d people were buried before anybody looked", before-n)
	}
	if proofs := b.proofs(t); len(proofs) == 0 || proofs["persons"].Object != "" {
		t.Errorf("want every other object proven all the same, got %d proofs", len(proofs))
	}
	if err := ask(false, time.Time{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("the schedule's next job must say it again, got %v", err)
	}
	calls := b.calls.Load()
	if err := ask(true, now); err != nil {
		t.Fatal(err)
	}
	if n := b.living(t, "persons"); n != before-deleted {
		t.Errorf("want %d people left after a person has looked, got %d", before-deleted, n)
	}
	if n := b.calls.Load() - calls; n > int64(deleted)+20 {
		t.Errorf("going on took %d calls, as many as from the start", n)
	}
	if g := b.proofs(t)["persons"].Figures.Gone; g != int64(deleted) {
		t.Errorf("want %d gone in the proof, got %d", deleted, g)
	}
	b.drift(t)
}

func TestWhatMayNoLongerBeSeenIsKept(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 60)
	b.do(t, "DELETE", "/api/v2/persons/1", nil)
	b.do(t, "DELETE", "/api/v2/persons/3", nil)
	b.settle(t)
	b.Transport = answering("/api/v2/persons/3?", 403, `{"success":false,"error":"You do not have permissions"}`)
	proofs := b.sweep(t, jobs.SweepOptions{Object: "persons"})
	if d := cmp.Diff(map[string]postgres.Figures{"persons": {Gone: 1, Hidden: 1, Unrepaired: 1}}, found(proofs), onlyDrift()); d != "" {
		t.Errorf("drift (-want +got):\n%s", d)
	}
	if f := proofs["persons"].Figures; f.Here.Count != f.There.Count+2 {
		t.Errorf("want the hidden and the deleted one counted here alone: %+v", f.Sides)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM people WHERE external_id = '3' AND deleted_at IS NULL`); n != 1 {
		t.Error("what the vendor does not call gone was buried")
	}
	b.Transport = nil
	b.wantDrift(t, b.sweep(t, jobs.SweepOptions{Object: "persons"}), map[string]postgres.Figures{"persons": {Gone: 1}})
}

func TestLargeASweepGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 800)
	b.do(t, "DELETE", "/api/v2/persons/1", nil)
	b.settle(t)
	calls := b.calls.Load()
	b.sweep(t, jobs.SweepOptions{})
	whole := b.calls.Load() - calls
	want := b.proofs(t)
	b.in(t, restore(t, "persons", "people", "1"))

	start := one[time.Time](t, b.bundle, `SELECT now()`)
	b.Slice = time.Nanosecond // one step a job
	calls = b.calls.Load()
	jobsRun := 0
	for complete := false; !complete; jobsRun++ {
		var err error
		if complete, err = b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: start}); err != nil {
			t.Fatal(err)
		}
		if jobsRun > 1000 {
			t.Fatal("it never comes to an end")
		}
	}
	if jobsRun < 20 {
		t.Errorf("want many short jobs, got %d", jobsRun)
	}
	if n := b.calls.Load() - calls; n > whole+whole/10 {
		t.Errorf("in %d jobs it took %d calls, in one %d", jobsRun, n, whole)
	}
	for object, p := range b.proofs(t) {
		if d := cmp.Diff(want[object].Figures.There, p.Figures.There); d != "" {
			t.Errorf("%s: figures of one job and of many (-one +many):\n%s", object, d)
		}
	}
	b.wantDrift(t, b.proofs(t), map[string]postgres.Figures{"persons": {Gone: 1}})
}

func TestLargeAnInterruptedSweepGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 800)
	b.do(t, "DELETE", "/api/v2/persons/1", nil)
	b.settle(t)
	start := one[time.Time](t, b.bundle, `SELECT now()`)
	for stop := int64(2); ; stop += 3 {
		ctx, cancel := context.WithCancel(t.Context())
		b.Transport = cutAfter(b.bundle, stop, cancel)
		complete, err := b.Sweep(ctx, b.ws, b.conn, jobs.SweepOptions{Since: start})
		cancel()
		if complete && err == nil {
			break
		}
	}
	b.Transport = nil
	b.wantDrift(t, b.proofs(t), map[string]postgres.Figures{"persons": {Gone: 1}})
}

func TestASpentQuotaOnlyDelaysASweep(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 300)
	start := one[time.Time](t, b.bundle, `SELECT now()`)
	remove, err := b.sim.Inject(sandbox.Fault{Kind: sandbox.DailyLimit, After: 12})
	if err != nil {
		t.Fatal(err)
	}
	complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: start})
	if complete || fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) <= 0 {
		t.Fatalf("want fault.Limited with a delay, got %v, %v", complete, err)
	}
	some := len(b.proofs(t))
	remove()
	admin := b.db.Connect(t, b.db.AdminURL)
	if _, err := admin.Exec(t.Context(), `UPDATE salesbook.vendor_accounts SET parked_until = NULL, daily_left = daily`); err != nil {
		t.Fatal(err)
	}
	if complete, err = b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: start}); err != nil || !complete {
		t.Fatalf("after the refusal: %v, %v", complete, err)
	}
	proofs := b.proofs(t)
	if some == 0 || some >= len(proofs) {
		t.Errorf("the quota was spent after %d of %d proofs: this test proves nothing", some, len(proofs))
	}
	b.wantDrift(t, proofs, map[string]postgres.Figures{})
}

func TestTwoSweepsOfOneConnectionDoNotMeet(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	start := one[time.Time](t, b.bundle, `SELECT now()`)
	held, release := make(chan struct{}), make(chan struct{})
	b.Transport = afterCalls(3, func() { close(held); <-release })
	var wg sync.WaitGroup
	wg.Go(func() {
		if complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: start}); err != nil || !complete {
			t.Errorf("the first: %v, %v", complete, err)
		}
	})
	<-held
	if _, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: start}); fault.KindOf(err) != fault.Lost {
		t.Errorf("the second: want fault.Lost, got %v", err)
	}
	// A pull and deliveries go on beside it.
	b.pull(t)
	close(release)
	wg.Wait()
	b.wantDrift(t, b.proofs(t), map[string]postgres.Figures{})
}

func TestASweepThatWasOvertakenCommitsNothing(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 100)
	b.do(t, "DELETE", "/api/v2/persons/1", nil)
	b.settle(t)
	// The lease changes hands while the last answer is under way.
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/persons/1") {
			one[int](t, b.bundle, `WITH u AS (UPDATE leases SET fence = fence + 1, holder = 'another', until = now() + interval '1 hour' WHERE kind = 'sweep' RETURNING 1) SELECT count(*) FROM u`)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	_, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Object: "persons", Since: time.Now()})
	if fault.KindOf(err) != fault.Lost {
		t.Errorf("want fault.Lost, got %v", err)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM people WHERE external_id = '1' AND deleted_at IS NULL`); n != 1 {
		t.Error("a worker without the lease made a tombstone")
	}
}

func TestAProofWaitsForTheFirstLoad(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	calls := b.calls.Load()
	if complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{}); complete || err == nil || !strings.Contains(err.Error(), "follows the first load") {
		t.Errorf("want it said that the first load comes before, got %v, %v", complete, err)
	}
	if n := b.calls.Load() - calls; n > 0 {
		t.Errorf("the vendor was asked %d times", n)
	}
}

func TestOnlyWhatIsDueIsSwept(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 60)
	if complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{}); err != nil || !complete {
		t.Fatal(complete, err)
	}
	calls := b.calls.Load()
	if complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{}); err != nil || !complete {
		t.Fatal(complete, err)
	}
	if n := b.calls.Load() - calls; n != 0 {
		t.Errorf("everything is proven, yet %d calls were made", n)
	}
	one[int](t, b.bundle, `WITH u AS (UPDATE proofs SET started_at = started_at - interval '20 hours' WHERE object = 'persons' RETURNING 1) SELECT count(*) FROM u`)
	if complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{}); err != nil || !complete {
		t.Fatal(complete, err)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM proofs WHERE object = 'persons'`); n != 2 {
		t.Errorf("want the old proof followed by another, got %d", n)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM proofs WHERE object = 'deals'`); n != 1 {
		t.Errorf("a young proof was made again: %d", n)
	}
}

// TestLargeAnythingThatGotLostIsFound lets a company live while no delivery
// arrives and some pulls see nothing, then sweeps: both sides are equal.
func TestLargeAnythingThatGotLostIsFound(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	b := setupSwept(t, 200)
	for range 4 {
		if _, err := b.sim.Trickle(rng, 60); err != nil {
			t.Fatal(err)
		}
		switch rng.IntN(3) {
		case 0:
			b.settle(t)
		case 1:
			b.claim(t)
		}
		b.tamper(t, rng)
		b.pull(t)
		b.sweep(t, jobs.SweepOptions{})
		b.drift(t)
		again := b.sweep(t, jobs.SweepOptions{})
		if d := cmp.Diff(map[string]postgres.Figures{}, found(again), onlyDrift()); d != "" {
			t.Fatalf("a sweep after a sweep finds drift (-want +got):\n%s", d)
		}
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM (SELECT kind, external_id, fields FROM changes WHERE origin = 'pull' GROUP BY 1, 2, 3, at HAVING count(*) > 1) d`); n != 0 {
		t.Errorf("%d changes were written twice", n)
	}
}

// tamper spoils random rows behind everybody's back.
func (s *swept) tamper(t *testing.T, rng *rand.Rand) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE deals SET title = title || '?' WHERE deleted_at IS NULL AND hashtext(external_id || $1) % 7 = 0`,
		`DELETE FROM activities WHERE hashtext(external_id || $1) % 11 = 0`,
		`UPDATE people SET deleted_at = now() WHERE hashtext(external_id || $1) % 13 = 0`,
		`DELETE FROM records WHERE object IN ('notes', 'leads') AND hashtext(external_id || $1) % 17 = 0`,
		`UPDATE records SET hash = '\x00' WHERE object = 'organizations' AND hashtext(external_id || $1) % 5 = 0`,
	} {
		if rng.IntN(2) == 0 {
			continue
		}
		salt := fmt.Sprint(rng.Int())
		s.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql, salt); return err })
	}
}
