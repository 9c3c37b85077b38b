package zoho_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// connected is an account with few records and a connector to it.
func connected(t *testing.T, settings map[string]string) (*account, connectortest.Vendor, connectors.Connector) {
	t.Helper()
	a, v := startAccount(t, connectortest.Few)
	cfg := v.Good
	cfg.BaseURL, cfg.Settings = v.URL, map[string]string{"client_id": "1000.CLIENT"}
	for name, value := range settings {
		cfg.Settings[name] = value
	}
	client := &http.Client{Transport: http.DefaultTransport}
	c, err := authorised().Open(connectors.Env{HTTP: client, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a, v, c
}

// TestEditsSetOffNothing unless the connection says so: left out of the request,
// all of the account's automations would run.
func TestEditsSetOffNothing(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string][]string{"": {}, "workflow, blueprint": {"workflow", "blueprint"}} {
		a, _, c := connected(t, map[string]string{"automations": setting})
		id := a.add(t, "Deals")
		if _, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: id, Set: set(pair("Next_Step", txt("x")))}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, a.Triggered(id)); diff != "" {
			t.Errorf("with %q (-want +got):\n%s", setting, diff)
		}
	}
}

// TestBlueprint: a deal inside one moves by its transitions, and what none of them
// allows is barred in words that say so.
func TestBlueprint(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	pipeline := a.pipelines(t, "#.actual_value")[0]
	id := a.add(t, "Deals")
	err := a.AddBlueprint(pipeline, "Sprzedaż", vendor.Transition{Name: "Odmowa", From: []string{"Qualification"}, To: "Closed Lost", Needs: []string{"Reason_For_Loss__s"}})
	if err != nil {
		t.Fatal(err)
	}
	move := func(stage string, more ...connectors.Pair) error {
		pairs := append([]connectors.Pair{pair("stage_key", txt(pipeline+"|"+stage))}, more...)
		r, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: id, Set: set(pairs...)})
		if err == nil && !strings.Contains(string(r.Raw), stage) {
			t.Errorf("after the move to %s it is %s", stage, r.Raw)
		}
		return err
	}
	if err := move("Closed Won"); fault.KindOf(err) != fault.Barred || !strings.Contains(err.Error(), "Blueprint") {
		t.Errorf("a move that no transition allows: %v (%v)", err, fault.KindOf(err))
	}
	if err := move("Closed Lost"); fault.KindOf(err) != fault.Barred {
		t.Errorf("a transition that wants a reason, without one: %v (%v)", err, fault.KindOf(err))
	}
	if err := move("Closed Lost", pair("Reason_For_Loss__s", txt("Price"))); err != nil {
		t.Errorf("a transition: %v", err)
	}
}

// TestWritesOverNobody: what somebody changed after the instant of Unless is not
// written over.
func TestWritesOverNobody(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	id := a.add(t, "Deals")
	seen := a.Now()
	a.do(t, "PUT", "/crm/v8/Deals/"+id, map[string]any{"data": []any{map[string]any{"Next_Step": "theirs"}}})
	e := connectors.Edit{Object: "Deals", ID: id, Set: set(pair("Next_Step", txt("ours"))), Unless: seen}
	if _, err := c.(connectors.Pusher).Push(t.Context(), e); fault.KindOf(err) != fault.Conflict {
		t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), fault.Conflict)
	}
	e.Unless = a.Now()
	if _, err := c.(connectors.Pusher).Push(t.Context(), e); err != nil {
		t.Errorf("after the change was seen: %v", err)
	}
}

// TestLockedRecordsAreBarred: a lock stands until somebody takes it away, so that to
// try again is in vain.
func TestLockedRecordsAreBarred(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	id := a.add(t, "Deals")
	if err := a.Lock("Deals", id, true); err != nil {
		t.Fatal(err)
	}
	_, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: id, Set: set(pair("Next_Step", txt("x")))})
	if fault.KindOf(err) != fault.Barred || !strings.Contains(err.Error(), "locked") {
		t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), fault.Barred)
	}
}

// TestChannels: notifications come with our token and name what to read; channels
// are renewed before they end, and made anew where they did or were lost.
func TestChannels(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	arrived := make(chan connectors.Delivery, 10)
	var callback connectors.Callback
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		arrived <- connectors.Delivery{Method: r.Method, Header: r.Header, Query: r.URL.Query(), Body: body, Secret: callback}
	}))
	t.Cleanup(hooks.Close)
	callback = connectors.Callback{URL: hooks.URL + "/in/x", User: "salesbook", Password: "a password longer than the fifty characters that a token may have"}
	watch := func() []connectors.Subscription {
		t.Helper()
		subs, err := c.(connectors.Watcher).Watch(t.Context(), callback)
		if err != nil {
			t.Fatal(err)
		}
		return subs
	}
	first := watch()
	if len(a.Channels()) != len(first) {
		t.Errorf("%d channels live, %d are told", len(a.Channels()), len(first))
	}
	id := a.add(t, "Deals")
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	receipt, err := c.(connectors.Receiver).Receive(<-arrived)
	if err != nil || !slices.Equal(receipt.Reads, []connectors.Ref{{Object: "Deals", ID: id}}) || receipt.At.IsZero() {
		t.Errorf("the delivery gives %+v, error %v", receipt, err)
	}
	a.clock.Advance(25 * time.Hour)
	renewed := watch()
	if !renewed[0].ExpiresAt.After(first[0].ExpiresAt) || renewed[0].ID != first[0].ID {
		t.Errorf("a day later: %+v, before %+v", renewed[0], first[0])
	}
	a.clock.Advance(8 * 24 * time.Hour) // down for longer than a channel lives
	if n := len(a.Channels()); n != 0 {
		t.Fatalf("%d channels outlived a week", n)
	}
	for i, anew := range watch() {
		if anew.ID == renewed[i].ID {
			t.Errorf("the channel of %s had ended and is made anew under its old id", anew.Object)
		}
	}
	if err := a.ForgetChannels(); err != nil {
		t.Fatal(err)
	}
	if watch(); len(a.Channels()) != len(first) {
		t.Errorf("%d channels after they were lost, want %d", len(a.Channels()), len(first))
	}
}

// TestForgedDeliveries: the token alone opens the door.
func TestForgedDeliveries(t *testing.T) {
	t.Parallel()
	_, _, c := connected(t, nil)
	secret := connectors.Callback{URL: "https://hooks.example.com/in/1", User: "u", Password: "p"}
	body := `{"server_time":1,"module":"Deals","operation":"update","ids":["1"],"token":%q}`
	good := zoho.Delivery(secret, body)
	for name, forged := range map[string]connectors.Delivery{
		"another token": zoho.Delivery(secret, `{"server_time":1,"module":"Deals","operation":"update","ids":["1"],"token":"%.3s"}`),
		"no token":      zoho.Delivery(secret, `{"server_time":1,"module":"Deals","operation":"update","ids":["1"],"token":null,"x":%q}`),
		"another place": {Method: good.Method, Header: good.Header, Query: url.Values{"v": {"00000000"}}, Body: good.Body, Secret: secret},
	} {
		if receipt, err := c.(connectors.Receiver).Receive(forged); fault.KindOf(err) != fault.Auth || receipt.Reads != nil {
			t.Errorf("%s: %+v, error %v (%v)", name, receipt, err, fault.KindOf(err))
		}
	}
	first, err := c.(connectors.Receiver).Receive(good)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.(connectors.Receiver).Receive(good); err != nil || again.Key != first.Key || first.Key == "" {
		t.Errorf("replayed, it has the key %q after %q (%v)", again.Key, first.Key, err)
	}
}

// TestUsesDocumentedOperations: whatever the connector asks is in the vendor's
// documents, and these operations are all of it.
func TestUsesDocumentedOperations(t *testing.T) {
	t.Parallel()
	a, v := startAccount(t, connectortest.Few)
	handler, audit := zoho.NewAudit(t, a.Sim)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := v.Good
	cfg.BaseURL = server.URL
	c, err := authorised().Open(connectors.Env{HTTP: &http.Client{Transport: http.DefaultTransport}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	useAll(t, a, v, c)
	// What answers without a body (a record that is gone, a list of deleted ones
	// that has none) is passed by.
	want := []string{
		"DELETE notifications /crm/v8/actions/watch",
		"GET fields /crm/v8/settings/fields",
		"GET layouts /crm/v8/settings/layouts",
		"GET notifications /crm/v8/actions/watch",
		"GET org /crm/v8/org",
		"GET pipeline /crm/v8/settings/pipeline",
		"GET record /crm/v8/{module_api_name}",
		"GET related_records /crm/v8/{module_api_name}/{record_id}/{related_list_api_name}",
		"GET users /crm/v8/users",
		"PATCH fields /crm/v8/settings/fields/{field}",
		"POST coql /crm/v8/coql",
		"POST fields /crm/v8/settings/fields",
		"POST notifications /crm/v8/actions/watch",
		"POST pipeline /crm/v8/settings/pipeline",
		"POST record /crm/v8/{module_api_name}",
		"PUT pipeline /crm/v8/settings/pipeline/{id}",
		"PUT record /crm/v8/{module_api_name}/{id}",
	}
	if diff := cmp.Diff(want, audit.Seen()); diff != "" {
		t.Errorf("(-listed +used):\n%s", diff)
	}
}

// useAll makes every call that the connector makes, but those of a Blueprint.
func useAll(t *testing.T, a *account, v connectortest.Vendor, c connectors.Connector) {
	t.Helper()
	if _, err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, o := range zoho.Spec().Objects {
		if o.Mode != connectors.Windowed && o.Mode != connectors.Listed {
			continue
		}
		pages, err := pull(t, c, o.Name, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pull(t, c, o.Name, pages[len(pages)-1].Next); err != nil {
			t.Fatal(err)
		}
	}
	fetcher := c.(connectors.Fetcher)
	for object, ids := range map[string][]string{"Stage_History": a.ids(t, "Deals")[:2], "Deals": {"900000001"}} {
		if _, err := fetcher.Fetch(t.Context(), object, ids); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range v.Edits {
		e := s.Edit(t)
		if _, err := c.(connectors.Pusher).Push(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if s.New {
			if _, found, err := c.(connectors.Pusher).Find(t.Context(), e); err != nil || !found {
				t.Fatalf("%s: found %v, error %v", s.Name, found, err)
			}
		}
	}
	moved := connectors.Edit{Object: "Stages", ID: a.ids(t, "Stages")[1], Set: set(pair("sequence_number", num("1")))}
	if _, err := c.(connectors.Pusher).Push(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	callback := connectors.Callback{URL: "https://hooks.example.com/in/1", User: "u", Password: "p"}
	if _, err := c.(connectors.Watcher).Watch(t.Context(), callback); err != nil {
		t.Fatal(err)
	}
	if err := c.(connectors.Watcher).Unwatch(t.Context(), callback); err != nil {
		t.Fatal(err)
	}
}

// TestFieldsThatTheAccountLacks: they are empty already, and nothing else can stand in
// them. The vendor itself passes over what it does not know, so that nobody would hear
// of it.
func TestFieldsThatTheAccountLacks(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	id := a.add(t, "Deals")
	push := func(pairs ...connectors.Pair) error {
		_, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: id, Set: set(pairs...)})
		return err
	}
	if err := push(pair("Lost_Reason", connectors.Value{}), pair("Reason_For_Loss__s", connectors.Value{}), pair("Next_Step", txt("x"))); err != nil {
		t.Errorf("emptied: %v", err)
	}
	if err := push(pair("Lost_Reason", txt("Price")), pair("Next_Step", txt("y"))); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "have no field Lost_Reason") {
		t.Errorf("filled: %v (%v)", err, fault.KindOf(err))
	}
	if got := a.listed(t, "/crm/v8/Deals/"+id, "data.#.Next_Step")[0]; got != "x" {
		t.Errorf("the next step is %q: a refused edit was made in part", got)
	}
}
