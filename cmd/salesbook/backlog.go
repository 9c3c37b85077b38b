package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/postgres"
)

type backlogCmd struct {
	Rule string `placeholder:"RULE" help:"Only with violations of this rule."`
	narrowing
	Most pageSize `short:"n" default:"20" help:"How many at most of each currency, the dearest first."`
}

// backlogView is the backlog of one currency, as JSON.
type backlogView struct {
	Currency string          `json:"currency"` // empty: without an amount
	Subjects int64           `json:"subjects"`
	Worth    decimal.Decimal `json:"worth"`
	Dearest  []burdenView    `json:"dearest"`
}

// burdenView is a deal or lead of the backlog, as JSON.
type burdenView struct {
	ID         int64            `json:"id"` // the lowest number of its violations
	Connection string           `json:"connection"`
	Kind       string           `json:"kind"`
	Subject    string           `json:"subject"`
	Title      string           `json:"title"`
	Amount     *decimal.Decimal `json:"amount,omitempty"`
	Rules      []string         `json:"rules"`
	Place      string           `json:"place,omitempty"`
	Rep        string           `json:"rep,omitempty"`
	Oldest     time.Time        `json:"oldest"`
}

// Run lists the deals and leads that carry old violations, the dearest first.
func (c *backlogCmd) Run(ctx context.Context, g *globals) error {
	views := []backlogView{}
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		f, err := c.filter(ctx, tx, ws, c.Rule)
		if err != nil {
			return err
		}
		f.Most = int(c.Most)
		list, err := postgres.Backlog(ctx, tx, ws, f)
		if err != nil {
			return err
		}
		names, err := postgres.ConnectionNames(ctx, tx, ws)
		views = backlogViews(list, names)
		return err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(g.stdout, "Nothing is left of the backlog.")
	}
	for i := range views {
		c.print(g, &views[i])
	}
	return nil
}

// backlogViews puts what has one currency together.
func backlogViews(list []postgres.Burdened, names map[int64]string) []backlogView {
	views := []backlogView{}
	for _, b := range list {
		if n := len(views); n == 0 || views[n-1].Currency != b.Currency {
			views = append(views, backlogView{Currency: b.Currency, Subjects: b.Of, Worth: b.Worth})
		}
		v := &views[len(views)-1]
		v.Dearest = append(v.Dearest, burdenView{b.ID, names[b.Subject.Connection], one(b.Subject.Kind), b.Subject.ID, b.Title, b.Amount, b.Rules, b.Place, b.Owner, b.Oldest.UTC()})
	}
	return views
}

func (c *backlogCmd) print(g *globals, v *backlogView) {
	many := counted(v.Subjects, "deal or lead")
	if v.Subjects != 1 {
		many = count(v.Subjects) + " deals and leads"
	}
	if v.Currency == "" {
		fmt.Fprintf(g.stdout, "%s without an amount\n", many)
	} else {
		fmt.Fprintf(g.stdout, "%s worth %s\n", many, money(&v.Worth, v.Currency))
	}
	t := newTable(">ID", ">WORTH", "WHAT", "OLDEST", "WHERE", "REP", "RULES")
	for i := range v.Dearest {
		b := &v.Dearest[i]
		t.add(fmt.Sprint(b.ID), money(b.Amount, v.Currency), fmt.Sprintf("%s %s %s", b.Kind, b.Subject, shorten(b.Title, 32)), b.Oldest.Format(time.DateOnly), b.Place, b.Rep, strings.Join(b.Rules, ", "))
	}
	fmt.Fprint(g.stdout, t.text("  "))
	if len(v.Dearest) == int(c.Most) && int64(c.Most) < v.Subjects {
		fmt.Fprintf(g.stdout, "  --after %d shows the next.\n", v.Dearest[len(v.Dearest)-1].ID)
	}
}

// money writes an amount with its currency, without cents; nothing if there is
// none.
func money(amount *decimal.Decimal, currency string) string {
	if amount == nil {
		return ""
	}
	return strings.TrimSpace(count(amount.Round(0).IntPart()) + " " + currency)
}
