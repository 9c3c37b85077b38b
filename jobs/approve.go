package jobs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Approval is what somebody agrees to, or takes back.
type Approval struct {
	Deal       string
	Connection string // name; may be empty unless several have the deal
	Reason     string // of a loss to come, by id or name; empty: the loss that has happened
	By         string // address of who agrees
	Note       string
	Actor      string // who enters it
}

// Approve stores that somebody agrees to the loss of a deal, and has it judged
// anew. It is refused unless the book wants that, of that person: he is asked
// now, and a later book does not undo what he may decide today.
func (p *Pipeline) Approve(ctx context.Context, workspace int64, a Approval) error {
	return p.deciding(ctx, workspace, a, func(tx pgx.Tx, e *evaluation, f *book.Facts, key postgres.SubjectKey) error {
		now := p.Now()
		one := postgres.Approval{Deal: f.ID, Given: now, By: a.By, Note: a.Note}
		r, err := e.lossOf(f, a.Reason, now)
		if err != nil {
			return err
		}
		if one.Reason = f.Reason; a.Reason != "" {
			one.Reason = r.Name
		} else {
			one.Loss = &f.Lost
		}
		if err := e.may(a.By, r, f); err != nil {
			return err
		}
		if err := postgres.Approve(ctx, tx, workspace, key.Connection, one); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, a.Actor, "approve loss", "deal "+f.ID, map[string]any{"connection": f.Connection, "by": a.By, "reason": r.ID})
	})
}

// Withdraw takes back what was agreed to of a deal, and has it judged anew. Who
// agreed may do so, and who may agree.
func (p *Pipeline) Withdraw(ctx context.Context, workspace int64, a Approval) error {
	return p.deciding(ctx, workspace, a, func(tx pgx.Tx, e *evaluation, f *book.Facts, key postgres.SubjectKey) error {
		list, err := postgres.ApprovalsOf(ctx, tx, workspace, key.Connection, []string{f.ID})
		if err != nil {
			return err
		}
		standing := false
		for _, one := range list {
			if one.Withdrawn != nil {
				continue
			}
			standing = true
			r := e.compiled.Meaning(one.Reason, nil, f.Spellings).Reason
			if r == nil {
				r = &book.LossReason{} // the book is another: the head may
			}
			if err := e.may(a.By, r, f); err != nil && !strings.EqualFold(a.By, one.By) {
				return err
			}
		}
		if !standing {
			return fault.New(fault.NotFound, "nobody has agreed to a loss of deal %s", f.ID)
		}
		if err := postgres.Withdraw(ctx, tx, workspace, key.Connection, f.ID, p.Now(), a.By); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, a.Actor, "withdraw approval", "deal "+f.ID, map[string]any{"connection": f.Connection, "by": a.By})
	})
}

// deciding runs a decision about a deal in one transaction, and asks for a look
// at what it makes dirty.
func (p *Pipeline) deciding(ctx context.Context, workspace int64, a Approval, decide func(tx pgx.Tx, e *evaluation, f *book.Facts, key postgres.SubjectKey) error) error {
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return err
	}
	return p.DB.InByKey(ctx, workspace, func(tx pgx.Tx) error {
		f, key, err := e.called(ctx, tx, false, a.Deal, a.Connection)
		if err != nil {
			return err
		}
		if err := decide(tx, e, f, key); err != nil {
			return err
		}
		_, err = p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: workspace}, nil)
		return err
	})
}

// lossOf is the book's reason of the loss that is to be agreed to: of a named
// one to come, or of the one that has happened.
func (e *evaluation) lossOf(f *book.Facts, coming string, now time.Time) (*book.LossReason, error) {
	b := e.compiled.Book
	if coming != "" {
		r, err := b.LossReasonNamed(coming)
		switch {
		case err != nil:
			return nil, fault.New(fault.Invalid, "%w", err)
		case f.Ended(now):
			return nil, fault.New(fault.Invalid, "deal %s has ended; of a loss that has happened no reason is given", f.ID)
		case r.Approval == nil:
			return nil, fault.New(fault.Invalid, "nobody has to agree to a loss for %q", r.Name)
		}
		return r, nil
	}
	if f.Gone || f.Lost.IsZero() {
		return nil, fault.New(fault.Invalid, "deal %s is not lost; to agree to a loss to come, say for which reason with --for", f.ID)
	}
	r := e.compiled.Meaning(f.Reason, f.Renamed, f.Spellings).Reason
	if r == nil {
		return nil, fault.New(fault.Invalid, "deal %s is lost for %q, which is none of the book's reasons: the reason comes first", f.ID, f.Reason)
	}
	if due, cannot := e.compiled.ApprovalDue(r, f, f.Lost); !due && cannot == "" {
		return nil, fault.New(fault.Invalid, "nobody has to agree to this loss of deal %s", f.ID)
	}
	return r, nil
}

// may tells whether somebody may agree to the loss of a deal.
func (e *evaluation) may(who string, r *book.LossReason, f *book.Facts) error {
	list := e.compiled.Book.Approvers(r, f.Owner)
	if len(list) == 0 || slices.ContainsFunc(list, func(a string) bool { return strings.EqualFold(a, who) }) {
		return nil
	}
	return fault.New(fault.Invalid, "%s may not decide this for deal %s; the book says who may: %s. Say who decides with --by", who, f.ID, strings.Join(list, ", "))
}
