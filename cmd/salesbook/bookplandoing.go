package main

import (
	"fmt"

	"salesbook.dev/jobs"
)

// printDoing prints what a draft would do about what it finds.
func printDoing(g *globals, d *jobs.Doing, since bool) {
	if d == nil {
		return
	}
	if since {
		fmt.Fprint(g.stdout, "\nWhat it would do, had it been in force since then:\n")
	} else {
		fmt.Fprint(g.stdout, "\nWhat it would do, if all of this were news (what is older than the book it leaves in peace, but for the cards):\n")
	}
	t := newTable()
	add := func(what string, n int, noun, rest string) { t.add(what, counted(int64(n), noun)+rest) }
	add("cards", d.Cards, "deal", " would show what is missing")
	add("tasks", d.Tasks, "task", " would stand, one for each deal or lead")
	if since {
		add("made", d.Made, "task", " of stages and losses")
	}
	add("taken back", d.Reverts, "step", " of deals")
	add("told at once", d.Told, "thing", " that cannot wait for the morning")
	fmt.Fprint(g.stdout, t.text("  "))
	if d.OpenDeals > 0 && d.Changed > 0 {
		fmt.Fprintf(g.stdout, "%s would be changed by more than their card, which is as many as %s of those that are open. A ceiling stops before too many are: salesbook edits live CONNECTION --share PERCENT.\n",
			counted(int64(d.Changed), "deal"), percent(float64(d.Changed)/float64(d.OpenDeals)))
	}
}
