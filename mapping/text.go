package mapping

import (
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"salesbook.dev/connectors"
)

// clean returns s as PostgreSQL takes it: valid UTF-8 without NUL. What
// cannot stand becomes U+FFFD.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// textOf writes a plain value as text. Money keeps its currency.
func textOf(v *connectors.Value) (string, refusal) {
	switch v.Kind {
	case connectors.Text, connectors.Number, connectors.Bool, connectors.Date:
		return clean(v.Text), fine
	case connectors.Time:
		return v.Time.UTC().Format(time.RFC3339Nano), fine
	case connectors.Money:
		return clean(strings.TrimSpace(v.Text + " " + v.Unit)), fine
	}
	return "", notPlain
}

func toText(_ *source, v *connectors.Value) (string, refusal) { return textOf(v) }

func toLower(_ *source, v *connectors.Value) (string, refusal) {
	s, no := textOf(v)
	return strings.ToLower(s), no
}

// toEmail keeps what the CRM has, also where it is no address: matching by
// address is not decided here. One address is one text, whichever system it comes
// from: letters with marks may be written in two ways.
func toEmail(_ *source, v *connectors.Value) (string, refusal) {
	s, no := textOf(v)
	return norm.NFC.String(strings.ToLower(strings.TrimSpace(s))), no
}

// toCurrency reads the code of an amount, or a code by itself. Accounts may
// have currencies of their own, so the code is not looked up.
func toCurrency(_ *source, v *connectors.Value) (string, refusal) {
	if v.Kind == connectors.Money {
		return strings.ToUpper(strings.TrimSpace(clean(v.Unit))), fine
	}
	s, no := textOf(v)
	return strings.ToUpper(strings.TrimSpace(s)), no
}

// toHome is the account's own currency, as far as it is known.
func toHome(s *source, _ *connectors.Value) (string, refusal) { return s.home, fine }

// toRef reads an external id.
func toRef(_ *source, v *connectors.Value) (string, refusal) {
	switch v.Kind {
	case connectors.Text, connectors.Number:
		return clean(v.Text), fine
	}
	return "", notPlain
}

// toLabel replaces an option's id by its label.
func toLabel(s *source, v *connectors.Value) (string, refusal) {
	id, no := textOf(v)
	if no != fine || id == "" {
		return "", no
	}
	label, ok := s.labels[id]
	if !ok {
		return "", notOption
	}
	return label, fine
}

// toBool reads a flag: true and false, 1 and 0, as vendors write them.
func toBool(_ *source, v, _ *connectors.Value) (any, refusal) {
	switch v.Kind {
	case connectors.Bool, connectors.Number, connectors.Text:
		switch v.Text {
		case "true", "1":
			return true, fine
		case "false", "0":
			return false, fine
		case "":
			return nil, fine
		}
	}
	return nil, notBool
}

// toAny is true when any item of a list is true.
func toAny(s *source, v, _ *connectors.Value) (any, refusal) {
	if v.Kind != connectors.List {
		return nil, notList
	}
	for i := range v.Items {
		item, no := follow(&v.Items[i], s.each)
		if no != fine {
			return nil, no
		}
		if item == nil {
			continue
		}
		if set, no := toBool(s, item, nil); no != fine || set == true {
			return set, no
		}
	}
	return false, fine
}
