package pipedrive

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

const (
	archivedLeads = "/v1/leads/archived"
	liveLeads     = "/v1/leads"
	allNotes      = "/v1/notes"
)

// smallPages is a page of v1's default size, which the vendor may cut to.
const smallPages = 100

func offsets() *lists {
	l := newLists()
	l.size = smallPages
	return l
}

func sortedIDs(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

func TestQuietListByStartComesOnce(t *testing.T) {
	t.Parallel()
	start := noon().AddDate(0, -1, 0)
	const longest = 2000
	for name, rows := range map[string][]row{
		"a second apart":           many(450, start, time.Second),
		"three in a second":        many(450, start, time.Second/3),
		"more in one than a page":  many(450, start, time.Second/300),
		"all in one":               many(450, start, 0),
		"whole pages in one":       append(many(600, start, 0), many(1100, start.Add(time.Hour), 0)[600:]...),
		"exactly two pages":        many(200, start, time.Minute),
		"one row":                  many(1, start, 0),
		"some without update_time": append(many(250, time.Time{}, 0), row{id: "900", at: start}, row{id: "901", at: start.Add(time.Hour)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, object := range []string{notes, leads, notes, leads} {
				l := offsets()
				if i >= 2 {
					l.size = pageLimit
				}
				l.rows[allNotes], l.rows[archivedLeads] = rows, rows
				var last connectors.Page
				var got []string
				for p, err := range over(t, l).Pull(t.Context(), object, "") {
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range p.Records {
						got = append(got, r.ID)
					}
					if last = p; len(p.Next) > longest {
						t.Errorf("%s: the cursor has %d bytes", object, len(p.Next))
					}
				}
				if diff := cmp.Diff(idsOfRows(rows), sortedIDs(got)); diff != "" {
					t.Errorf("%s (-list +yielded):\n%s", object, diff)
				}
				if last.More || !last.AsOf.Equal(noon().Add(-margin)) {
					t.Errorf("%s ends with More %v, AsOf %v", object, last.More, last.AsOf)
				}
			}
		})
	}
}

// TestRowsThatVanishMakeNoGap removes rows before the offset between calls, in
// a list that is walked by anchor: plain offsets would skip as many rows.
func TestRowsThatVanishMakeNoGap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gone    []string
		repeats bool
	}{
		"one":          {[]string{"5"}, false},
		"several":      {[]string{"1", "2", "3", "50", "60"}, false},
		"many":         {sequence(1, 60), false},
		"the last row": {[]string{"100"}, true},
		"a whole page": {sequence(1, 100), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := offsets()
			l.rows[archivedLeads] = many(350, noon().AddDate(0, -1, 0), time.Minute)
			l.before = func(n int, _ *http.Request) *http.Response {
				if n == 3 { // live leads, the first archived page, now the second
					for _, id := range c.gone {
						l.remove(archivedLeads, id)
					}
				}
				return nil
			}
			got, _, err := pull(t, over(t, l), leads, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range idsOfRows(l.rows[archivedLeads]) {
				if !slices.Contains(got, want) {
					t.Errorf("row %s was skipped", want)
				}
			}
			if again := len(got) > len(slices.Compact(sortedIDs(got))); again != c.repeats {
				t.Errorf("rows were repeated: %v, want %v", again, c.repeats)
			}
		})
	}
}

func sequence(from, to int) []string {
	var out []string
	for _, r := range many(to, time.Time{}, 0)[from-1:] {
		out = append(out, r.id)
	}
	return out
}

// TestRowsThatMoveAreNotLost changes rows during a walk by time: each moves to
// the end, where it must be seen again.
func TestRowsThatMoveAreNotLost(t *testing.T) {
	t.Parallel()
	l := offsets()
	l.rows[allNotes] = many(450, noon().AddDate(0, -1, 0), time.Second/2)
	moved := []string{"100", "101", "199", "200", "300", "449", "1"}
	l.before = func(n int, _ *http.Request) *http.Response {
		if n > 1 && len(moved) > 0 {
			l.touch(allNotes, moved[0], noon().Add(time.Duration(n)*time.Second))
			moved = moved[1:]
		}
		return nil
	}
	seen := map[string]time.Time{}
	for p, err := range over(t, l).Pull(t.Context(), notes, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			seen[r.ID] = r.UpdatedAt
		}
	}
	for _, r := range l.rows[allNotes] {
		if at, ok := seen[r.id]; !ok || at.Before(r.at.Truncate(time.Second)) {
			t.Errorf("row %s was last seen as of %v, it is of %v", r.id, at, r.at)
		}
	}
}

// TestListInAnotherOrder: a vendor that ignores the order must cost calls, not rows.
func TestListInAnotherOrder(t *testing.T) {
	t.Parallel()
	rows := many(350, noon().AddDate(0, -1, 0), time.Hour)
	slices.Reverse(rows)
	l := offsets()
	l.rows[allNotes] = rows
	unsorted := transportFunc(func(req *http.Request) (*http.Response, error) {
		q := req.URL.Query()
		q.Set("sort", "id")
		req.URL.RawQuery = q.Encode()
		return l.RoundTrip(req)
	})
	l.rows[archivedLeads] = slices.Clone(rows)
	slices.Reverse(l.rows[archivedLeads])
	c := over(t, unsorted)
	for _, object := range []string{notes, leads} {
		got, last, err := pull(t, c, object, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(idsOfRows(rows), sortedIDs(got)); diff != "" {
			t.Errorf("%s (-list +yielded):\n%s", object, diff)
		}
		l.touch(archivedLeads, "349", noon())
		if got, _, err = pull(t, c, object, last.Next); err != nil || object == leads && !slices.Equal(got, []string{"349"}) {
			t.Errorf("%s: a later walk yields %v, error %v", object, got, err)
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestRowsThatNeverRest: a walk whose last row moves before each call ends in
// an error, not in a loop.
func TestRowsThatNeverRest(t *testing.T) {
	t.Parallel()
	l := offsets()
	l.rows[archivedLeads] = many(350, noon().AddDate(0, -1, 0), time.Minute)
	l.before = func(n int, req *http.Request) *http.Response {
		if req.URL.Path == archivedLeads {
			slices.SortStableFunc(l.rows[archivedLeads], byTime)
			l.touch(archivedLeads, l.rows[archivedLeads][smallPages-1].id, noon().Add(time.Duration(n)*time.Second))
			l.touch(archivedLeads, l.rows[archivedLeads][smallPages-1].id, noon().Add(time.Duration(n)*time.Second))
		}
		return nil
	}
	l.rows[liveLeads] = nil
	_, _, err := pull(t, over(t, shuffled{l}), leads, "")
	if fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "moved") {
		t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), fault.Temporary)
	}
	if n := len(l.calls); n > 4*(restartsLimit+2) {
		t.Errorf("%d calls", n)
	}
}

// shuffled gives every row of archived leads another id in each answer.
type shuffled struct{ *lists }

func (s shuffled) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	for i := range s.rows[archivedLeads] {
		s.rows[archivedLeads][i].id += "1"
	}
	s.mu.Unlock()
	return s.lists.RoundTrip(req)
}

// TestArchivedLeadsAgain: a later walk reads the newest archived leads only.
func TestArchivedLeadsAgain(t *testing.T) {
	t.Parallel()
	l := offsets()
	l.rows[archivedLeads] = many(350, noon().AddDate(0, -1, 0), time.Minute)
	c := over(t, l)
	_, first, err := pull(t, c, leads, "")
	if err != nil {
		t.Fatal(err)
	}
	l.touch(archivedLeads, "7", noon().Add(time.Hour))
	l.date = noon().Add(2 * time.Hour)
	before := len(l.calls)
	got, again, err := pull(t, c, leads, first.Next)
	if diff := cmp.Diff([]string{"7"}, got); err != nil || diff != "" {
		t.Errorf("error %v (-changed +yielded):\n%s", err, diff)
	}
	if n := len(l.calls) - before; n != 2 {
		t.Errorf("%d calls, want one for each list", n)
	}
	if want := l.date.Add(-margin); !again.AsOf.Equal(want) {
		t.Errorf("AsOf %v, want %v", again.AsOf, want)
	}
}

func TestEmptyPageWithMore(t *testing.T) {
	t.Parallel()
	l := offsets()
	l.before = func(_ int, req *http.Request) *http.Response {
		return reply(req, http.StatusOK, `{"success":true,"data":null,"additional_data":{"pagination":{"more_items_in_collection":true}}}`)
	}
	if _, _, err := pull(t, over(t, l), notes, ""); fault.KindOf(err) != fault.Temporary {
		t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), fault.Temporary)
	}
}
