package jobs

import (
	"errors"
	"slices"

	"salesbook.dev/internal/fault"
)

// setbacks are failures met on the way through a connection's objects. What is
// wrong with one object, for good or for as long as it lasts, must not keep
// those behind it waiting.
type setbacks struct {
	passing []error // temporary, for want of room, or the end of this job: it tries again
	refused []error // waiting does not mend them
	known   []error // refused a while ago, and not asked for again yet
	silent  int     // how many failed since the vendor last answered properly
}

// tooManySilent objects in a row are taken for a vendor that is down.
const tooManySilent = 2

// met notes a failure and tells whether to go on with the next object.
func (s *setbacks) met(err error) bool {
	switch {
	case hopeless(err):
		s.refused, s.silent = append(s.refused, err), 0
		return true
	case lacksRoom(err):
		s.passing = append(s.passing, err)
		return true
	case fault.KindOf(err) == fault.Temporary:
		s.passing = append(s.passing, err)
		s.silent++
		return s.silent < tooManySilent
	}
	s.passing = slices.Insert(s.passing, 0, err)
	return false
}

// passed notes that an object was read to its end.
func (s *setbacks) passed() { s.silent = 0 }

// lasting tells that waiting would mend none of them.
func (s *setbacks) lasting() bool { return len(s.passing) == 0 }

// err joins what was met. What passes stands first: its kind decides what
// becomes of the job. It is stillRefused if nothing is new.
func (s *setbacks) err() error {
	if len(s.passing) == 0 && len(s.refused) == 0 && len(s.known) > 0 {
		return stillRefused{errors.Join(s.known...)}
	}
	return errors.Join(append(s.passing, s.refused...)...)
}

// stillRefused is why not everything could be read, as it was told when the
// vendor refused it.
type stillRefused struct{ error }

// Unwrap returns what was told.
func (s stillRefused) Unwrap() error { return s.error }
