package main

import (
	"net/http"
	"testing"
	"time"
)

func TestAVendorsClockIsJudgedWithinWhatDateCanTell(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 29, 1, 0, 0, 400_000_000, time.UTC) // the hour in which Warsaw's clocks move
	tests := map[string]struct {
		ahead, took time.Duration
		far         bool
	}{
		"the same clock":                    {0, 100 * time.Millisecond, false},
		"two seconds":                       {2 * time.Second, 0, false},
		"three seconds and a half":          {3500 * time.Millisecond, 0, true},
		"behind":                            {-4 * time.Second, 0, true},
		"three seconds, but a slow answer":  {3500 * time.Millisecond, 10 * time.Second, false},
		"a minute, however slow the answer": {time.Minute, 10 * time.Second, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &clockWatch{}
			written := at.Add(tt.took / 2).Add(tt.ahead)
			w.note(at, at.Add(tt.took), written.UTC().Format(http.TimeFormat))
			w.note(at, at.Add(time.Hour), "no date")
			if skew, far := w.far(); far != tt.far {
				t.Errorf("%s off: too far is %v, want %v", skew, far, tt.far)
			}
		})
	}
	if _, far := (&clockWatch{}).far(); far {
		t.Error("a vendor that tells no time is said to be off")
	}
}
