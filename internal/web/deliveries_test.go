package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/jobs"
)

// unsized hides how long a body is, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestWhatIsTakenAndWhatIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	with := func(edit func(*hook)) hook { other := h; edit(&other); return other }
	large := func() io.Reader { return strings.NewReader(strings.Repeat(" ", 4<<20) + event("large")) }
	cases := []struct {
		name, method string
		at           hook
		body         io.Reader
		status       int
		outcome      string
	}{
		{"a delivery", "POST", h, strings.NewReader(event("good")), 200, "stored"},
		{"in chunks", "POST", h, unsized{strings.NewReader(event("chunks"))}, 200, "stored"},
		{"an unknown address", "POST", with(func(h *hook) { h.Path = "unguessable-other" }), strings.NewReader(event("1")), 404, "unknown address"},
		{"a part of the address", "POST", with(func(h *hook) { h.Path = "unguessable-acm" }), strings.NewReader(event("2")), 404, "unknown address"},
		{"the address in capitals", "POST", with(func(h *hook) { h.Path = "UNGUESSABLE-ACME" }), strings.NewReader(event("3")), 404, "unknown address"},
		{"a wrong password", "POST", with(func(h *hook) { h.Password = "password" }), strings.NewReader(event("4")), 401, "unauthentic"},
		{"a wrong user", "POST", with(func(h *hook) { h.User = "admin" }), strings.NewReader(event("5")), 401, "unauthentic"},
		{"an empty password", "POST", with(func(h *hook) { h.Password = "" }), strings.NewReader(event("6")), 401, "unauthentic"},
		{"no password", "POST", with(func(h *hook) { h.User = "" }), strings.NewReader(event("7")), 401, "unauthentic"},
		{"garbage", "POST", h, strings.NewReader(event("8")[1:]), 400, "invalid"},
		{"a cut body", "POST", h, strings.NewReader(event("9")[:80]), 400, "invalid"},
		{"nothing", "POST", h, strings.NewReader(""), 400, "invalid"},
		{"another kind of JSON", "POST", h, strings.NewReader("[1]"), 400, "invalid"},
		{"a body that is too large", "POST", h, large(), 413, "too large"},
		{"and does not say so", "POST", h, unsized{large()}, 413, "too large"},
		{"an event that we do not hold", "POST", h, strings.NewReader(strings.Replace(event("10"), `"deal"`, `"goal"`, 1)), 200, "ignored"},
		{"a look with a browser", "GET", with(func(h *hook) { h.User = "" }), nil, 401, "unauthentic"},
		{"a look with the password", "GET", h, nil, 400, "invalid"},
	}
	for _, tc := range cases {
		before := b.metric(t, "salesbook_deliveries_total", tc.outcome)
		got, err := b.send(t.Context(), tc.method, tc.at, tc.body)
		if err != nil || got.status != tc.status {
			t.Errorf("%s: want %d, got %d %s (%v)", tc.name, tc.status, got.status, got.body, err)
		}
		if n := b.metric(t, "salesbook_deliveries_total", tc.outcome) - before; n != 1 {
			t.Errorf("%s: counted %v times as %q", tc.name, n, tc.outcome)
		}
		if asked := got.header.Get("WWW-Authenticate") != ""; asked != (tc.status == 401) {
			t.Errorf("%s: asked for a password: %v", tc.name, asked)
		}
	}
	if d := cmp.Diff(map[string]int{"good": 1, "chunks": 1}, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
}

// TestABodyThatIsTooLargeIsNotAskedFor: its length alone is enough.
func TestABodyThatIsTooLargeIsNotAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s%s HTTP/1.1\r\nHost: salesbook\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", jobs.HookPath, h.Path, 4<<20+1)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 413 ") {
		t.Errorf("want 413 at once, got %q, %v", line, err)
	}
}

// TestAStoredDelivery looks at what a delivery leaves behind.
func TestAStoredDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	sent := event("one")
	if a := b.deliver(t, h, sent); a.status != 200 {
		t.Fatal(a)
	}
	var reads, body string
	var off time.Duration
	b.in(t, h.workspace, func(tx pgx.Tx) error {
		var at time.Time
		defer func() { off = time.Since(at).Abs() }()
		return tx.QueryRow(t.Context(), `SELECT reads::text, convert_from(body, 'UTF8'), at FROM inbox WHERE connection_id = $1`, h.connection).Scan(&reads, &body, &at)
	})
	if d := cmp.Diff([]string{`[["deals", "7"]]`, sent}, []string{reads, body}); d != "" {
		t.Errorf("records to read, body (-want +got):\n%s", d)
	}
	if off > time.Minute {
		t.Errorf("the event's time is %v off", off)
	}
	var kind string
	var args jobs.ReceiveArgs
	b.looks(t, 1)
	admin := b.Connect(t, b.AdminURL)
	if err := admin.QueryRow(t.Context(), `SELECT kind, args FROM river.river_job`).Scan(&kind, &args); err != nil {
		t.Fatal(err)
	}
	if want := (jobs.ReceiveArgs{Workspace: h.workspace, Connection: h.connection}); kind != want.Kind() || args != want {
		t.Errorf("want a job that looks at the inbox, got %s %+v", kind, args)
	}
}

func TestARepeatedDeliveryIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	body := event("again")
	var all sync.WaitGroup
	for range 25 {
		all.Go(func() {
			if a := b.deliver(t, h, body); a.status != 200 {
				t.Errorf("want 200 also for a repeat, got %d", a.status)
			}
		})
	}
	all.Wait()
	if d := cmp.Diff(map[string]int{"again": 1}, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
}

// TestTheEventsTimeMayBeAbsurd: it is stored all the same, in a partition that
// retention looks at, and once however often it comes.
func TestTheEventsTimeMayBeAbsurd(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	times := map[string]string{
		"far":        `"9999-12-31T23:59:59Z"`,
		"old":        `"1970-01-01T00:00:00Z"`,
		"older":      `"-0044-03-15T12:00:00Z"`,
		"tomorrow":   fmt.Sprintf("%q", time.Now().Add(25*time.Hour).UTC().Format(time.RFC3339)),
		"last-month": fmt.Sprintf("%q", time.Now().AddDate(0, -1, 0).UTC().Format(time.RFC3339)),
		"zero":       `0`, "negative": `-1`, "huge": `99999999999999999999`, "none": `null`, "word": `"soon"`, "array": `[]`,
	}
	want := map[string]int{}
	for id, at := range times {
		body := fmt.Sprintf(`{"meta":{"entity":"deal","entity_id":7,"id":%q,"timestamp":%s}}`, id, at)
		for range 2 {
			if a := b.deliver(t, h, body); a.status != 200 {
				t.Errorf("%s: want 200, got %d", id, a.status)
			}
		}
		want[id] = 1
	}
	if d := cmp.Diff(want, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
	var astray int
	b.in(t, h.workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM inbox WHERE at NOT BETWEEN now() - interval '8 days' AND now() + interval '1 hour' OR tableoid = 'inbox_default'::regclass`).Scan(&astray)
	})
	if astray != 0 {
		t.Errorf("%d deliveries are out of retention's sight", astray)
	}
}

func TestChangedCredentialsTakeEffect(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	if a := b.deliver(t, h, event("before")); a.status != 200 {
		t.Fatal(a)
	}
	old := h
	h.Password = "replaced"
	b.agree(t, h)
	b.ahead.Store(int64(15 * time.Second))
	if a := b.deliver(t, old, event("old")); a.status != 401 {
		t.Errorf("the old password: want 401 after 15 s, got %d", a.status)
	}
	if a := b.deliver(t, h, event("new")); a.status != 200 {
		t.Errorf("the new password: want 200, got %d", a.status)
	}
	admin := b.Connect(t, b.AdminURL)
	b.run(t, admin, `UPDATE salesbook.connections SET state = 'removing'`)
	b.ahead.Store(int64(30 * time.Second))
	if a := b.deliver(t, h, event("removed")); a.status != 404 {
		t.Errorf("a connection that is being removed: want 404, got %d", a.status)
	}
	if d := cmp.Diff(map[string]int{"before": 1, "new": 1}, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
}

// TestAKeyFileThatDoesNotFit is our failure and not the delivery's: the vendor
// is asked to repeat, and an operator learns why.
func TestAKeyFileThatDoesNotFit(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	admin := b.Connect(t, b.AdminURL)
	b.run(t, admin, `CREATE TABLE kept AS SELECT sealed FROM salesbook.credentials`)
	b.run(t, admin, `UPDATE salesbook.credentials SET sealed = '\x0112345678'`)
	if a := b.deliver(t, h, event("1")); a.status != 503 {
		t.Errorf("want 503, got %d", a.status)
	}
	if log := b.log.String(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "copy the key file to here") {
		t.Error("want an error in the log that says what to do")
	}
	b.run(t, admin, `UPDATE salesbook.credentials SET sealed = kept.sealed FROM kept`)
	if a := b.deliver(t, h, event("2")); a.status != 200 {
		t.Errorf("after it was mended: want 200, got %d", a.status)
	}
}

// TestAClientThatGoesAway leaves the others alone; what it sent is stored or
// not, and it was told nothing.
func TestAClientThatGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	release := b.holdInbox(t)
	ctx, cancel := context.WithCancel(t.Context())
	var gone, patient sync.WaitGroup
	gone.Go(func() {
		if a, err := b.send(ctx, http.MethodPost, h, strings.NewReader(event("gone"))); err == nil {
			t.Errorf("an answer of %d before it was stored", a.status)
		}
	})
	b.awaitHeld(t)
	patient.Go(func() {
		if a := b.deliver(t, h, event("patient")); a.status != 200 {
			t.Errorf("want 200, got %d", a.status)
		}
	})
	await(t, "the second delivery waits", func() bool { return b.metric(t, "salesbook_deliveries_queued") == 1 })
	cancel()
	gone.Wait()
	await(t, "it is noticed that the client has gone", func() bool { return b.metric(t, "salesbook_deliveries_total", "gone") == 1 })
	release()
	patient.Wait()
	if n := b.stored(t, h.workspace)["patient"]; n != 1 {
		t.Errorf("stored %d times", n)
	}
}
