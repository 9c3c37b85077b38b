package rest_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// TestDeepNesting: megabytes of brackets must not end the process, whatever they
// come with: a stack that overflows cannot be recovered from.
func TestDeepNesting(t *testing.T) {
	const n = 1 << 20                                    // levels
	defer debug.SetMaxStack(debug.SetMaxStack(64 << 20)) // a recursive check needs more
	for name, body := range map[string]string{
		"brackets that stay open": strings.Repeat("[", n),
		"brackets":                strings.Repeat("[", n) + strings.Repeat("]", n),
		"objects":                 strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n),
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
