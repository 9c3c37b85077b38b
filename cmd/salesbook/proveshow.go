package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// progress lists what is being compared or waits for it.
func (p *proving) progress(s *connectionStatus) []string {
	t := newTable("OBJECT", ">COMPARED", "STATE")
	for _, o := range s.Objects {
		if o.Proof == nil || o.State == "attached" || p.options.Object != "" && p.options.Object != o.Object {
			continue
		}
		switch {
		case o.Proof.Sweeping:
			t.add(o.Title, count(o.Proof.Seen), o.Proof.words(s.At)+o.Proof.pace())
		case p.done(o):
			t.add(o.Title, count(o.Proof.Vendor), "compared")
		default:
			t.add(o.Title, "", "waiting")
		}
	}
	return append(t.lines(""), p.summary(s))
}

// done tells whether an object has been compared since the command began.
func (p *proving) done(o objectStatus) bool {
	return o.Proof.FinishedAt != nil && !o.Proof.FinishedAt.Before(p.options.Since)
}

// summary is one line about what is going on, with rate and time left.
func (p *proving) summary(s *connectionStatus) string {
	var done, all int64
	for _, o := range s.Objects {
		if o.Proof == nil || o.State == "attached" || p.options.Object != "" && p.options.Object != o.Object {
			continue
		}
		switch {
		case p.done(o):
			done, all = done+o.Proof.Vendor, all+o.Proof.Vendor
		default:
			done, all = done+o.Proof.Seen, all+max(o.Records, o.Proof.Seen)
		}
	}
	took := time.Since(p.began)
	text := fmt.Sprintf("%s: %s of about %s compared in %s", p.conn.Name, count(done), counted(all, "record"), span(took))
	if rate := float64(done) / took.Seconds(); rate >= 1 {
		text += fmt.Sprintf(", %s/s, about %s left", count(int64(rate)), span(time.Duration(float64(all-done)/rate*float64(time.Second))))
	}
	if why := p.waiting(); why != "" {
		text += ", " + why
	}
	return text
}

// pace writes rate and time left of the comparison of one object.
func (p *objectProof) pace() string {
	text := ""
	if p.PerSecond >= 1 {
		text += fmt.Sprintf(", %s/s", count(int64(p.PerSecond)))
	}
	if p.ETASeconds != nil {
		text += ", about " + span(time.Duration(*p.ETASeconds*float64(time.Second))) + " left"
	}
	return text
}

func (p *proving) print(ctx context.Context, r *proofResult) error {
	if p.JSON {
		return p.printJSON(r)
	}
	out := []string{p.conn.Name + ": " + r.words(), ""}
	out = append(out, r.table()...)
	for _, o := range r.Objects {
		out = append(out, o.examples()...)
	}
	for _, o := range r.Objects {
		if p.options.Object != o.Object && o.Object != "deals" && o.Found == 0 {
			continue // every month of every object would be a long list
		}
		names, err := p.stageNames(ctx, o)
		if err != nil {
			return err
		}
		out = append(out, sidesTable(o.Title+" by month of their last update (UTC)", "MONTH", o.Months, nil)...)
		out = append(out, sidesTable(o.Title+" by stage", "STAGE", o.Stages, names)...)
	}
	for _, line := range out {
		fmt.Fprintln(p.stdout, line)
	}
	return nil
}

// words says in one sentence what came out.
func (r *proofResult) words() string {
	var compared int64
	for _, o := range r.Objects {
		compared += o.There.Count
	}
	text := fmt.Sprintf("%s compared in %s: ", counted(compared, "record"), span(time.Duration(r.Seconds*float64(time.Second))))
	switch {
	case r.Found == 0 && !r.Complete:
		text += "nothing differs among these"
	case r.Found == 0:
		text += "nothing differs"
	case r.Unrepaired == 0:
		text += fmt.Sprintf("%s differed and were repaired", count(r.Found))
	default:
		text += fmt.Sprintf("%s differed, %s were repaired, %s differ still", count(r.Found), count(r.Repaired), count(r.Unrepaired))
	}
	return text + "; the connection is: " + r.State
}

// table has a row for each object.
func (r *proofResult) table() []string {
	t := newTable("OBJECT", ">VENDOR", ">HERE", ">MISSING", ">DIFFERING", ">GONE", ">NOT VISIBLE", ">REPAIRED", ">CHANGED SINCE", ">SAME CONTENT", "AS OF (UTC)")
	for _, o := range r.Objects {
		t.add(o.Title, count(o.There.Count), count(o.Here.Count), count(o.Missing), count(o.Differing), count(o.Gone), count(o.Hidden), count(o.Repaired),
			count(o.News), count(o.Reworded), o.AsOf.UTC().Format("2006-01-02 15:04:05"))
	}
	return t.lines("  ")
}

// examples names some of the records that differed.
func (o *provenObject) examples() []string {
	if len(o.Examples) == 0 {
		return nil
	}
	by := map[string][]string{}
	for _, e := range o.Examples {
		by[e.What] = append(by[e.What], e.ID)
	}
	lines := []string{"", "  " + o.Title + " that differed, for example"}
	for _, what := range sortedKeys(by) {
		lines = append(lines, fmt.Sprintf("    %s: %s", what, strings.Join(by[what], ", ")))
	}
	return lines
}

// sidesTable shows both sides of each group.
func sidesTable(title, heading string, groups map[string]postgres.Sides, names map[string]string) []string {
	if len(groups) == 0 {
		return nil
	}
	t := newTable(heading, ">VENDOR", "CHECKSUM", ">HERE", "CHECKSUM", "")
	for _, key := range sortedKeys(groups) {
		g, label, mark := groups[key], key, ""
		if name := names[key]; name != "" {
			label = fmt.Sprintf("%s (%s)", name, key)
		}
		if g.There != g.Here {
			mark = "differed"
		}
		t.add(orDash(label), count(g.There.Count), checksum(g.There), count(g.Here.Count), checksum(g.Here), mark)
	}
	return append([]string{"", "  " + title}, t.lines("    ")...)
}

func checksum(s postgres.Side) string { return fmt.Sprintf("%016x", uint64(s.Checksum)) }

// stageNames returns what the stages of an object's records are called.
func (p *proving) stageNames(ctx context.Context, o provenObject) (names map[string]string, err error) {
	stages, _ := sales.KindByName("stages")
	err = p.db.In(ctx, p.conn.Workspace, func(tx pgx.Tx) error {
		names, err = postgres.Names(ctx, tx, p.conn.Workspace, p.conn.ID, stages, sortedKeys(o.Stages))
		return err
	})
	return names, err
}
