package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Interludes are what happens between requests, at places that a test has
// chosen: what a person does between a client's reading and its writing. The
// zero value holds none; it is safe for concurrent use.
type Interludes struct {
	mu      sync.Mutex
	waiting []*interlude
}

type interlude struct {
	method, path string
	do           func()
	happened     bool
}

// Add calls do, once, just before the next request with this method whose path
// contains path. It reports whether it has been called.
func (i *Interludes) Add(method, path string, do func()) (happened func() bool) {
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

// Play lets happen what waits for a request. No lock is held meanwhile.
func (i *Interludes) Play(r *http.Request) {
	if do := i.next(r); do != nil {
		do()
	}
}

// next takes the first interlude that waits for a request.
func (i *Interludes) next(r *http.Request) func() {
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
