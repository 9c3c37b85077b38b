package enforce_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// policy is what the book of these tests does by some lines of enforcement, as
// {rule: no_owner, mode: task}; all rules are in force, and everything was read, since
// the beginning of October.
func policy(t testing.TB, language string, lines ...string) *enforce.Policy {
	t.Helper()
	text, err := os.ReadFile("testdata/sales.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := book.Parse("sales.yaml", []byte(string(text)+"language: "+language+"\nenforcement: ["+strings.Join(lines, ", ")+"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := book.Compile(b, []book.Pipeline{{Connection: "crm", ID: "1", Name: "Sales", Stages: []book.CRMStage{
		{ID: "11", Name: "Lead"}, {ID: "12", Name: "Need"}, {ID: "13", Name: "Offer"}, {ID: "14", Name: "Contract"}}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &enforce.Policy{Book: c, Since: enforce.Since{}, Read: october(), Active: october()}
	for rule, modes := range enforce.Modes(b) {
		p.Since[rule] = map[book.Mode]time.Time{}
		for _, m := range modes {
			p.Since[rule][m] = october()
		}
	}
	return p
}

func october() time.Time { return time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC) }

// at is an instant of November 2026, by the clock of the office, which is an hour
// ahead of UTC. The 2nd is a Monday.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour-1, minute, 0, 0, time.UTC)
}

// deal is one of Anna's that has come to some stages, one each day at 10:00 from the
// 2nd on.
func deal(stages ...string) *book.Facts {
	f := &book.Facts{Connection: "crm", ID: "58", Owner: "anna@x.pl", Currency: "PLN", Status: "open", Fields: map[string]string{}, Added: at(2, 10, 0)}
	for i, s := range stages {
		f.Moves = append(f.Moves, book.Move{At: at(2+i, 10, 0), Stage: s})
	}
	return f
}

// effects judges and tells what is to be done.
func effects(p *enforce.Policy, f *book.Facts, s enforce.State, now time.Time) enforce.Effects {
	j := p.Book.Judge(f, now)
	return p.Effects(f, &j, s, now)
}

func amount(n int64) *decimal.Decimal { return new(decimal.NewFromInt(n)) }
