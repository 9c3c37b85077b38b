package jobs

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/mapping"
)

// maxExamples bounds the differences that a proof tells one by one.
const maxExamples = 10

// comparison holds what a page shows against what is stored: bytes by their
// hash, and canonical rows by their content.
type comparison struct {
	*sweep
	batch   *batch
	figures map[string]*postgres.Figures
	ids     []string // of the swept object's records that are compared, sorted

	drifting map[string][]string // by object: ids that must be alike once the page is written
	stale    map[string][]string // by object: ids whose bytes are right, but whose row is not
}

// shown is one record of a page with the row that it should have.
type shown struct {
	*postgres.Sighting
	row    string // id of its canonical row; empty if the map leaves it out
	stage  string
	misfit bool // it does not fit the map
}

// rowsOf is how records are represented in the canonical tables.
type rowsOf struct {
	om   *mapping.ObjectMap // nil: the map leaves the object out
	kind *sales.Kind
}

func (c *comparison) rowsOf(object string) rowsOf {
	if om, ok := c.s.Map.Object(object); ok {
		return rowsOf{om, om.Kind()}
	}
	return rowsOf{}
}

func (r rowsOf) prefix() string {
	if r.om == nil {
		return ""
	}
	return r.om.ID("")
}

// read compares before anything is written.
func (c *comparison) read(ctx context.Context, tx pgx.Tx) error {
	c.drifting, c.stale = map[string][]string{}, map[string][]string{}
	for all := c.batch.sightings; len(all) > 0; {
		object := all[0].Object
		n := slices.IndexFunc(all, func(s postgres.Sighting) bool { return s.Object != object })
		if n < 0 {
			n = len(all)
		}
		if err := c.records(ctx, tx, object, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return c.scopes(ctx, tx)
}

// compared tells whether a record is compared: one that an earlier page showed
// is not, nor what belongs to it.
func (c *comparison) compared(s *postgres.Sighting) bool {
	id := s.ID
	if s.Object != c.object.Name {
		id = s.Parent
	}
	_, found := slices.BinarySearch(c.ids, id)
	return found
}

// records compares the page's records of one object.
func (c *comparison) records(ctx context.Context, tx pgx.Tx, object string, sightings []postgres.Sighting) error {
	f := c.figures[object]
	if f == nil {
		return nil // an object that comes along without belonging here
	}
	to := c.rowsOf(object)
	compared := make([]shown, 0, len(sightings))
	ids := make([]string, 0, len(sightings))
	for i := range sightings {
		if c.compared(&sightings[i]) {
			compared, ids = append(compared, shown{Sighting: &sightings[i]}), append(ids, sightings[i].ID)
		}
	}
	unlike, err := c.unlike(ctx, tx, to, compared)
	if err != nil {
		return err
	}
	held, err := postgres.HeldRecords(ctx, tx, c.s.Workspace, c.s.ID, object, to.kind, to.prefix(), ids)
	if err != nil {
		return err
	}
	for i := range compared {
		r := &compared[i]
		h, known := held[r.ID]
		absent, differs := unlike[r.row]
		c.judge(f, r, h, finding{known: known, absent: absent, unlike: differs, mapped: r.row != "" && !r.misfit, staged: postgres.Staged(to.kind)})
	}
	return nil
}

// unlike maps the living records and returns whose canonical rows are not as
// they should be, see postgres.Unlike.
func (c *comparison) unlike(ctx context.Context, tx pgx.Tx, to rowsOf, records []shown) (map[string]bool, error) {
	if to.om == nil {
		return nil, nil
	}
	rows := make([]postgres.CanonicalRow, 0, len(records))
	stage := to.kind.Index("stage_id")
	for i := range records {
		r := &records[i]
		if r.Deleted || len(r.Raw) == 0 {
			continue
		}
		r.row = to.om.ID(r.ID)
		_, row, err := mapRecord(c.s.Map, c.s.Spec.Decoder, r.Record)
		if err != nil {
			r.misfit = true
			continue
		}
		if stage >= 0 {
			r.stage, _ = row.Values[stage].(string)
		}
		rows = append(rows, postgres.CanonicalRow{Row: row})
	}
	if to.kind.Name == "fields" {
		if err := c.batch.carryOptions(ctx, tx, to.kind, rows); err != nil {
			return nil, err
		}
	}
	if to.kind.Name == "deals" {
		if err := c.batch.carryStages(ctx, tx, to.kind, rows); err != nil {
			return nil, err
		}
	}
	return postgres.Unlike(ctx, tx, c.s.Workspace, c.s.ID, to.kind, rows)
}

// finding is what is stored of a shown record, compared with it.
type finding struct {
	known  bool // it is stored, be it as a tombstone
	absent bool // there is no living row of it
	unlike bool // its row is absent or has other values
	mapped bool // it fits the map, so it must have a row
	staged bool
}

// judge counts one record on both sides, and how they differ.
func (c *comparison) judge(f *postgres.Figures, r *shown, h postgres.Held, is finding) {
	there, here := !r.Deleted, is.known && !h.Deleted && !(is.mapped && is.absent)
	same := is.known && bytes.Equal(h.Hash, r.Hash[:])
	if is.known && !same && h.FetchedAt.After(r.FetchedAt) {
		return // it has been read again since the page was asked for
	}
	differs := there != here || there && is.unlike || there && !is.mapped && !same
	news := c.late(r.UpdatedAt) || h.UpdatedAt != nil && c.late(*h.UpdatedAt)
	if there && !same {
		// Without an instant nobody can say that we ought to have known. Nor can
		// he in a list that is read whole each time, if the vendor changed
		// something without touching the instant.
		silent := c.object.Mode == connectors.Listed && h.UpdatedAt != nil && r.UpdatedAt.Equal(*h.UpdatedAt)
		news = news || r.UpdatedAt.IsZero() || silent
	}
	switch {
	case r.misfit:
		f.Aside++
	case differs && (same || !news):
		c.drift(f, r.Object, r.ID, what(there, here))
		if there && here && !same && h.UpdatedAt != nil && r.UpdatedAt.Equal(*h.UpdatedAt) {
			f.Silent++
		}
		if same && there && !h.Deleted {
			c.stale[r.Object] = append(c.stale[r.Object], r.ID)
		}
	case differs:
		f.News++
	case there && !same && !news:
		f.Reworded++
	}
	if news {
		return
	}
	if there {
		f.CountThere(postgres.Group{Updated: r.UpdatedAt, Stage: r.stage, Staged: is.staged}, postgres.ChecksumOf(r.ID, r.Hash[:]))
	}
	if here {
		c.countHere(f, h, is.staged)
	}
}

func what(there, here bool) string {
	switch {
	case !here:
		return "missing"
	case !there:
		return "gone"
	}
	return "differing"
}

func (c *comparison) countHere(f *postgres.Figures, h postgres.Held, staged bool) {
	g := postgres.Group{Stage: h.Stage, Staged: staged}
	if h.UpdatedAt != nil {
		g.Updated = *h.UpdatedAt
	}
	f.CountHere(g, postgres.ChecksumOf(h.ID, h.Hash))
}

// late tells that an instant lies behind what the sweep holds us to.
func (c *comparison) late(at time.Time) bool { return at.After(c.place.AsOf) }

func (c *comparison) drift(f *postgres.Figures, object, id, what string) {
	switch what {
	case "missing":
		f.Missing++
	case "gone":
		f.Gone++
	case "not visible":
		f.Hidden++
	default:
		f.Differing++
	}
	if len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, postgres.Found{Object: object, ID: id, What: what})
	}
	if c.drifting != nil {
		c.drifting[object] = append(c.drifting[object], id)
	}
}

// scopes finds what has vanished from sets of records that the page holds
// whole. Writing the page makes the tombstones.
func (c *comparison) scopes(ctx context.Context, tx pgx.Tx) error {
	updated := map[string]time.Time{}
	for i := range c.batch.sightings {
		if r := &c.batch.sightings[i]; r.Object == c.object.Name && c.compared(r) {
			updated[r.ID] = r.UpdatedAt
		}
	}
	for _, scope := range gatherScopes(c.batch.closed, c.batch.sightings) {
		f, to := c.figures[scope.object], c.rowsOf(scope.object)
		if f == nil {
			continue
		}
		gone, err := postgres.Vanishing(ctx, tx, c.s.Workspace, c.s.ID, scope.object, to.kind, to.prefix(), scope.parents, scope.present, c.batch.asked)
		if err != nil {
			return err
		}
		for _, h := range gone {
			parent, compared := updated[h.Parent]
			switch {
			case scope.parents == nil, c.late(parent):
				f.News++
			case compared:
				c.drift(f, scope.object, h.ID, "gone")
				c.countHere(f, h, postgres.Staged(to.kind))
			}
		}
	}
	return nil
}

// repair maps again what has the right bytes and a wrong row, then looks
// whether all that differed is alike now.
func (c *comparison) repair(ctx context.Context, tx pgx.Tx) error {
	for _, o := range c.s.Spec.Objects {
		if ids := c.stale[o.Name]; len(ids) > 0 {
			if err := c.remap(ctx, tx, o.Name, ids); err != nil {
				return err
			}
		}
	}
	for object, ids := range c.drifting {
		left, err := c.left(ctx, tx, object, ids)
		if err != nil {
			return err
		}
		c.figures[object].Unrepaired += left
	}
	return nil
}

func (c *comparison) remap(ctx context.Context, tx pgx.Tx, object string, ids []string) error {
	records, err := postgres.ReadRecordsByID(ctx, tx, c.s.Workspace, c.s.ID, object, ids, c.p.Compressor)
	if err != nil || len(records) == 0 {
		return err
	}
	b := replayBatch(c.s, len(records))
	b.origin = c.batch.origin
	if err := b.rewrite(ctx, tx, records); err != nil {
		return err
	}
	c.batch.counts.Changed += b.counts.Changed
	return postgres.RecordMoves(ctx, tx, c.s.Workspace, c.s.ID, c.s.us(), b.changes)
}

// left counts which of the records differ still.
func (c *comparison) left(ctx context.Context, tx pgx.Tx, object string, ids []string) (left int64, err error) {
	to := c.rowsOf(object)
	held, err := postgres.HeldRecords(ctx, tx, c.s.Workspace, c.s.ID, object, to.kind, to.prefix(), ids)
	if err != nil {
		return 0, err
	}
	var living []shown
	gone := map[string]bool{}
	for _, id := range ids {
		gone[id] = true
	}
	for i := range c.batch.sightings {
		r := &c.batch.sightings[i]
		if r.Object != object || !gone[r.ID] {
			continue
		}
		delete(gone, r.ID)
		switch h := held[r.ID]; {
		case h.Deleted != r.Deleted, !r.Deleted && !bytes.Equal(h.Hash, r.Hash[:]):
			left++
		case !r.Deleted:
			living = append(living, shown{Sighting: r})
		}
	}
	for id := range gone { // vanished from a scope
		if !held[id].Deleted {
			left++
		}
	}
	unlike, err := c.unlike(ctx, tx, to, living)
	return left + int64(len(unlike)), err
}

// hide counts records that the vendor neither shows nor calls gone, if they are
// living here still.
func (c *comparison) hide(ctx context.Context, tx pgx.Tx, ids []string) error {
	f, to := c.figures[c.object.Name], c.rowsOf(c.object.Name)
	held, err := postgres.HeldRecords(ctx, tx, c.s.Workspace, c.s.ID, c.object.Name, to.kind, to.prefix(), ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		h, known := held[id]
		if !known || h.Deleted || h.FetchedAt.After(c.place.StartedAt) {
			continue // meanwhile it was seen elsewhere
		}
		c.drift(f, c.object.Name, id, "not visible")
		f.Unrepaired++
		c.countHere(f, h, postgres.Staged(to.kind))
	}
	return nil
}
