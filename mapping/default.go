package mapping

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed defaults/*.yaml
var defaults embed.FS

// Default returns the text of a vendor's default map. A connection keeps its
// own copy and takes a newer default only when an admin says so.
func Default(vendor string) ([]byte, error) {
	text, err := defaults.ReadFile("defaults/" + vendor + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no default map for vendor %q; there are maps for: %s", vendor, strings.Join(vendors(), ", "))
	}
	return text, nil
}

// vendors lists who has a default map.
func vendors() []string {
	entries, err := defaults.ReadDir("defaults")
	if err != nil {
		panic(err) // the folder is embedded
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return out
}
