package book_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"salesbook.dev/internal/book"
)

// TestTheManualNamesEverything holds docs/sales-book.md to the rules and
// conditions that there are, and its whole books to the parser.
func TestTheManualNamesEverything(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sales-book.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	for _, r := range book.Rules() {
		if !strings.Contains(manual, "`"+string(r)+"`") {
			t.Errorf("the manual does not name the rule %s", r)
		}
	}
	condition := book.Schema()["$defs"].(map[string]any)["Condition"].(map[string]any)
	for key := range condition["properties"].(map[string]any) {
		if !regexp.MustCompile("`[^`]*\\b" + key + ":").MatchString(manual) {
			t.Errorf("the manual does not show the condition %s", key)
		}
	}
	whole := 0
	for _, block := range codeBlocks(manual) {
		if strings.HasPrefix(block, "book: 1\n") {
			whole++
			if _, err := book.Parse("manual", []byte(block)); err != nil {
				t.Error(err)
			}
		}
	}
	if whole == 0 {
		t.Error("the manual shows no whole book")
	}
}

// codeBlocks are the indented parts of a text.
func codeBlocks(text string) (blocks []string) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			b.WriteString(code)
		} else if b.Len() > 0 && strings.TrimSpace(line) != "" {
			blocks = append(blocks, b.String())
			b.Reset()
		}
	}
	return append(blocks, b.String())
}
