package main

import (
	"os"
	"path/filepath"
	"testing"

	"salesbook.dev/internal/postgres/pgtest"
)

// TestMain runs the tests, or, started under the program's own name by a
// script, the program itself.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "salesbook" {
		main()
	}
	pgtest.Main(m)
}
