package jobs_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
	"salesbook.dev/internal/sandbox"
	vendor "salesbook.dev/internal/sandbox/zoho"
	"salesbook.dev/internal/seal"
	"salesbook.dev/jobs"
)

// limitedZoho is an account of the smallest paid edition whose calls take a
// while, so that many are under way together, with a second process beside.
func limitedZoho(t *testing.T) (*zohoAccount, []*jobs.Pipeline) {
	t.Helper()
	limits, err := vendor.EditionLimits("standard", 4)
	if err != nil {
		t.Fatal(err)
	}
	a := connectZohoWith(t, vendor.Options{Company: vendor.Company{Edition: "standard", Seats: 4}, Limits: limits})
	if _, err := a.zoho.Inject(sandbox.Fault{Kind: sandbox.Slow, Delay: 3 * time.Millisecond, P: 1}); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Open(a.key)
	if err != nil {
		t.Fatal(err)
	}
	beside, pool, err := assemble(t.Context(), a.DB, keys, a.db.RiverURL, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return a, []*jobs.Pipeline{a.Pipeline, beside}
}

// TestZohosCallsAtOnceOfAllProcesses: two processes that call as fast as they can,
// in all lanes, are never refused for too many calls at once, and count the
// credits as the vendor does.
func TestZohosCallsAtOnceOfAllProcesses(t *testing.T) {
	t.Parallel()
	a, processes := limitedZoho(t)
	id := a.do("POST", "Deals", map[string]any{"Deal_Name": "Umowa", "Stage": "Qualification"})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	for _, p := range processes {
		for _, lane := range []rest.Lane{rest.Webhook, rest.WriteBack, rest.Incremental, rest.Sweep, rest.Backfill, rest.History, rest.Interactive} {
			s, err := p.Open(t.Context(), a.ws, a.conn)
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.Connector(t.Context(), lane)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				all.Go(func() { callAgainAndAgain(ctx, t, c, id) })
			}
		}
	}
	all.Wait()
	if over := a.zoho.Refused(); over != (vendor.Refusals{}) {
		t.Errorf("the vendor refused %+v", over)
	}
	q := a.quota(t)
	if left := 51_000 - int(a.zoho.Spent()); *q.Daily != 51_000 || *q.DailyLeft != left || a.zoho.Spent() < 30 {
		t.Errorf("%d of %d credits are left, by the vendor %d of 51,000", *q.DailyLeft, *q.Daily, left)
	}
	if q.UnderWay != 0 || *q.AtOnce != 10 || !q.Rolling {
		t.Errorf("%d of %d calls under way when all have ended, rolling %v", q.UnderWay, *q.AtOnce, q.Rolling)
	}
}

// callAgainAndAgain reads a deal and asks what changed until the time is over.
func callAgainAndAgain(ctx context.Context, t *testing.T, c connectors.Connector, id string) {
	for ctx.Err() == nil {
		// Calls are not cut off: one that was would be counted there, and not here.
		_, err := c.(connectors.Fetcher).Fetch(t.Context(), "Deals", []string{id})
		for _, wrong := range c.(connectors.Puller).Pull(t.Context(), "Deals", "") {
			err = errors.Join(err, wrong)
			break
		}
		if err != nil && fault.KindOf(err) != fault.Limited {
			t.Error(err)
			return
		}
	}
}

// quota is what is left of the account's budget.
func (a *zohoAccount) quota(t *testing.T) postgres.QuotaStatus {
	t.Helper()
	s, err := a.Open(t.Context(), a.ws, a.conn)
	if err != nil {
		t.Fatal(err)
	}
	q, err := a.DB.Quota(t.Context(), *s.VendorAccountID)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestZohosCreditsAreCorrectedByWhatItTells: another tool spends most of them.
func TestZohosCreditsAreCorrectedByWhatItTells(t *testing.T) {
	t.Parallel()
	a := connectZohoWith(t, vendor.Options{Company: vendor.Company{Edition: "free", Seats: 3}, Limits: vendor.Limits{Credits: 5000, Concurrency: 5, Heavy: 5}})
	id := a.do("POST", "Deals", map[string]any{"Deal_Name": "Umowa", "Stage": "Qualification"})
	read := func(lane rest.Lane) error {
		t.Helper()
		s, err := a.Open(t.Context(), a.ws, a.conn)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Connector(t.Context(), lane)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.(connectors.Fetcher).Fetch(t.Context(), "Deals", []string{id})
		return err
	}
	before := int(a.zoho.Spent())
	if err := read(rest.History); err != nil {
		t.Fatal(err)
	}
	if q := a.quota(t); *q.DailyLeft != 5000-int(a.zoho.Spent()) || before == 0 {
		t.Errorf("%d are left, %d were spent", *q.DailyLeft, a.zoho.Spent())
	}
	a.zoho.Charge(4000)
	if err := read(rest.Webhook); err != nil {
		t.Fatal(err)
	}
	if q := a.quota(t); *q.DailyLeft != 5000-int(a.zoho.Spent()) {
		t.Errorf("%d are left, by the vendor %d", *q.DailyLeft, 5000-a.zoho.Spent())
	}
	err := read(rest.Backfill)
	if fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) > time.Hour {
		t.Errorf("a first load goes on with a fifth left: error %v", err)
	}
	a.zoho.Charge(5000)
	if err := read(rest.Webhook); fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) != time.Hour {
		t.Errorf("with nothing left: error %v, after %v", err, fault.RetryAfter(err))
	}
	if q := a.quota(t); *q.DailyLeft != 0 || q.ParkedUntil == nil {
		t.Errorf("%d are left, parked until %v", *q.DailyLeft, q.ParkedUntil)
	}
}
