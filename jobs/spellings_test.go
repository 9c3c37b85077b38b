package jobs_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// few is a book with two reasons of the many that the generated company gives.
const few = `
book: 1
name: Few
currency: RUB
calendars: [{id: o, zone: Europe/Moscow}]
funnels: [{id: homes, name: Homes, crm: [{pipeline: Жильё}], stages: [{id: in, name: Заявка}]}]
loss_reasons:
  - {id: rival, name: Выбрал конкурента, any_time: true}
  - {id: silent, name: не дозвонились, any_time: true, spellings: [не берёт трубку]}
refused_reasons: [{text: нет времени}]
`

// brokenNow counts violations of a rule that are open.
func brokenNow(t testing.TB, b *bundle, rule string) int {
	t.Helper()
	return one[int](t, b, `SELECT count(*) FROM violations WHERE rule = $1 AND mended_at IS NULL AND closed_at IS NULL`, rule)
}

// TestLargeSpellingsAreWhatSQLCounts: each loss with a reason is counted in one text, and
// what is unknown is what violations say.
func TestLargeSpellingsAreWhatSQLCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, 600, pipedrive.Options{})
	b.pull(t)
	b.activate(t, few)
	b.evaluate(t)
	list, err := b.Spellings(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, s := range list {
		counts[s.State] += int(s.Count)
		var all int64
		for _, w := range s.Written {
			all += one[int64](t, b, `SELECT count(*) FROM deals WHERE lost_reason = $1 AND status = 'lost'`, w)
			if book.FoldReason(w) != book.FoldReason(s.Text) {
				t.Errorf("%q stands among %q", w, s.Text)
			}
		}
		worth := one[string](t, b, `SELECT trim_scale(COALESCE(sum(amount), 0))::text FROM deals WHERE lost_reason = ANY($1) AND status = 'lost' AND currency = 'UAH'`, s.Written)
		if all != s.Count || s.Worth["UAH"].String() != worth || s.LastUsed == nil || !slices.Equal(s.Connections, []string{"crm"}) {
			t.Errorf("%+v; by SQL %d losses, %s UAH", s, all, worth)
		}
	}
	want := map[string]int{
		jobs.SpellingUnknown: brokenNow(t, b, "loss_reason_unknown"),
		jobs.SpellingRefused: brokenNow(t, b, "loss_reason_refused"),
		jobs.SpellingReason:  one[int](t, b, `SELECT count(*) FROM deals WHERE status = 'lost' AND lost_reason IN ('Выбрал конкурента', 'Не дозвонились')`),
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("losses by what their text means (-want +got):\n%s", d)
	}
	for state, n := range want {
		if n == 0 {
			t.Errorf("no text is %s, which proves nothing", state)
		}
	}
	if !slices.IsSortedFunc(list, func(a, b jobs.ReasonText) int { return strings.Compare(rank(a), rank(b)) }) {
		t.Error("what nobody knows does not come first, or the frequent not before the rare")
	}
}

func rank(s jobs.ReasonText) string {
	known := s.State != jobs.SpellingUnknown
	return fmt.Sprintf("%v %09d", known, 999_999_999-s.Count)
}

// TestADecisionIsJudgedByAtOnce: those losses are judged anew that have the text,
// and no others; what is stored is what judging everything anew gives.
func TestADecisionIsJudgedByAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 400, pipedrive.Options{})
	b.pull(t)
	draft := b.activate(t, few)
	b.standStill(t)
	b.evaluate(t)
	text := one[string](t, b, `SELECT lost_reason FROM deals WHERE status = 'lost' AND external_id IN (SELECT external_id FROM violations WHERE rule = 'loss_reason_unknown') GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`)
	losses := one[int64](t, b, `SELECT count(*) FROM deals WHERE status = 'lost' AND lost_reason = $1`, text)
	unknown := brokenNow(t, b, "loss_reason_unknown")
	set := func(n jobs.NewSpelling) {
		t.Helper()
		n.Text, n.By = "  "+strings.ToUpper(text)+"! ", "anna"
		got, err := b.SetSpelling(t.Context(), b.ws, n)
		if err != nil || got != losses {
			t.Fatalf("%d losses, %v, want %d", got, err, losses)
		}
		if dirty := one[int64](t, b, `SELECT count(*) FROM dirty`); dirty != losses {
			t.Errorf("%d subjects are dirty, want the %d losses", dirty, losses)
		}
		b.evaluate(t)
		if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
			t.Errorf("(-recomputed +stored):\n%.2000s", d)
		}
	}
	set(jobs.NewSpelling{Reason: "rival"})
	if n := brokenNow(t, b, "loss_reason_unknown"); n != unknown-int(losses) {
		t.Errorf("%d losses are for what is unknown, want %d less than %d", n, losses, unknown)
	}
	set(jobs.NewSpelling{Refuse: true, Why: "say which"})
	if n := brokenNow(t, b, "loss_reason_refused"); n < int(losses) {
		t.Errorf("%d losses are refused, want at least %d", n, losses)
	}
	// The book comes first, and says otherwise by now.
	draft = b.activate(t, strings.Replace(few, "any_time: true}", fmt.Sprintf("any_time: true, spellings: [%q]}", text), 1))
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" || brokenNow(t, b, "loss_reason_unknown") != unknown-int(losses) {
		t.Errorf("the book has the text (-recomputed +stored):\n%.2000s", d)
	}
	draft = b.activate(t, few)
	b.evaluate(t)
	set(jobs.NewSpelling{Forget: true})
	if n := brokenNow(t, b, "loss_reason_unknown"); n != unknown {
		t.Errorf("%d losses are for what is unknown, want %d as before", n, unknown)
	}
	audited := one[string](t, b, `SELECT string_agg(action || ' ' || (details - 'id')::text, '; ' ORDER BY at) FROM audit WHERE action LIKE '%spelling'`)
	if want := `set spelling {"reason": "rival"}; set spelling {"refused": true}; forget spelling {}`; audited != want {
		t.Errorf("the audit has %s, want %s", audited, want)
	}
}

// TestARenamedReasonIsFollowed: reps choose it under its new name from then on, old
// deals keep the old one, and both mean what the book says of either.
func TestARenamedReasonIsFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.pull(t)
	options := one[string](t, b, `SELECT options::text FROM fields WHERE object = 'deals' AND code = 'lost_reason'`)
	old := one[string](t, b, `SELECT lost_reason FROM deals WHERE status = 'lost' AND $1::jsonb @> jsonb_build_array(jsonb_build_object('label', lost_reason)) AND lost_reason NOT IN ('Не дозвонились', 'Выбрал конкурента') GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`, options)
	id := one[int](t, b, `SELECT (o->>'id')::int FROM jsonb_array_elements($1::jsonb) o WHERE o->>'label' = $2`, options, old)
	draft := b.activate(t, strings.Replace(few, "[{text:", fmt.Sprintf("[{text: %q}, {text:", old), 1))
	b.standStill(t)
	b.evaluate(t)
	before := brokenNow(t, b, "loss_reason_refused")
	if before == 0 {
		t.Fatal("nothing is lost for it, which proves nothing")
	}
	rename := func(label string) {
		t.Helper()
		if _, err := b.sim.Do(1, "PATCH", "/api/v2/dealFields/lost_reason/options", []map[string]any{{"id": id, "label": label}}); err != nil {
			t.Fatal(err)
		}
	}
	rename("Совсем другое")
	rename("Another name")
	deal := one[int](t, b, `SELECT min(external_id::int) FROM deals WHERE status = 'open' AND deleted_at IS NULL AND NOT archived`)
	lose := func(deal int, reason string) {
		t.Helper()
		if _, err := b.sim.Do(1, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"status": "lost", "lost_reason": reason}); err != nil {
			t.Fatal(err)
		}
	}
	lose(deal, "Another name")
	b.pull(t)
	b.standStill(t) // the loss is past
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
		t.Errorf("(-recomputed +stored):\n%.2000s", d)
	}
	if n := brokenNow(t, b, "loss_reason_refused"); n != before+1 {
		t.Errorf("%d losses are refused, want %d and the one under the new name", n, before)
	}
	// A deal is lost first, and the definition with the new name is read later.
	rename("And now this")
	other := one[int](t, b, `SELECT min(external_id::int) FROM deals WHERE status = 'open' AND deleted_at IS NULL AND NOT archived`)
	lose(other, "And now this")
	for _, object := range []string{"deals", "dealFields"} {
		if _, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true, Object: object}); err != nil {
			t.Fatal(err)
		}
		b.standStill(t)
		b.evaluate(t)
	}
	if n := brokenNow(t, b, "loss_reason_refused"); n != before+2 {
		t.Errorf("%d losses are refused, want %d", n, before+2)
	}
	list, err := b.Spellings(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]string{}
	for _, s := range list {
		if s.By == book.ByRename {
			called[s.Text] = s.State + ", " + s.AlsoCalled
		}
	}
	if d := cmp.Diff(map[string]string{"Another name": "refused, " + old, "And now this": "refused, " + old}, called); d != "" {
		t.Errorf("known by a rename (-want +got):\n%s", d)
	}
	b.drift(t)
}

// TestAnErasureReachesDecisions: a text that names a person is one no more.
func TestAnErasureReachesDecisions(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	answer, err := b.sim.Do(1, "POST", "/api/v2/persons", map[string]any{"name": "Zenobia Przykładowa"})
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Data struct{ ID int } }
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	person := made.Data.ID
	deal := map[string]any{"title": "Okna", "person_id": person, "status": "lost", "lost_reason": "Zenobia Przykładowa nie odbiera"}
	if _, err := b.sim.Do(1, "POST", "/api/v2/deals", deal); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	b.activate(t, few)
	if _, err := b.SetSpelling(t.Context(), b.ws, jobs.NewSpelling{Text: "zenobia przykładowa NIE odbiera", Reason: "silent", By: "anna"}); err != nil {
		t.Fatal(err)
	}
	b.evaluate(t)
	unknown := brokenNow(t, b, "loss_reason_unknown")
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Connection: b.conn, ID: fmt.Sprint(person)}, "test", false); err != nil {
		t.Fatal(err)
	}
	if left := one[int](t, b, `SELECT count(*) FROM spellings WHERE folded ILIKE '%zenobia%' OR written ILIKE '%zenobia%'`); left != 0 {
		t.Error("a decision names the person still")
	}
	b.evaluate(t)
	if n := brokenNow(t, b, "loss_reason_unknown"); n != unknown {
		t.Errorf("%d losses are for what is unknown, want %d: the decision holds for the text without the name", n, unknown)
	}
}
