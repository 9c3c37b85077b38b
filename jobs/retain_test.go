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
