package main

import (
	"os"
	"testing"

	"salesbook.dev/internal/postgres/pgtest"
)

// TestMain runs the tests, or is the program itself for those that need it at a
// terminal.
func TestMain(m *testing.M) {
	if os.Getenv(atTerminal) != "" {
		main()
	}
	pgtest.Main(m)
}
