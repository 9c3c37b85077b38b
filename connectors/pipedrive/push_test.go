package pipedrive_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/connectortest"
	"salesbook.dev/connectors/pipedrive"
	"salesbook.dev/internal/fault"
)

func num(s string) connectors.Value { return connectors.Value{Kind: connectors.Number, Text: s} }
func txt(s string) connectors.Value { return connectors.Value{Kind: connectors.Text, Text: s} }
func yes(b bool) connectors.Value {
	return connectors.Value{Kind: connectors.Bool, Text: fmt.Sprint(b)}
}
func day(s string) connectors.Value { return connectors.Value{Kind: connectors.Date, Text: s} }
func all(items ...connectors.Value) connectors.Value {
	return connectors.Value{Kind: connectors.List, Items: items}
}
func parts(pairs ...any) connectors.Value {
	return connectors.Value{Kind: connectors.Nested, Fields: pairsOf(pairs...)}
}

// pairsOf makes pairs of keys and values in turn.
func pairsOf(pairs ...any) []connectors.Pair {
	var out []connectors.Pair
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, connectors.Pair{Key: pairs[i].(string), Value: pairs[i+1].(connectors.Value)})
	}
	return out
}

// pushing is a connector over a company of its own.
type pushing struct {
	*account
	*pipedrive.Connector
	t *testing.T
}

func newPushing(t *testing.T) pushing {
	t.Helper()
	a, v := startAccount(t, connectortest.Few)
	cfg := v.Good
	cfg.BaseURL = v.URL
	c, err := pipedrive.Spec().Open(connectors.Env{HTTP: http.DefaultClient, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return pushing{a, c.(*pipedrive.Connector), t}
}

// push makes an edit, which must do well.
func (p pushing) push(e connectors.Edit) connectors.Record {
	p.t.Helper()
	p.clock.Advance(time.Second)
	r, err := p.Push(p.t.Context(), e)
	if err != nil {
		p.t.Fatalf("%+v: %v", e, err)
	}
	return r
}

// custom returns the code of the first of the deals' own fields of a type.
func (p pushing) custom(kind string) (code string, def gjson.Result) {
	p.t.Helper()
	for r := range p.Truth("dealFields") {
		def := gjson.ParseBytes(r.JSON)
		if def.Get("is_custom_field").Bool() && def.Get("field_type").String() == kind {
			return r.ID, def
		}
	}
	p.t.Fatalf("the company has no field of type %s", kind)
	return "", def
}

// define makes a field of deals.
func (p pushing) define(name, kind string) string {
	p.t.Helper()
	r := p.push(connectors.Edit{Object: "dealFields", Set: connectors.Values{Standard: pairsOf("field_name", txt(name), "field_type", txt(kind))}})
	return r.ID
}

func (p pushing) find(e connectors.Edit) (connectors.Record, bool) {
	p.t.Helper()
	r, found, err := p.Find(p.t.Context(), e)
	if err != nil {
		p.t.Fatal(err)
	}
	return r, found
}

// TestPushOfCustomFields writes one of each type to a deal and to a lead, and
// empties them again.
func TestPushOfCustomFields(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	option := func(kind string) (string, connectors.Value) {
		code, def := p.custom(kind)
		return code, num(def.Get("options.0.id").Raw)
	}
	enum, one := option("enum")
	set, some := option("set")
	span := p.define("Заезд", "daterange")
	zoned := p.define("Обед", "timerange")
	set1 := pairsOf(
		enum, one, set, all(some),
		p.define("Имя поля", "varchar"), txt("Żółć <b>&amp;</b>\n"),
		p.define("Anteil", "double"), num("0.125"),
		p.define("Budżet", "monetary"), connectors.Value{Kind: connectors.Money, Text: "1234567890.12", Unit: "EUR"},
		p.define("Dzień", "date"), day("2026-02-28"),
		p.define("Chef", "user"), num("1"),
		p.define("Ort", "address"), parts("value", txt("Rynek 1, Kraków")),
		span, parts("value", txt("2026-02-01"), "until", txt("2026-02-28")),
	)
	var none []connectors.Pair
	for _, pair := range set1 {
		none = append(none, connectors.Pair{Key: pair.Key})
	}
	deal, lead := p.atStart("deals")[3], p.atStart("leads")[3]
	for object, id := range map[string]string{"deals": deal, "leads": lead} {
		for _, custom := range [][]connectors.Pair{set1, none} {
			r := p.push(connectors.Edit{Object: object, ID: id, Set: connectors.Values{Custom: custom}})
			v, err := pipedrive.Spec().Decoder.Decode(object, r.Shape, r.Raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range custom {
				got := connectors.Value{}
				for _, have := range v.Custom {
					if have.Key == want.Key {
						got = have.Value
					}
				}
				if !alikeIn(object, want.Value, got) {
					t.Errorf("%s: %s is %+v, want %+v", object, want.Key, got, want.Value)
				}
			}
		}
	}
	zone := pairsOf(zoned, parts("value", txt("12:00:00"), "until", txt("13:00:00"), "timezone_name", txt("Europe/Warsaw")))
	p.push(connectors.Edit{Object: "deals", ID: deal, Set: connectors.Values{Custom: zone}})
	if _, err := p.Push(t.Context(), connectors.Edit{Object: "leads", ID: lead, Set: connectors.Values{Custom: zone}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a lead's field with a zone: %v, want %v", err, fault.Invalid)
	}
}

// alikeIn compares values as far as the shape tells them: v1 writes several
// options as one text, and the parts of an address by their first.
func alikeIn(object string, want, got connectors.Value) bool {
	if object == "leads" && want.Kind == connectors.List {
		want = txt(want.Items[0].Text)
	}
	if want.Kind == connectors.Nested && got.Kind == connectors.Text {
		want = want.Fields[0].Value
	}
	if want.Kind == connectors.Nested && got.Kind == connectors.Nested { // the vendor adds parts
		got.Fields = got.Fields[:len(want.Fields)]
	}
	if want.Kind == connectors.Date {
		want.Kind = connectors.Text
	}
	return cmp.Equal(want, got)
}

func TestPushOfDefinitions(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	pipeline := p.push(connectors.Edit{Object: "pipelines", Set: connectors.Values{Standard: pairsOf("name", txt("Hurt"))}})
	stage := connectors.Edit{Object: "stages", Set: connectors.Values{Standard: pairsOf("name", txt("Oferta"), "pipeline_id", num(pipeline.ID), "deal_probability", num("40"))}}
	if _, found := p.find(stage); found {
		t.Error("a stage that nobody made was found: the name stands in another pipeline only")
	}
	made := p.push(stage)
	if r, found := p.find(stage); !found || r.ID != made.ID || string(r.Raw) != string(made.Raw) {
		t.Errorf("found %v %s, want %s", found, r.Raw, made.Raw)
	}
	changed := p.push(connectors.Edit{Object: "stages", ID: made.ID, Set: connectors.Values{Standard: pairsOf("is_deal_rot_enabled", yes(true), "days_to_rotten", num("9"))}})
	if got := gjson.GetBytes(changed.Raw, "{name,deal_probability,is_deal_rot_enabled,days_to_rotten}").Raw; got != `{"name":"Oferta","deal_probability":40,"is_deal_rot_enabled":true,"days_to_rotten":9}` {
		t.Error(got)
	}
}

func TestPushOfOptions(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	labels := func(r connectors.Record) string { return gjson.GetBytes(r.Raw, "options.#.label").Raw }
	field := connectors.Edit{Object: "dealFields", Set: connectors.Values{Standard: pairsOf(
		"field_name", txt("Причина"), "field_type", txt("enum"), "options", all(parts("label", txt("Цена")), parts("label", txt("Срок"))),
	)}}
	made := p.push(field)
	if got := labels(made); got != `["Цена","Срок"]` {
		t.Error(got)
	}
	if r, found := p.find(field); !found || r.ID != made.ID {
		t.Errorf("found %v %s, want %s", found, r.ID, made.ID)
	}
	more := connectors.Edit{Object: "dealFields", ID: made.ID, Set: connectors.Values{Standard: pairsOf(
		"options", all(parts("id", num("1"), "label", txt("Цена")), parts("label", txt("Конкурент")), parts("label", txt("Конкурент"))),
	)}}
	for range 2 {
		if got := labels(p.push(more)); got != `["Цена","Срок","Конкурент"]` {
			t.Error(got)
		}
	}
	renamed := p.push(connectors.Edit{Object: "dealFields", ID: made.ID, Set: connectors.Values{Standard: pairsOf("field_name", txt("Причина отказа"))}})
	if gjson.GetBytes(renamed.Raw, "field_name").String() != "Причина отказа" || labels(renamed) != `["Цена","Срок","Конкурент"]` {
		t.Errorf("%s", renamed.Raw)
	}
	vendors := connectors.Edit{Object: "dealFields", Set: connectors.Values{Standard: pairsOf("field_name", txt("Title"), "field_type", txt("varchar"))}}
	if r, found := p.find(vendors); found {
		t.Errorf("the vendor's own field %s passes for one that was made", r.ID)
	}
}

// TestUndelete deletes a deal by its status and brings it back.
func TestUndelete(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	id := p.atStart("deals")[5]
	set := func(status string) connectors.Values {
		return connectors.Values{Standard: pairsOf("status", txt(status))}
	}
	if r := p.push(connectors.Edit{Object: "deals", ID: id, Set: set("deleted")}); !r.Deleted {
		t.Errorf("the deal is not deleted: %s", r.Raw)
	}
	if _, err := p.Push(t.Context(), connectors.Edit{Object: "deals", ID: id, Set: set("open")}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a deleted deal was written: %v, want %v", err, fault.NotFound)
	}
	r := p.push(connectors.Edit{Object: "deals", ID: id, Set: set("open"), Undelete: true})
	if got := gjson.GetBytes(r.Raw, "{status,is_deleted}").Raw; r.Deleted || got != `{"status":"open","is_deleted":false}` {
		t.Error(got)
	}
	_, err := p.Push(t.Context(), connectors.Edit{Object: "activities", ID: "1", Set: connectors.Values{Standard: pairsOf("done", yes(true))}, Undelete: true})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("an activity cannot be brought back: %v, want %v", err, fault.Invalid)
	}
}

// TestPushRefusesBeforeItAsks holds what no request is made for.
func TestPushRefusesBeforeItAsks(t *testing.T) {
	t.Parallel()
	c, err := pipedrive.Spec().Open(connectors.Env{HTTP: &http.Client{Transport: nobody{t}}, Now: time.Now}, connectors.Config{Secrets: map[string]string{"api_token": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	push := c.(*pipedrive.Connector)
	code := strings.Repeat("a", 40)
	for _, c := range []struct {
		e    connectors.Edit
		want string
	}{
		{connectors.Edit{Object: "users", ID: "1", Set: connectors.Values{Standard: pairsOf("name", txt("x"))}}, `"users" cannot be written to Pipedrive, only activities, deals, leads, notes, pipelines, stages and definitions of fields`},
		{connectors.Edit{Object: "deals", Set: connectors.Values{Standard: pairsOf("title", txt("x"))}}, `deals are not made in Pipedrive, only changed: the edit names no record`},
		{connectors.Edit{Object: "deals", ID: ".."}, `".." is no id of one of deals`},
		{connectors.Edit{Object: "deals", ID: "1"}, `the edit of one of deals sets nothing`},
		{connectors.Edit{Object: "deals", ID: "1", Set: connectors.Values{Standard: pairsOf("won_time", txt("x"))}}, `Pipedrive's API cannot write "won_time" of deals`},
		{connectors.Edit{Object: "stages", ID: "1", Set: connectors.Values{Standard: pairsOf("order_nr", num("1"))}}, `Pipedrive's API cannot write "order_nr" of stages`},
		{connectors.Edit{Object: "deals", ID: "1", Set: connectors.Values{Standard: pairsOf("stage_id", txt("x"))}}, `stage_id of deals cannot hold such a value: Pipedrive wants a whole number there`},
		{connectors.Edit{Object: "deals", ID: "1", Set: connectors.Values{Standard: pairsOf("label_ids", all(txt("x")))}}, `label_ids of deals cannot hold such a value: Pipedrive wants a list of numbers there`},
		{connectors.Edit{Object: "notes", ID: "1", Set: connectors.Values{Custom: pairsOf(code, txt("x"))}}, `notes have no fields of the account's own that could be written`},
		{connectors.Edit{Object: "deals", ID: "1", Set: connectors.Values{Custom: pairsOf(code+"_currency", txt("x"))}}, `"` + code + `_currency" is no code of a field of the account's own`},
		{connectors.Edit{Object: "dealFields", ID: code, Set: connectors.Values{Standard: pairsOf("field_type", txt("enum"))}}, `field_type of one of dealFields cannot be changed once it is made`},
		{connectors.Edit{Object: "dealFields", ID: code, Set: connectors.Values{Standard: pairsOf("field_name", txt("x"), "options", all(parts("label", txt("y"))))}}, `options of a field are added by an edit of their own: Pipedrive takes them apart from the rest`},
		{connectors.Edit{Object: "notes", Mark: "sb-1", Set: connectors.Values{Standard: pairsOf("content", txt("x"), "deal_id", num("1"))}}, `the mark stands in no text of the new one of notes, so that it could not be found again`},
	} {
		if _, err := push.Push(t.Context(), c.e); fault.KindOf(err) != fault.Invalid || err.Error() != c.want {
			t.Errorf("%+v:\n got %v (%v)\nwant %s", c.e, err, fault.KindOf(err), c.want)
		}
	}
	for _, c := range []struct {
		e    connectors.Edit
		want string
	}{
		{connectors.Edit{Object: "notes", ID: "1"}, `notes 1 is known already: fetch it`},
		{connectors.Edit{Object: "notes", Set: connectors.Values{Standard: pairsOf("deal_id", num("1"))}}, `a new one of notes is found by its mark only, and the edit has none`},
		{connectors.Edit{Object: "notes", Mark: "sb-1", Set: connectors.Values{Standard: pairsOf("content", txt("sb-1"))}}, `a new one of notes is found only among those of its deal, lead, person or organization, and the edit names none`},
		{connectors.Edit{Object: "pipelines"}, `the edit does not name the new one of pipelines, so it cannot be found`},
	} {
		if _, _, err := push.Find(t.Context(), c.e); fault.KindOf(err) != fault.Invalid || err.Error() != c.want {
			t.Errorf("%+v:\n got %v (%v)\nwant %s", c.e, err, fault.KindOf(err), c.want)
		}
	}
}

// nobody fails the test when it is asked.
type nobody struct{ t *testing.T }

// RoundTrip implements http.RoundTripper.
func (n nobody) RoundTrip(req *http.Request) (*http.Response, error) {
	n.t.Errorf("%s %s was asked", req.Method, req.URL.Path)
	return nil, context.Canceled
}
