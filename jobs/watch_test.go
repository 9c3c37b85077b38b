package jobs_test

import "testing"

// TestLostSubscriptionsAreMadeUpFor: what the vendor has lost is made anew, and what
// happened meanwhile is pulled at once. Where nothing was lost, nothing is.
func TestLostSubscriptionsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	for vendor, open := range map[string]func(*testing.T) *bundle{"pipedrive": pipedriveCompany, "zoho": zohoCompany} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			watch := func() {
				t.Helper()
				b.noPullAsked(t)
				if err := b.Watch(t.Context(), b.ws, b.conn); err != nil {
					t.Fatal(err)
				}
			}
			b.receive(t)
			if !b.pullAsked(t) {
				t.Error("nobody reads what happened before the first subscription")
			}
			if watch(); b.pullAsked(t) {
				t.Error("a pull was asked for though nothing was lost")
			}
			loseSubscriptions(t, b)
			if watch(); !b.pullAsked(t) {
				t.Error("nobody reads what happened while subscriptions were lost")
			}
			if watch(); b.pullAsked(t) {
				t.Error("a pull was asked for again")
			}
		})
	}
}
