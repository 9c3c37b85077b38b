package main

import (
	"fmt"
	"time"

	"salesbook.dev/internal/postgres"
)

// restingStatus says why and until when a connection's vendor is left alone.
type restingStatus struct {
	Until    time.Time `json:"until"`
	Since    time.Time `json:"since"` // of the first failure
	Failures int       `json:"failures"`
	Why      string    `json:"why"` // the last failure
}

func restingOf(b *postgres.Breaker) *restingStatus {
	if b == nil {
		return nil
	}
	return &restingStatus{Until: b.RestUntil, Since: b.Since, Failures: b.Strikes, Why: b.Why}
}

// words says it for people.
func (r *restingStatus) words(now time.Time) string {
	return fmt.Sprintf("resting until %s (in %s), after %s since %s: %s", r.Until.UTC().Format("15:04:05 UTC"), span(r.Until.Sub(now)),
		counted(int64(r.Failures), "failure"), r.Since.UTC().Format("2006-01-02 15:04 UTC"), shorten(r.Why, 200))
}
