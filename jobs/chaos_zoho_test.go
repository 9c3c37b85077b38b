package jobs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// manyProducts are more than are committed at once: six hundred, of three lists.
const manyProducts = 650

// zohoCompany has deals with more fields than one answer holds.
func zohoCompany(t *testing.T) *bundle {
	t.Helper()
	return zohoCompanyOf(t, vendor.ScaleOf(20))
}

// zohoShop has so many products that their list has pages.
func zohoShop(t *testing.T) *bundle {
	t.Helper()
	scale := vendor.ScaleOf(20)
	scale.Products = manyProducts
	return zohoCompanyOf(t, scale)
}

// zohoWithoutHistories shows the histories of deals one by one alone.
func zohoWithoutHistories(t *testing.T) *bundle {
	t.Helper()
	b := zohoCompany(t)
	b.crm.(*zohoCRM).Hide("DealHistory")
	return b
}

func zohoCompanyOf(t *testing.T, scale vendor.Scale) *bundle {
	t.Helper()
	a := connectZoho(t)
	if err := a.zoho.Generate(1, scale); err != nil {
		t.Fatal(err)
	}
	return a.bundle
}

// zohoCompanies are those whose workers are killed where the calls of this vendor
// divide the work.
func zohoCompanies() map[string]company {
	return map[string]company{
		"zoho load":            {zohoCompany, zohoLoads()},
		"zoho pull":            {zohoCompany, zohoPulls()},
		"zoho receive":         {zohoCompany, zohoReceptions()},
		"zoho history":         {zohoCompany, zohoHistories()},
		"zoho history of each": {zohoWithoutHistories, zohoHistoriesOfEach()},
		"zoho pages":           {zohoShop, zohoPages()},
		"zoho watch":           {zohoCompany, zohoWatches()},
	}
}

func zohoLoads() map[string]scene {
	return map[string]scene{
		"load": {do: "pull", prepare: loadAnew, meanwhile: retitleOne, boundaries: map[string]boundary{
			"before the first list is asked for":            {"request", "/Deals", 1},
			"some columns have come, others have not":       {"answer", "/Deals", 1},
			"right before the COMMIT of a page":             {"commit", "INSERT INTO deals", 1},
			"right after the COMMIT of a page":              {"committed", "INSERT INTO deals", 1},
			"what changed meanwhile is found, and not read": {"answer", "/coql", 4},
			"everything read, lease not released":           {"statement", "UPDATE leases SET until = '-infinity'", 1},
		}, check: ofOneState},
	}
}

func zohoPulls() map[string]scene {
	return map[string]scene{
		"pull": {do: "pull", prepare: changeDeals, boundaries: map[string]boundary{
			"what changed is found, and not read":           {"answer", "/coql", 4},
			"some columns have come, others have not":       {"answer", "/Deals", 1},
			"right after it, what was deleted is not asked": {"committed", "INSERT INTO deals", 1},
			"the list of the deleted has come":              {"answer", "/Deals/deleted", 1},
			"right before the COMMIT of what was deleted":   {"commit", "UPDATE deals SET deleted_at", 1},
		}, check: ofOneState},
	}
}

func zohoReceptions() map[string]scene {
	return map[string]scene{
		"receive": {do: "receive", prepare: pilesUp, meanwhile: retitleOne, boundaries: map[string]boundary{
			"delivery seen, nothing asked":              {"request", "/Deals", 1},
			"some columns have come, others have not":   {"answer", "/Deals", 1},
			"record fetched again, nothing written":     {"answer", "/Deals", 2},
			"right before the COMMIT of the records":    {"commit", "INSERT INTO deals", 1},
			"records committed, delivery still waiting": {"committed", "INSERT INTO deals", 1},
			"right before the delivery's own COMMIT":    {"commit", "UPDATE inbox SET done_at", 1},
		}, check: ofOneState},
	}
}

func zohoHistories() map[string]scene {
	return map[string]scene{
		"history": {do: "history", prepare: forgetHistory, boundaries: map[string]boundary{
			"before the histories are asked for":   {"request", "/coql", 1},
			"histories fetched, nothing written":   {"answer", "/coql", 1},
			"right before the COMMIT of histories": {"commit", "INSERT INTO parents_read", 1},
			"right after the COMMIT of histories":  {"committed", "INSERT INTO parents_read", 1},
		}, check: historyIsWhole},
	}
}

func zohoHistoriesOfEach() map[string]scene {
	return map[string]scene{
		"history": {do: "history", prepare: forgetHistory, boundaries: map[string]boundary{
			"some histories fetched, others not": {"answer", "/Stage_History", 7},
		}, check: historyIsWhole},
	}
}

// zohoPages are of lists that have several, of which three are committed together.
func zohoPages() map[string]scene {
	return map[string]scene{
		"load": {do: "pull", prepare: loadAnew, boundaries: map[string]boundary{
			"the next place in a list is told, and not yet stored": {"answer", "/Products", 4},
		}},
		"sweep": {do: "sweep", prepare: loseContact, boundaries: map[string]boundary{
			"the next place in a list is told, and not yet stored": {"answer", "/Products", 4},
			"the vendor says that he is gone, not written":         {"answer", "/Contacts/", 1},
			"right before the COMMIT of the tombstone":             {"commit", "UPDATE people SET deleted_at", 1},
		}, check: sweptOnce},
	}
}

func zohoWatches() map[string]scene {
	return map[string]scene{
		"watch": {do: "watch", prepare: unsubscribe, boundaries: map[string]boundary{
			"before the vendor is asked to tell us": {"request", "/actions/watch", 2},
			"channels are open, and nobody knows":   {"answer", "/actions/watch", 2},
			"noted, lease not released":             {"committed", "INSERT INTO subscriptions", 1},
		}, check: channelsAsked},
		"watch again": {do: "watch", prepare: loseSubscriptions, boundaries: map[string]boundary{
			"channels are open again, and nobody knows": {"answer", "/actions/watch", 2},
			"channels are open again, and not noted":    {"commit", "INSERT INTO subscriptions", 1},
		}, check: channelsAsked},
		"watch beside another process": {do: "watch", prepare: doubleChannels, boundaries: map[string]boundary{
			"before the other's channels are ended": {"request", "/actions/watch", 2},
			"they are ended, and nobody knows":      {"answer", "/actions/watch", 2},
		}, check: channelsOnce},
		"renewal": {do: "watch", prepare: ageChannels, boundaries: map[string]boundary{
			"before the vendor is asked to renew": {"request", "/actions/watch", 2},
			"renewed, and nobody knows":           {"answer", "/actions/watch", 2},
			"renewed, and not noted":              {"commit", "INSERT INTO subscriptions", 1},
		}, check: channelsOnce},
	}
}

// loadAnew makes everything new to us, what has changed as well.
func loadAnew(t *testing.T, b *bundle) {
	t.Helper()
	startOver(t, b)
	one[int](t, b, `WITH d AS (DELETE FROM changes RETURNING 1) SELECT count(*) FROM d`)
}

// dealsAtZoho are the ids of so many living deals.
func dealsAtZoho(t *testing.T, b *bundle, n int) (ids []string) {
	t.Helper()
	for r := range b.crm.(*zohoCRM).Truth("Deals") {
		if len(ids) < n && !r.Deleted {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) != n {
		t.Fatalf("only %d deals", len(ids))
	}
	return ids
}

// retitleOne changes one of the deals that are on their way to us. The others show
// whether something was lost.
func retitleOne(t *testing.T, b *bundle) {
	t.Helper()
	retitleWhole(t, b, 1)
}

// retitleWhole changes deals in two fields that no answer holds together.
func retitleWhole(t *testing.T, b *bundle, n int) {
	t.Helper()
	for _, id := range dealsAtZoho(t, b, n) {
		title := fmt.Sprintf("Przemianowana %d", time.Now().UnixNano())
		if err := b.crm.set(id, map[string]any{"title": title, "custom_fields": map[string]any{"Why": title}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.crm.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ofOneState: no deal is put together from what it was and what it is.
func ofOneState(t *testing.T, b *bundle) {
	t.Helper()
	const changed = `SELECT count(*) FROM deals WHERE deleted_at IS NULL AND title LIKE 'Przemianowana %'`
	if n, whole := one[int](t, b, changed), one[int](t, b, changed+` AND custom ->> 'Why' = title`); n == 0 || whole != n {
		t.Errorf("%d of %d deals that were changed are whole", whole, n)
	}
}

// changeDeals changes deals, takes one away and brings one in.
func changeDeals(t *testing.T, b *bundle) {
	t.Helper()
	ids := dealsAtZoho(t, b, 4)
	if err := b.crm.remove(ids[3]); err != nil {
		t.Fatal(err)
	}
	if _, err := b.crm.offer(map[string]any{"title": "Нова угода"}); err != nil {
		t.Fatal(err)
	}
	retitleWhole(t, b, 3)
}

// loseContact deletes somebody at the vendor; a sweep asks no list of the deleted.
// Somebody else comes, so that there are people left however often it is done.
func loseContact(t *testing.T, b *bundle) {
	t.Helper()
	zoho := b.crm.(*zohoCRM)
	if _, err := zoho.do("", "POST", "Contacts", map[string]any{"Last_Name": "Нова Особа"}); err != nil {
		t.Fatal(err)
	}
	for r := range zoho.Truth("Contacts") {
		if !r.Deleted {
			if _, err := zoho.do("", "DELETE", "Contacts/"+r.ID, nil); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

// theirChannel is a channel as the vendor lists it.
type theirChannel struct {
	ID     json.Number `json:"channel_id"`
	URL    string      `json:"notify_url,omitempty"`
	Token  string      `json:"token,omitempty"`
	Events []string    `json:"events,omitempty"`
	Until  time.Time   `json:"channel_expiry"`
}

// channelsAtZoho are the channels that live.
func channelsAtZoho(t *testing.T, b *bundle) []theirChannel {
	t.Helper()
	answer, err := b.crm.(*zohoCRM).Do("", "GET", "/crm/v8/actions/watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Watch []theirChannel `json:"watch"`
	}
	if err := json.Unmarshal(answer, &list); err != nil || len(list.Watch) == 0 {
		t.Fatalf("channels: %v, error %v", list.Watch, err)
	}
	return list.Watch
}

// ageChannels lets what channels have left of their lives be an hour.
func ageChannels(t *testing.T, b *bundle) {
	t.Helper()
	settleChannels(t, b, "PATCH", func(ch theirChannel) theirChannel {
		return theirChannel{ID: ch.ID, Until: time.Now().Add(time.Hour)}
	})
}

// doubleChannels opens as many again, as a process does that has lost its lease and
// does not know.
func doubleChannels(t *testing.T, b *bundle) {
	t.Helper()
	settleChannels(t, b, "POST", func(ch theirChannel) theirChannel {
		ch.ID = json.Number(fmt.Sprint(time.Now().UnixNano()))
		return ch
	})
}

func settleChannels(t *testing.T, b *bundle, method string, of func(theirChannel) theirChannel) {
	t.Helper()
	var list []theirChannel
	for _, ch := range channelsAtZoho(t, b) {
		ch = of(ch)
		ch.Until = ch.Until.Truncate(time.Second)
		list = append(list, ch)
	}
	if _, err := b.crm.(*zohoCRM).Do("", method, "/crm/v8/actions/watch", map[string]any{"watch": list}); err != nil {
		t.Fatal(err)
	}
}

// channelsAsked: one channel for each module, and what happened while there was none
// will be read.
func channelsAsked(t *testing.T, b *bundle) {
	t.Helper()
	if !b.pullAsked(t) {
		t.Error("nobody reads what happened while nothing was delivered")
	}
	channelsOnce(t, b)
}

// channelsOnce: one channel for each module stands here and at the vendor, with most
// of its life before it.
func channelsOnce(t *testing.T, b *bundle) {
	t.Helper()
	theirs := map[string]string{}
	for _, ch := range channelsAtZoho(t, b) {
		theirs[ch.ID.String()] = fmt.Sprint(ch.Events)
		if time.Until(ch.Until) < 6*24*time.Hour {
			t.Errorf("a channel of %v ends %v", ch.Events, ch.Until)
		}
	}
	b.in(t, func(tx pgx.Tx) error {
		subs, err := postgres.Subscriptions(t.Context(), tx, b.ws, b.conn)
		ours := map[string]string{}
		for _, s := range subs {
			ours[s.ID] = fmt.Sprint([]string{s.Object + ".all"})
		}
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Errorf("channels (-noted +open):\n%s", diff)
		}
		if modules := slices.Compact(slices.Sorted(maps.Values(theirs))); len(modules) != len(theirs) {
			t.Errorf("%d channels tell of %d modules", len(theirs), len(modules))
		}
		return err
	})
}
