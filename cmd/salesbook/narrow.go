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

// subjectsOf reads the deals and leads of violations.
func subjectsOf(ctx context.Context, tx pgx.Tx, ws int64, list []postgres.Violation) (map[postgres.SubjectKey]postgres.Subject, error) {
	keys := make([]postgres.SubjectKey, len(list))
	for i := range list {
		keys[i] = list[i].Subject
	}
	return postgres.SubjectsByKey(ctx, tx, ws, keys)
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
