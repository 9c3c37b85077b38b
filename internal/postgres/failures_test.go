package postgres_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// TestFailuresAreListedOnce: what fails again counts up, and of two words about
// one thing in one batch the last is kept.
func TestFailuresAreListedOnce(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	failure := func(id, reason string, args json.RawMessage) postgres.Failure {
		return postgres.Failure{ConnectionID: b.conn, Kind: "record", Object: "deals", ExternalID: id, Place: "amount", Reason: reason, Args: args}
	}
	type row struct {
		ID, Reason, Args string
		Times            int64
	}
	var got []row
	b.in(t, func(tx pgx.Tx) error {
		first := []postgres.Failure{failure("2", "old", nil), failure("1", "Сумма — не число", json.RawMessage(`{"n": 1}`)), failure("2", "new", nil)}
		if err := postgres.AddFailures(t.Context(), tx, b.ws, first); err != nil {
			return err
		}
		if err := postgres.AddFailures(t.Context(), tx, b.ws, []postgres.Failure{failure("2", "newest", nil)}); err != nil {
			return err
		}
		list, err := postgres.Failures(t.Context(), tx, b.ws, b.conn, false, 0, 10)
		for _, f := range list {
			got = append(got, row{f.ExternalID, f.Reason, string(f.Args), f.Times})
		}
		return err
	})
	want := []row{{"2", "newest", "{}", 2}, {"1", "Сумма — не число", `{"n": 1}`, 1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("failures (-want +got):\n%s", d)
	}
}
