package jobs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
)

// pullsAsked takes the pulls that wait for a worker, and counts them.
func (a *zohoAccount) pullsAsked(t *testing.T) int {
	t.Helper()
	return one[int](t, a.bundle, `WITH d AS (DELETE FROM river.river_job WHERE kind = 'pull' RETURNING 1) SELECT count(*) FROM d`)
}

func (a *zohoAccount) subscriptions(t *testing.T) (subs []connectors.Subscription) {
	t.Helper()
	a.in(t, func(tx pgx.Tx) (err error) {
		subs, err = postgres.Subscriptions(t.Context(), tx, a.ws, a.conn)
		return err
	})
	return subs
}

// TestZohoChannelsThatWereLost: whatever was not told meanwhile is read at once.
func TestZohoChannelsThatWereLost(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	a.receive(t)
	a.pullsAsked(t)
	watch := func() {
		t.Helper()
		if err := a.Watch(t.Context(), a.ws, a.conn); err != nil {
			t.Fatal(err)
		}
	}
	if watch(); a.pullsAsked(t) != 0 {
		t.Error("all channels stood, and yet everything is pulled")
	}
	for name, lose := range map[string]func() error{
		"somebody removed them": a.zoho.ForgetChannels,
		"they ended while nobody renewed them": func() error {
			_, err := a.zoho.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: 8 * 24 * time.Hour})
			return err
		},
	} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		if n := len(a.zoho.Channels()); n != 0 {
			t.Fatalf("%s: %d channels live", name, n)
		}
		watch()
		if live, n := len(a.zoho.Channels()), a.pullsAsked(t); n != 1 || live != len(a.subscriptions(t)) || live == 0 {
			t.Errorf("%s: %d pulls are asked for, want one; %d channels live, %d are known", name, n, live, len(a.subscriptions(t)))
		}
	}
}

// TestZohoRefusesAChannel: what stands is known and renewed, and what is refused is
// told; the job is no failure.
func TestZohoRefusesAChannel(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	a.zoho.Hide("Products")
	a.receive(t)
	told := func() map[string]bool {
		t.Helper()
		out := map[string]bool{}
		for _, s := range a.subscriptions(t) {
			out[s.Object] = s.Active
			if s.Active == (s.Refused != "") || s.Refused != "" && !strings.Contains(s.Refused, "NO_PERMISSION") {
				t.Errorf("%+v", s)
			}
		}
		return out
	}
	want := map[string]bool{"Accounts": true, "Contacts": true, "Products": false, "Deals": true, "Leads": true, "Tasks": true, "Events": true, "Calls": true}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	first := a.subscriptions(t)
	if _, err := a.zoho.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: 25 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	a.pullsAsked(t)
	if err := a.Watch(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	for i, s := range a.subscriptions(t) {
		if s.ID != first[i].ID || s.Active && !s.ExpiresAt.After(first[i].ExpiresAt) {
			t.Errorf("a day later %+v, before %+v", s, first[i])
		}
	}
	if n := a.pullsAsked(t); n != 0 {
		t.Errorf("%d pulls are asked for a channel that is refused", n)
	}
	var s postgres.Standing
	a.in(t, func(tx pgx.Tx) (err error) {
		s, err = postgres.StandingOf(t.Context(), tx, a.ws, a.conn, "", nil)
		return err
	})
	if s.Subscriptions != 7 || s.Inactive != 0 || s.Refused != 1 {
		t.Errorf("%d subscriptions, %d inactive, %d refused", s.Subscriptions, s.Inactive, s.Refused)
	}
}
