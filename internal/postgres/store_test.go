package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sales"
)

// storeBundle is a workspace with a connection.
type storeBundle struct {
	*postgres.DB
	ws, conn int64
	z        *postgres.Compressor
}

func newStore(t *testing.T) storeBundle {
	t.Helper()
	d := pgtest.New(t)
	b := storeBundle{DB: d.DB, z: postgres.NewCompressor()}
	b.ws = d.Workspace(t, "acme")
	b.in(t, func(tx pgx.Tx) (err error) {
		b.conn, err = postgres.AddConnection(t.Context(), tx, b.ws, postgres.Connection{Name: "crm", Vendor: "pipedrive", Settings: map[string]string{}})
		return err
	})
	return b
}

func (b storeBundle) in(t *testing.T, f func(tx pgx.Tx) error) {
	t.Helper()
	if err := b.In(t.Context(), b.ws, f); err != nil {
		t.Fatal(err)
	}
}

func sighting(id, raw string, updated, fetched int) postgres.Sighting {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return postgres.Sighting{
		Record:    connectors.Record{Object: "deals", ID: id, Shape: "v2", Raw: []byte(raw), UpdatedAt: at.Add(time.Duration(updated) * time.Second)},
		Hash:      postgres.HashOf([]byte(raw)),
		FetchedAt: at.Add(time.Duration(fetched) * time.Second),
	}
}

// put stores sightings as a page does and returns the ids that were taken.
func (b storeBundle) put(t *testing.T, s ...postgres.Sighting) (taken []string) {
	t.Helper()
	if err := b.z.Prepare(t.Context(), b.DB, b.ws, b.conn, "deals", s[0].Raw); err != nil {
		t.Fatal(err)
	}
	b.in(t, func(tx pgx.Tx) error {
		unseen, _, err := postgres.Unseen(t.Context(), tx, b.ws, b.conn, postgres.Sort(s))
		if err != nil {
			return err
		}
		stored, err := postgres.WriteRecords(t.Context(), tx, b.ws, b.conn, unseen, b.z)
		taken = nil
		for _, r := range stored {
			taken = append(taken, fmt.Sprintf("%s known=%v", r.ID, r.Known))
		}
		return err
	})
	return taken
}

func (b storeBundle) raw(t *testing.T, id string) (raw string, deleted bool) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		got, err := postgres.ReadRecordsByID(t.Context(), tx, b.ws, b.conn, "deals", []string{id}, b.z)
		if err == nil && len(got) == 1 {
			raw, deleted = string(got[0].Raw), got[0].Deleted
		}
		return err
	})
	return raw, deleted
}

func TestRecordsAreTakenOnlyWhenTheyTellAnythingNew(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	gone := func(s postgres.Sighting) postgres.Sighting { s.Deleted = true; return s }
	bare := func(s postgres.Sighting) postgres.Sighting {
		s.Deleted, s.Raw, s.UpdatedAt = true, nil, time.Time{}
		return s
	}
	steps := []struct {
		name  string
		in    postgres.Sighting
		taken []string
		raw   string
		dead  bool
	}{
		{"first sight", sighting("1", `{"v":1}`, 10, 1), []string{"1 known=false"}, `{"v":1}`, false},
		{"same bytes", sighting("1", `{"v":1}`, 10, 2), nil, `{"v":1}`, false},
		{"newer version", sighting("1", `{"v":2}`, 11, 3), []string{"1 known=true"}, `{"v":2}`, false},
		{"older version arrives late", sighting("1", `{"v":1}`, 10, 4), nil, `{"v":2}`, false},
		{"same second, asked for later", sighting("1", `{"v":3}`, 11, 5), []string{"1 known=true"}, `{"v":3}`, false},
		{"same second, asked for earlier", sighting("1", `{"v":2}`, 11, 2), nil, `{"v":3}`, false},
		{"deletion with bytes", gone(sighting("1", `{"v":4}`, 12, 6)), []string{"1 known=true"}, `{"v":4}`, true},
		{"deletion repeated", gone(sighting("1", `{"v":4}`, 12, 7)), nil, `{"v":4}`, true},
		{"revival with the same bytes", sighting("1", `{"v":4}`, 12, 8), []string{"1 known=true"}, `{"v":4}`, false},
		{"deletion without bytes keeps them", bare(sighting("1", ``, 0, 9)), []string{"1 known=true"}, `{"v":4}`, true},
		{"deletion without bytes repeated", bare(sighting("1", ``, 0, 10)), nil, `{"v":4}`, true},
	}
	for _, s := range steps {
		if got := b.put(t, s.in); !cmp.Equal(s.taken, got) {
			t.Errorf("%s: taken (-want +got):\n%s", s.name, cmp.Diff(s.taken, got))
		}
		if raw, dead := b.raw(t, "1"); raw != s.raw || dead != s.dead {
			t.Errorf("%s: want stored %s dead=%v, got %s dead=%v", s.name, s.raw, s.dead, raw, dead)
		}
	}
}

func dealRow(id string, edit func(set func(field string, v any))) postgres.CanonicalRow {
	k, _ := sales.KindByName("deals")
	r := postgres.CanonicalRow{Row: sales.Row{ID: id, Values: make([]any, len(k.Fields)), Custom: []byte(`{"a":"1"}`)}}
	set := func(field string, v any) { r.Values[k.Index(field)] = v }
	set("title", "Сделка «Łódź» \\ \"x\"")
	set("status", "open")
	set("archived", false)
	set("stage_id", "1")
	set("amount", decimal.RequireFromString("12345678901234567890.123456789"))
	set("currency", "PLN")
	set("labels", []string{"1", `q"uo\te`, "ż,{}"})
	set("added_at", time.Date(2025, 3, 30, 1, 30, 0, 0, time.UTC))
	set("expected_close", "2026-02-28")
	if edit != nil {
		edit(set)
	}
	return r
}

func TestCanonicalRowsAndTheirChanges(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	k, _ := sales.KindByName("deals")
	write := func(r postgres.CanonicalRow, known bool) postgres.Written {
		t.Helper()
		r.Known = known
		var w postgres.Written
		b.in(t, func(tx pgx.Tx) (err error) {
			w, err = postgres.WriteRows(t.Context(), tx, b.ws, b.conn, k, 7, []postgres.CanonicalRow{r})
			return err
		})
		return w
	}
	if w := write(dealRow("1", nil), false); len(w.Changes) != 0 {
		t.Errorf("a first sight is no change, got %v", w.Changes)
	}
	if w := write(dealRow("1", nil), true); len(w.Changes) != 0 {
		t.Errorf("an equal row is no change, got %v", w.Changes)
	}
	if w := write(dealRow("1", func(set func(string, any)) { set("updated_at", time.Now()) }), true); len(w.Changes) != 0 {
		t.Errorf("a new modification time alone is no change, got %v", w.Changes)
	}
	moved := dealRow("1", func(set func(string, any)) { set("stage_id", "2") })
	moved.Custom = []byte(`{"b": [1]}`)
	w := write(moved, true)
	want := map[string]postgres.Diff{
		"stage_id": {Old: json.RawMessage(`"1"`), New: json.RawMessage(`"2"`)},
		"custom.a": {Old: json.RawMessage(`"1"`), New: json.RawMessage(`null`)},
		"custom.b": {Old: json.RawMessage(`null`), New: json.RawMessage(`[1]`)},
	}
	if len(w.Changes) != 1 {
		t.Fatalf("want one change, got %v", w.Changes)
	}
	if d := cmp.Diff(want, w.Changes[0].Fields); d != "" {
		t.Errorf("changed fields (-want +got):\n%s", d)
	}
	if w := write(dealRow("2", nil), true); len(w.Made) != 1 {
		t.Errorf("a known record without a row: want it counted as made, got %+v", w)
	}
}

func TestCanonicalValuesSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	k, _ := sales.KindByName("deals")
	var title, amount, labels, added, closing string
	b.in(t, func(tx pgx.Tx) error {
		if _, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, k, 7, []postgres.CanonicalRow{dealRow("1", nil)}); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `SELECT title, amount::text, array_to_string(labels, '|'), added_at::text, expected_close::text FROM deals`).
			Scan(&title, &amount, &labels, &added, &closing)
	})
	got := []string{title, amount, labels, closing}
	want := []string{"Сделка «Łódź» \\ \"x\"", "12345678901234567890.123456789", `1|q"uo\te|ż,{}`, "2026-02-28"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stored values (-want +got):\n%s", d)
	}
}

func TestStageMovesAreKeptWithTheStageBefore(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	k, _ := sales.KindByName("deals")
	day := func(d int) time.Time { return time.Date(2026, 5, d, 12, 0, 0, 0, time.UTC) }
	stage := func(id string, since time.Time) postgres.CanonicalRow {
		return dealRow("1", func(set func(string, any)) { set("stage_id", id); set("stage_entered_at", since) })
	}
	for i, r := range []postgres.CanonicalRow{stage("10", day(1)), stage("20", day(3)), stage("10", day(4)), stage("30", day(4))} {
		r.Known = i > 0
		b.in(t, func(tx pgx.Tx) error {
			w, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, k, 7, []postgres.CanonicalRow{r})
			if err != nil {
				return err
			}
			return postgres.RecordMoves(t.Context(), tx, b.ws, b.conn, "", w.Changes)
		})
	}
	var got []string
	b.in(t, func(tx pgx.Tx) error {
		entries, err := postgres.StagesOf(t.Context(), tx, b.ws, b.conn, "1")
		for _, e := range entries {
			got = append(got, fmt.Sprintf("%s %s %s", e.At.UTC().Format(time.DateOnly), e.StageID, e.Source))
		}
		return err
	})
	want := []string{"2026-05-01 10 first sight", "2026-05-03 20 observed", "2026-05-04 10 observed", "2026-05-04 30 observed"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stage history (-want +got):\n%s", d)
	}
}

func TestALeaseHasOneHolderAndItsFenceGuardsCommits(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	ctx := t.Context()
	claim := func(holder string, ttl time.Duration) (postgres.Lease, bool) {
		l := postgres.Lease{Workspace: b.ws, Kind: "pull", Subject: "1", Holder: holder, TTL: ttl}
		ok, err := b.Claim(ctx, &l)
		if err != nil {
			t.Fatal(err)
		}
		return l, ok
	}
	first, ok := claim("a", time.Hour)
	if !ok {
		t.Fatal("a free lease was refused")
	}
	if _, ok := claim("b", time.Hour); ok {
		t.Fatal("a held lease was given to a second holder")
	}
	b.in(t, func(tx pgx.Tx) error { return first.Hold(ctx, tx) })
	b.in(t, func(tx pgx.Tx) error { return first.Release(ctx, tx) })
	second, ok := claim("b", time.Hour)
	if !ok || second.Fence <= first.Fence {
		t.Fatalf("want a higher fence after a release, got %d then %d (%v)", first.Fence, second.Fence, ok)
	}
	err := b.In(ctx, b.ws, func(tx pgx.Tx) error { return first.Hold(ctx, tx) })
	if err == nil {
		t.Error("a commit under an old fence was let through")
	}
	if err := b.Renew(context.Background(), first); err == nil {
		t.Error("an old holder could renew the lease")
	}
}

func TestDeliveriesAreStoredOnce(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	letter := func(key string) postgres.Letter {
		return postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now().Truncate(time.Second), Key: key, Reads: []connectors.Ref{{Object: "deals", ID: "1"}}, Body: []byte("{}")}
	}
	store := func(l ...postgres.Letter) (news int) {
		t.Helper()
		err := b.StoreLetters(t.Context(), l, func(_ pgx.Tx, got [][2]int64) error { news = len(got); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return news
	}
	same := letter("k")
	if store(same, letter("other")) != 1 || store(same) != 0 {
		t.Error("a repeated delivery was stored again")
	}
	b.in(t, func(tx pgx.Tx) error {
		waiting, err := postgres.WaitingLetters(t.Context(), tx, b.ws, b.conn, 10)
		if err != nil || len(waiting) != 2 {
			t.Errorf("want two waiting deliveries, got %d (%v)", len(waiting), err)
		}
		return postgres.FinishLetters(t.Context(), tx, b.ws, waiting)
	})
	pairs, err := b.WaitingDeliveries(t.Context())
	if err != nil || len(pairs) != 0 {
		t.Errorf("want no connection waiting after all were read, got %v (%v)", pairs, err)
	}
}

// TestDeliveriesStayInTheirRows: a delivery of usual size is neither compressed
// nor moved to a side table, in this month's partition and in those to come.
func TestDeliveriesStayInTheirRows(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	admin := d.Connect(t, d.AdminURL)
	if _, err := admin.Exec(t.Context(), `SELECT salesbook.ensure_partitions(6)`); err != nil {
		t.Fatal(err)
	}
	rows, err := admin.Query(t.Context(), `
		SELECT c.relname::text, coalesce(array_to_string(c.reloptions, ','), '') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'salesbook.inbox'::regclass`)
	if err != nil {
		t.Fatal(err)
	}
	var name, options string
	partitions := 0
	_, err = pgx.ForEachRow(rows, []any{&name, &options}, func() error {
		if partitions++; options != "toast_tuple_target=8160" {
			t.Errorf("%s has the options %q", name, options)
		}
		return nil
	})
	if err != nil || partitions != 8 {
		t.Errorf("%d partitions, want the default, this month's and six to come: %v", partitions, err)
	}
}
