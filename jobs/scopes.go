package jobs

import (
	"strings"

	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
)

// ToldWith is what an answer of the token endpoint tells beside the token.
func ToldWith(token *oauth2.Token) func(name string) string {
	return func(name string) string {
		told, _ := token.Extra(name).(string)
		return told
	}
}

// lacking is what a consent does not allow by the vendor's own word, but for what a
// check has found already. Most of it no reading would show: what edits need.
func lacking(spec connectors.Spec, scope string, found []string) (out []string) {
	if scope == "" || spec.Consent.Lacking == nil {
		return nil
	}
	seen := strings.Join(found, " ")
	for _, l := range spec.Consent.Lacking(scope) {
		if !strings.Contains(seen, l.Scope) {
			out = append(out, l.Words)
		}
	}
	return out
}
