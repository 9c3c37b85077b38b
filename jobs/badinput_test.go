package jobs_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"salesbook.dev/internal/sandbox/pipedrive"
)

// spoilt is one field of a deal as no document foresees it. The value is sent as
// it is written here; without a field it is the whole record.
type spoilt struct {
	field, value string
	aside        string // the place that the failure names; empty: the record is kept
	kept         string // column=text of the canonical row, of one that is kept
}

// oddities are what a vendor should never send.
func oddities() []spoilt {
	const amount, added, closing, updated = "amount", "added_at", "expected_close", "updated_at"
	long := strings.Repeat("я", 300_000)
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	many := strings.Builder{}
	for i := range 150 {
		fmt.Fprintf(&many, `,"%040x":%d`, i, i)
	}
	return []spoilt{
		{"value", "1e400", amount, ""},
		{"value", "1e999999999", amount, ""},
		{"value", strings.Repeat("1234567890", 4), amount, ""},
		{"value", "0." + strings.Repeat("3", 5000), amount, ""},
		{"value", "1e-400", amount, ""},
		{"value", `"12,5"`, amount, ""},
		{"value", "true", amount, ""},
		{"value", "[1]", amount, ""},
		{"value", "-5", "", "amount=-5"},
		{"value", "null", "", "amount="},
		{"currency", `"XXQ"`, "", "currency=XXQ"},
		{"currency", "null", "", "currency="},
		{"title", `"a\u0000b"`, "", "title=a\uFFFDb"},
		{"title", `"\ud800 x"`, "", "title=\uFFFD x"},
		{"title", "\"a\xff\xfe\"", "", "title=a\uFFFD"},
		{"title", `"` + long + `"`, "", "title=" + long},
		{"title", "\"\ufeffx\"", "", "title=\ufeffx"},
		{"title", "5", "", "title=5"},
		{"title", "null", "title", ""},
		{"title", `{"a":1}`, "title", ""},
		{"status", `"hibernating"`, "status", ""},
		{"status", "null", "status", ""},
		{"status", `["open"]`, "status", ""},
		{"stage_id", "12345678901234567890", "", "stage_id=12345678901234567890"},
		{"stage_id", "1e400", "", "stage_id=1e400"},
		{"add_time", `"0000-00-00 00:00:00"`, "", "added_at="},
		{"add_time", `"0000-01-01T00:00:00Z"`, added, ""},
		{"add_time", `"20000-01-01T00:00:00Z"`, added, ""},
		{"add_time", `"yesterday"`, added, ""},
		{"add_time", "5", added, ""},
		{"expected_close_date", `"2026-02-30"`, closing, ""},
		{"expected_close_date", `"20000-01-01"`, closing, ""},
		{"expected_close_date", `"0001-01-01"`, "", "expected_close=0001-01-01"},
		{"update_time", `"20000-01-01T00:00:00Z"`, updated, ""},
		{"update_time", `"0001-01-01T00:00:00Z"`, "", "updated_at=0001-01-01T00:00:00+00:00"},
		{"update_time", `"9999-12-31T23:59:59Z"`, "", "updated_at=9999-12-31T23:59:59+00:00"},
		{"update_time", "null", "", "updated_at="},
		{"label_ids", "[[1]]", "labels", ""},
		{"label_ids", `{"a":1}`, "labels", ""},
		{"label_ids", "[null,1e400]", "", ""},
		{"custom_fields", `"text"`, "", ""},
		{"custom_fields", `{"x":` + deep + "}", "custom_fields.x", ""},
		{"custom_fields", `{"` + strings.Repeat("k", 100_000) + `":1}`, "", ""},
		{"custom_fields", `{"\u0000":"\u0000","a":1,"a":2` + many.String() + "}", "", ""},
		{"probability", "1e400", "probability", ""},
		{"probability", "-1", "", "probability=-1"},
		{"owner_id", `{"id":1,"value":2}`, "", "owner_id=2"},
		{"owner_id", "[1]", "owner_id", ""},
	}
}

// nameless are records that cannot be told from others.
func nameless() []string {
	return []string{
		"null", "[]", `"x"`, "17", "{}", `{"id":null}`, `{"id":[1]}`, `{"id":"a\u0000b"}`, "{\"id\":\"a\xff\"}", `{"id":" "}`, `{"id":"\ud800"}`,
		`{"id":"` + strings.Repeat("i", 5000) + `"}`,
	}
}

// spoiling sends records of two lists otherwise than the simulator does.
func spoiling(t *testing.T, records map[string]spoilt) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || r.URL.Path != "/api/v2/deals" && r.URL.Path != "/api/v2/deals/archived" {
			return resp, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		for i, id := range gjson.GetBytes(body, "data.#.id").Array() {
			s, ok := records[id.Raw]
			if !ok {
				continue
			}
			at := fmt.Sprintf("data.%d", i)
			if s.field != "" {
				at += "." + s.field
			}
			if body, err = sjson.SetRawBytes(body, at, []byte(s.value)); err != nil {
				t.Errorf("%+v: %v", s, err)
			}
		}
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Del("Content-Length")
		return resp, nil
	})
}

// spoilAll gives each oddity a deal of its own.
func (b *bundle) spoilAll(t *testing.T) (odd, nobody map[string]spoilt) {
	t.Helper()
	odd, nobody = map[string]spoilt{}, map[string]spoilt{}
	var ids []string
	for r := range b.sim.Truth("deals") {
		if !r.Deleted {
			ids = append(ids, r.ID)
		}
	}
	for i, s := range oddities() {
		odd[ids[i]] = s
	}
	for i, raw := range nameless() {
		nobody[ids[len(odd)+i]] = spoilt{value: raw}
	}
	all := map[string]spoilt{}
	for _, some := range []map[string]spoilt{odd, nobody} {
		for id, s := range some {
			all[id] = s
		}
	}
	b.Transport = spoiling(t, all)
	return odd, nobody
}

// TestBadInput sends every oddity through the whole pipeline, as news and as a
// change of what is known: each record is kept as far as it can be or put aside
// with its place, all others go through, and once the vendor is mended all is
// as it should be.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"of records at first sight": false, "of known records": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 150, pipedrive.Options{})
			if known {
				b.pull(t)
			}
			odd, nobody := b.spoilAll(t)
			b.in(t, resetAll(t, b))
			b.pull(t)
			b.checkOdd(t, odd, known)
			b.checkRest(t, odd, nobody)
			b.Transport = nil
			b.in(t, resetAll(t, b))
			b.pull(t)
			b.drift(t)
			for _, f := range b.failures(t) {
				if !strings.HasPrefix(f.ExternalID, "unnamed-") {
					t.Errorf("%s %s stays open though it is mended", f.Object, f.ExternalID)
				}
			}
		})
	}
}

func (b *bundle) checkOdd(t *testing.T, odd map[string]spoilt, known bool) {
	t.Helper()
	places := map[string]string{}
	for _, f := range b.failures(t) {
		places[f.ExternalID] = f.Place
	}
	for id, s := range odd {
		about := fmt.Sprintf("%s %.40s", s.field, s.value)
		if diff := cmp.Diff(s.aside, places[id]); diff != "" {
			t.Errorf("%s: put aside at (-want +got):\n%s", about, diff)
		}
		rows := one[int](t, b, `SELECT count(*) FROM deals WHERE external_id = $1`, id)
		if want := known || s.aside == ""; (rows == 1) != want {
			t.Errorf("%s: %d rows, want one: %v", about, rows, want)
		}
		column, want, some := strings.Cut(s.kept, "=")
		if got := one[string](t, b, `SELECT coalesce(max(to_jsonb(d) ->> $2), '') FROM deals d WHERE external_id = $1`, id, column); some && got != want {
			t.Errorf("%s: %s is %.60q, want %.60q", about, column, got, want)
		}
		if n := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'deals' AND external_id = $1`, id); n != 1 {
			t.Errorf("%s: %d times in the store, want once", about, n)
		}
	}
}

// checkRest: what cannot be told from others is listed and kept, and no other
// record suffers.
func (b *bundle) checkRest(t *testing.T, odd, nobody map[string]spoilt) {
	t.Helper()
	listed := 0
	for _, f := range b.failures(t) {
		if strings.HasPrefix(f.ExternalID, "unnamed-") {
			listed++
		} else if _, ok := odd[f.ExternalID]; !ok {
			t.Errorf("%s %s was good and is put aside: %s", f.Object, f.ExternalID, f.Reason)
		}
	}
	kept := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'deals' AND external_id LIKE 'unnamed-%'`)
	if listed != len(nobody) || kept != len(nobody) {
		t.Errorf("%d records without an id: %d listed, %d stored", len(nobody), listed, kept)
	}
	for r := range b.sim.Truth("deals") {
		if odd[r.ID].value != "" || nobody[r.ID].value != "" {
			continue
		}
		if n := one[int](t, b, `SELECT count(*) FROM deals WHERE external_id = $1`, r.ID); n != 1 {
			t.Errorf("deal %s was good and has %d rows", r.ID, n)
		}
	}
}
