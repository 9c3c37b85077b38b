package zoho_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// funnel is an account with two stages that nobody uses, one that ends deals and one
// that does not, and a pipeline that was just made there.
func funnel(t *testing.T) (*account, connectors.Connector) {
	t.Helper()
	a, _, c := connected(t, nil)
	for name, forecast := range map[string]string{"Telefon": "Open", "Odmowa": "Closed Lost"} {
		if err := a.SetStage(name, forecast, 15); err != nil {
			t.Fatal(err)
		}
	}
	r, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Pipelines", Set: set(pair("display_value", txt("Sprzedaż")))})
	if err != nil || r.ID != "Sprzedaż" {
		t.Fatalf("the new pipeline is %q (%v)", r.ID, err)
	}
	return a, c
}

func newStage(name string, more ...connectors.Pair) connectors.Edit {
	return connectors.Edit{Object: "Stages", Parent: "Sprzedaż", Set: set(append(more, pair("display_value", txt(name)))...)}
}

func moveStage(name, place string) connectors.Edit {
	return connectors.Edit{Object: "Stages", ID: "Sprzedaż|" + name, Set: set(pair("sequence_number", num(place)))}
}

// stagesIn lists all stages of the new pipeline as the vendor shows them.
func (a *account) stagesIn(t *testing.T) []string {
	t.Helper()
	return a.pipelines(t, `#(display_value=="Sprzedaż").maps.#.display_value`)
}

// TestStagesOfAPipeline: a new pipeline can end deals; open stages come before those
// that do, or where they are told to, and can be moved. What Push returns is what is
// read afterwards.
func TestStagesOfAPipeline(t *testing.T) {
	t.Parallel()
	a, c := funnel(t)
	ends := []string{"Closed Won", "Closed Lost", "Closed Lost to Competition"}
	if diff := cmp.Diff(ends, a.stagesIn(t)); diff != "" {
		t.Errorf("a new pipeline (-want +got):\n%s", diff)
	}
	p := c.(connectors.Pusher)
	for _, step := range []struct {
		e    connectors.Edit
		id   string
		want []string
	}{
		{newStage("Qualification"), "Qualification", []string{"Qualification"}},
		{newStage("Needs Analysis"), "Needs Analysis", []string{"Qualification", "Needs Analysis"}},
		{newStage("Telefon", pair("sequence_number", num("2"))), "Telefon", []string{"Qualification", "Telefon", "Needs Analysis"}},
		{moveStage("Needs Analysis", "1"), "Needs Analysis", []string{"Needs Analysis", "Qualification", "Telefon"}},
		{moveStage("Needs Analysis", "3"), "Needs Analysis", []string{"Qualification", "Telefon", "Needs Analysis"}},
		{moveStage("Needs Analysis", "3"), "Needs Analysis", []string{"Qualification", "Telefon", "Needs Analysis"}},
	} {
		if step.e.ID == "" {
			if _, found, err := p.Find(t.Context(), step.e); err != nil || found {
				t.Errorf("%s is there before it is made (%v)", step.id, err)
			}
		}
		made, err := p.Push(t.Context(), step.e)
		if err != nil || made.ID != "Sprzedaż|"+step.id || made.Parent != "Sprzedaż" {
			t.Fatalf("%s of %s, error %v, want %s", made.ID, made.Parent, err, step.id)
		}
		if diff := cmp.Diff(slices.Concat(step.want, ends), a.stagesIn(t)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.id, diff)
		}
		pages, err := pull(t, c, "Pipelines", "")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(pages[0].Records, func(r connectors.Record) bool { return r.Object == "Stages" && r.ID == made.ID })
		if i < 0 {
			t.Fatalf("%s is not read", made.ID)
		}
		if diff := cmp.Diff(pages[0].Records[i], made); diff != "" {
			t.Errorf("%s (-read +pushed):\n%s", step.id, diff)
		}
		if step.e.ID == "" {
			if r, found, err := p.Find(t.Context(), step.e); err != nil || !found || r.ID != made.ID {
				t.Errorf("found %v %s (%v), want %s", found, r.ID, err, made.ID)
			}
		}
		v, err := c.(connectors.Decoder).Decode(made.Object, made.Shape, made.Raw)
		if got := v.Get("probability").Text; err != nil || step.id == "Telefon" && got != "15" {
			t.Errorf("%s is %s %% probable, want 15 (%v)", step.id, got, err)
		}
	}
}

// TestStagesThatCannotBe: stages are not made, those that end deals are none, and
// what is gone is told as gone. Nothing is changed.
func TestStagesThatCannotBe(t *testing.T) {
	t.Parallel()
	a, c := funnel(t)
	if _, err := c.(connectors.Pusher).Push(t.Context(), newStage("Telefon")); err != nil {
		t.Fatal(err)
	}
	elsewhere := newStage("Qualification")
	elsewhere.Parent = "Gone"
	nowhere := newStage("Qualification")
	nowhere.Parent = ""
	named := moveStage("Telefon", "1")
	named.Set = set(pair("display_value", txt("Inaczej")))
	for name, tt := range map[string]struct {
		e    connectors.Edit
		want fault.Kind
		says string
	}{
		"the account has none":      {newStage("Nowhere"), fault.Invalid, "Stage-Probability Mapping"},
		"it ends deals":             {newStage("Odmowa"), fault.Invalid, "Closed Lost"},
		"it is there":               {newStage("Telefon"), fault.Invalid, "already"},
		"the pipeline is gone":      {elsewhere, fault.NotFound, "Gone"},
		"no pipeline":               {nowhere, fault.NotFound, ""},
		"the stage is gone":         {moveStage("Qualification", "1"), fault.NotFound, "Qualification"},
		"no place":                  {moveStage("Telefon", "0"), fault.Invalid, "place"},
		"another name":              {named, fault.Invalid, "display_value"},
		"a probability":             {newStage("Qualification", pair("probability", num("10"))), fault.Invalid, "probability"},
		"no id":                     {connectors.Edit{Object: "Stages", ID: "Telefon", Set: set(pair("sequence_number", num("1")))}, fault.Invalid, "id of a stage"},
		"another name of a pipe":    {connectors.Edit{Object: "Pipelines", ID: "Sprzedaż", Set: set(pair("display_value", txt("Inna")))}, fault.Invalid, ""},
		"a pipeline without a name": {connectors.Edit{Object: "Pipelines", Set: set(pair("default", txt("true")))}, fault.Invalid, ""},
		"a pipeline that is there":  {connectors.Edit{Object: "Pipelines", Set: set(pair("display_value", txt("SPRZEDAŻ")))}, fault.Invalid, "DUPLICATE_DATA"},
		"a pipeline brought back":   {connectors.Edit{Object: "Pipelines", Undelete: true, Set: set(pair("display_value", txt("Inna")))}, fault.Invalid, ""},
	} {
		_, err := c.(connectors.Pusher).Push(t.Context(), tt.e)
		if fault.KindOf(err) != tt.want || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v (%v), want %v that says %q", name, err, fault.KindOf(err), tt.want, tt.says)
		}
	}
	if diff := cmp.Diff([]string{"Telefon", "Closed Won", "Closed Lost", "Closed Lost to Competition"}, a.stagesIn(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(a.pipelines(t, "#.id")); n != 2 {
		t.Errorf("there are %d pipelines, want two", n)
	}
}

// oddly answers as an account whose layouts and pipelines are given, and what it says
// of a change.
func oddly(t *testing.T, layouts, pipeline, written string, status int) (*fake, connectors.Pusher) {
	t.Helper()
	f := answers(t, func(method, path, _ string) (int, string) {
		switch {
		case method != http.MethodGet:
			return status, written
		case strings.Contains(path, "/settings/layouts"):
			return 200, `{"layouts":[` + layouts + `]}`
		case strings.Contains(path, "/settings/fields"):
			return 200, threeStages
		}
		return 200, `{"pipeline":[` + pipeline + `]}`
	})
	return f, f.connect(t).(connectors.Pusher)
}

const (
	// threeStages are the account's, of which one is used no more.
	threeStages = `{"fields":[{"api_name":"Stage","data_type":"picklist","pick_list_values":[{"id":"1","display_value":"A","actual_value":"A","forecast_type":"Open","type":"used"},
		{"id":"2","display_value":"Z","actual_value":"Z","forecast_type":"Closed Won","type":"used"},{"id":"3","display_value":"Y","actual_value":"Y","forecast_type":"Closed Lost","type":"unused"}]}]}`
	standard = `{"id":"10","generated_type":"default"}`
	onePipe  = `{"id":"20","display_value":"P","actual_value":"P","default":true,"maps":[{"id":"2","display_value":"Z","actual_value":"Z","sequence_number":1,"forecast_type":"Closed Won"}]}`
)

// TestPipelinesOfOddAccounts: what the vendor says decides, not its status; and where
// the account leaves it open where a pipeline belongs, none is made.
func TestPipelinesOfOddAccounts(t *testing.T) {
	t.Parallel()
	said := func(code string) string {
		return `{"pipeline":[{"code":"` + code + `","details":{"api_name":"display_value","json_path":"$.pipeline[0].display_value"},"message":"no","status":"error"}]}`
	}
	made := `{"pipeline":[{"code":"SUCCESS","details":{"id":"20"},"message":"made","status":"success"}]}`
	for name, tt := range map[string]struct {
		layouts, pipeline, written string
		status                     int
		want                       fault.Kind
		asked                      string // of the layout
	}{
		"a refusal with 200":          {standard, onePipe, said("DUPLICATE_DATA"), 200, fault.Invalid, "10"},
		"a refusal with 201":          {standard, onePipe, said("INVALID_DATA"), 201, fault.Invalid, "10"},
		"no right":                    {standard, onePipe, `{"code":"NO_PERMISSION","details":{},"message":"no","status":"error"}`, 403, fault.Forbidden, "10"},
		"made and not shown":          {standard, onePipe, `{"pipeline":[{"code":"SUCCESS","details":{"id":"99"},"message":"made","status":"success"}]}`, 201, fault.Temporary, "10"},
		"an answer of another form":   {standard, onePipe, `{"pipeline":[]}`, 201, fault.Temporary, "10"},
		"the standard one of several": {`{"id":"11","generated_type":"custom"},` + standard, onePipe, made, 201, 0, "10"},
		"the only one":                {`{"id":"11","generated_type":"custom"}`, onePipe, made, 201, 0, "11"},
		"several":                     {`{"id":"11","generated_type":"custom"},{"id":"12","generated_type":"custom"}`, onePipe, made, 201, fault.Invalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, p := oddly(t, tt.layouts, tt.pipeline, tt.written, tt.status)
			_, err := p.Push(t.Context(), connectors.Edit{Object: "Pipelines", Set: set(pair("display_value", txt("P")))})
			if tt.want == 0 && err != nil || tt.want != 0 && fault.KindOf(err) != tt.want {
				t.Errorf("error %v (%v), want %v", err, fault.KindOf(err), tt.want)
			}
			writes := slices.DeleteFunc(f.asked, func(s string) bool { return strings.HasPrefix(s, "GET") })
			want := []string{}
			if tt.asked != "" {
				want = []string{"POST /crm/v8/settings/pipeline?layout_id=" + tt.asked}
			}
			if diff := cmp.Diff(want, writes); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFirstPipeline: an account that has none yet ends its deals in all of its stages
// that do.
func TestFirstPipeline(t *testing.T) {
	t.Parallel()
	var body string
	f := answers(t, func(method, path, sent string) (int, string) {
		switch {
		case method == http.MethodPost:
			body = sent
			return 201, `{"pipeline":[{"code":"SUCCESS","details":{"id":"20"},"message":"made","status":"success"}]}`
		case strings.Contains(path, "/settings/layouts"):
			return 200, `{"layouts":[` + standard + `]}`
		case strings.Contains(path, "/settings/fields"):
			return 200, threeStages
		case body == "":
			return 204, ""
		}
		return 200, `{"pipeline":[` + onePipe + `]}`
	})
	if _, err := f.connect(t).(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Pipelines", Set: set(pair("display_value", txt("P")))}); err != nil {
		t.Fatal(err)
	}
	want := `{"pipeline":[{"display_value":"P","maps":[{"display_value":"Z","id":"2","sequence_number":1}]}]}`
	if diff := cmp.Diff(readJSON(t, want), readJSON(t, body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestChangesNameAllThatStays: the stages of a pipeline, those that end deals among
// them, and that it is the default one, if it is.
func TestChangesNameAllThatStays(t *testing.T) {
	t.Parallel()
	for preset, want := range map[string]string{`"default":true,`: `"default":true,`, `"default":false,`: "", "": ""} {
		var body string
		pipe := `{"id":"20","display_value":"P","actual_value":"P",` + preset + `"maps":[{"id":"2","display_value":"Z","actual_value":"Z","sequence_number":1,"forecast_type":"Closed Won"}]}`
		f := answers(t, func(method, path, sent string) (int, string) {
			switch {
			case method == http.MethodPut:
				body = sent
				return 200, `{"pipeline":[{"code":"SUCCESS","details":{"id":"20"},"message":"changed","status":"success"}]}`
			case strings.Contains(path, "/settings/layouts"):
				return 200, `{"layouts":[` + standard + `]}`
			case strings.Contains(path, "/settings/fields"):
				return 200, threeStages
			}
			return 200, `{"pipeline":[` + pipe + `]}`
		})
		e := connectors.Edit{Object: "Stages", Parent: "P", Set: set(pair("display_value", txt("A")))}
		if _, err := f.connect(t).(connectors.Pusher).Push(t.Context(), e); fault.KindOf(err) != fault.Temporary { // the fake does not show it
			t.Errorf("error %v (%v), want that nobody knows", err, fault.KindOf(err))
		}
		all := `{"pipeline":[{"display_value":"P",` + want + `"maps":[{"display_value":"A","id":"1","sequence_number":1},{"display_value":"Z","id":"2","sequence_number":2}]}]}`
		if diff := cmp.Diff(readJSON(t, all), readJSON(t, body)); diff != "" {
			t.Errorf("with %q (-want +got):\n%s", preset, diff)
		}
	}
}

// TestChoicesAtOnce: of more choices than Zoho takes in one request nothing is sent,
// for a new field and for one that is there.
func TestChoicesAtOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprint("R", i))
	}
	f := answers(t, func(string, string, string) (int, string) { return 500, "" })
	for _, e := range []connectors.Edit{
		{Object: "Deals_Fields", ID: "Reason_For_Loss__s", Set: set(pair("options", labels(names...)))},
		{Object: "Deals_Fields", Set: set(pair("field_label", txt("F")), pair("data_type", txt("picklist")), pair("options", labels(names...)))},
	} {
		if _, err := f.connect(t).(connectors.Pusher).Push(t.Context(), e); fault.KindOf(err) != fault.Invalid || len(f.asked) > 0 {
			t.Errorf("%q: error %v after %q, want that it is refused before any call", e.ID, err, f.asked)
		}
	}
}

// TestPipelinesOfOneName: layouts may have pipelines of one name, each with stages of
// its own. Deals name the pipeline alone, so that it has the stages of all, and the
// outcomes.
func TestPipelinesOfOneName(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	for name, forecast := range map[string]string{"Telefon": "Open", "Oględziny": "Open", "Odmowa": "Closed Lost"} {
		if err := a.SetStage(name, forecast, 15); err != nil {
			t.Fatal(err)
		}
	}
	const name = "Standard (Standard)"
	records := func() map[string]connectors.Record {
		t.Helper()
		out := map[string]connectors.Record{}
		for _, object := range []string{"Pipelines", "Stage_Outcomes"} {
			pages, err := pull(t, c, object, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range pages[0].Records {
				if _, twice := out[r.Object+" "+r.ID]; twice {
					t.Errorf("%s %s comes twice", r.Object, r.ID)
				}
				out[r.Object+" "+r.ID] = r
			}
		}
		return out
	}
	before := records()
	if err := a.AddLayout("Serwis", name, "Telefon", "Qualification", "Oględziny", "Odmowa"); err != nil {
		t.Fatal(err)
	}
	after := records()
	for _, stage := range []string{"Telefon", "Oględziny"} {
		if r := after["Stages "+name+"|"+stage]; r.Parent != name {
			t.Errorf("%s is no stage: %+v", stage, r)
		}
	}
	if len(after) != len(before)+2 {
		t.Errorf("%d records, before there was another layout %d: two stages are new", len(after), len(before))
	}
	outcomes := func(r connectors.Record) map[string]string {
		t.Helper()
		v, err := c.(connectors.Decoder).Decode(r.Object, r.Shape, r.Raw)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, o := range v.Get("options").Items {
			id := o.Fields[0].Value.Text
			if out[id] != "" {
				t.Errorf("%s has two outcomes", id)
			}
			out[id] = o.Fields[1].Value.Text
		}
		return out
	}
	want := outcomes(before["Stage_Outcomes "+name])
	for stage, forecast := range map[string]string{"Telefon": "Open", "Oględziny": "Open", "Odmowa": "Closed Lost"} {
		want[name+"|"+stage], want["|"+stage] = forecast, forecast // it is the default one
	}
	if diff := cmp.Diff(want, outcomes(after["Stage_Outcomes "+name])); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	deal := a.add(t, "Deals")
	if _, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Deals", ID: deal, Set: set(pair("stage_key", txt(name+"|Telefon")))}); err != nil {
		t.Error(err)
	}
	r, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Stages", ID: name + "|Oględziny", Set: set(pair("sequence_number", num("1")))})
	if err != nil || r.ID != name+"|Oględziny" {
		t.Errorf("moved: %s, error %v", r.ID, err)
	}
	if v, err := c.(connectors.Decoder).Decode(r.Object, r.Shape, r.Raw); err != nil || v.Get("sequence_number").Text != "1" {
		t.Errorf("its place is %s (%v)", v.Get("sequence_number").Text, err)
	}
}
