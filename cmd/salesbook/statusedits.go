package main

import (
	"fmt"
	"strings"
	"time"

	"salesbook.dev/internal/postgres"
)

// writingStatus says whether edits of a connection are made, and how many wait.
type writingStatus struct {
	Mode    string    `json:"mode"` // dry, live or stopped
	Why     string    `json:"why,omitempty"`
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at"`
	Shown   int64     `json:"shown"`   // in the dry run
	Waiting int64     `json:"waiting"` // for their turn, or for what became of them
	Asked   int64     `json:"asked"`   // for somebody to agree
	Refused int64     `json:"refused"` // by the vendor, and nobody has dealt with it
}

func writingOf(s postgres.Standing) writingStatus {
	return writingStatus{Mode: s.Writing.Mode, Why: s.Writing.Why, By: s.Writing.By, At: s.Writing.At.UTC(), Shown: s.Edits["dry"],
		Waiting: s.Edits["ready"] + s.Edits["sent"], Asked: s.Edits["asked"], Refused: s.Edits["refused"]}
}

// words says it for people; empty while nothing was ever wanted of the CRM.
func (w *writingStatus) words() string {
	counts := []string{}
	for _, c := range []struct {
		n    int64
		what string
	}{{w.Shown, "shown"}, {w.Waiting, "waiting"}, {w.Asked, "asked"}, {w.Refused, "refused"}} {
		if c.n > 0 {
			counts = append(counts, fmt.Sprintf("%s %s", count(c.n), c.what))
		}
	}
	edits := orNothing(strings.Join(counts, ", "), "no edits are open")
	switch {
	case w.Mode == "stopped":
		return "writing is stopped: " + w.Why + " (" + edits + ")"
	case w.Mode == "live":
		return "writing is live: " + edits
	case len(counts) == 0:
		return ""
	}
	return "writing is a dry run: " + edits
}
