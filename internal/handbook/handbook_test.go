package handbook_test

import (
	"bytes"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/handbook"
)

var update = flag.Bool("update", false, "write the pages as they are now to testdata")

// parsed reads a book of a file.
func parsed(t *testing.T, file string) *book.Book {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := book.Parse(filepath.Base(file), text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// printed makes the page of a book.
func printed(t *testing.T, b *book.Book, e handbook.Edition) string {
	t.Helper()
	var out bytes.Buffer
	if err := handbook.Write(&out, b, e); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// books are those whose pages somebody has read: the ones that ship, and one in
// Ukrainian with every kind of condition and every field of a book.
func books() map[string]string {
	return map[string]string{
		"developer": "../book/examples/developer.yaml", "software": "../book/examples/software.yaml",
		"distributor": "../book/examples/distributor.yaml", "windows": "testdata/windows.yaml",
	}
}

// TestPages compares pages with those that were read. Their style sheet is left
// out: it changes nothing of what is said.
func TestPages(t *testing.T) {
	t.Parallel()
	for name, file := range books() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edition := handbook.Edition{Version: 3, Since: time.Date(2026, 11, 30, 22, 30, 0, 0, time.UTC)}
			page := style.ReplaceAllString(printed(t, parsed(t, file), edition), "<style></style>")
			golden := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(golden, []byte(page), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(page, "\n")); diff != "" {
				t.Errorf("page (-want +got):\n%s", diff)
			}
		})
	}
}

var (
	style   = regexp.MustCompile(`(?s)<style>.*?</style>`)
	tag     = regexp.MustCompile(`<[^>]*>`)
	id      = regexp.MustCompile(` id="([^"]*)"`)
	quoted  = regexp.MustCompile(`"[^"<>]*"`)
	link    = regexp.MustCompile(` href="([^"]*)"`)
	foreign = regexp.MustCompile(`(?i)<(script|link|img|iframe|object|embed|form|base|svg)\b| (src|srcset|style|on\w+)=|url\(|@import`)
)

// words is what somebody reads on a page.
func words(page string) string {
	return html.UnescapeString(tag.ReplaceAllString(style.ReplaceAllString(page, ""), " "))
}

// TestAPageNeedsNothingButItself: no other file, no script, no place in it that
// is missing.
func TestAPageNeedsNothingButItself(t *testing.T) {
	t.Parallel()
	for name, file := range books() {
		page := printed(t, parsed(t, file), handbook.Edition{})
		if found := foreign.FindString(page); found != "" {
			t.Errorf("%s: the page has %q", name, found)
		}
		places := map[string]bool{}
		for _, m := range id.FindAllStringSubmatch(page, -1) {
			if places[m[1]] {
				t.Errorf("%s: the place %s stands twice", name, m[1])
			}
			places[m[1]] = true
		}
		local := 0
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			if place, ok := strings.CutPrefix(m[1], "#"); ok {
				if local++; !places[place] {
					t.Errorf("%s: the page leads to %s, which is nowhere", name, m[1])
				}
			}
		}
		if local < 10 {
			t.Errorf("%s: %d links within the page, want its contents", name, local)
		}
		if said := words(page); strings.Contains(said, "%!") || strings.Contains(said, "<nil>") {
			t.Errorf("%s: something was not filled in", name)
		}
	}
}

// TestIDsAreNotRead: people read names.
func TestIDsAreNotRead(t *testing.T) {
	t.Parallel()
	said := words(printed(t, parsed(t, "testdata/windows.yaml"), handbook.Edition{}))
	for _, unread := range []string{"homes", "builders", "measure-planned", "no_next_step", "lead_to_client", "loss_criteria", "strict", "22wd", "mon", "units"} {
		if slices.Contains(strings.FieldsFunc(said, func(r rune) bool { return strings.ContainsRune(" \n\t,.:;()«»\u00a0", r) }), unread) {
			t.Errorf("the page shows %q", unread)
		}
	}
}

// TestHostileBooks: what is written in a book stays text.
func TestHostileBooks(t *testing.T) {
	t.Parallel()
	const attack = `"'><script>alert(1)</script><img src=x onerror=alert(1)> {{.}} </style></title><!--`
	b := filled(attack)
	b.Language = book.Language("en")
	page := printed(t, b, handbook.Edition{})
	if !foreign.MatchString(attack) {
		t.Fatal("the attack is none")
	}
	for _, one := range tag.FindAllString(quoted.ReplaceAllString(style.ReplaceAllString(page, ""), `""`), -1) {
		if found := foreign.FindString(one); found != "" {
			t.Errorf("the page has the tag %s", one)
		}
	}
	if strings.Contains(page, "<!--") {
		t.Error("the page has a comment")
	}
	if n := strings.Count(words(page), attack); n < 50 {
		t.Errorf("the text stands on the page %d times, want it wherever it was written", n)
	}
}

func TestOnlyPagesOfTheWebAreLinks(t *testing.T) {
	t.Parallel()
	for how, want := range map[string][]string{
		"https://wiki.example/a?b=1&c=2":                         {"https://wiki.example/a?b=1&amp;c=2"},
		"Script (http://wiki.example/a), then https://b.example": {"http://wiki.example/a", "https://b.example"},
		"javascript:alert(1)":                                    nil,
		"javascript:alert('https://wiki.example')":               nil,
		"data:text/html,<script>alert(1)</script>":               nil,
		"JaVaScRiPt://wiki.example/%0aalert(1)":                  nil,
		"vbscript:x file:///etc/passwd //wiki.example mailto:a":  nil,
		"https://":                      nil,
		"Ask whoever was there before.": nil,
	} {
		b := parsed(t, "../book/examples/distributor.yaml")
		b.Standard[0].How = how
		var found []string
		page := printed(t, b, handbook.Edition{})
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(m[1], "#") {
				found = append(found, m[1])
			}
		}
		if !slices.Equal(found, want) {
			t.Errorf("%s: links %q, want %q", how, found, want)
		}
		if said := words(page); !strings.Contains(strings.Join(strings.Fields(said), " "), strings.Join(strings.Fields(how), " ")) && !strings.Contains(how, "Script (") {
			t.Errorf("%s is not on the page", how)
		}
	}
}

// TestTheSmallestBookIsABook: what is not written is not missed.
func TestTheSmallestBookIsABook(t *testing.T) {
	t.Parallel()
	b, err := book.Parse("small.yaml", []byte("book: 1\nname: Small\nlanguage: pl\nfunnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A}]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	said := words(printed(t, b, handbook.Edition{}))
	for _, want := range []string{"Tu jeszcze nic nie zapisano.", "Książka nie ma jeszcze listy powodów", "Szansa sprzedaży ma podaną wartość",
		"poniedziałek–piątek, 09:00–18:00", "Wszystkie reguły", "Cykl sprzedaży", "zaległy o więcej niż 1\u00a0dzień roboczy"} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, unsaid := range []string{"Wersja", "Leady, których", "Przykłady", "Plany", "Zespoły"} {
		if strings.Contains(said, unsaid) {
			t.Errorf("the page says %q, and the book says nothing of it", unsaid)
		}
	}
}

// TestTheEditionIsOfTheBooksZone: a book that came in force late on Monday in
// UTC did so on Tuesday where it holds.
func TestTheEditionIsOfTheBooksZone(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 30, 22, 30, 0, 0, time.UTC)
	page := printed(t, parsed(t, "testdata/windows.yaml"), handbook.Edition{Version: 12, Since: since})
	if want := "Версія 12, чинна з 1 грудня 2026\u00a0р."; !strings.Contains(page, want) {
		t.Errorf("the page does not say %q", want)
	}
}
