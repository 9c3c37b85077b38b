package zoho

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

// receiver keeps what it was sent.
type receiver struct {
	url string
	mu  sync.Mutex
	got []object
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		raw, err := io.ReadAll(req.Body)
		var body object
		if err == nil {
			err = json.Unmarshal(raw, &body)
		}
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, body)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// told waits for what is under way and returns it.
func (r *receiver) told(b *bundle) []object {
	b.t.Helper()
	if err := b.Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.got
	r.got = nil
	return out
}

func (b *bundle) watch(method string, channel object) answerTo {
	b.t.Helper()
	return b.send(method, "/crm/v8/actions/watch", object{"watch": []object{channel}})
}

func TestChannel(t *testing.T) {
	t.Parallel()
	b, r := setup(t, Options{}), receive(t)
	a := b.watch("POST", object{"channel_id": "1000000068001", "events": []string{"Deals.all"}, "token": "secret", "notify_url": r.url + "/in", "return_affected_field_values": true, "channel_expiry": "2026-11-30T12:00:00+00:00"})
	if a.status != http.StatusCreated || a.code() != "SUCCESS" {
		t.Fatalf("subscribe: %d %s", a.status, a.body)
	}
	id := b.sell(1)[0]
	b.send("PUT", "/crm/v8/Deals/"+id, object{"data": []object{{"Stage": "Closed Lost"}}})
	b.make("Leads", object{"Last_Name": "X", "Company": "Y"})
	got := r.told(b)
	if len(got) != 2 {
		t.Fatalf("%d notifications, want insert and update: %v", len(got), got)
	}
	byOperation := map[any]object{}
	for _, n := range got {
		byOperation[n["operation"]] = n
	}
	if byOperation["insert"] == nil {
		t.Errorf("no insert in %v", got)
	}
	want := object{
		"server_time": 1795348801000.0, "module": "Deals", "operation": "update", "ids": []any{id}, "channel_id": "1000000068001", "token": "secret",
		"affected_fields": []any{object{id: []any{"Stage"}}}, "affected_values": []any{object{"record_id": id, "values": object{"Stage": "Closed Lost"}}},
		"resource_uri": "https://www.zohoapis.eu/crm/v8/Deals", "query_params": object{},
	}
	if diff := cmp.Diff(want, byOperation["update"]); diff != "" {
		t.Errorf("update (-want +got):\n%s", diff)
	}
	b.send("DELETE", "/crm/v8/Deals/"+id, nil)
	if got := r.told(b); len(got) != 1 || got[0]["operation"] != "delete" {
		t.Errorf("delete: %v", got)
	}
}

// TestChannelEnds: an hour unless told otherwise, a week at most, and silence after it.
func TestChannelEnds(t *testing.T) {
	t.Parallel()
	b, r := setup(t, Options{}), receive(t)
	channel := object{"channel_id": 7, "events": []string{"Deals.create"}, "notify_url": r.url}
	b.watch("POST", channel)
	if got := b.get("/crm/v8/actions/watch?channel_id=7").list("watch")[0]["channel_expiry"]; got != "2026-11-22T14:00:00+01:00" {
		t.Errorf("expiry %v, want an hour from now", got)
	}
	channel["channel_expiry"] = "2027-01-01T00:00:00Z"
	if a := b.watch("PATCH", object{"channel_id": "7", "channel_expiry": "2027-01-01T00:00:00Z"}); a.status != 200 {
		t.Errorf("renew: %s", a.body)
	}
	if got := b.get("/crm/v8/actions/watch").list("watch")[0]["channel_expiry"]; got != "2026-11-29T13:00:00+01:00" {
		t.Errorf("expiry %v, want a week from now", got)
	}
	b.clock.Advance(7 * 24 * time.Hour)
	b.sell(1)
	if got := r.told(b); len(got) > 0 {
		t.Errorf("an expired channel got %v", got)
	}
	if a := b.get("/crm/v8/actions/watch"); a.status != http.StatusNoContent {
		t.Errorf("an expired channel is listed: %s", a.body)
	}
	if a := b.watch("PATCH", object{"channel_id": "7", "token": "x"}); a.status != 202 || a.code() != "NOT_SUBSCRIBED" {
		t.Errorf("renewing an expired channel: %d %s", a.status, a.body)
	}
}

func TestChannelChanges(t *testing.T) {
	t.Parallel()
	b, r := setup(t, Options{}), receive(t)
	b.watch("POST", object{"channel_id": "7", "events": []string{"Deals.create", "Leads.create"}, "notify_url": r.url})
	b.watch("PATCH", object{"channel_id": "7", "events": []string{"Leads.create"}, "_delete_events": true})
	b.watch("PATCH", object{"channel_id": "7", "events": []string{"Contacts.create"}})
	if diff := cmp.Diff(map[string][]string{"7": {"Deals.create", "Contacts.create"}}, b.Channels()); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	b.watch("PUT", object{"channel_id": "7", "events": []string{"Tasks.all"}, "notify_url": r.url})
	if diff := cmp.Diff(map[string][]string{"7": {"Tasks.all"}}, b.Channels()); diff != "" {
		t.Errorf("channels after PUT (-want +got):\n%s", diff)
	}
	if a := b.send("DELETE", "/crm/v8/actions/watch?channel_ids=7", nil); a.status != 200 || len(b.Channels()) > 0 {
		t.Errorf("unsubscribe: %d %s", a.status, a.body)
	}
	for name, c := range map[string]object{
		"plain http elsewhere": {"channel_id": "8", "events": []string{"Deals.all"}, "notify_url": "http://example.com"},
		"a long token":         {"channel_id": "8", "events": []string{"Deals.all"}, "notify_url": r.url, "token": "123456789012345678901234567890123456789012345678901"},
		"a strange event":      {"channel_id": "8", "events": []string{"Deals.sing"}, "notify_url": r.url},
		"no url":               {"channel_id": "8", "events": []string{"Deals.all"}},
		"no channel":           {"events": []string{"Deals.all"}, "notify_url": r.url},
		"a past expiry":        {"channel_id": "8", "events": []string{"Deals.all"}, "notify_url": r.url, "channel_expiry": "2026-11-22T11:00:00Z"},
	} {
		if a := b.watch("POST", c); a.status != 202 || len(b.Channels()) > 0 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestNotificationFaults(t *testing.T) {
	t.Parallel()
	b, r := setup(t, Options{}), receive(t)
	b.watch("POST", object{"channel_id": "7", "events": []string{"Deals.create"}, "notify_url": r.url})
	for _, c := range []struct {
		kind sandbox.Kind
		n    int
	}{{sandbox.WebhookLost, 0}, {sandbox.WebhookDouble, 2}} {
		remove, err := b.Inject(sandbox.Fault{Kind: c.kind})
		if err != nil {
			t.Fatal(err)
		}
		b.sell(1)
		if got := r.told(b); len(got) != c.n {
			t.Errorf("%s: %d notifications, want %d", c.kind, len(got), c.n)
		}
		remove()
	}
}
