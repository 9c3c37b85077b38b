package book

import (
	"math/rand/v2"
	"testing"
	"time"
)

func workTime(t testing.TB, c Calendar) *WorkTime {
	t.Helper()
	w, err := newWorkTime(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func span(t testing.TB, text string) Span {
	t.Helper()
	var s Span
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

// local reads a time of day in the calendar's zone.
func local(t testing.TB, w *WorkTime, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, w.Zone())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAfter(t *testing.T) {
	t.Parallel()
	office := Calendar{Zone: "Europe/Warsaw", Holidays: "PL", Closed: []Date{{2026, 12, 24}}, Open: []Date{{2026, 12, 5}}}
	lunch := Calendar{Zone: "Europe/Warsaw", Hours: []Shift{
		{Days: []Day{"mon", "tue", "wed", "thu"}, From: 14 * 60, To: 18 * 60}, {Days: []Day{"mon", "tue", "wed", "thu"}, From: 9 * 60, To: 13 * 60},
		{Days: []Day{"fri"}, From: 9 * 60, To: 15 * 60}}}
	night := Calendar{Zone: "Europe/Warsaw", Hours: []Shift{{Days: []Day{"sat", "sun"}, From: 0, To: 24 * 60}}}
	for _, c := range []struct {
		name     string
		calendar Calendar
		from     string
		span     string
		want     string
	}{
		{"within a day", office, "2026-11-27 10:00", "15wm", "2026-11-27 10:15"},
		{"before work", office, "2026-11-27 07:00", "15wm", "2026-11-27 09:15"},
		{"after work on a Friday", office, "2026-11-27 17:50", "15wm", "2026-11-30 09:05"},
		{"on a Saturday", office, "2026-11-28 12:00", "15wm", "2026-11-30 09:15"},
		{"to the end of a day", office, "2026-11-27 17:45", "15wm", "2026-11-27 18:00"},
		{"a Saturday that is worked", office, "2026-12-04 17:50", "15wm", "2026-12-05 09:05"},
		{"Christmas", office, "2026-12-23 17:00", "2wh", "2026-12-28 10:00"},
		{"Independence Day", office, "2026-11-10 17:00", "9wh", "2026-11-12 17:00"},
		{"working days", office, "2026-11-27 10:00", "3wd", "2026-12-02 10:00"},
		{"working days from a night", office, "2026-11-27 22:00", "1wd", "2026-12-01 09:00"},
		{"working days over a holiday", office, "2026-12-23 10:00", "1wd", "2026-12-28 10:00"},
		{"no working day", office, "2026-11-28 10:00", "0wd", "2026-11-30 09:00"},
		{"over lunch", lunch, "2026-11-26 12:30", "1wh", "2026-11-26 14:30"},
		{"a working day that ends earlier", lunch, "2026-11-26 17:00", "1wd", "2026-11-27 15:00"},
		{"into lunch", lunch, "2026-11-27 13:30", "1wd", "2026-11-30 14:00"},
		{"days", office, "2026-11-27 22:00", "14d", "2026-12-11 22:00"},
		{"hours", office, "2026-11-27 22:00", "48h", "2026-11-29 22:00"},
		{"months", office, "2026-08-31 10:00", "1mo", "2026-10-01 00:00"},
		{"months over a year", office, "2026-11-30 10:00", "3mo", "2027-03-01 00:00"},
		{"a day with 23 hours", office, "2026-03-28 12:00", "1d", "2026-03-29 12:00"},
		{"hours over the missing one", office, "2026-03-28 12:00", "24h", "2026-03-29 13:00"},
		{"work over the missing hour", night, "2026-03-29 01:00", "2wh", "2026-03-29 04:00"},
		{"work over the hour that comes twice", night, "2026-10-25 01:00", "4wh", "2026-10-25 04:00"},
		{"to a time that does not exist", office, "2026-03-28 02:30", "1d", "2026-03-29 03:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := workTime(t, c.calendar)
			got := w.After(local(t, w, c.from), span(t, c.span))
			if want := local(t, w, c.want); !got.Equal(want) {
				t.Errorf("%s after %s is %s, want %s", c.span, c.from, got.In(w.Zone()).Format("2006-01-02 15:04 MST"), c.want)
			}
		})
	}
}

// TestAfterAgainstMinutes counts working minutes one by one, over a year with
// both changes of the clock.
func TestAfterAgainstMinutes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{"Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Africa/Cairo", "Australia/Lord_Howe"} {
		w := workTime(t, Calendar{Zone: zone, Holidays: "PL", Hours: []Shift{
			{Days: []Day{"mon", "tue", "wed"}, From: 9 * 60, To: 17*60 + 30}, {Days: []Day{"sun"}, From: 0, To: 4 * 60}, {Days: []Day{"fri"}, From: 20 * 60, To: 24 * 60}}})
		for range 60 {
			from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(365*24*60)) * time.Minute)
			minutes := rng.IntN(3000)
			got := w.After(from, Span{minutes, WorkingMinutes})
			at := from
			for left := minutes; left > 0; at = at.Add(time.Minute) {
				if working(w, at) {
					left--
				}
			}
			for minutes == 0 && !working(w, at) {
				at = at.Add(time.Minute)
			}
			if !got.Equal(at) {
				t.Fatalf("%s: %d minutes after %v: %v, by counting %v", zone, minutes, from, got, at.In(w.Zone()))
			}
			if sum := w.Between(from, got); sum != time.Duration(minutes)*time.Minute {
				t.Fatalf("%s: between %v and %v lie %v, want %d minutes", zone, from, got, sum, minutes)
			}
		}
	}
}

// working tells whether the minute that begins at t is worked.
func working(w *WorkTime, t time.Time) bool {
	l := t.In(w.Zone())
	if w.holidays[dateOf(l)] {
		return false
	}
	for _, s := range w.week[l.Weekday()] {
		if m := Clock(l.Hour()*60 + l.Minute()); s.from <= m && m < s.to {
			return true
		}
	}
	return false
}

// TestAfterIsMonotone: what began later is not over earlier, and a longer span
// is not over before a shorter one.
func TestAfterIsMonotone(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	w := workTime(t, Calendar{Zone: "Europe/Warsaw", Holidays: "PL", Hours: []Shift{
		{Days: []Day{"mon", "wed", "thu", "fri"}, From: 9 * 60, To: 13 * 60}, {Days: []Day{"mon", "wed"}, From: 14 * 60, To: 18 * 60}, {Days: []Day{"sat"}, From: 22 * 60, To: 24 * 60}}})
	for i := range 20_000 {
		a := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(365*24*60*60)) * time.Second)
		if i%4 == 0 { // from the hours that are missing, or come twice, a day later
			a = time.Date(2026, []time.Month{3, 10}[i/4%2], []int{28, 24}[i/4%2], 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(3*60*60)) * time.Second)
		}
		b := a.Add(time.Duration(rng.IntN(3*24*60*60)/(1+rng.IntN(100))) * time.Second)
		s := Span{rng.IntN(40) * rng.IntN(2), []Unit{WorkingMinutes, WorkingHours, WorkingDays, Minutes, Hours, Days, Months}[rng.IntN(7)]}
		longer := Span{s.N + 1 + rng.IntN(3), s.Unit}
		switch at := w.After(a, s); {
		case at.Before(a):
			t.Fatalf("%v after %v is %v, which is before", s, a, at)
		case w.After(b, s).Before(at):
			t.Fatalf("%v after %v is %v, but after the later %v it is %v", s, a, at, b, w.After(b, s))
		case w.After(a, longer).Before(at):
			t.Fatalf("%v after %v is %v, but %v is over at %v", s, a, at, longer, w.After(a, longer))
		}
	}
}

func TestHolidays(t *testing.T) {
	t.Parallel()
	for country, days := range map[string][]Date{
		"PL": {{2026, 11, 11}, {2026, 4, 6}, {2026, 6, 4}, {2026, 12, 25}},
		"RU": {{2026, 1, 1}, {2026, 5, 9}, {2026, 6, 12}, {2026, 11, 4}},
		"UA": {{2026, 8, 24}},
		"DE": {{2026, 10, 3}},
		"US": {{2026, 11, 26}, {2026, 7, 3}, {2026, 7, 4}}, // the Fourth is a Saturday
	} {
		free := holidaysOf(country)
		for _, d := range days {
			if !free.has(d) {
				t.Errorf("%s: %v is no holiday", country, d)
			}
		}
		if free.has(Date{2026, 11, 24}) {
			t.Errorf("%s: an ordinary Tuesday is free", country)
		}
	}
	if len(holidaysOf("XX")) != 0 {
		t.Error("holidays of a country that is none")
	}
}

func BenchmarkAfter(b *testing.B) {
	w := workTime(b, Calendar{Zone: "Europe/Warsaw", Holidays: "PL"})
	from := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	for b.Loop() {
		w.After(from, Span{5, WorkingDays})
	}
}
