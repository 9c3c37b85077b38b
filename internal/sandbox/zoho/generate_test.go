package zoho

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGenerate(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if !b.Empty() {
		t.Error("a fresh account is not empty")
	}
	if err := b.Generate(1, ScaleOf(200)); err != nil {
		t.Fatal(err)
	}
	for object, want := range map[string]int{"Deals": 200, "Contacts": 160, "Accounts": 80, "Leads": 32, "Products": 5, "users": 30, "pipelines": 4} {
		if live, gone := b.Count(object); live+gone != want {
			t.Errorf("%d %s, want %d", live+gone, object, want)
		}
	}
	for _, object := range []string{"Tasks", "Calls", "Events", "Notes", "DealHistory", "Contracts"} {
		if live, _ := b.Count(object); live == 0 {
			t.Errorf("no %s", object)
		}
	}
	forecasts := map[string]int{}
	for r := range b.Truth("Deals") {
		var d struct {
			Pipeline, Stage string
			Modified        time.Time `json:"Modified_Time"`
			Created         time.Time `json:"Created_Time"`
			Moved           time.Time `json:"Stage_Modified_Time"`
		}
		if err := json.Unmarshal(r.JSON, &d); err != nil {
			t.Fatal(err)
		}
		st := b.settings.pipeline(d.Pipeline).step(d.Stage)
		if st == nil {
			t.Fatalf("deal %s: no stage %q in %q", r.ID, d.Stage, d.Pipeline)
		}
		forecasts[st.Forecast]++
		if d.Modified.Before(d.Created) || d.Modified.After(b.Now()) || d.Moved.After(d.Modified) {
			t.Errorf("deal %s: created %v, modified %v, stage %v", r.ID, d.Created, d.Modified, d.Moved)
		}
		stays := b.tables["DealHistory"].related(r.ID)
		if last := stays[len(stays)-1]; last.text("Stage") != d.Stage || last.values["Moved_To__s"] != nil {
			t.Errorf("deal %s is in %q, its history ends with %v", r.ID, d.Stage, last.values)
		}
	}
	for _, f := range []string{forecastOpen, forecastWon, forecastLost} {
		if forecasts[f] < 20 {
			t.Errorf("%d deals %s: %v", forecasts[f], f, forecasts)
		}
	}
	if n := len(b.settings.module("Deals").Fields); n <= maxFields {
		t.Errorf("deals have %d fields, want more than one call shows", n)
	}
}

func TestSameSeedSameCompany(t *testing.T) {
	t.Parallel()
	company := func() map[string][]string {
		b := setup(t, Options{})
		if err := b.Generate(7, ScaleOf(40)); err != nil {
			t.Fatal(err)
		}
		return allOf(b.Sim)
	}
	if diff := cmp.Diff(company(), company()); diff != "" {
		t.Errorf("two companies of one seed differ:\n%s", diff)
	}
}

func TestTrickle(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	if _, err := b.Trickle(rng, 1); err != nil {
		t.Fatalf("an empty account: %v", err) // a new lead is possible
	}
	if err := b.Generate(1, ScaleOf(60)); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	done, err := b.Trickle(rng, 300)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, m := range done {
		kinds[m.What]++
	}
	if len(kinds) < len(mutators())-2 {
		t.Errorf("%d kinds of changes of %d: %v", len(kinds), len(mutators()), kinds)
	}
}
