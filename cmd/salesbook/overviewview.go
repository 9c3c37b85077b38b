package main

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// worthView is a sum as JSON.
type worthView struct {
	Currency string          `json:"currency"`
	Count    int             `json:"count"`
	Amount   decimal.Decimal `json:"amount"`
}

// figureView is a figure as JSON.
type figureView struct {
	Count int         `json:"count"`
	Of    int         `json:"of"`
	Worth []worthView `json:"worth"`
}

// overviewView is an overview as JSON.
type overviewView struct {
	Book       int        `json:"book"`
	Unjudged   int        `json:"unjudged"`
	Hanging    figureView `json:"hanging"`
	Reasonless figureView `json:"reasonless"`
	Untouched  figureView `json:"untouched"`
	LosesMost  *leakView  `json:"loses_most"`
}

// leakView is the stage that loses most as JSON.
type leakView struct {
	Connection string `json:"connection"`
	Pipeline   string `json:"pipeline"`
	Stage      string `json:"stage"`
	figureView
}

func viewOverview(o *jobs.Overview) overviewView {
	v := overviewView{Book: o.Book.Version, Unjudged: o.Portfolio.Unjudged,
		Hanging: viewFigure(o.Hanging, o.Portfolio.Open), Reasonless: viewFigure(o.Reasonless, o.Portfolio.Lost), Untouched: viewFigure(o.Untouched, o.Portfolio.Open+o.Portfolio.Leads)}
	if len(o.Leaks) > 0 {
		l := &o.Leaks[0]
		v.LosesMost = &leakView{l.Connection, l.Pipeline, l.Stage, viewFigure(o.LosesMost, o.Portfolio.Lost)}
	}
	return v
}

func viewFigure(sums []postgres.Worth, of int) figureView {
	v := figureView{Of: of, Worth: []worthView{}}
	for _, s := range sums {
		v.Count += s.Count
		if s.Amount.IsPositive() {
			v.Worth = append(v.Worth, worthView(s))
		}
	}
	return v
}

// overviewLines is the first screen: four figures, how to see what is behind
// them, and what to do next.
func overviewLines(o *jobs.Overview) []string {
	v := viewOverview(o)
	t := newTable()
	t.right[0] = true
	t.add(count(int64(v.Hanging.Count)), fmt.Sprintf("of %s hang%s", counted(int64(v.Hanging.Of), "open deal"), v.Hanging.worth()))
	t.add(v.Reasonless.share(), fmt.Sprintf("of %s have no usable reason%s", counted(int64(v.Reasonless.Of), "lost deal"), v.Reasonless.worth()))
	t.add(count(int64(v.Untouched.Count)), "leads that nobody has answered"+v.Untouched.worth())
	if l := v.LosesMost; l != nil {
		t.add(l.share(), fmt.Sprintf("of all losses in %s (%s), which loses most%s", l.Stage, l.Pipeline, l.worth()))
	}
	out := t.lines("  ")
	if !settled(o) {
		out = append(out, "", "  Still being judged, so these figures grow.")
	}
	out = append(out, "", "  What is behind a figure: salesbook overview hanging, reasonless, untouched, loses-most",
		"  Old sins, the dearest first: salesbook backlog. What is new: salesbook violations.")
	return append(out, "  "+nextStep(o))
}

// settled tells whether the figures are whole, but for what happens at this moment:
// in a living company something always waits to be judged anew.
func settled(o *jobs.Overview) bool {
	p := &o.Portfolio
	return p.Unjudged*50 <= p.Open+p.Lost+p.Leads
}

// worth says what deals are worth.
func (f figureView) worth() string {
	var parts []string
	for _, s := range f.Worth[:min(len(f.Worth), 2)] {
		parts = append(parts, count(s.Amount.IntPart())+" "+s.Currency)
	}
	if len(parts) == 0 {
		return ""
	}
	text := ", worth " + strings.Join(parts, ", ")
	if more := len(f.Worth) - len(parts); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// share is the part of all that a figure is.
func (f figureView) share() string {
	if f.Of == 0 {
		return "none"
	}
	return percent(float64(f.Count) / float64(f.Of))
}

// nextStep says what to do with it.
func nextStep(o *jobs.Overview) string {
	if o.Book.ActiveBy == jobs.StarterBy {
		return "By a starter book, made from your own data; it only observes. Add one rule a week: salesbook book export"
	}
	return fmt.Sprintf("By %s, version %d. Day by day: salesbook violations, salesbook stale, salesbook leads.", harmless(o.Book.Name), o.Book.Version)
}
