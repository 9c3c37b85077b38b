package jobs

import (
	"sync"

	"salesbook.dev/internal/postgres"
)

// booksOpen bounds the workspaces whose books a process keeps open.
const booksOpen = 64

// shelf keeps books open, so that a changed deal is judged without its book,
// maps and field definitions being read and compiled again.
type shelf struct {
	mu   sync.Mutex
	open map[int64]*evaluation // by workspace
}

// get returns a workspace's book if it goes by what it would be opened with now;
// nil if not.
func (s *shelf) get(workspace int64, by postgres.Judging) *evaluation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.open[workspace]; e != nil && e.by.Same(by) {
		return e
	}
	return nil
}

// put keeps a book, and lets go of another if there are too many: whichever, for
// it is opened again when it is needed.
func (s *shelf) put(e *evaluation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[int64]*evaluation{}
	}
	if _, there := s.open[e.workspace]; !there && len(s.open) >= booksOpen {
		for other := range s.open {
			delete(s.open, other)
			break
		}
	}
	s.open[e.workspace] = e
}
