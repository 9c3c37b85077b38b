package mapping_test

import (
	"testing"

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
