package rest_test

import (
	"strings"
	"testing"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// TestDeepNesting: megabytes of brackets must not end the process, whatever they
// come with: a stack that overflows cannot be recovered from.
func TestDeepNesting(t *testing.T) {
	t.Parallel()
	const n = 12 << 20 // levels; a recursive check would need more than a gigabyte of stack
	for name, body := range map[string]string{
		"brackets that stay open": strings.Repeat("[", n),
		"brackets":                strings.Repeat("[", n) + strings.Repeat("]", n),
		"objects":                 strings.Repeat(`{"a":`, n/5) + "1" + strings.Repeat("}", n/5),
		"words":                   `{"error":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			for status, kind := range map[int]fault.Kind{200: fault.Temporary, 400: fault.Invalid, 503: fault.Temporary} {
				w := &wire{script: []step{{status: status, body: body}}}
				_, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, MaxRetries: -1}), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"})
				if fault.KindOf(err) != kind || len(err.Error()) > 300 {
					t.Errorf("%d: %.400v (%v), want %v in few words", status, err, fault.KindOf(err), kind)
				}
			}
		})
	}
}
