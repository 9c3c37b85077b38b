package jobs

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Narrow is what a list of violations is narrowed to, by ids or names of the
// book in force, in any case; empty: everything.
type Narrow struct {
	Funnel, Stage string
	Team          string // its reps' deals and leads
	Rep           string // address or name
	Rule          string
}

// Narrowed is the filter that lets through what a list is narrowed to, of some
// rules or, if there are none, all.
func Narrowed(ctx context.Context, tx pgx.Tx, workspace int64, n Narrow, rules []book.Rule) (f postgres.ViolationFilter, err error) {
	for _, r := range rules {
		f.Rules = append(f.Rules, string(r))
	}
	if n == (Narrow{}) {
		return f, nil
	}
	b, err := Book(ctx, tx, workspace)
	if err != nil {
		return f, err
	}
	invalid := func(err error) error { return fault.New(fault.Invalid, "%w", err) }
	if f.Places, err = b.PlacesCalled(n.Funnel, n.Stage); err != nil {
		return f, invalid(err)
	}
	if n.Rule != "" {
		r, err := b.RuleCalled(n.Rule, rules)
		if err != nil {
			return f, invalid(err)
		}
		f.Rules = []string{string(r)}
	}
	if n.Team == "" && n.Rep == "" {
		return f, nil
	}
	owners, names, err := postgres.OwnersOf(ctx, tx, workspace)
	if err != nil {
		return f, err
	}
	if n.Team != "" {
		reps, err := b.RepsOfTeam(n.Team)
		if err != nil {
			return f, invalid(err)
		}
		f.Owners = asOwners(reps, owners)
	}
	if n.Rep == "" {
		return f, nil
	}
	rep, err := repCalled(n.Rep, owners, names, b.Addresses())
	if err != nil {
		return f, invalid(err)
	}
	if n.Team != "" {
		rep = slices.DeleteFunc(rep, func(o string) bool { return !slices.Contains(f.Owners, o) })
	}
	f.Owners = rep
	return f, nil
}

// asOwners are reps of the book as the CRM has them, and as they are.
func asOwners(reps, owners []string) []string {
	out := []string{}
	for _, r := range reps {
		out = append(out, strings.ToLower(r))
		for _, o := range owners {
			if strings.EqualFold(o, r) && !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	return out
}

// repCalled finds whom an address or a name is of: users of the CRM, or who
// stands in the book alone.
func repCalled(called string, owners, names, inBook []string) ([]string, error) {
	out := []string{}
	folded := book.FoldField(called)
	for i, o := range owners {
		if (book.FoldField(o) == folded || book.FoldField(names[i]) == folded) && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	if len(out) == 0 && slices.ContainsFunc(inBook, func(a string) bool { return book.FoldField(a) == folded }) {
		out = append(out, strings.ToLower(folded))
	}
	if len(out) == 0 {
		return nil, book.Unknown("neither the CRM nor the book has such a rep", called, slices.Concat(owners, names, inBook))
	}
	return out, nil
}
