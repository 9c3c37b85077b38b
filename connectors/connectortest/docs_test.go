package connectortest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsNameEveryStatement: whoever adds a connector reads what the suite
// demands in docs/add-a-connector.md.
func TestDocsNameEveryStatement(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/add-a-connector.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named, told := regexp.MustCompile(`\{"([^"]+)", [a-zA-Z]+\}`), 0
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(source), -1) {
			if !strings.Contains(string(page), "*"+m[1]+"*") {
				t.Errorf("docs/add-a-connector.md says nothing of %q (%s)", m[1], f)
			}
			told++
		}
	}
	if told < 50 {
		t.Errorf("only %d statements were found in the source", told)
	}
}
