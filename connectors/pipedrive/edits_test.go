package pipedrive_test

import (
	"fmt"
	"testing"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
)

// edits are the suite's samples: what salesbook writes. Each is of a record that
// is made for it.
func (a *account) edits(seed connectortest.Seed) []connectortest.EditSample {
	if seed != connectortest.Few {
		return nil
	}
	out := append(a.dealEdits(), a.activityEdits()...)
	return append(append(out, a.noteEdits()...), a.definitionEdits()...)
}

// of returns edits that set these fields of a record made by prepare.
func of(object string, set connectors.Values, prepare func(t *testing.T) string) func(*testing.T) connectors.Edit {
	return func(t *testing.T) connectors.Edit {
		t.Helper()
		return connectors.Edit{Object: object, ID: prepare(t), Set: set}
	}
}

func standard(pairs ...any) connectors.Values { return connectors.Values{Standard: pairsOf(pairs...)} }

// added makes a record, changed so.
func (a *account) added(object string, changes ...map[string]any) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		id := a.add(t, object)
		for _, change := range changes {
			a.do(t, "PATCH", path(object)+"/"+id, change)
		}
		return id
	}
}

// codes returns the codes of the deals' own fields of a type, and an option of the
// first.
func (a *account) codes(kind string) (codes []string, option connectors.Value) {
	for r := range a.Truth("dealFields") {
		def := gjson.ParseBytes(r.JSON)
		if !def.Get("is_custom_field").Bool() || def.Get("field_type").String() != kind {
			continue
		}
		if codes = append(codes, r.ID); len(codes) == 1 {
			option = num(def.Get("options.0.id").Raw)
		}
	}
	return codes, option
}

// places are stages of two pipelines, not of that in which deals begin.
func (a *account) places() [2]connectors.Values {
	var out [2]connectors.Values
	for r := range a.Truth("stages") {
		pipeline := gjson.GetBytes(r.JSON, "pipeline_id")
		out[pipeline.Int()%2] = standard("stage_id", num(r.ID), "pipeline_id", num(pipeline.Raw))
	}
	return out
}

func (a *account) dealEdits() []connectortest.EditSample {
	null := connectors.Value{}
	closing := []string{"update_time", "close_time", "lost_time", "won_time", "local_close_date", "local_lost_date", "local_won_date"}
	lost := a.added("deals", map[string]any{"status": "lost", "lost_reason": "Zbyt drogo"})
	places := a.places()
	enums, option := a.codes("enum")
	sets, one := a.codes("set")
	words, _ := a.codes("varchar")
	amounts, _ := a.codes("monetary")
	own := func(text string) connectors.Values {
		return connectors.Values{Custom: pairsOf(
			enums[0], option, sets[0], all(one), words[0], txt(text), amounts[0], connectors.Value{Kind: connectors.Money, Text: "1234567.89", Unit: "EUR"},
		)}
	}
	codes := []string{enums[0], sets[0], words[0], amounts[0]}
	return []connectortest.EditSample{
		{
			Name: "a deal moves", Object: "deals", Edit: of("deals", places[0], a.added("deals")),
			Follows: []string{"update_time", "stage_change_time"}, Other: places[1],
			Refused: standard("stage_id", num("999999")), Told: []string{"stage_id", "pipeline_id"},
		},
		{
			Name: "a deal is reopened", Object: "deals", Edit: of("deals", standard("status", txt("open"), "lost_reason", null), lost),
			Follows: closing, Nullable: []string{"lost_reason"}, Other: standard("status", txt("won")),
			Refused: standard("lost_reason", txt("Цена")), Told: []string{"status"},
		},
		{
			Name: "a deal is lost", Object: "deals", Edit: of("deals", standard("status", txt("lost"), "lost_reason", txt("Цена <b>")), a.added("deals")),
			Follows: closing, Nullable: []string{"lost_reason"}, Other: standard("status", txt("won"), "lost_reason", null), Told: []string{"status", "lost_reason"},
			Refused: standard("status", txt("nonsense")),
		},
		{
			Name: "a deal gets another owner, and is archived", Object: "deals",
			Edit:    of("deals", standard("owner_id", num("3"), "is_archived", yes(true), "label_ids", all()), a.added("deals")),
			Follows: []string{"update_time", "archive_time"}, Other: standard("owner_id", num("4")),
			Refused: standard("owner_id", num("999999")), Told: []string{"owner_id"},
		},
		{
			Name: "a deal's own fields", Object: "deals", Edit: of("deals", own("Żółć"), a.added("deals")),
			Follows: []string{"update_time"}, Nullable: codes, Other: own("ktoś inny"),
			Refused: connectors.Values{Custom: pairsOf(enums[0], num("999999"))}, Told: []string{words[0]},
		},
		{
			Name: "a lead's own fields, archived", Object: "leads", Follows: []string{"update_time"}, Nullable: codes,
			Edit:    of("leads", connectors.Values{Standard: pairsOf("is_archived", yes(true)), Custom: own("Żółć").Custom}, a.added("leads")),
			Refused: standard("owner_id", num("999999")),
		},
	}
}

func (a *account) activityEdits() []connectortest.EditSample {
	task := func(t *testing.T) connectors.Edit {
		t.Helper()
		mark := a.mark()
		return connectors.Edit{Object: "activities", Mark: mark, Set: standard(
			"subject", txt("Позвонить"), "type", txt("task"), "deal_id", num(a.add(t, "deals")), "owner_id", num("3"), "due_date", day("2026-12-01"),
			"done", yes(false), "note", txt("<p>Что спросить</p><p>"+mark+"</p>"),
		)}
	}
	onLead := func(t *testing.T) connectors.Edit {
		t.Helper()
		mark := a.mark()
		return connectors.Edit{Object: "activities", Mark: mark, Set: standard(
			"subject", txt("Zadzwonić"), "type", txt("call"), "lead_id", txt(a.add(t, "leads")), "note", txt(mark),
		)}
	}
	return []connectortest.EditSample{
		{Name: "a task on a deal", Object: "activities", New: true, Edit: task, Refused: standard("type", txt("nonsense"))},
		{Name: "a call with a lead", Object: "activities", New: true, Edit: onLead, Refused: standard("owner_id", num("999999"))},
		{
			Name: "a task is done", Object: "activities", Follows: []string{"update_time", "marked_as_done_time"}, Nullable: []string{"note"},
			Edit:    of("activities", standard("done", yes(true), "note", txt("<p>x</p>")), a.added("activities")),
			Refused: standard("deal_id", num("999999")),
		},
	}
}

func (a *account) noteEdits() []connectortest.EditSample {
	note := func(t *testing.T) connectors.Edit {
		t.Helper()
		mark := a.mark()
		return connectors.Edit{Object: "notes", Mark: mark, Set: standard("content", txt("<p>Dlaczego</p>"+mark), "deal_id", num(a.add(t, "deals")))}
	}
	return []connectortest.EditSample{
		{Name: "a note on a deal", Object: "notes", New: true, Edit: note, Refused: standard("deal_id", num("999999"))},
		{
			Name: "a note changes", Object: "notes", Follows: []string{"update_time", "last_update_user_id"},
			Edit: of("notes", standard("content", txt("<p>inna</p>")), a.added("notes")), Refused: standard("content", txt("")),
		},
	}
}

// definitionEdits leaves the deals' fields alone: a new one shows in each deal.
func (a *account) definitionEdits() []connectortest.EditSample {
	named := func(object, key string, more ...any) func(*testing.T) connectors.Edit {
		return func(*testing.T) connectors.Edit {
			return connectors.Edit{Object: object, Set: standard(append([]any{key, txt("Новое " + a.mark())}, more...)...)}
		}
	}
	pipeline := a.ids("pipelines")[0]
	field := func(t *testing.T) string {
		t.Helper()
		a.clock.Advance(1)
		answer, err := a.Do(1, "POST", "/api/v2/personFields", map[string]any{"field_name": a.mark(), "field_type": "set", "options": []map[string]any{{"label": "Да"}}})
		if err != nil {
			t.Fatal(err)
		}
		return gjson.GetBytes(answer, "data.field_code").String()
	}
	options := standard("options", all(parts("label", txt("Да")), parts("label", txt("Нет"))))
	return []connectortest.EditSample{
		{Name: "a new pipeline", Object: "pipelines", New: true, Edit: named("pipelines", "name")},
		{Name: "a new stage", Object: "stages", New: true, Edit: named("stages", "name", "pipeline_id", num(pipeline)), Refused: standard("pipeline_id", num("999999"))},
		{
			Name: "a stage gets a limit", Object: "stages", Follows: []string{"update_time"},
			Edit:    of("stages", standard("is_deal_rot_enabled", yes(true), "days_to_rotten", num("14"), "deal_probability", num("40")), a.added("stages")),
			Refused: standard("deal_probability", num("101")),
		},
		{
			Name: "a new field with options", Object: "personFields", New: true, Refused: standard("field_type", txt("double")),
			Edit: named("personFields", "field_name", "field_type", txt("enum"), "options", all(parts("label", txt("Да")))),
		},
		{Name: "a field gets another name", Object: "personFields", Edit: of("personFields", standard("field_name", txt("Inaczej")), field)},
		{Name: "a field gets another option", Object: "personFields", Edit: of("personFields", options, field)},
	}
}

// mark is one that no other record has.
func (a *account) mark() string { return fmt.Sprintf("sb-%04d", a.next.Add(1)) }
