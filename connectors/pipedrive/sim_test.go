package pipedrive

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/pipedrive"
)

// simulated is a connector over the simulator, and what it asked there.
type simulated struct {
	*Connector
	sim     *vendor.Sim
	through http.Handler // the simulator, held to the vendor's documents
	mu      sync.Mutex
	asked   []*http.Request
}

func simulate(t *testing.T, o vendor.Options) *simulated {
	t.Helper()
	o.Clock = sandbox.NewManual(noon())
	sim, err := vendor.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &simulated{sim: sim, through: Audited(t, sim)}
	s.Connector = over(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		s.mu.Lock()
		s.asked = append(s.asked, req)
		s.mu.Unlock()
		served := req.Clone(req.Context())
		if served.Body == nil {
			served.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		s.through.ServeHTTP(w, served)
		return w.Result(), nil
	}))
	return s
}

// do changes something at the vendor and returns the id of what it changed.
func (s *simulated) do(t *testing.T, method, path string, body any) string {
	t.Helper()
	answer, err := s.sim.Do(1, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return gjson.GetBytes(answer, "data.id").String()
}

func (s *simulated) paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.asked {
		out = append(out, r.Method+" "+r.URL.Path)
	}
	return out
}

// TestEveryCallIsDocumented uses all abilities and looks each call up in the
// vendor's documents: the operation is there, with the price that we pay.
func TestEveryCallIsDocumented(t *testing.T) {
	t.Parallel()
	prices := map[string]int{}
	for file, prefix := range map[string]string{"openapi-v2.yaml": "/api/v2", "openapi-v1.yaml": "/v1"} {
		for _, p := range specPrices(t, file) {
			prices[p.method+" "+prefix+placeholder.ReplaceAllString(p.path, "*")] = p.tokens
		}
	}
	s := simulate(t, vendor.Options{})
	if err := s.sim.Generate(1, vendor.ScaleOf(40)); err != nil {
		t.Fatal(err)
	}
	useAll(t, s)
	id := regexp.MustCompile(`/(\d+|[0-9a-f-]{36})\b|/(id|title)$`) // two fields' codes are words
	seen := map[string]bool{}
	for _, call := range s.paths() {
		form := id.ReplaceAllString(call, "/*")
		method, path, _ := strings.Cut(call, " ")
		want, known := prices[form]
		if got := cost(method, path); !known || got != want {
			t.Errorf("%s: known to the documents: %v; costs %d there, %d here", form, known, want, got)
		}
		seen[form] = true
	}
	const operations = 30
	if len(seen) < operations {
		t.Errorf("only %d different operations were used", len(seen))
	}
}

func useAll(t *testing.T, s *simulated) {
	t.Helper()
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, src := range sources() {
		if src.Mode == connectors.Listed || src.Mode == connectors.Windowed {
			if _, _, err := pull(t, s.Connector, src.Name, ""); err != nil {
				t.Fatal(err)
			}
		}
		if src.FetchMax > 0 {
			ids := s.someIDs(src)
			if _, err := s.Fetch(t.Context(), src.Name, ids); err != nil {
				t.Fatal(err)
			}
		}
	}
	callback := connectors.Callback{URL: "https://hooks.example.com/in/x", User: "u", Password: "p"}
	if _, err := s.Watch(t.Context(), callback); err != nil {
		t.Fatal(err)
	}
	if err := s.Unwatch(t.Context(), callback); err != nil {
		t.Fatal(err)
	}
}

// writeAll makes a record of each object that can be made, changes one of each
// that can be changed, asks for what it has made and what it replaced, and is
// refused once.
func writeAll(t *testing.T, s *simulated) {
	t.Helper()
	value := func(kind connectors.ValueKind, text string) connectors.Value {
		return connectors.Value{Kind: kind, Text: text}
	}
	push := func(object, id, mark string, set ...connectors.Pair) connectors.Record {
		t.Helper()
		e := connectors.Edit{Object: object, ID: id, Mark: mark, Set: connectors.Values{Standard: set}}
		r, err := s.Push(t.Context(), e)
		if err != nil {
			t.Fatalf("%s %s: %v", object, id, err)
		}
		if id != "" {
			_, err = s.Replaced(t.Context(), e, r)
		} else if found, ok, wrong := s.Find(t.Context(), e); wrong != nil || !ok || found.ID != r.ID {
			t.Errorf("%s: found %v %s (%v), want %s", object, ok, found.ID, wrong, r.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	pair := func(key string, v connectors.Value) connectors.Pair { return connectors.Pair{Key: key, Value: v} }
	word := func(key, text string) connectors.Pair { return pair(key, value(connectors.Text, text)) }
	option := func(label string) connectors.Pair {
		return pair(keyOptions, connectors.Value{Kind: connectors.List, Items: []connectors.Value{{Kind: connectors.Nested, Fields: []connectors.Pair{word("label", label)}}}})
	}
	for _, object := range []string{dealFields, personFields, organizationFields, productFields} {
		made := push(object, "", "", word("field_name", "Nowe pole"), word("field_type", "set"), option("Да"))
		push(object, made.ID, "", word("field_name", "Nowsze pole"))
		push(object, made.ID, "", option("Nie"))
	}
	pipeline := push(pipelines, "", "", word("name", "Trichter"))
	push(pipelines, pipeline.ID, "", word("name", "Anderer Trichter"))
	stage := push(stages, "", "", word("name", "Angebot"), pair("pipeline_id", value(connectors.Number, pipeline.ID)))
	push(stages, stage.ID, "", word("name", "Verhandlung"))
	deal := s.someIDs(s.sources[deals])[1]
	push(deals, deal, "", pair("stage_id", value(connectors.Number, stage.ID)), pair("pipeline_id", value(connectors.Number, pipeline.ID)))
	push(leads, s.someIDs(s.sources[leads])[1], "", pair("is_archived", value(connectors.Bool, "true")))
	on := pair("deal_id", value(connectors.Number, deal))
	task := push(activities, "", "sb-1", word("subject", "Zadanie"), word("type", "task"), word("note", "<p>sb-1</p>"), on)
	push(activities, task.ID, "", pair("done", value(connectors.Bool, "true")))
	note := push(notes, "", "sb-2", word("content", "<p>sb-2</p>"), on)
	push(notes, note.ID, "", word("content", "<p>nic</p>"))
	wrong := connectors.Edit{Object: deals, ID: deal, Set: connectors.Values{Standard: []connectors.Pair{pair("stage_id", value(connectors.Number, "999999"))}}}
	if _, err := s.Push(t.Context(), wrong); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a stage that is not there: %v (%v), want %v", err, fault.KindOf(err), fault.Invalid)
	}
	code := push(dealFields, "", "", word("field_name", "Kanał"), word("field_type", "varchar")).ID
	lead := connectors.Edit{Object: leads, ID: s.someIDs(s.sources[leads])[2], Set: connectors.Values{Custom: []connectors.Pair{word(code, "e-mail")}}}
	if _, err := s.Push(t.Context(), lead); err != nil {
		t.Error(err)
	}
}

// someIDs are those of two records, and one of none.
func (s *simulated) someIDs(src source) []string {
	object, none := src.Name, "999999"
	if src.Parent != "" {
		object = src.Parent
	}
	if object == leads {
		none = "adf21080-0e10-11eb-879b-05d71fb426ec"
	}
	ids := []string{none}
	for r := range s.sim.Truth(object) {
		if ids = append(ids, r.ID); len(ids) == 3 {
			break
		}
	}
	return ids
}

// TestFetchFindsArchivedAndDeletedDeals, which a list by ids leaves out.
func TestFetchFindsArchivedAndDeletedDeals(t *testing.T) {
	t.Parallel()
	s := simulate(t, vendor.Options{})
	var ids []string
	for i := range 6 {
		ids = append(ids, s.do(t, "POST", "/api/v2/deals", map[string]any{"title": fmt.Sprint("deal ", i)}))
	}
	product := s.do(t, "POST", "/api/v2/products", map[string]any{"name": "Ołówek"})
	for range 2 {
		s.do(t, "POST", "/api/v2/deals/"+ids[3]+"/products", map[string]any{"product_id": gjson.Parse(product).Int(), "item_price": 10, "quantity": 1})
	}
	s.do(t, "PATCH", "/api/v2/deals/"+ids[1], map[string]any{"is_archived": true})
	s.do(t, "DELETE", "/api/v2/deals/"+ids[2], nil)
	s.asked = nil
	page, err := s.Fetch(t.Context(), deals, append(slices.Clone(ids), "999999"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range page.Records {
		got[r.Object+" "+r.ID] = fmt.Sprintf("parent %q deleted %v bytes %v", r.Parent, r.Deleted, len(r.Raw) > 0)
	}
	want := map[string]string{
		"deals 999999":   `parent "" deleted true bytes false`,
		"dealProducts 1": fmt.Sprintf("parent %q deleted false bytes true", ids[3]),
		"dealProducts 2": fmt.Sprintf("parent %q deleted false bytes true", ids[3]),
	}
	for i, id := range ids {
		want["deals "+id] = fmt.Sprintf(`parent "" deleted %v bytes true`, i == 2)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(page.Closed); n != len(ids) {
		t.Errorf("%d scopes of products are closed, want one for each of %d deals that exist", n, len(ids))
	}
	// One list, singly the missing ones, and the products of one deal.
	if n := len(s.paths()); n > 5 {
		t.Errorf("%d calls: %v", n, s.paths())
	}
}

// TestDealPageCarriesProducts: only deals that have products are asked about,
// and every deal's scope is closed.
func TestDealPageCarriesProducts(t *testing.T) {
	t.Parallel()
	s := simulate(t, vendor.Options{})
	if err := s.sim.Generate(3, vendor.ScaleOf(300)); err != nil {
		t.Fatal(err)
	}
	var all, with, closed int
	for p, err := range s.Pull(t.Context(), deals, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			if r.Object == deals {
				all++
			}
			if r.Object == deals && gjson.GetBytes(r.Raw, "products_count").Int() > 0 {
				with++
			}
		}
		closed += len(p.Closed)
	}
	calls := 0
	for _, p := range s.paths() {
		if p == "GET /api/v2/deals/products" {
			calls++
		}
	}
	if closed != all || with == 0 || calls > with/idsLimit+6 {
		t.Errorf("%d deals, %d scopes closed, %d with products, asked in %d calls", all, closed, with, calls)
	}
}

// TestLargeChangesHaveStableIDs: entries that come later leave the ids of others alone.
func TestLargeChangesHaveStableIDs(t *testing.T) {
	t.Parallel()
	s := simulate(t, vendor.Options{})
	id := s.do(t, "POST", "/api/v2/deals", map[string]any{"title": "x", "value": 1})
	change := func(value int) { s.do(t, "PATCH", "/api/v2/deals/"+id, map[string]any{"value": value}) }
	for _, v := range []int{2, 1, 2, 1} { // two pairs are alike in all that they tell
		change(v)
	}
	before, err := s.Fetch(t.Context(), dealChanges, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	change(2)
	change(9)
	after, err := s.Fetch(t.Context(), dealChanges, []string{id, "999999"})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]int{}
	for _, r := range after.Records {
		known[r.ID]++
		if r.Parent != id || r.UpdatedAt.IsZero() || r.Shape != shapeV1 || known[r.ID] > 1 {
			t.Errorf("entry %+v", r)
		}
	}
	for _, r := range before.Records {
		if known[r.ID] == 0 {
			t.Errorf("the entry %s has another id now", r.ID)
		}
	}
	if len(before.Records) < 4 || len(after.Records) != len(before.Records)+2 || len(after.Closed) != 2 {
		t.Errorf("%d entries, then %d; %d scopes closed, want 2", len(before.Records), len(after.Records), len(after.Closed))
	}
	want := []connectors.Scope{{Object: dealChanges, Parent: id}, {Object: dealChanges, Parent: "999999", Ended: true}}
	if d := cmp.Diff(want, after.Closed); d != "" {
		t.Errorf("scopes (-want +got):\n%s", d)
	}
}

// TestCheckSaysWhatIsMissing for a user who is no admin.
func TestCheckSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := simulate(t, vendor.Options{TokenUsers: map[string]int64{}})
	if err := s.sim.Generate(1, vendor.ScaleOf(10)); err != nil {
		t.Fatal(err)
	}
	rights, err := s.Check(t.Context())
	if err != nil || len(rights.Missing) > 0 {
		t.Fatalf("an admin misses %q, error %v", rights.Missing, err)
	}
	if rights.Account == "" || rights.User == "" || rights.Name == "" || rights.Zone == "" || rights.BaseURL != "" {
		t.Errorf("rights %+v", rights)
	}
	plain := simulate(t, vendor.Options{TokenUsers: map[string]int64{"t": someUser(t)}})
	if err := plain.sim.Generate(1, vendor.ScaleOf(10)); err != nil {
		t.Fatal(err)
	}
	rights, err = plain.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(rights.Missing, "\n")
	for _, want := range []string{"webhooks cannot be set up", "visibility group", "Activity fields", "Webhooks"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing is said of %s in:\n%s", want, said)
		}
	}
	if strings.Contains(said, "Deals may not be read") {
		t.Errorf("deals may be read, but:\n%s", said)
	}
}

// someUser is the id of a generated user without an administrator's rights.
func someUser(t *testing.T) int64 {
	t.Helper()
	s := simulate(t, vendor.Options{})
	if err := s.sim.Generate(1, vendor.ScaleOf(10)); err != nil {
		t.Fatal(err)
	}
	for r := range s.sim.Truth("users") {
		if !bytes.Contains(r.JSON, []byte(`"admin":true`)) && gjson.GetBytes(r.JSON, "active_flag").Bool() {
			return gjson.GetBytes(r.JSON, "id").Int()
		}
	}
	t.Fatal("every user is an administrator")
	return 0
}

// TestQuotaOfTheDay: the simulator's spent budget is told from its burst.
func TestQuotaOfTheDay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits vendor.Limits
		daily  bool
		after  time.Duration
	}{
		"burst": {vendor.Limits{Burst: 2, DailyTokens: 30_000}, false, 2 * time.Second},
		"day":   {vendor.Limits{DailyTokens: 25, Burst: 100}, true, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulate(t, vendor.Options{Limits: c.limits})
			_, err := s.Check(t.Context())
			var e *fault.Error
			if !asError(err, &e) || e.Kind != fault.Limited || e.Daily != c.daily || e.RetryAfter != c.after {
				t.Errorf("error %#v, want %v after %v, of the day: %v", e, fault.Limited, c.after, c.daily)
			}
		})
	}
}
