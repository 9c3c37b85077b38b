package mapping

import (
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// The bounds of an exact number. PostgreSQL's numeric holds far more, but a
// value beyond these is a mistake or an attack: 1e100000 is seven bytes on the
// wire and a hundred thousand in memory.
const (
	maxWhole    = 28 // digits before the point
	maxFraction = 30 // digits after it
)

// number is a decimal literal in its one canonical form: no leading zeros, no
// trailing zeros after the point, no exponent, no negative zero.
type number struct {
	negative bool
	whole    string // "0" or digits without a leading zero
	fraction string // digits without a trailing zero; may be empty
}

// scanNumber reads a decimal literal: digits with an optional sign, point and
// exponent. It refuses anything else and what is out of bounds.
func scanNumber(s string) (number, bool) {
	var n number
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.negative, s = s[0] == '-', s[1:]
	}
	end := digits(s)
	n.whole, s = s[:end], s[end:]
	if s != "" && s[0] == '.' {
		end = digits(s[1:])
		n.fraction, s = s[1:1+end], s[1+end:]
		if end == 0 {
			return number{}, false
		}
	}
	if n.whole == "" {
		return number{}, false
	}
	if s != "" {
		exponent, ok := scanExponent(s)
		if !ok || !n.shift(exponent) {
			return number{}, false
		}
	}
	return n.canonical()
}

// digits returns how many bytes at the start of s are digits.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func scanExponent(s string) (int, bool) {
	if (s[0] != 'e' && s[0] != 'E') || len(s) < 2 {
		return 0, false
	}
	if s = s[1:]; s[0] == '+' {
		s = s[1:]
		if s == "" || s[0] == '-' || s[0] == '+' {
			return 0, false
		}
	}
	exponent, err := strconv.ParseInt(s, 10, 32)
	return int(exponent), err == nil
}

// shift moves the point by exponent places. It refuses to write out more zeros
// than a number in bounds can have.
func (n *number) shift(exponent int) bool {
	all := n.whole + n.fraction
	point := len(n.whole) + exponent
	const most = 400 // a float's literal has at most some 330 digits
	if strings.Trim(all, "0") == "" {
		n.whole, n.fraction = "0", ""
		return true
	}
	switch {
	case point > most || point < -most:
		return false
	case point <= 0:
		n.whole, n.fraction = "0", strings.Repeat("0", -point)+all
	case point >= len(all):
		n.whole, n.fraction = all+strings.Repeat("0", point-len(all)), ""
	default:
		n.whole, n.fraction = all[:point], all[point:]
	}
	return true
}

func (n number) canonical() (number, bool) {
	for len(n.whole) > 1 && n.whole[0] == '0' {
		n.whole = n.whole[1:]
	}
	for n.fraction != "" && n.fraction[len(n.fraction)-1] == '0' {
		n.fraction = n.fraction[:len(n.fraction)-1]
	}
	if n.whole == "0" && n.fraction == "" {
		n.negative = false
	}
	return n, len(n.whole) <= maxWhole && len(n.fraction) <= maxFraction
}

// append writes the canonical literal, which is also a JSON number.
func (n number) append(b []byte) []byte {
	if n.negative {
		b = append(b, '-')
	}
	b = append(b, n.whole...)
	if n.fraction != "" {
		b = append(append(b, '.'), n.fraction...)
	}
	return b
}

// decimal returns the exact value.
func (n number) decimal() decimal.Decimal {
	if len(n.whole)+len(n.fraction) > 18 {
		var room [maxWhole + maxFraction + 2]byte
		return decimal.RequireFromString(string(n.append(room[:0])))
	}
	return decimal.New(n.small(), -int32(len(n.fraction)))
}

// small returns all digits as one integer; there must be at most 18.
func (n number) small() int64 {
	var out int64
	for _, part := range [2]string{n.whole, n.fraction} {
		for i := range len(part) {
			out = out*10 + int64(part[i]-'0')
		}
	}
	if n.negative {
		return -out
	}
	return out
}

// integer returns the value if it is a whole number that fits.
func (n number) integer() (int64, bool) {
	if n.fraction != "" {
		return 0, false
	}
	if len(n.whole) <= 18 {
		return n.small(), true
	}
	var room [maxWhole + 2]byte
	out, err := strconv.ParseInt(string(n.append(room[:0])), 10, 64)
	return out, err == nil
}
