package zoho

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"salesbook.dev/internal/sandbox"
)

// bundle is a simulator behind real HTTP, with a clock that stands still.
type bundle struct {
	*Sim
	t     *testing.T
	clock *sandbox.Manual
	url   string
	token string
}

const staticToken = "1000.static.token"

func setup(t *testing.T, o Options) *bundle {
	t.Helper()
	clock := sandbox.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	o.Clock, o.Token = clock, staticToken
	sim, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bundle{Sim: sim, t: t, clock: clock, url: server.URL, token: staticToken}
}

// answerTo is what came back.
type answerTo struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (a answerTo) json() object {
	a.t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var out object
	if err := d.Decode(&out); err != nil {
		a.t.Fatalf("status %d, no JSON: %v: %s", a.status, err, a.body)
	}
	return out
}

// list is the array under a key.
func (a answerTo) list(key string) []object {
	a.t.Helper()
	var out []object
	items, _ := a.json()[key].([]any)
	for _, x := range items {
		out = append(out, x.(object))
	}
	return out
}

// code is the error code of the answer or of its first record.
func (a answerTo) code() string {
	a.t.Helper()
	body := a.json()
	for _, key := range []string{"data", "watch", "fields", "pipeline", "merge"} {
		if list, ok := body[key].([]any); ok && len(list) > 0 {
			code, _ := list[0].(object)["code"].(string)
			return code
		}
	}
	code, _ := body["code"].(string)
	return code
}

func (b *bundle) send(method, path string, body any, header ...string) answerTo {
	b.t.Helper()
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		payload = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, payload)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Zoho-oauthtoken "+b.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answerTo{b.t, resp.StatusCode, resp.Header, raw}
}

func (b *bundle) get(path string, header ...string) answerTo {
	b.t.Helper()
	return b.send("GET", path, nil, header...)
}

// make creates a record and returns its id.
func (b *bundle) make(module string, record object) string {
	b.t.Helper()
	a := b.send("POST", "/crm/v8/"+module, object{"data": []object{record}})
	if a.status != http.StatusCreated {
		b.t.Fatalf("create %s: %d %s", module, a.status, a.body)
	}
	return a.list("data")[0]["details"].(object)["id"].(string)
}

func (b *bundle) query(q string) answerTo {
	b.t.Helper()
	return b.send("POST", "/crm/v8/coql", object{"select_query": q})
}

// columnOf reads one key of every record.
func columnOf(list []object, key string) []any {
	out := []any{}
	for _, r := range list {
		out = append(out, r[key])
	}
	return out
}

func num(text string) json.Number { return json.Number(text) }
