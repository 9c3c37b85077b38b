package pipedrive

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/pipedrive"
)

const allPersons = "/api/v2/persons"

// TestSlicesTileTheHistory checks the windows of a first walk: the first has no
// beginning, the last no end, and each begins where the one before ended.
func TestSlicesTileTheHistory(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		rows    []row
		largest int // number of calls that is still all right
	}{
		"one record":            {many(1, noon().Add(-day), 0), 5},
		"a small account":       {many(5000, noon().Add(-360*day), 100*time.Minute), 20},
		"a large account":       {many(30_000, noon().Add(-3000*day), 2*time.Hour), 160},
		"all at one second":     {many(15_000, noon().Add(-300*day), 0), 40},
		"a burst at the end":    {append(many(100, noon().Add(-3000*day), day), many(20_000, noon().Add(-time.Hour), 0)[100:]...), 70},
		"nothing for years":     {append(many(600, noon().Add(-4000*day), time.Second), many(1200, noon().Add(-day), time.Second)[600:]...), 40},
		"changed in the future": {many(10, noon().Add(time.Hour), time.Hour), 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLists()
			l.rows[allPersons] = c.rows
			got, last, err := pull(t, over(t, l), persons, "")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(idsOfRows(c.rows), sortedIDs(got)) {
				t.Errorf("%d of %d records were yielded, or some twice", len(got), len(c.rows))
			}
			if last.Progress != 1 {
				t.Errorf("progress at the end is %v", last.Progress)
			}
			checkTiling(t, l.calls[1:])
			if n := len(l.calls); n > c.largest {
				t.Errorf("%d calls, want at most %d", n, c.largest)
			}
		})
	}
}

func checkTiling(t *testing.T, calls []*url.URL) {
	t.Helper()
	until, pages := "", 0
	for i, u := range calls {
		q := u.Query()
		since := q.Get("updated_since")
		if strings.Contains(since, ".") || q.Get("sort_by") != "id" {
			t.Errorf("call %d asks for %v", i+1, q)
		}
		if q.Get("cursor") != "" {
			if pages++; pages > 4*slicePages && q.Get("updated_until") != "" {
				t.Errorf("call %d is page %d of a slice", i+1, pages+1)
			}
			continue
		}
		if since != until || i > 0 && since == "" {
			t.Errorf("call %d begins at %q, the slice before ended at %q", i+1, since, until)
		}
		until, pages = q.Get("updated_until"), 0
	}
	if until != "" {
		t.Errorf("the last slice ends at %q, want an open end", until)
	}
}

// TestRecordsWithoutUpdateTime are in no window, so no window may be used.
func TestRecordsWithoutUpdateTime(t *testing.T) {
	t.Parallel()
	l := newLists()
	l.rows[allPersons] = append(many(700, noon().AddDate(-1, 0, 0), time.Hour), row{id: "9001"}, row{id: "9002"})
	got, _, err := pull(t, over(t, l), persons, "")
	if err != nil || !slices.Equal(idsOfRows(l.rows[allPersons]), sortedIDs(got)) {
		t.Errorf("%d of %d records, error %v", len(got), len(l.rows[allPersons]), err)
	}
}

// TestCursorRefused: the vendor refuses a cursor once in a slice, then twice.
func TestCursorRefused(t *testing.T) {
	t.Parallel()
	for refusals, kind := range map[int]fault.Kind{1: fault.Unknown, 2: fault.Gone} {
		t.Run(fmt.Sprint(refusals), func(t *testing.T) {
			t.Parallel()
			l := newLists()
			l.rows[allPersons] = many(1200, noon().Add(-time.Hour), 0)
			left := refusals
			l.before = func(_ int, req *http.Request) *http.Response {
				if req.URL.Query().Get("cursor") == "" || left == 0 {
					return nil
				}
				left--
				return reply(req, http.StatusBadRequest, `{"success":false,"error":"cursor is invalid"}`)
			}
			got, _, err := pull(t, over(t, l), persons, "")
			if fault.KindOf(err) != kind {
				t.Fatalf("error %v (%v), want %v", err, fault.KindOf(err), kind)
			}
			if kind == fault.Unknown && !slices.Equal(idsOfRows(l.rows[allPersons]), slices.Compact(sortedIDs(got))) {
				t.Errorf("%d records of %d after the slice began anew", len(got), len(l.rows[allPersons]))
			}
		})
	}
}

// TestCursorRefusedInAList: what is read whole will be read again; its job is
// not given up.
func TestCursorRefusedInAList(t *testing.T) {
	t.Parallel()
	s := simulate(t, vendor.Options{Faults: []sandbox.Fault{{Kind: sandbox.CursorExpire, Times: 1}}})
	for i := range 600 {
		s.do(t, "POST", "/api/v2/pipelines", map[string]any{"name": fmt.Sprint("Lejek ", i)})
	}
	_, _, err := pull(t, s.Connector, pipelines, "")
	if fault.KindOf(err) != fault.Temporary {
		t.Fatalf("error %v (%v), want %v", err, fault.KindOf(err), fault.Temporary)
	}
	if got, _, err := pull(t, s.Connector, pipelines, ""); err != nil || len(got) < 600 {
		t.Errorf("read again: %d records, error %v", len(got), err)
	}
}

// TestWrongRequestIsNoCursor: 400 without a cursor in the request is Invalid.
func TestWrongRequestIsNoCursor(t *testing.T) {
	t.Parallel()
	l := newLists()
	l.before = func(_ int, req *http.Request) *http.Response {
		return reply(req, http.StatusBadRequest, `{"success":false,"error":"no"}`)
	}
	if _, _, err := pull(t, over(t, l), persons, ""); fault.KindOf(err) != fault.Invalid || len(l.calls) != 1 {
		t.Errorf("error %v (%v) after %d calls, want %v after one", err, fault.KindOf(err), len(l.calls), fault.Invalid)
	}
}

func TestCursorThatDoesNotMove(t *testing.T) {
	t.Parallel()
	for _, object := range []string{persons, stages, dealFields} {
		l := newLists()
		l.before = func(_ int, req *http.Request) *http.Response {
			return reply(req, http.StatusOK, `{"success":true,"data":[{"id":1,"field_code":"x","update_time":"2026-01-01T00:00:00Z"}],"additional_data":{"next_cursor":"same"}}`)
		}
		if _, _, err := pull(t, over(t, l), object, ""); fault.KindOf(err) != fault.Temporary || len(l.calls) > 4 {
			t.Errorf("%s: error %v (%v) after %d calls, want %v", object, err, fault.KindOf(err), len(l.calls), fault.Temporary)
		}
	}
}

// TestIncrement: a later walk begins ten minutes before the end of the last one.
func TestIncrement(t *testing.T) {
	t.Parallel()
	l := newLists()
	l.rows[allPersons] = many(10, noon().AddDate(0, -1, 0), time.Hour)
	c := over(t, l)
	_, first, err := pull(t, c, persons, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := noon().Add(-margin); !first.AsOf.Equal(want) {
		t.Errorf("AsOf %v, want %v", first.AsOf, want)
	}
	l.touch(allPersons, "3", noon().Add(-margin-overlap)) // the first instant that is read again
	l.touch(allPersons, "4", noon().Add(-margin-overlap-time.Second))
	l.date, l.calls = noon().Add(time.Hour), nil
	got, second, err := pull(t, c, persons, first.Next)
	if diff := cmp.Diff([]string{"3"}, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	q := l.calls[0].Query()
	if len(l.calls) != 1 || q.Get("updated_since") != "2026-11-22T11:49:55Z" || q.Has("updated_until") {
		t.Errorf("calls %v", l.calls)
	}
	if want := l.date.Add(-margin); !second.AsOf.Equal(want) || second.Progress >= 0 {
		t.Errorf("AsOf %v, want %v; progress %v of a later walk", second.AsOf, want, second.Progress)
	}
}

// TestAsOfIsOfTheFirstAnswer: what changes after it may be missed by the walk.
func TestAsOfIsOfTheFirstAnswer(t *testing.T) {
	t.Parallel()
	for object, path := range map[string]string{persons: allPersons, notes: allNotes, stages: "/api/v2/stages"} {
		l := newLists()
		l.rows[path] = many(1200, noon().AddDate(0, -1, 0), time.Minute)
		l.before = func(n int, _ *http.Request) *http.Response {
			l.date = noon().Add(time.Duration(n-1) * time.Hour)
			return nil
		}
		_, last, err := pull(t, over(t, l), object, "")
		if want := noon().Add(-margin); err != nil || !last.AsOf.Equal(want) {
			t.Errorf("%s: AsOf %v, want %v; error %v", object, last.AsOf, want, err)
		}
	}
}

// TestNoDate: without the vendor's clock ours is taken, with a larger margin.
func TestNoDate(t *testing.T) {
	t.Parallel()
	l := newLists()
	l.date = time.Time{}
	_, last, err := pull(t, over(t, l), persons, "")
	if want := noon().Add(-blindMargin); err != nil || !last.AsOf.Equal(want) {
		t.Errorf("AsOf %v, want %v; error %v", last.AsOf, want, err)
	}
}

// TestRandomChangesDuringWalks changes a list between the calls of several
// walks in turn; each time the last walk is over, all is known as it was before.
func TestRandomChangesDuringWalks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		for object, path := range map[string]string{persons: allPersons, notes: allNotes, leads: liveLeads} {
			t.Run(fmt.Sprint(object, seed), func(t *testing.T) {
				t.Parallel()
				randomChanges(t, object, path, rand.New(rand.NewPCG(seed, 3)))
			})
		}
	}
}

func randomChanges(t *testing.T, object, path string, rng *rand.Rand) {
	l := newLists()
	l.size = smallPages
	l.rows[path] = many(200+rng.IntN(400), noon().AddDate(0, 0, -40), time.Duration(rng.IntN(4000))*time.Second)
	l.before = func(int, *http.Request) *http.Response {
		l.date = l.date.Add(time.Duration(rng.IntN(3)) * time.Second)
		for range rng.IntN(4) {
			r := l.rows[path][rng.IntN(len(l.rows[path]))]
			switch rng.IntN(4) {
			case 0:
				l.rows[path] = append(l.rows[path], row{id: fmt.Sprint(len(l.rows[path]) + 1000), at: l.date})
			case 1:
				l.remove(path, r.id)
			default:
				l.touch(path, r.id, l.date)
			}
		}
		return nil
	}
	c := over(t, l)
	known := map[string]time.Time{}
	var cursor connectors.Cursor
	for range 4 {
		var asOf time.Time
		for p, err := range c.Pull(t.Context(), object, cursor) {
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Records {
				known[r.ID] = r.UpdatedAt
			}
			cursor, asOf = p.Next, p.AsOf
		}
		for _, r := range l.rows[path] {
			if at, ok := known[r.id]; r.at.Before(asOf) && (!ok || at.Before(r.at.Truncate(time.Second))) {
				t.Errorf("%s of %v is known as of %v, the walk says to be complete before %v", r.id, r.at, at, asOf)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, c := range []string{"", "{}", `{"v":1}`, `{"v":1,"mark":5}`, `{"v":1,"walk":{"first":true,"begun":true,"from":1,"to":2,"next":"x"}}`, `{"v":1,"walk":{"leg":1,"start":9,"anchor":"a","seen":["b"]}}`} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, object := range []string{persons, deals, leads, notes, users} {
			l := newLists()
			l.rows[allPersons], l.rows[allNotes] = many(3, noon().AddDate(-1, 0, 0), time.Hour), many(3, noon(), 0)
			ids, last, err := pull(t, over(t, l), object, connectors.Cursor(text))
			var e *fault.Error
			if err != nil && (!errors.As(err, &e) || len(ids) > 0 && e.Kind == fault.Unknown) {
				t.Errorf("%s from %q: %v", object, text, err)
			}
			if err == nil && (last.More || last.Next == "") {
				t.Errorf("%s from %q ends with %+v", object, text, last)
			}
			if len(l.calls) > 60 {
				t.Errorf("%s from %q took %d calls", object, text, len(l.calls))
			}
		}
	})
}
