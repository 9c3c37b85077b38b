package zoho_test

import (
	"fmt"
	"strings"
	"testing"

	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
)

// wide is a vendor with one deal of 120 fields, which take three answers. state
// gives the deal's second of change at each reading.
func wide(t *testing.T, state func(reading int) int) *fake {
	t.Helper()
	readings := 0
	return answers(t, func(method, path, _ string) (int, string) {
		switch {
		case strings.HasPrefix(path, "/crm/v8/settings/fields"):
			return 200, definitions(120)
		case method == "POST":
			return 200, list(`{"id":"77","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
		}
		second := state(readings)
		readings++
		fields := strings.Count(path, "Own_")
		if fields > 49 || !strings.Contains(path, "Modified_Time") {
			return 400, `{"code":"LIMIT_EXCEEDED","message":"too many fields","details":{},"status":"error"}`
		}
		return 200, list(fmt.Sprintf(`{"id":"77","Modified_Time":"2026-11-22T12:00:%02d+01:00","Own_%02d":"%d"}`, second, (readings-1)%3*49, second))
	})
}

func TestManyFieldsComeInParts(t *testing.T) {
	t.Parallel()
	pages, err := pull(t, wide(t, func(int) int { return 5 }).connect(t), "Deals", queried)
	if err != nil || len(pages) != 1 || len(pages[0].Records) != 1 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	r := pages[0].Records[0]
	v, err := zoho.Spec().Decoder.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Custom) != 3 || v.Custom[0].Value.Text != "5" {
		t.Errorf("the fields of three parts are %+v", v.Custom)
	}
}

// TestTornPartsAreReadAgain: the deal changes between the first two answers.
func TestTornPartsAreReadAgain(t *testing.T) {
	t.Parallel()
	f := wide(t, func(reading int) int {
		if reading == 0 {
			return 5
		}
		return 6
	})
	pages, err := pull(t, f.connect(t), "Deals", queried)
	if err != nil || len(pages) != 1 || len(pages[0].Records) != 1 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	r := pages[0].Records[0]
	v, err := zoho.Spec().Decoder.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range v.Custom {
		if p.Value.Text != "6" {
			t.Errorf("%s is of an older state than the rest: %+v", p.Key, v.Custom)
		}
	}
	if n := len(f.asked); n != 1+1+3+3 {
		t.Errorf("%d requests, want the definitions, the query and twice three parts: %q", n, f.asked)
	}
}

// TestAlwaysTornIsTemporary: a record that never stands still is not put together
// from several states.
func TestAlwaysTornIsTemporary(t *testing.T) {
	t.Parallel()
	pages, err := pull(t, wide(t, func(reading int) int { return reading % 60 }).connect(t), "Deals", queried)
	if fault.KindOf(err) != fault.Temporary || len(pages) > 0 {
		t.Errorf("%d pages, error %v (%v)", len(pages), err, fault.KindOf(err))
	}
}

// TestDeletedBetweenPartsIsLeftOut: what is gone before its second part is read is
// no record, and no error either.
func TestDeletedBetweenPartsIsLeftOut(t *testing.T) {
	t.Parallel()
	gone := answers(t, func(method, path, _ string) (int, string) {
		if method == "GET" && strings.HasPrefix(path, "/crm/v8/Deals") {
			return 204, ""
		}
		if method == "POST" {
			return 200, list(`{"id":"77","Modified_Time":"2026-11-22T12:00:00+01:00"}`)
		}
		return 200, definitions(120)
	})
	pages, err := pull(t, gone.connect(t), "Deals", queried)
	if err != nil || len(pages) != 1 || len(pages[0].Records) != 0 || pages[0].More {
		t.Errorf("pages %+v, error %v", pages, err)
	}
}
