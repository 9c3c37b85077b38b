package openapi_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox/openapi"
)

// TestLooseDocuments: references between documents, alternatives that are not told
// apart, and statuses that are not listed.
func TestLooseDocuments(t *testing.T) {
	t.Parallel()
	docs, err := openapi.Load(openapi.API{Name: "loose", File: "testdata/loose.json", Prefixes: []string{""}, Vendor: &openapi.Vendor{
		Refs: "https://example.com/docs/", Credential: "Authorization", Overlaps: true, Usual: 200,
		Absent:  map[string]string{"absent.json": `{"openapi":"3.0.0","info":{"title":"","version":""},"paths":{},"components":{"schemas":{"view":{}}}}`},
		Skip:    func(path string) bool { return strings.Contains(path, "{external_") },
		Refusal: func(body []byte) bool { return bytes.Contains(body, []byte(`"code"`)) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := docs.Audit(nil)
	const at = "GET loose /v1/{thing}"
	for _, c := range []struct {
		status int
		body   string
		want   []string
	}{
		{200, `{"data":[{"id":"1","owner":{"name":"x"},"custom":5}]}`, nil},
		{200, `{"data":[{"id":1,"owner":{"name":null}}]}`, []string{at + " /data/0/id: type", at + " /data/0/owner/name: null"}},
		{200, `{"data":[{"owner":{"nom":"x"}}]}`, []string{at + " /data/0/id: required", at + " /data/0/owner/nom: extra"}},
		{200, `{"code":"MAYBE","message":"x"}`, []string{at + " /code: enum"}},
		{200, `{"list":[{"code":"B"}]}`, nil}, // of two alternatives with this key the second
		{200, `{"data":[],"info":{}}`, []string{at + " /info: extra"}},
		{201, `{"data":[{"id":1}]}`, []string{at + " 201: status", at + " /data/0/id: type"}},
		{204, ``, nil},
		{304, ``, nil},
		{400, `{"code":"x"}`, []string{at + " 400: status"}},
		{400, `nothing`, []string{at + " 400: status", at + " 400: refusal"}},
	} {
		got := kinds(a.Answer(ask("GET", "/v1/deals", ""), c.status, []byte(c.body)))
		if diff := cmp.Diff(append([]string{}, c.want...), got); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", c.status, c.body, diff)
		}
	}
	bare := ask("GET", "/v1/deals", "")
	bare.Header.Del("x-key")
	if diff := cmp.Diff([]string{at + ": security"}, kinds(a.Request(bare, nil))); diff != "" {
		t.Errorf("without credentials (-want +got):\n%s", diff)
	}
	bare.Header.Set("Authorization", "x")
	if got := a.Request(bare, nil); len(got) > 0 {
		t.Errorf("with credentials: %v", got)
	}
}
