package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/sandbox/zoho"
)

// Seed makes every demonstration the same company.
const Seed = 20260131

// FullScale is how many deals a company has at scale 1.
const FullScale = pipedrive.FullScale

// simulator is what the demonstration asks of any simulated CRM.
type simulator interface {
	Flush(ctx context.Context) error // delivers what waits
	Spent() int64                    // of today's budget
	Serve(ctx context.Context, l net.Listener) error
	Close() error
}

// Vendor is one of the demonstration's simulated CRMs, with its address.
type Vendor struct {
	Name      string // as in the catalog
	Title     string // for people
	Connected string // what its connection is called
	URL       string

	sim      simulator
	config   connectors.Config // what salesbook is told about it
	truth    func(object string) iter.Seq[Truth]
	change   func(rng *rand.Rand, n int) error
	listener net.Listener
	id       int64 // of its connection, once it is connected
}

// OpenVendors opens the simulators of some CRMs, by their names in the catalog.
// They keep their state in dir and, the first time, make up a company with that
// many deals each. They listen on loopback ports that they take again the next
// time, if they can.
func OpenVendors(dir string, crms []string, deals int, log *slog.Logger) (out []*Vendor, err error) {
	openers := map[string]func(string, int, *slog.Logger) (*Vendor, error){"pipedrive": openPipedrive, "zoho": openZoho}
	for _, name := range crms {
		v, err := openers[name](dir, deals, log)
		if err != nil {
			for _, other := range out {
				err = errors.Join(err, other.listener.Close(), other.sim.Close())
			}
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func openPipedrive(dir string, deals int, log *slog.Logger) (*Vendor, error) {
	limits, err := pipedrive.PlanLimits("ultimate", 25)
	if err != nil {
		return nil, err
	}
	sim, err := pipedrive.Open(pipedrive.Options{Dir: filepath.Join(dir, "pipedrive"), Limits: limits, RandomSeed: Seed, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open the simulated Pipedrive: %w", err)
	}
	if sim.Empty() {
		if err := sim.Generate(Seed, pipedrive.ScaleOf(deals)); err != nil {
			return nil, errors.Join(err, sim.Close())
		}
	}
	v := &Vendor{
		Name: "pipedrive", Title: "Pipedrive", Connected: "crm", sim: sim, truth: PipedriveTruth(sim),
		change: func(rng *rand.Rand, n int) error { _, err := sim.Trickle(rng, n); return err },
		config: connectors.Config{Secrets: map[string]string{"api_token": "demo-token"}},
	}
	return v, v.listen(dir)
}

// refreshToken is the consent that stands at the simulated Zoho.
const refreshToken = "demo-refresh-token"

func openZoho(dir string, deals int, log *slog.Logger) (*Vendor, error) {
	company := zoho.Company{Edition: "ultimate", Seats: 25}
	limits, err := zoho.EditionLimits(company.Edition, company.Seats)
	if err != nil {
		return nil, err
	}
	sim, err := zoho.Open(zoho.Options{Dir: filepath.Join(dir, "zoho"), Company: company, Limits: limits, RefreshToken: refreshToken, RandomSeed: Seed, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open the simulated Zoho CRM: %w", err)
	}
	if sim.Empty() {
		if err := sim.Generate(Seed, zoho.ScaleOf(deals)); err != nil {
			return nil, errors.Join(err, sim.Close())
		}
	}
	v := &Vendor{
		Name: "zoho", Title: "Zoho CRM", Connected: "zoho", sim: sim, truth: ZohoTruth(sim),
		change: func(rng *rand.Rand, n int) error { _, err := sim.Trickle(rng, n); return err },
		config: connectors.Config{Settings: map[string]string{"client_id": "demo"}, Secrets: map[string]string{"client_secret": "demo-secret", "refresh_token": refreshToken}},
	}
	return v, v.listen(dir)
}

// listen takes an address for the simulator, or closes it.
func (v *Vendor) listen(dir string) error {
	l, err := Listen(dir, v.Name)
	if err != nil {
		return errors.Join(err, v.sim.Close())
	}
	v.listener, v.URL = l, "http://"+l.Addr().String()
	v.config.BaseURL = v.URL
	return nil
}

// Serve answers until ctx ends, then closes the simulator and its journal.
func (v *Vendor) Serve(ctx context.Context) error {
	return errors.Join(v.sim.Serve(ctx, v.listener), v.sim.Close())
}

// Change lets n things happen at the company.
func (v *Vendor) Change(rng *rand.Rand, n int) error {
	if err := v.change(rng, n); err != nil {
		return fmt.Errorf("change things at the simulated %s: %w", v.Title, err)
	}
	return nil
}

// Connection is the id of the vendor's connection, after Scenario.Connect.
func (v *Vendor) Connection() int64 { return v.id }

// PipedriveTruth returns every record of an object as the simulated account has it.
func PipedriveTruth(sim *pipedrive.Sim) func(object string) iter.Seq[Truth] {
	return func(object string) iter.Seq[Truth] {
		return func(yield func(Truth) bool) {
			for r := range sim.Truth(object) {
				if !yield(Truth{ID: r.ID, JSON: r.JSON, Deleted: r.Deleted}) {
					return
				}
			}
		}
	}
}

// ZohoTruth returns every record of an object as the simulated account has it; a
// deal's with what its stage says of it. Open stages are those in which a deal can
// stand; the others are its end.
func ZohoTruth(sim *zoho.Sim) func(object string) iter.Seq[Truth] {
	return func(object string) iter.Seq[Truth] {
		return func(yield func(Truth) bool) {
			says := stagesSay(sim)
			name := strings.TrimPrefix(object, "open ")
			for r := range sim.Truth(name) {
				t := Truth{ID: r.ID, JSON: r.JSON, Deleted: r.Deleted}
				if object == "Deals" {
					t.JSON = withMeaning(t.JSON, says, sim.Currency())
				}
				ended := name != object && gjson.GetBytes(t.JSON, "forecast_type").Str != "Open"
				if !ended && !yield(t) {
					return
				}
			}
		}
	}
}

// stagesSay tells what each pipeline's stages say of a deal: open, won or lost.
func stagesSay(sim *zoho.Sim) map[string]string {
	status := map[string]string{"Open": "open", "Closed Won": "won", "Closed Lost": "lost"}
	out := map[string]string{}
	for r := range sim.Truth("stages") {
		stage := gjson.ParseBytes(r.JSON)
		out[stage.Get("pipeline.actual_value").Str+"|"+stage.Get("actual_value").Str] = status[stage.Get("forecast_type").Str]
	}
	return out
}

// withMeaning adds what says tells of a deal's stage, and the currency of its
// amount.
func withMeaning(deal []byte, says map[string]string, home string) []byte {
	stage := gjson.GetBytes(deal, "Pipeline").Str + "|" + gjson.GetBytes(deal, "Stage").Str
	more := map[string]any{dealStatus: says[stage]}
	if says[stage] == "open" {
		more[dealStage] = stage
	}
	if c := gjson.GetBytes(deal, "Currency").Str; c != "" {
		more[dealCurrency] = c
	} else if gjson.GetBytes(deal, "Amount").Type == gjson.Number {
		more[dealCurrency] = home
	}
	b, err := json.Marshal(more)
	if err != nil {
		return deal
	}
	return append(append(b[:len(b)-1], ','), deal[1:]...)
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
