package zoho_test

import (
	"fmt"
	"testing"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
)

func pair(key string, v connectors.Value) connectors.Pair { return connectors.Pair{Key: key, Value: v} }

func txt(s string) connectors.Value { return connectors.Value{Kind: connectors.Text, Text: s} }
func num(s string) connectors.Value { return connectors.Value{Kind: connectors.Number, Text: s} }
func day(s string) connectors.Value { return connectors.Value{Kind: connectors.Date, Text: s} }

func set(pairs ...connectors.Pair) connectors.Values { return connectors.Values{Standard: pairs} }

func labels(names ...string) connectors.Value {
	out := connectors.Value{Kind: connectors.List}
	for _, name := range names {
		out.Items = append(out.Items, connectors.Value{Kind: connectors.Nested, Fields: []connectors.Pair{pair("label", txt(name))}})
	}
	return out
}

// mark is one that no other record has.
func (a *account) mark() string { return fmt.Sprintf("sb-%04d", a.next.Add(1)) }

// edits are the suite's samples: what salesbook writes. Each is of a record that
// is made for it.
func (a *account) edits(t *testing.T, seed connectortest.Seed) []connectortest.EditSample {
	t.Helper()
	if seed != connectortest.Few {
		return nil
	}
	user := a.ids(t, "Users")[0]
	added := func(object string, values connectors.Values) func(*testing.T) connectors.Edit {
		return func(t *testing.T) connectors.Edit {
			t.Helper()
			return connectors.Edit{Object: object, ID: a.add(t, object), Set: values}
		}
	}
	hung := func(object, key string, more ...connectors.Pair) func(*testing.T) connectors.Edit {
		return func(t *testing.T) connectors.Edit {
			t.Helper()
			mark := a.mark()
			pairs := append([]connectors.Pair{pair(key, txt("Oddzwonić — перезвонить "+mark)), pair("related_Deals", txt(a.add(t, "Deals")))}, more...)
			return connectors.Edit{Object: object, Mark: mark, Set: set(pairs...)}
		}
	}
	always := []string{"Modified_Time", "Modified_By", "Last_Activity_Time"}
	moved := append([]string{"Stage", "Pipeline", "Probability", "Expected_Revenue", "Stage_Modified_Time"}, always...)
	named := func(t *testing.T) connectors.Edit {
		t.Helper()
		return connectors.Edit{Object: "Contacts_Fields", Set: set(pair("field_label", txt("Карта "+a.mark())), pair("data_type", txt("text")))}
	}
	field := func(t *testing.T) string {
		t.Helper()
		label := a.mark()
		a.do(t, "POST", "/crm/v8/settings/fields?module=Contacts", map[string]any{"fields": []any{map[string]any{
			"field_label": label, "data_type": "picklist", "pick_list_values": []any{map[string]any{"display_value": "Да", "actual_value": "Да"}},
		}}})
		return a.listed(t, "/crm/v8/settings/fields?module=Contacts", `fields.#(field_label=="`+label+`")#.api_name`)[0]
	}
	of := func(values connectors.Values) func(*testing.T) connectors.Edit {
		return func(t *testing.T) connectors.Edit {
			t.Helper()
			return connectors.Edit{Object: "Contacts_Fields", ID: field(t), Set: values}
		}
	}
	stage := func(name string) connectors.Values {
		return set(pair("stage_key", txt(a.pipelines(t, "#.actual_value")[0]+"|"+name)))
	}
	return []connectortest.EditSample{
		{Name: "a deal is lost with a reason", Object: "Deals", Follows: moved, Nullable: []string{"Reason_For_Loss__s"},
			Edit: added("Deals", connectors.Values{Standard: append(stage("Closed Lost").Standard, pair("Reason_For_Loss__s", txt("Price")))}), Refused: stage("Nowhere")},
		{Name: "a deal's own facts", Object: "Deals", Follows: append([]string{"Expected_Revenue"}, always...), Nullable: []string{"Next_Step", "Closing_Date", "Amount"},
			Edit:    added("Deals", set(pair("Next_Step", txt("zadzwonić — позвонить 😀")), pair("Closing_Date", day("2026-12-24")), pair("Amount", num("1234567.89")), pair("Probability", num("33")))),
			Refused: set(pair("Closing_Date", txt("soon")))},
		{Name: "a lead gets a source", Object: "Leads", Follows: always, Nullable: []string{"Lead_Source"}, Edit: added("Leads", set(pair("Lead_Source", txt("Trade Show")))), Refused: set(pair("Lead_Source", txt("nowhere")))},
		{Name: "a task is done", Object: "Tasks", Follows: append([]string{"Closed_Time"}, always...), Edit: added("Tasks", set(pair("Status", txt("Completed")))), Refused: set(pair("Status", txt("nowhere")))},
		{Name: "a new task on a deal", Object: "Tasks", New: true, Edit: hung("Tasks", "Subject", pair("Due_Date", day("2026-11-25")), pair("Owner", num(user))), Refused: set(pair("related_Deals", txt("999999")))},
		{Name: "a new note on a deal", Object: "Notes", New: true, Edit: hung("Notes", "Note_Content"), Refused: set(pair("related_Deals", txt("999999")))},
		{Name: "a note changes", Object: "Notes", Follows: always, Edit: added("Notes", set(pair("Note_Content", txt("inna"))))},
		{Name: "a new field", Object: "Contacts_Fields", New: true, Edit: named, Refused: set(pair("data_type", txt("nonsense")))},
		{Name: "a new pipeline", Object: "Pipelines", New: true, Edit: func(*testing.T) connectors.Edit {
			return connectors.Edit{Object: "Pipelines", Set: set(pair("display_value", txt("Продажи "+a.mark())))}
		}, Refused: set(pair("display_value", txt(" ")))},
		{Name: "a field gets another option", Object: "Contacts_Fields", Follows: []string{"pick_list_values"}, Edit: of(set(pair("options", labels("Да", "Нет"))))},
		{Name: "a field gets another name", Object: "Contacts_Fields", Follows: []string{"display_label"}, Edit: of(set(pair("field_label", txt("Inaczej"))))},
	}
}
