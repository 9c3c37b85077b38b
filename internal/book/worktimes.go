package book

import (
	"slices"
	"strings"
	"time"
)

// WorkTimes are the calendars of a book, ready for reckoning.
type WorkTimes struct {
	usual   *WorkTime
	byOwner map[string]*WorkTime // by addresses in small letters
}

// WorkTimes makes the calendars of a book ready. A book without one has office
// hours in UTC.
func (b *Book) WorkTimes() (*WorkTimes, error) {
	t := &WorkTimes{byOwner: map[string]*WorkTime{}}
	made := map[string]*WorkTime{}
	for i, cal := range b.Calendars {
		w, err := newWorkTime(cal)
		if err != nil {
			return nil, err
		}
		if made[cal.ID] = w; i == 0 {
			t.usual = w
		}
	}
	if t.usual == nil {
		w, err := newWorkTime(Calendar{Zone: time.UTC.String()})
		if err != nil {
			return nil, err
		}
		t.usual = w
	}
	for _, team := range b.Teams {
		if w := made[team.Calendar]; w != nil {
			for _, rep := range append(slices.Clone(team.Reps), team.Heads...) {
				t.byOwner[strings.ToLower(rep)] = w
			}
		}
	}
	return t, nil
}

// Of is the calendar by which somebody works.
func (t *WorkTimes) Of(address string) *WorkTime {
	if w := t.byOwner[strings.ToLower(address)]; w != nil {
		return w
	}
	return t.usual
}

// Works tells whether people work on a day.
func (w *WorkTime) Works(year int, month time.Month, day int) bool {
	return len(w.day(Date{year, month, day})) > 0
}

// ModeOn is what is done about a rule on a day.
func (b *Book) ModeOn(rule Rule, day Date) Mode { return b.modeOn(rule, day) }

// DateOf is the day of an instant in its own zone.
func DateOf(t time.Time) Date { return dateOf(t) }
