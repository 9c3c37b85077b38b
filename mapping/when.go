package mapping

import (
	"strconv"
	"strings"
	"time"

	"salesbook.dev/connectors"
)

// PostgreSQL's and Go's calendars both reach far beyond these; a record with
// such a time is broken, and JSON cannot carry it.
const (
	firstSecond = -62135596800 // 0001-01-01T00:00:00Z
	endSecond   = 253402300800 // 10000-01-01T00:00:00Z
)

// toInstant reads an instant; text without a zone is UTC.
func toInstant(_ *source, v, _ *connectors.Value) (any, refusal) {
	switch v.Kind {
	case connectors.Time:
		return instant(v.Time)
	case connectors.Text:
		if neverSet(v.Text) {
			return nil, fine
		}
		for _, layout := range [...]string{time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05"} {
			if t, err := time.Parse(layout, v.Text); err == nil {
				return instant(t)
			}
		}
	}
	return nil, notInstant
}

func instant(t time.Time) (any, refusal) {
	if s := t.Unix(); s < firstSecond || s >= endSecond {
		return nil, notInstant
	}
	return t.UTC().Truncate(time.Microsecond), fine
}

// neverSet tells an empty time, also in the form in which systems on MySQL
// write one.
func neverSet(s string) bool { return s == "" || strings.HasPrefix(s, "0000-00-00") }

// toDate reads a day of the calendar. An instant is refused: which day it is
// depends on a zone that nobody named.
func toDate(_ *source, v, _ *connectors.Value) (any, refusal) {
	day, no := dayOf(v)
	if no != fine || day == "" {
		return nil, no
	}
	return day, fine
}

func dayOf(v *connectors.Value) (string, refusal) {
	if v.Kind != connectors.Date && v.Kind != connectors.Text {
		return "", notDay
	}
	if neverSet(v.Text) {
		return "", fine
	}
	if t, err := time.Parse(time.DateOnly, v.Text); err != nil || t.Year() < 1 {
		return "", notDay
	}
	return v.Text, fine
}

// toDayAndTime joins a day and a time of day, both in UTC. Without a time it
// is null: a day alone is no instant.
func toDayAndTime(_ *source, v, clock *connectors.Value) (any, refusal) {
	day, no := dayOf(v)
	if no != fine || day == "" || clock == nil {
		return nil, no
	}
	if clock.Kind != connectors.Text {
		return nil, notTimeOfDay
	}
	if clock.Text == "" {
		return nil, fine
	}
	for _, layout := range [...]string{"2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, day+" "+clock.Text); err == nil {
			return instant(t)
		}
	}
	return nil, notTimeOfDay
}

// toMinutes reads a duration written as HH:MM or HH:MM:SS; seconds are left
// out. A plain number counts minutes already.
func toMinutes(s *source, v, _ *connectors.Value) (any, refusal) {
	if v.Kind == connectors.Number {
		return toInteger(s, v, nil)
	}
	if v.Kind != connectors.Text {
		return nil, notDuration
	}
	if v.Text == "" {
		return nil, fine
	}
	hours, rest, _ := strings.Cut(v.Text, ":")
	minutes, seconds, more := strings.Cut(rest, ":")
	h, hok := smallNumber(hours, 5, 99999)
	m, mok := smallNumber(minutes, 2, 59)
	_, sok := smallNumber(seconds, 2, 59)
	if !hok || !mok || (more && !sok) {
		return nil, notDuration
	}
	return h*60 + m, fine
}

// smallNumber reads up to width digits as a number up to most.
func smallNumber(s string, width int, most int64) (int64, bool) {
	if s == "" || len(s) > width || digits(s) != len(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n <= most
}
