package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/postgres"
)

func TestScreenDrawsOverItself(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := &screen{w: &out, width: 12, most: 2}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s.draw(now, []string{"scrolled off", "Сделки 1", "второй ряд длиннее"}, "unused")
	s.draw(now, []string{"Сделки 2"}, "unused")
	s.clear()
	want := "Сделки 1\x1b[K\nвторой ряд \x1b[K\n\x1b[J" + "\x1b[2A\rСделки 2\x1b[K\n\x1b[J" + "\x1b[1A\r\x1b[J"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

func TestWithoutATerminalThereIsALineNowAndThen(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := &screen{w: &out}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for i := range 12 {
		s.draw(now.Add(time.Duration(i)*time.Second), []string{"never"}, "at "+span(time.Duration(i)*time.Second))
	}
	s.clear()
	if diff := cmp.Diff("at 5.0 s\nat 10 s\n", out.String()); diff != "" {
		t.Errorf("what was written (-want +got):\n%s", diff)
	}
}

func TestPaceIsThatOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	at := func(seconds int, seen int64, progress float64) (time.Time, postgres.Place) {
		now := began.Add(time.Duration(seconds) * time.Second)
		return now, postgres.Place{Object: "deals", Seen: seen, Progress: progress, StartedAt: began, MovedAt: now}
	}
	tests := []struct {
		name  string
		steps [][3]float64 // second, seen, progress
		want  float64
		left  float64 // -1: not known
	}{
		{"seen once, the whole walk counts", [][3]float64{{10, 1000, 0.25}}, 100, 30},
		{"a spurt shows, the slow begin is forgotten", [][3]float64{{10, 100, 0.1}, {100, 200, 0.2}, {110, 5200, 0.6}}, 500, 10},
		{"without progress there is no time left", [][3]float64{{10, 500, -1}}, 50, -1},
		{"a new walk forgets the old one", [][3]float64{{10, 9000, 1}, {20, 100, 0.5}}, 5, 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPace()
			var now time.Time
			var place postgres.Place
			for _, s := range tt.steps {
				now, place = at(int(s[0]), int64(s[1]), s[2])
				p.note(now, []postgres.Place{place})
			}
			perSecond, left := p.of(place, now)
			if perSecond != tt.want {
				t.Errorf("%v records a second, want %v", perSecond, tt.want)
			}
			if got := orMinusOne(left); got < tt.left-0.01 || got > tt.left+0.01 {
				t.Errorf("%v s left, want %v", got, tt.left)
			}
		})
	}
}

func orMinusOne(p *float64) float64 {
	if p == nil {
		return -1
	}
	return *p
}
