package zoho_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
)

// demandedBy reads what definitions of deals say is demanded, where layouts are
// answered so.
func demandedBy(t *testing.T, status int, layouts string) map[string]string {
	t.Helper()
	const fields = `{"fields":[{"api_name":"Deal_Name","data_type":"text","system_mandatory":true},{"api_name":"Amount","data_type":"currency","system_mandatory":false},
		{"api_name":"Budget","data_type":"text","system_mandatory":false},{"api_name":"Rare","data_type":"text"}]}`
	f := answers(t, func(_, path, _ string) (int, string) {
		if strings.Contains(path, "/settings/layouts") {
			return status, layouts
		}
		return 200, fields
	})
	c := f.connect(t)
	pages, err := pull(t, c, "Deals_Fields", "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, page := range pages {
		for _, r := range page.Records {
			v, err := c.(connectors.Decoder).Decode(r.Object, r.Shape, r.Raw)
			if err != nil {
				t.Fatal(err)
			}
			if d := v.Get("required_always"); len(d.Fields) == 1 {
				out[r.ID] = d.Fields[0].Value.Text
			}
		}
	}
	return out
}

// TestWhatLayoutsDemand: a field is demanded if every layout in use demands it, and
// those that the vendor itself demands are whatever layouts say.
func TestWhatLayoutsDemand(t *testing.T) {
	t.Parallel()
	layout := func(id, status, kind string, demanded ...string) string {
		var fields []string
		for _, name := range []string{"Deal_Name", "Amount", "Budget", "Rare"} {
			required := `false`
			for _, d := range demanded {
				if d == name {
					required = `true`
				}
			}
			fields = append(fields, `{"api_name":"`+name+`","system_mandatory":false,"required":`+required+`}`)
		}
		return `{"id":"` + id + `","status":"` + status + `","sections":[{"type":"` + kind + `","fields":[` + strings.Join(fields, ",") + `]}]}`
	}
	vendors := map[string]string{"Deal_Name": "true", "Amount": "false", "Budget": "false"}
	for name, tt := range map[string]struct {
		status  int
		layouts []string
		want    map[string]string
	}{
		"one":                       {200, []string{layout("1", "active", "used", "Amount", "Rare")}, map[string]string{"Deal_Name": "true", "Amount": "true", "Budget": "false", "Rare": "true"}},
		"one of two":                {200, []string{layout("1", "active", "used", "Amount"), layout("2", "active", "used", "Budget")}, vendors},
		"both of two":               {200, []string{layout("1", "active", "used", "Amount"), layout("2", "active", "used", "Budget", "Amount")}, map[string]string{"Deal_Name": "true", "Amount": "true", "Budget": "false"}},
		"one that is not used":      {200, []string{layout("1", "inactive", "used"), layout("2", "active", "used", "Budget")}, map[string]string{"Deal_Name": "true", "Amount": "false", "Budget": "true"}},
		"only in what is not shown": {200, []string{layout("1", "active", "unused", "Budget")}, vendors},
		"none in use":               {200, []string{layout("1", "inactive", "used", "Budget")}, vendors},
		"no layouts":                {http.StatusNoContent, nil, vendors},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, demandedBy(t, tt.status, `{"layouts":[`+strings.Join(tt.layouts, ",")+`]}`)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
