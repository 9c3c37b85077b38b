package pipedrive

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

func generated(t *testing.T, deals int) *bundle {
	t.Helper()
	b := setup(t, Options{})
	if err := b.Generate(42, ScaleOf(deals)); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGenerateIsTheSameForASeed(t *testing.T) {
	t.Parallel()
	a, b := generated(t, 120), generated(t, 120)
	if diff := cmp.Diff(snapshot(a.Sim), snapshot(b.Sim)); diff != "" {
		t.Errorf("two companies of one seed differ:\n%.2000s", diff)
	}
	other := setup(t, Options{})
	if err := other.Generate(43, ScaleOf(120)); err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(snapshot(a.Sim)["deals"], snapshot(other.Sim)["deals"]) {
		t.Error("another seed gives the same deals")
	}
}

// TestGeneratedCompanyIsAsInLife holds the company to what the demo promises to show.
func TestGeneratedCompanyIsAsInLife(t *testing.T) {
	t.Parallel()
	b := generated(t, 2500)
	n := map[string]int{}
	left := map[int64]bool{}
	for _, u := range b.list("/v1/users") {
		if u["active_flag"] == false {
			left[int64(u["id"].(float64))] = true
		}
	}
	reasons := b.field("deal", "lost_reason")
	for r := range b.Truth("deals") {
		d := b.deals.find(rowNumber(t, r))
		count := func(name string, yes bool) {
			if yes {
				n[name]++
			}
		}
		h := b.historyOf(d.ID)
		next := b.nextActivity(refDeal, d.ID)
		count("open", d.Status == statusOpen)
		count("won", d.Status == statusWon)
		count("lost", d.Status == statusLost)
		count("deleted", d.IsDeleted)
		count("archived", d.IsArchived)
		count("won for nothing", d.Status == statusWon && d.Value.IsZero())
		count("lost without a reason", d.Status == statusLost && d.LostReason == nil)
		count("lost for no listed reason", d.LostReason != nil && !reasons.has(*d.LostReason))
		count("of people who left", left[d.OwnerID])
		count("open without a next step", d.Status == statusOpen && next == 0)
		count("untouched for two months", d.Status == statusOpen && b.Now().Sub(d.UpdateTime.time()) > 60*24*time.Hour)
		count("close date past", d.Status == statusOpen && d.ExpectedCloseDate != "" && string(d.ExpectedCloseDate) < "2026-11-16")
		count("no probability", d.Probability == nil)
		count("with products", len(b.items.related(refDeal, d.ID)) > 0)
		count("moved back", h.movedBack(b.Sim))
		count("reopened", h.reopened())
		count("cyrillic", strings.ContainsFunc(d.Title, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }))
		count("polish", strings.ContainsAny(d.Title, "łŁżŻźŹąęśćń"))
		count(d.Currency, true)
	}
	for name, least := range map[string]int{
		"open": 300, "won": 300, "lost": 800, "deleted": 2, "archived": 30, "won for nothing": 5, "lost without a reason": 80,
		"lost for no listed reason": 200, "of people who left": 50, "open without a next step": 50, "untouched for two months": 20,
		"close date past": 30, "no probability": 500, "with products": 800, "moved back": 200, "reopened": 20, "cyrillic": 300,
		"polish": 300, "PLN": 300, "EUR": 100, "USD": 100, "RUB": 10, "UAH": 300,
	} {
		if n[name] < least {
			t.Errorf("%d deals are %s, want %d or more", n[name], name, least)
		}
	}
}

func rowNumber(t *testing.T, r Record) int64 {
	t.Helper()
	var v struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(r.JSON, &v); err != nil {
		t.Fatal(err)
	}
	return v.ID
}

func (f *field) has(label string) bool {
	for _, o := range f.Options {
		if o.Label == label {
			return true
		}
	}
	return false
}

func (h *history) movedBack(s *Sim) bool {
	for _, e := range h.Changes {
		if e.Field == "stage_id" && s.stages.get(optionID(*e.New).number()).order < s.stages.get(optionID(*e.Old).number()).order {
			return true
		}
	}
	return false
}

func (h *history) reopened() bool {
	for _, e := range h.Changes {
		if e.Field == "status" && *e.Old == "lost" && *e.New == "open" {
			return true
		}
	}
	return false
}

func TestGeneratedTimesAreSound(t *testing.T) {
	t.Parallel()
	b := generated(t, 400)
	office := 0
	for _, r := range b.deals.rows {
		d := b.deals.load(r)
		for name, at := range map[string]instant{"update": d.UpdateTime, "stage change": d.StageChangeTime, "won": d.WonTime, "lost": d.LostTime} {
			if at != 0 && at < d.AddTime || at.time().After(b.Now()) {
				t.Errorf("deal %d: %s at %s, added %s, now %s", d.ID, name, at.time(), d.AddTime.time(), b.Now())
			}
		}
		changes := b.historyOf(d.ID).Changes
		for i := range changes {
			if i > 0 && changes[i].At < changes[i-1].At {
				t.Errorf("deal %d: change %d comes before its predecessor", d.ID, i)
			}
		}
		if n := len(changes); n > 0 && changes[n-1].At != d.UpdateTime {
			t.Errorf("deal %d: updated %s, last change %s", d.ID, d.UpdateTime.time(), changes[n-1].At.time())
		}
		if local := d.AddTime.time().In(b.zone); local.Hour() >= 9 && local.Hour() < 18 && local.Weekday() != time.Sunday {
			office++
		}
	}
	if want := len(b.deals.rows) * 9 / 10; office < want {
		t.Errorf("%d of %d deals were added in office hours, want %d", office, len(b.deals.rows), want)
	}
}

// TestGeneratedStageFollowsFromItsHistory replays the history of each deal.
func TestGeneratedStageFollowsFromItsHistory(t *testing.T) {
	t.Parallel()
	b := generated(t, 300)
	for _, r := range b.deals.rows {
		d := b.deals.load(r)
		stage, state := b.firstStage(d.PipelineID), "open"
		for _, e := range b.historyOf(d.ID).Changes {
			switch e.Field {
			case "stage_id":
				if *e.Old != id(stage) {
					t.Errorf("deal %d moved from %s, was in %d", d.ID, *e.Old, stage)
				}
				stage = optionID(*e.New).number()
			case "status":
				if *e.Old != state {
					t.Errorf("deal %d went from %s, was %s", d.ID, *e.Old, state)
				}
				state = *e.New
			}
		}
		if stage != d.StageID || state != d.Status.String() {
			t.Errorf("deal %d is %s in stage %d, its history leads to %s in %d", d.ID, d.Status, d.StageID, state, stage)
		}
	}
}

func TestCustomFieldsOfEveryTypeAndDeletedOptions(t *testing.T) {
	t.Parallel()
	b := generated(t, 300)
	kinds, names, retired := map[string]bool{}, map[string]int{}, 0
	for _, f := range b.catalogs["deal"].list {
		if !f.IsCustomField {
			continue
		}
		kinds[f.FieldType] = true
		names[f.FieldName]++
		for _, r := range b.deals.rows {
			var held int64
			v := b.deals.load(r).CustomFields[f.FieldCode]
			if f.FieldType == "enum" && json.Unmarshal(v, &held) == nil && held != 0 && f.option(held) == nil {
				retired++
			}
		}
	}
	for _, kind := range creatableTypes() {
		if !kinds[kind] {
			t.Errorf("no custom field of type %s", kind)
		}
	}
	if names["Комментарий"] != 2 {
		t.Errorf("%d fields of one name, want 2", names["Комментарий"])
	}
	if retired < 5 {
		t.Errorf("%d deals hold deleted options, want some", retired)
	}
}

func TestTrickleIsTheSameForASeedAndMovesEverything(t *testing.T) {
	t.Parallel()
	run := func() (*bundle, []sandbox.Mutation) {
		b := generated(t, 200)
		done, err := b.Trickle(rand.New(rand.NewPCG(9, 9)), 600)
		if err != nil {
			t.Fatal(err)
		}
		return b, done
	}
	a, did := run()
	b, again := run()
	if diff := cmp.Diff(did, again); diff != "" {
		t.Errorf("one seed did different things:\n%.1000s", diff)
	}
	if diff := cmp.Diff(snapshot(a.Sim), snapshot(b.Sim)); diff != "" {
		t.Errorf("one seed left different accounts:\n%.1000s", diff)
	}
	kinds := map[string]bool{}
	for _, m := range did {
		kinds[m.Object+": "+m.What] = true
		if m.ID == "" && m.What != "merged" {
			t.Errorf("%+v has no id", m)
		}
	}
	if want := len(mutators()); len(kinds) != want {
		t.Errorf("600 changes were of %d kinds, want all %d: %v", len(kinds), want, kinds)
	}
}

func TestTrickleOnAnEmptyAccountSaysSo(t *testing.T) {
	t.Parallel()
	s, err := Open(Options{Clock: sandbox.NewManual(noon())})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range s.pipelines.rows {
		if _, err := s.Do(1, "DELETE", "/api/v2/pipelines/"+id(r.id), nil); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := s.Trickle(rand.New(rand.NewPCG(1, 1)), 3); err != nil || len(done) != 3 || done[0].What != "new person" {
		t.Errorf("did %v, %v; want three changes that begin with a new person", done, err)
	}
}

func TestTrickleFiresWebhooksAndTruthAgrees(t *testing.T) {
	t.Parallel()
	b := generated(t, 100)
	l := listen(t)
	b.subscribe(l, "*", "*")
	did, err := b.Trickle(rand.New(rand.NewPCG(3, 3)), 60)
	if err != nil {
		t.Fatal(err)
	}
	b.settled()
	if events := l.take(); len(events) < len(did)*8/10 {
		t.Errorf("%d events for %d changes", len(events), len(did))
	}
	for _, list := range []string{"deals", "persons", "organizations", "activities", "products"} {
		truth := snapshot(b.Sim)[list]
		for _, got := range b.list("/api/v2/" + list + "?limit=500") {
			want := truth[id(int64(got["id"].(float64)))]
			var v object
			if err := json.Unmarshal([]byte(want), &v); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v, got); diff != "" {
				t.Errorf("%s: truth and list differ (-truth +list):\n%s", list, diff)
			}
		}
	}
}
