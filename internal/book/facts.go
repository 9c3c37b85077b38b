package book

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Facts is what is known of one deal or lead: values, when they changed, and
// what people did and decided. All instants are exact; lists are in the order
// of time. Judge changes nothing in it.
type Facts struct {
	Lead       bool   // a record of the lead inbox; else a deal
	Connection string // name
	ID         string // the vendor's
	Title      string

	Owner      string // e-mail address; empty: nobody
	OwnerLeft  bool   // the owner is no longer active
	Amount     *decimal.Decimal
	Currency   string
	Fields     map[string]string // what is filled, by canonical name and by the name that the CRM shows, folded
	Products   int               // listed on the deal
	NoProducts bool              // the CRM does not tell what is listed
	Close      *Date             // expected close date

	Added    time.Time
	Status   string // open, won, lost or deleted
	Won      time.Time
	Lost     time.Time
	Deleted  time.Time // removed at the vendor
	Archived time.Time
	Gone     bool   // it was merged into another or erased: nothing is judged
	Reason   string // the loss reason as written

	Renamed   []string  // other names that the CRM's option of that name has or had
	Spellings Spellings // what people have decided on texts; shared by many, and never changed

	Moves      []Move
	Past       []Change // earlier values of fields
	KnownSince time.Time

	// Of the person and the company that it is about, present and past values
	// stand under person. and company.; since when they are known of those whom it
	// is about now:
	PersonSince, CompanySince time.Time
	Aliases                   map[string]string // other names of fields, folded: the names that they have here; never changed

	Activities []Activity
	Notes      []Note
	Snoozes    []Snooze
	Approvals  []Approved
}

// Move is an entry into a stage, by the vendor's id of the stage.
type Move struct {
	At    time.Time
	Stage string
	By    string // e-mail address of who did it; empty: not known
	Ours  bool   // salesbook took an earlier move back: nobody is to answer for it
}

// Change is a change of a field's value.
type Change struct {
	At    time.Time
	Field string // as in Fields; owner, amount and close are fields, too
	Old   string // empty: it was not filled
}

// Activity is a call, meeting or task.
type Activity struct {
	ID      string
	Type    string
	Subject string
	Added   time.Time
	Done    time.Time // zero: it is planned
	Due     time.Time // when it is over; a day without a time is over at its end
	Ours    bool      // made by salesbook: neither a next step nor a touch
}

// Note is something that somebody wrote.
type Note struct {
	ID      string
	At      time.Time
	Letters int
}

// Snooze is a decision of a person not to be told that a deal hangs.
type Snooze struct {
	From, Until time.Time
	By, Reason  string
}

// Approved is a decision of a person that a deal may be lost for a reason.
type Approved struct {
	At        time.Time
	By        string
	Loss      time.Time // which loss; zero: the next one that we hear of, within thirty days
	Reason    string    // of the loss, as it is written
	Withdrawn time.Time // when it was taken back; zero: it stands
}

// value is what a field held at an instant, and whether that is known: before
// changes were recorded the earliest known value is taken.
func (f *Facts) value(field string, at time.Time) (value string, known bool) {
	field = f.named(field)
	value = f.present(field)
	for _, c := range slices.Backward(f.Past) {
		if !c.At.After(at) {
			break
		}
		if c.Field == field {
			value = c.Old
		}
	}
	return value, !at.Before(f.knownSince(field))
}

// named is the name that a field has here.
func (f *Facts) named(field string) string {
	if name, ok := f.Aliases[field]; ok {
		return name
	}
	return field
}

// knownSince is from when on the values of a field are known.
func (f *Facts) knownSince(field string) time.Time {
	since := f.KnownSince
	switch {
	case strings.HasPrefix(field, OfPerson) && f.PersonSince.After(since):
		since = f.PersonSince
	case strings.HasPrefix(field, OfCompany) && f.CompanySince.After(since):
		since = f.CompanySince
	}
	return since
}

// present is what a field holds now.
func (f *Facts) present(field string) string {
	switch field {
	case "owner":
		return f.Owner
	case "amount":
		if f.Amount != nil {
			return f.Amount.String()
		}
		return ""
	case "currency":
		return f.Currency
	case "expected_close":
		if f.Close != nil {
			return f.Close.String()
		}
		return ""
	}
	return f.Fields[field]
}

// stay is when the deal came to the stage that it entered by move i. An entry into
// the stage that it stands in already is none, and where salesbook has brought it
// back to, it has stayed all the time.
func (f *Facts) stay(i int) time.Time {
	began, _ := f.stayed(i)
	return began
}

// gap is a time that a deal spent elsewhere, until salesbook took that back.
type gap struct{ from, to time.Time }

// stayed is stay with the gaps in it, the latest first.
func (f *Facts) stayed(i int) (began time.Time, gaps []gap) {
	for i > 0 {
		if taken := f.takes(i); taken > 0 {
			gaps = append(gaps, gap{f.Moves[taken].At, f.Moves[i].At})
			i = taken - 1
		} else if f.Moves[i-1].Stage == f.Moves[i].Stage {
			i--
		} else {
			break
		}
	}
	return f.Moves[i].At, gaps
}

// takes is the number of the move that move i of ours took back; 0 if it took
// back none.
func (f *Facts) takes(i int) int {
	if !f.Moves[i].Ours {
		return 0
	}
	taken := i - 1
	for taken > 0 && f.Moves[taken-1].Stage == f.Moves[taken].Stage {
		taken--
	}
	if taken <= 0 || f.Moves[taken-1].Stage != f.Moves[i].Stage {
		return 0
	}
	return taken
}

// takenBack is when move i was taken back by an instant; zero: it was not.
func (f *Facts) takenBack(i int, by time.Time) time.Time {
	for n := i + 1; n < len(f.Moves) && !f.Moves[n].At.After(by); n++ {
		if taken := f.takes(n); taken > 0 && taken <= i && i < n {
			return f.Moves[n].At
		}
	}
	return time.Time{}
}

// moveAt is the last move at or before an instant; -1 if there is none.
func (f *Facts) moveAt(at time.Time) int {
	for i, m := range slices.Backward(f.Moves) {
		if !m.At.After(at) {
			return i
		}
	}
	return -1
}

// Ended tells whether the deal or lead had ended by an instant.
func (f *Facts) Ended(now time.Time) bool {
	end := f.closed()
	return f.Gone || !end.IsZero() && !end.After(now)
}

// End is how the deal had ended by an instant, and when: won, lost, deleted or
// archived; empty: it had not.
func (f *Facts) End(now time.Time) (how string, at time.Time) {
	if end := f.closed(); end.IsZero() || end.After(now) {
		return "", time.Time{}
	}
	by := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	switch {
	case by(f.Won):
		return "won", f.Won
	case by(f.Lost):
		return "lost", f.Lost
	case by(f.Deleted):
		return "deleted", f.Deleted
	}
	return "archived", f.Archived
}

// closed is when the deal was won, lost, deleted or archived; zero: it is open.
func (f *Facts) closed() time.Time {
	var first time.Time
	for _, t := range []time.Time{f.Won, f.Lost, f.Deleted, f.Archived} {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// FoldField is a field's name as Facts has it: without regard to case and
// blanks, since people write books by hand.
func FoldField(name string) string { return fold(name) }

// holdsAny tells whether a text holds one of some words, in any case.
func holdsAny(text string, words []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, strings.ToLower(w)) })
}
