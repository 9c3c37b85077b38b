package zoho

import (
	"strings"
	"testing"
)

// FuzzCOQL: whatever is asked, the parser neither breaks nor takes what it cannot run.
func FuzzCOQL(f *testing.F) {
	for _, q := range []string{
		"select id from Deals where id > 1", "select a.b, c from D where ((a = 'x' and b in (1,2)) or c is not null) order by a desc, b limit 5 offset 2",
		"SELECT x FROM y WHERE z not between 1 and 2", "select ' from", "select a from b where a like '%\\'%'", "select", "((((", "select a from b where c = 'Ж'",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseCOQL(text)
		if err != nil {
			if e, ok := err.(*refusal); !ok || e.code == "" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if len(q.fields) == 0 || q.module == "" || q.where == nil || q.limit > maxRows {
			t.Errorf("%q was taken as %+v", text, q)
		}
		if !strings.Contains(strings.ToLower(text), "select") {
			t.Errorf("%q was taken without select", text)
		}
	})
}
