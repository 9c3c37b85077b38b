package jobs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// TestWhatIsOldGoesAsTheCompanyChose: rows of one table go by their company's
// choice, those of the others by the default, and a neighbour's stay.
func TestWhatIsOldGoesAsTheCompanyChose(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	neighbour, err := b.DB.CreateWorkspace(t.Context(), "neighbour")
	if err != nil {
		t.Fatal(err)
	}
	admin := b.db.Connect(t, b.db.AdminURL)
	for _, ws := range []int64{b.ws, neighbour} {
		for _, sql := range []string{
			`INSERT INTO salesbook.changes (workspace_id, connection_id, kind, external_id, at, seen_at, fields, origin)
				SELECT $1, 1, 'deals', days::text, at, at, '{}', 'pull' FROM (SELECT days, now() - make_interval(days => days) AS at FROM unnest('{1, 89, 91}'::int[]) days) d`,
			`INSERT INTO salesbook.inbox (workspace_id, connection_id, at, key, reads, body, done_at)
				SELECT $1, 1, at, days::text, '[]', '', at FROM (SELECT days, now() - make_interval(days => days) AS at FROM unnest('{1, 29, 31}'::int[]) days) d`,
		} {
			if _, err := admin.Exec(t.Context(), sql, ws); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.in(t, func(tx pgx.Tx) error { return postgres.SetRetention(t.Context(), tx, b.ws, "changes", 90) })
	if err := b.Retain(t.Context(), b.ws); err != nil {
		t.Fatal(err)
	}
	for ws, want := range map[int64]string{b.ws: "changes 1, changes 89, inbox 1, inbox 29", neighbour: "changes 1, changes 89, changes 91, inbox 1, inbox 29, inbox 31"} {
		var got string
		err := admin.QueryRow(t.Context(), `SELECT string_agg(w, ', ' ORDER BY w) FROM (SELECT 'changes ' || external_id w FROM salesbook.changes WHERE workspace_id = $1
			UNION ALL SELECT 'inbox ' || key FROM salesbook.inbox WHERE workspace_id = $1) k`, ws).Scan(&got)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("kept of workspace %d (-want +got):\n%s", ws, d)
		}
	}
}

// TestViolationsThatAreOverGo after two years and a month, unless the company
// chose otherwise. Those that are open stay, and so does what people decided:
// verdicts are recomputed from it.
func TestViolationsThatAreOverGo(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.in(t, func(tx pgx.Tx) error {
		for _, sql := range []string{
			`INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, assumed, place, owner, noticed_at, mended_at, closed_at)
				SELECT $1, $2, 'deals', '1', rule, '', now() - interval '9 years', 1, false, '', '', now() - interval '9 years', now() - make_interval(days => mended), now() - make_interval(days => closed)
				FROM (VALUES ('open', NULL::int, NULL::int), ('mended 759', 759, NULL), ('mended 761', 761, NULL), ('closed 759', NULL, 759), ('closed 761', NULL, 761), ('closed 63', NULL, 63)) v(rule, mended, closed)`,
			`INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, assumed, place, owner, noticed_at)
				VALUES ($1, $2 + 1000, 'deals', '1', 'of a removed connection', '', now(), 1, false, '', '', now() - interval '2 hours')`,
			`INSERT INTO judgements (workspace_id, connection_id, kind, external_id, book, judged_at)
				VALUES ($1, $2, 'deals', '1', 1, now() - interval '9 years'), ($1, $2 + 1000, 'deals', '1', 1, now() - interval '2 hours')`,
			`INSERT INTO snoozes (workspace_id, connection_id, kind, external_id, from_at, until_at, made_by, why)
				VALUES ($1, $2, 'deals', '1', now() - interval '9 years', now() - interval '8 years', 'anna', 'x')`,
			`INSERT INTO approvals (workspace_id, connection_id, deal_id, reason, given_at, given_by, note)
				VALUES ($1, $2, '1', 'Price', now() - interval '9 years', 'anna', 'x')`,
		} {
			if _, err := tx.Exec(t.Context(), sql, b.ws, b.conn); err != nil {
				return err
			}
		}
		return nil
	})
	check := func(want string) {
		t.Helper()
		if err := b.Retain(t.Context(), b.ws); err != nil {
			t.Fatal(err)
		}
		if got := one[string](t, b, `SELECT string_agg(rule, ', ' ORDER BY rule) FROM violations`); got != want {
			t.Errorf("kept %q, want %q", got, want)
		}
	}
	check("closed 63, closed 759, mended 759, open")
	b.in(t, func(tx pgx.Tx) error { return postgres.SetRetention(t.Context(), tx, b.ws, "violations", 62) })
	check("open")
	got := one[string](t, b, `SELECT concat_ws(' ', (SELECT count(*) FROM judgements), (SELECT count(*) FROM snoozes), (SELECT count(*) FROM approvals))`)
	if got != "1 1 1" {
		t.Errorf("judgements, snoozes and approvals: %s", got)
	}
}
