package mapping

import (
	"github.com/shopspring/decimal"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// numberOf reads the number of a value; empty tells that there is none.
func numberOf(v *connectors.Value) (n number, empty bool, no refusal) {
	switch v.Kind {
	case connectors.Number, connectors.Text, connectors.Money:
		if v.Text == "" {
			return number{}, true, fine
		}
		n, ok := scanNumber(v.Text)
		if !ok {
			return number{}, false, notNumber
		}
		return n, false, fine
	}
	return number{}, false, notNumber
}

func toDecimal(_ *source, v, _ *connectors.Value) (any, refusal) {
	n, empty, no := numberOf(v)
	if no != fine || empty {
		return nil, no
	}
	return n.decimal(), fine
}

func toInteger(_ *source, v, _ *connectors.Value) (any, refusal) {
	n, empty, no := numberOf(v)
	if no != fine || empty {
		return nil, no
	}
	i, ok := n.integer()
	if !ok {
		return nil, notWhole
	}
	return i, fine
}

// toMinor counts an amount in minor units of its currency, rounded half away
// from zero. It is null where the currency has no known minor unit or the
// count does not fit: the exact amount stands beside it.
func toMinor(s *source, v, currency *connectors.Value) (any, refusal) {
	n, empty, no := numberOf(v)
	if no != fine || empty {
		return nil, no
	}
	code := v.Unit
	if currency != nil {
		code, _ = toCurrency(s, currency)
	}
	if code == "" {
		code = s.home
	}
	places, ok := sales.MinorDigits(code)
	if !ok {
		return nil, fine
	}
	if len(n.fraction) <= places && len(n.whole)+places <= 18 {
		return n.minor(places), fine
	}
	d := n.decimal().Shift(int32(places)).Round(0)
	if d.GreaterThan(decimal.New(1<<63-1, 0)) || d.LessThan(decimal.New(-1<<63, 0)) {
		return nil, fine
	}
	return d.IntPart(), fine
}

// minor returns the digits up to the given places after the point.
func (n number) minor(places int) int64 {
	out := n.small()
	for range places - len(n.fraction) {
		out *= 10
	}
	return out
}
