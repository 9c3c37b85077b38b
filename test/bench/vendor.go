package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"
)

// vendor serves the yardstick's deals as Pipedrive lists deals: within a window
// of update_time, by id, 500 a page. Everything else of the account is empty.
// Any first segment of the path names an account of its own, with equal deals.
// Most of the day's quota is spent, so that nothing but pulls goes on: the past
// of deals and sweeps wait for the next day.
type vendor struct {
	fields  string
	served  atomic.Int64 // bytes of answers
	mu      sync.Mutex
	deals   []deal
	windows map[string][]int
	hooks   []hook
}

type deal struct {
	raw    []byte
	update string
	parts  [3][]byte // as Zoho CRM has it: whole, and in two parts of a wider record
}

// hook is a webhook that was registered.
type hook struct {
	URL      string `json:"subscription_url"`
	User     string `json:"http_auth_user"`
	Password string `json:"http_auth_password"`
}

// serveVendor takes over all records of the yardstick's vendor, then listens
// and says where on standard output.
func serveVendor(from string) error {
	v := &vendor{windows: map[string][]int{}}
	if err := v.load(from); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "http://"+l.Addr().String())
	return http.Serve(l, v)
}

func (v *vendor) load(from string) error {
	for cursor := ""; ; {
		resp, err := http.Get(from + cursor)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		for _, r := range gjson.GetBytes(body, "data").Array() {
			raw := []byte(r.Raw)
			v.deals = append(v.deals, deal{raw: raw, update: gjson.GetBytes(raw, "update_time").String()})
		}
		next := gjson.GetBytes(body, "additional_data.next_cursor").String()
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
	}
	v.define()
	return nil
}

// define writes the definitions of the custom fields: the yardstick's are by
// turns text, number, money, several options, date.
func (v *vendor) define() {
	types := []string{"varchar", "int", "monetary", "set", "date"}
	var defs []string
	gjson.GetBytes(v.deals[0].raw, "custom_fields").ForEach(func(key, _ gjson.Result) bool {
		defs = append(defs, fmt.Sprintf(`{"field_name":"Field %d","field_code":%q,"field_type":%q,"is_custom_field":true,"options":null}`, len(defs), key.String(), types[len(defs)%5]))
		return true
	})
	v.fields = list(strings.Join(defs, ","), "null")
}

func list(data, next string) string {
	return `{"success":true,"data":[` + data + `],"additional_data":{"next_cursor":` + next + `}}`
}

// counted counts what is sent.
type counted struct {
	http.ResponseWriter
	to *atomic.Int64
}

// Write implements http.ResponseWriter.
func (c counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.to.Add(int64(n))
	return n, err
}

// ServeHTTP answers one call.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = counted{w, &v.served}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range map[string]string{"x-ratelimit-limit": "1000000", "x-ratelimit-remaining": "999999", "x-ratelimit-reset": "1",
		"x-daily-ratelimit-token-limit": "1000000000", "x-daily-ratelimit-token-remaining": "999000000"} {
		h.Set(name, value)
	}
	account, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/served":
		_, _ = fmt.Fprint(w, v.served.Load())
	case r.URL.Path == "/touch":
		v.touch(r.URL.Query())
	case strings.HasPrefix(path, "oauth/") || strings.HasPrefix(path, "crm/"):
		v.zoho(w, r, account, path)
	case path == "v1/users/me":
		_, _ = fmt.Fprintf(w, `{"success":true,"data":{"id":1,"company_id":%q,"company_name":"Bench","timezone_name":"UTC","access":[{"app":"global","admin":true}]}}`, account)
	case path == "v1/webhooks" && r.Method == http.MethodPost:
		v.register(w, r)
	case r.URL.Path == "/hooks":
		v.mu.Lock()
		defer v.mu.Unlock()
		_ = json.NewEncoder(w).Encode(v.hooks)
	case path == "api/v2/dealFields":
		_, _ = io.WriteString(w, v.fields)
	case path == "api/v2/deals":
		v.list(w, r)
	default:
		_, _ = io.WriteString(w, list("", "null"))
	}
}

func (v *vendor) register(w http.ResponseWriter, r *http.Request) {
	var h hook
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hooks = append(v.hooks, h)
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"success":true,"data":{"id":%d}}`, len(v.hooks))
}

// list answers a page of deals. The cursor is a place in the window.
func (v *vendor) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	in := v.window(q.Get("updated_since"), q.Get("updated_until"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	from, _ := strconv.Atoi(q.Get("cursor"))
	if q.Get("sort_by") == "update_time" && limit == 1 {
		in = []int{slices.MinFunc(in, func(a, b int) int { return strings.Compare(v.deals[a].update, v.deals[b].update) })}
	}
	page := in[from:min(from+limit, len(in))]
	next := "null"
	if from+limit < len(in) && len(in) > 1 {
		next = `"` + strconv.Itoa(from+limit) + `"`
	}
	v.mu.Lock()
	size := 0
	for _, n := range page {
		size += len(v.deals[n].raw) + 1
	}
	body := make([]byte, 0, size)
	for i, n := range page {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, v.deals[n].raw...)
	}
	v.mu.Unlock()
	answer := list("\x00", next)
	head, tail, _ := strings.Cut(answer, "\x00")
	w.Header().Set("Content-Length", strconv.Itoa(len(head)+len(body)+len(tail)))
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_, _ = io.WriteString(w, head)
	_, _ = w.Write(body)
	_, _ = io.WriteString(w, tail)
}

// window returns the deals of a window; times of one form compare as text.
func (v *vendor) window(since, until string) []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := since + " " + until
	if in, ok := v.windows[key]; ok {
		return in
	}
	in := []int{}
	for i := range v.deals {
		if at := v.deals[i].update; at >= since && (until == "" || at < until) {
			in = append(in, i)
		}
	}
	v.windows[key] = in
	return in
}
