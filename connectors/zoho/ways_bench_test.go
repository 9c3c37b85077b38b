package zoho_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// BenchmarkWays measures what reading all records of a module costs by each way
// that the vendor has, in credits and in calls one after the other: two are those
// of the connector, the others are weighed in the decision 0038. Contacts come in
// one answer, deals have more fields than one may hold. SALESBOOK_BENCH_DEALS sets
// how many there are.
func BenchmarkWays(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("SALESBOOK_BENCH_DEALS"))
	if err != nil {
		n = 10_000
	}
	sim, err := vendor.Open(vendor.Options{Token: goodToken})
	if err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	if err := sim.Generate(1, vendor.Scale{Deals: n, Contacts: n, Accounts: 100}); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	for _, module := range []string{"Contacts", "Deals"} {
		live, _ := sim.Count(module)
		w := &ways{b: b, url: server.URL, module: module, columns: fieldNames(b, sim, module)}
		for _, way := range []struct {
			name string
			read func() int
		}{
			{"lists", func() int { return w.pull("") }}, {"ids", func() int { return w.pull(queried) }},
			{"columns", w.byColumns}, {"bulk", w.byBulk},
		} {
			b.Run(fmt.Sprintf("%s/%d-%s-of-%d-fields", way.name, live, module, len(w.columns)), func(b *testing.B) {
				for b.Loop() {
					spent, start := sim.Spent(), time.Now()
					w.calls.Store(0)
					if got := way.read(); got != live {
						b.Fatalf("%d records of %d", got, live)
					}
					b.ReportMetric(float64(sim.Spent()-spent), "credits")
					b.ReportMetric(float64(w.calls.Load()), "calls")
					b.ReportMetric(time.Since(start).Seconds(), "s")
					b.ReportMetric(0, "ns/op")
				}
			})
		}
	}
}

func fieldNames(b *testing.B, sim *vendor.Sim, module string) []string {
	answer, err := sim.Do("", "GET", "/crm/v8/settings/fields?module="+module, nil)
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, name := range gjson.GetBytes(answer, "fields.#.api_name").Array() {
		out = append(out, name.String())
	}
	return out
}

type ways struct {
	b       *testing.B
	url     string
	module  string
	columns []string
	calls   atomic.Int64
}

func (w *ways) pull(after connectors.Cursor) int {
	cfg := good(w.url)
	cfg.Secrets["client_secret"] = goodSecret
	seen := map[string]bool{}
	for page, err := range openedThrough(w.b, cfg, func(int) { w.calls.Add(1) }).(connectors.Puller).Pull(w.b.Context(), w.module, after) {
		if err != nil {
			w.b.Fatal(err)
		}
		for _, r := range page.Records {
			seen[r.ID] = true
		}
	}
	return len(seen)
}

// byColumns takes records straight from the query language.
func (w *ways) byColumns() int {
	n, last := 0, "0"
	for {
		text := "select " + strings.Join(w.columns, ", ") + " from " + w.module + " where id > " + last + " order by id asc limit 2000"
		list := gjson.GetBytes(w.call("POST", "/crm/v8/coql", map[string]any{"select_query": text}), "data").Array()
		n += len(list)
		if len(list) < 2000 {
			return n
		}
		last = list[len(list)-1].Get("id").String()
	}
}

// byBulk asks for one file of them.
func (w *ways) byBulk() int {
	job := gjson.GetBytes(w.call("POST", "/crm/bulk/v8/read", map[string]any{"query": map[string]any{"module": map[string]any{"api_name": w.module}, "fields": w.columns}}), "data.0.details.id").String()
	for gjson.GetBytes(w.call("GET", "/crm/bulk/v8/read/"+job, nil), "data.0.state").String() != "COMPLETED" {
	}
	body := w.call("GET", "/crm/bulk/v8/read/"+job+"/result", nil)
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		w.b.Fatal(err)
	}
	file, err := archive.File[0].Open()
	if err != nil {
		w.b.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		w.b.Fatal(err)
	}
	return len(rows) - 1
}

func (w *ways) call(method, path string, body any) []byte {
	w.calls.Add(1)
	text, err := json.Marshal(body)
	if err != nil {
		w.b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.b.Context(), method, w.url+path, bytes.NewReader(text))
	if err != nil {
		w.b.Fatal(err)
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+goodToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.b.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		w.b.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	return answer
}

// BenchmarkDecode reads a deal of some forty fields.
func BenchmarkDecode(b *testing.B) {
	sim, err := vendor.Open(vendor.Options{Token: goodToken})
	if err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	if err := sim.Generate(1, vendor.Scale{Deals: 10, Contacts: 5, Accounts: 5}); err != nil {
		b.Fatal(err)
	}
	var raw []byte
	for r := range sim.Truth("Deals") {
		raw = r.JSON
	}
	spec := authorised()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := spec.Decoder.Decode("Deals", "v8", raw); err != nil {
			b.Fatal(err)
		}
	}
}
