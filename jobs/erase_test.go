package jobs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// The person who is erased, as reps wrote him down in many places.
const (
	hisName  = "Żelisław Brzęczyszczykiewicz"
	hisEmail = "zelislaw.b@prywatny.example.pl"
	hisPhone = "+48 601 777 314"
)

// his are the strings that must be nowhere once he was erased.
func his() []string {
	return []string{hisName, "Brzęczyszczykiewicz", hisEmail, "601 777 314", "601777314"}
}

// tell asks the vendor and returns the id in its answer.
func (b *bundle) tell(t *testing.T, method, path string, body any) int64 {
	t.Helper()
	answer, err := b.sim.Do(1, method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, answer)
	}
	var got struct{ Data struct{ ID any } }
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	id, _ := got.Data.ID.(float64)
	return int64(id)
}

// acquaint makes him known to the vendor's company: a person, his deal, a note,
// an activity, and a stranger's note that quotes his address.
func (b *bundle) acquaint(t *testing.T) (person, deal int64) {
	t.Helper()
	return b.acquaintWith(t, hisName, hisEmail, hisPhone)
}

// acquaintWith makes a person known who is called so.
func (b *bundle) acquaintWith(t *testing.T, name, email, phone string) (person, deal int64) {
	t.Helper()
	person = b.tell(t, "POST", "/api/v2/persons", map[string]any{"name": name, "emails": []any{map[string]any{"value": email, "primary": true}},
		"phones": []any{map[string]any{"value": phone, "primary": true}}})
	deal = b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": name + ": mieszkanie", "person_id": person})
	b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": "<p>Dzwonił " + name + ", oddzwonić: " + phone + "</p>", "deal_id": deal})
	b.tell(t, "POST", "/api/v2/activities", map[string]any{"subject": "Spotkanie: " + strings.ToUpper(name), "type": "call", "deal_id": deal})
	b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": "polecił nas " + email, "deal_id": 1})
	return person, deal
}

// everything is all that is stored in any table, records unpacked.
func (b *bundle) everything(t *testing.T) string {
	t.Helper()
	dump, err := exec.Command("pg_dump", "--data-only", "--inserts", "--dbname", b.db.AdminURL).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.NewBuffer(dump)
	b.in(t, func(tx pgx.Tx) error {
		for _, object := range []string{"persons", "deals", "notes", "activities", "leads", "dealChanges"} {
			list, err := postgres.ReadRecords(t.Context(), tx, b.ws, b.conn, object, "", 100_000, b.Compressor)
			if err != nil {
				return err
			}
			for _, r := range list {
				var v any
				if err := json.Unmarshal(r.Raw, &v); err != nil {
					return fmt.Errorf("%s %s is no JSON any more: %w", object, r.ID, err)
				}
				fmt.Fprintln(all, v)
			}
		}
		return nil
	})
	// What pg_dump shows as hexadecimal: bodies of deliveries and dictionaries.
	fmt.Fprintln(all, one[string](t, b, `SELECT COALESCE(string_agg(convert_from(body, 'UTF8'), ' '), '') FROM inbox`))
	fmt.Fprintln(all, one[string](t, b, `SELECT COALESCE(string_agg(encode(content, 'escape'), ' '), '') FROM dictionaries`))
	return strings.ToLower(all.String())
}

// nowhere fails if anything of him is stored.
func (b *bundle) nowhere(t *testing.T, when string) {
	t.Helper()
	b.nowhereAny(t, when, his())
}

func (b *bundle) nowhereAny(t *testing.T, when string, texts []string) {
	t.Helper()
	all := b.everything(t)
	for _, s := range texts {
		if at := strings.Index(all, strings.ToLower(s)); at >= 0 {
			t.Errorf("%s: %q is stored: …%s…", when, s, strings.ToValidUTF8(all[max(0, at-200):min(len(all), at+200)], ""))
		}
	}
}

func TestLargeAnErasedPersonDoesNotComeBack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pg_dump"); err != nil {
		t.Fatal(err)
	}
	b := setup(t, 60, pipedrive.Options{})
	person, deal := b.acquaint(t)
	b.pull(t)
	b.receive(t)
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": hisName + " sr."})
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": hisName})
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"title": "Dom, " + hisName})
	b.delivered(t)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if all := b.everything(t); !strings.Contains(all, strings.ToLower(hisName)) || !strings.Contains(all, hisEmail) {
		t.Fatal("he was never stored: the test proves nothing")
	}
	others := one[int](t, b, `SELECT count(*) FROM people WHERE deleted_at IS NULL`)

	w := postgres.Wanted{Email: strings.ToUpper(hisEmail)}
	preview, err := b.Erase(t.Context(), b.ws, w, "test", true)
	if err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM suppressions`) + one[int](t, b, `SELECT count(*) FROM people WHERE deleted_why = 'erased'`); n != 0 {
		t.Error("a preview erased something")
	}
	done, err := b.Erase(t.Context(), b.ws, w, "test", false)
	if err != nil || !done.Done {
		t.Fatalf("erase: %+v: %v", done, err)
	}
	done.Done = false
	if d := cmp.Diff(preview, done); d != "" {
		t.Errorf("what was done differs from the preview (-preview +done):\n%s", d)
	}
	b.nowhere(t, "after the erasure")
	if n := one[int](t, b, `SELECT count(*) FROM people WHERE deleted_at IS NULL`); n != others-1 {
		t.Errorf("%d people are left of %d", n, others)
	}

	b.in(t, resetAll(t, b))
	b.pull(t)
	b.nowhere(t, "after everything was read again")
	if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || !r.Complete || len(r.Differences) != 0 {
		t.Errorf("replay: %+v: %v", r, err)
	}
	b.nowhere(t, "after a replay")
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": hisName + " jr."})
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"title": "Garaż, " + hisName})
	b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": hisName + " pyta o garaż", "deal_id": deal})
	again := b.tell(t, "POST", "/api/v2/persons", map[string]any{"name": hisName, "emails": []any{map[string]any{"value": hisEmail, "primary": true}}})
	b.delivered(t)
	b.pull(t)
	b.nowhere(t, "after deliveries")
	if n := one[int](t, b, `SELECT count(*) FROM people WHERE external_id = $1`, fmt.Sprint(again)); n != 0 {
		t.Error("he came back under another id")
	}
	if title := one[string](t, b, `SELECT title FROM deals WHERE external_id = $1`, fmt.Sprint(deal)); title != "Garaż, [erased]" {
		t.Errorf("the deal's title is %q", title)
	}
	for object, f := range found(b.sweep(t, jobs.SweepOptions{})) {
		t.Errorf("a sweep takes the erasure for drift: %s %+v", object, f)
	}
	b.nowhere(t, "after a sweep")
}

// delivered has the vendor's deliveries stored and worked off.
func (b *bundle) delivered(t *testing.T) {
	t.Helper()
	if err := b.sim.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
}

func TestErasureLeavesNamesakesAndColleaguesAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	namesake := b.tell(t, "POST", "/api/v2/persons", map[string]any{"name": hisName, "emails": []any{map[string]any{"value": "inny@example.pl", "primary": true}}})
	colleague := b.tell(t, "POST", "/api/v2/persons", map[string]any{"name": "Anna Nowak", "phones": []any{map[string]any{"value": hisPhone, "primary": true}}})
	theirs := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Dla " + hisName, "person_id": namesake})
	b.pull(t)
	r, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	b.in(t, resetAll(t, b))
	b.pull(t)
	got := one[string](t, b, `SELECT string_agg(external_id || ' ' || name || ' ' || (deleted_why IS NOT NULL), ', ' ORDER BY external_id::int) FROM people`)
	want := fmt.Sprintf("%d erased true, %d %s false, %d Anna Nowak false", person, namesake, hisName, colleague)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("people (-want +got):\n%s", d)
	}
	if title := one[string](t, b, `SELECT title FROM deals WHERE external_id = $1`, fmt.Sprint(theirs)); title != "Dla "+hisName {
		t.Errorf("a namesake's deal has the title %q", title)
	}
	listed := map[string]bool{}
	for _, n := range r.Named {
		listed[n.Object+" "+n.ID] = true
	}
	for _, n := range []string{fmt.Sprintf("persons %d", namesake), fmt.Sprintf("persons %d", colleague), fmt.Sprintf("deals %d", theirs)} {
		if !listed[n] {
			t.Errorf("%s is not listed for a person to look at: %v", n, r.Named)
		}
	}
}

// acquaintAlone makes him and his deal known, and nothing else.
func (b *bundle) acquaintAlone(t *testing.T) (person, deal int64) {
	t.Helper()
	person = b.tell(t, "POST", "/api/v2/persons", map[string]any{"name": hisName, "emails": []any{map[string]any{"value": hisEmail, "primary": true}},
		"phones": []any{map[string]any{"value": hisPhone, "primary": true}}})
	return person, b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": hisName, "person_id": person})
}

// TestAnErasureThatWasStoppedIsFinished stops one between two connections.
func TestAnErasureThatWasStoppedIsFinished(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	b.pull(t)
	// The second connection knows him by a note alone.
	first := b.conn
	b.connectAnother(t, "second")
	other := b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Łódź"})
	b.tell(t, "POST", "/api/v1/notes", map[string]any{"content": "napisać do " + hisEmail, "deal_id": other})
	b.pull(t)
	admin := b.db.Connect(t, b.db.AdminURL)
	exec := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE FUNCTION salesbook.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'`)
	exec(fmt.Sprintf(`CREATE TRIGGER no BEFORE UPDATE ON salesbook.records FOR EACH ROW WHEN (OLD.connection_id = %d) EXECUTE FUNCTION salesbook.no()`, b.conn))
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{Email: hisEmail}, "test", false); err == nil {
		t.Fatal("it was not stopped: the test proves nothing")
	}
	exec(`DROP TRIGGER no ON salesbook.records`)
	r, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person), Connection: first}, "test", false)
	if err != nil || !r.Done {
		t.Fatalf("begun again: %+v: %v", r, err)
	}
	b.nowhere(t, "after it was begun again")
}

// connectAnother connects an empty account of the vendor, which is what the
// bundle speaks of from now on.
func (b *bundle) connectAnother(t *testing.T, name string) {
	t.Helper()
	sim, err := pipedrive.Open(pipedrive.Options{Limits: roomy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	s, _, err := b.Connect(t.Context(), b.ws, jobs.NewConnection{Vendor: "pipedrive", Name: name, By: "test",
		Config: connectors.Config{BaseURL: server.URL, Secrets: map[string]string{"api_token": "token"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.sim, b.vendor, b.conn = sim, server, s.ID
}

func TestErasureStaysInItsWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	b.pull(t)
	acme := b.ws
	b.ws = b.db.Workspace(t, "umbrella")
	b.connect(t)
	b.pull(t)
	umbrella, conn := b.ws, b.conn
	if _, err := b.Erase(t.Context(), acme, postgres.Wanted{Email: hisEmail}, "test", false); err != nil {
		t.Fatal(err)
	}
	b.in(t, resetAll(t, b))
	b.pull(t)
	got := one[string](t, b, `SELECT name || ' ' || emails[1] FROM people WHERE connection_id = $1 AND external_id = $2`, conn, fmt.Sprint(person))
	if got != hisName+" "+hisEmail {
		t.Errorf("another company's person became %q", got)
	}
	if _, err := b.Erase(t.Context(), umbrella, postgres.Wanted{Email: "nobody@example.com"}, "test", false); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody was erased: %v", err)
	}
}

func TestABackupDoesNotBringAnErasedPersonBack(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	b.pull(t)
	id := fmt.Sprint(person)
	backup := one[string](t, b, `SELECT to_jsonb(p)::text FROM people p`)
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: id}, "test", false); err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `DELETE FROM people`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO people SELECT (jsonb_populate_record(NULL::people, $1::text::jsonb)).*`, backup)
		return err
	})
	n, err := b.EraseAgain(t.Context(), b.ws, "test")
	if err != nil || n != 1 {
		t.Fatalf("erased again: %d, %v", n, err)
	}
	b.nowhere(t, "after a restore")
	if n, err := b.EraseAgain(t.Context(), b.ws, "test"); err != nil || n != 0 {
		t.Errorf("there was nothing to erase again: %d, %v", n, err)
	}
}

func TestAnErasureEndsAPullThatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	person, _ := b.acquaint(t)
	b.pull(t)
	b.in(t, resetAll(t, b))
	// The vendor answers once the erasure is over: what the pull then holds was
	// read under what was known before.
	erased := make(chan struct{})
	stop := b.after(3, func() {
		defer close(erased)
		if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false); err != nil {
			t.Error(err)
		}
	})
	defer stop()
	if _, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true}); fault.KindOf(err) != fault.Lost {
		t.Errorf("the pull went on: %v", err)
	}
	<-erased // the pull may notice that its lease is gone before that is over
	b.nowhere(t, "after an erasure during a pull")
	b.pull(t)
	b.nowhere(t, "after the next pull")
}

func TestAnErasedPersonStaysAwayFromTheNextConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	person, _ := b.acquaintAlone(t)
	b.pull(t)
	if _, err := b.Erase(t.Context(), b.ws, postgres.Wanted{ID: fmt.Sprint(person)}, "test", false); err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error { return postgres.RemoveConnection(t.Context(), tx, b.ws, b.conn) })
	b.tell(t, "PATCH", fmt.Sprintf("/api/v2/persons/%d", person), map[string]any{"name": "Pan B.", "phones": []any{}, "emails": []any{}})
	b.connect(t)
	b.pull(t)
	if n := one[int](t, b, `SELECT count(*) FROM people`) + one[int](t, b, `SELECT count(*) FROM records WHERE object = 'persons'`); n != 0 {
		t.Error("the same record of the same account was stored again, because it has other words now")
	}
}
