package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

type editsShowCmd struct {
	ID int64 `arg:"" help:"Number of the edit."`
}

// Run shows one edit.
func (c *editsShowCmd) Run(ctx context.Context, g *globals) error {
	var v editView
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		e, err := postgres.EditByID(ctx, tx, ws, c.ID)
		if err != nil {
			return err
		}
		views, err := editViews(ctx, tx, ws, []postgres.Edit{e})
		if err == nil {
			v = views[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(v)
	}
	v.print(g)
	return nil
}

// stateWords say what a state of an edit means, and what can be done about it.
var stateWords = map[string]string{
	"dry":       ": it is only shown, the connection is in a dry run",
	"asked":     ": it waits for somebody to agree; `salesbook edits approve`, or `cancel`",
	"ready":     ": it waits for its turn",
	"sent":      ": the call was made, or is being made; what became of it is looked up",
	"refused":   ": `salesbook failures list` has what the vendor said, `failures retry` tries again",
	"overtaken": ": somebody changed the same meanwhile, and that stays",
}

func (v *editView) print(g *globals) {
	t := newTable()
	add := func(what, is string) {
		if is != "" {
			t.add(what, is)
		}
	}
	at := func(what string, at *time.Time, rest string) {
		if at != nil {
			t.add(what, stamp(at)+rest)
		}
	}
	add("edit", fmt.Sprint(v.ID))
	add("connection", v.Connection)
	add("about", v.about())
	add("what", v.What+", "+strings.TrimSpace(v.Target+" "+orNothing(v.TargetID, "(not made yet)")))
	add("state", v.State+stateWords[v.State])
	add("why", v.Why)
	if v.Kind == "" {
		add("step", v.Detail)
	} else {
		add("rule", strings.TrimSpace(v.rules()+" "+v.Detail))
	}
	at("broken since", v.OpenedAt, "")
	if v.Book > 0 {
		add("book", fmt.Sprintf("version %d", v.Book))
	}
	at("wanted since", &v.MadeAt, "")
	at("agreed to", v.ApprovedAt, " by "+v.ApprovedBy)
	at("called", v.SentAt, ", "+counted(int64(v.Attempts), "attempt"))
	if v.DoneAt == nil {
		at("not before", v.NotBefore, "")
	}
	at("ended", v.DoneAt, "")
	if v.Undoes != nil {
		add("takes back", fmt.Sprintf("edit %d", *v.Undoes))
	}
	fmt.Fprint(g.stdout, t.text(""))
	v.printFields(g)
	if v.Note != "" {
		fmt.Fprintf(g.stdout, "\nNote that goes with it:\n%s", v.whole("note", asText(v.Note)).text("  "))
	}
}

// printFields prints every field whole: what it held, shall hold and came to hold.
func (v *editView) printFields(g *globals) {
	for _, name := range slices.Sorted(maps.Keys(v.Wanted)) {
		t := newTable()
		for _, side := range []struct {
			what   string
			fields map[string]json.RawMessage
		}{{"before", v.Before}, {"wanted", v.Wanted}, {"after", v.After}, {"written over", v.Lost}} {
			raw, ok := side.fields[name]
			if !ok {
				continue
			}
			for i, line := range v.words.lines(name, raw) {
				t.add([]string{side.what, ""}[min(i, 1)], line)
			}
		}
		fmt.Fprintf(g.stdout, "\n%s\n%s", harmless(v.words.field(v.targetKinds, name)), t.text("  "))
	}
}

// whole is what a field holds, line by line.
func (v *editView) whole(name string, raw json.RawMessage) *table {
	t := newTable()
	for _, line := range v.words.lines(name, raw) {
		t.add(line)
	}
	return t
}

func asText(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return b
}

// stamp writes an instant to the second.
func stamp(t *time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
