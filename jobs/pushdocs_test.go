package jobs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"salesbook.dev/jobs"
)

// TestTheDocumentationSaysWhoseFieldsAre as the program has it.
func TestTheDocumentationSaysWhoseFieldsAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/enforcement.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for kind, fields := range jobs.Authorities() {
		for field, whose := range fields {
			lines++
			if line := fmt.Sprintf("| %s | %s | %s |\n", kind, field, whose); !strings.Contains(string(text), line) {
				t.Errorf("docs/enforcement.md lacks %s", line)
			}
		}
	}
	if n := strings.Count(string(text), "| people |\n") + strings.Count(string(text), "| salesbook |\n"); n != lines {
		t.Errorf("docs/enforcement.md says of %d fields whose they are, the program of %d", n, lines)
	}
}
