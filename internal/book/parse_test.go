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
		if _, err := book.Parse(file, text); err != nil {
			t.Error(err)
		}
	}
}
