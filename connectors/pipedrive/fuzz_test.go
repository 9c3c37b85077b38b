package pipedrive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
)

// FuzzQuotaHeaders: whatever the headers of an answer say, what is learnt from
// them is no negative number and no wait beyond a day.
func FuzzQuotaHeaders(f *testing.F) {
	f.Add(200, "80", "79", "2", "30000", "29990", "", "Sun, 22 Nov 2026 18:30:00 GMT")
	f.Add(429, "", "0", "3", "", "0", "", "Sun, 22 Nov 2026 23:59:59 GMT")
	f.Add(429, "-1", "-5", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "9223372036", "x")
	f.Add(403, " 7 ", "1e3", "0x10", "+5", "٣", "-7", "")
	f.Fuzz(func(t *testing.T, status int, limit, left, reset, dayLimit, dayLeft, after, date string) {
		h := http.Header{}
		for name, value := range map[string]string{
			"X-Ratelimit-Limit": limit, "X-Ratelimit-Remaining": left, "X-Ratelimit-Reset": reset, "X-Daily-Ratelimit-Token-Limit": dayLimit,
			"X-Daily-Ratelimit-Token-Remaining": dayLeft, "Retry-After": after, "Date": date, "Content-Type": "text/html",
		} {
			h.Set(name, value)
		}
		u := meter().Usage(&http.Response{StatusCode: status, Header: h})
		for name, n := range map[string]*int{"limit": u.BurstLimit, "remaining": u.BurstRemaining, "daily limit": u.DailyLimit, "daily remaining": u.DailyRemaining} {
			if n != nil && *n < 0 {
				t.Errorf("%s is %d", name, *n)
			}
		}
		waits := []time.Duration{u.RetryAfter}
		if u.BurstReset != nil {
			waits = append(waits, *u.BurstReset)
		}
		for _, w := range waits {
			if w < 0 || w > 24*time.Hour {
				t.Errorf("a wait of %v", w)
			}
		}
		q := quota(h)
		if q.Burst < 0 || q.Daily < 0 || q.BurstWindow < 0 {
			t.Errorf("quota %+v", q)
		}
	})
}

// FuzzDecodeLikeJSON holds the fast decoder to encoding/json: the same records
// are accepted, and each plain value is the same.
func FuzzDecodeLikeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"a":"x","b":1.50,"c":true,"d":null,"e":[1,"2",[3]],"f":{"g":{"h":"i"}}}`, `{"id":"é\ud83d\ude00","a":"\ud800","b":"\u0000\b\f\/"}`,
		"{\"id\":1,\"a\":\"\xff\",\"\xfe\":1}", `{"id":1,"a":1,"a":2,"a":{"b":1,"b":2}}`, `{"id":-0.0e+10,"a":1E400}`, " {\t\"id\" : 1\r\n} ", `null`, `[{"id":1}]`, `{"ID":1}`,
		`{"id":1,"custom_fields":{"a":{"id":1}}}`, `{"id":1,"owner_id":{"id":2},"add_time":"2026-01-01T00:00:00Z"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return // records are parts of answers that were found to be JSON; FuzzDecode tries others
		}
		got, err := decoder().Decode(stages, shapeV2, raw)
		var want any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		object, isObject := want.(map[string]any)
		if !isObject {
			if err == nil {
				t.Fatal("decoded what is no object")
			}
			return
		}
		id := fmt.Sprint(object["id"])
		_, number := object["id"].(json.Number)
		_, text := object["id"].(string)
		if must := (number || text) && answers.Usable(id) && !deeper(object, answers.DepthLimit); (err == nil) != must {
			t.Fatalf("error %v, want one: %v", err, !must)
		}
		if err != nil {
			return
		}
		seen := map[string]any{}
		for key, v := range object {
			seen[storableText(key)] = v
		}
		for _, p := range got.Standard {
			compareJSON(t, p.Key, p.Value, seen[p.Key], len(seen) == len(object))
		}
	})
}

// deeper tells a value nested in more than n levels.
func deeper(v any, n int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			if n == 0 || deeper(x, n-1) {
				return true
			}
		}
		return n == 0
	case []any:
		for _, x := range v {
			if n == 0 || deeper(x, n-1) {
				return true
			}
		}
		return n == 0
	}
	return false
}

func storableText(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// compareJSON compares plain values. What the dialect turns into times, dates,
// references and custom fields has tests of its own; keys that become alike only
// by being made storable are not compared.
func compareJSON(t *testing.T, key string, got connectors.Value, want any, apart bool) {
	t.Helper()
	if !apart || strings.Contains(key, "\uFFFD") {
		return
	}
	var kind connectors.ValueKind
	text := ""
	switch w := want.(type) {
	case nil:
		kind = connectors.Null
	case bool:
		kind, text = connectors.Bool, fmt.Sprint(w)
	case json.Number:
		kind, text = connectors.Number, w.String()
	case string:
		if got.Kind != connectors.Text {
			return
		}
		kind, text = connectors.Text, storableText(w)
	case []any:
		if got.Kind != connectors.List || len(got.Items) != len(w) {
			t.Fatalf("%q is %v of %d, want a list of %d", key, got.Kind, len(got.Items), len(w))
		}
		return
	default:
		return
	}
	same := got.Text == text || kind == connectors.Text && alike(got.Text, text)
	if got.Kind != kind || !same {
		t.Fatalf("%q is %v %q, want %v %q", key, got.Kind, got.Text, kind, text)
	}
}

// alike: runs of what is no text may become one mark or several.
func alike(a, b string) bool {
	marks := func(s string) string {
		for strings.Contains(s, "\uFFFD\uFFFD") {
			s = strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD")
		}
		return s
	}
	return utf8.ValidString(a) && marks(a) == marks(b)
}

// FuzzSplitLikeJSON holds the fast splitting of pages to encoding/json: as many
// records, the same bytes, the same place of the next page.
func FuzzSplitLikeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"success":true,"data":[{"id":1},{"id":2, "x":[{}]} , null ],"additional_data":{"next_cursor":"a\u00e9"}}`, `{"success":true,"data":null}`, `{"success":true}`,
		`{"success":true,"data":[{"id":1}],"data":[{"id":2},{"id":3}]}`, `{"Success":true,"data":[]}`, `{"success":true,"data":[],"additional_data":null}`,
		`{"success":false,"success":true,"data":[1]}`, `{"success":true,"data":[],"additional_data":{"next_cursor":"a","next_cursor":null}}`, `{"success":true,"data":[],"additional_data":{"pagination":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			return // rest lets no such answer through
		}
		got, err := decoder().sources[persons].split(body)
		want, fails := splitSlowly(body)
		if (err == nil) != fails {
			if fails {
				t.Fatalf("error %v, encoding/json finds a page of %d", err, len(want))
			}
			return // encoding/json knows keys by any case, and is laxer there
		}
		if err != nil {
			return
		}
		if len(got.records) != len(want) {
			t.Fatalf("%d records, want %d", len(got.records), len(want))
		}
		for i, r := range got.records {
			if !bytes.Equal(bytes.TrimSpace(r.Raw), bytes.TrimSpace(want[i])) {
				t.Fatalf("record %d is %q, want %q", i, r.Raw, want[i])
			}
		}
	})
}

// splitSlowly reads a page by its exact keys, the last of each, with
// encoding/json; ok is false when it is none.
func splitSlowly(body []byte) (records []json.RawMessage, ok bool) {
	var page map[string]json.RawMessage
	if json.Unmarshal(body, &page) != nil {
		return nil, false
	}
	var success bool
	if json.Unmarshal(page["success"], &success) != nil || !success || string(page["success"]) == "null" {
		return nil, false
	}
	if data, there := page["data"]; there && json.Unmarshal(data, &records) != nil {
		return nil, false
	}
	var more map[string]json.RawMessage
	if text, there := page["additional_data"]; there && json.Unmarshal(text, &more) != nil {
		return nil, false
	}
	return records, fits[*string](more["next_cursor"]) && fits[bool](more["more_items_in_collection"]) && fits[map[string]json.RawMessage](more["pagination"])
}

func fits[T any](raw json.RawMessage) bool {
	var v T
	return raw == nil || json.Unmarshal(raw, &v) == nil
}
