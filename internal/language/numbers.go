package language

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// Number writes a whole number as the language groups its digits.
func (l Language) Number(n int) string {
	return message.NewPrinter(l.tag()).Sprint(number.Decimal(n))
}

// Decimal writes an exact number as the language does: 1,234.5 or 1 234,5.
func (l Language) Decimal(d decimal.Decimal) string { return l.exact(d, 0) }

// exact writes a number with so many digits at least of a fraction, if it has
// one.
func (l Language) exact(d decimal.Decimal, digits int) string {
	if d.IsNegative() {
		return "-" + l.exact(d.Neg(), digits)
	}
	whole, fraction, broken := strings.Cut(d.String(), ".")
	if !broken {
		return l.grouped(whole)
	}
	return l.grouped(whole) + l.point() + fraction + strings.Repeat("0", max(0, digits-len(fraction)))
}

// Money writes an amount with its currency where the language puts it. Parts of
// the unit have two digits at least, and whole amounts have none.
func (l Language) Money(d decimal.Decimal, code string) string {
	if d.IsNegative() {
		return "-" + l.Money(d.Neg(), code)
	}
	number, symbol := l.exact(d, 2), l.symbol(code)
	last, _ := utf8.DecodeLastRuneInString(symbol)
	switch {
	case symbol == "":
		return number
	case l != English:
		return number + nbsp + symbol
	case unicode.IsLetter(last):
		return symbol + nbsp + number
	}
	return symbol + number
}

// Percent writes a share that is given in percent.
func (l Language) Percent(d decimal.Decimal) string {
	if l == Russian {
		return l.Decimal(d) + nbsp + "%"
	}
	return l.Decimal(d) + "%"
}

// grouped groups the digits of a whole number; one that is longer than any amount
// stays as it is.
func (l Language) grouped(whole string) string {
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return whole
	}
	return message.NewPrinter(l.tag()).Sprint(number.Decimal(n))
}

func (l Language) point() string {
	if l == English {
		return "."
	}
	return ","
}

// symbol is the sign of a currency where the language has one, or else its code.
// The library's own patterns for amounts are not used: they put every sign
// before the number, which is right in English alone.
func (l Language) symbol(code string) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return code
	}
	return message.NewPrinter(l.tag()).Sprint(currency.Symbol(unit))
}
