package zoho_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
)

// FuzzCursor: whatever stands where a cursor should, a walk from it ends, well or
// with a fault of a kind, and never passes over records in silence because of it.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"v":1}`, `{"v":1,"mark":5}`, `{"v":1,"walk":{"first":true}}`, `{"v":1,"walk":{"at":5,"id":"7"}}`,
		`{"v":1,"walk":{"at":5,"id":"7) or (id > 0"}}`, `{"v":1,"mark":-1}`, `{"v":2}`, `{"v":1,"walk":{"leg":9}}`, `{"v":1,"walk":{"token":"x","leg":1,"page":3}}`, "\x00",
		`{"v":1,"walk":{"leg":2,"first":true,"id":"7","tokens":["x"]}}`, `{"v":1,"walk":{"leg":2,"first":true,"id":"7 or id > 0","tokens":[]}}`, `{"v":1,"walk":{"leg":2,"by_id":true,"until":5}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := answers(t, func(method, path, body string) (int, string) {
			if method == "POST" {
				q := readJSON(t, body)["select_query"].(string)
				if bytes.Count([]byte(q), []byte("(")) != bytes.Count([]byte(q), []byte(")")) || bytes.Contains([]byte(q), []byte(" or (")) {
					t.Errorf("the query %q is not ours any more", q)
				}
			}
			if strings.Contains(path, "/settings/fields") {
				return 200, definitions(1)
			}
			return 204, ""
		})
		for _, object := range []string{"Deals", "Notes", "Users"} {
			pages, err := pull(t, v.connect(t), object, connectors.Cursor(text))
			switch kind := fault.KindOf(err); {
			case err != nil && kind != fault.Gone:
				t.Errorf("%s from %q: %v (%v)", object, text, err, kind)
			case err == nil && (len(pages) != 1 || pages[0].More):
				t.Errorf("%s from %q: pages %+v", object, text, pages)
			}
		}
	})
}

// FuzzDecode: no bytes stop the decoder, and what it returns can be stored.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","Deal_Name":"x","Stage":"A|B","Pipeline":"%"}`, `[{"id":"1"},{"id":"1","Stage":"x"}]`, `{"id":"1","Owner":{"id":"2","name":"x"}}`,
		`{"id":"1","maps":[{"actual_value":"x"}],"actual_value":"P"}`, `[]`, `{}`, `"x"`, `{"id":"\u0000"}`, "{\"id\":\"\xff\"}", `{"id":"1","What_Id":{"id":"2","module":{"api_name":"Deals"}}}`,
	} {
		f.Add([]byte(seed))
	}
	spec := zoho.Spec()
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		for _, o := range spec.Objects {
			for _, shape := range []string{"v8", "v8.parts", "other"} {
				v, err := spec.Decoder.Decode(o.Name, shape, raw)
				if err != nil && !utf8.ValidString(err.Error()) {
					t.Errorf("error %q is not text", err)
				}
				seen := map[string]bool{}
				for _, p := range v.Standard {
					if seen[p.Key] || !utf8.ValidString(p.Key) || !utf8.ValidString(p.Value.Text) {
						t.Errorf("%s: %q stands twice or is not text", o.Name, p.Key)
					}
					seen[p.Key] = true
				}
			}
		}
		if !bytes.Equal(before, raw) {
			t.Error("decoding changed the bytes")
		}
	})
}
