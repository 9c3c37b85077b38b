package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// TestTellingCostsNoMoreOnALargeCompany: what is due is found by keys, however
// much was told before.
func TestTellingCostsNoMoreOnALargeCompany(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	now := time.Now()
	cases := map[string]struct {
		call func(context.Context, pgx.Tx)
		want []string
	}{
		"WaitingAddresses": {func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.WaitingAddresses(ctx, tx, 1, now, "", 1) },
			[]string{"Index Cond: ((workspace_id = $1) AND (address > $3))"}},
		"TakeWaiting": {func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.TakeWaiting(ctx, tx, 1, "a", now, 1) },
			[]string{"Index Cond: ((workspace_id = $1) AND (address = $2))"}},
		"ClaimMessage": {func(ctx context.Context, tx pgx.Tx) {
			_, _ = postgres.ClaimMessage(ctx, tx, 1, now, time.Minute, []string{}, []int64{})
		}, []string{"Index Cond: ((workspace_id = $1) AND (next_at <= $2))", "Index Cond: ((workspace_id = $1) AND (id = $1))"}},
		"LastDigest": {func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.LastDigest(ctx, tx, 1, "a", now) },
			[]string{"Index Cond: ((workspace_id = $1) AND (address = $2) AND (made_at < $3))"}},
		"OpenViolationOf": {func(ctx context.Context, tx pgx.Tx) {
			_, _ = postgres.OpenViolationOf(ctx, tx, 1, &postgres.Notification{})
		},
			[]string{"Index Cond: ((workspace_id = $1) AND (opened_at = $7))"}},
	}
	for name, tc := range cases {
		var looks, plan []string
		for _, s := range record(t, name, tc.call) {
			lines := planOf(t, b, s.sql)
			plan, looks = append(plan, lines...), append(looks, lookups(t, lines)...)
		}
		for i := range looks { // versions of the server name it differently
			looks[i] = strings.Replace(looks[i], "id = (InitPlan 1).col1)", "id = $1)", 1)
		}
		if d := cmp.Diff(tc.want, looks); d != "" {
			t.Errorf("lookups of %s (-want +got):\n%s\n%s", name, d, strings.Join(plan, "\n"))
		}
	}
}

// TestWhatIsToldIsToldOnce to each, whatever became of it.
func TestWhatIsToldIsToldOnce(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	want := func(list ...postgres.Notification) {
		t.Helper()
		if err := b.In(t.Context(), b.ws, func(tx pgx.Tx) error { return postgres.WantNotifications(t.Context(), tx, b.ws, list) }); err != nil {
			t.Fatal(err)
		}
	}
	one := postgres.Notification{Address: "ewa@example.com", Occasion: "large_deal", Key: "k", Subject: postgres.SubjectKey{Connection: 7, Kind: "deals", ID: "1"}}
	other := one
	other.Address = "olga@example.com"
	want()
	want(other, one, one)
	var list []postgres.Notification
	err := b.In(t.Context(), b.ws, func(tx pgx.Tx) (err error) {
		if list, err = postgres.TakeWaiting(t.Context(), tx, b.ws, "ewa@example.com", time.Now(), 10); err != nil {
			return err
		}
		return postgres.EndNotifications(t.Context(), tx, b.ws, []int64{list[0].ID}, "dropped", "test", time.Now())
	})
	if err != nil || len(list) != 1 || list[0].Subject != one.Subject || list[0].Opened != nil {
		t.Fatalf("%+v: %v", list, err)
	}
	want(one, other)
	var states []postgres.ListedNotification
	err = b.In(t.Context(), b.ws, func(tx pgx.Tx) (err error) {
		states, err = postgres.ListNotifications(t.Context(), tx, b.ws, []string{"waiting", "dropped"}, 0, 10)
		return err
	})
	got := map[string]string{}
	for _, n := range states {
		got[n.Address] += n.State
	}
	if d := cmp.Diff(map[string]string{"ewa@example.com": "dropped", "olga@example.com": "waiting"}, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}
