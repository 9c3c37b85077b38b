package jobs_test

import (
	"net/http"
	"strings"
	"testing"

	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// mute is a vendor whose answers do not tell of the day's budget, as
// Pipedrive's after an idle time.
type mute struct{ http.RoundTripper }

func (m mute) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.RoundTripper.RoundTrip(r)
	if err == nil {
		for name := range resp.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-daily-") {
				resp.Header.Del(name)
			}
		}
	}
	return resp, err
}

// TestConnectingIsChargedToTheDay: the first calls are made before the company
// is known whose budget they use.
func TestConnectingIsChargedToTheDay(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"as the vendor tells": true, "as we count": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := pipedrive.Limits{Burst: 400, DailyTokens: 30_000}
			b := simulated(t, pgtest.New(t), 0, pipedrive.Options{Limits: limits})
			if !told {
				b.Transport = mute{http.DefaultTransport}
			}
			b.connect(t)
			q, err := b.DB.Quota(t.Context(), one[int64](t, b, `SELECT vendor_account_id FROM connections WHERE id = $1`, b.conn))
			if err != nil {
				t.Fatal(err)
			}
			spent := b.sim.Spent()
			if spent == 0 {
				t.Fatal("connecting cost nothing, which proves nothing")
			}
			if q.DailyLeft == nil || int64(*q.DailyLeft) != limits.DailyTokens-spent {
				t.Errorf("we believe in %v tokens, the vendor has %d left", q.DailyLeft, limits.DailyTokens-spent)
			}
		})
	}
}
