package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Print writes a report as a table for people.
func Print(w io.Writer, r Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "records\tvendor\tcanonical\tdrift\t")
	for _, kind := range slices.Sorted(maps.Keys(r.Objects)) {
		d := r.Objects[kind]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", kind, d.Vendor, d.Canonical, d.Drift)
	}
	_ = t.Flush() // errors show when w is written to below
	for _, kind := range slices.Sorted(maps.Keys(r.Objects)) {
		for _, e := range r.Objects[kind].Examples {
			fmt.Fprintln(w, "  ", e)
		}
	}
	proven := "proven by its own comparison"
	if !r.Proven {
		proven = "not proven by its own comparison"
	}
	fmt.Fprintf(w, "\n%s in %.1f s (%d differences found and repaired)\n", proven, r.Seconds["prove"], r.Found)
	fmt.Fprintf(w, "loaded in %.1f s, %d live changes in %.1f s, %d tokens spent at the vendor, all in %.1f s\n",
		r.Seconds["load"], r.Changes, r.Seconds["live"], r.Tokens, r.Seconds["total"])
}
