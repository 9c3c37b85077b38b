package pipedrive

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
)

// TestDemands writes when a field is demanded as the document has it, and refuses
// what says nothing.
func TestDemands(t *testing.T) {
	t.Parallel()
	value := func(text string) connectors.Value {
		v, err := newDialect().Decode(dealFields, shapeV2, []byte(`{"field_code":"c","required_fields":`+text+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return v.Get(keyRequired)
	}
	for text, want := range map[string]string{
		`{"enabled":true,"stage_ids":[5,6],"statuses":{"1":["won","lost"],"2":[]}}`: `{"enabled":true,"stage_ids":[5,6],"statuses":{"1":["won","lost"],"2":[]}}`,
		`{"enabled":false,"stage_ids":[],"statuses":{}}`:                            `{"enabled":false,"stage_ids":[],"statuses":{}}`,
		`{"enabled":true}`:                                `{"enabled":true,"statuses":{}}`,
		`{"stage_ids":[5]}`:                               "",
		`{"enabled":"yes"}`:                               "",
		`{"enabled":true,"stage_ids":["five"]}`:           "",
		`{"enabled":true,"statuses":{"1":"won"}}`:         "",
		`{"enabled":true,"statuses":{"1":[{"a":"won"}]}}`: "",
		`7`: "",
	} {
		got := ""
		if v, ok := demandOf(value(text)); ok {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
}
