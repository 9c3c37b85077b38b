package zoho_test

import (
	"strings"
	"testing"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	vendor "salesbook.dev/internal/sandbox/zoho"
)

// TestBlueprintsHoldDealsInTheirPipeline: another pipeline has a stage of the name
// that a transition leads to. It is not the one that is wanted.
func TestBlueprintsHoldDealsInTheirPipeline(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	pusher := c.(connectors.Pusher)
	mine, id := a.pipelines(t, "#.actual_value")[0], a.add(t, "Deals")
	if err := a.AddBlueprint(mine, "Sprzedaż", vendor.Transition{Name: "Negocjacje", From: []string{"Qualification"}, To: "Negotiation/Review"}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []connectors.Edit{
		{Object: "Pipelines", Set: set(pair("display_value", txt("Other")))},
		{Object: "Stages", Parent: "Other", Set: set(pair("display_value", txt("Negotiation/Review")))},
	} {
		if _, err := pusher.Push(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	move := func(pipeline string) error {
		_, err := pusher.Push(t.Context(), connectors.Edit{Object: "Deals", ID: id, Set: set(pair("stage_key", txt(pipeline+"|Negotiation/Review")))})
		return err
	}
	if err := move("Other"); fault.KindOf(err) != fault.Barred || !strings.Contains(err.Error(), mine) || !strings.Contains(err.Error(), "Other") {
		t.Errorf("to another pipeline: %v (%v), want it barred, with both pipelines named", err, fault.KindOf(err))
	}
	if got := a.listed(t, "/crm/v8/Deals/"+id, "data.#.Stage")[0]; got != "Qualification" {
		t.Errorf("it stands in %s: a transition was taken that leads elsewhere", got)
	}
	if err := move(mine); err != nil {
		t.Errorf("within its pipeline: %v", err)
	}
}

// TestTransitionsThatLeadNowhere are taken by no edit.
func TestTransitionsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	mine, id := a.pipelines(t, "#.actual_value")[0], a.add(t, "Deals")
	if err := a.AddBlueprint(mine, "Sprzedaż", vendor.Transition{Name: "Wyślij umowę", From: []string{"Qualification"}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: id, Set: set(pair("stage_key", txt(mine+"|Closed Won")))})
	if fault.KindOf(err) != fault.Barred {
		t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), fault.Barred)
	}
	if got := a.Triggered(id); len(got) == 1 && got[0] == "blueprint" {
		t.Error("the deal went through the transition")
	}
}

// TestWhatABlueprintHoldsBesides: no transition is for an edit that moves nothing,
// for a Blueprint of another field, or for a record of another module.
func TestWhatABlueprintHoldsBesides(t *testing.T) {
	t.Parallel()
	stage := pair("stage_key", txt("|Closed Won"))
	for name, tt := range map[string]struct {
		object    string
		set       connectors.Pair
		blueprint string // empty: it is not to be asked for
	}{
		"a field of a deal":          {"Deals", pair("Own_01", txt("x")), ""},
		"a record of another module": {"Tasks", pair("Own_01", txt("x")), ""},
		"a Blueprint of a field that is no stage": {"Deals", stage,
			`{"blueprint":{"process_info":{"api_name":"Own_02"},"transitions":[{"id":"77","next_field_value":"Closed Won","criteria_matched":true}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answers(t, func(method, path, body string) (int, string) {
				switch {
				case strings.Contains(path, "settings/fields"):
					return 200, strings.Replace(definitions(3), "[", `[{"api_name":"Stage","data_type":"picklist"},`, 1)
				case strings.HasSuffix(path, "/actions/blueprint"):
					if method == "PUT" || tt.blueprint == "" {
						t.Errorf("%s %s %s", method, path, body)
					}
					return 200, tt.blueprint
				case method == "PUT":
					return 202, `{"data":[{"code":"RECORD_IN_BLUEPRINT","details":{},"message":"x","status":"error"}]}`
				}
				return 200, list(`{"id":"5","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
			})
			_, err := f.connect(t).(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: tt.object, ID: "5", Set: set(tt.set)})
			if fault.KindOf(err) != fault.Barred || !strings.Contains(err.Error(), "Blueprint") {
				t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), fault.Barred)
			}
		})
	}
}
