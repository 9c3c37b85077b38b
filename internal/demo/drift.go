package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// Truth is one record as the vendor has it.
type Truth struct {
	ID      string
	JSON    []byte
	Deleted bool
}

// Drift is the comparison of one canonical kind with the vendor's truth.
type Drift struct {
	Vendor    int      `json:"vendor"`             // living records at the vendor
	Canonical int      `json:"canonical"`          // living canonical rows
	Drift     int      `json:"drift"`              // records whose id or content differs
	Examples  []string `json:"examples,omitempty"` // what differs in the first few
}

// maxExamples bounds the differences that are told in words.
const maxExamples = 5

func (d *Drift) differ(format string, args ...any) {
	d.Drift++
	if len(d.Examples) < maxExamples {
		d.Examples = append(d.Examples, fmt.Sprintf(format, args...))
	}
}

// add adds what was found at another connection.
func (d *Drift) add(connection string, o *Drift) {
	d.Vendor, d.Canonical, d.Drift = d.Vendor+o.Vendor, d.Canonical+o.Canonical, d.Drift+o.Drift
	for _, e := range o.Examples {
		d.Examples = append(d.Examples, connection+": "+e)
	}
}

// Compare holds every canonical row of a connection against the truth of its
// vendor, named as in the catalog, and returns the drift by kind. It reads one kind
// at a time.
func Compare(ctx context.Context, db *postgres.DB, workspace, connection int64, vendor string, truth func(object string) iter.Seq[Truth]) (map[string]*Drift, error) {
	out := map[string]*Drift{}
	rows := map[string]map[string]json.RawMessage{}
	expectations := expectationsOf(vendor)
	for _, e := range expectations {
		if out[e.kind] == nil {
			living, err := livingRows(ctx, db, workspace, connection, e.kind)
			if err != nil {
				return nil, err
			}
			rows[e.kind], out[e.kind] = living, &Drift{Canonical: len(living)}
		}
		compareObject(out[e.kind], e, rows[e.kind], truth(e.object))
	}
	for kind, left := range rows {
		for id := range left {
			if !expected(expectations, kind, id) {
				continue
			}
			out[kind].differ("%s %s: not at the vendor", kind, id)
		}
	}
	return out, nil
}

// expected tells whether a row belongs to an object that is compared.
func expected(expectations []expectation, kind, id string) bool {
	for _, e := range expectations {
		if e.kind == kind && strings.HasPrefix(id, e.prefix) {
			return true
		}
	}
	return false
}

func livingRows(ctx context.Context, db *postgres.DB, workspace, connection int64, kind string) (map[string]json.RawMessage, error) {
	k, ok := sales.KindByName(kind)
	if !ok {
		return nil, fmt.Errorf("no canonical kind %q", kind)
	}
	living := map[string]json.RawMessage{}
	after := ""
	for {
		var page []postgres.Document
		err := db.In(ctx, workspace, func(tx pgx.Tx) (err error) {
			page, err = postgres.Documents(ctx, tx, workspace, connection, k, after, 2000)
			return err
		})
		if err != nil || len(page) == 0 {
			return living, err
		}
		for _, d := range page {
			if !d.Deleted {
				living[d.ID] = d.JSON
			}
		}
		after = page[len(page)-1].ID
	}
}

// compareObject counts differences of one object and takes what it has seen
// out of living.
func compareObject(d *Drift, e expectation, living map[string]json.RawMessage, truth iter.Seq[Truth]) {
	for t := range truth {
		if t.Deleted {
			continue
		}
		d.Vendor++
		id := e.prefix + e.idOf(t)
		row, ok := living[id]
		if !ok {
			d.differ("%s %s: missing here", e.kind, id)
			continue
		}
		delete(living, id)
		if diff := e.difference(t.JSON, row); diff != "" {
			d.differ("%s %s: %s", e.kind, id, diff)
		}
	}
}

// idOf is what a record is called in the canonical model, without the prefix.
func (e expectation) idOf(t Truth) string {
	var v map[string]any
	if e.id == "" || decode(t.JSON, &v) != nil {
		return t.ID
	}
	return plain(at(v, e.id))
}

// difference says in words in which field a row is not what the vendor has, or
// returns nothing.
func (e expectation) difference(vendor []byte, row json.RawMessage) string {
	var v, r map[string]any
	if err := decode(vendor, &v); err != nil {
		return "the vendor's record cannot be read: " + err.Error()
	}
	if err := decode(row, &r); err != nil {
		return "the row cannot be read: " + err.Error()
	}
	for _, f := range e.fields {
		if f.path == dealStage && at(v, f.path) == nil {
			continue // it has ended
		}
		if want, got := plain(at(v, f.path)), plain(at(r, f.column)); want != got {
			return fmt.Sprintf("%s: want %q, got %q", f.column, want, got)
		}
	}
	for _, f := range e.lists {
		if want, got := texts(at(v, f.path)), texts(r[f.column]); want != got {
			return fmt.Sprintf("%s: want %q, got %q", f.column, want, got)
		}
	}
	if e.custom {
		return customDifference(v, r)
	}
	return ""
}

// texts joins a list of texts, or of objects with a value, whatever its order
// and the case of its letters.
func texts(list any) string {
	var out []string
	items, isList := list.([]any)
	if !isList {
		items = []any{list}
	}
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			item = o["value"]
		}
		if s := strings.ToLower(strings.TrimSpace(plain(item))); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// customDifference compares which custom fields are set, and the plain ones by value.
func customDifference(v, r map[string]any) string {
	want, _ := v["custom_fields"].(map[string]any)
	got, _ := r["custom"].(map[string]any)
	for code := range got {
		if _, known := want[code]; !known && customCode(code) {
			return code + ": set here, not at the vendor"
		}
	}
	for code, w := range want {
		g, ok := got[code]
		switch w.(type) {
		case nil:
			if ok {
				return code + ": set here, empty at the vendor"
			}
		case string, json.Number, bool:
			if plain(w) != plain(g) {
				return fmt.Sprintf("%s: want %q, got %q", code, plain(w), plain(g))
			}
		default:
			if !ok {
				return code + ": missing here"
			}
		}
	}
	return ""
}

// customCode tells the codes that the vendor gives to custom fields, 40 hex digits
// with or without a suffix, from other things that custom keeps.
func customCode(code string) bool {
	return len(code) >= 40 && strings.Trim(code[:40], "0123456789abcdef") == ""
}

func decode(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(into)
}

// at follows a dotted path into nested objects.
func at(v map[string]any, path string) any {
	if first, others, joined := strings.Cut(path, "|"); joined {
		return plain(at(v, first)) + "|" + plain(at(v, others))
	}
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return v[head]
	}
	inner, ok := v[head].(map[string]any)
	if !ok {
		return nil
	}
	return at(inner, rest)
}

// plain renders a value so that equal meanings have equal text: numbers
// without trailing zeros, instants in UTC to the microsecond.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case json.Number:
		return number(v.String())
	case string:
		for _, layout := range []string{time.RFC3339Nano, time.DateTime} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC().Format(time.RFC3339Nano)
			}
		}
		return number(v)
	default:
		return fmt.Sprint(v)
	}
}

// number gives decimals one spelling; other text stays as it is.
func number(s string) string {
	if d, err := decimal.NewFromString(s); err == nil && len(s) < 40 {
		return d.String()
	}
	return s
}
