package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

type bookDiffCmd struct {
	Books []string `arg:"" name:"book" help:"The older and the newer book: files, versions (v3), or active for the one in force. One alone is compared with the one in force."`
}

// differenceView is a difference of two books as JSON.
type differenceView struct {
	Where  string    `json:"where"` // in names
	Path   []string  `json:"path"`  // in keys and ids
	What   book.What `json:"what"`
	Before string    `json:"before,omitempty"`
	After  string    `json:"after,omitempty"`
	Behind string    `json:"behind,omitempty"`
}

// effectView is what becomes of a rule as JSON.
type effectView struct {
	Rule    book.Rule    `json:"rule"`
	Judging book.Judging `json:"judging"`
	Because []string     `json:"because"`
	Before  string       `json:"before,omitempty"`
	After   string       `json:"after,omitempty"`
}

// Run tells what two books say differently.
func (c *bookDiffCmd) Run(ctx context.Context, g *globals) error {
	names := c.Books
	switch len(names) {
	case 1:
		names = []string{"active", names[0]}
	case 2:
	default:
		return fmt.Errorf("two books are compared, not %d", len(names))
	}
	var books [2]*book.Book
	for i, name := range names {
		b, err := namedBook(ctx, g, name)
		if err != nil {
			return err
		}
		books[i] = b
	}
	d := book.Compare(books[0], books[1])
	if g.JSON {
		if err := g.printJSON(map[string]any{"equal": len(d.Differences) == 0, "differences": differenceViews(d.Differences), "rules": effectViews(d.Effects)}); err != nil {
			return err
		}
	} else {
		printDiff(g.stdout, &d)
	}
	if n := len(d.Differences); n > 0 {
		return incomplete{fmt.Sprintf("%s and %s differ in %s", names[0], names[1], counted(int64(n), "thing"))}
	}
	return nil
}

// namedBook reads a book from a file, or one that is or was in force.
func namedBook(ctx context.Context, g *globals, name string) (*book.Book, error) {
	version, isVersion := versionOf(name)
	if !isVersion {
		return readBook(name)
	}
	var stored postgres.StoredBook
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) (err error) {
		if version == 0 {
			if stored, err = postgres.ActiveBook(ctx, tx, ws); err == nil && stored.Version == 0 {
				err = fault.New(fault.NotFound, "no book is in force yet, so there is none to compare with; name two")
			}
			return err
		}
		stored, err = postgres.BookVersion(ctx, tx, ws, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return book.Parse(name, []byte(stored.Text))
}

// versionOf reads active, as 0, and v3.
func versionOf(name string) (version int, ok bool) {
	if name == "active" {
		return 0, true
	}
	digits, ok := strings.CutPrefix(name, "v")
	version, err := strconv.Atoi(digits)
	return version, ok && err == nil && version > 0
}

func differenceViews(all []book.Difference) []differenceView {
	views := make([]differenceView, len(all))
	for i := range all {
		d := &all[i]
		views[i] = differenceView{Where: d.Where(), What: d.What, Before: d.Before, After: d.After, Behind: d.Behind}
		for _, s := range d.Path {
			if s.Key == "" {
				s.Key = s.Name
			}
			views[i].Path = append(views[i].Path, s.Key)
		}
	}
	return views
}

func effectViews(all []book.Effect) []effectView {
	views := make([]effectView, len(all))
	for i, e := range all {
		views[i] = effectView{e.Rule, e.Judging, append([]string{}, e.Because...), e.Before, e.After}
	}
	return views
}

func printDiff(w io.Writer, d *book.Diff) {
	if len(d.Differences) == 0 {
		fmt.Fprintln(w, "They say the same.")
		return
	}
	for i := range d.Differences {
		fmt.Fprintln(w, harmless(d.Differences[i].String()))
	}
	if len(d.Effects) == 0 {
		fmt.Fprint(w, "\nNothing is judged otherwise.\n")
		return
	}
	fmt.Fprint(w, "\nWhat that means for judging:\n")
	for _, line := range effectLines(d.Effects) {
		fmt.Fprintln(w, harmless(line))
	}
}

// effectLines tells what becomes of rules, those together of which the same does.
func effectLines(all []book.Effect) (lines []string) {
	var keys []string
	rules := map[string][]string{}
	for _, e := range all {
		key := judgingWords(e.Judging)
		if e.Before != e.After {
			key += ", " + e.Before + " -> " + e.After
		}
		const most = 3
		if n := len(e.Because); n > 0 && e.Judging != book.JudgedAlike {
			key += ", by " + strings.Join(e.Because[:min(n, most)], ", ")
			if n > most {
				key += " and " + strconv.Itoa(n-most) + " more"
			}
		}
		if rules[key] == nil {
			keys = append(keys, key)
		}
		rules[key] = append(rules[key], string(e.Rule))
	}
	for _, key := range keys {
		lines = append(lines, "  "+strings.Join(rules[key], ", ")+": "+key)
	}
	return lines
}

func judgingWords(j book.Judging) string {
	switch j {
	case book.JudgedNewly:
		return "newly judged"
	case book.JudgedNoMore:
		return "no longer judged"
	case book.JudgedAnew:
		return "may be judged otherwise"
	}
	return "judged as before"
}

// announcedDifferences bounds what is told of a difference before a question.
const announcedDifferences = 5

// announce tells in a few lines in what a draft differs from the book in force.
func announce(w io.Writer, d *book.Diff, version int) {
	n := len(d.Differences)
	fmt.Fprintln(w, differsFrom(d, version))
	for i := range d.Differences[:min(n, announcedDifferences)] {
		fmt.Fprintln(w, "  "+harmless(d.Differences[i].String()))
	}
	if n > announcedDifferences {
		fmt.Fprintf(w, "  and %s more; `salesbook book diff` lists all\n", counted(int64(n-announcedDifferences), "thing"))
	}
	count := map[book.Judging]int{}
	for _, e := range d.Effects {
		count[e.Judging]++
	}
	var parts []string
	for _, j := range []book.Judging{book.JudgedNewly, book.JudgedAnew, book.JudgedNoMore} {
		if count[j] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", counted(int64(count[j]), "rule"), judgingWords(j)))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintln(w, "  "+strings.Join(parts, ", "))
	}
}

// differsFrom counts in what a book differs from a version of it.
func differsFrom(d *book.Diff, version int) string {
	if len(d.Differences) == 0 {
		return fmt.Sprintf("It says the same as version %d.", version)
	}
	return fmt.Sprintf("It differs from version %d in %s.", version, counted(int64(len(d.Differences)), "thing"))
}

// againstActive compares a draft with the book in force; nil if none is, or this
// release cannot read it.
func againstActive(ctx context.Context, a *app, ws int64, draft *book.Book) (d *book.Diff, version int, err error) {
	var stored postgres.StoredBook
	err = a.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
		stored, err = postgres.ActiveBook(ctx, tx, ws)
		return err
	})
	if err != nil || stored.Version == 0 {
		return nil, 0, err
	}
	active, err := book.Parse(fmt.Sprintf("version %d", stored.Version), []byte(stored.Text))
	if err != nil {
		return nil, 0, nil // which is why another is put in force
	}
	diff := book.Compare(active, draft)
	return &diff, stored.Version, nil
}
