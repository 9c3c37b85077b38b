package book_test

import (
	"os"
	"path/filepath"
	"testing"

	"salesbook.dev/internal/book"
)

func TestBooksGiveWhatTheirCasesSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	files = append(files, "testdata/verdicts.yaml", "testdata/known.yaml", "testdata/rollout.yaml", "testdata/rates.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := book.Parse(file, text)
		if err != nil {
			t.Error(err)
			continue
		}
		results, err := b.Test()
		if err != nil {
			t.Error(err)
		}
		for _, r := range results {
			if !r.Passed() {
				t.Errorf("%v: case %q gives %v, want %v:\n%+v", r.Place, r.Name, r.Got, r.Want, r.Verdicts)
			}
		}
	}
}

// TestEveryRuleHasACase makes sure that no rule is without an example that
// breaks it.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, file := range []string{"testdata/verdicts.yaml", "testdata/known.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := book.Parse(file, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range b.Cases {
			for _, rule := range k.Expect {
				broken[rule] = true
			}
		}
	}
	for _, rule := range book.Rules() {
		if !broken[string(rule)] {
			t.Errorf("no case breaks %s", rule)
		}
	}
}
