package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// aboutClients is a book that asks for what is known of people and companies.
const aboutClients = `
book: 1
name: Clients
calendars: [{id: o, zone: UTC}]
funnels: [{id: homes, name: Homes, crm: [{pipeline: Жильё}], stages: [{id: in, name: Заявка}]}]
leads: {entry_data: [person.Phone]}
standard:
  - {id: role, text: His role is known, must: {required: [person.Роль]}}
  - {id: branch, text: The branch is known, must: {cel: "field('company.industry') != ''"}}
  - {id: named, text: The person is called something, must: {field: {name: person.First name, is_not: [Nobody]}}}
won: {criteria: [{required: [person.role code, company.Website]}]}
`

// clients is a company that has been read, and the book about its clients.
func clients(t *testing.T) (b *bundle, draft *book.Book, role string) {
	t.Helper()
	b = setup(t, 150, pipedrive.Options{})
	if _, err := b.sim.Do(1, "POST", "/api/v2/personFields", map[string]any{"field_name": "Роль", "field_type": "varchar"}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	role = one[string](t, b, `SELECT code FROM fields WHERE name = 'Роль'`)
	draft = b.activate(t, strings.Replace(aboutClients, "role code", role, 1))
	b.standStill(t)
	b.evaluate(t)
	return b, draft, role
}

// TestWhatIsKnownOfClientsReachesTheirDeals changes people and companies, and never
// a deal or lead.
func TestWhatIsKnownOfClientsReachesTheirDeals(t *testing.T) {
	t.Parallel()
	const client = `SELECT d.person_id::int FROM deals d JOIN people p ON p.external_id = d.person_id WHERE d.status = $1 AND d.deleted_at IS NULL AND NOT d.archived GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`
	patch := func(t *testing.T, b *bundle, path string, id int, change map[string]any) {
		t.Helper()
		if _, err := b.sim.Do(1, "PATCH", fmt.Sprintf("/api/v2/%s/%d", path, id), change); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		kind   string
		change func(t *testing.T, b *bundle, role string)
	}{
		"a person's own field": {"people", func(t *testing.T, b *bundle, role string) {
			patch(t, b, "persons", one[int](t, b, client, "open"), map[string]any{"custom_fields": map[string]any{role: "decides"}})
		}},
		"a person's first name": {"people", func(t *testing.T, b *bundle, _ string) {
			patch(t, b, "persons", one[int](t, b, client, "open"), map[string]any{"name": "Nobody Knows"})
		}},
		"a person of a won deal": {"people", func(t *testing.T, b *bundle, role string) {
			company := one[int](t, b, `SELECT d.company_id::int FROM deals d JOIN companies c ON c.external_id = d.company_id WHERE d.status = 'won' AND d.person_id IS NOT NULL ORDER BY d.external_id LIMIT 1`)
			person := one[int](t, b, `SELECT d.person_id::int FROM deals d WHERE d.status = 'won' AND d.company_id = $1::text AND d.person_id IS NOT NULL ORDER BY d.external_id LIMIT 1`, fmt.Sprint(company))
			patch(t, b, "organizations", company, map[string]any{"website": "firma.example"})
			patch(t, b, "persons", person, map[string]any{"custom_fields": map[string]any{role: "pays"}})
		}},
		"a company's industry": {"companies", func(t *testing.T, b *bundle, _ string) {
			company := one[int](t, b, `SELECT d.company_id::int FROM deals d JOIN companies c ON c.external_id = d.company_id WHERE d.status = 'open' AND d.deleted_at IS NULL AND c.custom->>'industry' IS NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`)
			option := one[int](t, b, `SELECT (options->0->>'id')::int FROM fields WHERE object = 'companies' AND code = 'industry'`)
			patch(t, b, "organizations", company, map[string]any{"industry": option})
		}},
		"a lead's person has a phone no more": {"people", func(t *testing.T, b *bundle, _ string) {
			person := one[int](t, b, `SELECT l.person_id::int FROM leads l JOIN people p ON p.external_id = l.person_id WHERE p.phones IS NOT NULL AND NOT l.archived ORDER BY 1 LIMIT 1`)
			patch(t, b, "persons", person, map[string]any{"phones": []any{}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, draft, role := clients(t)
			before := b.stored(t)
			b.Pipeline.Now = time.Now
			test.change(t, b, role)
			b.pull(t)
			// The CRM may have counted something on the deals; what is left is the client.
			one[int](t, b, `WITH d AS (DELETE FROM dirty WHERE kind IN ('deals', 'leads', 'connections') RETURNING 1) SELECT count(*) FROM d`)
			if n := one[int](t, b, `SELECT count(*) FROM dirty WHERE kind = $1`, test.kind); n == 0 {
				t.Fatalf("none of the %s is dirty", test.kind)
			}
			b.standStill(t)
			b.evaluate(t)
			got := b.stored(t)
			if d := cmp.Diff(b.recomputed(t, draft), got); d != "" {
				t.Errorf("(-recomputed +stored):\n%.2000s", d)
			}
			if cmp.Equal(before, got) {
				t.Error("nothing changed, which proves nothing")
			}
		})
	}
}

// TestADealIsAboutSomebodyElse: what was known before of the other one is assumed.
func TestADealIsAboutSomebodyElse(t *testing.T) {
	t.Parallel()
	b, draft, role := clients(t)
	deal := one[int](t, b, `SELECT external_id::int FROM violations v JOIN deals d USING (external_id) WHERE v.rule = 'role' AND d.person_id IS NOT NULL AND v.mended_at IS NULL ORDER BY 1 LIMIT 1`)
	other := one[int](t, b, `SELECT external_id::int FROM people WHERE external_id NOT IN (SELECT person_id FROM deals WHERE person_id IS NOT NULL) ORDER BY 1 LIMIT 1`)
	b.Pipeline.Now = time.Now
	change := map[string]any{"custom_fields": map[string]any{role: "decides"}}
	if _, err := b.sim.Do(1, "PATCH", fmt.Sprintf("/api/v2/persons/%d", other), change); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sim.Do(1, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"person_id": other}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	b.standStill(t)
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
		t.Errorf("(-recomputed +stored):\n%.2000s", d)
	}
	open := `SELECT count(*) FROM violations WHERE rule = 'role' AND external_id = $1 AND mended_at IS NULL AND closed_at IS NULL`
	if n := one[int](t, b, open, fmt.Sprint(deal)); n != 0 {
		t.Error("the deal is broken still, though the other person's role is known")
	}
	for _, table := range []string{"deals", "people"} { // they are long known
		one[int](t, b, `WITH u AS (UPDATE `+table+` SET first_seen_at = now() - interval '1 day' RETURNING 1) SELECT count(*) FROM u`)
	}
	moved := one[time.Time](t, b, `SELECT max(at) FROM changes WHERE kind = 'deals' AND external_id = $1 AND fields ? 'person_id'`, fmt.Sprint(deal))
	found, err := b.Explain(t.Context(), b.ws, false, fmt.Sprint(deal), "", moved.Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(found.Judgement.Verdicts, func(v book.Verdict) bool { return v.Rule == "role" })
	if i < 0 || !found.Judgement.Verdicts[i].Assumed {
		t.Errorf("a minute before, what is known of the person is not assumed: %+v", found.Judgement.Verdicts)
	}
}

// TestNobodyLooksAtClientsWithoutNeed: a book that does not ask for them has none
// of their fields in its facts, and no deal is judged because of them.
func TestNobodyLooksAtClientsWithoutNeed(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	b.activate(t, few)
	b.evaluate(t)
	person := one[int](t, b, `SELECT person_id::int FROM deals WHERE status = 'open' AND person_id IS NOT NULL ORDER BY 1 LIMIT 1`)
	if _, err := b.sim.Do(1, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": "Кто-то другой"}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	one[int](t, b, `WITH d AS (DELETE FROM dirty WHERE kind <> 'people' RETURNING 1) SELECT count(*) FROM d`)
	if n, err := b.Evaluate(t.Context(), b.ws); n != 0 || err != nil {
		t.Errorf("%d subjects were judged, %v", n, err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM dirty`); n != 0 {
		t.Errorf("%d marks are left", n)
	}
	err := b.JudgeStored(t.Context(), b.ws, parseBook(t, few), b.Now(), func(f *book.Facts, _ *book.Judgement) {
		for name := range f.Fields {
			if strings.HasPrefix(name, book.OfPerson) || strings.HasPrefix(name, book.OfCompany) {
				t.Errorf("%s stands in the facts of %s", name, f.ID)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}
