package handbook

import (
	"cmp"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

// funnels are the second part: what is sold to whom, and a section for each
// funnel.
func (w *writer) funnels() (out []section) {
	if len(w.book.Products) > 0 {
		out = append(out, w.products())
	}
	for i := range w.book.Funnels {
		out = append(out, w.funnel(&w.book.Funnels[i]))
	}
	return out
}

// products are a table of what is sold, to whom and by which funnel; also what
// no funnel sells yet.
func (w *writer) products() section {
	t := &table{Head: []string{w.Say(language.Product), w.Say(language.Segment), w.Say(language.FunnelName)}}
	for _, p := range w.book.Products {
		sold := false
		for i := range w.book.Funnels {
			if f := &w.book.Funnels[i]; f.Product == p.ID {
				t.Rows = append(t.Rows, []string{p.Name, w.segmentName(f.Segment), f.Name})
				sold = true
			}
		}
		if !sold {
			t.Rows = append(t.Rows, []string{p.Name, "", w.Say(language.NoFunnel)})
		}
	}
	return section{ID: "products", Title: w.Say(language.WhatIsSold), Table: t}
}

func (w *writer) funnel(f *book.Funnel) section {
	s := section{ID: "funnel." + f.ID, Title: w.Say(language.Funnel, w.Quote(f.Name))}
	e := w.entries()
	e.say(language.Product, nameIn(w.book.Products, f.Product, func(p *book.Named) (string, string) { return p.ID, p.Name }))
	e.say(language.Segment, w.segmentName(f.Segment))
	var pipelines []string
	for _, from := range f.CRM {
		pipelines = append(pipelines, w.pipeline(from))
	}
	e.add(language.InCRM, texts(pipelines)...)
	order := f.Order
	if order == "" {
		order = book.Free
	}
	e.say(language.Passing, w.Order(string(order)))
	if f.KeyStage != "" {
		e.say(language.KeyStage, w.Say(language.KeyWhy, w.Quote(w.StageOf(f, f.KeyStage))))
	}
	s.Entries = e.list
	for i := range f.Stages {
		c := w.stage(f, i)
		s.Cards = append(s.Cards, c)
		s.Flow = append(s.Flow, step{Href: "#" + c.ID, Name: c.Title, Key: c.Key})
	}
	return s
}

func (w *writer) pipeline(from book.From) string {
	name := w.inCRM(from.Pipeline)
	if from.Connection == "" {
		return w.Say(language.Pipeline, name)
	}
	return w.Say(language.PipelineOf, name, w.Quote(from.Connection))
}

// inCRM is the name of something in the CRM, which a book may give as # and an
// id.
func (w *writer) inCRM(name string) string {
	if id, ok := strings.CutPrefix(name, "#"); ok {
		return w.Say(language.Numbered, id)
	}
	return w.Quote(name)
}

// nameIn finds the name of what has an id; the id if nothing has it.
func nameIn[T any](list []T, id string, of func(*T) (id, name string)) string {
	for i := range list {
		if have, name := of(&list[i]); have == id {
			return name
		}
	}
	return id
}

func (w *writer) segmentName(id string) string {
	return nameIn(w.book.Segments, id, func(s *book.Segment) (string, string) { return s.ID, s.Name })
}

func (w *writer) roleName(id string) string {
	return nameIn(w.book.Roles, id, func(r *book.Role) (string, string) { return r.ID, r.Name })
}

func (w *writer) teamName(id string) string {
	return nameIn(w.book.Teams, id, func(t *book.Team) (string, string) { return t.ID, t.Name })
}

// stage is a stage as its people read it: what for, who, what, until when.
func (w *writer) stage(f *book.Funnel, i int) card {
	s := &f.Stages[i]
	c := card{ID: "stage." + f.ID + "." + s.ID, Number: i + 1, Title: s.Name, Key: s.ID == f.KeyStage}
	if c.Key {
		c.Badge = w.Say(language.KeyStage)
	}
	e := w.entries()
	e.say(language.Goal, s.Goal)
	e.say(language.InCharge, w.roleName(s.Role))
	e.add(language.OnEntry, clauses(w.Conditions(s.Entry))...)
	e.add(language.WhatToDo, w.tasks(s.Tasks)...)
	if len(s.Tasks) > 0 {
		e.list[len(e.list)-1].Ordered = true
	}
	e.say(language.ToFill, strings.Join(w.Fields(s.Required), ", "))
	e.add(language.Result, clauses(w.Conditions(s.Exit))...)
	e.add(language.TimeAllowed, w.time(s)...)
	if s.Probability != nil {
		e.say(language.Chance, w.Percent(decimal.NewFromInt(int64(*s.Probability))))
	}
	e.say(language.IfTooLong, w.People(s.Tell))
	e.say(language.IfLostHere, s.IfLostHere)
	if len(s.CRM) > 0 {
		names := make([]string, len(s.CRM))
		for i, name := range s.CRM {
			names[i] = w.inCRM(name)
		}
		e.say(language.InCRM, strings.Join(names, ", "))
	}
	c.Entries = e.list
	return c
}

func (w *writer) tasks(list []book.Task) []line {
	out := make([]line, len(list))
	for i := range list {
		t := &list[i]
		out[i] = text(t.Name)
		if t.How != "" {
			how := linked(t.How)
			if strings.Contains(t.How, "\n") {
				how.Parts = append([]wording.Piece{{Text: "\n"}}, how.Parts...) // a list begins on a line of its own
			}
			how.Label = w.Say(language.How)
			out[i].Below = append(out[i].Below, how)
		}
		if t.Done != nil {
			done := clauses([]wording.Clause{w.Condition(t.Done)})[0]
			done.Label = w.Say(language.DoneIf)
			out[i].Below = append(out[i].Below, done)
		}
		if t.Create != nil {
			made := text(w.created(t.Create))
			made.Label = w.Say(language.MadeOnEntry)
			out[i].Below = append(out[i].Below, made)
		}
	}
	return out
}

// created says what a task of a stage becomes in the CRM, and for when.
func (w *writer) created(c *book.Create) string {
	what := w.ActivityType(cmp.Or(c.Type, "task"))
	if c.After == nil {
		return what + ", " + w.Say(language.AtOnce)
	}
	return what + ", " + w.Say(language.Later, w.Length(*c.After))
}

// time says how long a deal may stand at a stage and go untouched: by the stage
// itself, or else as everywhere.
func (w *writer) time(s *book.Stage) (lines []line) {
	bound := func(what language.Phrase, own, everywhere *book.Span) {
		switch {
		case own != nil:
			lines = append(lines, text(w.Say(what, w.Length(*own))))
		case everywhere != nil:
			lines = append(lines, text(w.Say(language.AsEverywhere, w.Say(what, w.Length(*everywhere)))))
		}
	}
	bound(language.StageLimit, s.Limit, w.book.Control.Limit)
	bound(language.StageNoTouch, s.NoTouch, w.book.Control.NoTouch)
	return lines
}
