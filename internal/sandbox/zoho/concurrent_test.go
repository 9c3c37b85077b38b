package zoho

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// TestConcurrentUse lets readers and writers meet; the race detector judges.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Dir: t.TempDir()})
	if err := b.Generate(1, ScaleOf(30)); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 10 {
				for _, path := range []string{
					"Deals?fields=Deal_Name&sort_by=Modified_Time", "Deals/deleted", "settings/fields?module=Deals", "users", "Notes?fields=Note_Content",
				} {
					if a := b.get("/crm/v8/" + path); a.status != 200 && a.status != 204 {
						t.Errorf("%s: %d %s", path, a.status, a.body)
					}
				}
				if a := b.query("select id from Deals where id is not null"); a.status != 200 {
					t.Errorf("query: %d", a.status)
				}
			}
		})
	}
	// One at a time: two would take each other's records away.
	group.Go(func() {
		if _, err := b.Trickle(rand.New(rand.NewPCG(1, 1)), 80); err != nil {
			t.Error(err)
		}
	})
	group.Go(func() {
		for i := range 5 {
			if a := b.send("POST", "/crm/v8/settings/fields?module=Deals", object{"fields": []object{{"field_label": fmt.Sprintf("F %d", i), "data_type": "text"}}}); a.status != 201 {
				t.Errorf("field: %d %s", a.status, a.body)
			}
		}
	})
	group.Wait()
}
