package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// burdened stores deals and leads, each with a violation from before the book
// and, where that says so, others.
func (b storeBundle) burdened(t *testing.T) (now time.Time) {
	t.Helper()
	now = b.books(t)
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `
			INSERT INTO deals (workspace_id, connection_id, external_id, title, status, amount, currency, archived, map_version)
			SELECT $1, $2, id, 'Deal ' || id, 'open', amount, currency, false, 1 FROM (VALUES
				('1', 100, 'PLN'), ('2', 900.5, 'PLN'), ('3', 900.5, 'PLN'), ('4', 5000, 'EUR'), ('5', NULL, 'PLN'), ('6', 7000, 'PLN'), ('7', 8000, 'PLN'), ('8', -3, 'PLN'))
				AS d(id, amount, currency)`, b.ws, b.conn)
		if err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `
			INSERT INTO leads (workspace_id, connection_id, external_id, title, amount, currency, archived, map_version)
			VALUES ($1, $2, '1', 'Lead', 300, 'PLN', false, 1)`, b.ws, b.conn)
		return err
	})
	old := func(kind, id, rule string) postgres.Violation {
		return postgres.Violation{Subject: postgres.SubjectKey{Connection: b.conn, Kind: kind, ID: id}, Rule: rule, Opened: now.AddDate(0, 0, -30), Owner: "anna@x.pl", Place: "f/s"}
	}
	list := []postgres.Violation{old("leads", "1", "first_response")}
	for _, id := range []string{"1", "2", "3", "4", "5", "8"} {
		list = append(list, old("deals", id, "no_owner"))
	}
	older := old("deals", "3", "no_touch")
	older.Opened = now.AddDate(0, 0, -40)
	unsure := old("deals", "6", "loss_approval")
	unsure.Cannot = new("the amount is in EUR and the book in PLN")
	news := old("deals", "7", "no_owner")
	news.Opened = now
	b.judged(t, 1, append(list, older, unsure, news)...)
	return now
}

// dearest is a page of the backlog, a line for each deal or lead.
func (b storeBundle) dearest(t *testing.T, f postgres.ViolationFilter) (lines []string, last int64) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		list, err := postgres.Backlog(t.Context(), tx, b.ws, f)
		lines = nil
		for _, s := range list {
			amount := "-"
			if s.Amount != nil {
				amount = s.Amount.String()
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %s, %s", s.Subject.Kind, s.Subject.ID, amount, s.Currency, strings.Join(s.Rules, " ")))
			last = s.ID
		}
		return err
	})
	return lines, last
}

// TestTheBacklogBeginsWithWhatIsDearest, in each currency, and leaves out news,
// what cannot be judged and what is excused.
func TestTheBacklogBeginsWithWhatIsDearest(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	f := postgres.ViolationFilter{Now: b.burdened(t), Most: 20}
	got, _ := b.dearest(t, f)
	want := []string{"deals 2 900.5 PLN, no_owner", "deals 3 900.5 PLN, no_owner no_touch", "leads 1 300 PLN, first_response", "deals 1 100 PLN, no_owner", "deals 8 -3 PLN, no_owner",
		"deals 4 5000 EUR, no_owner", "deals 5 - , no_owner"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	f.Most = 2
	got, last := b.dearest(t, f)
	if d := cmp.Diff([]string{want[0], want[1], want[5], want[6]}, got); d != "" {
		t.Errorf("two of each currency (-want +got):\n%s", d)
	}
	b.in(t, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT min(id) FROM violations WHERE external_id = '3'`).Scan(&last)
	})
	f.After = last
	got, last = b.dearest(t, f)
	if d := cmp.Diff(want[2:4], got); d != "" {
		t.Errorf("the next two (-want +got):\n%s", d)
	}
	// What the page ended with is mended, and the list goes on all the same.
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE violations SET mended_at = now() WHERE id = $1`, last)
		return err
	})
	f.After = last
	if got, _ = b.dearest(t, f); !cmp.Equal(want[4:5], got) {
		t.Errorf("the last (-want +got):\n%s", cmp.Diff(want[4:5], got))
	}
	f = postgres.ViolationFilter{Now: f.Now, Most: 20, Rules: []string{"no_touch"}}
	if got, _ = b.dearest(t, f); !cmp.Equal([]string{"deals 3 900.5 PLN, no_touch"}, got) {
		t.Errorf("of one rule: %q", got)
	}
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE violations SET excused_until = now() + interval '1 day' WHERE rule = 'no_touch'`)
		return err
	})
	if got, _ = b.dearest(t, f); len(got) > 0 {
		t.Errorf("excused: %q", got)
	}
	err := b.In(t.Context(), b.ws, func(tx pgx.Tx) error {
		_, err := postgres.Backlog(t.Context(), tx, b.ws, postgres.ViolationFilter{After: 999, Most: 1})
		return err
	})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("after a violation that never was: %v", err)
	}
}

// TestTheBacklogSaysWhatAllOfItIsWorth, also on a page of it.
func TestTheBacklogSaysWhatAllOfItIsWorth(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	now := b.burdened(t)
	b.in(t, func(tx pgx.Tx) error {
		list, err := postgres.Backlog(t.Context(), tx, b.ws, postgres.ViolationFilter{Now: now, Most: 1})
		if err != nil || len(list) != 3 {
			return fmt.Errorf("%d: %w", len(list), err)
		}
		got := fmt.Sprintf("%d %s %s, %v", list[0].Of, list[0].Worth, list[0].Currency, now.AddDate(0, 0, -30).Equal(list[0].Oldest))
		if want := "5 2198 PLN, true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		return nil
	})
}
