package main

import (
	"strings"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// judgingStatus says what of a connection waits for the sales book.
type judgingStatus struct {
	Book    int    `json:"book"`          // version in force
	Waiting int64  `json:"waiting"`       // deals and leads
	All     bool   `json:"all_waiting"`   // every one of them, counted or not
	Why     string `json:"why,omitempty"` // why none is judged; empty: they are
}

// judgingOf is nil while no book is in force.
func judgingOf(c postgres.Connection, u postgres.Unjudged, broken error) *judgingStatus {
	if u.Book == 0 {
		return nil
	}
	return &judgingStatus{Book: u.Book, Waiting: u.Count, All: u.All, Why: jobs.NotJudged(c, broken)}
}

// words says it for people; empty if there is nothing to say. told is why the
// connection cannot be opened, if that has been said already.
func (j *judgingStatus) words(told string) string {
	if j == nil || j.Why == "" && j.Waiting == 0 && !j.All {
		return ""
	}
	waiting := "deals and leads that wait for the sales book: " + count(j.Waiting)
	if j.All {
		waiting = "all deals and leads wait for the sales book"
	}
	switch {
	case j.Why == "":
		return waiting
	case told != "" && strings.HasSuffix(j.Why, told):
		return waiting + "; none is judged"
	}
	return waiting + "; none is judged: " + shorten(j.Why, 200)
}
