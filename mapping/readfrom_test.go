package mapping

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCodesOf(t *testing.T) {
	t.Parallel()
	m := MustCompile(t, "", account())
	for _, c := range []struct {
		kind, field string
		want        []string
	}{
		{"deals", "amount", []string{"value"}},
		{"deals", "lost_reason", []string{"lost_reason"}},
		{"deals", "company_id", []string{"org_id"}},
		{"companies", "country", []string{"address"}},
		{"people", "emails", []string{"emails"}},
		{"deal_items", "deal_id", []string{"deal_id"}}, // or the parent's, which is no field
		{"fields", "object", nil},                      // a constant
		{"deals", "no_such", nil},
		{"reps", "active", []string{"activated", "active_flag"}},
	} {
		if d := cmp.Diff(c.want, m.CodesOf(c.kind, c.field)); d != "" {
			t.Errorf("%s.%s (-want +got)\n%s", c.kind, c.field, d)
		}
	}
	m = MustCompile(t, "objects: {deals: {fields: {lost_reason: {first_of: [{custom: Segment, as: label}, lost_reason]}}}}", account())
	if d := cmp.Diff([]string{"c1", "lost_reason"}, m.CodesOf("deals", "lost_reason")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestKept(t *testing.T) {
	t.Parallel()
	var codes []string
	d := NewDictionary(append(account().Fields(), FieldDef{Kind: "deals", Code: "channel", Name: "Source channel", Type: "enum"},
		FieldDef{Kind: "deals", Code: "local_won_date", Name: "Won on", Type: "date"}, FieldDef{Kind: "people", Code: "p", Name: "P", Custom: true}))
	for _, def := range MustCompile(t, "", d).Kept("deals") {
		codes = append(codes, def.Code)
	}
	// Neither what a canonical field has nor what the map ignores.
	if d := cmp.Diff([]string{"c1", "c2", "c3", "c4", "channel"}, codes); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
