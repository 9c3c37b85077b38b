package answers

import (
	"errors"
	"fmt"
	"strings"

	"salesbook.dev/connectors"
)

// DepthLimit bounds the nesting of one record. The deepest known is a definition of a
// field with 7 levels, of Zoho's; the bound keeps hostile input off the stack.
const DepthLimit = 32

// What is wrong with a record that cannot be decoded.
var (
	ErrBroken = errors.New("the JSON is broken")
	ErrNoID   = errors.New("is missing or cannot be an id, so that the record cannot be told from others")
	ErrDepth  = fmt.Errorf("is nested deeper than %d levels", DepthLimit)
	ErrObject = errors.New("the record is not a JSON object")
)

// Explain names the field, by the keys that lead to it, in a text that holds
// nothing of the record: the library's own quotes it, and it may hold personal
// data.
func Explain(err error, path []string) error {
	if !errors.Is(err, ErrDepth) && !errors.Is(err, ErrObject) {
		err = ErrBroken
	}
	if len(path) == 0 {
		return err
	}
	return &connectors.FieldError{Field: PlaceOf(path), Err: err}
}

// PlaceOf writes a path in a length that fits a line.
func PlaceOf(path []string) string {
	const parts, longest = 6, 120
	place := strings.ToValidUTF8(strings.Join(path[:min(len(path), parts)], "."), "\uFFFD")
	if runes := []rune(place); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return place
}
