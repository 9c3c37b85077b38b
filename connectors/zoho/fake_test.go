package zoho_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
)

// fake is a vendor that answers as a test tells it to, and notes what it was
// asked.
type fake struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

// answers makes a fake of a function that gets the method, the path with its
// query, and the body, and returns status and body.
func answers(t *testing.T, answer func(method, path, body string) (int, string)) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		path := r.URL.Path
		if q := r.URL.Query(); len(q) > 0 {
			path += "?" + q.Encode()
		}
		if since := r.Header.Get("If-Modified-Since"); since != "" {
			path += " since " + since
		}
		f.mu.Lock()
		f.asked = append(f.asked, r.Method+" "+path)
		status, text := answer(r.Method, path, string(body))
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status != http.StatusNoContent && status != http.StatusNotModified {
			fmt.Fprint(w, text)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func good(base string) connectors.Config {
	return connectors.Config{BaseURL: base, Settings: map[string]string{"client_id": "1000.A"}, Secrets: map[string]string{"client_secret": "client-secret-0123456789"}}
}

// connect opens a connector to the fake; whoever it is.
func (f *fake) connect(t *testing.T) connectors.Connector {
	t.Helper()
	return f.connectWith(t, nil)
}

// connectWith opens a connector that has these settings as well.
func (f *fake) connectWith(t *testing.T, settings map[string]string) connectors.Connector {
	t.Helper()
	cfg := good(f.URL)
	maps.Copy(cfg.Settings, settings)
	c, err := zoho.Spec().Open(connectors.Env{HTTP: http.DefaultClient, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pull walks to the end or the first error.
func pull(t *testing.T, c connectors.Connector, object string, after connectors.Cursor) (pages []connectors.Page, err error) {
	t.Helper()
	for page, err := range c.(connectors.Puller).Pull(t.Context(), object, after) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// queried is the cursor of a first walk that an earlier version began: it goes by
// the query language, as later walks do.
const queried connectors.Cursor = `{"v":1,"walk":{"first":true}}`

// definitions is an answer with n fields of the account's own.
func definitions(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"api_name":"Own_%02d","data_type":"text","custom_field":true}`, i))
	}
	return `{"fields":[` + strings.Join(list, ",") + `]}`
}

// list is an answer with these records and no more.
func list(records ...string) string {
	return `{"data":[` + strings.Join(records, ",") + `],"info":{"more_records":false,"count":` + fmt.Sprint(len(records)) + `}}`
}

func readJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// opened is a connector to a simulated account.
func opened(t *testing.T, cfg connectors.Config) connectors.Connector {
	t.Helper()
	return openedThrough(t, cfg, func(int) {})
}

// openedThrough is one whose calls are priced as the governor prices them.
func openedThrough(t testing.TB, cfg connectors.Config, paid func(credits int)) connectors.Connector {
	t.Helper()
	spec := authorised()
	client := &http.Client{Transport: priced{spec.Meter.Cost, paid}}
	c, err := spec.Open(connectors.Env{HTTP: client, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type priced struct {
	cost func(*http.Request) int
	paid func(int)
}

// RoundTrip implements http.RoundTripper.
func (p priced) RoundTrip(req *http.Request) (*http.Response, error) {
	p.paid(p.cost(req))
	return http.DefaultTransport.RoundTrip(req)
}
