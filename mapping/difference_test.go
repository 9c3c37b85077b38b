package mapping

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/sales"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	kind, _ := sales.KindByName("deals")
	row := func(custom string, fields map[string]any) sales.Row {
		r := sales.Row{ID: "1", Values: make([]any, len(kind.Fields))}
		for name, v := range fields {
			r.Values[kind.Index(name)] = v
		}
		if custom != "" {
			r.Custom = []byte(custom)
		}
		return r
	}
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	full := func() map[string]any {
		return map[string]any{"title": "x", "amount": decimal.RequireFromString("1.50"), "added_at": noon, "labels": []string{"1", "2"}, "archived": false, "items_count": int64(1)}
	}
	other := full()
	other["amount"], other["added_at"] = decimal.RequireFromString("1.5"), noon.In(time.FixedZone("", 3600))
	for _, c := range []struct {
		name          string
		before, after sales.Row
		want          []string
	}{
		{"the same written differently", row(`{"a":1.50,"b":{"x":[1,"y"],"z":null}}`, full()), row(`{ "b": {"z":null, "x":[1.0,"y"]}, "a": 1.5 }`, other), nil},
		{"both empty", sales.Row{}, sales.Row{}, nil},
		{"first sight", sales.Row{}, row(`{"a":"1"}`, map[string]any{"title": "x", "labels": []string{"1"}}), []string{"title: null -> x", "labels: null -> [1]", `custom.a: null -> "1"`}},
		{"gone", row(`{"a":"1"}`, map[string]any{"added_at": noon}), row(`{}`, nil), []string{"added_at: 2026-01-01T12:00:00Z -> null", `custom.a: "1" -> null`}},
		{"each type", row("", full()), row("", map[string]any{"title": "y", "amount": decimal.RequireFromString("2"), "added_at": noon.Add(1), "labels": []string{"2", "1"}, "archived": true, "items_count": int64(2)}),
			[]string{"title: x -> y", "amount: 1.5 -> 2", "archived: false -> true", "added_at: 2026-01-01T12:00:00Z -> 2026-01-01T12:00:00.000000001Z", "labels: [1, 2] -> [2, 1]", "items_count: 1 -> 2"}},
		{"types that differ", row("", map[string]any{"title": "1", "labels": "1"}), row("", map[string]any{"title": int64(1), "labels": []string{"1"}}), []string{"title: 1 -> 1", "labels: 1 -> [1]"}},
		{"custom", row(`{"a":1,"b":[1],"c":{"d":1},"e":"x"}`, nil), row(`{"a":"1","b":[1,2],"c":{"d":2},"e":["x"]}`, nil),
			[]string{`custom.a: 1 -> "1"`, "custom.b: [1] -> [1,2]", `custom.c: {"d":1} -> {"d":2}`, `custom.e: "x" -> ["x"]`}},
		{"a document that is none", row(`{"a":1}`, nil), row(`[1]`, nil), []string{"custom.: null -> [1]", "custom.a: 1 -> null"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range Differences(c.before, c.after, kind) {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDifferencesOfJSON(t *testing.T) {
	t.Parallel()
	kind, _ := sales.KindByName("products")
	prices := func(text string) sales.Row {
		r := sales.Row{Values: make([]any, len(kind.Fields))}
		r.Values[kind.Index("prices")] = json.RawMessage(text)
		return r
	}
	if got := Differences(prices(`[{"price":5.10}]`), prices(`[ {"price": 5.1} ]`), kind); got != nil {
		t.Errorf("%v", got)
	}
	if got := Differences(prices(`[{"price":5.10}]`), prices(`[{"price":5.11}]`), kind); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := Differences(prices(`[]`), sales.Row{}, kind); len(got) != 1 {
		t.Errorf("%v", got)
	}
}
