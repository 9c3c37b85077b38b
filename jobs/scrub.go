package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/mapping"
)

// scrub is an erasure's way through what one connection has brought.
type scrub struct {
	*erasing
	s     *Source
	held  []postgres.Lease
	about map[string]map[string]bool // by kind: ids of rows that are about the persons
}

// scrubPage is how many rows one transaction looks at.
const scrubPage = 500

// in runs a page's transaction, under all leases that are held.
func (x *scrub) in(ctx context.Context, f func(tx pgx.Tx) error) error {
	return x.p.DB.In(ctx, x.workspace, func(tx pgx.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		for _, l := range x.held {
			if err := l.Hold(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x *scrub) count(table string, n int) {
	if n > 0 {
		x.report.Rows[table] += int64(n)
	}
}

func (x *scrub) named(object, id string) {
	if len(x.report.Named) < maxNamed {
		x.report.Named = append(x.report.Named, Place{x.s.Name, object, id})
	}
}

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
		if x.dry || len(changed) == 0 {
			return nil
		}
		return postgres.RewriteRaw(ctx, tx, x.workspace, x.s.ID, object, changed, x.p.Compressor)
	})
	if err != nil {
		return "", err
	}
	x.count("records", len(changed))
	for _, id := range named {
		x.named(object, id)
	}
	return last, nil
}

// documents redacts canonical rows, and notes which are about the persons.
func (x *scrub) documents(ctx context.Context) error {
	for _, k := range sales.Kinds() {
		x.about[k.Name] = map[string]bool{}
		for after := ""; quotes(k); {
			last, err := x.documentsAfter(ctx, k, after)
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

func (x *scrub) documentsAfter(ctx context.Context, k *sales.Kind, after string) (last string, err error) {
	var changed []postgres.Passage
	err = x.in(ctx, func(tx pgx.Tx) error {
		last, changed = "", nil
		page, err := postgres.Renderings(ctx, tx, x.workspace, x.s.ID, k, after, scrubPage)
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1].ID
		for _, d := range page {
			about, err := x.isAbout(d.Text)
			if err != nil {
				return err
			}
			if about {
				x.about[k.Name][d.ID] = true
			}
			if clean := x.e.json(d.Text, about); !bytes.Equal(clean, d.Text) {
				d.Text = clean
				changed = append(changed, d)
			}
		}
		if x.dry || len(changed) == 0 {
			return nil
		}
		return postgres.RewriteDocuments(ctx, tx, x.workspace, x.s.ID, k, changed)
	})
	if err == nil {
		x.count(k.Name, len(changed))
	}
	return last, err
}

func (x *scrub) isAbout(doc []byte) (bool, error) {
	var refs struct {
		Person string `json:"person_id"`
		Deal   string `json:"deal_id"`
		Lead   string `json:"lead_id"`
	}
	err := json.Unmarshal(doc, &refs)
	return x.e.refers(accountOf(x.s.Connection), refs.Person, refs.Deal, refs.Lead), err
}

type (
	readPassages  func(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]postgres.Passage, error)
	writePassages func(ctx context.Context, tx pgx.Tx, workspace int64, list []postgres.Passage) error
)

// numbered goes through a table whose rows are numbered; clean returns what is
// to stand in place of a text.
func (x *scrub) numbered(ctx context.Context, table string, read readPassages, write writePassages, clean func(postgres.Passage) []byte) error {
	for after := int64(0); ; {
		var changed []postgres.Passage
		next := after
		err := x.in(ctx, func(tx pgx.Tx) error {
			changed, next = nil, after
			page, err := read(ctx, tx, x.workspace, x.s.ID, after, scrubPage)
			if err != nil || len(page) == 0 {
				return err
			}
			next = page[len(page)-1].Key
			for _, p := range page {
				if with := clean(p); !bytes.Equal(with, p.Text) {
					p.Text = with
					changed = append(changed, p)
				}
			}
			if x.dry || len(changed) == 0 {
				return nil
			}
			return write(ctx, tx, x.workspace, changed)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		x.count(table, len(changed))
		if next == after {
			return nil
		}
		after = next
	}
}

// isPerson tells whether a canonical id is that of an erased person.
func (x *scrub) isPerson(id string) bool {
	return x.e.knows("person", accountOf(x.s.Connection), id)
}

func (x *scrub) changes(ctx context.Context) error {
	return x.numbered(ctx, "changes", postgres.ChangePassages, postgres.RewriteChanges, func(p postgres.Passage) []byte {
		k, ok := sales.KindByName(p.Kind)
		switch {
		case p.Kind == "people" && x.isPerson(p.ID):
			return []byte("{}")
		case !ok || !quotes(k):
			return p.Text
		}
		return x.e.json(p.Text, x.about[p.Kind][p.ID])
	})
}

// deliveries empties the bodies of those that are about the persons: what they
// name is read from the vendor again, so nothing needs them.
func (x *scrub) deliveries(ctx context.Context) error {
	return x.numbered(ctx, "inbox", postgres.DeliveryPassages, postgres.RewriteDeliveries, func(p postgres.Passage) []byte {
		if x.s.forgets(p) {
			return []byte{}
		}
		return p.Text
	})
}

// forget empties the bodies of deliveries, just worked off, that tell of
// persons who were erased.
func (s *Source) forget(ctx context.Context, tx pgx.Tx, letters []postgres.Waiting) error {
	if s.erased == nil {
		return nil
	}
	list, err := postgres.LetterPassages(ctx, tx, s.Workspace, letters)
	if err != nil {
		return err
	}
	var changed []postgres.Passage
	for _, p := range list {
		if s.forgets(p) {
			p.Text = []byte{}
			changed = append(changed, p)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return postgres.RewriteDeliveries(ctx, tx, s.Workspace, changed)
}

// forgets tells whether a delivery's body must not be kept.
func (s *Source) forgets(p postgres.Passage) bool {
	var reads [][2]string
	if json.Unmarshal([]byte(p.Reads), &reads) != nil {
		return true // what cannot be read is not kept either
	}
	for _, r := range reads {
		om, ok := s.Map.Object(r[0])
		if ok && om.Kind().Name == "people" && s.erased.knows("person", accountOf(s.Connection), om.ID(r[1])) {
			return true
		}
	}
	return !bytes.Equal(s.erased.json(p.Text, true), p.Text)
}

func (x *scrub) failures(ctx context.Context) error {
	return x.numbered(ctx, "failures", postgres.FailurePassages, postgres.RewriteFailures, func(p postgres.Passage) []byte { return x.e.json(p.Text, true) })
}

func (x *scrub) runs(ctx context.Context) error {
	return x.numbered(ctx, "runs", postgres.RunPassages, postgres.RewriteRuns, func(p postgres.Passage) []byte { return x.e.json(p.Text, true) })
}

// dictionaries replaces those that were made from a record that tells of the
// persons: records are packed anew with one that does not.
func (x *scrub) dictionaries(ctx context.Context) error {
	needles := needlesOf(x.persons)
	for _, o := range x.s.Spec.Objects {
		var telling []int64
		err := x.in(ctx, func(tx pgx.Tx) error {
			telling = nil
			all, err := postgres.Dictionaries(ctx, tx, x.workspace, x.s.ID, o.Name)
			for id, content := range all {
				if holdsAny(content, needles) {
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

// repack packs an object's records with a new dictionary and drops the old.
func (x *scrub) repack(ctx context.Context, object string, needles [][]byte, old []int64) error {
	err := x.in(ctx, func(tx pgx.Tx) error {
		page, err := postgres.ReadRecords(ctx, tx, x.workspace, x.s.ID, object, "", scrubPage, x.p.Compressor)
		if err != nil {
			return err
		}
		sample := []byte("{}")
		for _, r := range page {
			if !holdsAny(r.Raw, needles) {
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

// people erases the persons themselves, last.
func (x *scrub) people(ctx context.Context) error {
	ids := idsOfPersons(x.persons[x.s.ID])
	if len(ids) == 0 {
		return nil
	}
	x.count("people", len(ids))
	x.count("records", len(ids))
	if x.dry {
		return nil
	}
	return x.in(ctx, func(tx pgx.Tx) error {
		for _, o := range x.s.Spec.Objects {
			if om, ok := x.s.Map.Object(o.Name); ok && om.Kind().Name == "people" {
				if err := postgres.EraseRecords(ctx, tx, x.workspace, x.s.ID, o.Name, recordIDs(om, ids)); err != nil {
					return err
				}
			}
		}
		return postgres.ErasePeople(ctx, tx, x.workspace, x.s.ID, ids)
	})
}

// recordIDs turns canonical ids into those of the vendor's records.
func recordIDs(om *mapping.ObjectMap, ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if record, ok := strings.CutPrefix(id, om.ID("")); ok {
			out = append(out, record)
		}
	}
	return out
}

// needlesOf are the persons' names, addresses and numbers as a vendor's JSON
// writes them, also with escapes.
func needlesOf(persons map[int64][]postgres.Person) (out [][]byte) {
	for _, list := range persons {
		for _, p := range list {
			texts := append([]string{p.Name, p.First, p.Last}, p.Emails...)
			for _, t := range append(append(texts, p.Phones...), p.Written...) {
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
