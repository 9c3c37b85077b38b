package main

import (
	"fmt"
	"strings"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// proofStatus is what the proofs of a connection are worth.
type proofStatus struct {
	State        string     `json:"state"`               // proven, proof too old, drift, not proven yet
	ProvenAt     *time.Time `json:"proven_at,omitempty"` // the instant that the oldest of its objects' proofs speaks of
	EverySeconds float64    `json:"every_seconds"`       // planned time between two sweeps
	Found        int64      `json:"found"`               // records that the last sweeps found to differ
	Unrepaired   int64      `json:"unrepaired"`          // those of them that differ still
}

// objectProof is what the last sweep of one object found.
type objectProof struct {
	AsOf       *time.Time `json:"as_of,omitempty"` // the vendor's instant that it speaks of; none: there is no proof yet
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Vendor     int64      `json:"vendor"` // living records at the vendor
	Here       int64      `json:"here"`   // and here, as found
	Found      int64      `json:"found"`
	Unrepaired int64      `json:"unrepaired"`
	Sweeping   bool       `json:"sweeping"`           // a sweep is under way
	Progress   *float64   `json:"progress,omitempty"` // of its walk, 0 to 1
	Seen       int64      `json:"seen,omitempty"`     // records it has compared
	PerSecond  float64    `json:"per_second,omitempty"`
	ETASeconds *float64   `json:"eta_seconds,omitempty"`
	Stopped    string     `json:"stopped,omitempty"` // why it waits for a person
}

// deleteStatus is how a deletion at the vendor becomes known.
type deleteStatus struct {
	By           string  `json:"by"`            // pull, delivery or sweep
	WorstSeconds float64 `json:"worst_seconds"` // planned time until it is known at the latest; for a delivery, if it is lost
}

// prove fills in what is known of proofs.
func (s *connectionStatus) prove(spec connectors.Spec, st postgres.Standing, p *pace) {
	every := st.SweepEvery
	if every <= 0 {
		every = jobs.SweepEvery
	}
	s.Proof.EverySeconds = every.Seconds()
	under := map[string]postgres.Sweep{}
	for _, sweep := range st.Sweeps {
		under[sweep.Object] = sweep
	}
	var marks []jobs.Mark
	for i, o := range spec.Objects {
		object := &s.Objects[i]
		proof, proven := st.Proofs[o.Name]
		if !jobs.Swept(o) && !proven {
			continue
		}
		object.Proof = proofOf(proof, proven, under[o.Name])
		if object.Proof.Sweeping {
			object.Proof.PerSecond, object.Proof.ETASeconds = p.of(sweepPlace(under[o.Name]), st.Now)
		}
		s.Proof.Found += object.Proof.Found
		s.Proof.Unrepaired += object.Proof.Unrepaired
		marks = append(marks, jobs.Mark{AsOf: object.Proof.AsOf, Unrepaired: object.Proof.Unrepaired})
		if jobs.Swept(o) {
			object.Deletes = s.deletesOf(o, every)
		}
	}
	s.Proof.State, s.Proof.ProvenAt = jobs.ProofState(marks, every, st.Now)
}

// sweepPlaces are the places of sweeps in the form of which paces are told.
func sweepPlaces(sweeps []postgres.Sweep) []postgres.Place {
	places := make([]postgres.Place, len(sweeps))
	for i, s := range sweeps {
		places[i] = sweepPlace(s)
	}
	return places
}

func sweepPlace(s postgres.Sweep) postgres.Place {
	return postgres.Place{Object: "sweep " + s.Object, Seen: s.Seen, Progress: s.Progress, StartedAt: s.StartedAt, MovedAt: s.MovedAt}
}

func proofOf(p postgres.Proof, proven bool, under postgres.Sweep) *objectProof {
	out := &objectProof{Sweeping: under.Object != "" && under.Phase != "stopped", Stopped: under.Why}
	if out.Sweeping {
		out.Seen = under.Seen
	}
	if out.Sweeping && under.Progress >= 0 {
		out.Progress = &under.Progress
	}
	if proven {
		out.AsOf, out.FinishedAt = &p.AsOf, &p.FinishedAt
		out.Vendor, out.Here = p.Figures.There.Count, p.Figures.Here.Count
		out.Found, out.Unrepaired = p.Figures.Drift(), p.Figures.Unrepaired
	}
	return out
}

// deletesOf says how deletions of an object become known: by the next pull if
// the vendor lists them, else by delivery, and without one by the next sweep.
func (s *connectionStatus) deletesOf(o connectors.Object, every time.Duration) *deleteStatus {
	switch {
	case !o.DeletesHidden:
		return &deleteStatus{"pull", o.Every.Seconds()}
	case s.Deliveries.Subscriptions > s.Deliveries.Inactive:
		return &deleteStatus{"delivery", every.Seconds()}
	}
	return &deleteStatus{"sweep", every.Seconds()}
}

// words says in words what an object's proof is worth.
func (p *objectProof) words(now time.Time) string {
	switch {
	case p == nil:
		return ""
	case p.Stopped != "":
		return "stopped"
	case p.Sweeping && p.Progress != nil:
		return "comparing " + percent(*p.Progress)
	case p.Sweeping:
		return "comparing"
	case p.AsOf == nil:
		return "not yet"
	case p.Unrepaired > 0:
		return fmt.Sprintf("%s differ", count(p.Unrepaired))
	}
	return ago(now, *p.AsOf)
}

// proofLines tell what the proofs of the connection are worth, and how
// deletions become known.
func (s *connectionStatus) proofLines() []string {
	lines := []string{"  " + s.Proof.words(s.At)}
	for _, o := range s.Objects {
		if o.Proof != nil && o.Proof.Stopped != "" {
			lines = append(lines, fmt.Sprintf("  the comparison of %s waits for you: %s; `salesbook failures list %s`", strings.ToLower(o.Title), o.Proof.Stopped, s.Connection))
		}
	}
	return append(lines, s.deleteLines()...)
}

func (p *proofStatus) words(now time.Time) string {
	text := p.State
	if p.ProvenAt != nil {
		text += fmt.Sprintf(": compared with the vendor as of %s (%s)", p.ProvenAt.UTC().Format("2006-01-02 15:04 UTC"), ago(now, *p.ProvenAt))
	}
	switch {
	case p.Unrepaired > 0:
		text += fmt.Sprintf("; %s differ still, `salesbook prove` says which", counted(p.Unrepaired, "record"))
	case p.Found > 0:
		text += fmt.Sprintf("; %s differed and were repaired", counted(p.Found, "record"))
	case p.State == jobs.Proven:
		text += "; nothing differed"
	}
	return text
}

// deleteLines gather objects by how their deletions become known.
func (s *connectionStatus) deleteLines() []string {
	var lines []string
	for _, by := range []struct{ name, words string }{
		{"pull", "deletions show with the next pull: "}, {"delivery", "deletions are delivered, and show with the next sweep if a delivery is lost: "}, {"sweep", "deletions show with the next sweep: "},
	} {
		at := map[float64]int{}
		var groups []string
		for _, o := range s.Objects {
			if o.Deletes == nil || o.Deletes.By != by.name || o.Proof.AsOf == nil && !s.Loaded {
				continue
			}
			i, ok := at[o.Deletes.WorstSeconds]
			if !ok {
				at[o.Deletes.WorstSeconds] = len(groups)
				groups = append(groups, span(time.Duration(o.Deletes.WorstSeconds*float64(time.Second)))+" "+strings.ToLower(o.Title))
				continue
			}
			groups[i] += ", " + strings.ToLower(o.Title)
		}
		if len(groups) > 0 {
			lines = append(lines, "  "+by.words+strings.Join(groups, "; "))
		}
	}
	return lines
}
