package pipedrive

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"salesbook.dev/connectors"
)

// lists is a vendor in memory with one list for each path, for what the
// simulator does not do on demand. It pages as v1 and v2 do.
type lists struct {
	mu   sync.Mutex
	rows map[string][]row // by path
	date time.Time        // of all answers; zero: none is told
	size int              // the most rows of a page
	// before is called with the number of calls so far, before each answer. It
	// may change rows, and answer in the vendor's place.
	before func(n int, req *http.Request) *http.Response
	calls  []*url.URL
}

type row struct {
	id string
	at time.Time // zero: update_time is null
}

func (r row) raw() string {
	at := "null"
	if !r.at.IsZero() {
		at = strconv.Quote(r.at.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf(`{"id":%s, "update_time":%s}`, r.id, at)
}

// RoundTrip implements http.RoundTripper.
func (l *lists) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, req.URL)
	if l.before != nil {
		if resp := l.before(len(l.calls), req); resp != nil {
			return resp, nil
		}
	}
	q := req.URL.Query()
	kept := within(l.rows[req.URL.Path], q)
	size := l.size
	if n, err := strconv.Atoi(q.Get("limit")); err == nil {
		size = min(size, n)
	}
	if _, offset := q["start"]; offset {
		return l.answer(req, pageByStart(kept, q, size)), nil
	}
	return l.answer(req, pageByCursor(kept, q, size)), nil
}

// within returns the rows of the asked-for window, in a list of their own.
func within(rows []row, q url.Values) []row {
	since, err1 := time.Parse(time.RFC3339, q.Get("updated_since"))
	until, err2 := time.Parse(time.RFC3339, q.Get("updated_until"))
	var kept []row
	for _, r := range rows {
		if (err1 != nil || !r.at.IsZero() && !r.at.Before(since)) && (err2 != nil || !r.at.IsZero() && r.at.Before(until)) {
			kept = append(kept, r)
		}
	}
	return kept
}

func byTime(a, b row) int { return a.at.Compare(b.at) }

func toInt(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func pageByStart(kept []row, q url.Values, size int) string {
	switch q.Get("sort") {
	case "update_time ASC":
		slices.SortStableFunc(kept, byTime)
	case "update_time DESC":
		slices.SortStableFunc(kept, func(a, b row) int { return byTime(b, a) })
	}
	from := min(toInt(q.Get("start")), len(kept))
	to := min(from+size, len(kept))
	more := to < len(kept)
	return page(kept[from:to], fmt.Sprintf(`{"more_items_in_collection":%v,"pagination":{"more_items_in_collection":%v}}`, more, more))
}

func pageByCursor(kept []row, q url.Values, size int) string {
	byID := func(a, b row) int { return cmp.Compare(toInt(a.id), toInt(b.id)) }
	if !slices.IsSortedFunc(kept, byID) {
		slices.SortFunc(kept, byID)
	}
	if q.Get("sort_by") == "update_time" {
		slices.SortStableFunc(kept, byTime)
	}
	from := 0
	if c := q.Get("cursor"); c != "" {
		from, _ = slices.BinarySearchFunc(kept, toInt(c), func(r row, id int) int { return cmp.Compare(toInt(r.id), id) })
	}
	to := min(from+size, len(kept))
	next := "null"
	if to < len(kept) {
		next = strconv.Quote(kept[to].id)
	}
	return page(kept[from:to], `{"next_cursor":`+next+`}`)
}

func page(rows []row, more string) string {
	raws := make([]string, len(rows))
	for i, r := range rows {
		raws[i] = r.raw()
	}
	return fmt.Sprintf(`{"success":true,"data":[%s],"additional_data":%s}`, strings.Join(raws, ","), more)
}

func (l *lists) answer(req *http.Request, body string) *http.Response {
	resp := reply(req, http.StatusOK, body)
	if !l.date.IsZero() {
		resp.Header.Set("Date", l.date.UTC().Format(http.TimeFormat))
	}
	return resp
}

func reply(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)),
	}
}

// remove takes a row out of a list; call it from before.
func (l *lists) remove(path, id string) {
	l.rows[path] = slices.DeleteFunc(l.rows[path], func(r row) bool { return r.id == id })
}

// touch moves a row to another time; call it from before.
func (l *lists) touch(path, id string, at time.Time) {
	for i := range l.rows[path] {
		if l.rows[path][i].id == id {
			l.rows[path][i].at = at
		}
	}
}

// noon is the present of these tests.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func newLists() *lists { return &lists{rows: map[string][]row{}, date: noon(), size: pageLimit} }

// many makes n rows, the first changed at a time and each later one a step after.
func many(n int, from time.Time, step time.Duration) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{id: strconv.Itoa(i + 1), at: from.Add(time.Duration(i) * step)}
	}
	return rows
}

// over opens a connector over a transport.
func over(t testing.TB, wire http.RoundTripper) *Connector {
	t.Helper()
	env := connectors.Env{HTTP: &http.Client{Transport: wire}, Now: noon, Log: slog.New(slog.DiscardHandler)}
	c, err := open(env, connectors.Config{BaseURL: "http://pipedrive.test", Secrets: map[string]string{"api_token": "t"}})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*Connector)
}

// pull walks to the end; it returns the ids in their order, and the last page.
func pull(t testing.TB, c *Connector, object string, after connectors.Cursor) (ids []string, last connectors.Page, err error) {
	t.Helper()
	for p, err := range c.Pull(t.Context(), object, after) {
		if err != nil {
			return ids, last, err
		}
		for _, r := range p.Records {
			ids = append(ids, r.ID)
		}
		last = p
	}
	return ids, last, nil
}

// idsOfRows are the ids of rows, sorted.
func idsOfRows(rows []row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.id)
	}
	return slices.Sorted(slices.Values(out))
}
