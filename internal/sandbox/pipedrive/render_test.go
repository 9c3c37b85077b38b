package pipedrive

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameAsEncodingJSON renders records both ways.
func sameAsEncodingJSON[T any](t *testing.T, k kind[T]) {
	t.Helper()
	for _, r := range k.rows {
		v := k.load(r)
		want, err := marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(want, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(k.render(v).json, &b); err != nil {
			t.Fatalf("%s %d: %v in %s", k.name, r.id, err, k.render(v).json)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("%s %d: encoding/json and the plan differ (-json +plan):\n%s", k.name, r.id, diff)
		}
	}
}

func TestPlansRenderAsEncodingJSON(t *testing.T) {
	t.Parallel()
	b := generated(t, 60)
	b.one("PATCH", "/api/v2/deals/1", object{"title": "quotes \" back\\slash\nline — ć <b>&"})
	sameAsEncodingJSON(t, b.users)
	sameAsEncodingJSON(t, b.pipelines)
	sameAsEncodingJSON(t, b.stages)
	sameAsEncodingJSON(t, b.activityTypes)
	sameAsEncodingJSON(t, b.organizations)
	sameAsEncodingJSON(t, b.persons)
	sameAsEncodingJSON(t, b.products)
	sameAsEncodingJSON(t, b.deals)
	sameAsEncodingJSON(t, b.items)
	sameAsEncodingJSON(t, b.histories)
	sameAsEncodingJSON(t, b.leads)
	sameAsEncodingJSON(t, b.leadLabels)
	sameAsEncodingJSON(t, b.activities)
	sameAsEncodingJSON(t, b.notes)
	for _, object := range fieldObjects() {
		sameAsEncodingJSON(t, b.fields[object])
	}
}
