package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// contact makes a person known to the vendor's company; email and phone may be empty.
func (b *bundle) contact(t *testing.T, name, email, phone string) int64 {
	t.Helper()
	p := map[string]any{"name": name}
	if email != "" {
		p["emails"] = []any{map[string]any{"value": email, "primary": true}}
	}
	if phone != "" {
		p["phones"] = []any{map[string]any{"value": phone, "primary": true}}
	}
	return b.tell(t, "POST", "/api/v2/persons", p)
}

// TestAllRecordsOfAPersonAreErased: what pages would leave out from now on must
// not stay behind as it was.
func TestAllRecordsOfAPersonAreErased(t *testing.T) {
	t.Parallel()
	const second, third = "zelek@drugi.example.pl", "+48 502 111 222"
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	twin := b.contact(t, strings.ToUpper(hisName), second, hisPhone)
	cousin := b.contact(t, hisName, second, third) // known as his by what the twin has
	merged := b.contact(t, hisName, hisEmail, "")
	namesake := b.contact(t, hisName, "inny@example.pl", "")
	colleague := b.contact(t, "Anna Nowak", "", third)
	b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": "napisać na " + second + ", tel. " + third, "deal_id": 1})
	b.pull(t)
	b.receive(t)
	if _, err := b.sim.Do(1, "PUT", fmt.Sprintf("/api/v1/persons/%d/merge", merged), map[string]any{"merge_with_id": person}); err != nil {
		t.Fatal(err)
	}
	b.delivered(t)
	first := b.conn
	b.connectAnother(t, "second")
	elsewhere := b.contact(t, hisName, "", hisPhone)
	b.pull(t)
	if n := one[int](t, b, `SELECT count(*) FROM people WHERE deleted_at IS NOT NULL`); n != 1 {
		t.Fatalf("%d people are merged: the test proves nothing", n)
	}

	w := postgres.Wanted{Connection: first, ID: fmt.Sprint(person)}
	preview, err := b.Erase(t.Context(), b.ws, w, "test", true)
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.Erase(t.Context(), b.ws, w, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	preview.Done = true
	if d := cmp.Diff(preview, done); d != "" {
		t.Errorf("what was done differs from the preview (-preview +done):\n%s", d)
	}
	var got []string
	for _, p := range done.Persons {
		got = append(got, p.Connection+" "+p.ID)
	}
	slices.Sort(got)
	want := []string{fmt.Sprintf("crm %d", person), fmt.Sprintf("crm %d", twin), fmt.Sprintf("crm %d", cousin), fmt.Sprintf("crm %d", merged), fmt.Sprintf("second %d", elsewhere)}
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("persons (-want +got):\n%s", d)
	}
	kept := one[string](t, b, `SELECT string_agg(external_id, ' ' ORDER BY external_id::int) FROM people WHERE deleted_at IS NULL`)
	if d := cmp.Diff(fmt.Sprintf("%d %d", namesake, colleague), kept); d != "" {
		t.Errorf("people who are left (-want +got):\n%s", d)
	}
	b.nowhereAny(t, "after the erasure", []string{hisEmail, "601777314", second})
	b.conn = first
	b.nowhereAny(t, "after the erasure", []string{hisEmail, "601777314", second})
	if content := one[string](t, b, `SELECT content FROM notes WHERE deleted_at IS NULL`); content != "napisać na [erased], tel. [erased]" {
		t.Errorf("the note reads %q", content)
	}
}

// TestAFrozenRecordIsErasedByTheNextErasure: an erasure that was killed between
// two connections has left a record of his, and he himself is gone.
func TestAFrozenRecordIsErasedByTheNextErasure(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	b.pull(t)
	w := postgres.Wanted{ID: fmt.Sprint(person)}
	if _, err := b.Erase(t.Context(), b.ws, w, "test", false); err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO people (workspace_id, connection_id, external_id, name, emails, map_version) VALUES ($1, $2, '77', $3, $4, 0)`,
			b.ws, b.conn, hisName, []string{hisEmail})
		return err
	})
	r, err := b.Erase(t.Context(), b.ws, w, "test", false)
	if err != nil || !r.Done || len(r.Persons) != 2 {
		t.Fatalf("erased again: %+v, %v", r, err)
	}
	b.nowhere(t, "after the second erasure")
}

// TestWhatIsNewlyAboutAnErasedPerson: at the vendor he goes on, with new deals
// and under new ids.
func TestWhatIsNewlyAboutAnErasedPerson(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, first := b.acquaintAlone(t)
	old := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Działka"})
	b.pull(t)
	b.receive(t)
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false); err != nil {
		t.Fatal(err)
	}
	about := func(deal int64) {
		t.Helper()
		b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": hisName + " prosi o telefon", "deal_id": deal})
		b.tell(t, "POST", "/api/v2/activities", map[string]any{"subject": "Zadzwonić: " + hisName, "type": "call", "deal_id": deal})
		b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"title": "Dla " + hisName})
	}
	checked := func(when string, deals ...int64) {
		t.Helper()
		for _, d := range deals {
			title := one[string](t, b, `SELECT title FROM deals WHERE external_id = $1`, fmt.Sprint(d))
			notes := one[string](t, b, `SELECT COALESCE(string_agg(DISTINCT content, ', '), '') FROM notes WHERE deal_id = $1`, fmt.Sprint(d))
			calls := one[string](t, b, `SELECT COALESCE(string_agg(DISTINCT subject, ', '), '') FROM activities WHERE deal_id = $1`, fmt.Sprint(d))
			if got, want := title+"|"+notes+"|"+calls, "Dla [erased]|[erased] prosi o telefon|Zadzwonić: [erased]"; got != want {
				t.Errorf("%s: of deal %d is stored %q, want %q", when, d, got, want)
			}
		}
		if events := one[string](t, b, `SELECT COALESCE(string_agg(old_value || new_value, ' '), '') FROM deal_events`); strings.Contains(events, "Brzęczy") {
			t.Errorf("%s: his name is in the history: %s", when, events)
		}
	}

	made := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Dla " + hisName, "person_id": person})
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", old), map[string]any{"person_id": person})
	about(made) // read together with the deal
	b.delivered(t)
	checked("told by the same deliveries", made)
	about(old) // read by somebody who did not read the deal
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", first), map[string]any{"person_id": nil})
	about(first) // he is no longer linked to it
	b.delivered(t)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	checked("told by later deliveries", made, old, first)

	again := b.contact(t, hisName, hisEmail, "")
	b.delivered(t)
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", again), map[string]any{"emails": []any{}})
	his := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Nowy", "person_id": again})
	about(his)
	b.delivered(t)
	checked("under another id", made, old, first, his)
	if n := one[int](t, b, `SELECT count(*) FROM people WHERE external_id = $1`, fmt.Sprint(again)); n != 0 {
		t.Error("he came back because the record lost its address")
	}
	b.in(t, resetAll(t, b))
	b.pull(t)
	checked("read again", made, old, first, his)
	if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || len(r.Differences) != 0 {
		t.Errorf("replay: %+v: %v", r, err)
	}
	for object, f := range found(b.sweep(t, jobs.SweepOptions{})) {
		t.Errorf("a sweep takes the erasure for drift: %s %+v", object, f)
	}
}

// TestAStoredRecordThatBecomesAnErasedPersons: no page would touch it any more,
// so it may not stay as it was.
func TestAStoredRecordThatBecomesAnErasedPersons(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	namesake := b.contact(t, hisName, "inny@example.pl", "")
	b.pull(t)
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false); err != nil {
		t.Fatal(err)
	}
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", namesake), map[string]any{"phones": []any{map[string]any{"value": hisPhone, "primary": true}}})
	b.pull(t)
	got := one[string](t, b, `SELECT string_agg(external_id || ' ' || name || ' ' || deleted_why, ', ' ORDER BY external_id::int) FROM people`)
	if want := fmt.Sprintf("%d erased erased, %d erased erased", person, namesake); got != want {
		t.Errorf("people are %q, want %q", got, want)
	}
	if n := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'persons' AND raw IS NOT NULL`); n != 0 {
		t.Error("his record is still stored")
	}
}

func TestAPersonIsFoundByANumberWithoutItsCountry(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	estonian := b.contact(t, "Jaan Tamm", "", "+372 5123 4567")
	b.contact(t, "Ewa Kot", "", "+48 651 234 567") // only ends with the same digits
	swede := b.contact(t, "Nils Holm", "", "+46 46 12 34 56")
	pole := b.contact(t, "Jan Pies", "", "+48 601 777 314")
	b.pull(t)
	for phone, want := range map[string]int64{"51234567": estonian, "37251234567": estonian, "46123456": swede, "046123456": swede, "601777314": pole, "48601777314": pole} {
		r, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Phone: phone}, "test", true)
		if err != nil || len(r.Persons) != 1 || r.Persons[0].ID != fmt.Sprint(want) {
			t.Errorf("by %s was found %+v, %v, want %d", phone, r.Persons, err, want)
		}
	}
	for _, phone := range []string{"1234567", "651234"} {
		if r, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Phone: phone}, "test", true); fault.KindOf(err) != fault.NotFound {
			t.Errorf("by %s, a part of a number, was found %+v, %v", phone, r.Persons, err)
		}
	}
	b.contact(t, "Ola Berg", "", "+47 51 23 45 67")
	b.pull(t)
	if r, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Phone: "51234567"}, "test", true); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a number of two countries found %+v, %v", r.Persons, err)
	}
}
