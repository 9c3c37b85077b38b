package jobs_test

import (
	"fmt"
	"strings"
	"testing"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// TestChaosKilledErasures kills an erasure at each boundary between its steps.
// Begun again, as an operator would with what he typed before, it takes all
// that is left.
func TestChaosKilledErasures(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	b.pull(t)
	b.receive(t)
	for i, die := range []struct {
		when   string
		always bool // also in `make test`
		boundary
	}{
		{"suppressed, but not committed", false, boundary{"commit", "INSERT INTO suppressions", 1}},
		{"suppressed, nothing erased", true, boundary{"committed", "INSERT INTO suppressions", 1}},
		{"leases taken, nothing erased", false, boundary{"statement", "UPDATE records r SET raw", 1}},
		{"in the middle of the records", true, boundary{"committed", "UPDATE records r SET raw", 2}},
		{"records done, rows not", false, boundary{"statement", "DELETE FROM deals t", 1}},
		{"rows done, deliveries not", true, boundary{"commit", "UPDATE inbox i SET body", 1}},
		{"deliveries done, changes not", false, boundary{"statement", "UPDATE changes c SET fields", 1}},
		{"changes done, he himself not", true, boundary{"committed", "UPDATE changes c SET fields", 1}},
		{"he himself is being erased", false, boundary{"commit", "UPDATE people SET name = 'erased'", 1}},
		{"he himself is erased, leases not released", true, boundary{"committed", "UPDATE people SET name = 'erased'", 1}},
	} {
		if !die.always && rounds() < 100 {
			continue
		}
		name, email := "Mścigniew "+word(i), fmt.Sprintf("%s@prywatny.example.pl", strings.ToLower(word(i)))
		phone := fmt.Sprintf("+48 60%d 31%d 27%d", i%10, i%10, i%10)
		person, deal := b.acquaintWith(t, name, email, phone)
		b.delivered(t)
		b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": name + " sr."})
		b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"title": "Dom, " + name})
		b.delivered(t)
		w := b.work("erase")
		w.Email, w.Die = email, die.boundary
		p := start(t, w)
		if status := p.wait(); status >= 0 {
			t.Fatalf("%s: the boundary was not reached, exit status %d: %s", die.when, status, p.errors())
		}
		// Whoever was erased to the last is no longer found by his address.
		again := postgres.Wanted{Connection: b.conn, ID: fmt.Sprint(person)}
		if r, err := b.Erase(t.Context(), b.ws, again, "test", false); err != nil || !r.Done {
			t.Fatalf("begun again after a death at %q: %+v: %v", die.when, r, err)
		}
		if err := pullToTheEnd(t.Context(), b.Pipeline, w); err != nil { // the dead one may still hold the lease
			t.Fatal(err)
		}
		b.nowhereAny(t, "after a death at "+die.when, []string{word(i), email, strings.ReplaceAll(phone[4:], " ", "")})
		if t.Failed() {
			break
		}
	}
}

// word is a surname that nobody else has.
func word(i int) string { return strings.Repeat(string(rune('K'+i)), 3) + "ytlowski" }
