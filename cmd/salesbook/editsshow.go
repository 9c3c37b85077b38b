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

func (v *editView) print(g *globals) {
	t := newTable()
	t.add("edit", fmt.Sprint(v.ID), "")
	t.add("connection", v.Connection)
	t.add("about", strings.TrimSpace(strings.Join([]string{v.Kind, v.Subject, v.Title}, " ")))
	t.add("what", v.What+", "+strings.TrimSpace(v.Target+" "+orNothing(v.TargetID, "(not made yet)")))
	t.add("state", v.State)
	t.add("why", orDash(v.Why))
	t.add("rule", orDash(strings.TrimSpace(v.Rule+" "+v.Detail)))
	if v.OpenedAt != nil {
		t.add("broken since", stamp(v.OpenedAt))
	}
	if v.Book > 0 {
		t.add("book", fmt.Sprintf("version %d", v.Book))
	}
	t.add("wanted since", stamp(&v.MadeAt))
	if v.ApprovedAt != nil {
		t.add("agreed to", stamp(v.ApprovedAt)+" by "+v.ApprovedBy)
	}
	t.add("called", stamp(v.SentAt)+", "+counted(int64(v.Attempts), "attempt"))
	if v.NotBefore != nil {
		t.add("not before", stamp(v.NotBefore))
	}
	t.add("ended", stamp(v.DoneAt))
	if v.Undoes != nil {
		t.add("takes back", fmt.Sprintf("edit %d", *v.Undoes))
	}
	fmt.Fprint(g.stdout, t.text(""))
	v.printFields(g)
	if v.Note != "" {
		fmt.Fprintf(g.stdout, "\nNote that goes with it: %s\n", harmless(v.words.value("note", asText(v.Note))))
	}
}

func (v *editView) printFields(g *globals) {
	t := newTable("FIELD", "BEFORE", "WANTED", "AFTER", "WRITTEN OVER")
	cell := func(name string, fields map[string]json.RawMessage) string {
		raw, ok := fields[name]
		if !ok {
			return "-"
		}
		return shorten(v.words.value(name, raw), 48)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Wanted)) {
		t.add(v.words.field(v.targetKinds, name), cell(name, v.Before), cell(name, v.Wanted), cell(name, v.After), cell(name, v.Lost))
	}
	fmt.Fprint(g.stdout, "\n"+t.text(""))
}

func asText(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return b
}

// stamp writes an instant to the second; a dash if there is none.
func stamp(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
