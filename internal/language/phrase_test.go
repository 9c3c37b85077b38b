package language_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryPhraseIsSaidInEveryLanguage reads the package's own source, since a
// phrase that lacks a text compiles if the text is empty, and one that was
// pasted into the wrong place is a text like any other.
func TestEveryPhraseIsSaidInEveryLanguage(t *testing.T) {
	t.Parallel()
	found := 0
	for _, p := range phrases(t) {
		found++
		for _, problem := range p.problems() {
			t.Errorf("%v: %s", p.at, problem)
		}
	}
	if found < 300 {
		t.Errorf("%d phrases found; the test has lost sight of them", found)
	}
}

// TestWrongPhrasesAreFound holds the test above to what it is there for.
func TestWrongPhrasesAreFound(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][4][]string{
		"pl: is empty":              {{"call"}, {""}, {"звонок"}, {"дзвінок"}},
		"fills in":                  {{"call %s"}, {"telefon %s"}, {"звонок"}, {"дзвінок %s"}},
		"ru: has і of Ukrainian":    {{"meeting"}, {"spotkanie"}, {"зустріч"}, {"зустріч"}},
		"uk: has ы of Russian":      {{"stages"}, {"etapy"}, {"этапы"}, {"этапы"}},
		"en: has letters":           {{"звонок"}, {"telefon"}, {"звонок"}, {"дзвінок"}},
		"pl: is that of en":         {{"Every deal has an owner"}, {"Every deal has an owner"}, {"У сделки"}, {"Угода"}},
		"ru: has blanks too many":   {{"call"}, {"telefon"}, {"звонок "}, {"дзвінок"}},
		"uk: may fill in only":      {{"call %d"}, {"telefon %d"}, {"звонок %d"}, {"дзвінок %d"}},
		"pl: has letters of no use": {{"call"}, {"tеlefon"}, {"звонок"}, {"дзвінок"}},
	} {
		problems := phrase{texts: texts}.problems()
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("%v: problems %q, want %q", texts, problems, want)
		}
	}
}

// phrase is a phrase of the source: its texts, or plural forms, by language.
type phrase struct {
	at    token.Position
	texts [4][]string
}

var (
	languages = [4]string{"en", "pl", "ru", "uk"}
	filled    = regexp.MustCompile(`%(\[\d\])?.`)
	latin     = regexp.MustCompile(`[A-Za-zÀ-ž]`)
	cyrillic  = regexp.MustCompile(`[А-Яа-яЁёІіЇїЄєҐґ]`)
	common    = strings.NewReplacer("CRM", "", "%s", "", "%g", "", "%[1]s", "", "%[2]s", "", "%[3]s", "")
)

func (p phrase) problems() (list []string) {
	for i, texts := range p.texts {
		for _, text := range texts {
			for _, problem := range wrong(languages[i], text) {
				list = append(list, fmt.Sprintf("%s: %s: %q", languages[i], problem, text))
			}
			if text != "" && !strings.Contains(text, "%[") && !strings.Contains(p.texts[0][0], "%[") && len(filled.FindAllString(text, -1)) != len(filled.FindAllString(p.texts[0][0], -1)) {
				list = append(list, fmt.Sprintf("%s: fills in something else than %q: %q", languages[i], p.texts[0][0], text))
			}
		}
		if i > 0 && strings.Count(p.texts[0][0], " ") > 2 && p.texts[0][0] == texts[0] {
			list = append(list, fmt.Sprintf("%s: is that of en: %q", languages[i], texts[0]))
		}
	}
	return list
}

// wrong is what is wrong with a text of a language on its own.
func wrong(language, text string) (list []string) {
	add := func(is bool, what string) {
		if is {
			list = append(list, what)
		}
	}
	letters := common.Replace(text)
	add(text == "", "is empty")
	add(strings.Contains(text, "  ") || text != strings.TrimSpace(text), "has blanks too many")
	add(slices.ContainsFunc(filled.FindAllString(text, -1), func(v string) bool { return !strings.HasSuffix(v, "s") && !strings.HasSuffix(v, "g") }), "may fill in only %s and %g")
	switch language {
	case "en":
		add(cyrillic.MatchString(letters), "has letters of another alphabet")
	case "pl":
		add(cyrillic.MatchString(letters), "has letters of no use in Polish")
	case "ru":
		add(latin.MatchString(letters), "has letters of another alphabet")
		for _, r := range "іїєґ’" {
			add(strings.ContainsRune(strings.ToLower(text), r), "has "+string(r)+" of Ukrainian")
		}
	case "uk":
		add(latin.MatchString(letters), "has letters of another alphabet")
		for _, r := range "ыэъё" {
			add(strings.ContainsRune(strings.ToLower(text), r), "has "+string(r)+" of Russian")
		}
	}
	return list
}

// phrases finds the phrases of the package: literals of Phrase and Plural, and
// elements of lists and tables of them.
func phrases(t *testing.T) (found []phrase) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok {
				found = append(found, within(t, set, lit)...)
			}
			return true
		})
	}
	return slices.DeleteFunc(found, func(p phrase) bool { return onlyForm(p) })
}

// within are the phrases that a literal is or lists.
func within(t *testing.T, set *token.FileSet, lit *ast.CompositeLit) (found []phrase) {
	t.Helper()
	if name := nameOf(lit.Type); name == "Phrase" || name == "Plural" {
		return []phrase{read(t, set, lit)}
	}
	if elementOf(lit.Type) == "Phrase" {
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			found = append(found, read(t, set, e.(*ast.CompositeLit)))
		}
	}
	return found
}

// onlyForm tells a phrase that is the form of something and has no words: the
// parts of a list or date, and quotation marks.
func onlyForm(p phrase) bool {
	return !latin.MatchString(common.Replace(p.texts[0][0])) || p.texts[0][0] == " and " || p.texts[0][0] == " or "
}

func nameOf(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func elementOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.MapType:
		return nameOf(e.Value)
	case *ast.ArrayType:
		return nameOf(e.Elt)
	}
	return ""
}

// read reads a literal: four texts, or four lists of forms.
func read(t *testing.T, set *token.FileSet, lit *ast.CompositeLit) phrase {
	t.Helper()
	p := phrase{at: set.Position(lit.Pos())}
	if len(lit.Elts) != len(languages) {
		t.Fatalf("%v: has %d languages", p.at, len(lit.Elts))
	}
	for i, e := range lit.Elts {
		forms := []ast.Expr{e}
		if inner, ok := e.(*ast.CompositeLit); ok {
			forms = inner.Elts
		}
		for _, form := range forms {
			p.texts[i] = append(p.texts[i], constant(form))
		}
	}
	return p
}

// constant is the text of a literal or of literals put together.
func constant(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			panic(err)
		}
		return s
	case *ast.BinaryExpr:
		return constant(e.X) + constant(e.Y)
	}
	return "\u00a0"
}
