package openapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox/openapi"
)

func shop(t *testing.T, deviations ...openapi.Deviation) *openapi.Auditor {
	t.Helper()
	docs, err := openapi.Load(openapi.API{Name: "v9", File: "testdata/shop.yaml", Prefixes: []string{"/api/v9"}})
	if err != nil {
		t.Fatal(err)
	}
	return docs.Audit(deviations)
}

func ask(method, target, body string) *http.Request {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("x-key", "k")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// kinds shortens findings to place and kind.
func kinds(found []string) []string {
	out := []string{}
	for _, f := range found {
		place, rest, _ := strings.Cut(f, ": ")
		kind, _, _ := strings.Cut(rest, ": ")
		out = append(out, place+": "+kind)
	}
	return out
}

func TestRequests(t *testing.T) {
	t.Parallel()
	const list = "GET v9 /things "
	for name, c := range map[string]struct {
		method, target, body, header string
		want                         []string
	}{
		"good":                  {"GET", "/api/v9/things?limit=500&ids=1,2,3&colour=red,blue&since=2026-01-01T00:00:00Z", "", "", nil},
		"good with a body":      {"POST", "/api/v9/things", `{"name":"x"}`, "", nil},
		"a literal path":        {"GET", "/api/v9/things/7", "", "", nil},
		"no operation":          {"GET", "/api/v9/dragons", "", "", []string{"GET /api/v9/dragons: extra"}},
		"another version":       {"GET", "/api/v1/things", "", "", []string{"GET /api/v1/things: extra"}},
		"an unknown parameter":  {"GET", "/api/v9/things?page=1", "", "", []string{list + "?page: extra"}},
		"a wrong type":          {"GET", "/api/v9/things?limit=many", "", "", []string{list + "?limit: value"}},
		"too many":              {"GET", "/api/v9/things?limit=501", "", "", []string{list + "?limit: maximum"}},
		"too many ids":          {"GET", "/api/v9/things?ids=1,2,3,4", "", "", []string{list + "?ids: maxItems"}},
		"a wrong enum":          {"GET", "/api/v9/things?colour=red,green", "", "", []string{list + "?colour: enum"}},
		"an instant with parts": {"GET", "/api/v9/things?since=2026-01-01T00:00:00.5Z", "", "", []string{list + "?since: format"}},
		"given twice":           {"GET", "/api/v9/things?limit=1&limit=2", "", "", []string{list + "?limit: twice"}},
		"a wrong path":          {"GET", "/api/v9/things/x", "", "", []string{"GET v9 /things/{id} {id}: value"}},
		"an unknown header":     {"GET", "/api/v9/things", "", "X-Odd", []string{list + "header X-Odd: extra"}},
		"a body for nothing":    {"GET", "/api/v9/things", `{}`, "", []string{list + "body: extra"}},
		"no body":               {"POST", "/api/v9/things", "", "", []string{"POST v9 /things body: json"}},
		"a body of nonsense":    {"POST", "/api/v9/things", `{"name":5,"nom":1}`, "", []string{"POST v9 /things body /name: type", "POST v9 /things body /nom: extra"}},
		"a body without a name": {"POST", "/api/v9/things", `{}`, "", []string{"POST v9 /things body /name: required"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := ask(c.method, c.target, c.body)
			if c.header != "" {
				req.Header.Set(c.header, "1")
			}
			if diff := cmp.Diff(append([]string{}, c.want...), kinds(shop(t).Request(req, []byte(c.body)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	bare := ask("GET", "/api/v9/things", "")
	bare.Header.Del("x-key")
	if diff := cmp.Diff([]string{"GET v9 /things: security"}, kinds(shop(t).Request(bare, nil))); diff != "" {
		t.Errorf("without credentials (-want +got):\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	a := shop(t,
		openapi.Deviation{Path: `^GET v9 /things /data/\d+/name$`, Kind: "null", Reason: "seen"},
		openapi.Deviation{Path: `^GET v9 /things 404$`, Kind: "status", Reason: "seen"},
		openapi.Deviation{Path: `colour`, Kind: "extra", Reason: "never seen"},
	)
	for _, c := range []struct {
		status int
		body   string
		want   []string
	}{
		{200, `{"data":[{"id":1,"name":"x"}]}`, nil},
		{200, `{"data":[{"id":1,"name":null}]}`, nil},
		{404, `{"success":false,"error":"x"}`, nil},
		{200, `{"data":[{"id":null}]}`, []string{"GET v9 /things /data/0/id: null"}},
		{200, `{"data":[{"id":"1","size":2}]}`, []string{"GET v9 /things /data/0/id: type", "GET v9 /things /data/0/size: extra"}},
		{200, `{"data":`, []string{"GET v9 /things: json"}},
		{404, `nothing`, []string{"GET v9 /things 404: refusal"}},
		{500, `{"success":false,"error":"x"}`, []string{"GET v9 /things 500: status"}},
	} {
		got := kinds(a.Answer(ask("GET", "/api/v9/things", ""), c.status, []byte(c.body)))
		if diff := cmp.Diff(append([]string{}, c.want...), got); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", c.status, c.body, diff)
		}
	}
	if diff := cmp.Diff([]string{"GET v9 /things"}, a.Seen()); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if unused := a.Unused(); len(unused) != 1 || unused[0].Path != "colour" {
		t.Errorf("unused deviations %+v, want the one of colours", unused)
	}
}

// TestHandler: what passes through is as before, and what is wrong is told.
func TestHandler(t *testing.T) {
	t.Parallel()
	told := make(chan string, 4)
	sim := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Seen", string(body))
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"success":false,"error":"tea"}`)
	})
	w := httptest.NewRecorder()
	shop(t).Handler(sim, func(_ string, args ...any) { told <- args[0].(string) }).ServeHTTP(w, ask("POST", "/api/v9/things", `{"nom":1}`))
	close(told)
	var all []string
	for s := range told {
		all = append(all, s)
	}
	want := []string{"POST v9 /things body /name: required", "POST v9 /things body /nom: extra", "POST v9 /things 418: status"}
	if diff := cmp.Diff(want, kinds(all)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if w.Code != http.StatusTeapot || w.Header().Get("X-Seen") != `{"nom":1}` || w.Body.String() != `{"success":false,"error":"tea"}` {
		t.Errorf("answer %d %v %s", w.Code, w.Header(), w.Body)
	}
}
