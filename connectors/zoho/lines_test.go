package zoho_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
)

// TestTextsAreWrittenAsPeopleReadThem: fields of several lines show markup as it
// stands.
func TestTextsAreWrittenAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	a, _, c := connected(t, nil)
	deal := a.add(t, "Deals")
	for name, tt := range map[string]struct{ text, want string }{
		"a page": {
			"<p>Cofnięto.</p><p><b>Dlaczego</b></p><ul><li><b>Brak budżetu &amp; daty</b><br>Zadbaj o to<br><a href=\"https://x.pl/?a=1&amp;b=2\">https://x.pl/?a=1&amp;b=2</a></li><li>Drugie</li></ul><p>Sales Book · sb-1</p>",
			"Cofnięto.\n\nDlaczego\n\nBrak budżetu & daty\nZadbaj o to\nhttps://x.pl/?a=1&b=2\nDrugie\n\nSales Book · sb-1",
		},
		"what looks like markup": {"<p>mniej &lt;b&gt; niż 5 &amp;lt; sb-1</p>", "mniej <b> niż 5 &lt; sb-1"},
		"no markup":              {"a < b && c > d\n\n\n  &amp; sb-1", "a < b && c > d\n\n\n  &amp; sb-1"},
	} {
		r, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Notes", Mark: "sb-1", Set: set(pair("Note_Content", txt(tt.text)), pair("related_Deals", txt(deal)))})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, gjson.GetBytes(r.Raw, "Note_Content").Str); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	r, err := c.(connectors.Pusher).Push(t.Context(), connectors.Edit{Object: "Tasks", Mark: "sb-2", Set: set(pair("Subject", txt("Oddzwonić")), pair("Description", txt("<ul><li>Budżet</li></ul><p>sb-2</p>")), pair("related_Deals", txt(deal)))})
	if err != nil || !strings.Contains(string(r.Raw), `"Budżet\n\nsb-2"`) {
		t.Errorf("a task is %s (%v)", r.Raw, err)
	}
}
