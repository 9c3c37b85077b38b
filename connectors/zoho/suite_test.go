package zoho_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// TestConformance runs the suite against the simulator.
func TestConformance(t *testing.T) {
	t.Parallel()
	changing := []string{"Accounts", "Contacts", "Products", "Deals", "Leads", "Tasks", "Events", "Calls", "Notes"}
	connectortest.Run(t, connectortest.Harness{
		Spec:     authorised(),
		Configs:  []connectors.Config{{Settings: map[string]string{"client_id": "a"}, Secrets: map[string]string{"client_secret": "b"}}},
		Start:    start,
		Paged:    []string{"Contacts", "Deals", "Leads", "Tasks", "Notes"},
		Changing: changing,
		Deleting: changing,
		Merging:  []string{"Accounts", "Contacts", "Leads", "Deals"},
		// A lead that was converted is put aside, and stays.
		Archiving: []string{"Leads"},
		Limits: []connectortest.Limit{
			{Name: "too many at once", After: 10 * time.Second},
			{Name: "credits spent", Header: map[string]string{"X-API-CREDITS-REMAINING": "0"}, After: time.Hour, Daily: true},
		},
		Samples: samples(),
	})
}

const goodSecret = "client-secret-0123456789"

// authorised is the connector with a client that presents a token, as jobs give
// it one: the right one for the right client secret.
func authorised() connectors.Spec {
	spec := zoho.Spec()
	open := spec.Open
	spec.Open = func(env connectors.Env, cfg connectors.Config) (connectors.Connector, error) {
		client := *env.HTTP
		client.Transport = presenting{token: accessToken(cfg), next: env.HTTP.Transport}
		env.HTTP = &client
		return open(env, cfg)
	}
	return spec
}

const goodToken = "1000.good-token-0123456789abcdef"

func accessToken(cfg connectors.Config) string {
	if cfg.Secrets["client_secret"] == goodSecret {
		return goodToken
	}
	return "1000.bad-token-0123456789abcdef"
}

type presenting struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (p presenting) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Zoho-oauthtoken "+p.token)
	return p.next.RoundTrip(req)
}

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
		handler = zoho.Audited(t, sim)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	settings := map[string]string{"client_id": "1000.CLIENT"}
	return a, connectortest.Vendor{
		URL:  server.URL,
		Good: connectors.Config{Settings: settings, Secrets: map[string]string{"client_secret": goodSecret}},
		Bad:  connectors.Config{Settings: settings, Secrets: map[string]string{"client_secret": "another-secret-0123456789"}},
		Now:  sim.Now, IDs: func(object string) []string { return a.ids(t, object) }, Add: a.add, Change: a.change, Delete: a.remove, Merge: a.merge, Archive: a.archive, Rename: a.rename, Expire: a.expire, Skew: a.skew,
		Subscriptions: a.subscriptions, Subscribe: a.subscribe, Edits: a.edits(t, seed),
	}
}

func (a *account) fill(t *testing.T, seed connectortest.Seed) {
	t.Helper()
	many, some := 650, 30 // pages of 600
	switch seed {
	case connectortest.Empty:
		return
	case connectortest.Few:
		many = 60
	case connectortest.Tied:
		many = connectortest.TiedRecords
	}
	for _, module := range []string{"Accounts", "Contacts", "Products", "Deals", "Leads", "Tasks", "Events", "Calls", "Notes"} {
		n := some
		if slices.Contains([]string{"Contacts", "Deals", "Leads", "Tasks", "Notes"}, module) {
			n = many
		}
		for from := 0; from < n; from += 100 {
			var list []any
			for i := from; i < min(from+100, n); i++ {
				list = append(list, a.draft(module, i, a.someDeal(t, i)))
			}
			a.do(t, "POST", "/crm/v8/"+module, map[string]any{"data": list})
		}
	}
	if seed == connectortest.Tied {
		if _, err := a.Inject(sandbox.Fault{Kind: sandbox.Ties, P: 1, N: 100_000}); err != nil {
			t.Fatal(err)
		}
	}
	a.clock.Advance(time.Minute)
}

// someDeal refers to a deal of the start; nil if there is none.
func (a *account) someDeal(t *testing.T, i int) any {
	t.Helper()
	ids := a.atStart(t, "Deals")
	if len(ids) == 0 {
		return nil
	}
	return map[string]any{"id": ids[len(ids)-1-i%len(ids)/2]}
}

// draft is a new record; an activity or a note hangs on what.
func (a *account) draft(module string, i int, what any) map[string]any {
	name := fmt.Sprintf("Nowy — Новый %d", i)
	switch module {
	case "Accounts":
		return map[string]any{"Account_Name": name}
	case "Contacts":
		return map[string]any{"Last_Name": name, "Email": fmt.Sprintf("a%d@example.com", i)}
	case "Products":
		return map[string]any{"Product_Name": name}
	case "Deals":
		return map[string]any{"Deal_Name": name, "Stage": "Qualification", "Amount": 100 + i, "Contact_Name": nil}
	case "Leads":
		return map[string]any{"Last_Name": name, "Company": "Firma"}
	case "Tasks":
		out := map[string]any{"Subject": name, "Status": "Not Started"}
		if what != nil {
			out["What_Id"], out["$se_module"] = what, "Deals"
		}
		return out
	case "Events":
		return map[string]any{"Event_Title": name, "Start_DateTime": "2026-11-23T10:00:00+01:00", "End_DateTime": "2026-11-23T11:00:00+01:00"}
	case "Calls":
		return map[string]any{"Subject": name, "Call_Type": "Outbound", "Call_Start_Time": "2026-11-21T10:00:00+01:00", "Call_Duration": "05:00"}
	case "Notes":
		parent, _ := what.(map[string]any)
		if parent == nil {
			return nil
		}
		return map[string]any{"Note_Content": name, "Parent_Id": map[string]any{"id": parent["id"], "module": map[string]any{"api_name": "Deals"}}}
	}
	return nil
}

// ids are the live records, in the words of the connector.
func (a *account) ids(t *testing.T, object string) []string {
	t.Helper()
	switch {
	case strings.HasSuffix(object, "_Fields"):
		return a.listed(t, "/crm/v8/settings/fields?module="+strings.TrimSuffix(object, "_Fields"), "fields.#.api_name")
	case object == "Organization":
		return a.listed(t, "/crm/v8/org", "org.#.id")
	case object == "Pipelines", object == "Stage_Outcomes":
		return a.pipelines(t, "#.actual_value")
	case object == "Stages":
		var out []string
		for _, p := range gjson.Parse(strings.Join(a.pipelines(t, "@this"), "")).Array() {
			for _, stage := range p.Get(`maps.#(forecast_type=="Open")#.actual_value`).Array() {
				out = append(out, p.Get("actual_value").String()+"|"+stage.String())
			}
		}
		return out
	case object == "Users":
		object = "users"
	}
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

func (a *account) listed(t *testing.T, path, texts string) []string {
	t.Helper()
	answer, err := a.Do("", "GET", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, text := range gjson.GetBytes(answer, texts).Array() {
		out = append(out, text.String())
	}
	return out
}

func (a *account) pipelines(t *testing.T, texts string) []string {
	t.Helper()
	layout := a.listed(t, "/crm/v8/settings/layouts?module=Deals", "layouts.#.id")[0]
	if texts == "@this" {
		answer, err := a.Do("", "GET", "/crm/v8/settings/pipeline?layout_id="+layout, nil)
		if err != nil {
			t.Fatal(err)
		}
		return []string{gjson.GetBytes(answer, "pipeline").Raw}
	}
	return a.listed(t, "/crm/v8/settings/pipeline?layout_id="+layout, "pipeline."+texts)
}

func (a *account) do(t *testing.T, method, path string, body any) string {
	t.Helper()
	a.clock.Advance(time.Second)
	answer, err := a.Do("", method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return gjson.GetBytes(answer, "data.0.details.id").String()
}

func (a *account) add(t *testing.T, object string) string {
	t.Helper()
	i := int(a.next.Add(1))
	draft := a.draft(object, i, a.someDeal(t, i))
	if draft == nil { // a note needs something to hang on
		draft = a.draft(object, i, map[string]any{"id": a.add(t, "Deals")})
	}
	return a.do(t, "POST", "/crm/v8/"+object, map[string]any{"data": []any{draft}})
}

// change takes another record each time, none of those that remove takes.
func (a *account) change(t *testing.T, object string) string {
	t.Helper()
	n := int(a.next.Add(1))
	ids := a.atStart(t, object)
	ids = ids[len(ids)/2:]
	id := ids[n*389%len(ids)]
	key := map[string]string{
		"Accounts": "Account_Name", "Contacts": "Last_Name", "Products": "Product_Name", "Deals": "Deal_Name", "Leads": "Last_Name",
		"Tasks": "Subject", "Events": "Event_Title", "Calls": "Subject", "Notes": "Note_Content",
	}[object]
	a.do(t, "PUT", "/crm/v8/"+object+"/"+id, map[string]any{"data": []any{map[string]any{key: fmt.Sprintf("Zmieniona %d", n)}}})
	return id
}

func (a *account) remove(t *testing.T, object string) string {
	t.Helper()
	id := a.take(t, object)
	a.do(t, "DELETE", "/crm/v8/"+object+"/"+id, nil)
	return id
}

// merge takes away what remove would take, and changes what change would.
func (a *account) merge(t *testing.T, object string) (gone, kept string) {
	t.Helper()
	gone = a.take(t, object)
	left := a.atStart(t, object)
	kept = left[len(left)-1-int(a.next.Add(1))%(len(left)/4)]
	a.do(t, "POST", "/crm/v8/"+object+"/"+kept+"/actions/merge", map[string]any{"merge": []any{map[string]any{"data": []any{map[string]any{"id": gone}}}}})
	return gone, kept
}

// archive converts a lead into a contact and an account.
func (a *account) archive(t *testing.T, object string) string {
	t.Helper()
	id := a.take(t, object)
	a.do(t, "POST", "/crm/v8/"+object+"/"+id+"/actions/convert", map[string]any{"data": []any{map[string]any{"overwrite": true, "notify_lead_owner": false, "notify_new_entity_owner": false}}})
	return id
}

// take returns the first id of the start that is left, for nobody else.
func (a *account) take(t *testing.T, object string) string {
	t.Helper()
	first := a.atStart(t, object)[0]
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[object] = a.known[object][1:]
	return first
}

// rename gives a field of deals another name.
func (a *account) rename(t *testing.T) (object, id string) {
	t.Helper()
	answer, err := a.Do("", "GET", "/crm/v8/settings/fields?module=Deals", nil)
	if err != nil {
		t.Fatal(err)
	}
	field := gjson.GetBytes(answer, `fields.#(api_name=="Next_Step")`)
	a.do(t, "PATCH", "/crm/v8/settings/fields/"+field.Get("id").String()+"?module=Deals", map[string]any{"fields": []any{map[string]any{"field_label": "Przemianowane"}}})
	return "Deals_Fields", "Next_Step"
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
func (a *account) atStart(t *testing.T, object string) []string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known[object]) == 0 {
		a.known[object] = a.ids(t, object)
	}
	return a.known[object]
}

func (a *account) subscriptions() []string {
	answer, err := a.Do("", "GET", "/crm/v8/actions/watch", nil)
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	var out []string
	for _, w := range gjson.GetBytes(answer, "watch").Array() {
		if id := w.Get("channel_id").String(); !seen[id] {
			seen[id] = true
			out = append(out, w.Get("notify_url").String())
		}
	}
	return out
}

func (a *account) subscribe(t *testing.T, address string) {
	t.Helper()
	if _, err := url.Parse(address); err != nil {
		t.Fatal(err)
	}
	a.do(t, "POST", "/crm/v8/actions/watch", map[string]any{"watch": []any{map[string]any{
		"channel_id": "77", "events": []string{"Deals.all"}, "notify_url": address, "channel_expiry": "2026-11-25T12:00:00+00:00",
	}}})
}

// samples are notifications after those in the documents and public fixtures.
func samples() []connectortest.Sample {
	secret := connectors.Callback{URL: "https://hooks.example.com/in/5f3a9c", User: "salesbook", Password: "geheim-пароль"}
	deliver := func(module, operation string, ids ...string) connectors.Delivery {
		return zoho.Delivery(secret, fmt.Sprintf(`{"server_time":1750102639787,"module":%q,"operation":%q,"ids":[%s],"affected_fields":[{"1":["Stage"]}],`+
			`"affected_values":[{"record_id":"1","values":{"Stage":"Closed Lost"}}],"resource_uri":"https://www.zohoapis.com/crm/v8/%s","query_params":{},"channel_id":"1000000068001","token":%%q}`,
			module, operation, `"`+strings.Join(ids, `","`)+`"`, module))
	}
	again := deliver("Deals", "update", "3652397000016596027")
	return []connectortest.Sample{
		{Name: "a changed deal", Delivery: deliver("Deals", "update", "3652397000016596027"), Reads: []connectors.Ref{{Object: "Deals", ID: "3652397000016596027"}}, Retry: &again},
		{
			Name: "several new leads", Delivery: deliver("Leads", "insert", "3652397000000000001", "3652397000000000002", "3652397000000000001"),
			Reads: []connectors.Ref{{Object: "Leads", ID: "3652397000000000001"}, {Object: "Leads", ID: "3652397000000000002"}},
		},
		{Name: "a deleted contact", Delivery: deliver("Contacts", "delete", "3652397000000000003"), Reads: []connectors.Ref{{Object: "Contacts", ID: "3652397000000000003"}}},
		{Name: "something that we do not hold", Delivery: deliver("Campaigns", "update", "3652397000000000004")},
	}
}
