package sandbox

import (
	"slices"
	"sync"
	"time"
)

// Clock tells the time and runs functions later. Simulators take every instant
// they show or compare from it.
type Clock interface {
	// Now returns the present instant in UTC.
	Now() time.Time
	// AfterFunc runs f once, on a goroutine of its own choosing, when d has passed.
	// stop reports whether it kept f from running.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// System is the machine's clock.
type System struct{}

// Now returns the machine's time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// AfterFunc is time.AfterFunc.
func (System) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// Manual is a clock that stands still until Advance moves it, so that a test
// passes three days of retries in a microsecond.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer
}

type manualTimer struct {
	at time.Time
	f  func()
}

// NewManual returns a clock standing at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start.UTC()} }

// Now returns the instant the clock stands at.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc runs f inside the Advance call that reaches now+d.
func (m *Manual) AfterFunc(d time.Duration, f func()) func() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &manualTimer{at: m.now.Add(d), f: f}
	m.timers = append(m.timers, t)
	return func() bool { return m.forget(t) }
}

func (m *Manual) forget(t *manualTimer) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.timers, t)
	if i < 0 {
		return false
	}
	m.timers = slices.Delete(m.timers, i, i+1)
	return true
}

// Advance moves the clock by d and runs what falls due on the way, in order of
// time, each with the clock standing at its own instant.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	end := m.now.Add(d)
	for {
		t := m.earliest(end)
		if t == nil {
			break
		}
		m.now = t.at
		m.mu.Unlock()
		t.f()
		m.mu.Lock()
	}
	m.now = end
	m.mu.Unlock()
}

// earliest removes and returns the first timer due by end; the caller holds mu.
func (m *Manual) earliest(end time.Time) *manualTimer {
	best := -1
	for i, t := range m.timers {
		if !t.at.After(end) && (best < 0 || t.at.Before(m.timers[best].at)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	t := m.timers[best]
	m.timers = slices.Delete(m.timers, best, best+1)
	return t
}
