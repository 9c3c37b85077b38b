package main

import (
	"time"

	"salesbook.dev/internal/postgres"
)

// pace tells rates and times left from how places moved lately.
type pace struct{ seen map[string][]step }

// step is where a place stood at an instant.
type step struct {
	at       time.Time
	seen     int64
	progress float64
}

// window is how far back a rate looks: long enough to be steady, short enough
// to notice a change.
const window = 15 * time.Second

func newPace() *pace { return &pace{map[string][]step{}} }

// note remembers where places stand.
func (p *pace) note(now time.Time, places []postgres.Place) {
	for _, place := range places {
		steps := p.seen[place.Object]
		if n := len(steps); n > 0 && (steps[n-1].seen > place.Seen || steps[n-1].progress > place.Progress) {
			steps = nil // a new walk began
		}
		for len(steps) > 1 && now.Sub(steps[0].at) > window {
			steps = steps[1:]
		}
		p.seen[place.Object] = append(steps, step{now, place.Seen, place.Progress})
	}
}

// overall returns the seconds left of an object's walk at the rate of all of it,
// waiting included; nil when that cannot be told.
func overall(place postgres.Place, now time.Time) *float64 {
	took := now.Sub(place.StartedAt).Seconds()
	if took <= 0 || place.Progress <= 0 {
		return nil
	}
	left := took * (1 - place.Progress) / place.Progress
	return &left
}

// of returns how many records a second an object's walk reads, and the seconds
// left; nil when that cannot be told. Seen only once, the whole walk counts.
func (p *pace) of(place postgres.Place, now time.Time) (perSecond float64, left *float64) {
	from := step{at: place.StartedAt}
	to := step{place.MovedAt, place.Seen, place.Progress}
	if steps := p.seen[place.Object]; len(steps) > 1 && now.Sub(steps[0].at) >= 2*time.Second {
		from, to = steps[0], steps[len(steps)-1]
	}
	took := to.at.Sub(from.at).Seconds()
	if took <= 0 {
		return 0, nil
	}
	perSecond = float64(to.seen-from.seen) / took
	if done := to.progress - max(0, from.progress); done > 0 && place.Progress > 0 {
		seconds := (1 - place.Progress) / (done / took)
		left = &seconds
	}
	return perSecond, left
}
