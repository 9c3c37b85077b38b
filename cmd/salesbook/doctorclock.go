package main

import (
	"net/http"
	"sync"
	"time"
)

// clockWatch notes how far a vendor's clock is from this machine's, by the Date
// of its answers.
type clockWatch struct {
	next http.RoundTripper // nil: http.DefaultTransport

	mu     sync.Mutex
	known  bool
	skew   time.Duration // of the answer that tells it best; positive: the vendor is ahead
	unsure time.Duration // how wrong it may be
}

// RoundTrip implements http.RoundTripper.
func (w *clockWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	before := time.Now()
	resp, err := next.RoundTrip(r)
	if err == nil {
		w.note(before, time.Now(), resp.Header.Get("Date"))
	}
	return resp, err
}

// note takes what one answer tells. Date has whole seconds, rounded down, and
// was written at some time while the call lasted.
func (w *clockWatch) note(before, after time.Time, date string) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return
	}
	took := after.Sub(before)
	unsure := took/2 + time.Second/2
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known || unsure < w.unsure {
		w.known, w.unsure = true, unsure
		w.skew = theirs.Add(time.Second / 2).Sub(before.Add(took / 2))
	}
}

// far tells how far the vendor's clock is off, if it certainly is too far.
func (w *clockWatch) far() (skew time.Duration, far bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.skew, w.known && w.skew.Abs() > maxSkew+w.unsure
}
