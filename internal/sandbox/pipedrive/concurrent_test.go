package pipedrive

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManyClientsAtOnce is for the race detector: readers in every order,
// writers and the trickle share one account.
func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	b := generated(t, 80)
	l := listen(t)
	b.subscribe(l, "*", "*")
	var wg sync.WaitGroup
	run := func(do func(n int)) {
		wg.Go(func() {
			for n := range 6 {
				do(n)
			}
		})
	}
	get := func(path string) {
		w := capture{header: http.Header{}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", path, http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("x-api-token", "x")
		b.ServeHTTP(&w, r)
		if w.status != 200 {
			t.Errorf("%s: %d %s", path, w.status, w.body.Bytes())
		}
	}
	since := "&updated_since=" + noon().AddDate(0, 0, -20).Format(instantLayout)
	for _, path := range []string{
		"/api/v2/deals?sort_by=update_time&limit=50" + since, "/api/v2/deals?include_fields=activities_count,next_activity_id",
		"/api/v2/activities?deal_id=3", "/api/v2/persons?include_fields=open_deals_count", "/v1/leads?sort=update_time%20DESC", "/v1/notes",
		"/api/v2/dealFields", "/v1/webhooks", "/v1/users/me",
	} {
		run(func(int) { get(path) })
	}
	run(func(n int) {
		if _, err := b.Do(1, "POST", "/api/v2/dealFields", object{"field_name": fmt.Sprint(n), "field_type": "text"}); err != nil {
			t.Error(err)
		}
	})
	run(func(n int) {
		if _, err := b.Trickle(rand.New(rand.NewPCG(uint64(n), 1)), 3); err != nil {
			t.Error(err)
		}
	})
	run(func(int) { b.Count("deals"); snapshot(b.Sim) })
	wg.Wait()
	b.settled()
	if len(l.take()) == 0 {
		t.Error("no webhook came")
	}
}

func TestDescendingPagesStandDeletions(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	for range 6 {
		b.one("POST", "/api/v2/deals", object{"title": "x"})
	}
	const list = "/api/v2/deals?limit=2&sort_direction=desc"
	cursor := b.send("GET", list, nil).json(t)["additional_data"].(object)["next_cursor"].(string)
	b.must("DELETE", "/api/v2/deals/4", nil) // the record that the cursor points at
	got := b.walk(list + "&cursor=" + url.QueryEscape(cursor))
	if diff := cmp.Diff([]int64{3, 2, 1}, got[:3]); diff != "" || slices.Contains(got, 4) {
		t.Errorf("after the first page (-want +got):\n%s", diff)
	}
}
