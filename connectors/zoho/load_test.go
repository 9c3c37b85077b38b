package zoho_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
)

// shelf is a vendor with deals of the ids from 1 on, in lists of 200 with places,
// and 120 fields, which take three lists. A test changes what it answers.
type shelf struct {
	*fake
	seconds map[int]int // of change of the deals that are there
	hides   func(fields string, id int) bool
	places  func(token string) (status int, body string) // a refusal of a place; 0: none
	asked   func(path string)                            // before each answer
}

func newShelf(t *testing.T, deals int) *shelf {
	t.Helper()
	s := &shelf{seconds: map[int]int{}, hides: func(string, int) bool { return false }, places: func(string) (int, string) { return 0, "" }, asked: func(string) {}}
	for id := 1; id <= deals; id++ {
		s.seconds[id] = 5
	}
	s.fake = answers(t, func(method, path, body string) (int, string) {
		s.asked(path)
		u, err := url.Parse(path)
		if err != nil {
			t.Error(err)
		}
		q := u.Query()
		switch {
		case strings.HasSuffix(u.Path, "/settings/fields"):
			return 200, definitions(120)
		case method == "POST":
			return s.query(readJSON(t, body)["select_query"].(string))
		case q.Get("ids") != "":
			var ids []int
			for _, text := range strings.Split(q.Get("ids"), ",") {
				id, _ := strconv.Atoi(text)
				ids = append(ids, id)
			}
			return s.page(ids, q.Get("fields"), 1000, func(string, int) bool { return false })
		}
		if status, text := s.places(q.Get("page_token")); status != 0 {
			return status, text
		}
		from, _ := strconv.Atoi(q.Get("page_token"))
		return s.page(s.after(from), q.Get("fields"), 200, s.hides)
	})
	return s
}

// after are the ids that follow one.
func (s *shelf) after(id int) []int {
	var out []int
	for n := range s.seconds {
		if n > id {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func (s *shelf) page(ids []int, fields string, most int, hides func(string, int) bool) (int, string) {
	more := len(ids) > most
	ids = ids[:min(len(ids), most)]
	var list []string
	for _, id := range ids {
		if second, ok := s.seconds[id]; ok && !hides(fields, id) {
			list = append(list, fmt.Sprintf(`{"id":"%d","Modified_Time":"2026-11-22T12:00:%02d+01:00","Own_%02d":"%d"}`, id, second, strings.Count(fields, "Own_"), second))
		}
	}
	if len(list) == 0 {
		return 204, ""
	}
	return 200, fmt.Sprintf(`{"data":[%s],"info":{"more_records":%v,"next_page_token":"%d"}}`, strings.Join(list, ","), more, ids[len(ids)-1])
}

// query answers what asks by id; nothing changes meanwhile.
func (s *shelf) query(text string) (int, string) {
	if strings.Contains(text, "Modified_Time >=") {
		return 204, ""
	}
	_, rest, _ := strings.Cut(text, "id > ")
	from, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	limit, _ := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	return s.page(s.after(from), "", limit, func(string, int) bool { return false })
}

// loaded walks the shelf and tells the ids that came, in their order, and how many
// requests it took.
func (s *shelf) loaded(t *testing.T) (got []int, pages []connectors.Page) {
	t.Helper()
	pages, err := pull(t, s.connect(t), "Deals", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		for _, r := range p.Records {
			id, _ := strconv.Atoi(r.ID)
			got = append(got, id)
			if second := s.seconds[id]; strings.Count(string(r.Raw), fmt.Sprintf(`:"%d"}`, second)) != 3 {
				t.Errorf("deal %d is of several states, or of an old one: %s", id, r.Raw)
			}
		}
	}
	return got, pages
}

func upTo(n int) []int {
	var out []int
	for id := 1; id <= n; id++ {
		out = append(out, id)
	}
	return out
}

// TestLoadTakesLists: three groups of columns take three lists, and one query
// proves that they are whole.
func TestLoadTakesLists(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1000)
	got, pages := s.loaded(t)
	if diff := cmp.Diff(upTo(1000), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(s.fake.asked); n != 1+3*5+1+1 || len(pages) != 2 {
		t.Errorf("%d requests for %d pages, want the definitions, 15 pages of lists and two queries", n, len(pages))
	}
}

// TestLoadAsksNothingBeyondItsPage: lists are asked ahead, yet who stops after a page
// has paid for no answer that nobody sees, and none is under way.
func TestLoadAsksNothingBeyondItsPage(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1500)
	for page, err := range s.connect(t).(connectors.Puller).Pull(t.Context(), "Deals", "") {
		if err != nil || len(page.Records) != 1000 {
			t.Fatalf("%d records, error %v", len(page.Records), err)
		}
		break
	}
	s.fake.Close() // it waits for what is under way
	if n := len(s.fake.asked); n != 1+3*5+1 {
		t.Errorf("%d requests, want the definitions, 15 pages of lists and a query", n)
	}
}

// TestLoadKeepsWhatItHasRead: an answer that fails takes none of those before it with
// it, which have been paid for.
func TestLoadKeepsWhatItHasRead(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1000)
	fails := true
	s.places = func(token string) (int, string) {
		if fails && token == "400" {
			return 403, `{"code":"NO_PERMISSION","status":"error","message":"no","details":{}}`
		}
		return 0, ""
	}
	c := s.connect(t)
	pages, err := pull(t, c, "Deals", "")
	if fault.KindOf(err) != fault.Forbidden || len(pages) != 1 || len(pages[0].Records) != 400 || !pages[0].More {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	fails = false
	rest, err := pull(t, c, "Deals", pages[0].Next)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, p := range append(pages, rest...) {
		for _, r := range p.Records {
			id, _ := strconv.Atoi(r.ID)
			got = append(got, id)
		}
	}
	if diff := cmp.Diff(upTo(1000), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLoadThatFailsLeavesNoCallUnderWay: the list that was asked ahead is given up
// with the page.
func TestLoadThatFailsLeavesNoCallUnderWay(t *testing.T) {
	t.Parallel()
	ahead := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/settings/fields"):
			_, _ = io.WriteString(w, definitions(1))
		case r.URL.Query().Get("page_token") != "":
			close(ahead)
			<-r.Context().Done() // until the caller leaves
		case r.Method == http.MethodPost:
			<-ahead
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"code":"NO_PERMISSION","status":"error","message":"no","details":{}}`)
		default:
			_, _ = io.WriteString(w, `{"data":[{"id":"1","Modified_Time":"2026-01-01T00:00:00+00:00"}],"info":{"more_records":true,"next_page_token":"x"}}`)
		}
	}))
	t.Cleanup(server.Close)
	calls := &underWay{}
	c, err := zoho.Spec().Open(connectors.Env{HTTP: &http.Client{Transport: calls}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, good(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pull(t, c, "Deals", ""); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("the query was refused, the error is %v", err)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls are under way", n)
	}
}

// underWay counts calls that have no answer yet.
type underWay struct{ atomic.Int64 }

// RoundTrip implements http.RoundTripper.
func (u *underWay) RoundTrip(req *http.Request) (*http.Response, error) {
	u.Add(1)
	defer u.Add(-1)
	return http.DefaultTransport.RoundTrip(req)
}

// TestLoadPassesNothingOver: whatever a list leaves out is read by its id.
func TestLoadPassesNothingOver(t *testing.T) {
	t.Parallel()
	for name, hides := range map[string]func(fields string, id int) bool{
		"one":                  func(_ string, id int) bool { return id == 350 },
		"at the ends of pages": func(_ string, id int) bool { return id == 200 || id == 401 || id == 1000 },
		"a page":               func(_ string, id int) bool { return id > 400 && id <= 600 },
		"all behind a place":   func(_ string, id int) bool { return id > 600 },
		"parts":                func(fields string, id int) bool { return id%7 == 0 && strings.Contains(fields, "Own_110") },
	} {
		s := newShelf(t, 1000)
		s.hides = hides
		got, _ := s.loaded(t)
		if diff := cmp.Diff(upTo(1000), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestLoadGoesOnByID: places expire after a day, are a user's own, and reach
// 100,000 records. What was read is not read again.
func TestLoadGoesOnByID(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"EXPIRED_VALUE", "INVALID_DATA", "PAGINATION_LIMIT_EXCEEDED"} {
		s := newShelf(t, 1000)
		s.places = func(token string) (int, string) {
			if token == "600" {
				return 400, fmt.Sprintf(`{"code":%q,"message":"no","details":{},"status":"error"}`, code)
			}
			return 0, ""
		}
		got, _ := s.loaded(t)
		if diff := cmp.Diff(upTo(1000), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
	}
}

// TestLoadJoinsOneState: deals change, and lists drift apart because one is
// deleted, between the lists of the groups.
func TestLoadJoinsOneState(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 1000)
	lists := 0
	s.asked = func(path string) {
		if !strings.Contains(path, "sort_by=id") {
			return
		}
		switch lists++; lists {
		case 2: // the first list has shown them
			s.seconds[17]++
			delete(s.seconds, 30)
		case 9: // the second one as well
			s.seconds[450]++
			s.seconds[1001] = 7
		}
	}
	got, _ := s.loaded(t)
	want := slices.DeleteFunc(upTo(1001), func(id int) bool { return id == 30 })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Drifting costs no more than the first page: the lists are read at once, so that
	// what is torn differs by an answer of each group.
	if n := len(s.fake.asked); n > 1+3*5+1+1+3*5 {
		t.Errorf("%d requests: %q", n, s.fake.asked)
	}
}

// TestDisorderOfListsIsNotBelieved: the place in a load is an id.
func TestDisorderOfListsIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := answers(t, func(_, path, _ string) (int, string) {
		if strings.Contains(path, "/settings/fields") {
			return 200, definitions(1)
		}
		return 200, list(`{"id":"2","Modified_Time":"2026-11-22T12:00:01+01:00"}`, `{"id":"1","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
	})
	if pages, err := pull(t, f.connect(t), "Deals", ""); fault.KindOf(err) != fault.Temporary || len(pages) > 0 {
		t.Errorf("%d pages, error %v (%v)", len(pages), err, fault.KindOf(err))
	}
}

// TestLoadIsWhatLaterReadingsGive: records have the same bytes by lists, by the
// query language and by their ids, whether or not places in lists have expired;
// and lists cost less.
func TestLoadIsWhatLaterReadingsGive(t *testing.T) {
	t.Parallel()
	a, v := startAccount(t, connectortest.Full)
	cfg := v.Good
	cfg.BaseURL = v.URL
	walk := func(after connectors.Cursor, between func()) (map[string][]byte, int64) {
		spent := a.Spent()
		got := map[string][]byte{}
		for more := true; more; { // a process of its own for each page
			for page, err := range opened(t, cfg).(connectors.Puller).Pull(t.Context(), "Deals", after) {
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page.Records {
					if _, again := got[r.ID]; again {
						t.Errorf("deal %s came twice", r.ID)
					}
					got[r.ID] = r.Raw
				}
				after, more = page.Next, page.More
				if between != nil {
					break
				}
			}
			if between != nil {
				between()
			}
		}
		return got, a.Spent() - spent
	}
	lists, cost := walk("", nil)
	byQuery, before := walk(queried, nil)
	expired, _ := walk("", func() { a.clock.Advance(25 * time.Hour) })
	if len(lists) != 650 {
		t.Errorf("%d deals", len(lists))
	}
	for name, other := range map[string]map[string][]byte{"by the query language": byQuery, "after places have expired": expired} {
		if !cmp.Equal(lists, other) {
			t.Errorf("%s, the deals are others or have other bytes", name)
		}
	}
	ids := a.ids(t, "Deals")[:100]
	page, err := opened(t, cfg).(connectors.Fetcher).Fetch(t.Context(), "Deals", ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		if !bytes.Equal(r.Raw, lists[r.ID]) {
			t.Errorf("by its id, %s is %s, in the list it was %s", r.ID, r.Raw, lists[r.ID])
		}
	}
	// The definitions, four pages, 2,000 rows of a query, and one query for what
	// has changed since; before, the definitions, four queries, seven readings.
	if cost != 1+4+3+1 || before != 1+4+7 {
		t.Errorf("it costs %d credits, before %d", cost, before)
	}
}

// TestChangesDuringALoad come in the same walk.
func TestChangesDuringALoad(t *testing.T) {
	t.Parallel()
	a, v := startAccount(t, connectortest.Full)
	cfg := v.Good
	cfg.BaseURL = v.URL
	changed := ""
	got := map[string]string{}
	for page, err := range opened(t, cfg).(connectors.Puller).Pull(t.Context(), "Deals", "") {
		if err != nil {
			t.Fatal(err)
		}
		if changed == "" {
			a.clock.Advance(time.Minute)
			changed = page.Records[0].ID
			a.do(t, "PUT", "/crm/v8/Deals/"+changed, map[string]any{"data": []any{map[string]any{"Deal_Name": "Inna"}}})
		}
		for _, r := range page.Records {
			got[r.ID] = string(r.Raw)
		}
	}
	if !strings.Contains(got[changed], "Inna") {
		t.Errorf("at the end of the walk the deal is %s", got[changed])
	}
}

// TestProgressOfALoad goes by the times of creation.
func TestProgressOfALoad(t *testing.T) {
	t.Parallel()
	at := time.Now().UTC().Add(-200 * time.Hour)
	var records []string
	for id := 1; id <= 1600; id++ {
		records = append(records, fmt.Sprintf(`{"id":"%d","Modified_Time":%q,"Created_Time":%q}`, id, at.Format(time.RFC3339), at.Add(time.Duration(id)*450*time.Second).Format(time.RFC3339)))
	}
	f := answers(t, func(method, path, body string) (int, string) {
		_, place, listed := strings.Cut(path, "page_token=")
		from, _ := strconv.Atoi(strings.Split(place, "&")[0])
		switch {
		case strings.Contains(path, "/settings/fields"):
			return 200, definitions(1)
		case strings.Contains(body, "order by Modified_Time"):
			return 204, ""
		case method == "POST":
			return 200, list(records...)
		case listed || from == 0:
			to := min(from+200, 1600)
			return 200, fmt.Sprintf(`{"data":[%s],"info":{"more_records":%v,"next_page_token":"%d"}}`, strings.Join(records[from:to], ","), to < 1600, to)
		}
		return 500, "{}"
	})
	pages, err := pull(t, f.connect(t), "Deals", "")
	if err != nil || len(pages) != 3 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	if p := pages[0].Progress; p < 0.6 || p > 0.65 {
		t.Errorf("after 1,000 of 1,600 deals the progress is %v", p)
	}
	var place struct {
		Walk struct{ Tokens []string }
	}
	if err := json.Unmarshal([]byte(pages[0].Next), &place); err != nil || len(place.Walk.Tokens) != 1 {
		t.Errorf("the place is %s, error %v", pages[0].Next, err)
	}
}

// TestCreditsAreCountedAsTheVendorDoes, of queries by their limit.
func TestCreditsAreCountedAsTheVendorDoes(t *testing.T) {
	t.Parallel()
	a, v := startAccount(t, connectortest.Full)
	cfg := v.Good
	cfg.BaseURL = v.URL
	var counted atomic.Int64
	before := a.Spent()
	c := openedThrough(t, cfg, func(credits int) { counted.Add(int64(credits)) })
	for _, object := range []string{"Deals", "Products", "Notes", "Users"} {
		if _, err := pull(t, c, object, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{10, 100} {
		if _, err := c.(connectors.Fetcher).Fetch(t.Context(), "Stage_History", a.ids(t, "Deals")[:n]); err != nil {
			t.Fatal(err)
		}
	}
	if spent := a.Spent() - before; counted.Load() != spent {
		t.Errorf("%d credits are counted here, %d there", counted.Load(), spent)
	}
}
