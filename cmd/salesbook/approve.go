package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type approveCmd struct {
	Kind       string `arg:"" enum:"deal" help:"deal."`
	ID         string `arg:"" help:"Its id in the CRM."`
	Connection string `placeholder:"NAME" help:"Connection it came through, if several have one of that id."`
	ReasonNote string `placeholder:"TEXT" help:"Why the loss is right."`
	For        string `placeholder:"REASON" help:"Agree to a loss to come within thirty days, for this reason of the book."`
	By         string `placeholder:"ADDRESS" help:"Who agrees; you unless set."`
	Withdraw   bool   `help:"Take back what was agreed to."`
}

// Validate wants a note with what somebody agrees to.
func (c *approveCmd) Validate() error {
	switch {
	case c.Withdraw && (c.For != "" || c.ReasonNote != ""):
		return errors.New("--withdraw goes with neither --for nor --reason-note")
	case !c.Withdraw && strings.TrimSpace(c.ReasonNote) == "":
		return errors.New("--reason-note: say why the loss is right")
	}
	return nil
}

// Run stores that somebody agrees to the loss of a deal, or no longer does.
func (c *approveCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	what := jobs.Approval{Deal: c.ID, Connection: c.Connection, Reason: c.For, By: c.By, Note: c.ReasonNote, Actor: actor()}
	if what.By == "" {
		what.By = what.Actor
	}
	decide, said := a.pipeline.Approve, "%s agrees to the loss of deal %s.\n"
	if c.Withdraw {
		decide, said = a.pipeline.Withdraw, "%s no longer agrees to the loss of deal %s.\n"
	}
	if err := decide(ctx, ws, what); err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"deal": c.ID, "by": what.By, "approved": !c.Withdraw})
	}
	fmt.Fprintf(g.stdout, said, harmless(what.By), harmless(c.ID))
	return nil
}

type approvalsCmd struct {
	narrowing
	Most pageSize `short:"n" default:"50" help:"How many at most, the oldest first."`
}

// approvalView is a loss that waits for an approval, as JSON.
type approvalView struct {
	ID         int64            `json:"id"` // of the violation
	Connection string           `json:"connection"`
	Deal       string           `json:"deal"`
	Title      string           `json:"title"`
	Amount     *decimal.Decimal `json:"amount,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	Reason     string           `json:"reason"`
	Rep        string           `json:"rep,omitempty"`
	Since      time.Time        `json:"since"`
	Backlog    bool             `json:"backlog"`
	Cannot     string           `json:"cannot_judge,omitempty"`
	Approvers  []string         `json:"approvers"` // empty: anybody
}

// Run lists losses that wait for somebody to agree.
func (c *approvalsCmd) Run(ctx context.Context, g *globals) error {
	var views []approvalView
	more := false
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		f, err := c.filter(ctx, tx, ws, "", book.LossApproval)
		if err != nil {
			return err
		}
		var list []postgres.Violation
		if list, more, err = listViolations(ctx, tx, ws, f, c.Most); err != nil {
			return err
		}
		views, err = approvalViews(ctx, tx, ws, list)
		return err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(g.stdout, "No loss waits for an approval.")
		return nil
	}
	t := newTable(">ID", "SINCE", "DEAL", ">WORTH", "REASON", "REP", "WHO AGREES")
	for i := range views {
		v := &views[i]
		t.add(fmt.Sprint(v.ID), v.Since.Format("2006-01-02 15:04"), v.Deal+" "+shorten(v.Title, 32), money(v.Amount, v.Currency), shorten(v.Reason, 32), v.Rep, orNothing(strings.Join(v.Approvers, ", "), "anybody"))
	}
	fmt.Fprint(g.stdout, t.text(""))
	if more {
		fmt.Fprintf(g.stdout, "These are the oldest; --after %d shows the next.\n", views[len(views)-1].ID)
	}
	fmt.Fprintln(g.stdout, "`salesbook approve deal ID --by ADDRESS --reason-note TEXT` agrees to one.")
	return nil
}

func approvalViews(ctx context.Context, tx pgx.Tx, ws int64, list []postgres.Violation) ([]approvalView, error) {
	views := make([]approvalView, len(list))
	if len(list) == 0 {
		return views, nil
	}
	b, err := jobs.Book(ctx, tx, ws)
	if err != nil {
		return nil, err
	}
	names, err := postgres.ConnectionNames(ctx, tx, ws)
	if err != nil {
		return nil, err
	}
	subjects, err := subjectsOf(ctx, tx, ws, list)
	if err != nil {
		return nil, err
	}
	for i, v := range list {
		deal := subjects[v.Subject]
		views[i] = approvalView{v.ID, names[v.Subject.Connection], v.Subject.ID, deal.Title, deal.Amount, text(deal.Currency), text(deal.Reason), v.Owner, v.Opened.UTC(), v.Backlog, text(v.Cannot), []string{}}
		if r := b.LossReason(v.Detail); r != nil {
			views[i].Approvers = append(views[i].Approvers, b.Approvers(r, v.Owner)...)
		}
	}
	return views, nil
}
