package book

import (
	"slices"
	"sort"
	"time"
)

// Calendar is when people work, as it is written.
type Calendar struct {
	At       Place
	ID       string  `yaml:"id,required" doc:"Short name for references."`
	Name     string  `yaml:"name" doc:"What people call it." rules:"none"`
	Zone     string  `yaml:"zone,required" doc:"Time zone, as in Europe/Warsaw."`
	Hours    []Shift `yaml:"hours,ordered" doc:"Working hours; Monday to Friday from 09:00 to 18:00 unless set."`
	Holidays string  `yaml:"holidays_of" doc:"Country whose public holidays are free, ISO 3166-1, as in PL."`
	Closed   []Date  `yaml:"closed" doc:"Days that are free besides."`
	Open     []Date  `yaml:"open" doc:"Days that are worked though they would be free: with the hours of the first line of hours."`
}

// Shift is the working hours of some days of the week.
type Shift struct {
	At   Place
	Days []Day `yaml:"days,one,required" doc:"Days of the week: mon, tue, wed, thu, fri, sat, sun."`
	From Clock `yaml:"from,required" doc:"When work begins, as in 09:00."`
	To   Clock `yaml:"to,required" doc:"When it ends, as in 18:00; 24:00 is midnight."`
}

// Day is a day of the week.
type Day string

// Words implements strictyaml.Worded.
func (Day) Words() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// weekday is the day as the library has it.
func (d Day) weekday() time.Weekday {
	return time.Weekday((slices.Index(d.Words(), string(d)) + 1) % 7)
}

// stretch is a part of a day, from and to minutes from midnight.
type stretch struct{ from, to Clock }

// WorkTime is a calendar made ready for reckoning.
type WorkTime struct {
	zone     *time.Location
	week     [7][]stretch // by time.Weekday, in their order
	extra    []stretch    // of days that are worked on though they would be free
	holidays holidays
	closed   map[Date]bool
	open     map[Date]bool
}

// usualHours are those of a calendar that says nothing.
func usualHours() []Shift {
	return []Shift{{Days: []Day{"mon", "tue", "wed", "thu", "fri"}, From: 9 * 60, To: 18 * 60}}
}

// newWorkTime makes a calendar that was found to be sound ready.
func newWorkTime(c Calendar) (*WorkTime, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, err
	}
	w := &WorkTime{zone: zone, holidays: holidaysOf(c.Holidays), closed: map[Date]bool{}, open: map[Date]bool{}}
	hours := c.Hours
	if len(hours) == 0 {
		hours = usualHours()
	}
	for _, h := range hours {
		for _, d := range h.Days {
			w.week[d.weekday()] = append(w.week[d.weekday()], stretch{h.From, h.To})
		}
	}
	for i := range w.week {
		slices.SortFunc(w.week[i], func(a, b stretch) int { return int(a.from - b.from) })
	}
	w.extra = []stretch{{hours[0].From, hours[0].To}}
	for _, d := range c.Closed {
		w.closed[d] = true
	}
	for _, d := range c.Open {
		w.open[d] = true
	}
	return w, nil
}

// Zone is the time zone of the calendar.
func (w *WorkTime) Zone() *time.Location { return w.zone }

// day returns when people work on a day.
func (w *WorkTime) day(d Date) []stretch {
	switch {
	case w.closed[d]:
		return nil
	case w.open[d]:
		if week := w.week[d.weekday()]; len(week) > 0 {
			return week
		}
		return w.extra
	case w.holidays.has(d):
		return nil
	}
	return w.week[d.weekday()]
}

// maxDays bounds a search for working time: nobody is on holiday for so long.
const maxDays = 20 * 366

// After is the instant at which span has passed since t: the first one at which
// whatever is bounded by the span is over its bound. It never comes before a
// shorter span of the same unit, nor earlier for a later t. Working days end at
// the same time of day, within that day's hours.
func (w *WorkTime) After(t time.Time, span Span) time.Time {
	switch span.Unit {
	case Minutes:
		return t.Add(time.Duration(span.N) * time.Minute)
	case Hours:
		return t.Add(time.Duration(span.N) * time.Hour)
	case Days:
		l := t.In(w.zone)
		return sameTime(l, dateOf(l).add(span.N))
	case Months:
		return addMonths(t.In(w.zone), span.N)
	case WorkingDays:
		return w.afterDays(t, span.N)
	case WorkingHours:
		return w.afterWork(t, time.Duration(span.N)*time.Hour)
	}
	return w.afterWork(t, time.Duration(span.N)*time.Minute)
}

// addMonths is the same day and time n months later, or the end of a month that
// is too short for it.
func addMonths(t time.Time, n int) time.Time {
	y, m, d := t.Date()
	if last := time.Date(y, m+time.Month(n)+1, 0, 12, 0, 0, 0, time.UTC).Day(); d > last {
		return time.Date(y, m+time.Month(n)+1, 1, 0, 0, 0, 0, t.Location())
	}
	return sameTime(t, Date{y, m + time.Month(n), d}.add(0))
}

// before is the first instant after from whose span reaches to t, to the second:
// the inverse of After.
func (w *WorkTime) before(t time.Time, span Span, from time.Time) time.Time {
	seconds := sort.Search(int(t.Sub(from)/time.Second)+1, func(n int) bool {
		return !w.After(from.Add(time.Duration(n)*time.Second), span).Before(t)
	})
	return from.Add(time.Duration(seconds) * time.Second)
}

// sameTime is the time of day of t on another day.
func sameTime(t time.Time, d Date) time.Time {
	hour, minute, second := t.Clock()
	return wall(d, hour, minute, second, t.Nanosecond(), t.Location())
}

// WorkingDay is the day of an instant, or the next on which somebody works if
// nobody does any more on that one.
func (w *WorkTime) WorkingDay(t time.Time) Date { return dateOf(w.afterWork(t, 0).In(w.zone)) }

// afterWork is the instant at which so much working time has passed.
func (w *WorkTime) afterWork(t time.Time, left time.Duration) time.Time {
	d := dateOf(t.In(w.zone))
	for range maxDays {
		for _, s := range w.day(d) {
			from, to := s.from.on(d, w.zone), s.to.on(d, w.zone)
			if from.Before(t) {
				from = t
			}
			if free := to.Sub(from); free > 0 {
				if left <= free {
					return from.Add(left)
				}
				left -= free
			}
		}
		d = d.add(1)
	}
	return time.Time{}
}

// afterDays is the instant n working days after t, which counts from when work
// goes on if nobody works at t.
func (w *WorkTime) afterDays(t time.Time, n int) time.Time {
	t = w.afterWork(t, 0).In(w.zone)
	d := dateOf(t)
	for i := 0; n > 0 && i < maxDays; i++ {
		if d = d.add(1); len(w.day(d)) > 0 {
			n--
		}
	}
	if d == dateOf(t) {
		return t
	}
	return w.clamp(d, t)
}

// clamp is the time of day of t on a working day d, moved into its hours.
func (w *WorkTime) clamp(d Date, t time.Time) time.Time {
	at := sameTime(t, d)
	var last time.Time
	for _, s := range w.day(d) {
		from, to := s.from.on(d, w.zone), s.to.on(d, w.zone)
		if at.Before(from) {
			return from
		}
		if !at.After(to) {
			return at
		}
		last = to
	}
	return last
}

// Between is how much working time lies between two instants; 0 if to is not
// after from.
func (w *WorkTime) Between(from, to time.Time) time.Duration {
	var sum time.Duration
	if !to.After(from) {
		return 0
	}
	for d, last := dateOf(from.In(w.zone)), dateOf(to.In(w.zone)); ; d = d.add(1) {
		for _, s := range w.day(d) {
			a, b := s.from.on(d, w.zone), s.to.on(d, w.zone)
			if a.Before(from) {
				a = from
			}
			if b.After(to) {
				b = to
			}
			if b.After(a) {
				sum += b.Sub(a)
			}
		}
		if d == last {
			return sum
		}
	}
}
