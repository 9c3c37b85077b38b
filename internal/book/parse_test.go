package book_test

import (
	"os"
	"path/filepath"
	"testing"

	"salesbook.dev/internal/book"
)

func TestExamplesAreSound(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
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
