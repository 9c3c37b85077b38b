package openapi

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
)

// Deviation is one way in which real requests or answers differ from the
// document.
type Deviation struct {
	// Path is a regular expression over the operation and the place:
	// "GET v2 /deals /data/0/won_time" in an answer, "GET v1 /leads ?sort" for
	// a parameter, "POST v1 /webhooks body /name", "GET v2 /deals 401" for a status.
	Path string
	// Kind is "null" (null where the type has none), "extra" (a key or
	// parameter that is not described), "status" (one that the operation does
	// not list), or the word of the schema that is broken: "enum", "format", ...
	Kind   string
	Reason string
}

// Auditor holds exchanges to documents and counts what it has seen. It is safe
// for concurrent use.
type Auditor struct {
	*Documents
	list []*listed

	mu   sync.Mutex
	seen map[string]bool      // operations that were answered with 2xx and held to their schema
	fine map[fingerprint]bool // answers without findings: the same ones need no second look
}

type listed struct {
	Deviation
	expr *regexp.Regexp
	used bool
}

// Audit returns an auditor with these deviations.
func (d *Documents) Audit(deviations []Deviation) *Auditor {
	a := &Auditor{Documents: d, seen: map[string]bool{}, fine: map[fingerprint]bool{}}
	for _, dev := range deviations {
		a.list = append(a.list, &listed{Deviation: dev, expr: regexp.MustCompile(dev.Path)})
	}
	return a
}

// Seen returns the operations that were exercised with success, sorted.
func (a *Auditor) Seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.seen))
}

// Unused returns the deviations that no exchange has needed.
func (a *Auditor) Unused() []Deviation {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Deviation
	for _, d := range a.list {
		if !d.used {
			out = append(out, d.Deviation)
		}
	}
	return out
}

// fingerprint tells answers to an operation apart.
type fingerprint [sha256.Size]byte

func fingerprintOf(operation string, status int, body []byte) fingerprint {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d ", operation, status)
	h.Write(body)
	return fingerprint(h.Sum(nil))
}

func (a *Auditor) knowsAsFine(f fingerprint) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fine[f]
}

func (a *Auditor) isFine(f fingerprint) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fine[f] = true
}

func (a *Auditor) saw(operation string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[operation] = true
}

func (a *Auditor) excused(kind, where string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.list {
		if d.Kind == kind && d.expr.MatchString(where) {
			d.used = true
			return true
		}
	}
	return false
}

// findings are the undocumented things of one exchange.
type findings struct {
	a    *Auditor
	list []string
}

// note adds a finding unless a deviation excuses it.
func (f *findings) note(kind, where, format string, args ...any) {
	if !f.a.excused(kind, where) {
		f.list = append(f.list, fmt.Sprintf("%s: %s: %s", where, kind, fmt.Sprintf(format, args...)))
	}
}
