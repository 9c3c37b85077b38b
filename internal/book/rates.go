package book

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/sales"
)

// Rate is what a unit of another currency is worth from a day on. Rates stand in
// the book and not in a table beside it, so that what was judged last year by a
// version of the book is judged the same today.
type Rate struct {
	At       Place
	Currency string          `yaml:"currency,required" doc:"The other currency, ISO 4217, as in EUR."`
	Is       decimal.Decimal `yaml:"is,required" doc:"What one unit of it is worth in the book's currency."`
	From     *Date           `yaml:"from" doc:"Day from which on it holds; from ever unless set."`
}

// begins is the first day of a rate.
func (r *Rate) begins() Date {
	if r.From == nil {
		return Date{}
	}
	return *r.From
}

// rateFrom is a rate from an instant on.
type rateFrom struct {
	at time.Time // zero: from ever
	is decimal.Decimal
}

// compileRates sorts the book's rates by currency and day, in the zone of the
// first calendar.
func (c *Compiled) compileRates() {
	c.rates = map[string][]rateFrom{}
	for i := range c.Book.Rates {
		r := &c.Book.Rates[i]
		f := rateFrom{is: r.Is}
		if r.From != nil {
			f.at = r.From.Start(c.calendar.zone)
		}
		c.rates[r.Currency] = append(c.rates[r.Currency], f)
	}
	for _, list := range c.rates {
		slices.SortFunc(list, func(a, b rateFrom) int { return a.at.Compare(b.at) })
	}
}

// rate is what a unit of a currency is worth at an instant, and when that
// changes; zero: never.
func (c *Compiled) rate(currency string, at time.Time) (is decimal.Decimal, known bool, until time.Time) {
	for _, r := range c.rates[currency] {
		if r.at.After(at) {
			return is, known, r.at
		}
		is, known = r.is, true
	}
	return is, known, time.Time{}
}

// worth is what a deal is worth in the book's currency.
type worth struct {
	amount decimal.Decimal
	none   bool      // nobody has written an amount
	found  string    // as it stands in the CRM
	known  bool      // found is what stood there then, and not what does now
	cannot string    // why it cannot be told; empty: it can
	flips  time.Time // when another rate begins; zero: none does
}

// worth is what the deal is worth at the subject's instant, by the rate of then.
func (s *subject) worth() (w worth) {
	w.found, w.known = s.value("amount", s.at)
	if w.found == "" {
		w.none = true
		return w
	}
	var err error
	if w.amount, err = decimal.NewFromString(w.found); err != nil {
		w.cannot = "the amount is no number"
		return w
	}
	currency, _ := s.value("currency", s.at)
	if currency == "" || currency == s.c.Book.Currency {
		return w
	}
	w.found += " " + currency
	is, known, until := s.c.rate(currency, s.at)
	w.amount, w.flips = w.amount.Mul(is), until
	switch {
	case s.c.Book.Currency == "":
		w.cannot = "the amount is in " + currency + " and the book has no currency; write currency and rates"
	case !known:
		w.cannot = fmt.Sprintf("the amount is in %s and the book in %s; write under rates what one %s is worth", currency, s.c.Book.Currency, currency)
	}
	return w
}

// Worth is what a deal is worth in the book's currency at an instant, if that can
// be told, and when another rate begins; zero: none does.
func (c *Compiled) Worth(f *Facts, at time.Time) (amount decimal.Decimal, known bool, until time.Time) {
	w := (&subject{Facts: f, c: c, at: at}).worth()
	return w.amount, !w.none && w.cannot == "", w.flips
}

// rates checks what other currencies are worth.
func (c *checker) rates() {
	seen := map[string]bool{}
	for i := range c.b.Rates {
		r := &c.b.Rates[i]
		where := "rates › " + r.Currency
		key := r.Currency + " " + r.begins().String()
		switch _, known := sales.MinorDigits(r.Currency); {
		case !known:
			c.fail(r.At, "rates", r.Currency, "is no currency", "three capital letters of ISO 4217, as in EUR")
		case c.b.Currency == "":
			c.fail(r.At, where, r.Is.String(), "nobody knows in which currency this is", "write currency: PLN, or another, at the top of the book")
		case r.Currency == c.b.Currency:
			c.fail(r.At, where, r.Is.String(), "this is the book's own currency", "remove it")
		case !r.Is.IsPositive():
			c.fail(r.At, where, r.Is.String(), "nothing can be worth this", "a number above 0")
		case seen[key]:
			c.fail(r.At, where, r.Is.String(), "stands twice for the same day", "one rate for each currency and day")
		}
		seen[key] = true
	}
}
