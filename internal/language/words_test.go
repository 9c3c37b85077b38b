package language_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/strictyaml"
)

// TestEveryRuleHasWords holds the words to the rules that there are.
func TestEveryRuleHasWords(t *testing.T) {
	t.Parallel()
	for _, l := range language.All() {
		said := map[string]book.Rule{}
		for _, rule := range book.Rules() {
			text := l.Rule(string(rule))
			if text == "" {
				t.Errorf("%s: %s has no words", l, rule)
			}
			if other, twice := said[text]; twice {
				t.Errorf("%s: %s and %s say the same: %s", l, rule, other, text)
			}
			said[text] = rule
			if l.Broken(string(rule)) == "" {
				t.Errorf("%s: nothing says that %s is broken", l, rule)
			}
			if l.Mends(string(rule)) == "" {
				t.Errorf("%s: nothing mends %s", l, rule)
			}
			if l.Missing(string(rule), "a", "b") == "" {
				t.Errorf("%s: nothing is missing by %s", l, rule)
			}
			if ofStep := slices.Contains(book.OfSteps(), rule); ofStep == (l.Afterwards(string(rule)) == l.Afterwards("a-rule-of-the-book")) {
				t.Errorf("%s: what follows %s that was taken back is said as %q", l, rule, l.Afterwards(string(rule)))
			}
		}
	}
	if text := language.Polish.Rule("a-rule-of-the-book") + language.Polish.Mends("a-rule-of-the-book"); text != "" {
		t.Errorf("a rule of the book's own is said as %q, want nothing", text)
	}
}

// TestEveryWordOfABookHasWords finds the types of a book that have a fixed list
// of words, wherever they stand, and wants each word said in other words.
func TestEveryWordOfABookHasWords(t *testing.T) {
	t.Parallel()
	say := map[string]func(language.Language, string) string{
		"Order": language.Language.Order, "Priority": language.Language.Priority, "Mode": language.Language.Mode,
		"Period": language.Language.Period, "PlanUnit": language.Language.PlanUnit, "KPIName": language.Language.KPI,
		"Day": func(l language.Language, word string) string {
			for d := time.Sunday; d <= time.Saturday; d++ {
				if len(word) == 3 && language.English.Weekday(d)[1:3] == word[1:3] {
					return l.Weekday(d)
				}
			}
			return word
		},
		"Language": func(l language.Language, word string) string { return string(l) + string(language.Of(word)) },
	}
	types := map[reflect.Type]bool{}
	worded(reflect.TypeFor[book.Book](), types, map[reflect.Type]bool{})
	if len(types) != len(say) {
		t.Errorf("%d types with words in a book, and %d are known here", len(types), len(say))
	}
	for typ := range types {
		words, ok := say[typ.Name()]
		if !ok {
			t.Errorf("nothing says the words of %s", typ)
			continue
		}
		for _, word := range reflect.Zero(typ).Interface().(strictyaml.Worded).Words() {
			for _, l := range []language.Language{language.Polish, language.Russian, language.Ukrainian} {
				if text := words(l, word); text == word || text == "" {
					t.Errorf("%s: %s %q has no words", l, typ, word)
				}
			}
		}
	}
}

// worded collects the types with words below a type.
func worded(t reflect.Type, found, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch {
	case t.Implements(reflect.TypeFor[strictyaml.Worded]()):
		found[t] = true
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Pointer:
		worded(t.Elem(), found, seen)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			worded(t.Field(i).Type, found, seen)
		}
	}
}

func TestEverybodyWhoIsToldHasAName(t *testing.T) {
	t.Parallel()
	for _, l := range language.All() {
		for _, who := range []string{"owner", "head"} {
			if l.Who(who) == who {
				t.Errorf("%s: %s has no words", l, who)
			}
		}
		if got := l.Who("anna@example.com"); got != "anna@example.com" {
			t.Errorf("%s: an address is said as %q", l, got)
		}
	}
}

func TestFieldsAndTypesOfTheCompanyKeepTheirNames(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		language.Polish.Field("expected_close"):      "Przewidywana data zamknięcia",
		language.Polish.Field("Liczba pracowników"):  "Liczba pracowników",
		language.Russian.ActivityType("meeting"):     "встреча",
		language.Russian.ActivityType("показ"):       "показ",
		language.Ukrainian.Activities("call", 3):     "3\u00a0дзвінки",
		language.Ukrainian.Activities("Замір", 1300): "Замір: 1\u00a0300",
		language.Ukrainian.Country("UA"):             "Україна",
		language.Russian.Country("GB"):               "Великобритания",
		language.English.Country("nowhere"):          "nowhere",
	} {
		if got != want {
			t.Errorf("said as %q, want %q", got, want)
		}
	}
}
