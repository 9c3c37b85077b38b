package pipedrive

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// walk reads all pages of a v2 list and returns the ids in their order.
func (b *bundle) walk(path string) []int64 {
	b.t.Helper()
	var ids []int64
	next := path
	for range 1000 {
		page := b.send("GET", next, nil)
		if page.status != 200 {
			b.t.Fatalf("%s: %d %s", next, page.status, page.body)
		}
		v := page.json(b.t)
		for _, r := range v["data"].([]any) {
			ids = append(ids, int64(r.(object)["id"].(float64)))
		}
		cursor, more := v["additional_data"].(object)["next_cursor"].(string)
		if !more {
			return ids
		}
		base, _, _ := strings.Cut(path, "&cursor=")
		next = base + "&cursor=" + url.QueryEscape(cursor)
	}
	b.t.Fatal("the list does not end")
	return nil
}

func TestListsGiveEveryRecordOnceInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if err := b.Generate(5, ScaleOf(150)); err != nil {
		t.Fatal(err)
	}
	if err := b.tie(90); err != nil { // many records on one second, over several pages
		t.Fatal(err)
	}
	for _, list := range []string{"deals", "persons", "organizations", "activities", "products", "stages", "pipelines"} {
		live, archived, _ := b.Count(list)
		for _, order := range []string{"id", "update_time", "add_time"} {
			for _, direction := range []string{"asc", "desc"} {
				path := fmt.Sprintf("/api/v2/%s?limit=7&sort_by=%s&sort_direction=%s", list, order, direction)
				ids := b.walk(path)
				if want := live - archived; len(ids) != want || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != want {
					t.Errorf("%s: %d records, want each of %d once", path, len(ids), want)
				}
				if want := b.sorted(list, ids, order, direction); !slices.Equal(want, ids) {
					t.Errorf("%s: order\ngot  %v\nwant %v", path, ids, want)
				}
			}
		}
	}
}

// sorted is what the order of a list must be, told from the rows.
func (b *bundle) sorted(list string, ids []int64, order, direction string) []int64 {
	out := slices.Clone(ids)
	key := func(id int64) int64 {
		switch r := b.table(list).get(id); order {
		case "update_time":
			return r.updated
		case "add_time":
			return r.added
		}
		return 0
	}
	slices.SortFunc(out, func(x, y int64) int {
		if kx, ky := key(x), key(y); kx != ky {
			return int(kx - ky)
		}
		return int(x - y)
	})
	if direction == "desc" {
		slices.Reverse(out)
	}
	return out
}

func TestWindowsOfUpdateTimesTile(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if err := b.Generate(6, ScaleOf(300)); err != nil {
		t.Fatal(err)
	}
	live, archived, _ := b.Count("deals")
	var got []int64
	since := noon().AddDate(-2, 0, 0)
	for since.Before(noon()) {
		until := since.AddDate(0, 0, 17)
		got = append(got, b.walk(fmt.Sprintf("/api/v2/deals?limit=11&updated_since=%s&updated_until=%s",
			since.Format(instantLayout), until.Format(instantLayout)))...)
		since = until
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != live-archived || len(got) != n {
		t.Errorf("windows of 17 days gave %d deals, %d of them different; want each of %d once", len(got), n, live-archived)
	}
}

func TestUpdatedSinceIsInclusiveAndUntilExclusive(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	for range 3 {
		b.one("POST", "/api/v2/deals", object{"title": "x"})
		b.clock.Advance(time.Second)
	}
	at := func(s int) string { return noon().Add(time.Duration(s) * time.Second).Format(instantLayout) }
	got := b.walk("/api/v2/deals?limit=5&updated_since=" + at(1) + "&updated_until=" + at(2))
	if diff := cmp.Diff([]int64{2}, got); diff != "" {
		t.Errorf("[1 s, 2 s) (-want +got):\n%s", diff)
	}
}

func TestPagesStandChangesBetweenThem(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	for range 6 {
		b.one("POST", "/api/v2/deals", object{"title": "x"})
	}
	first := b.send("GET", "/api/v2/deals?limit=2", nil).json(t)
	cursor := first["additional_data"].(object)["next_cursor"].(string)
	b.must("DELETE", "/api/v2/deals/3", nil) // the record that the cursor points at
	b.must("PATCH", "/api/v2/deals/1", object{"title": "changed"})
	b.one("POST", "/api/v2/deals", object{"title": "new"})
	got := b.walk("/api/v2/deals?limit=2&cursor=" + url.QueryEscape(cursor))
	if diff := cmp.Diff([]int64{4, 5, 6, 7}, got[:4]); diff != "" {
		t.Errorf("after the first page (-want +got):\n%s", diff)
	}
}

func TestOrderOfUpdatesFollowsChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	for range 4 {
		b.one("POST", "/api/v2/deals", object{"title": "x"})
	}
	const list = "/api/v2/deals?limit=2&sort_by=update_time"
	b.walk(list)
	for _, id := range []string{"3", "1", "3"} {
		b.clock.Advance(time.Second)
		b.one("PATCH", "/api/v2/deals/"+id, object{"title": "y"})
	}
	b.one("POST", "/api/v2/deals", object{"title": "z"})
	if diff := cmp.Diff([]int64{2, 4, 1, 3, 5}, b.walk(list)); diff != "" {
		t.Errorf("by update time after changes (-want +got):\n%s", diff)
	}
}

func TestListsRefuseWhatTheVendorRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.one("POST", "/api/v2/deals", object{"title": "x"})
	b.one("POST", "/api/v2/deals", object{"title": "y"})
	byID := b.send("GET", "/api/v2/deals?limit=1", nil).json(t)["additional_data"].(object)["next_cursor"].(string)
	many := strings.TrimSuffix(strings.Repeat("1,", 101), ",")
	for query, want := range map[string]string{
		"limit=501":                              "limit must be 1 to 500",
		"limit=0":                                "limit must be 1 to 500",
		"limit=ten":                              "limit must be a whole number",
		"sort_by=title":                          "sort_by must be one of id, update_time, add_time",
		"sort_direction=up":                      "sort_direction must be asc or desc",
		"updated_since=2026-01-01T00:00:00.123Z": "without fractions of a second",
		"updated_since=2026-01-01":               "must be a time like",
		"updated_until=yesterday":                "must be a time like",
		"status=open,lost,stolen":                `status may hold open, won, lost, deleted, got "stolen"`,
		"ids=" + many:                            "ids may hold 100 ids, got 101",
		"ids=1,x":                                "ids must be whole numbers",
		"cursor=garbage":                         "cursor is invalid",
		"cursor=" + byID + "&sort_by=add_time":   "cursor belongs to another order",
		"owner_id=me":                            "owner_id must be a whole number",
		"include_fields=secrets":                 "include_fields may hold",
		"filter_id=3":                            "filter_id 3 does not exist",
	} {
		a := b.send("GET", "/api/v2/deals?"+query, nil)
		v := a.json(t)
		if msg, _ := v["error"].(string); a.status != 400 || v["success"] != false || !strings.Contains(msg, want) {
			t.Errorf("%s: %d %s, want 400 with %q", query, a.status, a.body, want)
		}
	}
}

func TestFiltersOfDeals(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	org := b.one("POST", "/api/v2/organizations", object{"name": "O"})["id"]
	person := b.one("POST", "/api/v2/persons", object{"name": "P"})["id"]
	for _, body := range []object{
		{"title": "1", "org_id": org}, {"title": "2", "person_id": person}, {"title": "3", "stage_id": 2},
		{"title": "4", "status": "won"}, {"title": "5", "status": "lost"}, {"title": "6", "is_archived": true}, {"title": "7"},
	} {
		b.one("POST", "/api/v2/deals", body)
	}
	b.must("DELETE", "/api/v2/deals/7", nil)
	for path, want := range map[string][]int64{
		"/api/v2/deals?limit=9":                                {1, 2, 3, 4, 5},
		"/api/v2/deals?limit=9&status=open,won":                {1, 2, 3, 4},
		"/api/v2/deals?limit=9&status=lost":                    {5},
		"/api/v2/deals?limit=9&status=deleted":                 {7},
		"/api/v2/deals?limit=9&status=open,won,lost,deleted":   {1, 2, 3, 4, 5, 7},
		"/api/v2/deals/archived?limit=9":                       {6},
		"/api/v2/deals?limit=9&org_id=1":                       {1},
		"/api/v2/deals?limit=9&person_id=1":                    {2},
		"/api/v2/deals?limit=9&person_id=1&org_id=1":           nil,
		"/api/v2/deals?limit=9&stage_id=2":                     {3},
		"/api/v2/deals?limit=9&owner_id=1&ids=5,1,99,2&x=":     {1, 2, 5},
		"/api/v2/deals?limit=9&pipeline_id=4":                  nil,
		"/api/v2/persons?limit=9&deal_id=2":                    {1},
		"/api/v2/persons?limit=9&deal_id=1":                    nil,
		"/api/v2/deals?limit=9&sort_by=id&sort_direction=desc": {5, 4, 3, 2, 1},
	} {
		if diff := cmp.Diff(want, b.walk(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestDeletedDealsStayReadableForThirtyDays(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.one("POST", "/api/v2/deals", object{"title": "x"})
	b.must("DELETE", "/api/v2/deals/1", nil)
	b.clock.Advance(30*24*time.Hour - time.Second)
	if d := b.one("GET", "/api/v2/deals/1", nil); d["is_deleted"] != true || d["status"] != "deleted" {
		t.Errorf("within 30 days: is_deleted %v, status %v; want true and deleted", d["is_deleted"], d["status"])
	}
	b.clock.Advance(time.Second)
	if a := b.send("GET", "/api/v2/deals/1", nil); a.status != 404 {
		t.Errorf("after 30 days: %d, want 404", a.status)
	}
	if got := b.walk("/api/v2/deals?status=deleted"); len(got) != 0 {
		t.Errorf("after 30 days the list still has %v", got)
	}
}

func TestLeadsAndNotesPageByPosition(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if err := b.Generate(8, Scale{Deals: 20, Persons: 20, Leads: 23, Notes: 31}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/leads", "/v1/leads/archived", "/v1/notes", "/api/v1/notes"} {
		seen := map[any]bool{}
		for start, more := 0, true; more; start += 5 {
			v := b.send("GET", fmt.Sprintf("%s?start=%d&limit=5&sort=update_time%%20ASC", path, start), nil).json(t)
			for _, r := range v["data"].([]any) {
				id := r.(object)["id"]
				if seen[id] {
					t.Errorf("%s: %v came twice", path, id)
				}
				seen[id] = true
			}
			paging := v["additional_data"].(object)["pagination"].(object)
			more = paging["more_items_in_collection"].(bool)
			_, next := paging["next_start"]
			if wantNext := more && strings.Contains(path, "notes"); next != wantNext {
				t.Errorf("%s: next_start there: %v, want %v (leads have none)", path, next, wantNext)
			}
		}
		object, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/api"), "/v1/"), "/")
		live, archived, _ := b.Count(object)
		want := live - archived
		if strings.HasSuffix(path, "archived") {
			want = archived
		}
		if len(seen) != want {
			t.Errorf("%s: %d records, want %d", path, len(seen), want)
		}
	}
}

func TestIncludeFieldsCount(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.one("POST", "/api/v2/persons", object{"name": "P"})
	b.one("POST", "/api/v2/products", object{"name": "Q"})
	b.one("POST", "/api/v2/deals", object{"title": "x", "person_id": 1, "label_ids": []int{labelID(b)}})
	b.one("POST", "/api/v2/deals/1/products", object{"product_id": 1, "item_price": 2, "quantity": 3})
	for _, due := range []string{"2026-12-02", "2026-12-01"} {
		b.one("POST", "/api/v2/activities", object{"subject": "s", "deal_id": 1, "due_date": due})
	}
	b.one("POST", "/api/v2/activities", object{"subject": "s", "deal_id": 1, "done": true})
	b.one("POST", "/v1/notes", object{"content": "n", "deal_id": 1})
	b.must("PATCH", "/api/v2/deals/1", object{"status": "won"})
	names := "products_count,activities_count,done_activities_count,undone_activities_count,notes_count,next_activity_id,last_activity_id,first_won_time,source_lead_id"
	got := b.list("/api/v2/deals?include_labels=true&include_fields=" + names)[0]
	want := object{
		"products_count": 1.0, "activities_count": 3.0, "done_activities_count": 1.0, "undone_activities_count": 2.0,
		"notes_count": 1.0, "next_activity_id": 2.0, "last_activity_id": 3.0, "first_won_time": noon().Format(instantLayout),
		"source_lead_id": nil, "labels": []any{object{"id": float64(labelID(b)), "label": "Hot"}},
	}
	for key, v := range want {
		if diff := cmp.Diff(v, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if p := b.list("/api/v2/persons?include_fields=won_deals_count,open_deals_count")[0]; p["won_deals_count"] != 1.0 || p["open_deals_count"] != 0.0 {
		t.Errorf("person: won %v, open %v; want 1 and 0", p["won_deals_count"], p["open_deals_count"])
	}
}

// labelID is the first label that deals may have.
func labelID(b *bundle) int { return int(b.field("deal", "label_ids").Options[0].ID.number()) }
