package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

type violationsCmd struct {
	Rule string `placeholder:"RULE" help:"Only of this rule."`
	violationList
}

// violationList narrows a list of violations.
type violationList struct {
	Rep     string `placeholder:"ADDRESS" help:"Only of this rep's deals and leads."`
	Place   string `placeholder:"FUNNEL[/STAGE]" help:"Only of deals that stand there."`
	Excused bool   `help:"Also those that somebody lets pass."`
	Most    int    `short:"n" default:"50" help:"How many at most, the oldest first."`
}

type staleCmd struct{ violationList }

// Run lists deals that hang, and why.
func (c *staleCmd) Run(ctx context.Context, g *globals) error {
	f := postgres.ViolationFilter{Kind: "deals"}
	for _, r := range book.Hanging() {
		f.Rules = append(f.Rules, string(r))
	}
	return c.list(ctx, g, "No deal hangs.", f)
}

type leadsCmd struct{ violationList }

// Run lists leads that are not handled as the book says.
func (c *leadsCmd) Run(ctx context.Context, g *globals) error {
	return c.list(ctx, g, "Every lead is handled as the book says.", postgres.ViolationFilter{Kind: "leads"})
}

// violationView is a violation as JSON.
type violationView struct {
	ID         int64      `json:"id"`
	Connection string     `json:"connection"`
	Kind       string     `json:"kind"`
	Subject    string     `json:"subject"`
	Title      string     `json:"title"`
	Rule       string     `json:"rule"`
	Detail     string     `json:"detail,omitempty"`
	OpenedAt   time.Time  `json:"opened_at"`
	Place      string     `json:"place,omitempty"`
	Rep        string     `json:"rep,omitempty"`
	Book       int        `json:"book"`
	Cannot     string     `json:"cannot_judge,omitempty"`
	Assumed    bool       `json:"on_present_values,omitempty"`
	Excused    *time.Time `json:"excused_until,omitempty"`
}

// Run lists rules of the book that are broken now.
func (c *violationsCmd) Run(ctx context.Context, g *globals) error {
	f := postgres.ViolationFilter{}
	if c.Rule != "" {
		f.Rules = []string{c.Rule}
	}
	return c.list(ctx, g, "No violation is open.", f)
}

// list prints violations; none is what is said if there are none.
func (c *violationList) list(ctx context.Context, g *globals, none string, f postgres.ViolationFilter) error {
	f.Owner, f.Place, f.Excused, f.Most, f.Now = strings.ToLower(c.Rep), c.Place, c.Excused, c.Most, time.Now()
	var views []violationView
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		list, err := postgres.OpenViolations(ctx, tx, ws, f)
		if err != nil {
			return err
		}
		names, err := postgres.Connections(ctx, tx, ws)
		if err != nil {
			return err
		}
		titles, err := titlesOf(ctx, tx, ws, list)
		if err != nil {
			return err
		}
		called := map[int64]string{}
		for _, n := range names {
			called[n.ID] = n.Name
		}
		views = make([]violationView, len(list))
		for i, v := range list {
			views[i] = violationView{v.ID, called[v.Subject.Connection], strings.TrimSuffix(v.Subject.Kind, "s"), v.Subject.ID, titles[v.Subject], v.Rule, v.Detail, v.Opened.UTC(), v.Place, v.Owner, v.Book, text(v.Cannot), v.Assumed, v.Excused}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(g.stdout, none)
		return nil
	}
	t := newTable(">ID", "SINCE", "RULE", "WHAT", "WHERE", "REP", "DETAIL")
	for _, v := range views {
		rule := v.Rule
		if v.Cannot != "" {
			rule += " (cannot be judged)"
		}
		if v.Excused != nil && v.Excused.After(f.Now) {
			rule += " (excused)"
		}
		t.add(fmt.Sprint(v.ID), v.OpenedAt.Format("2006-01-02 15:04"), rule, fmt.Sprintf("%s %s %s", v.Kind, v.Subject, shorten(v.Title, 32)), v.Place, v.Rep, v.Detail)
	}
	fmt.Fprint(g.stdout, t.text(""))
	if len(views) == c.Most {
		fmt.Fprintf(g.stdout, "These are the oldest %d; -n shows more.\n", c.Most)
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// titlesOf reads the titles of the deals and leads of violations.
func titlesOf(ctx context.Context, tx pgx.Tx, ws int64, list []postgres.Violation) (map[postgres.SubjectKey]string, error) {
	ids := map[postgres.SubjectKey][]string{}
	for _, v := range list {
		group := postgres.SubjectKey{Connection: v.Subject.Connection, Kind: v.Subject.Kind}
		ids[group] = append(ids[group], v.Subject.ID)
	}
	titles := map[postgres.SubjectKey]string{}
	for group, some := range ids {
		read := postgres.DealsByID
		if group.Kind == "leads" {
			read = postgres.LeadsByID
		}
		rows, err := read(ctx, tx, ws, group.Connection, some)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			titles[postgres.SubjectKey{Connection: group.Connection, Kind: group.Kind, ID: rows[i].ID}] = rows[i].Title
		}
	}
	return titles, nil
}
