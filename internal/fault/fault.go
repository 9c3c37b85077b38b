// Package fault names the kinds of failure that decide what happens next.
//
// The kind is attached once, where the answer is in hand (a connector, the
// REST client, a query); words are added on the way up with %w; the decision
// is taken once, in jobs or web, from the table in this package.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what may be done about a failure, not where it came from.
type Kind uint8

// The kinds. The zero value, Unknown, is treated as a fault of ours: retried
// a few times, then shown to a person.
const (
	Unknown   Kind = iota
	Auth           // the credentials are refused; a person must give consent again
	Forbidden      // the credentials are good but may not do this
	NotFound       // the record does not exist (or is hidden) at the vendor
	Gone           // a cursor or token of a walk is no longer valid; restart the window
	Limited        // over a quota; RetryAfter says how long to keep away
	Temporary      // network, timeout, 5xx, a cut or misplaced answer; try again
	Conflict       // changed by somebody else meanwhile; read again
	Invalid        // the request or the data is wrong; repeating it cannot help
	Lost           // our lease or fence was taken over; somebody else goes on
	Barred         // a rule that the account has set keeps it as it is; fall back to what needs no such change
)

// Outcome is what a job does with a failure.
type Outcome uint8

// The outcomes, see jobs/outcome.go for how each is told to the queue. What is
// wrong with one object or record only is sorted out before, see jobs/setbacks.go
// and jobs/fetch.go.
const (
	Retry   Outcome = iota // again, with growing delay while the vendor is not there at all
	Later                  // again after RetryAfter, not counted
	Park                   // the connection waits for a person
	Restart                // drop the walk's place and start its window anew, once; then as Retry
	Discard                // never again; listed under failures
	Nothing                // nothing to do: another worker has it
)

type row struct {
	name    string
	outcome Outcome
	status  int // HTTP status when the failure is answered to a client of ours
}

// table is the one place where kinds meet outcomes and HTTP statuses.
var table = [...]row{
	Unknown:   {"unknown", Retry, 500},
	Auth:      {"auth", Park, 401},
	Forbidden: {"forbidden", Discard, 403},
	NotFound:  {"not found", Discard, 404},
	Gone:      {"gone", Restart, 410},
	Limited:   {"limited", Later, 429},
	Temporary: {"temporary", Retry, 503},
	Conflict:  {"conflict", Retry, 409},
	Invalid:   {"invalid", Discard, 400},
	Lost:      {"lost", Nothing, 409},
	Barred:    {"barred", Discard, 409},
}

// String returns the kind's name as it is shown and stored.
func (k Kind) String() string { return table[k].name }

// Outcome returns what a job does with a failure of this kind.
func (k Kind) Outcome() Outcome { return table[k].outcome }

// HTTPStatus returns the status with which such a failure is answered.
func (k Kind) HTTPStatus() int { return table[k].status }

// Error is a failure with its kind. Its text must hold no secret.
type Error struct {
	Kind       Kind
	Text       string        // what happened and what to do next, in words
	RetryAfter time.Duration // only with Limited and Temporary: how long to keep away; 0 is unknown
	Daily      bool          // only with Limited: the budget of the day is spent, not the burst
	Err        error         // the cause, may be nil
}

// Error returns the text, followed by the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	cause := e.Err.Error()
	switch {
	case cause == "":
		return e.Text
	case e.Text == "":
		return cause
	}
	return e.Text + ": " + cause
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of kind k with a formatted text; %w works as in
// fmt.Errorf, several of them included.
func New(k Kind, format string, args ...any) error {
	wrapped := fmt.Errorf(format, args...)
	e := &Error{Kind: k, Text: wrapped.Error()}
	switch wrapped.(type) {
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		e.Err = Quiet(wrapped)
	}
	return e
}

// Quiet returns a cause for Error.Err that errors.Is and errors.As reach, but
// that is not printed: its text already stands in the parent's, or must not be
// shown. A nil err stays nil.
func Quiet(err error) error {
	if err == nil {
		return nil
	}
	return quiet{err}
}

type quiet struct{ err error }

// Error returns nothing.
func (quiet) Error() string { return "" }

// Unwrap returns the cause.
func (q quiet) Unwrap() error { return q.err }

// KindOf returns the kind of the outermost Error in err's chain, or Unknown.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Unknown
}

// RetryAfter returns how long to keep away, or 0 if err does not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
