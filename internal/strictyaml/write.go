package strictyaml

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// isScalar tells whether a type holds a single value.
func isScalar(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return true
	}
	return false
}

// plain is a single value as it is written, without quotes, and whether it was
// given. What is no pointer and zero was not, unless it must be.
func plain(v reflect.Value, must bool) (text string, given bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", false
		}
		return plain(v.Elem(), true)
	}
	if v.IsZero() && !must {
		return "", false
	}
	if t, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := t.MarshalText()
		if err != nil {
			panic("strictyaml: " + v.Type().String() + " cannot be written: " + err.Error())
		}
		return string(b), true
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), true
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10), true
	}
	panic("strictyaml: cannot write " + v.Type().String())
}

// flow is a part of a document as it may be written on one line.
func flow(v reflect.Value) string {
	text, _ := writer{}.value(v, field{required: true})
	return text
}

// sorted is flow with what has no order sorted: equal parts have equal texts.
func sorted(v reflect.Value) string {
	text, _ := writer{sorted: true}.value(v, field{required: true})
	return text
}

type writer struct{ sorted bool }

func (w writer) value(v reflect.Value, f field) (text string, given bool) {
	switch {
	case isScalar(v.Type()):
		text, given = plain(v, f.required)
		return quoted(text), given
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return "", false
		}
		return w.value(v.Elem(), field{required: true})
	case v.Kind() == reflect.Slice:
		if v.IsNil() {
			return "", false
		}
		return w.list(v, f), true
	}
	var parts []string
	for _, key := range fieldsOf(v.Type()) {
		if text, given := w.value(v.Field(key.index), key); given {
			parts = append(parts, key.key+": "+text)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}", f.required || len(parts) > 0
}

func (w writer) list(v reflect.Value, f field) string {
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i], _ = w.value(v.Index(i), field{required: true})
	}
	if w.sorted && !f.ordered {
		slices.Sort(parts)
		if isScalar(v.Type().Elem()) {
			parts = slices.Compact(parts)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// quoted puts a text in quotes that would be taken for something else.
func quoted(text string) string {
	if text == "" || strings.ContainsAny(text, ",:{}[]#&*!|>'\"%@`\n\t\\") || strings.TrimSpace(text) != text || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "?") {
		return strconv.Quote(text)
	}
	return text
}
