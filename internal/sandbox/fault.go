package sandbox

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind names a way in which a vendor misbehaves.
type Kind string

// The kinds every simulator knows. docs/simulator.md describes them to people.
const (
	BurstLimit     Kind = "429-burst"       // answers 429 as if too many calls came at once
	DailyLimit     Kind = "429-daily"       // answers 429 as if the day's budget were spent
	ServerError    Kind = "5xx"             // fails, before or after the change is made
	Refuse         Kind = "refuse"          // refuses what a call would change, as if the values were wrong
	Slow           Kind = "slow"            // answers late
	Cut            Kind = "cut"             // breaks the connection in the middle of the body
	HTML           Kind = "html"            // answers with a page where JSON is due
	Empty          Kind = "empty"           // answers 200 with no body at all
	Ties           Kind = "ties"            // puts many records on one second
	WebhookLost    Kind = "webhook-lost"    // never sends an event
	WebhookDouble  Kind = "webhook-double"  // sends an event twice
	WebhookReorder Kind = "webhook-reorder" // sends an event after its successor
	Skew           Kind = "skew"            // the vendor's clock is off
	CursorExpire   Kind = "cursor-expire"   // refuses a page cursor
	TokenExpire    Kind = "token-expire"    // ends access tokens before their time
)

// Fault is one way in which the simulator misbehaves on demand.
type Fault struct {
	Kind Kind
	// P is the probability per call or event, in (0, 1].
	P float64
	// After is the number of matching calls that pass before the fault begins.
	After int
	// Times ends the fault after that many hits; 0 is for ever.
	Times int
	// Path restricts the fault to calls whose URL path contains it, Method to
	// those by this method; a reading and a writing of one record share the path.
	Path, Method string
	// Status is the HTTP status of ServerError and HTML.
	Status int
	// AfterCommit makes ServerError fail once the change has been made.
	AfterCommit bool
	// Delay is how late Slow answers, how far Skew shifts the clock (it may
	// be negative) and how old a cursor must be for CursorExpire.
	Delay time.Duration
	// N is the number of records that Ties puts on one second.
	N int
}

// Faults decides, call by call, which faults strike. It is safe for concurrent
// use; the same seed and the same order of calls give the same faults.
type Faults struct {
	mu     sync.Mutex
	rng    *rand.Rand
	active []*armed
}

type armed struct {
	Fault
	seen, hits int
}

// NewFaults arms the given faults with dice of their own.
func NewFaults(seed uint64, faults ...Fault) *Faults {
	f := &Faults{rng: rand.New(rand.NewPCG(seed, 0x5eed))}
	for _, fault := range faults {
		f.Add(fault)
	}
	return f
}

// Add arms one more fault and returns what disarms it.
func (f *Faults) Add(fault Fault) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.P == 0 {
		fault.P = 1
	}
	a := &armed{Fault: fault}
	f.active = append(f.active, a)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if i := slices.Index(f.active, a); i >= 0 {
			f.active = slices.Delete(f.active, i, i+1)
		}
	}
}

// Strikes reports whether the fault concerns calls by a method.
func (f Fault) Strikes(method string) bool { return f.Method == "" || f.Method == method }

// Hit counts one call or event on path and returns the first armed fault of
// that kind that strikes it.
func (f *Faults) Hit(kind Kind, path string) (Fault, bool) {
	return f.HitIf(kind, path, func(Fault) bool { return true })
}

// HitIf is Hit for faults that apply only where cond says so; calls to which a
// fault does not apply are not counted for its After.
func (f *Faults) HitIf(kind Kind, path string, cond func(Fault) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.active {
		if a.Kind == kind && strings.Contains(path, a.Path) && cond(a.Fault) && a.strike(f.rng) {
			return a.Fault, true
		}
	}
	return Fault{}, false
}

func (a *armed) strike(rng *rand.Rand) bool {
	a.seen++
	if a.seen <= a.After || a.Times > 0 && a.hits >= a.Times {
		return false
	}
	if a.P < 1 && rng.Float64() >= a.P {
		return false
	}
	a.hits++
	return true
}

// Skew returns how far the vendor's clock is off at present.
func (f *Faults) Skew() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var d time.Duration
	for _, a := range f.active {
		if a.Kind == Skew {
			d += a.Delay
		}
	}
	return d
}
