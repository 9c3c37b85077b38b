package postgres

import "time"

// Violation is a rule that is or was broken.
type Violation struct {
	ID        int64
	Subject   SubjectKey
	Rule      string
	Detail    string
	Opened    time.Time
	Book      int
	Cannot    *string
	Assumed   bool
	Place     string
	Owner     string
	NoticedAt time.Time
	Mended    *time.Time
	Closed    *time.Time
	Excused   *time.Time // until when somebody lets it pass

	Acknowledged     *time.Time // when somebody took it on
	AcknowledgedBy   *string
	AcknowledgedNote *string
	Backlog          bool // it is older than the book that says so, or the connection
}
