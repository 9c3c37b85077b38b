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
