package jobs

import (
	"time"
)

// The states of a connection, or of one object, as they are shown.
const (
	Proven       = "proven"         // every proof is young enough, and nothing differs
	ProofTooOld  = "proof too old"  // a proof is older than twice the planned interval
	ProofDrift   = "drift"          // something differs still after the last sweep
	NotProvenYet = "not proven yet" // something has never been compared
)

// Mark is what decides of one object's proof.
type Mark struct {
	AsOf       *time.Time // the instant its last proof speaks of; nil: there is none
	Unrepaired int64      // records that differ still
}

// ProofState says what proofs are worth at an instant, if they are planned
// every so often (0: SweepEvery): as much as the worst of them. asOf is the
// instant of the oldest; nil while one is missing.
func ProofState(marks []Mark, every time.Duration, now time.Time) (state string, asOf *time.Time) {
	if every <= 0 {
		every = SweepEvery
	}
	drift := false
	for _, m := range marks {
		if m.AsOf == nil {
			return NotProvenYet, nil
		}
		if asOf == nil || m.AsOf.Before(*asOf) {
			asOf = m.AsOf
		}
		drift = drift || m.Unrepaired > 0
	}
	switch {
	case asOf == nil:
		return NotProvenYet, nil
	case drift:
		return ProofDrift, asOf
	case now.Sub(*asOf) >= 2*every:
		return ProofTooOld, asOf
	}
	return Proven, asOf
}
