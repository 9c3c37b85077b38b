package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func asError(err error, into **fault.Error) bool { return errors.As(err, into) }

// answering is a vendor that always says the same.
func answering(status int, header map[string]string, body string) transportFunc {
	return func(req *http.Request) (*http.Response, error) {
		resp := reply(req, status, body)
		for k, v := range header {
			resp.Header.Set(k, v)
		}
		return resp, nil
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	html := map[string]string{"Content-Type": "text/html; charset=UTF-8"}
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string
		kind   fault.Kind
		after  time.Duration
	}{
		"a rate ban":              {403, html, "<html>Attention Required! | Cloudflare</html>", fault.Limited, banDelay},
		"a rate ban of few words": {403, nil, "error code: 1015", fault.Limited, banDelay},
		"an empty 403":            {403, nil, "", fault.Limited, banDelay},
		"a missing right":         {403, nil, `{"success":false,"error":"Scope and URL mismatch"}`, fault.Forbidden, 0},
		"a plan that lacks it":    {402, nil, `{"success":false,"error":"x"}`, fault.Forbidden, 0},
		"a page with 429":         {429, html, "<html></html>", fault.Limited, burstWindow},
		"bad credentials":         {401, nil, `{"success":false,"error":"unauthorized access","errorCode":401}`, fault.Auth, 0},
		"success false":           {200, nil, `{"success":false,"error":"x","data":null}`, fault.Temporary, 0},
		"data that is no list":    {200, nil, `{"success":true,"data":{"id":1}}`, fault.Temporary, 0},
		"no success":              {200, nil, `{"data":[]}`, fault.Temporary, 0},
		"another's 404":           {404, nil, `{"message":"no Route matched"}`, fault.Temporary, 0},
		"their 404":               {404, nil, `{"success":false,"error":"x"}`, fault.NotFound, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := pull(t, over(t, answering(c.status, c.header, c.body)), stages, "")
			var e *fault.Error
			if !asError(err, &e) || e.Kind != c.kind || e.RetryAfter != c.after {
				t.Errorf("error %v: %#v, want %v after %v", err, e, c.kind, c.after)
			}
		})
	}
}

// TestSplitKeepsBytes: blanks, escapes and the order of keys are the vendor's.
func TestSplitKeepsBytes(t *testing.T) {
	t.Parallel()
	records := []string{
		"{ \"id\" : 1,\n\t\"title\" : \"a\\u0105\\/ <&> \\\"x\\\"\" }",
		`{"update_time":"2026-01-14T18:16:56Z","id":"2","status":"deleted","id2":3}`,
		`{"id":3.0,"update_time":5,"is_deleted":true,"products_count":"many"}`,
		`{"title":"no id","ID":9}`,
		`null`, `[1, 2]`, `"text"`, `17`,
		`{"id":null,"is_deleted":1}`,
	}
	body := "\n{ \"data\" : [ " + strings.Join(records, " ,\n ") + " ] , \"success\":true, \"additional_data\":{\"next_cursor\":\"ab\"}}"
	src := decoder().sources[deals]
	l, err := src.split([]byte(body))
	if err != nil || l.next != "ab" {
		t.Fatalf("next %q, error %v", l.next, err)
	}
	var ids []string
	for i, r := range l.records {
		if string(r.Raw) != records[i] {
			t.Errorf("record %d is %q, want %q", i, r.Raw, records[i])
		}
		ids = append(ids, fmt.Sprint(r.ID, " deleted ", r.Deleted, " ", r.UpdatedAt.Unix() > 0))
		if _, err := decoder().Decode(deals, r.Shape, r.Raw); strings.HasPrefix(r.ID, "unnamed-") && err == nil {
			t.Errorf("%q without an id is decoded", r.Raw)
		}
	}
	for i := 3; i < len(ids); i++ {
		if !strings.HasPrefix(ids[i], "unnamed-") {
			t.Errorf("record %d has the id %s", i, ids[i])
		}
		ids[i] = "unnamed"
	}
	want := []string{"1 deleted false false", "2 deleted true true", "3.0 deleted true false", "unnamed", "unnamed", "unnamed", "unnamed", "unnamed", "unnamed"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDeletedIsFlagged: deleted stages and activity types stay in their lists.
func TestDeletedIsFlagged(t *testing.T) {
	t.Parallel()
	for object, raw := range map[string]string{
		stages: `{"id":1,"is_deleted":true}`, activityTypes: `{"id":1,"active_flag":false}`, notes: `{"id":1,"active_flag":false}`, users: `{"id":1,"is_deleted":true,"active_flag":false}`,
	} {
		r, _ := decoder().sources[object].record([]byte(raw), new(label))
		if !r.Deleted || len(r.Raw) == 0 {
			t.Errorf("%s %s: deleted %v", object, raw, r.Deleted)
		}
	}
	if r, _ := decoder().sources[users].record([]byte(`{"id":1,"is_deleted":false,"active_flag":false}`), new(label)); r.Deleted {
		t.Error("a deactivated user is not deleted")
	}
}

// TestEmptyListClosesNothing: no account is without fields, so an empty answer
// must not remove them all.
func TestEmptyListClosesNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"success":true,"data":[]}`, `{"success":true,"data":null}`} {
		for p, err := range over(t, answering(200, nil, body)).Pull(t.Context(), dealFields, "") {
			if err != nil || len(p.Closed) > 0 {
				t.Errorf("%s: closed %v, error %v", body, p.Closed, err)
			}
		}
	}
}

func TestForeignAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object string
		ids    []string
		body   string
	}{
		"another record":        {persons, []string{"5"}, `{"success":true,"data":{"id":6}}`},
		"a list for a record":   {persons, []string{"5"}, `{"success":true,"data":[{"id":5}]}`},
		"ids that were ignored": {persons, []string{"1", "2", "3", "4"}, `{"success":true,"data":[{"id":1},{"id":77}]}`},
	} {
		page, err := over(t, answering(200, nil, c.body)).Fetch(t.Context(), c.object, c.ids)
		if fault.KindOf(err) != fault.Temporary {
			t.Errorf("%s: %+v, error %v (%v), want %v", name, page.Records, err, fault.KindOf(err), fault.Temporary)
		}
	}
}

// dealWith is a vendor that has deal 3 with these products.
func dealWith(products string) transportFunc {
	return func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/products") {
			return reply(req, 200, `{"success":true,"data":[`+products+`]}`), nil
		}
		return reply(req, 200, `{"success":true,"data":{"id":3,"products_count":1}}`), nil
	}
}

func TestProductsOfAnotherDealAreRefused(t *testing.T) {
	t.Parallel()
	page, err := over(t, dealWith(`{"id":1,"deal_id":2}`)).Fetch(t.Context(), dealProducts, []string{"3"})
	if fault.KindOf(err) != fault.Temporary {
		t.Errorf("%+v, error %v (%v), want %v", page.Records, err, fault.KindOf(err), fault.Temporary)
	}
}

// TestProductsOfADealThatIsGone: of a deal that the vendor no longer shows the
// list of products is as empty as of one that has none. What is known stays.
func TestProductsOfADealThatIsGone(t *testing.T) {
	t.Parallel()
	page, err := over(t, answering(404, nil, `{"success":false,"error":"Deal not found"}`)).Fetch(t.Context(), dealProducts, []string{"3"})
	if err != nil || len(page.Records) != 0 || len(page.Closed) != 0 {
		t.Errorf("%+v, closed %v, error %v", page.Records, page.Closed, err)
	}
}

// TestProductsOfNobody: one that tells no deal must neither stop its page nor
// pass for the proof that others are gone.
func TestProductsOfNobody(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`{"id":1}`, `{"id":1,"deal_id":null}`, `null`, `"x"`} {
		page, err := over(t, dealWith(`{"id":7,"deal_id":3},`+odd)).Fetch(t.Context(), dealProducts, []string{"3"})
		if err != nil || len(page.Records) != 2 || len(page.Closed) != 0 {
			t.Errorf("%s: %d records, closed %v, error %v", odd, len(page.Records), page.Closed, err)
		}
	}
}

// TestIDsThatWereIgnored: a list that is not narrowed would pass for the records
// that were asked for.
func TestIDsThatWereIgnored(t *testing.T) {
	t.Parallel()
	c := over(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		if id, single := strings.CutPrefix(req.URL.Path, "/api/v2/persons/"); single {
			return reply(req, 200, `{"success":true,"data":{"id":`+id+`}}`), nil
		}
		return reply(req, 200, `{"success":true,"data":[{"id":1},{"id":77}]}`), nil
	}))
	if page, err := c.Fetch(t.Context(), persons, []string{"1", "2", "3", "4"}); fault.KindOf(err) != fault.Temporary {
		t.Errorf("%d records, error %v (%v), want %v", len(page.Records), err, fault.KindOf(err), fault.Temporary)
	}
}

// TestListThatMoves: a field that is shown on two pages is kept once.
func TestListThatMoves(t *testing.T) {
	t.Parallel()
	c := over(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		body := `{"success":true,"data":[{"field_code":"a"},{"field_code":"b"}],"additional_data":{"next_cursor":"2"}}`
		if req.URL.Query().Get("cursor") == "2" {
			body = `{"success":true,"data":[{"field_code":"b"},{"field_code":"c"}],"additional_data":{"next_cursor":null}}`
		}
		return reply(req, 200, body), nil
	}))
	got, _, err := pull(t, c, dealFields, "")
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// TestProofOfDeliveries: both user and password count, and without a password
// agreed, an empty one is no proof.
func TestProofOfDeliveries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user, password string
		agreed         connectors.Callback
		kind           fault.Kind
	}{
		{"salesbook", "geheim", agreed(), fault.Unknown},
		{"salesbook", "Geheim", agreed(), fault.Auth},
		{"somebody", "geheim", agreed(), fault.Auth},
		{"", "geheim", agreed(), fault.Auth},
		{"", "", connectors.Callback{}, fault.Auth},
		{"salesbook", "", connectors.Callback{User: "salesbook"}, fault.Auth},
	} {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(c.user, c.password)
		_, err := decoder().Receive(connectors.Delivery{Method: "POST", Header: req.Header, Body: []byte(`{"meta":{"entity":"deal","entity_id":"1"}}`), Secret: c.agreed})
		if fault.KindOf(err) != c.kind || (err == nil) != (c.kind == fault.Unknown) {
			t.Errorf("%q:%q for %+v: error %v (%v), want %v", c.user, c.password, c.agreed, err, fault.KindOf(err), c.kind)
		}
	}
}

func TestIDsCannotLeaveTheirPath(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"../users/me", "1?x=1", "1/products", "a b", "1#x"} {
		c := over(t, transportFunc(func(req *http.Request) (*http.Response, error) {
			if rest := strings.TrimPrefix(req.URL.EscapedPath(), "/api/v2/persons/"); strings.ContainsAny(rest, "/?#") || req.URL.RawQuery != "" {
				t.Errorf("%q became %s", id, req.URL)
			}
			return reply(req, 404, `{"success":false}`), nil
		}))
		if _, err := c.Fetch(t.Context(), persons, []string{id}); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", ".."} {
		if _, err := over(t, answering(200, nil, `{}`)).Fetch(t.Context(), persons, []string{id}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := over(t, answering(200, nil, `{}`)).Fetch(t.Context(), dealProducts, []string{"1,2"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("two deals in one id: %v", err)
	}
}

func TestOAuthClient(t *testing.T) {
	t.Parallel()
	app := connectors.Config{Settings: map[string]string{"client_id": " id "}, Secrets: map[string]string{"client_secret": "secret"}}
	local := app
	local.BaseURL = "http://127.0.0.1:8080/"
	for base, cfg := range map[string]connectors.Config{"https://oauth.pipedrive.com": app, "http://127.0.0.1:8080": local} {
		got := Spec().OAuth(cfg)
		want := oauth2.Endpoint{AuthURL: base + "/oauth/authorize", TokenURL: base + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader}
		if diff := cmp.Diff(want, got.Endpoint); diff != "" || got.ClientID != "id" || got.ClientSecret != "secret" {
			t.Errorf("client %q (-want +got):\n%s", got.ClientID, diff)
		}
	}
	if c := Spec().OAuth(connectors.Config{Secrets: map[string]string{"api_token": "x"}}); c != nil {
		t.Errorf("an API token has the OAuth client %+v", c)
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ base, domain, want string }{
		"nothing known":       {"", "", "https://api.pipedrive.com/v1"},
		"the company's host":  {"", "https://Acme.pipedrive.com/", "https://acme.pipedrive.com/api/v1"},
		"a stand-in":          {"http://127.0.0.1:1", "https://acme.pipedrive.com", "http://127.0.0.1:1/v1"},
		"another host":        {"", "https://pipedrive.com.evil.example", ""},
		"almost the vendor":   {"", "https://evilpipedrive.com", ""},
		"without encryption":  {"", "http://acme.pipedrive.com", ""},
		"a user in it":        {"", "https://x@acme.pipedrive.com", ""},
		"a path in it":        {"", "https://acme.pipedrive.com/x", ""},
		"a base with a query": {"http://127.0.0.1:1?x=1", "", ""},
		"a base of a file":    {"file:///etc/passwd", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked string
			wire := transportFunc(func(req *http.Request) (*http.Response, error) {
				asked = req.URL.Scheme + "://" + req.URL.Host + strings.TrimSuffix(req.URL.Path, "/users")
				if req.Header.Get("x-api-token") != "t" {
					t.Error("the token is not in its header")
				}
				return reply(req, 200, `{"success":true,"data":[]}`), nil
			})
			c, err := Spec().Open(connectors.Env{HTTP: &http.Client{Transport: wire}, Now: noon},
				connectors.Config{BaseURL: c.base, Settings: map[string]string{"api_domain": c.domain}, Secrets: map[string]string{"api_token": "t\n"}})
			if err != nil {
				if fault.KindOf(err) != fault.Invalid || name == "nothing known" {
					t.Errorf("error %v", err)
				}
			} else if _, _, err := pull(t, c.(*Connector), users, ""); err != nil {
				t.Error(err)
			}
			if want := wantOf(name); asked != want {
				t.Errorf("asked %q, want %q", asked, want)
			}
		})
	}
}

func wantOf(name string) string {
	return map[string]string{
		"nothing known": "https://api.pipedrive.com/v1", "the company's host": "https://acme.pipedrive.com/api/v1", "a stand-in": "http://127.0.0.1:1/v1",
	}[name]
}

// TestCheckNamesScopes: with OAuth, what is missing is a scope of the app.
func TestCheckNamesScopes(t *testing.T) {
	t.Parallel()
	wire := transportFunc(func(req *http.Request) (*http.Response, error) {
		switch req.URL.Path {
		case "/v1/users/me":
			return reply(req, 200, `{"success":true,"data":{"id":1,"company_id":2,"access":[{"app":"global","admin":true}]}}`), nil
		case "/v1/deals/1/changelog", "/api/v2/deals":
			return reply(req, 404, `{"success":false,"error":"no such deal"}`), nil
		}
		return reply(req, 403, `{"success":false,"error":"Scope and URL mismatch"}`), nil
	})
	c, err := Spec().Open(connectors.Env{HTTP: &http.Client{Transport: wire}, Now: noon}, connectors.Config{
		BaseURL: "http://pipedrive.test", Settings: map[string]string{"client_id": "x"}, Secrets: map[string]string{"client_secret": "y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	rights, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(rights.Missing, "\n")
	for _, scope := range []string{"contacts:read", "activities:read", "products:read", "leads:read", "users:read", "admin"} {
		if !strings.Contains(said, "the scope "+scope+" ") {
			t.Errorf("the scope %s is not named in:\n%s", scope, said)
		}
	}
	if strings.Contains(said, "recents:read") || len(rights.Missing) != 9 {
		t.Errorf("%d things are said to be missing:\n%s", len(rights.Missing), said)
	}
}

// TestCompanyURL: the vendor's word is believed, a stand-in's is not.
func TestCompanyURL(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{"Acme-12g53f": "https://acme-12g53f.pipedrive.com", "": "", "evil.example/": "", "a.b": ""} {
		if got := (&Connector{real: true}).companyURL(domain); got != want {
			t.Errorf("%q: %q, want %q", domain, got, want)
		}
		if got := (&Connector{}).companyURL(domain); got != "" {
			t.Errorf("a stand-in's %q: %q", domain, got)
		}
	}
}

func TestTokensThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"two words", "line\nbreak", "жетон", "a\x00b"} {
		_, err := Spec().Open(connectors.Env{HTTP: http.DefaultClient, Now: noon}, connectors.Config{Secrets: map[string]string{"api_token": token}})
		if fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
	both := connectors.Config{Settings: map[string]string{"client_id": "x"}, Secrets: map[string]string{"api_token": "t", "client_secret": "y"}}
	if _, err := Spec().Open(connectors.Env{HTTP: http.DefaultClient, Now: noon}, both); fault.KindOf(err) != fault.Invalid {
		t.Errorf("both kinds of credential: %v", err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(`{"meta":{"entity":"deal","entity_id":"1","id":"e","timestamp":"2026-01-14T18:16:56.057Z"},"data":{"deal_id":5},"previous":null}`))
	f.Add([]byte(`{"v":1,"meta":{"object":"deal","id":1},"current":[],"previous":"x"}`))
	f.Add([]byte(strings.Repeat(`{"meta":`, 5000)))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth("u", "p")
		c := decoder()
		got, err := c.Receive(connectors.Delivery{Method: "POST", Header: req.Header, Body: body, Secret: connectors.Callback{User: "u", Password: "p"}})
		if err != nil && (fault.KindOf(err) != fault.Invalid || got.Reads != nil) {
			t.Fatalf("error %v, reads %v", err, got.Reads)
		}
		for _, r := range got.Reads {
			if _, known := c.sources[r.Object]; !known || r.ID == "" || len(r.ID) > 64 {
				t.Fatalf("reads %+v", r)
			}
		}
	})
}

// benchDeal is a deal of 1.9 KB with 20 custom fields, half of them empty.
func benchDeal(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/deal.json")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// BenchmarkDecodeDeal: see docs/benchmarks.md for measured figures.
func BenchmarkDecodeDeal(b *testing.B) {
	raw, d := benchDeal(b), decoder()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(deals, shapeV2, raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSplitPage splits a page of 500 deals.
func BenchmarkSplitPage(b *testing.B) {
	raw := benchDeal(b)
	body := []byte(`{"success":true,"data":[` + strings.TrimSuffix(strings.Repeat(string(raw)+",", pageLimit), ",") + `],"additional_data":{"next_cursor":null}}`)
	src := decoder().sources[deals]
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if l, err := src.split(body); err != nil || len(l.records) != pageLimit {
			b.Fatal(err)
		}
	}
}

// FuzzSplit: pages are known to be JSON before they are split, but even others
// must not break anything, and records are always parts of their page.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"success":true,"data":[{"id":1,"update_time":"2026-01-14T18:16:56Z"},null],"additional_data":{"next_cursor":"x"}}`))
	f.Add([]byte(`{"success":true,"data":[{"id":"\u0031"}],"additional_data":{"pagination":{"more_items_in_collection":true}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, src := range sources() {
			l, err := src.split(body)
			if err != nil {
				continue
			}
			for _, r := range l.records {
				if r.ID == "" || json.Valid(body) && (!bytes.Contains(body, r.Raw) || !json.Valid(r.Raw)) {
					t.Fatalf("record %q of %q has the bytes %q", r.ID, body, r.Raw)
				}
			}
		}
	})
}
