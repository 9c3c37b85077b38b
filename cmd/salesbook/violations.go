package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// violationList are the flags of all lists of violations.
type violationList struct {
	Rule string `placeholder:"RULE" help:"Only of this rule."`
	narrowing
	Acknowledged   bool     `xor:"acknowledged" help:"Only those that somebody has taken on."`
	Unacknowledged bool     `xor:"acknowledged" help:"Only those that nobody has."`
	Most           pageSize `short:"n" default:"50" help:"How many at most, the oldest first."`
}

type violationsCmd struct {
	All bool `help:"Also the backlog: what is older than the book that says so, or than its connection."`
	violationList
}

type staleCmd struct{ violationList }

type leadsCmd struct{ violationList }

// Run lists rules of the book that are broken now.
func (c *violationsCmd) Run(ctx context.Context, g *globals) error {
	var only postgres.ViolationFilter
	if !c.All {
		only.Backlog = new(false)
	}
	return c.list(ctx, g, "No violation is open.", only)
}

// Run lists deals that hang, and why.
func (c *staleCmd) Run(ctx context.Context, g *globals) error {
	return c.list(ctx, g, "No deal hangs.", postgres.ViolationFilter{Kind: "deals"}, book.Hanging()...)
}

// Run lists leads that are not handled as the book says.
func (c *leadsCmd) Run(ctx context.Context, g *globals) error {
	return c.list(ctx, g, "Every lead is handled as the book says.", postgres.ViolationFilter{Kind: "leads"})
}

// violationView is a violation as JSON.
type violationView struct {
	ID               int64      `json:"id"`
	Connection       string     `json:"connection"`
	Kind             string     `json:"kind"`
	Subject          string     `json:"subject"`
	Title            string     `json:"title"`
	Rule             string     `json:"rule"`
	Detail           string     `json:"detail,omitempty"`
	OpenedAt         time.Time  `json:"opened_at"`
	Place            string     `json:"place,omitempty"`
	Rep              string     `json:"rep,omitempty"`
	Book             int        `json:"book"`
	Backlog          bool       `json:"backlog"`
	Cannot           string     `json:"cannot_judge,omitempty"`
	Assumed          bool       `json:"on_present_values,omitempty"`
	Excused          *time.Time `json:"excused_until,omitempty"`
	AcknowledgedAt   *time.Time `json:"acknowledged_at,omitempty"`
	AcknowledgedBy   string     `json:"acknowledged_by,omitempty"`
	AcknowledgedNote string     `json:"acknowledged_note,omitempty"`
}

// list prints violations of some rules, or all; none is what is said if there
// are none.
func (c *violationList) list(ctx context.Context, g *globals, none string, only postgres.ViolationFilter, rules ...book.Rule) error {
	p := violationPage{none: none, news: only.Backlog != nil}
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		f, err := c.filter(ctx, tx, ws, c.Rule, rules...)
		if err != nil {
			return err
		}
		f.Kind, f.Backlog, p.now = only.Kind, only.Backlog, f.Now
		if c.Acknowledged || c.Unacknowledged {
			f.Acknowledged = &c.Acknowledged
		}
		list, more, err := listViolations(ctx, tx, ws, f, c.Most)
		if err != nil {
			return err
		}
		p.more = more
		if p.views, err = violationViews(ctx, tx, ws, list); err != nil || !p.news {
			return err
		}
		f.Backlog = new(true)
		p.backlog, err = postgres.CountViolations(ctx, tx, ws, f)
		return err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(p.views)
	}
	p.print(g)
	return nil
}

func violationViews(ctx context.Context, tx pgx.Tx, ws int64, list []postgres.Violation) ([]violationView, error) {
	names, err := postgres.ConnectionNames(ctx, tx, ws)
	if err != nil {
		return nil, err
	}
	subjects, err := subjectsOf(ctx, tx, ws, list)
	if err != nil {
		return nil, err
	}
	views := make([]violationView, len(list))
	for i, v := range list {
		views[i] = violationView{ID: v.ID, Connection: names[v.Subject.Connection], Kind: one(v.Subject.Kind), Subject: v.Subject.ID, Title: subjects[v.Subject].Title,
			Rule: v.Rule, Detail: v.Detail, OpenedAt: v.Opened.UTC(), Place: v.Place, Rep: v.Owner, Book: v.Book, Backlog: v.Backlog, Cannot: text(v.Cannot), Assumed: v.Assumed,
			Excused: v.Excused, AcknowledgedAt: v.Acknowledged, AcknowledgedBy: text(v.AcknowledgedBy), AcknowledgedNote: text(v.AcknowledgedNote)}
	}
	return views, nil
}

// violationPage is a page of a list of violations.
type violationPage struct {
	views   []violationView
	none    string // what is said if there are none
	news    bool   // the backlog is left out
	backlog int64  // how many are
	more    bool
	now     time.Time
}

func (p *violationPage) print(g *globals) {
	t := newTable(">ID", "SINCE", "RULE", "WHAT", "WHERE", "REP", "DETAIL")
	for i := range p.views {
		v := &p.views[i]
		t.add(fmt.Sprint(v.ID), v.OpenedAt.Format("2006-01-02 15:04"), v.Rule+v.remarks(p.now), fmt.Sprintf("%s %s %s", v.Kind, v.Subject, shorten(v.Title, 32)), v.Place, v.Rep, v.Detail)
	}
	switch {
	case len(p.views) > 0:
		fmt.Fprint(g.stdout, t.text(""))
	case p.backlog == 0:
		fmt.Fprintln(g.stdout, p.none)
	default:
		fmt.Fprintln(g.stdout, "No violation is new.")
	}
	if p.more {
		fmt.Fprintf(g.stdout, "These are the oldest; --after %d shows the next.\n", p.views[len(p.views)-1].ID)
	}
	switch {
	case p.backlog == 1:
		fmt.Fprintln(g.stdout, "1 more is the backlog: `salesbook backlog`")
	case p.backlog > 1:
		fmt.Fprintf(g.stdout, "%s more are the backlog: `salesbook backlog`\n", count(p.backlog))
	}
}

// remarks is what a list says of a violation beside its rule.
func (v *violationView) remarks(now time.Time) (all string) {
	if v.Cannot != "" {
		all += " (cannot be judged)"
	}
	if v.Excused != nil && v.Excused.After(now) {
		all += " (excused)"
	}
	if v.AcknowledgedAt != nil {
		all += " (acknowledged by " + v.AcknowledgedBy + ")"
	}
	return all
}
