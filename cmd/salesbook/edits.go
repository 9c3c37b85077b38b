package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

type editsCmd struct {
	List    editsListCmd    `cmd:"" help:"List what salesbook wants to write to the CRM, or has written."`
	Show    editsShowCmd    `cmd:"" help:"Show one edit whole: why, before and after."`
	Approve editsApproveCmd `cmd:"" help:"Agree to edits that wait for it."`
	Cancel  editsCancelCmd  `cmd:"" help:"Cancel edits that are not on their way yet."`
	Undo    editsUndoCmd    `cmd:"" help:"Set back what an edit has written."`
	Live    editsLiveCmd    `cmd:"" help:"Let edits of a connection be made."`
	Dry     editsDryCmd     `cmd:"" help:"Only show the edits of a connection."`
	Stop    editsStopCmd    `cmd:"" help:"Stop all writing to a connection, or to all, at once."`
}

type editsListCmd struct {
	Connection string    `placeholder:"NAME" help:"Only of this connection."`
	State      []string  `placeholder:"STATE" enum:"dry,asked,ready,sent,done,refused,overtaken,cancelled" help:"Only in these states: dry, asked, ready, sent, done, refused, overtaken, cancelled."`
	What       string    `placeholder:"WHAT" enum:",card,task,activity,revert,note,restore,undo,setup" default:"" help:"Only of this sort: card, task, activity, revert, note, restore, undo or setup."`
	Deal       string    `xor:"subject" placeholder:"ID" help:"Only about this deal."`
	Lead       string    `xor:"subject" placeholder:"ID" help:"Only about this lead."`
	Since      book.Date `placeholder:"2026-12-24" help:"Only those that were first wanted on this day or later."`
	After      int64     `placeholder:"ID" help:"Go on after this edit, the last of the page before."`
	Most       pageSize  `short:"n" default:"50" help:"How many at most, the newest first."`
}

// editView is an edit as JSON. It stays.
type editView struct {
	ID          int64                      `json:"id"`
	Connection  string                     `json:"connection"`
	Kind        string                     `json:"kind,omitempty"` // deal or lead; empty: the set-up of the CRM
	Subject     string                     `json:"subject,omitempty"`
	Title       string                     `json:"title,omitempty"` // of the deal or lead; of the set-up the name of the record
	What        string                     `json:"what"`
	State       string                     `json:"state"`
	Why         string                     `json:"why,omitempty"`
	Rule        string                     `json:"rule,omitempty"`
	Detail      string                     `json:"detail,omitempty"`
	OpenedAt    *time.Time                 `json:"opened_at,omitempty"`
	Book        int                        `json:"book,omitempty"`
	Causes      []string                   `json:"causes,omitempty"`
	Target      string                     `json:"target"`              // canonical kind of the record
	TargetID    string                     `json:"target_id,omitempty"` // empty: it is not made yet
	Before      map[string]json.RawMessage `json:"before,omitempty"`
	Wanted      map[string]json.RawMessage `json:"wanted"`
	After       map[string]json.RawMessage `json:"after,omitempty"`
	Lost        map[string]json.RawMessage `json:"lost,omitempty"` // a person's change that was written over
	Note        string                     `json:"note,omitempty"`
	Attempts    int                        `json:"attempts"`
	MadeAt      time.Time                  `json:"made_at"`
	NotBefore   *time.Time                 `json:"not_before,omitempty"`
	ApprovedAt  *time.Time                 `json:"approved_at,omitempty"`
	ApprovedBy  string                     `json:"approved_by,omitempty"`
	SentAt      *time.Time                 `json:"sent_at,omitempty"`
	DoneAt      *time.Time                 `json:"done_at,omitempty"`
	EchoedAt    *time.Time                 `json:"echoed_at,omitempty"`
	Undoes      *int64                     `json:"undoes,omitempty"`
	words       editWords
	targetKinds string
}

// Run lists edits.
func (c *editsListCmd) Run(ctx context.Context, g *globals) error {
	var views []editView
	more := false
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		f := postgres.EditFilter{States: c.State, What: c.What, Deal: c.Deal, Lead: c.Lead, Before: c.After, Most: int(c.Most) + 1}
		if c.Since != (book.Date{}) {
			f.Since = c.Since.Start(time.UTC)
		}
		if c.Connection != "" {
			conn, err := postgres.ConnectionByName(ctx, tx, ws, c.Connection)
			if err != nil {
				return err
			}
			f.Connection = conn.ID
		}
		list, err := postgres.Edits(ctx, tx, ws, f)
		if err != nil {
			return err
		}
		if more = len(list) > int(c.Most); more {
			list = list[:c.Most]
		}
		views, err = editViews(ctx, tx, ws, list)
		return err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(views)
	}
	printEdits(g, views, more)
	return nil
}

func printEdits(g *globals, views []editView, more bool) {
	if len(views) == 0 {
		fmt.Fprintln(g.stdout, "There are no such edits.")
		return
	}
	t := newTable(">ID", "WANTED", "STATE", "WHAT", "ABOUT", "RULE", "CHANGE")
	asked := 0
	for i := range views {
		v := &views[i]
		if v.State == "asked" {
			asked++
		}
		t.add(fmt.Sprint(v.ID), v.MadeAt.Format("2006-01-02 15:04"), v.State+v.remarks(), v.What, shorten(v.about(), 40), orDash(shorten(v.rules(), 40)), shorten(v.change(), 100))
	}
	fmt.Fprint(g.stdout, t.text(""))
	if more {
		fmt.Fprintf(g.stdout, "These are the newest; --after %d shows the next.\n", views[len(views)-1].ID)
	}
	if asked > 0 {
		fmt.Fprintln(g.stdout, "`salesbook edits approve ID` agrees to one that is asked, `cancel ID` does not.")
	}
}

// remarks is what a list says of an edit beside its state.
func (v *editView) remarks() string {
	switch {
	case len(v.Lost) > 0:
		return " (wrote over a change)"
	case v.Why != "" && v.State == "done":
		return " (see why)"
	}
	return ""
}

func editViews(ctx context.Context, tx pgx.Tx, ws int64, list []postgres.Edit) ([]editView, error) {
	views := make([]editView, len(list))
	names, err := postgres.ConnectionNames(ctx, tx, ws)
	if err != nil {
		return nil, err
	}
	subjects, err := postgres.SubjectsByKey(ctx, tx, ws, subjectKeys(list))
	if err != nil {
		return nil, err
	}
	words := map[int64]editWords{}
	for i := range list {
		e := &list[i]
		if _, ok := words[e.Subject.Connection]; !ok {
			if words[e.Subject.Connection], err = readEditWords(ctx, tx, ws, e.Subject.Connection); err != nil {
				return nil, err
			}
		}
		views[i] = editView{ID: e.ID, Connection: names[e.Subject.Connection], Kind: one(e.Subject.Kind), Subject: e.Subject.ID, Title: subjects[e.Subject].Title, What: e.What, State: e.State, Why: e.Why,
			Rule: e.Cause.Rule, Detail: e.Cause.Detail, Book: e.Cause.Book, Causes: e.Cause.Causes, Target: one(e.TargetKind), TargetID: text(e.TargetID), Before: e.Before, Wanted: e.Wanted, After: e.After,
			Lost: e.Lost, Note: e.Note, Attempts: e.Attempts, MadeAt: e.MadeAt.UTC(), NotBefore: e.NotBefore, ApprovedAt: e.ApprovedAt, ApprovedBy: text(e.ApprovedBy), SentAt: e.SentAt, DoneAt: e.DoneAt,
			EchoedAt: e.EchoedAt, Undoes: e.Undoes, words: words[e.Subject.Connection], targetKinds: e.TargetKind}
		if e.Subject.Kind == "" {
			if views[i].Title, err = definitionName(ctx, tx, ws, e); err != nil {
				return nil, err
			}
		}
		if !e.Cause.Opened.IsZero() {
			views[i].OpenedAt = new(e.Cause.Opened.UTC())
		}
	}
	return views, nil
}

// subjectKeys are the deals and leads that edits are about.
func subjectKeys(list []postgres.Edit) (keys []postgres.SubjectKey) {
	for i := range list {
		if list[i].Subject.Kind != "" {
			keys = append(keys, list[i].Subject)
		}
	}
	return keys
}

// definitionName is the name of the pipeline, stage or field that an edit of the
// set-up is about: the one that it gives, or else has now.
func definitionName(ctx context.Context, tx pgx.Tx, ws int64, e *postgres.Edit) (name string, err error) {
	raw, ok := e.Wanted["name"]
	if !ok && e.TargetID != nil {
		row, err := postgres.Definition(ctx, tx, ws, e.Subject.Connection, e.TargetKind, *e.TargetID)
		if err != nil {
			return "", err
		}
		raw = row["name"]
	}
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &name)
	}
	return name, err
}
