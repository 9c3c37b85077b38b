package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

func TestACardShowsARecordWhole(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	deals, _ := sales.KindByName("deals")
	items, _ := sales.KindByName("deal_items")
	item := func(id, deal, quantity string, gone bool) postgres.CanonicalRow {
		r := postgres.CanonicalRow{Row: sales.Row{ID: id, Values: make([]any, len(items.Fields))}, Deleted: gone}
		r.Values[items.Index("deal_id")] = deal
		r.Values[items.Index("quantity")] = decimal.RequireFromString(quantity)
		return r
	}
	var cards, lines []postgres.Card
	var names map[string]string
	b.in(t, func(tx pgx.Tx) error {
		if _, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, deals, 7, []postgres.CanonicalRow{dealRow("1", nil), dealRow("2", nil)}); err != nil {
			return err
		}
		_, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, items, 7, []postgres.CanonicalRow{item("a", "1", "2.5", false), item("b", "1", "1", true), item("c", "2", "9", false)})
		if err != nil {
			return err
		}
		if cards, err = postgres.Cards(t.Context(), tx, b.ws, []int64{b.conn, b.conn + 1}, deals, "1"); err != nil {
			return err
		}
		if lines, err = postgres.ItemsOf(t.Context(), tx, b.ws, b.conn, "1"); err != nil {
			return err
		}
		names, err = postgres.Names(t.Context(), tx, b.ws, b.conn, deals, []string{"1", "2", "none"})
		return err
	})
	if len(cards) != 1 || cards[0].ID != "1" || cards[0].Connection != b.conn || cards[0].MapVersion != 7 {
		t.Fatalf("cards: %+v", cards)
	}
	for field, want := range map[string]string{"amount": "12345678901234567890.123456789", "currency": `"PLN"`, "won_at": "null"} {
		if got := string(cards[0].Fields[field]); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	if d := cmp.Diff(json.RawMessage(`{"a": "1"}`), cards[0].Custom); d != "" {
		t.Errorf("custom (-want +got):\n%s", d)
	}
	if len(lines) != 1 || lines[0].ID != "a" || string(lines[0].Fields["quantity"]) != "2.5" {
		t.Errorf("living items of deal 1: %+v", lines)
	}
	title := "Сделка «Łódź» \\ \"x\""
	if d := cmp.Diff(map[string]string{"1": title, "2": title}, names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
}

func TestTheRawPlaceTellsWhatIsStored(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	b.put(t, sighting("1", `{"v":1}`, 10, 20))
	gone := sighting("2", "", 0, 30)
	gone.Raw, gone.Deleted = nil, true
	b.put(t, gone)
	b.in(t, func(tx pgx.Tx) error {
		place, ok, err := postgres.RawPlaceOf(t.Context(), tx, b.ws, b.conn, "deals", "1")
		if err != nil || !ok || place.Shape != "v2" || place.Stored == 0 || place.UpdatedAt == nil || place.DeletedAt != nil {
			t.Errorf("a stored record: %+v, %v, %v", place, ok, err)
		}
		place, ok, err = postgres.RawPlaceOf(t.Context(), tx, b.ws, b.conn, "deals", "2")
		if err != nil || !ok || place.Stored != 0 || place.DeletedAt == nil {
			t.Errorf("a known deletion: %+v, %v, %v", place, ok, err)
		}
		if _, ok, err = postgres.RawPlaceOf(t.Context(), tx, b.ws, b.conn, "deals", "3"); ok || err != nil {
			t.Errorf("an unknown record: %v, %v", ok, err)
		}
		if n, err := postgres.CountRecords(t.Context(), tx, b.ws, b.conn); n != 2 || err != nil {
			t.Errorf("%d records, %v; want 2", n, err)
		}
		return nil
	})
}

func TestHistoryTellsWhoMadeAnObservedMove(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	deals, _ := sales.KindByName("deals")
	events, _ := sales.KindByName("deal_events")
	added, moved := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC), time.Date(2026, 5, 2, 9, 0, 0, 0, time.UTC)
	deal := func(stage string, since time.Time) postgres.CanonicalRow {
		return dealRow("1", func(set func(string, any)) {
			set("stage_id", stage)
			set("stage_entered_at", since)
			set("added_at", added)
		})
	}
	event := func(id string) postgres.CanonicalRow {
		r := postgres.CanonicalRow{Row: sales.Row{ID: id, Values: make([]any, len(events.Fields))}}
		for field, v := range map[string]any{"deal_id": "1", "field": "stage_id", "old_value": "10", "new_value": "20", "actor_id": "5", "at": moved} {
			r.Values[events.Index(field)] = v
		}
		return r
	}
	var got []postgres.StageEntry
	b.in(t, func(tx pgx.Tx) error {
		if _, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, deals, 7, []postgres.CanonicalRow{deal("10", added)}); err != nil {
			return err
		}
		next := deal("20", moved)
		next.Known = true
		w, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, deals, 7, []postgres.CanonicalRow{next})
		if err != nil {
			return err
		}
		if err := postgres.RecordMoves(t.Context(), tx, b.ws, b.conn, "", w.Changes); err != nil {
			return err
		}
		// The vendor tells the move twice, and was asked so soon that our own sight of it stays.
		if _, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, events, 7, []postgres.CanonicalRow{event("1/a"), event("1/b")}); err != nil {
			return err
		}
		if err := postgres.RebuildStages(t.Context(), tx, b.ws, b.conn, "", []string{"1"}, moved.Add(time.Second)); err != nil {
			return err
		}
		got, err = postgres.StagesOf(t.Context(), tx, b.ws, b.conn, "1")
		return err
	})
	from, actor := "10", "5"
	want := []postgres.StageEntry{
		{At: added, StageID: "10", Source: "history"},
		{At: moved, StageID: "20", FromStage: &from, ActorID: &actor, Source: "history"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stages (-want +got):\n%s", d)
	}
}
