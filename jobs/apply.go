package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/mapping"
)

// batch is one page on its way into the database.
type batch struct {
	s         *Source
	origin    string    // pull, receive, history, replay, push
	loading   bool      // part of a first walk: subjects are judged once it is complete
	asked     time.Time // when the page was asked for
	sightings []postgres.Sighting
	closed    []connectors.Scope
	news      news // what the page tells of erased persons
	// about is judged anew whatever the page brings; zero: nothing is.
	about postgres.SubjectKey
	// before returns once the page before has committed; nil if there is none.
	// What that page may need is not touched until then: a record that moves from
	// one parent to another stands under both, in one page as shown and in the
	// other as missing.
	before func(context.Context) error

	// What writing it brought about.
	counts   postgres.Counts
	changes  []postgres.Change
	echoes   []int64             // edits of ours that brought some of them about
	made     map[string][]string // by kind: ids of rows that did not exist
	failures []postgres.Failure
	mapped   map[string][]string // by object: ids that mapped now, to close old failures
}

// aheadLimit is how far a vendor's clock may be ahead of ours. A record changed
// later than that would hold off all its later versions as older ones, so its
// time of change counts as not known.
const aheadLimit = 24 * time.Hour

// newBatch sorts a page's records. It needs no database.
func newBatch(s *Source, origin string, page connectors.Page) *batch {
	b := &batch{s: s, origin: origin, closed: page.Closed, asked: page.FetchedAt}
	b.sightings = make([]postgres.Sighting, 0, len(page.Records))
	for _, r := range s.erased.inOrder(s, page.Records) {
		if r.UpdatedAt.Sub(page.FetchedAt) > aheadLimit {
			r.UpdatedAt = time.Time{}
		}
		r, ok := s.erased.admit(s, r)
		if !ok {
			continue // of a person who was erased
		}
		b.sightings = append(b.sightings, postgres.Sighting{Record: r, FetchedAt: page.FetchedAt})
	}
	b.news = s.erased.told()
	b.counts.Pages, b.counts.Seen = 1, int64(len(page.Records))
	b.sightings = postgres.Sort(b.sightings)
	return b
}

// prepare hashes the batch's records, while the next page is fetched, and loads or
// makes the dictionaries that compress them.
func (b *batch) prepare(ctx context.Context) error {
	done := ""
	for i := range b.sightings {
		r := &b.sightings[i]
		if len(r.Raw) == 0 {
			continue
		}
		r.Hash = postgres.HashOf(r.Raw)
		if r.Object == done {
			continue
		}
		if err := b.s.p.Compressor.Prepare(ctx, b.s.p.DB, b.s.Workspace, b.s.ID, r.Object, r.Raw); err != nil {
			return err
		}
		done = r.Object
	}
	return nil
}

// write brings the batch into the transaction: raw records that tell anything
// new, their canonical rows, changes, moves, dirty subjects, failures.
func (b *batch) write(ctx context.Context, tx pgx.Tx) error {
	b.changes, b.echoes, b.failures = nil, nil, nil
	b.made, b.mapped = map[string][]string{}, map[string][]string{}
	b.counts = postgres.Counts{Pages: 1, Seen: b.counts.Seen}
	if err := b.news.store(ctx, tx, b.s); err != nil {
		return err
	}
	unseen, moved, err := postgres.Unseen(ctx, tx, b.s.Workspace, b.s.ID, b.sightings)
	if err != nil {
		return err
	}
	if moved && b.before != nil {
		if err := b.before(ctx); err != nil {
			return err
		}
	}
	stored, err := postgres.WriteRecords(ctx, tx, b.s.Workspace, b.s.ID, unseen, b.s.p.Compressor)
	if err != nil {
		return err
	}
	b.counts.Written = int64(len(stored))
	if err := b.writeRows(ctx, tx, stored); err != nil {
		return err
	}
	if err := b.bury(ctx, tx, stored); err != nil {
		return err
	}
	return b.conclude(ctx, tx)
}

// writeRows maps what was stored and writes canonical rows, kind by kind in
// the order of sales.Kinds, so that all transactions lock in one order.
func (b *batch) writeRows(ctx context.Context, tx pgx.Tx, stored []postgres.Stored) error {
	rows := map[*sales.Kind][]postgres.CanonicalRow{}
	for i := range stored {
		r := &stored[i]
		if len(r.Raw) == 0 {
			continue
		}
		kind, row, err := mapRecord(b.s.Map, b.s.Spec.Decoder, r.Record)
		if err != nil {
			b.quarantine(r.Record, err) // if it is gone, bury makes the tombstone
			continue
		}
		if kind == nil {
			continue
		}
		b.mapped[r.Object] = append(b.mapped[r.Object], r.ID)
		rows[kind] = append(rows[kind], postgres.CanonicalRow{Row: row, At: r.UpdatedAt, Deleted: r.Deleted, Known: r.Known})
	}
	for _, k := range sales.Kinds() {
		if len(rows[k]) == 0 {
			continue
		}
		if err := b.put(ctx, tx, k, rows[k]); err != nil {
			return err
		}
	}
	return nil
}

// put writes canonical rows of one kind and notes what that changed.
func (b *batch) put(ctx context.Context, tx pgx.Tx, k *sales.Kind, rows []postgres.CanonicalRow) error {
	if k.Name == "fields" {
		if err := b.carryOptions(ctx, tx, k, rows); err != nil {
			return err
		}
	}
	if k.Name == "deals" {
		if err := b.carryStages(ctx, tx, k, rows); err != nil {
			return err
		}
	}
	w, err := postgres.WriteRows(ctx, tx, b.s.Workspace, b.s.ID, k, b.s.MapVersion, rows)
	b.changes = append(b.changes, w.Changes...)
	b.made[k.Name] = append(b.made[k.Name], w.Made...)
	return err
}

// carryOptions keeps options of field definitions that the vendor no longer
// lists: records may still hold them, and are read by their last label.
func (b *batch) carryOptions(ctx context.Context, tx pgx.Tx, k *sales.Kind, rows []postgres.CanonicalRow) error {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	before, err := postgres.FieldOptions(ctx, tx, b.s.Workspace, b.s.ID, ids)
	if err != nil {
		return err
	}
	column := k.Index("options")
	for _, r := range rows {
		present, _ := r.Values[column].(json.RawMessage)
		carried, err := mapping.CarryOptions(before[r.ID], present)
		if err != nil {
			return fmt.Errorf("options of field %s: %w", r.ID, err)
		}
		if carried != nil {
			r.Values[column] = carried
		}
	}
	return nil
}

// carryStages keeps the stage of deals that have ended where the CRM does not tell
// it any more, since its last stages say that a deal is won or lost.
func (b *batch) carryStages(ctx context.Context, tx pgx.Tx, k *sales.Kind, rows []postgres.CanonicalRow) error {
	status, stage, entered := k.Index("status"), k.Index("stage_id"), k.Index("stage_entered_at")
	var ids []string
	for _, r := range rows {
		if r.Values[stage] == nil && r.Values[status] != "open" {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	before, err := postgres.DealStands(ctx, tx, b.s.Workspace, b.s.ID, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if was, known := before[r.ID]; known && r.Values[stage] == nil {
			r.Values[stage] = was.Stage
			if was.Entered != nil && r.Values[entered] == nil {
				r.Values[entered] = *was.Entered
			}
		}
	}
	return nil
}

// mapRecord decodes and maps one record; kind is nil for an object that the
// map leaves out.
func mapRecord(m *mapping.Map, dec connectors.Decoder, r connectors.Record) (*sales.Kind, sales.Row, error) {
	om, ok := m.Object(r.Object)
	if !ok {
		return nil, sales.Row{}, nil
	}
	values, err := dec.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		return nil, sales.Row{}, err
	}
	row, err := om.Row(r.ID, r.Parent, &values)
	return om.Kind(), row, err
}

// quarantine lists a record that could not be mapped. Its bytes are stored, so
// it can be mapped again once the map is mended.
func (b *batch) quarantine(r connectors.Record, err error) {
	f := postgres.Failure{ConnectionID: b.s.ID, Kind: "record", Object: r.Object, ExternalID: r.ID, Reason: err.Error(),
		Hint: "mend the field map (`salesbook mapping show " + b.s.Name + "`) or the record in the CRM, then `salesbook failures retry`"}
	if d, ok := errors.AsType[*connectors.FieldError](err); ok {
		f.Place = d.Field
	}
	if p, ok := errors.AsType[*mapping.Problem](err); ok {
		f.Place, f.Reason = p.Field, p.Reason
		if p.Hint != "" {
			f.Hint = p.Hint
		}
	}
	b.failures = append(b.failures, f)
	b.counts.Quarantined++
}

// conclude writes what follows from what the vendor showed.
func (b *batch) conclude(ctx context.Context, tx pgx.Tx) error {
	if err := b.recognise(ctx, tx); err != nil {
		return err
	}
	if err := postgres.RecordMoves(ctx, tx, b.s.Workspace, b.s.ID, b.s.us(), b.changes); err != nil {
		return err
	}
	return b.settle(ctx, tx)
}

// settle writes changes, dirty subjects, what came back of our own edits, and
// failures.
func (b *batch) settle(ctx context.Context, tx pgx.Tx) error {
	b.counts.Changed = int64(len(b.changes))
	if err := postgres.WriteChanges(ctx, tx, b.s.Workspace, b.s.ID, b.origin, b.changes); err != nil {
		return err
	}
	if err := b.markDirty(ctx, tx); err != nil {
		return err
	}
	if err := b.settleEchoes(ctx, tx); err != nil {
		return err
	}
	return b.settleFailures(ctx, tx)
}

// markDirty marks the subjects of the book that are new or changed, and what
// subjects depend on. New ones of a first walk are many; they are marked as a
// whole when it is complete. A mark is held until the commit, and the page before
// may want the same one, so it goes first.
func (b *batch) markDirty(ctx context.Context, tx pgx.Tx) error {
	dirty := map[string][]string{}
	for _, c := range b.changes {
		dirty[c.Kind] = append(dirty[c.Kind], c.ID)
	}
	if !b.loading {
		for kind, ids := range b.made {
			dirty[kind] = append(dirty[kind], ids...)
		}
	}
	if b.about.Kind != "" {
		dirty[b.about.Kind] = append(dirty[b.about.Kind], b.about.ID)
	}
	if len(dirty) > 0 && b.before != nil {
		if err := b.before(ctx); err != nil {
			return err
		}
	}
	for _, kind := range []string{"reps", "activities", "notes"} {
		deals, leads, err := postgres.Touched(ctx, tx, b.s.Workspace, b.s.ID, kind, dirty[kind])
		if err != nil {
			return err
		}
		dirty["deals"], dirty["leads"] = append(dirty["deals"], deals...), append(dirty["leads"], leads...)
	}
	for _, k := range sales.Kinds() {
		if !k.Judged && k.Name != "people" && k.Name != "companies" {
			continue
		}
		ids := slices.Concat(dirty[k.Name], b.formerly(k))
		slices.Sort(ids) // all transactions lock in one order
		if err := postgres.MarkDirty(ctx, tx, b.s.Workspace, b.s.ID, k.Name, slices.Compact(ids)); err != nil {
			return err
		}
	}
	return nil
}

// formerly are the deals or leads that activities and notes no longer are about.
func (b *batch) formerly(k *sales.Kind) (ids []string) {
	for _, c := range b.changes {
		if id := c.Fields[k.One+"_id"].OldText(); id != "" && k.Judged && (c.Kind == "activities" || c.Kind == "notes") {
			ids = append(ids, id)
		}
	}
	return ids
}

// settleFailures lists new failures and closes those of records that mapped now.
func (b *batch) settleFailures(ctx context.Context, tx pgx.Tx) error {
	ws, id := b.s.Workspace, b.s.ID
	kinds := []string{"record"}
	if b.origin != "replay" { // read from the vendor, so what a delivery named in vain is read as well
		kinds = append(kinds, "delivery")
	}
	open, err := postgres.AnyFailure(ctx, tx, ws, id, kinds)
	if err != nil {
		return err
	}
	if open {
		for object, ids := range b.mapped {
			if err := postgres.ResolveRecords(ctx, tx, ws, id, kinds, object, ids); err != nil {
				return err
			}
		}
	}
	return postgres.AddFailures(ctx, tx, ws, b.failures)
}
