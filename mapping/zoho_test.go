package mapping_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/mapping"
)

func TestZohoDefaultCompiles(t *testing.T) {
	t.Parallel()
	m := mapping.MustCompileFor(t, "zoho", "", nil)
	for _, o := range zoho.Spec().Objects {
		if _, ok := m.Object(o.Name); !ok {
			t.Errorf("%s has no mapping", o.Name)
		}
	}
}

// outcomes is an account with one pipeline, as its dictionary has it.
func outcomes(lost string) *mapping.Dictionary {
	return mapping.NewDictionary([]mapping.FieldDef{{Kind: "deals", Code: "$outcome.P", Type: "stage_outcome", Options: []mapping.Option{
		{ID: "P|Nowy", Label: "Open"}, {ID: "P|Odmowa", Label: lost},
	}}})
}

// TestOutcomesAreOfTheVersion: deals are mapped again when an admin gives a stage
// another forecast type.
func TestOutcomesAreOfTheVersion(t *testing.T) {
	t.Parallel()
	before, after := mapping.MustCompileFor(t, "zoho", "", outcomes("Closed Lost")), mapping.MustCompileFor(t, "zoho", "", outcomes("Closed Won"))
	if before.Version() == after.Version() {
		t.Error("the map's version does not depend on what stages say")
	}
	v := connectors.Values{Standard: []connectors.Pair{
		{Key: "Deal_Name", Value: connectors.Value{Kind: connectors.Text, Text: "x"}}, {Key: "stage_key", Value: connectors.Value{Kind: connectors.Text, Text: "P|Odmowa"}},
	}}
	for m, want := range map[*mapping.Map]string{before: "lost", after: "won"} {
		o, _ := m.Object("Deals")
		row, err := o.Row("1", "", &v)
		if err != nil || row.Values[o.Kind().Index("status")] != want {
			t.Errorf("status %v (%v), want %s", row.Values[o.Kind().Index("status")], err, want)
		}
	}
	for word, want := range map[string]string{"Open": "open", "Closed Won": "won", "Closed Lost": "lost", "Odmowa": "", "": ""} {
		if got := before.Outcome(word); got != want {
			t.Errorf("%q means %q, want %q", word, got, want)
		}
	}
}

// TestReasonsInAFieldOfTheAccountsOwn are read and written there, once the map names
// it by its label.
func TestReasonsInAFieldOfTheAccountsOwn(t *testing.T) {
	t.Parallel()
	dictionary := mapping.NewDictionary(append(outcomes("Closed Lost").Fields(), mapping.FieldDef{Kind: "deals", Code: "Dlaczego_nie", Name: "Dlaczego nie?", Type: "picklist", Custom: true}))
	m := mapping.MustCompileFor(t, "zoho", `objects: {Deals: {fields: {lost_reason: {custom: "Dlaczego nie?"}}}}`, dictionary)
	if d := cmp.Diff([]string{"Dlaczego_nie"}, m.CodesOf("deals", "lost_reason")); d != "" {
		t.Errorf("read from (-want +got):\n%s", d)
	}
	_, set, err := m.WriteRecord("deals", "7", map[string]json.RawMessage{"lost_reason": json.RawMessage(`"Za drogo"`)})
	if err != nil || len(set.Custom) != 1 || set.Custom[0].Key != "Dlaczego_nie" || set.Custom[0].Value.Text != "Za drogo" {
		t.Errorf("written: %+v, error %v", set, err)
	}
}

// TestHomeCurrency: deals name no currency where the account has only one. That it is
// the account's tells nobody that the amount's field is a currency, and it is written
// nowhere.
func TestHomeCurrency(t *testing.T) {
	t.Parallel()
	home := func(code string) *mapping.Dictionary {
		return mapping.NewDictionary(append(outcomes("Closed Lost").Fields(), mapping.FieldDef{Kind: "deals", Code: "$home_currency", Type: "home_currency", Options: []mapping.Option{{ID: code, Label: code}}}))
	}
	m := mapping.MustCompileFor(t, "zoho", "", home("CAD"))
	if m.Version() == mapping.MustCompileFor(t, "zoho", "", home("USD")).Version() {
		t.Error("the map's version does not depend on the account's currency")
	}
	if d := cmp.Diff([]string{"Currency"}, m.CodesOf("deals", "currency")); d != "" {
		t.Errorf("currencies are read from (-want +got):\n%s", d)
	}
	o, _ := m.Object("Deals")
	number := connectors.Value{Kind: connectors.Number, Text: "5"}
	for want, more := range map[string][]connectors.Pair{
		"CAD 500": {{Key: "Amount", Value: number}}, "EUR 500": {{Key: "Amount", Value: number}, {Key: "Currency", Value: connectors.Value{Kind: connectors.Text, Text: "EUR"}}}, "<nil> <nil>": nil,
	} {
		v := connectors.Values{Standard: append([]connectors.Pair{
			{Key: "Deal_Name", Value: connectors.Value{Kind: connectors.Text, Text: "x"}}, {Key: "stage_key", Value: connectors.Value{Kind: connectors.Text, Text: "P|Nowy"}},
		}, more...)}
		row, err := o.Row("1", "", &v)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(row.Values[o.Kind().Index("currency")], " ", row.Values[o.Kind().Index("amount_minor")]); got != want {
			t.Errorf("currency and minor units are %s, want %s", got, want)
		}
	}
	if _, _, err := m.WriteRecord("deals", "7", map[string]json.RawMessage{"currency": json.RawMessage(`null`)}); err == nil {
		t.Error("the amount would be emptied to empty its currency")
	}
}

// TestZohoWrites: what salesbook writes, in Zoho's words.
func TestZohoWrites(t *testing.T) {
	t.Parallel()
	m := mapping.MustCompileFor(t, "zoho", "", outcomes("Closed Lost"))
	tests := []struct{ name, kind, id, fields, object, want string }{
		{"a task", "activities", "", `{"type": "task", "subject": "Oddzwonić", "note": "[sb-1]", "due_on": "2026-11-25", "done": false, "deal_id": "7", "owner_id": "8"}`,
			"Tasks", "Description=[sb-1] Due_Date=2026-11-25 Owner=8 Status=Not Started Subject=Oddzwonić related_Deals=7"},
		{"a task is done", "activities", "9", `{"done": true}`, "Tasks", "Status=Completed"},
		{"a call by its id", "activities", "call.9", `{"owner_id": "8"}`, "Calls", "Owner=8"},
		{"a note on a lead", "notes", "", `{"content": "x", "lead_id": "7"}`, "Notes", "Note_Content=x related_Leads=7"},
		{"a deal is opened again", "deals", "7", `{"status": "open", "stage_id": "P|Nowy"}`, "Deals", "stage_key=P|Nowy"},
		{"a field", "fields", "", `{"object": "deals", "name": "Sales Book", "type": "text"}`, "Deals_Fields", "data_type=text field_label=Sales Book"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(tt.fields), &fields); err != nil {
				t.Fatal(err)
			}
			object, set, err := m.WriteRecord(tt.kind, tt.id, fields)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range append(set.Standard, set.Custom...) {
				got = append(got, fmt.Sprintf("%s=%s", p.Key, p.Value.Text))
			}
			if diff := cmp.Diff(tt.object+" "+tt.want, object+" "+strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for field, want := range map[string]string{"status": "stage_id", "stage_id": "", "lost_reason": "", "nonsense": ""} {
		if got := m.WrittenWith("deals", "7", field); got != want {
			t.Errorf("%s is written with %q, want %q", field, got, want)
		}
	}
	for _, stage := range []string{"P|Nowy", "P|Odmowa"} { // the one does not mean it, and in the other no deal stands
		if _, _, err := m.Write("deals", map[string]json.RawMessage{"status": json.RawMessage(`"lost"`), "stage_id": json.RawMessage(`"` + stage + `"`)}); err == nil {
			t.Errorf("%s is written as a loss", stage)
		}
	}
}
