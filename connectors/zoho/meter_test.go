package zoho_test

import (
	"net/http"
	"testing"
	"time"

	"salesbook.dev/connectors/zoho"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	m := zoho.Spec().Meter
	for path, want := range map[string]int{"/crm/v8/Deals": 1, "/crm/v8/coql": 1, "/oauth/v2/token": 0, "/crm/v8/Leads/1/actions/convert": 5} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://www.zohoapis.eu"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Cost(req); got != want {
			t.Errorf("%s costs %d, want %d", path, got, want)
		}
	}
	tests := []struct {
		status int
		header http.Header
		left   int // -1: not told
		after  time.Duration
	}{
		{200, http.Header{}, -1, 0},
		{200, http.Header{"X-Api-Credits-Remaining": {"2400"}}, 2400, 0},
		{429, http.Header{}, -1, 10 * time.Second},
		{429, http.Header{"X-Api-Credits-Remaining": {"0"}}, -1, time.Hour},
		{429, http.Header{"Retry-After": {"7"}}, -1, 7 * time.Second},
	}
	for _, tt := range tests {
		u := m.Usage(&http.Response{StatusCode: tt.status, Header: tt.header})
		left := -1
		if u.DailyRemaining != nil {
			left = *u.DailyRemaining
		}
		if left != tt.left || u.RetryAfter != tt.after || u.Exhausted != (tt.status == 429) {
			t.Errorf("%d %v: %+v, left %d", tt.status, tt.header, u, left)
		}
	}
}

func TestEditions(t *testing.T) {
	t.Parallel()
	for org, want := range map[string]int{"free": 5_000, "": 5_000, "standard": 50_000, "enterprise": 50_000, "zohoone": 50_000} {
		f := answers(t, func(_, path, _ string) (int, string) {
			switch {
			case path == "/crm/v8/org":
				return 200, `{"org":[{"id":"1","company_name":"A","time_zone":"Europe/Warsaw","license_details":{"paid_type":"` + org + `"}}]}`
			case path == "/crm/v8/users?type=CurrentUser":
				return 200, `{"users":[{"id":"7"}]}`
			}
			return 204, ""
		})
		rights, err := f.connect(t).Check(t.Context())
		if err != nil || rights.Quota.Daily != want || rights.User != "7" || rights.Account != "1" || len(rights.Missing) > 0 {
			t.Errorf("%q: %+v, error %v, want %d credits", org, rights, err, want)
		}
	}
}
