package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/jobs"
)

// TestOddDeliveries: whatever a body holds, it is stored or refused for good;
// never answered so that the vendor sends it again and again, and in the end
// bans our address.
func TestOddDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	about := func(id, rest string) string {
		return `{"meta":{"entity":"deal","entity_id":` + id + `,"id":"e","timestamp":"2026-01-14T18:16:56.057Z"}` + rest + `}`
	}
	brackets := strings.Repeat("[", 1<<21)
	cases := map[string]struct {
		body   string
		header map[string]string
		status int
	}{
		"another content type":         {about(`"11"`, ""), map[string]string{"Content-Type": "text/plain"}, 200},
		"said to be a form":            {about(`"12"`, ""), map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 200},
		"said to be compressed":        {about(`"13"`, ""), map[string]string{"Content-Encoding": "gzip"}, 200},
		"NULs and no text in the data": {about(`"14"`, ",\"data\":{\"title\":\"\\u0000\xff\\ud800\"}"), nil, 200},
		"a large body":                 {about(`"15"`, `,"data":"`+strings.Repeat("я", 1_900_000)+`"`), nil, 200},
		"an id of 20 digits":           {about("12345678901234567890", ""), nil, 200},
		"data of another type":         {about(`"16"`, `,"data":[1],"previous":7`), nil, 200},
		"an entity twice":              {about(`"17"`, `,"meta":{"entity":"deal","entity_id":"18"}`), nil, 200},
		"a NUL in the id":              {about(`"1\u0000"`, ""), nil, 400},
		"no text in the id":            {about("\"\xff\"", ""), nil, 400},
		"half a surrogate in the id":   {about(`"\ud800"`, ""), nil, 400},
		"an id of a megabyte":          {about(`"`+strings.Repeat("9", 1<<20)+`"`, ""), nil, 400},
		"an id that is a list":         {about("[1]", ""), nil, 400},
		"no meta":                      {`{"meta":null}`, nil, 400},
		"null":                         {"null", nil, 400},
		"a mark before the JSON":       {"\ufeff" + about(`"19"`, ""), nil, 400},
		"two events at once":           {about(`"20"`, "") + about(`"21"`, ""), nil, 400},
		"a list of events":             {"[" + about(`"22"`, "") + "]", nil, 400},
		"brackets":                     {brackets, nil, 400},
		"brackets for data":            {about(`"23"`, `,"data":`+brackets+strings.Repeat("]", 1<<20)), nil, 400},
	}
	want := map[string]int{}
	for name, c := range cases {
		key := strings.ReplaceAll(name, " ", "-")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+jobs.HookPath+h.Path, strings.NewReader(strings.Replace(c.body, `"id":"e"`, `"id":"`+key+`"`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(h.User, h.Password)
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		for range 2 { // and replayed
			body, err := req.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			req.Body = body
			if got, err := b.do(req); err != nil || got.status != c.status {
				t.Errorf("%s: want %d, got %d %s (%v)", name, c.status, got.status, got.body, err)
			}
		}
		if c.status == http.StatusOK && name != "an entity twice" {
			want[key] = 1
		}
	}
	stored := b.stored(t, h.workspace)
	if len(stored) != len(want)+1 { // the later meta of the entity twice names no event
		t.Errorf("%d deliveries stored, want %d", len(stored), len(want)+1)
	}
	for key := range stored {
		if _, ok := want[key]; !ok {
			delete(stored, key)
		}
	}
	if d := cmp.Diff(want, stored); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
}
