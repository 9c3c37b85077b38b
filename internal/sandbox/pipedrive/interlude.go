package pipedrive

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// interludes are what happens between requests, at places that a test has chosen.
type interludes struct {
	mu      sync.Mutex
	waiting []*interlude
}

type interlude struct {
	method, path string
	do           func()
	happened     bool
}

func (i *interludes) add(method, path string, do func()) (happened func() bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	one := &interlude{method: method, path: path, do: do}
	i.waiting = append(i.waiting, one)
	return func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return one.happened
	}
}

// next takes the first interlude that waits for a request.
func (i *interludes) next(r *http.Request) func() {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := slices.IndexFunc(i.waiting, func(one *interlude) bool { return one.method == r.Method && strings.Contains(r.URL.Path, one.path) })
	if n < 0 {
		return nil
	}
	one := i.waiting[n]
	one.happened = true
	i.waiting = slices.Delete(i.waiting, n, n+1)
	return one.do
}

// interlude lets happen what waits for a request. No lock is held meanwhile.
func (s *Sim) interlude(r *http.Request) {
	if do := s.between.next(r); do != nil {
		do()
	}
}
