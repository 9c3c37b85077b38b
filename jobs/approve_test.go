package jobs_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// approvalBook is a book for the pipelines that were synced, by which boss@x.pl
// agrees to losses.
func approvalBook(t *testing.T, b *bundle) string {
	t.Helper()
	var funnels strings.Builder
	b.in(t, func(tx pgx.Tx) error {
		stages, err := postgres.Stages(t.Context(), tx, b.ws, b.conn)
		pipeline := ""
		id := func(s string) string { return notInIDs.ReplaceAllString(s, "-") }
		for _, s := range stages {
			if s.PipelineID != pipeline {
				pipeline = s.PipelineID
				fmt.Fprintf(&funnels, "  - id: f%s\n    name: %q\n    crm: [{pipeline: \"#%s\"}]\n    stages:\n", id(pipeline), s.Pipeline, pipeline)
			}
			fmt.Fprintf(&funnels, "      - {id: s%s, name: %q, crm: \"#%s\"}\n", id(s.ID), s.Name, s.ID)
		}
		return err
	})
	return `
book: 1
name: Approvals
currency: PLN
funnels:
` + funnels.String() + `
loss_reasons:
  - {id: always, name: Zawsze, spellings: [na zawsze], any_time: true, approval: {always: true, by: [boss@x.pl, head]}}
  - {id: dear, name: Za drogo, any_time: true, approval: {above: 1000, by: boss@x.pl}}
  - {id: twice, name: Dubel, any_time: true}
`
}

var notInIDs = regexp.MustCompile(`[^A-Za-z0-9]+`)

// lossBundle is a company by whose book losses are agreed to.
type lossBundle struct {
	*bundle
	book *book.Book
	deal string
}

func losses(t *testing.T) lossBundle {
	t.Helper()
	b := lossBundle{bundle: setup(t, 0, pipedrive.Options{})}
	b.deal = fmt.Sprint(b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Dom", "value": 5000, "currency": "PLN"}))
	b.pull(t)
	b.book = b.activate(t, approvalBook(t, b.bundle))
	return b
}

// set changes the deal at the vendor, and has that pulled.
func (b lossBundle) set(t *testing.T, fields map[string]any) {
	t.Helper()
	b.tell(t, "PATCH", "/api/v2/deals/"+b.deal, fields)
	b.pull(t)
}

// state judges what is dirty, compares everything with a recomputation, and
// tells how the violations of loss_approval stand, the oldest first.
func (b lossBundle) state(t *testing.T) (all []string) {
	t.Helper()
	b.standStill(t)
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, b.book), b.stored(t)); d != "" {
		t.Errorf("(-recomputed +stored):\n%s", d)
	}
	b.Pipeline.Now = time.Now
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT detail || CASE WHEN mended_at IS NOT NULL THEN ' mended' WHEN closed_at IS NOT NULL THEN ' closed' ELSE ' open' END
			FROM violations WHERE rule = 'loss_approval' ORDER BY opened_at, id`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return all
}

func (b lossBundle) wantState(t *testing.T, when string, want ...string) {
	t.Helper()
	if d := cmp.Diff(append([]string{}, want...), b.state(t)); d != "" {
		t.Errorf("%s (-want +got):\n%s", when, d)
	}
}

func (b lossBundle) approve(t *testing.T, reason string) {
	t.Helper()
	if err := b.Approve(t.Context(), b.ws, jobs.Approval{Deal: b.deal, Reason: reason, By: "boss@x.pl", Note: "x", Actor: "test"}); err != nil {
		t.Fatal(err)
	}
}

func (b lossBundle) withdraw(t *testing.T) {
	t.Helper()
	if err := b.Withdraw(t.Context(), b.ws, jobs.Approval{Deal: b.deal, By: "BOSS@x.pl", Actor: "test"}); err != nil {
		t.Fatal(err)
	}
}

// lose has the deal lost for a reason, so many hours ago.
func (b lossBundle) lose(t *testing.T, hoursAgo int, reason string) {
	t.Helper()
	at := time.Now().Add(-time.Duration(hoursAgo) * time.Hour).UTC().Format(time.RFC3339)
	b.set(t, map[string]any{"status": "lost", "lost_reason": reason, "lost_time": at})
}

// TestAnApprovalMendsOneLoss: taken back it is broken again, and is the same
// violation; the next loss needs one of its own.
func TestAnApprovalMendsOneLoss(t *testing.T) {
	t.Parallel()
	b := losses(t)
	b.wantState(t, "while the deal is open")
	b.lose(t, 48, "Zawsze")
	b.wantState(t, "lost", "always open")
	b.approve(t, "")
	if n := one[int](t, b.bundle, `SELECT count(*) FROM dirty`); n != 1 {
		t.Errorf("%d subjects are dirty after an approval", n)
	}
	b.wantState(t, "approved", "always mended")
	b.set(t, map[string]any{"lost_reason": "ZAWSZE!"})
	b.wantState(t, "written otherwise", "always mended")
	b.withdraw(t)
	b.wantState(t, "taken back", "always open")
	b.approve(t, "")
	b.wantState(t, "approved again", "always mended")
	b.set(t, map[string]any{"lost_reason": "Za drogo"})
	b.wantState(t, "for another reason", "always mended", "dear open")
	b.set(t, map[string]any{"status": "open"})
	b.wantState(t, "won back", "always mended", "dear mended")
	b.lose(t, 24, "Zawsze")
	b.wantState(t, "lost again", "always mended", "dear mended", "always open")
	b.approve(t, "")
	b.wantState(t, "approved, too", "always mended", "dear mended", "always mended")
}

// TestARepMayAskFirst: what was agreed to of a loss to come is no violation at
// all, and a violation from when it is taken back.
func TestARepMayAskFirst(t *testing.T) {
	t.Parallel()
	b := losses(t)
	weekAgo := time.Now().AddDate(0, 0, -7)
	b.Pipeline.Now = func() time.Time { return weekAgo }
	b.approve(t, "ALWAYS")
	b.Pipeline.Now = time.Now
	b.lose(t, 48, "Zawsze")
	b.wantState(t, "lost")
	before := time.Now()
	b.withdraw(t)
	b.wantState(t, "taken back", "always open")
	if opened := one[time.Time](t, b.bundle, `SELECT opened_at FROM violations WHERE rule = 'loss_approval'`); opened.Before(before.Truncate(time.Microsecond)) {
		t.Errorf("it opened at %v, before it was taken back", opened)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM approvals WHERE loss_at IS NULL AND reason = 'Zawsze'`); n != 1 {
		t.Errorf("%d approvals of a loss to come", n)
	}
}

// TestApprovalsAreRefused that the book does not ask for, or not of this person:
// nothing is stored then.
func TestApprovalsAreRefused(t *testing.T) {
	t.Parallel()
	b := losses(t)
	try := func(want string, a jobs.Approval) {
		t.Helper()
		a.Deal, a.Note, a.Actor = b.deal, "x", "test"
		err := b.Approve(t.Context(), b.ws, a)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	boss := "boss@x.pl"
	try("is not lost", jobs.Approval{By: boss})
	try(`no such loss reason in the book: "nie wiem"`, jobs.Approval{By: boss, Reason: "nie wiem"})
	try(`nobody has to agree to a loss for "Dubel"`, jobs.Approval{By: boss, Reason: "twice"})
	try("may not decide this for deal "+b.deal+"; the book says who may: boss@x.pl", jobs.Approval{By: "rep@x.pl", Reason: "always"})
	b.set(t, map[string]any{"value": 1000}) // what it is worth when it is lost counts
	b.lose(t, 0, "bo tak")
	try(`is lost for "bo tak", which is none of the book's reasons`, jobs.Approval{By: boss})
	try("has ended", jobs.Approval{By: boss, Reason: "always"})
	b.set(t, map[string]any{"lost_reason": "Dubel"})
	try("nobody has to agree to this loss", jobs.Approval{By: boss})
	b.set(t, map[string]any{"lost_reason": "Za drogo"})
	try("nobody has to agree to this loss", jobs.Approval{By: boss})
	b.set(t, map[string]any{"status": "open", "value": 1001})
	b.lose(t, 0, "Za drogo")
	try("rep@x.pl may not decide this", jobs.Approval{By: "rep@x.pl"})
	if n := one[int](t, b.bundle, `SELECT count(*) FROM approvals`); n != 0 {
		t.Errorf("%d approvals are stored", n)
	}
	withdraw := func(by string) error {
		return b.Withdraw(t.Context(), b.ws, jobs.Approval{Deal: b.deal, By: by, Actor: "test"})
	}
	if err := withdraw(boss); fault.KindOf(err) != fault.NotFound {
		t.Errorf("what nobody agreed to is taken back: %v", err)
	}
	b.approve(t, "")
	if err := withdraw("rep@x.pl"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a rep takes back what the boss agreed to: %v", err)
	}
	// Who agreed may take it back, also when the book names others by now.
	b.activate(t, strings.ReplaceAll(approvalBook(t, b.bundle), "boss@x.pl", "other@x.pl"))
	if err := withdraw(boss); err != nil {
		t.Error(err)
	}
}

// TestALaterBookDoesNotUndoAnApproval: who may agree is asked when he does.
func TestALaterBookDoesNotUndoAnApproval(t *testing.T) {
	t.Parallel()
	b := losses(t)
	b.lose(t, 48, "Zawsze")
	b.approve(t, "")
	b.wantState(t, "approved", "always mended")
	b.book = b.activate(t, strings.ReplaceAll(approvalBook(t, b.bundle), "boss@x.pl", "other@x.pl"))
	b.wantState(t, "by another book", "always mended")
}
