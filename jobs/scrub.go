package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

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
			about, err := x.isAbout(k, d)
			if err != nil {
				return err
			}
			if about {
				x.about[k.Name][d.ID] = true
			}
			if clean := x.e.columns(k, d.Text, about); !bytes.Equal(clean, d.Text) {
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

func (x *scrub) isAbout(k *sales.Kind, d postgres.Passage) (bool, error) {
	account := accountOf(x.s.Connection)
	var refs struct {
		Person string `json:"person_id"`
		Deal   string `json:"deal_id"`
		Lead   string `json:"lead_id"`
	}
	err := json.Unmarshal(d.Text, &refs)
	return subject(k) && x.e.knows("about", account, k.Name, d.ID) || x.e.refers(account, refs.Person, refs.Deal, refs.Lead), err
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
		return x.e.columns(k, p.Text, x.about[p.Kind][p.ID])
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

// people erases the persons themselves, last.
func (x *scrub) people(ctx context.Context) error {
	ids := idsOfPersons(x.found[x.s.ID])
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
