package pipedrive_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
	"salesbook.dev/connectors/pipedrive"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/pipedrive"
)

// TestConformance runs the suite against the simulator.
func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Harness{
		Spec: pipedrive.Spec(),
		Configs: []connectors.Config{
			{Secrets: map[string]string{"api_token": "a"}},
			{Settings: map[string]string{"client_id": "a"}, Secrets: map[string]string{"client_secret": "b"}},
		},
		Start:     start,
		Paged:     []string{"persons", "deals", "leads", "activities", "notes"},
		Changing:  []string{"organizations", "persons", "products", "deals", "leads", "activities", "notes", "stages"},
		Deleting:  []string{"organizations", "persons", "products", "deals", "leads", "activities", "notes", "stages"},
		Merging:   []string{"organizations", "persons", "deals"},
		Archiving: []string{"deals", "leads"},
		Reviving:  []string{"deals"},
		Limits: []connectortest.Limit{
			{Name: "burst", Header: map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "3"}, After: 3 * time.Second},
			{Name: "burst without headers", After: 2 * time.Second},
			{
				Name: "day", Header: map[string]string{"X-Daily-Ratelimit-Token-Remaining": "0", "Date": "Sun, 22 Nov 2026 18:30:00 GMT"},
				After: time.Hour, Daily: true,
			},
		},
		Samples: samples(),
	})
}

const (
	goodToken = "good-token-0123456789abcdef"
	badToken  = "bad-token-0123456789abcdef"
)

// account is a simulated company with a clock that stands still.
type account struct {
	*vendor.Sim
	clock *sandbox.Manual
	next  atomic.Int64

	mu    sync.Mutex
	known map[string][]string // ids of the start, not yet removed, by object
}

func start(t *testing.T, seed connectortest.Seed) connectortest.Vendor {
	t.Helper()
	_, v := startAccount(t, seed)
	return v
}

func startAccount(t *testing.T, seed connectortest.Seed) (*account, connectortest.Vendor) {
	t.Helper()
	clock := sandbox.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	sim, err := vendor.Open(vendor.Options{Clock: clock, Token: goodToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &account{Sim: sim, clock: clock, known: map[string][]string{}}
	a.fill(t, seed)
	var handler http.Handler = sim
	if seed != connectortest.Tied { // its thousands of records are like the others'
		handler = pipedrive.Audited(t, sim)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return a, connectortest.Vendor{
		URL:  server.URL,
		Good: connectors.Config{Secrets: map[string]string{"api_token": goodToken}},
		Bad:  connectors.Config{Secrets: map[string]string{"api_token": badToken}},
		Now:  sim.Now, IDs: a.ids, Add: a.add, Change: a.change, Delete: a.remove,
		Merge: a.merge, Archive: a.archive, Rename: a.rename, Expire: a.expire, Skew: a.skew,
		Subscriptions: a.subscriptions, Subscribe: a.subscribe, Edits: a.edits(seed),
	}
}

func (a *account) fill(t *testing.T, seed connectortest.Seed) {
	t.Helper()
	if seed == connectortest.Empty {
		return
	}
	scale := vendor.Scale{Deals: 650, Persons: 550, Organizations: 120, Activities: 550, Notes: 550, Leads: 800, Products: 20}
	switch seed {
	case connectortest.Few:
		scale = vendor.Scale{Deals: 60, Persons: 60, Organizations: 60, Activities: 60, Notes: 60, Leads: 60, Products: 60}
	case connectortest.Tied:
		// Some of what is generated is deleted from the start.
		const n = connectortest.TiedRecords * 11 / 10
		scale = vendor.Scale{Deals: n, Persons: n, Organizations: 20, Activities: n, Notes: n, Leads: n, Products: 20}
	}
	if err := a.Generate(1, scale); err != nil {
		t.Fatal(err)
	}
	if seed == connectortest.Tied {
		if _, err := a.Inject(sandbox.Fault{Kind: sandbox.Ties, P: 1, N: 100_000}); err != nil {
			t.Fatal(err)
		}
	}
	a.clock.Advance(time.Minute)
}

// ids are the live records. Products of a deleted deal count: they are shown.
func (a *account) ids(object string) []string {
	if !slices.Contains(a.Objects(), object) {
		return nil
	}
	var out []string
	for r := range a.Truth(object) {
		if !r.Deleted {
			out = append(out, r.ID)
		}
	}
	return out
}

// path is where records of an object are written.
func path(object string) string {
	switch object {
	case "leads", "notes":
		return "/api/v1/" + object
	}
	return "/api/v2/" + object
}

func (a *account) do(t *testing.T, method, path string, body any) string {
	t.Helper()
	a.clock.Advance(time.Second)
	answer, err := a.Do(1, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return gjson.GetBytes(answer, "data.id").String()
}

func (a *account) add(t *testing.T, object string) string {
	t.Helper()
	name := fmt.Sprintf("Новая запись %d", a.next.Add(1))
	body := map[string]map[string]any{
		"organizations": {"name": name}, "persons": {"name": name}, "products": {"name": name},
		"deals": {"title": name}, "activities": {"subject": name, "type": "call"},
		"leads": {"title": name, "person_id": a.first(t, "persons")}, "notes": {"content": name, "deal_id": a.first(t, "deals")},
		"stages": {"name": name, "pipeline_id": a.first(t, "pipelines")},
	}[object]
	return a.do(t, "POST", path(object), body)
}

// change takes another record each time, none of those that remove takes.
func (a *account) change(t *testing.T, object string) string {
	t.Helper()
	n := int(a.next.Add(1))
	ids := a.atStart(object)
	ids = ids[len(ids)/2:]
	id := ids[n*389%len(ids)]
	name := fmt.Sprintf("Zmieniona %d", n)
	key := map[string]string{"deals": "title", "leads": "title", "activities": "subject", "notes": "content"}[object]
	if key == "" {
		key = "name"
	}
	method := "PATCH"
	if object == "notes" {
		method = "PUT"
	}
	a.do(t, method, path(object)+"/"+id, map[string]any{key: name})
	return id
}

func (a *account) remove(t *testing.T, object string) string {
	t.Helper()
	id := a.take(object)
	a.do(t, "DELETE", path(object)+"/"+id, nil)
	return id
}

// merge takes away what remove would take, and changes what change would.
func (a *account) merge(t *testing.T, object string) (gone, kept string) {
	t.Helper()
	gone = a.take(object)
	left := a.atStart(object)
	kept = left[len(left)-1-int(a.next.Add(1))%(len(left)/4)]
	with, err := strconv.Atoi(kept)
	if err != nil {
		t.Fatal(err)
	}
	a.do(t, "PUT", "/api/v1/"+object+"/"+gone+"/merge", map[string]any{"merge_with_id": with})
	return gone, kept
}

func (a *account) archive(t *testing.T, object string) string {
	t.Helper()
	id := a.take(object)
	a.do(t, "PATCH", path(object)+"/"+id, map[string]any{"is_archived": true})
	return id
}

// take returns the first id of the start that is left, for nobody else.
func (a *account) take(object string) string {
	first := a.atStart(object)[0]
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[object] = a.known[object][1:]
	return first
}

// rename gives a custom field of deals another name.
func (a *account) rename(t *testing.T) (object, id string) {
	t.Helper()
	for r := range a.Truth("dealFields") {
		if gjson.GetBytes(r.JSON, "is_custom_field").Bool() {
			a.do(t, "PATCH", "/api/v2/dealFields/"+r.ID, map[string]any{"field_name": "Przemianowane"})
			return "dealFields", r.ID
		}
	}
	t.Fatal("the company has no field of its own")
	return "", ""
}

func (a *account) expire(t *testing.T, object string) {
	t.Helper()
	if _, err := a.Inject(sandbox.Fault{Kind: sandbox.CursorExpire, Path: "/" + object, Times: 1}); err != nil {
		t.Fatal(err)
	}
}

func (a *account) skew(t *testing.T, d time.Duration) {
	t.Helper()
	if _, err := a.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: d}); err != nil {
		t.Fatal(err)
	}
}

// atStart returns the ids of the start that remove has left.
func (a *account) atStart(object string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known[object] == nil {
		a.known[object] = a.ids(object)
	}
	return a.known[object]
}

// first is the id of a record to refer to, 0 if there is none.
func (a *account) first(t *testing.T, object string) int {
	t.Helper()
	there := a.atStart(object)
	if len(there) == 0 {
		return 0
	}
	id, err := strconv.Atoi(there[len(there)-1])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (a *account) subscriptions() []string {
	answer, err := a.Do(1, "GET", "/api/v1/webhooks", nil)
	if err != nil {
		panic(err)
	}
	var out []string
	for _, url := range gjson.GetBytes(answer, "data.#.subscription_url").Array() {
		out = append(out, url.String())
	}
	return out
}

func (a *account) subscribe(t *testing.T, url string) {
	t.Helper()
	a.do(t, "POST", "/api/v1/webhooks", map[string]any{
		"subscription_url": url, "event_action": "*", "event_object": "deal", "name": "of somebody else",
	})
}

// samples are deliveries of webhooks v2, after a production payload of 2026-01
// in public code, and of v1.
func samples() []connectortest.Sample {
	secret := connectors.Callback{URL: "https://hooks.example.com/in/5f3a9c", User: "salesbook", Password: "geheim-пароль"}
	deliver := func(body string) connectors.Delivery {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(secret.User, secret.Password)
		return connectors.Delivery{Method: "POST", Header: req.Header, Body: []byte(body), Secret: secret}
	}
	v2 := func(id, entity, entityID, more string) string {
		return fmt.Sprintf(`{"meta":{"action":"change","entity":%q,"entity_id":%q,"id":%q,"timestamp":"2026-01-14T18:16:56.057Z","version":"2.0","attempt":1%s},"data":{"id":1,"deal_id":5},"previous":null}`, entity, entityID, id, more)
	}
	retry := deliver(strings.Replace(v2("e1", "deal", "213973", ""), `"attempt":1`, `"attempt":2`, 1))
	read := func(object, id string) []connectors.Ref { return []connectors.Ref{{Object: object, ID: id}} }
	out := []connectortest.Sample{
		{Name: "a changed deal", Delivery: deliver(v2("e1", "deal", "213973", "")), Reads: read("deals", "213973"), Retry: &retry},
		{
			Name: "a deleted person", Reads: read("persons", "5"),
			Delivery: deliver(`{"meta":{"action":"delete","entity":"person","entity_id":"5","id":"e2","timestamp":"1768414616"},"data":null,"previous":{"id":5,"name":"x"}}`),
		},
		{
			Name: "a merge", Delivery: deliver(v2("e3", "organization", "7", `,"merged_to_id":"8"`)),
			Reads:  []connectors.Ref{{Object: "organizations", ID: "7"}, {Object: "organizations", ID: "8"}},
			Merges: []connectors.Merge{{Object: "organizations", ID: "7", Into: "8"}},
		},
		{Name: "an attached product", Delivery: deliver(v2("e4", "deal_product", "99", "")), Reads: read("deals", "5")},
		{
			Name: "a detached product", Reads: read("deals", "6"),
			Delivery: deliver(`{"meta":{"action":"delete","entity":"deal_product","entity_id":"99","id":"e6"},"data":null,"previous":{"id":99,"deal_id":6}}`),
		},
		{Name: "data of another form", Delivery: deliver(`{"meta":{"entity":"note","entity_id":4,"id":"e7"},"data":[1],"previous":"x"}`), Reads: read("notes", "4")},
		{Name: "something that we do not hold", Delivery: deliver(v2("e5", "project", "1", ""))},
		{
			Name: "webhooks v1", Reads: read("deals", "123"),
			Delivery: deliver(`{"v":1,"event":"updated.deal","meta":{"id":123,"object":"deal","action":"updated","timestamp":1523440213},"current":{"id":123},"previous":{},"retry":0}`),
		},
	}
	for entity, object := range map[string]string{
		"activity": "activities", "product": "products", "note": "notes", "pipeline": "pipelines", "stage": "stages", "user": "users", "activityType": "activityTypes",
	} {
		out = append(out, connectortest.Sample{Name: entity, Delivery: deliver(v2("e-"+entity, entity, "3", "")), Reads: read(object, "3")})
	}
	lead := "adf21080-0e10-11eb-879b-05d71fb426ec"
	return append(out, connectortest.Sample{Name: "lead", Delivery: deliver(v2("e-lead", "lead", lead, "")), Reads: read("leads", lead)})
}
