package mapping

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentation holds docs/mapping.md to the code: its catalogue is ours,
// and every example in it is accepted.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	doc := string(readDoc(t))
	_, after, _ := strings.Cut(doc, "\n| as | for fields of type | makes |\n")
	table, _, _ := strings.Cut(after, "\n\n")
	var names []string
	for _, line := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		names = append(names, line[1])
	}
	if diff := cmp.Diff(transformNames(), names); diff != "" {
		t.Errorf("catalogue (-code +docs)\n%s", diff)
	}
	rules := regexp.MustCompile("(?m)^\\| `(\\w+: .*?)` \\|").FindAllStringSubmatch(doc, -1)
	if len(rules) < 15 {
		t.Errorf("only %d examples of rules found", len(rules))
	}
	for _, r := range rules {
		if _, err := Parse("docs", []byte("objects:\n  deals:\n    fields:\n      "+r[1]+"\n")); err != nil {
			t.Errorf("%s: %v", r[1], err)
		}
	}
}

// TestDocumentedExample compiles the page's first map.
func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	_, after, _ := strings.Cut(string(readDoc(t)), "\n    # my.yaml\n")
	block, _, _ := strings.Cut(after, "\n\n")
	m := mustCompile(t, regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, ""), NewDictionary([]FieldDef{
		{Kind: "deals", Code: "c1", Name: "Contract value", Type: "monetary", Custom: true},
		{Kind: "deals", Code: "c2", Name: "Канал", Type: "enum", Custom: true, Options: []Option{{ID: "1", Label: "Сайт"}}},
	}))
	if m.Version() == compileDefault(t, nil).Version() {
		t.Error("the example changes nothing: was it read?")
	}
}

func readDoc(t *testing.T) []byte {
	t.Helper()
	return readFile(t, "../docs/mapping.md")
}
