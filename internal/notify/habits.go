package notify

import (
	"fmt"
	"strings"
	"time"
)

const (
	digestAt    = 8*60 + 30 // half past eight, in minutes from midnight
	digestUntil = 3*60 + 30 // for so long it is still sent, if it could not be before
	// freeDays bounds the search for a day on which somebody works.
	freeDays = 400
)

// Habits are when a person may be told something.
type Habits struct {
	Zone *time.Location
	// Works tells whether people work on a day; nil: on every day.
	Works func(year int, month time.Month, day int) bool
	// The person is left in peace from one to the other, in minutes from midnight;
	// never if they are equal.
	QuietFrom, QuietTo int
}

// UsualQuiet are the quiet hours of whoever has set no others: from eight in the
// evening to eight in the morning.
func UsualQuiet() (from, to int) { return 20 * 60, 8 * 60 }

// NotBefore is the first instant from t on at which the person may be told. It
// looks at what clocks on the wall show, minute by minute: where they are changed,
// the end of the quiet hours may be skipped, or come twice.
func (h *Habits) NotBefore(t time.Time) time.Time {
	const quarter = 15 * time.Minute // wherever people live, days begin with one
	for at := t; at.Sub(t) < freeDays*24*time.Hour; {
		local := at.In(h.Zone)
		switch {
		case !h.works(local):
			at = at.Truncate(quarter).Add(quarter)
		case h.quiet(minutesOf(local)):
			at = at.Truncate(time.Minute).Add(time.Minute)
		default:
			return at
		}
	}
	return t
}

// Digest tells whether the digest of a day may be sent at t, and of which day.
// It is due at half past eight, or when the quiet hours end after that, and only
// for the rest of the morning.
func (h *Habits) Digest(t time.Time) (day string, due bool) {
	local := t.In(h.Zone)
	from, now := h.digestFrom(), minutesOf(local)
	return local.Format(time.DateOnly), h.works(local) && now >= from && now < from+digestUntil && !h.quiet(now)
}

// NextDigest is when the next digest becomes due after t.
func (h *Habits) NextDigest(t time.Time) time.Time {
	year, month, day := t.In(h.Zone).Date()
	for n := range freeDays {
		at := time.Date(year, month, day+n, 0, h.digestFrom(), 0, 0, h.Zone)
		if at.After(t) && h.works(at) {
			return at
		}
	}
	return t.AddDate(0, 0, 1) // whoever never works is looked at again
}

// digestFrom is the minute of the day from which a digest is due.
func (h *Habits) digestFrom() int {
	if h.quiet(digestAt) {
		return h.QuietTo
	}
	return digestAt
}

func (h *Habits) works(local time.Time) bool {
	return h.Works == nil || h.Works(local.Date())
}

// quiet tells whether a minute of the day is within the quiet hours.
func (h *Habits) quiet(minute int) bool {
	if h.QuietFrom <= h.QuietTo {
		return minute >= h.QuietFrom && minute < h.QuietTo
	}
	return minute >= h.QuietFrom || minute < h.QuietTo
}

// minutesOf is the time of day as clocks on the wall show it.
func minutesOf(t time.Time) int { return t.Hour()*60 + t.Minute() }

// ParseQuiet reads quiet hours, as in 20:00-08:00; none is the word for never.
func ParseQuiet(text string) (from, to int, err error) {
	if text == "none" {
		return 0, 0, nil
	}
	before, after, _ := strings.Cut(text, "-")
	begins, err := time.Parse("15:04", before)
	ends, err2 := time.Parse("15:04", after)
	if err != nil || err2 != nil {
		return 0, 0, fmt.Errorf("%q are no quiet hours; they are written as 20:00-08:00, or none", text)
	}
	return minutesOf(begins), minutesOf(ends), nil
}

// FormatQuiet writes quiet hours as ParseQuiet reads them.
func FormatQuiet(from, to int) string {
	if from == to {
		return "none"
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60)
}
