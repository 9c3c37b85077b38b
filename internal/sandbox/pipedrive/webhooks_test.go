package pipedrive

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

// listener takes webhooks and answers with the status it is set to.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	events []object
	auth   []string
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{status: 200}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e object
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("webhook body %s: %v", body, err)
		}
		user, pass, _ := r.BasicAuth()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events, l.auth = append(l.events, e), append(l.auth, user+":"+pass)
		w.WriteHeader(l.status)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) answerWith(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// take returns what came since the last take.
func (l *listener) take() []object {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.events
	l.events = nil
	return out
}

// subscribe creates a webhook that points to l.
func (b *bundle) subscribe(l *listener, action, entity string) int {
	b.t.Helper()
	a := b.send("POST", "/v1/webhooks", object{
		"subscription_url": l.URL, "event_action": action, "event_object": entity, "name": "test", "version": "2.0",
		"http_auth_user": "u", "http_auth_password": "p",
	})
	if a.status != 201 {
		b.t.Fatalf("create webhook: %d %s", a.status, a.body)
	}
	return int(a.json(b.t)["data"].(object)["id"].(float64))
}

func (b *bundle) settled() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	if err := b.Settle(ctx); err != nil {
		b.t.Fatal(err)
	}
}

func meta(e object) object { return e["meta"].(object) }

func TestWebhookPayloads(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	l := listen(t)
	field := func(kind string, options ...object) string {
		body := object{"field_name": "Поле " + kind, "field_type": kind}
		if options != nil {
			body["options"] = options
		}
		return b.one("POST", "/api/v2/dealFields", body)["field_code"].(string)
	}
	enum, money, user := field("enum", object{"label": "A"}), field("monetary"), field("user")
	option := b.field("deal", enum).Options[0].ID.number()
	hook := b.subscribe(l, "*", "deal")

	b.one("POST", "/api/v2/deals", object{"title": "Neu"})
	b.settled()
	created := l.take()[0]
	if meta(created)["action"] != "create" || created["previous"] != nil || created["data"].(object)["title"] != "Neu" {
		t.Errorf("creation: %v, want data and previous null", created)
	}

	b.one("PATCH", "/api/v2/deals/2", object{"stage_id": 2, "custom_fields": object{
		enum: option, money: object{"value": 13, "currency": "BRL"}, user: 1,
	}})
	b.settled()
	e := l.take()[0]
	m := meta(e)
	want := object{
		"action": "change", "entity": "deal", "entity_id": "2", "company_id": "6083095", "user_id": "1", "webhook_owner_id": "1",
		"version": "2.0", "type": "general", "is_bulk_edit": false, "change_source": "api", "attempt": 1.0,
		"permitted_user_ids": []any{"1"}, "host": "przykladowa.pipedrive.com", "timestamp": "2026-11-16T12:00:00.000Z",
	}
	for key, v := range want {
		if diff := cmp.Diff(v, m[key]); diff != "" {
			t.Errorf("meta.%s (-want +got):\n%s", key, diff)
		}
	}
	if m["webhook_id"] != strconv.Itoa(hook) || len(m["id"].(string)) != 36 {
		t.Errorf("meta.webhook_id %v and id %v, want %d as a string and a uuid", m["webhook_id"], m["id"], hook)
	}
	data := e["data"].(object)
	if data["id"] != 2.0 || data["stage_id"] != 2.0 || data["visible_to"] != "3" {
		t.Errorf("data %v: want numbers for ids and a string for visible_to", data)
	}
	wantCustom := object{
		enum:  object{"type": "enum", "id": float64(option)},
		money: object{"type": "monetary", "value": 13.0, "currency": "BRL"},
		user:  object{"type": "user", "id": 1.0},
	}
	if diff := cmp.Diff(wantCustom, data["custom_fields"]); diff != "" {
		t.Errorf("custom fields (-want +got):\n%s", diff)
	}
	wantPrevious := object{"stage_id": 1.0, "custom_fields": object{enum: nil, money: nil, user: nil}}
	if diff := cmp.Diff(wantPrevious, e["previous"]); diff != "" {
		t.Errorf("previous holds the changed keys only (-want +got):\n%s", diff)
	}

	b.must("DELETE", "/api/v2/deals/2", nil)
	b.settled()
	gone := l.take()[0]
	if meta(gone)["action"] != "delete" || gone["data"] != nil || gone["previous"].(object)["title"] != "Neu" {
		t.Errorf("deletion: %v, want data null and the last state in previous", gone)
	}
	if diff := cmp.Diff([]string{"u:p", "u:p", "u:p"}, l.auth); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
}

func TestWebhooksReachWhoAsked(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	all, deletes, persons := listen(t), listen(t), listen(t)
	b.subscribe(all, "*", "*")
	b.subscribe(deletes, "delete", "deal")
	b.subscribe(persons, "*", "person")
	b.one("PATCH", "/api/v2/deals/1", object{"title": "x"})
	b.one("PATCH", "/api/v2/persons/1", object{"name": "y"})
	lead := b.one("POST", "/v1/leads", object{"title": "L", "person_id": 1})["id"]
	b.one("POST", "/v1/notes", object{"content": "n", "deal_id": 1})
	b.one("POST", "/api/v2/activities", object{"subject": "s"})
	b.one("PATCH", "/api/v2/dealFields/title", object{"field_name": "Name"}) // no event: fields are no webhook object
	b.one("PATCH", "/api/v2/persons/1", object{"name": "y"})                 // no event: nothing changed within the second
	b.must("DELETE", "/api/v2/deals/1", nil)
	b.must("DELETE", "/v1/leads/"+lead.(string), nil)
	b.settled()
	names := func(l *listener) map[string]int {
		out := map[string]int{}
		for _, e := range l.take() {
			out[meta(e)["action"].(string)+"."+meta(e)["entity"].(string)]++
		}
		return out
	}
	if diff := cmp.Diff(map[string]int{
		"change.deal": 1, "change.person": 1, "create.lead": 1, "create.note": 1, "create.activity": 1, "delete.deal": 1, "delete.lead": 1,
	}, names(all)); diff != "" {
		t.Errorf("*.* (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"delete.deal": 1}, names(deletes)); diff != "" {
		t.Errorf("delete.deal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"change.person": 1}, names(persons)); diff != "" {
		t.Errorf("*.person (-want +got):\n%s", diff)
	}
}

func TestMergeSendsDeleteAndChange(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.one("POST", "/api/v2/persons", object{"name": "Second"})
	l := listen(t)
	b.subscribe(l, "*", "person")
	b.clock.Advance(time.Second)
	b.one("PUT", "/v1/persons/1/merge", object{"merge_with_id": 2})
	b.settled()
	got := map[string]string{}
	for _, e := range l.take() {
		into, _ := meta(e)["merged_to_id"].(string)
		got[meta(e)["entity_id"].(string)] = meta(e)["action"].(string) + into
	}
	if diff := cmp.Diff(map[string]string{"1": "delete2", "2": "change"}, got); diff != "" {
		t.Errorf("events of a merge (-want +got):\n%s", diff)
	}
}

func TestWebhookRetriesKeepTheEventsID(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	l := listen(t)
	b.subscribe(l, "*", "deal")
	l.answerWith(500)
	b.one("PATCH", "/api/v2/deals/1", object{"title": "x"})
	for _, wait := range []time.Duration{3 * time.Second, 30 * time.Second, 150 * time.Second, time.Hour} {
		b.settled()
		b.clock.Advance(wait)
	}
	b.settled()
	events := l.take()
	if len(events) != 4 {
		t.Fatalf("%d attempts, want 4", len(events))
	}
	for i, e := range events {
		if meta(e)["id"] != meta(events[0])["id"] || meta(e)["attempt"] != float64(i+1) {
			t.Errorf("attempt %d has id %v and number %v", i+1, meta(e)["id"], meta(e)["attempt"])
		}
	}
	hook := b.list("/v1/webhooks")[0]
	if hook["last_http_status"] != 500.0 || hook["last_delivery_time"] == nil {
		t.Errorf("the list tells status %v at %v, want 500 and a time", hook["last_http_status"], hook["last_delivery_time"])
	}
}

func TestWebhookBanLosesEventsForHalfAnHour(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	l := listen(t)
	b.subscribe(l, "*", "deal")
	l.answerWith(500)
	change := func(n int) {
		for range n {
			b.clock.Advance(time.Second)
			b.one("PATCH", "/api/v2/deals/1", object{"title": b.Now().String()})
			b.settled()
		}
	}
	firsts := func() (n int) {
		for _, e := range l.take() {
			if meta(e)["attempt"] == 1.0 {
				n++
			}
		}
		return n
	}
	change(banAfter - 1)
	l.answerWith(200)
	change(1) // one success breaks the row
	l.answerWith(500)
	change(banAfter)
	if got := firsts(); got != 2*banAfter {
		t.Errorf("%d first attempts before the ban, want %d", got, 2*banAfter)
	}
	l.answerWith(200)
	change(3)
	if got := firsts(); got != 0 {
		t.Errorf("%d events came during the ban, want none", got)
	}
	b.clock.Advance(banFor)
	b.settled()
	l.take()
	change(2)
	if got := firsts(); got != 2 {
		t.Errorf("%d events after the ban, want 2", got)
	}
}

func TestDeadWebhookIsRemovedAfterThreeDays(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	l := listen(t)
	b.subscribe(l, "*", "deal")
	l.answerWith(410)
	for range 4 {
		b.one("PATCH", "/api/v2/deals/1", object{"title": b.Now().String()})
		b.settled()
		if len(b.list("/v1/webhooks")) != 1 {
			t.Fatal("removed before three days were over")
		}
		b.clock.Advance(18*time.Hour + 5*time.Minute)
		b.settled()
	}
	b.one("PATCH", "/api/v2/deals/1", object{"title": "last"})
	b.settled()
	if got := b.list("/v1/webhooks"); len(got) != 0 {
		t.Errorf("after three days without success: %v, want no webhook", got)
	}
}

func TestWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	good := object{"subscription_url": "https://hooks.example.com/x", "event_action": "*", "event_object": "deal", "name": "n"}
	for _, tc := range []struct {
		key  string
		bad  any
		want string
	}{
		{"subscription_url", "http://hooks.example.com/x", "invalid or non-reachable URL"},
		{"subscription_url", "https://acme.pipedrive.com/x", "invalid or non-reachable URL"},
		{"subscription_url", "nonsense", "invalid or non-reachable URL"},
		{"event_action", "updated", "must be create, change, delete or *"},
		{"event_object", "board", "must be one of"},
		{"name", "", "is required"},
		{"version", "1.0", "speaks 2.0 only"},
		{"user_id", 99, "user not found"},
	} {
		body := object{tc.key: tc.bad}
		for k, v := range good {
			if k != tc.key {
				body[k] = v
			}
		}
		a := b.send("POST", "/v1/webhooks", body)
		v := a.json(t)
		errs, _ := v["errors"].(object)
		msgs, _ := errs[tc.key].([]any)
		if a.status != 400 || v["status"] != "error" || len(msgs) != 1 || !strings.Contains(msgs[0].(string), tc.want) {
			t.Errorf("%s=%v: %d %s, want 400 with %q", tc.key, tc.bad, a.status, a.body, tc.want)
		}
	}
	for range maxWebhooks {
		if a := b.send("POST", "/v1/webhooks", good); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if a := b.send("POST", "/v1/webhooks", good); a.status != 400 {
		t.Errorf("webhook %d: %d, want 400", maxWebhooks+1, a.status)
	}
	if a := b.send("DELETE", "/v1/webhooks/999", nil); a.status != 404 {
		t.Errorf("removing one that is not there: %d, want 404", a.status)
	}
}

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind sandbox.Kind
		want string
	}{
		"lost":      {sandbox.WebhookLost, ""},
		"doubled":   {sandbox.WebhookDouble, "1 1 2 2 3 3"},
		"reordered": {sandbox.WebhookReorder, "2 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fresh(t)
			l := listen(t)
			b.subscribe(l, "*", "deal")
			if _, err := b.Inject(sandbox.Fault{Kind: tc.kind}); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				b.one("PATCH", "/api/v2/deals/1", object{"title": strconv.Itoa(i + 1)})
				b.settled()
			}
			var got []string
			for _, e := range l.take() {
				got = append(got, e["data"].(object)["title"].(string))
			}
			if tc.kind == sandbox.WebhookReorder {
				// Both went out together; which arrives first is up to the network.
				if len(got) != 2 {
					t.Errorf("after three changes %v came, want the first two together and the third held back", got)
				}
				b.clock.Advance(holdFor)
				b.settled()
				if last := l.take(); len(last) != 1 {
					t.Errorf("with no successor %d came later, want the held one", len(last))
				}
				return
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("came %q, want %q", s, tc.want)
			}
		})
	}
}
