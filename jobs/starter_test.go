package jobs_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/book/starter"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// starterOfRealDeals: of the published data set the starter book takes the
// limits that the CSV gives, passes the check and finds something.
func (b *bundle) starterOfRealDeals(t *testing.T, data opportunities) {
	draft, err := b.Starter(t.Context(), b.ws, "crm")
	if err != nil {
		t.Fatal(err)
	}
	var stays []float64 // of won deals in Engaging, in days
	for _, d := range data.deals {
		if d.stage != "Won" {
			continue
		}
		from, err := time.Parse(time.DateOnly, d.engaged)
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse(time.DateOnly, d.closed)
		if err != nil {
			t.Fatal(err)
		}
		if to.After(from) {
			stays = append(stays, to.Sub(from).Hours()/24)
		}
	}
	slices.Sort(stays)
	p80 := stays[int(math.Ceil(0.8*float64(len(stays))))-1]
	want := []starter.Limit{
		{Connection: "crm", Funnel: "sales", Stage: "prospecting", Days: 14, Source: starter.FromUsage},
		{Connection: "crm", Funnel: "sales", Stage: "engaging", Days: int(math.Ceil(p80)), Source: starter.FromWon, N: len(stays)},
	}
	if d := cmp.Diff(want, draft.Limits); d != "" {
		t.Errorf("limits (-CSV +starter):\n%s", d)
	}
	parsed, err := book.Parse("starter.yaml", []byte(draft.Text))
	if err != nil {
		t.Fatalf("the starter book does not pass its check: %v\n%s", err, draft.Text)
	}
	r, err := b.Rehearse(t.Context(), b.ws, parsed, jobs.RehearseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[book.Rule]int{}
	for _, c := range r.Rules {
		found[c.Rule] = c.Subjects
	}
	lost, open := 0, 0
	for _, d := range data.deals {
		switch d.stage {
		case "Lost":
			lost++
		case "Prospecting", "Engaging":
			open++
		}
	}
	if found[book.LossWithoutReason] != lost || found[book.NoNextStep] != open {
		t.Errorf("%d losses without a reason and %d deals without a next step; the CSV has %d and %d", found[book.LossWithoutReason], found[book.NoNextStep], lost, open)
	}
}

// TestLargeTheStarterBookCountsWhatSQLCounts compares the figures behind a starter
// book of a made-up company with slow and simple queries, first without and then
// with its deals' stage history.
func TestLargeTheStarterBookCountsWhatSQLCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, 900, pipedrive.Options{})
	b.pull(t)
	b.compareStarter(t)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deal_stages`); n < 1000 {
		t.Fatalf("only %d entries of stages are known, which proves nothing", n)
	}
	if fromWon := b.compareStarter(t); fromWon == 0 {
		t.Error("no limit comes from won deals, which proves nothing")
	}
}

func (b *bundle) compareStarter(t *testing.T) (fromWon int) {
	t.Helper()
	var fare []postgres.StageFigures
	b.in(t, func(tx pgx.Tx) (err error) {
		fare, err = postgres.StagesFare(t.Context(), tx, b.ws, b.conn)
		return err
	})
	if len(fare) != one[int](t, b, `SELECT count(*) FROM stages`) {
		t.Fatalf("%d stages", len(fare))
	}
	rank := b.ranks(t)
	for _, f := range fare {
		// Each won deal by itself, in Go.
		var stays []time.Duration
		reached, won := 0, 0
		for _, d := range b.closed(t, f.PipelineID) {
			longest := time.Duration(0)
			for i, e := range d.entries {
				left := d.ended
				if i+1 < len(d.entries) {
					left = d.entries[i+1].at
				}
				if e.stage == f.ID {
					longest = max(longest, left.Sub(e.at))
				}
			}
			if d.won && longest > 0 {
				stays = append(stays, longest)
			}
			if slices.ContainsFunc(d.entries, func(e entryAt) bool { return rank[f.PipelineID+"/"+e.stage] >= rank[f.PipelineID+"/"+f.ID] }) {
				reached++
				if d.won {
					won++
				}
			}
		}
		slices.Sort(stays)
		stay := time.Duration(0)
		if n := len(stays); n > 0 {
			stay = stays[int(math.Ceil(0.8*float64(n)))-1]
		}
		if n := len(stays); n >= 30 {
			fromWon++
		}
		if f.Stood != len(stays) || f.Stay != stay || f.Reached != reached || f.ReachedWon != won {
			t.Errorf("stage %s: %d stood, %v, %d reached, %d won; one by one %d, %v, %d, %d", f.ID, f.Stood, f.Stay, f.Reached, f.ReachedWon, len(stays), stay, reached, won)
		}
	}
	return fromWon
}

type entryAt struct {
	stage string
	at    time.Time
}

type closedDeal struct {
	won     bool
	ended   time.Time
	entries []entryAt
}

// closed reads the closed deals of a pipeline, each with the stages that it is
// known to have come to.
func (b *bundle) closed(t *testing.T, pipeline string) (out []closedDeal) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `
			SELECT d.status = 'won', COALESCE(d.won_at, d.lost_at, d.closed_at), d.stage_id, COALESCE(d.stage_entered_at, d.added_at),
				ARRAY(SELECT stage_id FROM deal_stages s WHERE s.deal_id = d.external_id ORDER BY at, stage_id), ARRAY(SELECT at FROM deal_stages s WHERE s.deal_id = d.external_id ORDER BY at, stage_id)
			FROM deals d WHERE d.pipeline_id = $1 AND d.deleted_at IS NULL AND d.status IN ('won', 'lost')`, pipeline)
		if err != nil {
			return err
		}
		var d closedDeal
		var stage string
		var entered time.Time
		var stages []string
		var at []time.Time
		_, err = pgx.ForEachRow(rows, []any{&d.won, &d.ended, &stage, &entered, &stages, &at}, func() error {
			d.entries = nil
			for i := range stages {
				d.entries = append(d.entries, entryAt{stages[i], at[i]})
			}
			if len(stages) == 0 {
				d.entries = []entryAt{{stage, entered}}
			}
			out = append(out, d)
			return nil
		})
		return err
	})
	return out
}

// ranks are the places of stages in their pipelines.
func (b *bundle) ranks(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT pipeline_id || '/' || external_id, position FROM stages`)
		if err != nil {
			return err
		}
		var key string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error { out[key] = n; return nil })
		return err
	})
	return out
}

// TestTheStarterBookKnowsWhatTheCRMSays: the loss reasons that it offers, and the
// fields that its own pages demand.
func TestTheStarterBookKnowsWhatTheCRMSays(t *testing.T) {
	t.Parallel()
	b := setup(t, 300, pipedrive.Options{})
	b.pull(t)
	stage := one[string](t, b, `SELECT s.external_id FROM stages s JOIN pipelines p ON p.external_id = s.pipeline_id WHERE p.name = 'Жильё' AND s.name = 'Бронь'`)
	all := one[string](t, b, `SELECT string_agg(format('"%s": ["won"]', external_id), ', ') FROM pipelines`)
	b.run(t, `UPDATE fields SET required = $1 WHERE object = 'deals' AND (code = 'value' OR name IN ('Бюджет', 'Комментарий'))`, json.RawMessage(`{"enabled": true, "stage_ids": ["`+stage+`"], "statuses": {}}`))
	b.run(t, `UPDATE fields SET required = $1 WHERE object = 'deals' AND name = 'Комментарий'`, json.RawMessage(`{"enabled": true, "stage_ids": [`+stage+`]}`)) // as before it was mapped anew
	b.run(t, `UPDATE fields SET required = '{"enabled": true}' WHERE object = 'deals' AND code = 'expected_close_date'`)                                        // everywhere
	b.run(t, `UPDATE fields SET required = $1 WHERE object = 'deals' AND name = 'Срок'`, json.RawMessage(`{"enabled": true, "stage_ids": [], "statuses": {`+all+`}}`))
	b.run(t, `UPDATE fields SET required = $1 WHERE object = 'deals' AND name = 'Margin'`, json.RawMessage(`{"enabled": false, "stage_ids": ["`+stage+`"], "statuses": {`+all+`}}`))
	draft, err := b.Starter(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := book.Parse("starter.yaml", []byte(draft.Text))
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{"amount", "expected_close", "Бюджет"}, codes(t, b, "Комментарий")...) // two fields have that name, so each goes by its code
	got := parsed.Funnels[0].Stages[3].Required
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" || parsed.Funnels[0].Stages[3].Name != "Бронь" {
		t.Errorf("required (-want +got):\n%s", d)
	}
	if len(parsed.Won.Criteria) != 1 || !slices.Equal(slices.Sorted(slices.Values(parsed.Won.Criteria[0].Required)), []string{"expected_close", "Срок"}) {
		t.Errorf("asked of won deals: %+v", parsed.Won.Criteria)
	}
	offered := one[int](t, b, `SELECT jsonb_array_length(options) FROM fields WHERE object = 'deals' AND code = 'lost_reason'`)
	n := 0
	for _, r := range draft.Reasons {
		if r.Option {
			n++
		}
	}
	if n != offered || n == 0 {
		t.Errorf("%d of the CRM's %d loss reasons are offered", n, offered)
	}
}

// codes are the codes of the fields of deals with a name.
func codes(t *testing.T, b *bundle, name string) (out []string) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT code FROM fields WHERE object = 'deals' AND name = $1`, name)
		if err == nil {
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	return out
}

// TestAStarterBookStartsByItself: after the first load it is in force, once the
// stage history is known a better one is, and a book of a person's stays.
func TestAStarterBookStartsByItself(t *testing.T) {
	t.Parallel()
	b := setup(t, 400, pipedrive.Options{})
	start := func() postgres.StoredBook {
		t.Helper()
		if err := b.Start(t.Context(), b.ws); err != nil {
			t.Fatal(err)
		}
		var active postgres.StoredBook
		b.in(t, func(tx pgx.Tx) (err error) {
			active, err = postgres.ActiveBook(t.Context(), tx, b.ws)
			return err
		})
		return active
	}
	looks := func() int { return one[int](t, b, `SELECT count(*) FROM schedules WHERE kind = 'start'`) }
	if active := start(); active.Version != 0 || looks() != 1 {
		t.Fatalf("version %d is in force before anything was loaded, %d schedules", active.Version, looks())
	}
	b.pull(t)
	first := start()
	if first.Version != 1 || first.ActiveBy != "salesbook" || looks() != 1 {
		t.Fatalf("after the first load: %+v, %d schedules", first, looks())
	}
	if again := start(); again.Version != 1 {
		t.Fatalf("nothing is new, but version %d is in force", again.Version)
	}
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	second := start()
	if second.Version != 2 || !strings.Contains(second.Text, "four of five of") || strings.Contains(first.Text, "four of five of") && first.Text == second.Text {
		t.Fatalf("with the history: version %d\n%s", second.Version, second.Text)
	}
	if looks() != 0 {
		t.Error("it goes on looking although everything is known")
	}
	for {
		n, err := b.Evaluate(t.Context(), b.ws)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if n := one[int](t, b, `SELECT count(*) FROM violations WHERE mended_at IS NULL AND closed_at IS NULL`); n == 0 {
		t.Error("the starter book finds nothing in a company that was made up to be found out")
	}
}

// TestAPersonsBookIsNotReplaced by a starter book, also not by one that was
// made while the person's was put in force.
func TestAPersonsBookIsNotReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, 50, pipedrive.Options{})
	b.pull(t)
	text, err := book.Example("developer")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Activate(t.Context(), b.ws, parseBook(t, string(text)), string(text), "anna"); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context(), b.ws); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM books`); n != 1 {
		t.Errorf("%d books, want the person's alone", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM schedules WHERE kind = 'start'`); n != 0 {
		t.Error("it goes on looking although a person's book is in force")
	}
	b.in(t, func(tx pgx.Tx) error {
		if _, err := postgres.AddBook(t.Context(), tx, b.ws, "late", "text", "salesbook", 0); err == nil {
			return fmt.Errorf("a starter book that was made before is put in force after the person's")
		}
		return nil
	})
}

// BenchmarkStarter makes the starter book of an account of
// SALESBOOK_BENCH_DEALS whose stage history is known.
func BenchmarkStarter(b *testing.B) {
	n := benchDeals(b)
	v := setup(b, 0, pipedrive.Options{})
	if err := v.sim.Generate(1, pipedrive.ScaleOf(n)); err != nil {
		b.Fatal(err)
	}
	v.pull(b)
	if err := v.History(b.Context(), v.ws, v.conn); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := v.Starter(b.Context(), v.ws); err != nil {
			b.Fatal(err)
		}
	}
}
