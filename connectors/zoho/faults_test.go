package zoho_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// TestFaultsOfZoho: each fault that is this vendor's own is armed in the simulator
// while records are walked or written; in the end we hold what the vendor has.
func TestFaultsOfZoho(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, object string
		records      int
		reach        int // of lists' places
		play         func(t *testing.T, a *ailing)
	}{
		{"a page token is a day old", "Notes", 450, 0, func(t *testing.T, a *ailing) {
			a.walks(t, 1)
			a.clock.Advance(24 * time.Hour)
			a.walksOn(t)
			if a.pages != 1+3 {
				t.Errorf("%d pages, want the list from its beginning after the one that was read", a.pages)
			}
		}},
		{"page numbers end at 2,000 records", "Notes", 2150, 0, func(t *testing.T, a *ailing) { a.walksOn(t) }},
		{"places end before the records of a list do", "Deals", 1500, 600, func(t *testing.T, a *ailing) { a.walksOn(t) }},
		{"a query gives no more than 2,000 rows, and 5,000 share a second", "Deals", 5000, 0, func(t *testing.T, a *ailing) {
			if _, err := a.Inject(sandbox.Fault{Kind: sandbox.Ties, P: 1, N: 10_000}); err != nil {
				t.Fatal(err)
			}
			a.walksOn(t)
			if n := 5000 / 1000; a.pages < n {
				t.Errorf("%d pages, want %d at least: 5,000 records fill them", a.pages, n)
			}
		}},
		{"INVALID_TOKEN in the midst of a walk", "Deals", 450, 0, func(t *testing.T, a *ailing) {
			a.walks(t, 1)
			if err := a.ExpireTokens(); err != nil {
				t.Fatal(err)
			}
			before := a.renewed
			a.walksOn(t)
			if a.renewed != before+1 {
				t.Errorf("%d renewals, want one", a.renewed-before)
			}
		}},
		{"ten renewals in ten minutes were others'", "Deals", 450, 0, func(t *testing.T, a *ailing) {
			a.walks(t, 1)
			for a.renewed < 10 { // one was for the first page
				if _, err := a.Refresh(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.ExpireTokens(); err != nil {
				t.Fatal(err)
			}
			err := a.walk(t, 0)
			if fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) != 10*time.Minute {
				t.Errorf("error %v (%v) after %v, want %v after 10 minutes", err, fault.KindOf(err), fault.RetryAfter(err), fault.Limited)
			}
			a.clock.Advance(fault.RetryAfter(err) + time.Second)
			a.walksOn(t)
		}},
		{"the credits of 24 hours are spent", "Deals", 450, 0, func(t *testing.T, a *ailing) {
			a.walks(t, 1)
			if _, err := a.Inject(sandbox.Fault{Kind: sandbox.DailyLimit, P: 1, Times: 1}); err != nil {
				t.Fatal(err)
			}
			if err := a.walk(t, 0); fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) < time.Hour {
				t.Errorf("error %v (%v) after %v, want to keep away for an hour", err, fault.KindOf(err), fault.RetryAfter(err))
			}
			a.walksOn(t)
		}},
		{"records change between two batches of their columns", "Deals", 60, 0, func(t *testing.T, a *ailing) {
			change := func(to string) func() {
				return func() {
					a.clock.Advance(time.Second)
					a.do(t, "PUT", "Deals/"+seedID(7), map[string]any{"Own_01": to, "Own_60": to})
				}
			}
			first := a.Before("GET", "/crm/v8/Deals", func() {})
			torn := a.Before("GET", "/crm/v8/Deals", change("one"))
			a.Before("GET", "/crm/v8/Deals", func() {})
			again := a.Before("GET", "/crm/v8/Deals", change("another"))
			a.walksOn(t)
			if !first() || !torn() || !again() {
				t.Error("nothing changed between, which proves nothing")
			}
		}},
		{"channels ended while we were down", "Deals", 60, 0, func(t *testing.T, a *ailing) {
			a.listen(t)
			a.walksOn(t)
			a.clock.Advance(8 * 24 * time.Hour)
			a.do(t, "PUT", "Deals/"+seedID(7), map[string]any{"Deal_Name": "Zmieniona"})
			a.do(t, "DELETE", "Deals/"+seedID(8), nil)
			if err := a.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := a.heard.Load(); n != 0 || len(a.Channels()) != 0 {
				t.Errorf("%d deliveries by %d channels, want silence", n, len(a.Channels()))
			}
			a.watch(t)
			a.walksOn(t)
			a.do(t, "PUT", "Deals/"+seedID(9), map[string]any{"Deal_Name": "Usłyszana"})
			if err := a.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := a.heard.Load(); n != 1 {
				t.Errorf("%d deliveries by the new channels, want one", n)
			}
			a.reads(t, seedID(9))
		}},
		{"a Blueprint holds the stage", "Deals", 3, 0, func(t *testing.T, a *ailing) {
			a.walksOn(t)
			if err := a.AddBlueprint("Standard (Standard)", "Sprzedaż", vendor.Transition{Name: "Dalej", From: []string{"Qualification"}, To: "Needs Analysis"}); err != nil {
				t.Fatal(err)
			}
			for _, move := range []struct {
				stage string
				kind  fault.Kind
			}{{"Closed Won", fault.Barred}, {"Needs Analysis", fault.KindOf(nil)}} {
				stage, kind := move.stage, move.kind
				e := connectors.Edit{Object: "Deals", ID: seedID(1), Set: set(pair("stage_key", txt("Standard (Standard)|"+stage)))}
				r, err := a.c.(connectors.Pusher).Push(t.Context(), e)
				if fault.KindOf(err) != kind || err != nil && !strings.Contains(err.Error(), "Blueprint") {
					t.Errorf("to %s: %v (%v), want %v", stage, err, fault.KindOf(err), kind)
				}
				if err == nil {
					a.take(r)
				}
			}
			if a.seen[seedID(1)].stage != "Needs Analysis" {
				t.Errorf("it is in %s, want it where a transition leads", a.seen[seedID(1)].stage)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAiling(t, tt.object, tt.records, vendor.Options{ListReach: tt.reach})
			tt.play(t, a)
			if diff := cmp.Diff(a.truth(), a.seen, cmp.AllowUnexported(content{})); diff != "" {
				t.Errorf("(-at the vendor +here):\n%.3000s", diff)
			}
		})
	}
}

// ailing is an account at which something goes wrong, and what we know of it.
type ailing struct {
	*vendor.Sim
	clock  *sandbox.Manual
	object string
	c      connectors.Connector
	seen   map[string]content
	after  connectors.Cursor
	pages  int

	config   *oauth2.Config
	token    *oauth2.Token
	renewed  int
	callback connectors.Callback
	heard    atomic.Int64
}

// content is what is compared of a record.
type content struct{ name, stage, first, last string }

// contentOf reads it from a record's bytes, or their parts.
func contentOf(raw []byte) content {
	at := func(names ...string) string {
		for _, name := range names {
			for _, path := range []string{name, "#." + name + "|@reverse|0"} {
				if v := gjson.GetBytes(raw, path); v.Type == gjson.String {
					return v.Str
				}
			}
		}
		return ""
	}
	return content{at("Deal_Name", "Note_Content"), at("Stage"), at("Own_01"), at("Own_60")}
}

func seedID(n int) string { return fmt.Sprint(3652397000010000000 + n) }

// newAiling is an account with so many records of a module, as seen by a client
// whose tokens are renewed. Its deals have more fields than one answer shows.
func newAiling(t *testing.T, object string, records int, o vendor.Options) *ailing {
	t.Helper()
	clock := sandbox.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	o.Clock, o.RefreshToken = clock, "1000.refresh"
	sim, err := vendor.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	if err := sim.Seed(ailingSeed(t, object, records)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	cfg := good(server.URL)
	cfg.Secrets["refresh_token"] = "1000.refresh"
	spec := zoho.Spec()
	a := &ailing{Sim: sim, clock: clock, object: object, seen: map[string]content{}, config: spec.OAuth(cfg), token: spec.Consent.Granted(cfg)}
	client := rest.NewHTTPClient(rest.Stack{Tokens: a, Scheme: spec.Consent.Scheme, Stale: spec.Consent.Stale, Meter: spec.Meter})
	if a.c, err = spec.Open(connectors.Env{HTTP: client, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, cfg); err != nil {
		t.Fatal(err)
	}
	return a
}

func ailingSeed(t *testing.T, object string, records int) io.Reader {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	add := func(object string, record map[string]any) {
		if err := e.Encode(map[string]any{"object": object, "record": record}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 60 {
		add("fields", map[string]any{"module": "Deals", "api_name": fmt.Sprintf("Own_%02d", i+1), "data_type": "text"})
	}
	add("Deals", map[string]any{"id": seedID(0), "Deal_Name": "Сделка", "Stage": "Qualification", "Created_Time": "2026-11-01T12:00:00Z"})
	for i := 1; i < records; i++ {
		at := time.Date(2026, 11, 1, 12, 0, i, 0, time.UTC).Format(time.RFC3339)
		if object == "Notes" { // seven share a second
			at = time.Date(2026, 11, 1, 12, 0, i/7, 0, time.UTC).Format(time.RFC3339)
			add("Notes", map[string]any{"id": seedID(i), "Note_Content": fmt.Sprintf("Notatka — заметка %d", i), "Parent_Id": map[string]any{"id": seedID(0)}, "Created_Time": at})
		} else {
			add("Deals", map[string]any{"id": seedID(i), "Deal_Name": fmt.Sprintf("Сделка %d", i), "Stage": "Qualification", "Own_01": "none", "Own_60": "none", "Created_Time": at})
		}
	}
	return &out
}

// do changes something at the vendor, as a person.
func (a *ailing) do(t *testing.T, method, path string, record map[string]any) {
	t.Helper()
	var body any
	if record != nil {
		body = map[string]any{"data": []any{record}}
	}
	if _, err := a.Do("", method, "/crm/v8/"+path, body); err != nil {
		t.Error(err)
	}
}

// Token implements oauth2.TokenSource.
func (a *ailing) Token() (*oauth2.Token, error) {
	if a.token.AccessToken == "" {
		return a.Refresh(context.Background(), nil)
	}
	return a.token, nil
}

// Refresh implements rest.Refresher.
func (a *ailing) Refresh(ctx context.Context, _ *oauth2.Token) (*oauth2.Token, error) {
	got, err := a.config.TokenSource(ctx, &oauth2.Token{RefreshToken: "1000.refresh"}).Token()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		if meant := zoho.Spec().Consent.Refusal(refused); meant != nil {
			return nil, meant
		}
	}
	if err != nil {
		return nil, rest.TokenError(err)
	}
	a.renewed++
	a.token = got
	return got, nil
}

// walk goes on with the walk, for so many pages or to its end.
func (a *ailing) walk(t *testing.T, pages int) error {
	t.Helper()
	for page, err := range a.c.(connectors.Puller).Pull(t.Context(), a.object, a.after) {
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			a.take(r)
		}
		a.after = page.Next
		a.pages++
		if pages--; pages == 0 {
			return nil
		}
	}
	return nil
}

// walks is walk without a failure.
func (a *ailing) walks(t *testing.T, pages int) {
	t.Helper()
	if err := a.walk(t, pages); err != nil {
		t.Fatal(err)
	}
}

// walksOn walks to the end.
func (a *ailing) walksOn(t *testing.T) {
	t.Helper()
	a.walks(t, 0)
}

// take notes a record as we know it now.
func (a *ailing) take(r connectors.Record) {
	if r.Deleted {
		delete(a.seen, r.ID)
		return
	}
	a.seen[r.ID] = contentOf(r.Raw)
}

// reads reads a record that a delivery named.
func (a *ailing) reads(t *testing.T, id string) {
	t.Helper()
	page, err := a.c.(connectors.Fetcher).Fetch(t.Context(), a.object, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		a.take(r)
	}
}

// truth is what the vendor has.
func (a *ailing) truth() map[string]content {
	out := map[string]content{}
	for r := range a.Truth(a.object) {
		if !r.Deleted {
			out[r.ID] = contentOf(r.JSON)
		}
	}
	return out
}

// listen starts a receiver and points the vendor's notifications at it.
func (a *ailing) listen(t *testing.T) {
	t.Helper()
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		receipt, no := a.c.(connectors.Receiver).Receive(connectors.Delivery{Method: r.Method, Header: r.Header, Query: r.URL.Query(), Body: body, Secret: a.callback})
		if err != nil || no != nil || len(receipt.Reads) == 0 {
			t.Errorf("a delivery that says nothing: %v %v", err, no)
		}
		a.heard.Add(1)
	}))
	t.Cleanup(hooks.Close)
	a.callback = connectors.Callback{URL: hooks.URL + "/in/x", User: "salesbook", Password: "geheim-пароль"}
	a.watch(t)
}

func (a *ailing) watch(t *testing.T) {
	t.Helper()
	subs, err := a.c.(connectors.Watcher).Watch(t.Context(), a.callback)
	if err != nil || len(subs) == 0 || len(a.Channels()) != len(subs) {
		t.Fatalf("%d channels live, %d are told: %v", len(a.Channels()), len(subs), err)
	}
}
