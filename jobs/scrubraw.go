package jobs

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf16"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/mapping"
)

// records redacts the vendor's bytes of what quotes the persons.
func (x *scrub) records(ctx context.Context) error {
	for _, o := range x.s.Spec.Objects {
		for after := ""; ; {
			last, err := x.recordsAfter(ctx, o.Name, after)
			if err != nil {
				return err
			}
			if last == "" {
				break
			}
			after = last
		}
	}
	return nil
}

func (x *scrub) recordsAfter(ctx context.Context, object, after string) (last string, err error) {
	var changed []postgres.RawRecord
	var named []string
	err = x.in(ctx, func(tx pgx.Tx) error {
		last, changed, named = "", nil, nil
		page, err := postgres.ReadRecords(ctx, tx, x.workspace, x.s.ID, object, after, scrubPage, x.p.Compressor)
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1].ID
		for _, raw := range page {
			all := x.e.json(raw.Raw, true)
			if bytes.Equal(all, raw.Raw) {
				continue
			}
			r, ok := x.e.admit(x.s, connectors.Record{Object: object, ID: raw.ID, Parent: raw.Parent, Shape: raw.Shape, Raw: raw.Raw})
			if !ok {
				continue // one of the persons: they go last
			}
			if !bytes.Equal(all, r.Raw) {
				named = append(named, raw.ID)
			}
			if !bytes.Equal(raw.Raw, r.Raw) {
				raw.Raw = r.Raw
				changed = append(changed, raw)
			}
		}
		if x.dry {
			return nil
		}
		if err := x.e.news.store(ctx, tx, x.s); err != nil || len(changed) == 0 {
			return err
		}
		return postgres.RewriteRaw(ctx, tx, x.workspace, x.s.ID, object, changed, x.p.Compressor)
	})
	if err != nil {
		return "", err
	}
	x.e.told()
	x.count("records", len(changed))
	for _, id := range named {
		x.named(object, id)
	}
	return last, nil
}

// dictionaries replaces those that were made from a record that tells of the
// persons: records are packed anew with one that does not.
func (x *scrub) dictionaries(ctx context.Context) error {
	needles := needlesOf(x.found)
	for _, o := range x.s.Spec.Objects {
		var telling []int64
		err := x.in(ctx, func(tx pgx.Tx) error {
			telling = nil
			all, err := postgres.Dictionaries(ctx, tx, x.workspace, x.s.ID, o.Name)
			for id, content := range all {
				if x.tells(o.Name, content, needles) {
					telling = append(telling, id)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		x.count("dictionaries", len(telling))
		if x.dry || len(telling) == 0 {
			continue
		}
		if err := x.repack(ctx, o.Name, needles, telling); err != nil {
			return err
		}
	}
	return nil
}

// tells reports whether a record that is a dictionary, or may become one, tells
// of the persons. It may be cut off anywhere, so it is looked at as plain text, too.
func (x *scrub) tells(object string, content []byte, needles [][]byte) bool {
	text := string(content)
	if holdsAny(content, needles) || !bytes.Equal(x.e.json(content, true), content) || x.e.text(text, true) != text {
		return true
	}
	om, ok := x.s.Map.Object(object)
	return ok && om.Kind().Name == "people" && x.holdsPerson(om, content)
}

// recordID finds ids in a record, also in one that is cut off.
var recordID = regexp.MustCompile(`(?i)"id"\s*:\s*"?([^",{}\s]+)`)

// holdsPerson tells whether a record of a person may be that of an erased one,
// whatever he was called then: his id stands in it.
func (x *scrub) holdsPerson(om *mapping.ObjectMap, content []byte) bool {
	return slices.ContainsFunc(recordID.FindAllSubmatch(content, -1), func(m [][]byte) bool { return x.isPerson(om.ID(string(m[1]))) })
}

// repack packs an object's records with a new dictionary and drops the old.
func (x *scrub) repack(ctx context.Context, object string, needles [][]byte, old []int64) error {
	err := x.in(ctx, func(tx pgx.Tx) error {
		page, err := postgres.ReadRecords(ctx, tx, x.workspace, x.s.ID, object, "", scrubPage, x.p.Compressor)
		if err != nil {
			return err
		}
		sample := []byte("{}")
		for _, r := range page {
			if !x.tells(object, r.Raw, needles) {
				sample = r.Raw
				break
			}
		}
		return postgres.AddDictionary(ctx, tx, x.workspace, x.s.ID, object, sample)
	})
	if err != nil {
		return err
	}
	if err := x.in(ctx, func(tx pgx.Tx) error { return x.p.Compressor.Keep(ctx, tx, x.workspace, x.s.ID) }); err != nil {
		return err
	}
	if err := x.p.Compressor.Prepare(ctx, x.p.DB, x.workspace, x.s.ID, object, nil); err != nil {
		return err
	}
	for after, more := "", true; more; {
		err := x.in(ctx, func(tx pgx.Tx) error {
			page, err := postgres.ReadRecords(ctx, tx, x.workspace, x.s.ID, object, after, scrubPage, x.p.Compressor)
			if more = len(page) > 0; err != nil || !more {
				return err
			}
			last := page[len(page)-1].ID
			if err := postgres.RewriteRaw(ctx, tx, x.workspace, x.s.ID, object, page, x.p.Compressor); err != nil {
				return err
			}
			after = last
			return nil
		})
		if err != nil {
			return err
		}
	}
	return x.in(ctx, func(tx pgx.Tx) error {
		return postgres.DropDictionaries(ctx, tx, x.workspace, x.s.ID, object, old)
	})
}

// needlesOf are the persons' names, addresses and numbers as a vendor's JSON
// writes them, also with escapes.
func needlesOf(persons map[int64][]postgres.Person) (out [][]byte) {
	for _, list := range persons {
		for _, p := range list {
			texts := slices.Concat([]string{p.Name, p.First, p.Last}, p.Former, p.Emails, p.Phones, p.Written)
			for _, t := range texts {
				if len([]rune(t)) >= 3 {
					out = append(out, []byte(t), escaped(t, "%04x"), escaped(t, "%04X"))
				}
			}
		}
	}
	return out
}

// escaped writes all but ASCII as \u0000 does.
func escaped(s, hex string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if u < 0x80 {
			out = append(out, byte(u))
		} else {
			out = fmt.Appendf(out, `\u`+hex, u)
		}
	}
	return out
}

func holdsAny(text []byte, needles [][]byte) bool {
	folded := bytes.ToLower(text)
	for _, n := range needles {
		if bytes.Contains(folded, bytes.ToLower(n)) {
			return true
		}
	}
	return false
}
