package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/jobs"
)

// printRules prints how often each rule is broken and, if a book is in force,
// by how many deals and leads otherwise than under that.
func printRules(g *globals, r *jobs.Rehearsal) {
	changes := map[book.Rule]jobs.RuleChange{}
	rules := slices.Clone(r.Rules)
	heading := []string{"RULE", ">BROKEN", ">MENDED", ">CANNOT", ">WORTH", "WHERE MOST", "DEAREST"}
	if r.Against != nil {
		heading = []string{"RULE", ">BROKEN", ">NEWLY", ">NO MORE", ">MENDED", ">CANNOT", ">WORTH", "WHERE MOST", "DEAREST"}
		for _, c := range r.Against.Rules {
			changes[c.Rule] = c
			if !slices.ContainsFunc(rules, func(o jobs.RuleCount) bool { return o.Rule == c.Rule }) {
				rules = append(rules, jobs.RuleCount{Rule: c.Rule}) // broken under the book in force alone
			}
		}
	}
	if len(rules) == 0 {
		fmt.Fprintln(g.stdout, "No rule is broken.")
		return
	}
	t := newTable(heading...)
	assumed, broken := 0, 0
	for i := range rules {
		c := &rules[i]
		assumed, broken = assumed+c.Assumed, broken+c.Broken
		dearest := ""
		if len(c.Examples) > 0 {
			dearest = subjectWords(&c.Examples[0], 30)
		}
		row := []string{string(c.Rule), count(int64(c.Broken))}
		if r.Against != nil {
			row = append(row, count(int64(changes[c.Rule].Newly)), count(int64(changes[c.Rule].NoLonger)))
		}
		t.add(append(row, count(int64(c.Mended)), count(int64(c.Cannot)), worth(c.Worth), most(c.ByPlace), dearest)...)
	}
	fmt.Fprint(g.stdout, t.text(""))
	if assumed > 0 {
		fmt.Fprintf(g.stdout, "\n%s of what is broken is judged on later values, since those of that time are not known.\n", percent(float64(assumed)/float64(broken)))
	}
}

func subjectWords(s *jobs.SubjectRef, width int) string {
	return fmt.Sprintf("%s %s %s", s.Kind, s.ID, shorten(s.Title, width))
}

// printBy prints each rule by funnel, stage or rep, those with most first.
func printBy(g *globals, r *jobs.Rehearsal, by string) {
	if len(r.Rules) == 0 {
		return
	}
	fmt.Fprintln(g.stdout)
	t := newTable("RULE", strings.ToUpper(by), ">BROKEN", ">ON LATER VALUES")
	for i := range r.Rules {
		c := &r.Rules[i]
		t.add(string(c.Rule), "all", count(int64(c.Broken)), percent(c.Share))
		parts := map[string]map[string]int{"funnel": c.ByFunnel, "stage": c.ByPlace, "rep": c.ByRep}[by]
		for _, key := range byCount(parts, func(n int) int { return n }) {
			t.add("", orDash(key), count(int64(parts[key])))
		}
	}
	fmt.Fprint(g.stdout, t.text(""))
}

// byCount returns the keys of a map, those that count most first.
func byCount[V any](m map[string]V, n func(V) int) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(n(m[b]), n(m[a])), cmp.Compare(a, b)) })
}

// printSamples prints some deals and leads of each rule, with why.
func printSamples(g *globals, r *jobs.Rehearsal) {
	for i := range r.Rules {
		if c := &r.Rules[i]; len(c.Examples) > 0 {
			fmt.Fprintf(g.stdout, "\n%s\n", harmless(string(c.Rule)))
			for n := range c.Examples {
				printSample(g, &c.Examples[n])
			}
		}
	}
}

func printSample(g *globals, s *jobs.SubjectRef) {
	parts := []string{subjectWords(s, 50)}
	if s.Amount != nil {
		parts = append(parts, count(s.Amount.IntPart())+" "+s.Currency)
	}
	parts = append(parts, orNothing(s.Place, "no stage of the book"), orNothing(s.Rep, "nobody"), "since "+s.Opened.UTC().Format("2006-01-02 15:04 UTC"))
	line := strings.Join(parts, ", ")
	if s.Assumed {
		line += ", judged on later values"
	}
	fmt.Fprintln(g.stdout, "  "+harmless(line))
	for _, e := range s.Evidence {
		fmt.Fprintln(g.stdout, "    "+evidenceLine(e))
	}
}

// printSteps prints what the book would have refused.
func printSteps(g *globals, r *jobs.Rehearsal, by string) {
	s := &r.Steps
	if s.Judged == 0 {
		return
	}
	fmt.Fprintf(g.stdout, "\nOf %s, wins and losses the book would have refused %s (%s)", counted(int64(s.Judged), "move"), count(int64(s.Refused)), percent(s.Share))
	if s.Refused == 0 {
		fmt.Fprintln(g.stdout, ".")
	} else {
		rules := map[string]int{}
		for rule, n := range s.ByRule {
			rules[string(rule)] = n
		}
		var parts []string
		for _, rule := range byCount(rules, func(n int) int { return n }) {
			parts = append(parts, rule+" "+count(int64(rules[rule])))
		}
		fmt.Fprintf(g.stdout, ": %s.\n", harmless(strings.Join(parts[:min(len(parts), 6)], ", ")))
	}
	places := s.ByPlace
	heading := "STAGE"
	switch by {
	case "rep":
		places, heading = s.ByRep, "REP"
	case "funnel":
		places, heading = byFunnel(s.ByPlace), "FUNNEL"
	}
	t := newTable(heading, ">JUDGED", ">REFUSED", ">SHARE", ">CANNOT")
	for _, key := range byCount(places, func(c *jobs.StepCount) int { return c.Refused }) {
		c := places[key]
		if by == "" && (c.Refused == 0 || len(t.rows) > 5) {
			continue
		}
		t.add(orDash(key), count(int64(c.Judged)), count(int64(c.Refused)), percent(c.Share), count(int64(c.Cannot)))
	}
	if len(t.rows) > 1 {
		fmt.Fprint(g.stdout, t.text("  "))
	}
}

// byFunnel sums up by funnel what is counted by funnel/stage.
func byFunnel(places map[string]*jobs.StepCount) map[string]*jobs.StepCount {
	out := map[string]*jobs.StepCount{}
	for place, c := range places {
		funnel, _, _ := strings.Cut(place, "/")
		if out[funnel] == nil {
			out[funnel] = &jobs.StepCount{}
		}
		out[funnel].Add(*c)
	}
	return out
}

// printAgainst prints what changes beside the book in force.
func printAgainst(g *globals, r *jobs.Rehearsal) {
	if r.NotAgainst != "" {
		fmt.Fprintf(g.stdout, "\nThe book in force cannot be read by this release, so nothing is compared with it: %s\n", harmless(r.NotAgainst))
	}
	if r.Against == nil {
		return
	}
	s := &r.Against.Stale
	newly := counted(int64(s.Newly), "deal")
	if w := worth(s.Worth); w != "" {
		newly += " worth " + w
	}
	fmt.Fprintf(g.stdout, "\nDeals that hang, beside version %d, which is in force: newly %s; no longer %s; still %s.\n", r.Against.Version, newly, count(int64(s.NoLonger)), count(int64(s.Still)))
	t := newTable()
	for i := range s.Examples {
		e := &s.Examples[i]
		t.add(subjectWords(e, 40), string(e.Rule), e.Place, e.Rep)
	}
	if len(s.Examples) > 0 {
		fmt.Fprint(g.stdout, t.text("  "))
	}
	printReasons(g, "Lost for what the book in force takes for a reason, and this one does not", r.Against.Reasons, r.Against.OtherReasons)
}

// printReasons prints texts with how often deals were lost for them.
func printReasons(g *globals, title string, reasons []jobs.ReasonCount, other int) {
	if len(reasons) == 0 {
		return
	}
	fmt.Fprintf(g.stdout, "\n%s:\n", title)
	t := newTable()
	for _, n := range reasons[:min(len(reasons), 10)] {
		text := shorten(n.Text, 60)
		if text == "" {
			text = "(none given)"
		}
		var perhaps []string
		for i := range n.Suggestions {
			perhaps = append(perhaps, suggestionWords(&n.Suggestions[i]))
		}
		t.add(count(int64(n.Count)), text, strings.Join(perhaps, " or "))
	}
	fmt.Fprint(g.stdout, t.text("  "))
	if more := len(reasons) - 10; more > 0 {
		fmt.Fprintf(g.stdout, "  and %s more (--json lists them)\n", counted(int64(more), "text"))
	}
	if other > 0 {
		fmt.Fprintf(g.stdout, "  and %s for other texts, of which there are too many to list\n", counted(int64(other), "time"))
	}
}

// worth writes sums by currency, the largest first.
func worth(sums map[string]decimal.Decimal) string {
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return sums[b].Cmp(sums[a]) })
	var parts []string
	for _, k := range keys[:min(len(keys), 2)] {
		if sums[k].IsPositive() {
			parts = append(parts, count(sums[k].IntPart())+" "+k)
		}
	}
	return strings.Join(parts, ", ")
}

// most is the place with the most violations.
func most(places map[string]int) string {
	for _, k := range byCount(places, func(n int) int { return n }) {
		if k != "" {
			return fmt.Sprintf("%s %s", k, count(int64(places[k])))
		}
	}
	return ""
}
