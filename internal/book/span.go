package book

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Unit is what a span counts.
type Unit string

// The units. Those that begin with w pass only while people work.
const (
	WorkingMinutes Unit = "wm"
	WorkingHours   Unit = "wh"
	WorkingDays    Unit = "wd"
	Minutes        Unit = "m"
	Hours          Unit = "h"
	Days           Unit = "d"
	Months         Unit = "mo"
)

// Span is a length of time as a book has it, such as 15wm or 14d. Whether it has
// passed depends on a calendar.
type Span struct {
	N    int
	Unit Unit
}

var spanPattern = regexp.MustCompile(`^([0-9]{1,4})(wm|wh|wd|m|h|d|mo)$`)

// UnmarshalText reads a span.
func (s *Span) UnmarshalText(text []byte) error {
	m := spanPattern.FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf("must be a number with wm, wh or wd (minutes, hours or days of work) or m, h, d or mo (any minutes, hours, days, months), as in 5wd")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return err // the pattern lets none through
	}
	*s = Span{n, Unit(m[2])}
	return nil
}

// MarshalText writes a span as UnmarshalText reads it.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes a span as a book has it.
func (s Span) String() string { return strconv.Itoa(s.N) + string(s.Unit) }

// Back is the instant from which on a span of the calendar has not passed at t;
// working time counts as if everybody always worked.
func (s Span) Back(t time.Time) time.Time {
	switch s.Unit {
	case Months:
		return t.AddDate(0, -s.N, 0)
	case Days, WorkingDays:
		return t.AddDate(0, 0, -s.N)
	case Hours, WorkingHours:
		return t.Add(-time.Duration(s.N) * time.Hour)
	}
	return t.Add(-time.Duration(s.N) * time.Minute)
}

// Pattern implements strictyaml.Described.
func (Span) Pattern() (expression, example string) { return spanPattern.String(), "5wd" }

// Date is a day without a zone, YYYY-MM-DD.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// UnmarshalText reads a date.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("must be a day as in 2026-12-24")
	}
	*d = dateOf(t)
	return nil
}

// MarshalText writes a date as UnmarshalText reads it.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes a date as YYYY-MM-DD.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Pattern implements strictyaml.Described.
func (Date) Pattern() (expression, example string) {
	return `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, "2026-12-24"
}

// dateOf is the day of an instant in its own zone.
func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// Start is the instant at which a day begins in a zone.
func (d Date) Start(zone *time.Location) time.Time { return Clock(0).on(d, zone) }

// End is the instant at which a day ends in a zone.
func (d Date) End(zone *time.Location) time.Time { return Clock(0).on(d.add(1), zone) }

// add is the day n days later.
func (d Date) add(n int) Date {
	return dateOf(time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC))
}

func (d Date) weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Weekday()
}

// Clock is a time of day in minutes from midnight, 0 to 1440.
type Clock int

var clockPattern = regexp.MustCompile(`^([01]?[0-9]|2[0-4]):([0-5][0-9])$`)

// UnmarshalText reads a time of day.
func (c *Clock) UnmarshalText(text []byte) error {
	m := clockPattern.FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf("must be a time of day as in 09:00")
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	if *c = Clock(60*hour + minute); *c > 24*60 {
		return fmt.Errorf("a day ends at 24:00")
	}
	return nil
}

// MarshalText writes a time of day as UnmarshalText reads it.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String writes a time of day as HH:MM.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// Pattern implements strictyaml.Described.
func (Clock) Pattern() (expression, example string) { return clockPattern.String(), "09:00" }

// on is the instant at which a clock in loc shows c on day d, see wall.
func (c Clock) on(d Date, loc *time.Location) time.Time {
	return wall(d, int(c)/60, int(c)%60, 0, 0, loc)
}

// wall is the instant at which a clock in loc shows a time on a day. For a time
// that is skipped there it is the instant at which clocks are put forward, so
// that a later time is never an earlier instant.
func wall(d Date, hour, minute, second, nano int, loc *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, hour, minute, second, nano, loc)
	if h, m, _ := t.Clock(); h == hour%24 && m == minute {
		return t
	}
	start, end := t.ZoneBounds()
	if end.IsZero() || t.Sub(start) < end.Sub(t) {
		return start
	}
	return end
}

// Moment is a day and a time of day without a zone, as cases have it.
type Moment struct {
	Day  Date
	Time Clock
}

// UnmarshalText reads a moment; a day alone is its midnight.
func (m *Moment) UnmarshalText(text []byte) error {
	day, clock, timed := strings.Cut(string(text), " ")
	if err := m.Day.UnmarshalText([]byte(day)); err != nil {
		return fmt.Errorf("must be a day and a time as in 2026-11-20 12:00")
	}
	if !timed {
		return nil
	}
	return m.Time.UnmarshalText([]byte(clock))
}

// MarshalText writes a moment as UnmarshalText reads it.
func (m Moment) MarshalText() ([]byte, error) {
	return []byte(m.Day.String() + " " + m.Time.String()), nil
}

// Pattern implements strictyaml.Described.
func (Moment) Pattern() (expression, example string) {
	return `^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{1,2}:[0-9]{2})?$`, "2026-11-20 12:00"
}

// in is the moment in a zone.
func (m Moment) in(loc *time.Location) time.Time { return m.Time.on(m.Day, loc) }

func (m Moment) before(o Moment) bool {
	return m.in(time.UTC).Before(o.in(time.UTC))
}
