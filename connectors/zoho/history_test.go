package zoho_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// moved is an account whose deals have gone through stages, and their ids. Equal
// calls make equal accounts.
func moved(t *testing.T, deals, moves int, hidden ...string) (*account, connectors.Config, []string) {
	t.Helper()
	clock := sandbox.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	sim, err := vendor.Open(vendor.Options{Clock: clock, Token: goodToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	for _, module := range hidden {
		sim.Hide(module)
	}
	a := &account{Sim: sim, clock: clock, known: map[string][]string{}}
	var ids []string
	for i := range deals {
		ids = append(ids, a.do(t, "POST", "/crm/v8/Deals", map[string]any{"data": []any{a.draft("Deals", i, nil)}}))
	}
	for n := range moves {
		stage := []string{"Needs Analysis", "Qualification"}[n%2]
		for _, id := range ids {
			a.do(t, "PUT", "/crm/v8/Deals/"+id, map[string]any{"data": []any{map[string]any{"Stage": stage}}})
		}
	}
	server := httptest.NewServer(zoho.Audited(t, sim))
	t.Cleanup(server.Close)
	cfg := good(server.URL)
	cfg.Secrets["client_secret"] = goodSecret
	return a, cfg, ids
}

// histories are what is known of stays, by deal and id of the stay.
func histories(t *testing.T, cfg connectors.Config, ids []string) map[string]string {
	t.Helper()
	page, err := opened(t, cfg).(connectors.Fetcher).Fetch(t.Context(), "Stage_History", ids)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Closed) != len(ids) {
		t.Errorf("%d scopes are closed, of %d deals", len(page.Closed), len(ids))
	}
	out := map[string]string{}
	for _, r := range page.Records {
		v, err := zoho.Spec().Decoder.Decode(r.Object, r.Shape, r.Raw)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, key := range []string{"stage_key", "Stage", "Moved_To__s", "Modified_Time", "Modified_By", "Duration_Days", "Amount", "Probability", "Pipeline"} {
			text += fmt.Sprintf("%s=%v ", key, v.Get(key))
		}
		if _, again := out[r.Parent+" "+r.ID]; again {
			t.Errorf("the stay %s came twice", r.ID)
		}
		out[r.Parent+" "+r.ID] = text
	}
	return out
}

// TestHistoriesComeTogether: of many deals for a few credits, and with all that
// their own lists tell.
func TestHistoriesComeTogether(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		deals, moves   int
		together, each int64 // credits
	}{
		// The deals, the columns, and the rows: 1,000 for two, 200 for one.
		{30, 2, 1 + 1 + 2, 1 + 1 + 30},
		{5, 44, 1 + 1 + 2, 1 + 1 + 5}, // 225 rows: two queries
		{1, 0, 1 + 1 + 1, 1 + 1 + 1},
	} {
		a, cfg, ids := moved(t, tt.deals, tt.moves)
		spent := a.Spent()
		together := histories(t, cfg, ids)
		if got := a.Spent() - spent; got != tt.together {
			t.Errorf("%d deals cost %d credits together, want %d", tt.deals, got, tt.together)
		}
		b, cfg, ids := moved(t, tt.deals, tt.moves, "DealHistory")
		spent = b.Spent()
		each := histories(t, cfg, ids)
		if got := b.Spent() - spent; got != tt.each {
			t.Errorf("%d deals cost %d credits one by one, want %d", tt.deals, got, tt.each)
		}
		if diff := cmp.Diff(each, together); diff != "" || len(each) != tt.deals*(1+tt.moves) {
			t.Errorf("%d stays (-one by one +together):\n%s", len(each), diff)
		}
	}
}

// stays is a vendor whose two deals have a history each; the query shows what a
// test makes of it.
func stays(t *testing.T, query func() (int, string)) *fake {
	t.Helper()
	return answers(t, func(method, path, _ string) (int, string) {
		switch {
		case strings.Contains(path, "/settings/fields"):
			return 200, `{"fields":[{"api_name":"Stage","data_type":"text"},{"api_name":"Potential_Name","data_type":"lookup"}]}`
		case method == "POST":
			return query()
		case strings.Contains(path, "/Stage_History"):
			return 200, list(`{"id":"9` + strings.Split(path, "/")[4] + `","Stage":"A","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
		}
		return 200, list(`{"id":"1","Pipeline":"P"}`, `{"id":"2","Pipeline":"P"}`)
	})
}

// TestHistoriesThatAreNotShownTogether are read one by one.
func TestHistoriesThatAreNotShownTogether(t *testing.T) {
	t.Parallel()
	const first = `{"id":"91","Stage":"A","Potential_Name":{"id":"1","name":"x"},"Modified_Time":"2026-11-22T12:00:00+01:00"}`
	for name, tt := range map[string]struct {
		status int
		body   string
		asked  int // requests: deals, columns, query, and lists
	}{
		"both":           {200, list(first, `{"id":"92","Stage":"A","Potential_Name":"2","Modified_Time":"2026-11-22T12:00:00+01:00"}`), 3},
		"one":            {200, list(first), 4},
		"none":           {204, "", 5},
		"no such module": {400, `{"code":"INVALID_QUERY","message":"the module is not supported","details":{},"status":"error"}`, 5},
		"no permission":  {403, `{"code":"NO_PERMISSION","message":"permission denied","details":{},"status":"error"}`, 5},
	} {
		f := stays(t, func() (int, string) { return tt.status, tt.body })
		page, err := f.connect(t).(connectors.Fetcher).Fetch(t.Context(), "Stage_History", []string{"1", "2"})
		if err != nil || len(page.Records) != 2 || len(page.Closed) != 2 || page.Records[0].ID != "91" || page.Records[1].ID != "92" || page.Records[1].Parent != "2" {
			t.Errorf("%s: %+v, error %v", name, page, err)
		}
		if len(f.asked) != tt.asked {
			t.Errorf("%s: %d requests, want %d: %q", name, len(f.asked), tt.asked, f.asked)
		}
	}
}

// TestHistoriesOfOthersAreNotBelieved: a query that was not narrowed tells nothing
// whole.
func TestHistoriesOfOthersAreNotBelieved(t *testing.T) {
	t.Parallel()
	f := stays(t, func() (int, string) {
		return 200, list(`{"id":"91","Stage":"A","Potential_Name":{"id":"3"},"Modified_Time":"2026-11-22T12:00:00+01:00"}`)
	})
	page, err := f.connect(t).(connectors.Fetcher).Fetch(t.Context(), "Stage_History", []string{"1", "2"})
	if fault.KindOf(err) != fault.Temporary || len(page.Closed) > 0 {
		t.Errorf("%+v, error %v (%v)", page, err, fault.KindOf(err))
	}
}
