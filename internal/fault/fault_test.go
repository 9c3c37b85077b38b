package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
)

// kinds are all there are, with what the design decides about each.
var kinds = []struct {
	kind    fault.Kind
	name    string
	outcome fault.Outcome
	status  int
}{
	{fault.Unknown, "unknown", fault.Retry, 500},
	{fault.Auth, "auth", fault.Park, 401},
	{fault.Forbidden, "forbidden", fault.Discard, 403},
	{fault.NotFound, "not found", fault.Discard, 404},
	{fault.Gone, "gone", fault.Restart, 410},
	{fault.Limited, "limited", fault.Later, 429},
	{fault.Temporary, "temporary", fault.Retry, 503},
	{fault.Conflict, "conflict", fault.Retry, 409},
	{fault.Invalid, "invalid", fault.Discard, 400},
	{fault.Lost, "lost", fault.Nothing, 409},
	{fault.Barred, "barred", fault.Discard, 409},
}

func TestTheTableOfKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, want := range kinds {
		if int(want.kind) != i {
			t.Errorf("%s is kind %d, but this test lists it as %d: stored and counted by name, yet a gap means one is not tested", want.name, want.kind, i)
		}
		if got := want.kind.String(); got != want.name || seen[got] {
			t.Errorf("kind %d is named %q, want %q, once", want.kind, got, want.name)
		}
		seen[want.name] = true
		if got := want.kind.Outcome(); got != want.outcome {
			t.Errorf("outcome of %s = %d, want %d", want.name, got, want.outcome)
		}
		if got := want.kind.HTTPStatus(); got != want.status {
			t.Errorf("status of %s = %d, want %d", want.name, got, want.status)
		}
	}
	defer func() {
		if recover() == nil {
			t.Errorf("there is a kind %d that this test does not know: say what it decides", len(kinds))
		}
	}()
	_ = fault.Kind(len(kinds)).String()
}

func TestTexts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		err  error
		want string
	}{
		"a text alone":           {&fault.Error{Text: "no such deal"}, "no such deal"},
		"a cause alone":          {&fault.Error{Err: io.EOF}, "EOF"},
		"a text and a cause":     {&fault.Error{Text: "reading deals", Err: io.EOF}, "reading deals: EOF"},
		"a cause without words":  {&fault.Error{Text: "reading deals", Err: fault.Quiet(io.EOF)}, "reading deals"},
		"nothing at all":         {&fault.Error{}, ""},
		"made":                   {fault.New(fault.Invalid, "field %q is odd", "название"), `field "название" is odd`},
		"made around a cause":    {fault.New(fault.Temporary, "page %d: %w", 2, io.EOF), "page 2: EOF"},
		"made around two causes": {fault.New(fault.Temporary, "%w and %w", io.EOF, io.ErrClosedPipe), "EOF and io: read/write on closed pipe"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.err.Error(); got != tc.want {
				t.Errorf("text = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCausesStayReachable(t *testing.T) {
	t.Parallel()
	cases := map[string]error{
		"made":             fault.New(fault.Temporary, "page: %w", context.Canceled),
		"made with two":    fault.New(fault.Temporary, "%w, %w", io.EOF, context.Canceled),
		"as a cause":       &fault.Error{Text: "page", Err: context.Canceled},
		"as a quiet cause": &fault.Error{Text: "page", Err: fault.Quiet(fmt.Errorf("hidden: %w", context.Canceled))},
		"further up":       fmt.Errorf("sync: %w", fault.New(fault.Temporary, "page: %w", context.Canceled)),
	}
	for name, err := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v does not lead to its cause", err)
			}
		})
	}
	if errors.Unwrap(fault.New(fault.Invalid, "no cause, though %v", io.EOF)) != nil {
		t.Error("a cause was made up of a value that was only printed")
	}
	if fault.Quiet(nil) != nil {
		t.Error("no cause became one")
	}
}

func TestWhatAnErrorDecides(t *testing.T) {
	t.Parallel()
	limited := &fault.Error{Kind: fault.Limited, Text: "spent", RetryAfter: time.Minute}
	type decision struct {
		Kind  fault.Kind
		After time.Duration
	}
	cases := map[string]struct {
		err  error
		want decision
	}{
		"no error":            {nil, decision{}},
		"a plain error":       {io.EOF, decision{}},
		"a fault":             {limited, decision{fault.Limited, time.Minute}},
		"with words on top":   {fmt.Errorf("deals: %w", limited), decision{fault.Limited, time.Minute}},
		"among others":        {errors.Join(io.EOF, limited), decision{fault.Limited, time.Minute}},
		"the outermost holds": {fault.New(fault.Invalid, "cannot go on: %w", limited), decision{fault.Invalid, 0}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decision{fault.KindOf(tc.err), fault.RetryAfter(tc.err)}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}
