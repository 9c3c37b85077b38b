package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/jobs"
)

// narrowing are the flags that narrow a list of violations.
type narrowing struct {
	Funnel  string `placeholder:"FUNNEL" help:"Only of deals in this funnel, by its id or name in the book."`
	Stage   string `placeholder:"STAGE" help:"Only of deals in this stage, by its id or name in the book, or as funnel/stage."`
	Team    string `placeholder:"TEAM" help:"Only of deals and leads of this team's reps, by its id or name in the book."`
	Rep     string `placeholder:"REP" help:"Only of this rep's deals and leads, by address or name."`
	Excused bool   `help:"Also those that somebody lets pass."`
	After   int64  `placeholder:"ID" help:"Go on after this violation, the last of the page before."`
}

// filter is the filter that the flags stand for, of one rule or some.
func (n *narrowing) filter(ctx context.Context, tx pgx.Tx, ws int64, rule string, rules ...book.Rule) (postgres.ViolationFilter, error) {
	f, err := jobs.Narrowed(ctx, tx, ws, jobs.Narrow{Funnel: n.Funnel, Stage: n.Stage, Team: n.Team, Rep: n.Rep, Rule: rule}, rules)
	f.Excused, f.After, f.Now = n.Excused, n.After, time.Now()
	return f, err
}

// pageSize is how many a list shows at most.
type pageSize int

// UnmarshalText reads a number from 1.
func (n *pageSize) UnmarshalText(text []byte) error {
	k, err := strconv.Atoi(string(text))
	if err != nil || k < 1 || k > 100_000 {
		return fmt.Errorf("%q is not a number from 1 to 100000", text)
	}
	*n = pageSize(k)
	return nil
}

// listViolations reads a page of violations and tells whether there are more.
func listViolations(ctx context.Context, tx pgx.Tx, ws int64, f postgres.ViolationFilter, most pageSize) (list []postgres.Violation, more bool, err error) {
	f.Most = int(most) + 1
	if list, err = postgres.OpenViolations(ctx, tx, ws, f); len(list) > int(most) {
		return list[:most], true, err
	}
	return list, false, err
}

// connectionNames are the names of a workspace's connections.
func connectionNames(ctx context.Context, tx pgx.Tx, ws int64) (map[int64]string, error) {
	list, err := postgres.Connections(ctx, tx, ws)
	names := make(map[int64]string, len(list))
	for _, c := range list {
		names[c.ID] = c.Name
	}
	return names, err
}

// subjectsOf reads the deals and leads of violations.
func subjectsOf(ctx context.Context, tx pgx.Tx, ws int64, list []postgres.Violation) (map[postgres.SubjectKey]postgres.Subject, error) {
	keys := make([]postgres.SubjectKey, len(list))
	for i, v := range list {
		keys[i] = v.Subject
	}
	return subjectsAmong(ctx, tx, ws, keys)
}

// subjectsAmong reads deals and leads.
func subjectsAmong(ctx context.Context, tx pgx.Tx, ws int64, keys []postgres.SubjectKey) (map[postgres.SubjectKey]postgres.Subject, error) {
	ids := map[postgres.SubjectKey][]string{}
	for _, k := range keys {
		group := postgres.SubjectKey{Connection: k.Connection, Kind: k.Kind}
		ids[group] = append(ids[group], k.ID)
	}
	out := map[postgres.SubjectKey]postgres.Subject{}
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
			out[postgres.SubjectKey{Connection: group.Connection, Kind: group.Kind, ID: rows[i].ID}] = rows[i]
		}
	}
	return out, nil
}

// one is what one record of a kind is called: deal, lead.
func one(kind string) string {
	if k, ok := sales.KindByName(kind); ok {
		return k.One
	}
	return strings.TrimSuffix(kind, "s")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
