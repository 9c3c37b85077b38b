package jobs_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestErasureKeepsWhatOnlyLooksLikeANumber: an id, a day and an amount have the
// same eight digits as his number.
func TestErasureKeepsWhatOnlyLooksLikeANumber(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	field := b.field(t, "double")
	person := b.contact(t, "Mette Holm", "", "+45 20 24 05 12")
	deal := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "tlf. 20 24 05 12", "value": 20240512, "currency": "EUR", "expected_close_date": "2024-05-12",
		"custom_fields": map[string]any{field: 20240512}})
	b.pull(t)
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"value": 1})
	b.pull(t)
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"value": 20240512})
	b.pull(t)
	b.in(t, func(tx pgx.Tx) error {
		for _, sql := range []string{`UPDATE deals SET external_id = '20240512'`, `UPDATE records SET external_id = '20240512' WHERE object = 'deals'`, `UPDATE changes SET external_id = '20240512' WHERE kind = 'deals'`} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	})
	row := `SELECT external_id || ' ' || title || ' ' || amount || ' ' || expected_close || ' ' || (custom ->> '` + field + `') FROM deals`
	if got, want := one[string](t, b, row), "20240512 tlf. 20 24 05 12 20240512 2024-05-12 20240512"; got != want {
		t.Fatalf("the deal is %q, want %q: the test proves nothing", got, want)
	}
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false); err != nil {
		t.Fatal(err)
	}
	want := "20240512 tlf. [erased] 20240512 2024-05-12 [erased]"
	if d := cmp.Diff(want, one[string](t, b, row)); d != "" {
		t.Errorf("the deal (-want +got):\n%s", d)
	}
	changes := `SELECT string_agg(DISTINCT (fields -> 'amount' ->> 'old') || ' ' || (fields -> 'amount' ->> 'new'), ', ') FROM changes WHERE fields ? 'amount'`
	if got := one[string](t, b, changes); got != "1 20240512, 20240512 1" {
		t.Errorf("changes of the amount are %q", got)
	}
	if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || len(r.Differences) != 0 || r.Quarantined != 0 {
		t.Errorf("the record says otherwise than the row: %+v: %v", r, err)
	}
	if d := cmp.Diff(want, one[string](t, b, row)); d != "" {
		t.Errorf("the deal after a replay (-want +got):\n%s", d)
	}
}

// field makes a custom field of deals and returns its code.
func (b *bundle) field(t *testing.T, kind string) string {
	t.Helper()
	answer, err := b.sim.Do(1, "POST", "/api/v2/dealFields", map[string]any{"field_name": "Contact", "field_type": kind})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data struct {
			Code string `json:"field_code"`
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil || got.Data.Code == "" {
		t.Fatalf("%v: %s", err, answer)
	}
	return got.Data.Code
}

// TestDictionariesForgetErasedPersons: they are made of the first record of a
// kind, and stay as they are when that one loses something.
func TestDictionariesForgetErasedPersons(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person := b.contact(t, hisName, hisEmail, hisPhone)
	// Written otherwise than his record has it, escaped, and cut off where a
	// dictionary ends.
	deal := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "tel. 601\t777\t314"})
	b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": "tel. 601-777-314", "deal_id": deal})
	b.tell(t, "POST", "/api/v2/activities", map[string]any{"subject": "Spotkanie", "type": "call", "note": strings.Repeat("x", 15<<10) + " 601.777.314 " + strings.Repeat("y", 3<<10), "deal_id": deal})
	b.pull(t)
	b.forgets(t, person, "601-777-314", `601\\t777\\t314`, "601.777.314", hisEmail)
	b.in(t, resetAll(t, b))
	b.pull(t)
	b.nowhere(t, "after everything was read again")
	if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || !r.Complete || len(r.Differences) != 0 {
		t.Errorf("replay: %+v: %v", r, err)
	}
	for object, f := range found(b.sweep(t, jobs.SweepOptions{})) {
		t.Errorf("a sweep takes the erasure for drift: %s %+v", object, f)
	}
}

// TestDictionariesForgetWhatAnErasedPersonWas: he was called otherwise when his
// record became a dictionary, and nobody knows that any more.
func TestDictionariesForgetWhatAnErasedPersonWas(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person := b.contact(t, hisName, hisEmail, hisPhone)
	b.pull(t)
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": "Bo", "phones": []any{}, "emails": []any{}})
	b.contact(t, "Anna Nowak", "anna@example.pl", "")
	b.pull(t)
	b.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), `DELETE FROM changes`); return err })
	b.forgets(t, person, hisEmail)
	if all := one[string](t, b, dictionaries); strings.Contains(all, `"Bo"`) || !strings.Contains(all, "anna@") {
		t.Errorf("the new dictionary is made of his own record: %s", all)
	}
}

const dictionaries = `SELECT string_agg(encode(content, 'escape'), ' ') FROM dictionaries`

// forgets erases a person and wants dictionaries to hold these texts before and
// not after.
func (b *bundle) forgets(t *testing.T, person int64, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if all := one[string](t, b, dictionaries); !strings.Contains(all, s) {
			t.Fatalf("no dictionary holds %s, the test proves nothing: %s", s, all)
		}
	}
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false); err != nil {
		t.Fatal(err)
	}
	for _, s := range texts {
		if strings.Contains(one[string](t, b, dictionaries), s) {
			t.Errorf("a dictionary still holds %s", s)
		}
	}
}
