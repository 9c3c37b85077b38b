package notify_test

import (
	"testing"
	"time"

	"salesbook.dev/internal/notify"
)

// weekdays are Monday to Friday, and no day of the year's end.
func weekdays(year int, month time.Month, day int) bool {
	d := time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday && (month != time.December || day != 25)
}

func habits(t testing.TB, zone string, from, to int) *notify.Habits {
	t.Helper()
	l, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return &notify.Habits{Zone: l, Works: weekdays, QuietFrom: from, QuietTo: to}
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestDigestsAreDueInTheMorning, by the clock on the wall of each person, also on
// the days on which it is changed.
func TestDigestsAreDueInTheMorning(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Warsaw", "Europe/Kyiv", "Asia/Almaty", "America/New_York", "Asia/Kathmandu"} {
		h := habits(t, zone, 20*60, 8*60)
		for _, day := range []string{"2026-11-27", "2026-03-30", "2026-10-26", "2026-03-09", "2026-11-02"} { // Fridays and Mondays, also after a change
			d, err := time.ParseInLocation(time.DateOnly, day, h.Zone)
			if err != nil {
				t.Fatal(err)
			}
			dueAt := map[string]bool{}
			for m := range 24 * 60 {
				at := time.Date(d.Year(), d.Month(), d.Day(), 0, m, 0, 0, h.Zone)
				if got, due := h.Digest(at.UTC()); due {
					dueAt[at.Format("15:04")] = true
					if got != day {
						t.Fatalf("%s: the digest of %s is called %s", zone, day, got)
					}
				}
			}
			if !dueAt["08:30"] || !dueAt["11:59"] || dueAt["08:29"] || dueAt["12:00"] || len(dueAt) != 210 {
				t.Errorf("%s, %s: due at %d minutes", zone, day, len(dueAt))
			}
		}
	}
	// The very day of a change, if people work on it.
	for _, day := range []string{"2026-03-29", "2026-10-25"} {
		h := habits(t, "Europe/Warsaw", 20*60, 8*60)
		h.Works = nil
		d, _ := time.ParseInLocation(time.DateOnly, day, h.Zone)
		at := time.Date(d.Year(), d.Month(), d.Day(), 8, 30, 0, 0, h.Zone)
		if _, due := h.Digest(at); !due {
			t.Errorf("%s: not due at half past eight", day)
		}
		if _, due := h.Digest(at.Add(-time.Minute)); due {
			t.Errorf("%s: due before", day)
		}
	}
}

func TestDigestsAndDaysOff(t *testing.T) {
	t.Parallel()
	h := habits(t, "Europe/Warsaw", 20*60, 8*60)
	for text, want := range map[string]bool{
		"2026-11-27T08:30:00+01:00": true,
		"2026-11-28T08:30:00+01:00": false, // Saturday
		"2026-12-25T08:30:00+01:00": false, // a Friday that is free
	} {
		if _, due := h.Digest(instant(t, text)); due != want {
			t.Errorf("%s: due is %v", text, due)
		}
	}
	late := habits(t, "Europe/Warsaw", 20*60, 10*60)
	for text, want := range map[string]bool{"2026-11-27T08:30:00+01:00": false, "2026-11-27T10:00:00+01:00": true, "2026-11-27T13:29:00+01:00": true, "2026-11-27T13:30:00+01:00": false} {
		if _, due := late.Digest(instant(t, text)); due != want {
			t.Errorf("quiet until ten, %s: due is %v", text, due)
		}
	}
}

func TestPeopleAreLeftInPeace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from, to int
		zone     string
		at, want string
	}{
		"in working hours":             {20 * 60, 8 * 60, "Europe/Warsaw", "2026-11-27T12:00:00+01:00", "2026-11-27T12:00:00+01:00"},
		"the last minute":              {20 * 60, 8 * 60, "Europe/Warsaw", "2026-11-27T19:59:00+01:00", "2026-11-27T19:59:00+01:00"},
		"in the evening":               {20 * 60, 8 * 60, "Europe/Warsaw", "2026-11-26T20:00:00+01:00", "2026-11-27T08:00:00+01:00"},
		"after midnight":               {20 * 60, 8 * 60, "Europe/Warsaw", "2026-11-27T03:00:00+01:00", "2026-11-27T08:00:00+01:00"},
		"on Friday evening":            {20 * 60, 8 * 60, "Europe/Warsaw", "2026-11-27T21:00:00+01:00", "2026-11-30T08:00:00+01:00"},
		"on Saturday":                  {20 * 60, 8 * 60, "Europe/Warsaw", "2026-11-28T12:00:00+01:00", "2026-11-30T08:00:00+01:00"},
		"over a change of the clock":   {20 * 60, 8 * 60, "Europe/Warsaw", "2026-10-23T22:00:00+02:00", "2026-10-26T08:00:00+01:00"},
		"before a holiday":             {20 * 60, 8 * 60, "Europe/Warsaw", "2026-12-24T20:30:00+01:00", "2026-12-28T08:00:00+01:00"},
		"elsewhere it is night":        {20 * 60, 8 * 60, "Asia/Almaty", "2026-11-27T16:00:00+01:00", "2026-11-30T08:00:00+05:00"},
		"never quiet, in the night":    {0, 0, "Europe/Warsaw", "2026-11-27T03:00:00+01:00", "2026-11-27T03:00:00+01:00"},
		"never quiet, on Saturday":     {0, 0, "Europe/Warsaw", "2026-11-28T12:00:00+01:00", "2026-11-30T00:00:00+01:00"},
		"quiet at noon":                {12 * 60, 13 * 60, "Europe/Warsaw", "2026-11-27T12:30:00+01:00", "2026-11-27T13:00:00+01:00"},
		"quiet at noon, after a break": {12 * 60, 13 * 60, "Europe/Warsaw", "2026-11-28T12:30:00+01:00", "2026-11-30T00:00:00+01:00"},
	} {
		if got := habits(t, tc.zone, tc.from, tc.to).NotBefore(instant(t, tc.at)); !got.Equal(instant(t, tc.want)) {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	// Where clocks are changed in the very minutes in which quiet hours end.
	for name, tc := range map[string]struct {
		from, to int
		zone     string
		at, want string
	}{
		"the end is skipped in the east":        {22 * 60, 2*60 + 30, "Europe/Warsaw", "2026-03-29T00:10:00Z", "2026-03-29T01:00:00Z"},
		"the end is skipped in the west":        {22 * 60, 2*60 + 30, "America/New_York", "2026-03-08T06:10:00Z", "2026-03-08T07:00:00Z"},
		"the end comes twice, in the east":      {22 * 60, 2*60 + 30, "Europe/Warsaw", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"},
		"the end comes twice, in the west":      {22 * 60, 60 + 30, "America/New_York", "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"},
		"the first end of two lets people know": {22 * 60, 60 + 30, "America/New_York", "2026-11-01T05:10:00Z", "2026-11-01T05:30:00Z"},
		"midnight is skipped":                   {20 * 60, 0, "America/Santiago", "2026-09-06T03:30:00Z", "2026-09-06T04:00:00Z"},
	} {
		h := habits(t, tc.zone, tc.from, tc.to)
		h.Works = nil
		if got := h.NotBefore(instant(t, tc.at)); !got.Equal(instant(t, tc.want)) {
			t.Errorf("%s: %s, want %s", name, got.UTC(), tc.want)
		}
	}
	h := habits(t, "UTC", 0, 0)
	h.Works = func(int, time.Month, int) bool { return false }
	if at := instant(t, "2026-11-27T12:00:00Z"); !h.NotBefore(at).Equal(at) {
		t.Error("who never works is never told anything")
	}
}

// FuzzQuiet: what is read is written the same way, and no quiet hours keep people
// from ever being told.
func FuzzQuiet(f *testing.F) {
	for _, s := range []string{"20:00-08:00", "none", "8:00-20:00", "24:00-08:00", "20:00", "-", "20:00-08:00 "} {
		f.Add(s, int64(1764236000))
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		from, to, err := notify.ParseQuiet(text)
		if err != nil {
			return
		}
		from2, to2, err := notify.ParseQuiet(notify.FormatQuiet(from, to))
		if err != nil || from != to && (from2 != from || to2 != to) {
			t.Errorf("%q is read as %d, %d and then as %d, %d: %v", text, from, to, from2, to2, err)
		}
		h := habits(t, "Europe/Warsaw", from, to)
		at := time.Unix(seconds%4102444800, 0)
		free := h.NotBefore(at)
		if free.Before(at) || free.Sub(at) > 10*24*time.Hour {
			t.Errorf("%q: from %s on, not before %s", text, at, free)
		}
		if again := h.NotBefore(free); !again.Equal(free) {
			t.Errorf("%q: %s is free, and then is not: %s", text, free, again)
		}
	})
}
