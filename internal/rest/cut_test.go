package rest_test

import (
	"testing"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// TestEveryCutIsSeen cuts an answer at each of its bytes: none of the pieces
// may pass for a page.
func TestEveryCutIsSeen(t *testing.T) {
	t.Parallel()
	const whole = ` {"success":true,"data":[{"id":1,"title":"Łódź \"x\" \\","value":-1.5e3,"n":null},{"id":2,"tags":[true,false,[]]}],"more":{}}`
	for n := 1; n < len(whole); n++ {
		if err := call(t, rest.Call{Path: "/x"}, step{status: 200, body: whole[:n]}); fault.KindOf(err) != fault.Temporary {
			t.Errorf("%q: error %v, want a temporary one", whole[:n], err)
		}
	}
	if err := call(t, rest.Call{Path: "/x"}, step{status: 200, body: whole}); err != nil {
		t.Errorf("the whole answer: %v", err)
	}
}
