package jobs

import (
	"testing"

	"salesbook.dev/internal/postgres"
)

// TestTheShelfIsBounded: a process that serves many workspaces keeps the books of
// some open, always that of the last.
func TestTheShelfIsBounded(t *testing.T) {
	t.Parallel()
	var s shelf
	for ws := range int64(3 * booksOpen) {
		s.put(&evaluation{workspace: ws, by: postgres.Judging{Book: 1}})
		if s.get(ws, postgres.Judging{Book: 1}) == nil {
			t.Fatalf("the book of workspace %d was let go of at once", ws)
		}
		if s.get(ws, postgres.Judging{Book: 2}) != nil {
			t.Fatal("another book was taken for it")
		}
	}
	if len(s.open) != booksOpen {
		t.Errorf("%d books are open, want %d", len(s.open), booksOpen)
	}
}
