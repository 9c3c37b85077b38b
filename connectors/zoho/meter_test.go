package zoho_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/rest"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	m := zoho.Spec().Meter
	for path, want := range map[string]int{"/crm/v8/Deals": 1, "/crm/v8/coql": 1, "/oauth/v2/token": 0} {
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
		half   bool
		after  time.Duration
	}{
		{200, http.Header{}, -1, true, 0},
		{204, http.Header{}, -1, true, 0},
		{200, http.Header{"X-Api-Credits-Remaining": {"2400"}}, 2400, false, 0},
		{500, http.Header{}, -1, false, 0},
		{304, http.Header{}, -1, false, 0},
		{429, http.Header{}, -1, false, 10 * time.Second},
		{429, http.Header{"X-Api-Credits-Remaining": {"0"}}, 0, false, time.Hour},
		{429, http.Header{"Retry-After": {"7"}}, -1, false, 7 * time.Second},
	}
	for _, tt := range tests {
		u := m.Usage(&http.Response{StatusCode: tt.status, Header: tt.header})
		left := -1
		if u.DailyRemaining != nil {
			left = *u.DailyRemaining
		}
		if left != tt.left || u.HalfLeft != tt.half || u.RetryAfter != tt.after || u.Exhausted != (tt.status == 429) {
			t.Errorf("%d %v: %+v, left %d", tt.status, tt.header, u, left)
		}
	}
}

func TestEditions(t *testing.T) {
	t.Parallel()
	rolls := func(credits, atOnce, heavy int) rest.Quota {
		return rest.Quota{Daily: credits, Rolling: true, AtOnce: atOnce, HeavyAtOnce: heavy}
	}
	tests := []struct {
		paid  string
		seats int
		want  rest.Quota
	}{
		{"free", 3, rolls(5_000, 5, 5)}, {"", 0, rolls(5_000, 5, 5)}, {"standard", 10, rolls(52_500, 10, 10)}, {"standard", 900, rolls(100_000, 10, 10)},
		{"professional", 30, rolls(65_000, 15, 10)}, {"enterprise", 0, rolls(50_000, 20, 10)}, {"enterprise", -4, rolls(50_000, 20, 10)},
		{"zohoone", 100, rolls(150_000, 20, 10)}, {"ultimate", 1 << 40, rolls(200_050_000, 25, 10)},
	}
	for _, tt := range tests {
		f := answers(t, func(_, path, _ string) (int, string) {
			switch {
			case path == "/crm/v8/org":
				return 200, fmt.Sprintf(`{"org":[{"id":"1","company_name":"A","time_zone":"Europe/Warsaw","license_details":{"paid_type":%q,"users_license_purchased":%d}}]}`, tt.paid, tt.seats)
			case path == "/crm/v8/users?type=CurrentUser":
				return 200, `{"users":[{"id":"7"}]}`
			}
			return 204, ""
		})
		rights, err := f.connect(t).Check(t.Context())
		if err != nil || rights.User != "7" || rights.Account != "1" || len(rights.Missing) > 0 {
			t.Errorf("%q: %+v, error %v", tt.paid, rights, err)
		}
		if diff := cmp.Diff(tt.want, rights.Quota); diff != "" {
			t.Errorf("%q with %d seats (-want +got):\n%s", tt.paid, tt.seats, diff)
		}
	}
}

func TestHeavyCalls(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{"/crm/v8/coql": true, "/crm/v8/Deals": false, "/crm/v8/Deals/1": false, "/oauth/v2/token": false} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://www.zohoapis.eu"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := zoho.Spec().Meter.Heavy(req); got != want {
			t.Errorf("%s is heavy: %v, want %v", path, got, want)
		}
	}
}
