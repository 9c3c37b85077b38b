package answers_test

import (
	"errors"
	"strings"
	"testing"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
)

func TestText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"Дом \"Łódź\""`: `Дом "Łódź"`, `"plain"`: "plain", `""`: "", `12.50`: "12.50", `null`: "null", `{"a":1}`: `{"a":1}`, `"`: `"`, ``: ``,
	} {
		if got := answers.Text([]byte(raw)); got != want {
			t.Errorf("%s is %q, want %q", raw, got, want)
		}
	}
}

// TestIdentity: whatever has no id that a key can hold gets one from its bytes,
// the same each time.
func TestIdentity(t *testing.T) {
	t.Parallel()
	for _, id := range []string{`17`, `"4876876000000123"`, `"ż-1"`} {
		if got := answers.Identity([]byte(id), nil); got != strings.Trim(id, `"`) {
			t.Errorf("%s is called %q", id, got)
		}
	}
	for _, id := range []string{``, `null`, `""`, `" 1"`, `{"id":1}`, `[1]`, `"a\u0000b"`, "\"\xff\"", `"` + strings.Repeat("1", 201) + `"`} {
		got := answers.Identity([]byte(id), []byte(`{"title":"x"}`))
		if !strings.HasPrefix(got, "unnamed-") || got != answers.Identity([]byte(id), []byte(`{"title":"x"}`)) || got == answers.Identity([]byte(id), []byte(`{"title":"y"}`)) {
			t.Errorf("%q is called %q", id, got)
		}
	}
}

func TestUnclean(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{`{"a":"ż"}`: false, "{\"a\":\"\xc5\"}": true, `{"a":"\u0000"}`: true, "{\"a\":\"\x00\"}": true} {
		if got := answers.Unclean([]byte(raw)); got != want {
			t.Errorf("%q: %v", raw, got)
		}
	}
}

// TestExplain names the place, in a line, and nothing of what stands there.
func TestExplain(t *testing.T) {
	t.Parallel()
	err := answers.Explain(errors.New("unexpected 'Kowalska' at 7"), []string{"custom_fields", "a"})
	field, ok := errors.AsType[*connectors.FieldError](err)
	if !ok || field.Field != "custom_fields.a" || !errors.Is(err, answers.ErrBroken) || strings.Contains(err.Error(), "Kowalska") {
		t.Errorf("%v", err)
	}
	if err := answers.Explain(answers.ErrDepth, nil); !errors.Is(err, answers.ErrDepth) || !strings.Contains(err.Error(), "32") {
		t.Errorf("%v", err)
	}
	if place := answers.PlaceOf([]string{strings.Repeat("ż", 500), "b"}); len([]rune(place)) != 121 {
		t.Errorf("a place of %d letters", len([]rune(place)))
	}
}
