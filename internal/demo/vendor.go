package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"salesbook.dev/internal/sandbox/pipedrive"
)

// Seed makes every demonstration the same company.
const Seed = 20260131

// Vendor is the demonstration's simulated CRM, with its address.
type Vendor struct {
	Sim      *pipedrive.Sim
	URL      string
	listener net.Listener
}

// OpenVendor opens the simulator that keeps its state in dir and, the first
// time, makes up a company with that many deals. It listens on a loopback port
// that it takes again the next time, if it can.
func OpenVendor(dir string, deals int, log *slog.Logger) (*Vendor, error) {
	limits, err := pipedrive.PlanLimits("ultimate", 25)
	if err != nil {
		return nil, err
	}
	sim, err := pipedrive.Open(pipedrive.Options{Dir: filepath.Join(dir, "pipedrive"), Limits: limits, RandomSeed: Seed, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open the simulator: %w", err)
	}
	if sim.Empty() {
		if err := sim.Generate(Seed, pipedrive.ScaleOf(deals)); err != nil {
			return nil, errors.Join(err, sim.Close())
		}
	}
	l, err := Listen(dir, "pipedrive")
	if err != nil {
		return nil, errors.Join(err, sim.Close())
	}
	return &Vendor{Sim: sim, URL: "http://" + l.Addr().String(), listener: l}, nil
}

// Serve answers until ctx ends, then closes the simulator and its journal.
func (v *Vendor) Serve(ctx context.Context) error {
	return errors.Join(v.Sim.Serve(ctx, v.listener), v.Sim.Close())
}

// Truth returns every record of an object as the vendor has it.
func (v *Vendor) Truth(object string) iter.Seq[Truth] {
	return func(yield func(Truth) bool) {
		for r := range v.Sim.Truth(object) {
			if !yield(Truth{ID: r.ID, JSON: r.JSON, Deleted: r.Deleted}) {
				return
			}
		}
	}
}

// Listen listens on the loopback port that name had in dir the last time, or
// on a free one, and remembers it: addresses are stored with connections.
func Listen(dir, name string) (net.Listener, error) {
	file := filepath.Join(dir, name+".address")
	var address string
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &address) == nil {
		if l, err := net.Listen("tcp", address); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", name, err)
	}
	b, err := json.Marshal(l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
