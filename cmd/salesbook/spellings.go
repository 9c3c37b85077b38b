package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/jobs"
)

type spellingsCmd struct {
	List spellingsListCmd `cmd:"" default:"withargs" help:"List what reps write as loss reasons and nobody knows the meaning of, with what it may mean."`
	Set  spellingsSetCmd  `cmd:"" help:"Decide what a text means; losses are judged by it at once."`
}

type spellingsListCmd struct {
	All   bool `help:"Also texts whose meaning is known."`
	Most  int  `short:"n" default:"50" help:"How many at most, the most frequent first."`
	Lines bool `help:"Print what was decided as lines to add to the book."`
}

// Run lists texts that stand as loss reasons.
func (c *spellingsListCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	list, err := a.pipeline.Spellings(ctx, ws)
	if err != nil {
		return err
	}
	if c.Lines {
		return printLines(g, list)
	}
	shown, losses := []jobs.ReasonText{}, int64(0)
	for _, t := range list {
		open := t.State == jobs.SpellingUnknown || t.State == jobs.SpellingVoid
		if open {
			losses += t.Count
		}
		if open || c.All || t.Decision != nil {
			shown = append(shown, t)
		}
	}
	if g.JSON {
		return g.printJSON(shown)
	}
	if len(shown) == 0 {
		fmt.Fprintln(g.stdout, "The book knows every reason for which deals were lost.")
		return nil
	}
	t := newTable(">LOSSES", "TEXT", "MEANS", ">WORTH", "LAST", "THROUGH")
	for i := range shown[:min(len(shown), c.Most)] {
		s := &shown[i]
		last := ""
		if s.LastUsed != nil {
			last = s.LastUsed.Format("2006-01-02")
		}
		t.add(count(s.Count), shorten(s.Text, 48), meaningWords(s), worth(s.Worth), last, strings.Join(s.Connections, ", "))
	}
	fmt.Fprint(g.stdout, t.text(""))
	if len(shown) > c.Most {
		fmt.Fprintf(g.stdout, "and %s more; -n shows them.\n", counted(int64(len(shown)-c.Most), "text"))
	}
	if losses > 0 {
		fmt.Fprintf(g.stdout, "\n%s for what nobody knows the meaning of. `salesbook spellings set TEXT REASON` says what a text means, --refuse that it is no reason.\n", lostDeals(losses))
	}
	return nil
}

func lostDeals(n int64) string {
	if n == 1 {
		return "1 deal was lost"
	}
	return counted(n, "deal") + " were lost"
}

// meaningWords says what a text means, how that is known, or what it may mean.
func meaningWords(t *jobs.ReasonText) string {
	switch t.State {
	case jobs.SpellingVoid:
		return "void: the book has no reason " + t.Decision.Reason
	case jobs.SpellingUnknown:
		var perhaps []string
		for _, s := range t.Suggestions {
			perhaps = append(perhaps, suggestionWords(&s))
		}
		if len(perhaps) == 0 {
			return "?"
		}
		return "? " + strings.Join(perhaps, " or ")
	}
	means := t.Reason
	if t.State == jobs.SpellingRefused {
		means = "no reason"
	}
	switch t.By {
	case book.ByDecision:
		means += " (decided by " + t.Decision.By + ")"
	case book.ByRename:
		means += fmt.Sprintf(" (the CRM also calls it %q)", t.AlsoCalled)
	}
	return means
}

func suggestionWords(s *book.Suggestion) string {
	if s.Reason == "" {
		return fmt.Sprintf("looks like %q, which is refused", s.Like)
	}
	return fmt.Sprintf("%s (%q)", s.Reason, s.Like)
}

// printLines prints decisions as the book would have them. Writing them into the
// book itself is left to whoever keeps it: its order and comments are his.
func printLines(g *globals, list []jobs.ReasonText) error {
	spellings, reasons, refused := map[string][]string{}, []string{}, []string{}
	for i := range list {
		t := &list[i]
		switch {
		case t.By != book.ByDecision:
		case t.State == jobs.SpellingReason:
			spellings[t.Reason] = append(spellings[t.Reason], quoted(t.Text))
		case t.State == jobs.SpellingRefused:
			line := "  - {text: " + quoted(t.Text)
			if t.Decision.Why != "" {
				line += ", why: " + quoted(t.Decision.Why)
			}
			refused = append(refused, line+"}")
		}
	}
	for _, id := range sortedKeys(spellings) {
		reasons = append(reasons, "  - id: "+quoted(id), "    spellings: ["+strings.Join(spellings[id], ", ")+"]")
	}
	if len(reasons)+len(refused) == 0 {
		fmt.Fprintln(g.stdout, "# Nothing has been decided that the book does not say.")
		return nil
	}
	fmt.Fprintln(g.stdout, "# Add these to the book. Until then the decisions stand beside it.")
	for _, part := range []struct {
		key   string
		lines []string
	}{{"loss_reasons:", reasons}, {"refused_reasons:", refused}} {
		if len(part.lines) > 0 {
			fmt.Fprintln(g.stdout, part.key+"\n"+strings.Join(part.lines, "\n"))
		}
	}
	return nil
}

// quoted is a text as YAML has it, whatever it holds: JSON is YAML.
func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(harmless(text)); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

type spellingsSetCmd struct {
	Text   string `arg:"" help:"The text, in any case, blanks and punctuation."`
	Reason string `arg:"" optional:"" help:"Id of the reason in the book."`
	Refuse bool   `help:"It is no reason."`
	Why    string `help:"With --refuse: why it is none, and what to write."`
	Forget bool   `help:"Take back what was decided."`
	Wait   bool   `help:"Judge here and now; a worker does it otherwise."`
}

// Validate wants one decision.
func (c *spellingsSetCmd) Validate() error {
	n := 0
	for _, given := range []bool{c.Reason != "", c.Refuse, c.Forget} {
		if given {
			n++
		}
	}
	if n != 1 {
		return errors.New("give the id of a reason, or --refuse, or --forget")
	}
	if c.Why != "" && !c.Refuse {
		return errors.New("--why belongs to --refuse: the book says when a reason may be given")
	}
	return nil
}

// Run stores a decision.
func (c *spellingsSetCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	losses, err := a.pipeline.SetSpelling(ctx, ws, jobs.NewSpelling{Text: c.Text, Reason: c.Reason, Refuse: c.Refuse, Why: c.Why, Forget: c.Forget, By: actor()})
	if err != nil {
		return err
	}
	if c.Wait {
		if err := judgeHere(ctx, g, a, ws); err != nil {
			return err
		}
	}
	if g.JSON {
		return g.printJSON(map[string]any{"losses": losses})
	}
	said := "is " + c.Reason
	switch {
	case c.Refuse:
		said = "is no reason"
	case c.Forget:
		said = "means what the book says, and nothing else"
	}
	fmt.Fprintf(g.stdout, "%q %s. %s for it; they are judged anew.\n", shorten(harmless(c.Text), 60), said, lostDeals(losses))
	return nil
}
