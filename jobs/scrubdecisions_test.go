package jobs_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestAnErasureReachesWhatPeopleWroteWhenTheyDecided about his deal, and what we
// wrote to the CRM of it, and leaves what was written about others', but for his address and number.
func TestAnErasureReachesWhatPeopleWroteWhenTheyDecided(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	_, deal := b.acquaintAlone(t)
	other := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Łódź", "status": "lost", "lost_reason": "Zawsze"})
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"status": "lost", "lost_reason": "Zawsze"})
	b.pull(t)
	b.activate(t, approvalBook(t, b))
	b.evaluate(t)
	note := "Dzwonił " + hisName + ", pisać na " + hisEmail + " albo " + hisPhone
	for _, id := range []int64{deal, other} {
		if err := b.Approve(t.Context(), b.ws, jobs.Approval{Deal: fmt.Sprint(id), By: "boss@x.pl", Note: note, Actor: "test"}); err != nil {
			t.Fatal(err)
		}
		if err := b.Withdraw(t.Context(), b.ws, jobs.Approval{Deal: fmt.Sprint(id), By: "boss@x.pl", Actor: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	b.in(t, func(tx pgx.Tx) error {
		list, err := postgres.OpenViolations(t.Context(), tx, b.ws, postgres.ViolationFilter{Rules: []string{"loss_approval"}, Most: 10})
		if err != nil || len(list) != 2 {
			return fmt.Errorf("%d violations: %w", len(list), err)
		}
		for _, v := range list {
			if err := postgres.Snooze(t.Context(), tx, b.ws, v.Subject, time.Now().Add(time.Hour), "test", note); err != nil {
				return err
			}
			if _, err := postgres.Excuse(t.Context(), tx, b.ws, v.ID, time.Now().Add(time.Hour), "test", note); err != nil {
				return err
			}
			if _, err := postgres.Acknowledge(t.Context(), tx, b.ws, v.ID, time.Now(), "test", note); err != nil {
				return err
			}
		}
		for _, id := range []int64{deal, other} {
			if _, err := tx.Exec(t.Context(), `
				INSERT INTO edits (workspace_id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, before, after, lost, note, why, state, mark)
				SELECT $1, $2, 'deals', $3, 'revert', 'k', 'deals', $3, v, v, v, v, $4, $4, 'done', 'sb-' || $3::text FROM jsonb_build_object('lost_reason', $4::text) v`,
				b.ws, b.conn, fmt.Sprint(id), note); err != nil {
				return err
			}
		}
		_, err = tx.Exec(t.Context(), `UPDATE violations SET cannot = 'the expression failed: '||$1 WHERE rule = 'loss_approval'`, note)
		return err
	})
	preview, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Email: hisEmail}, "test", true)
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Email: hisEmail}, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	done.Done = false
	if d := cmp.Diff(preview, done); d != "" {
		t.Errorf("what was done differs from the preview (-preview +done):\n%s", d)
	}
	words := func(id int64) (got []string) {
		b.in(t, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `
				SELECT why FROM snoozes WHERE external_id = $1 UNION ALL SELECT note FROM approvals WHERE deal_id = $1
				UNION ALL SELECT unnest(ARRAY[excused_why, acknowledged_note, cannot]) FROM violations WHERE external_id = $1 AND rule = 'loss_approval'
				UNION ALL SELECT unnest(ARRAY[wanted->>'lost_reason', before->>'lost_reason', after->>'lost_reason', lost->>'lost_reason', note, why]) FROM edits WHERE external_id = $1`, fmt.Sprint(id))
			if err != nil {
				return err
			}
			got, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		return got
	}
	everywhere := func(clean string) []string {
		return append([]string{clean, clean, clean, clean, "the expression failed: " + clean}, slices.Repeat([]string{clean}, 6)...)
	}
	if d := cmp.Diff(everywhere("Dzwonił [erased], pisać na [erased] albo [erased]"), words(deal)); d != "" {
		t.Errorf("about his deal (-want +got):\n%s", d)
	}
	if d := cmp.Diff(everywhere("Dzwonił "+hisName+", pisać na [erased] albo [erased]"), words(other)); d != "" {
		t.Errorf("about another's (-want +got):\n%s", d)
	}
	if n := one[int](t, b, `SELECT count(*) FROM audit WHERE details::text LIKE '%' || $1 || '%' OR details::text LIKE '%Dzwonił%'`, hisEmail); n != 0 {
		t.Errorf("%d lines of the audit, which nobody can change, have what people wrote", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM approvals WHERE reason = 'Zawsze' AND withdrawn_at IS NOT NULL`); n != 2 {
		t.Errorf("%d approvals are what they were", n)
	}
}
