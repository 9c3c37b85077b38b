package jobs

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
)

// bury makes tombstones: of records that the vendor called gone without
// showing them, and of those that vanished from a scope the page holds whole.
func (b *batch) bury(ctx context.Context, tx pgx.Tx, stored []postgres.Stored) error {
	gone := map[string][]string{}
	for _, r := range stored {
		if r.Deleted && !slices.Contains(b.mapped[r.Object], r.ID) {
			gone[r.Object] = append(gone[r.Object], r.ID)
		}
	}
	for object, ids := range gone {
		if err := b.buryRows(ctx, tx, object, ids, "deleted"); err != nil {
			return err
		}
	}
	for object, parents := range b.forgotten() {
		if err := b.buryAttached(ctx, tx, object, parents); err != nil {
			return err
		}
	}
	if err := b.noteMerges(ctx, tx, stored); err != nil {
		return err
	}
	for _, c := range gatherScopes(b.closed, b.sightings) {
		if err := b.buryMissing(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// noteMerges says of tombstones that the record was merged, and into which.
func (b *batch) noteMerges(ctx context.Context, tx pgx.Tx, stored []postgres.Stored) error {
	into := map[string]map[string]string{} // by object: survivors by canonical id
	for _, r := range stored {
		om, ok := b.s.Map.Object(r.Object)
		if !r.Deleted || r.MergedInto == "" || !ok {
			continue
		}
		if into[r.Object] == nil {
			into[r.Object] = map[string]string{}
		}
		into[r.Object][om.ID(r.ID)] = om.ID(r.MergedInto)
	}
	for _, object := range slices.Sorted(maps.Keys(into)) {
		om, _ := b.s.Map.Object(object)
		ids := slices.Sorted(maps.Keys(into[object]))
		survivors := make([]string, len(ids))
		for i, id := range ids {
			survivors[i] = into[object][id]
		}
		noted, err := postgres.NoteMerges(ctx, tx, b.s.Workspace, b.s.ID, om.Kind(), ids, survivors)
		if err != nil {
			return err
		}
		for _, id := range noted {
			if err := b.noteMerge(om.Kind().Name, id, into[object][id]); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteMerge adds the survivor to the change that made a tombstone, or makes a
// change of its own if the tombstone is older.
func (b *batch) noteMerge(kind, id, survivor string) error {
	text, err := json.Marshal(survivor)
	if err != nil {
		return err
	}
	diff := postgres.Diff{Old: json.RawMessage("null"), New: text}
	for _, c := range b.changes {
		if c.Kind == kind && c.ID == id {
			c.Fields["merged_into"] = diff
			return nil
		}
	}
	b.changes = append(b.changes, postgres.Change{Kind: kind, ID: id, Fields: map[string]postgres.Diff{"merged_into": diff}})
	return nil
}

// forgotten are ids, by object, of records that the vendor calls gone and no
// longer shows at all, be that news or not: it may have shown them as deleted,
// with all that belongs to them, for a while.
func (b *batch) forgotten() map[string][]string {
	out := map[string][]string{}
	for i := range b.sightings {
		if r := &b.sightings[i]; r.Deleted && len(r.Raw) == 0 && len(attachedTo(b.s.Spec, r.Object)) > 0 {
			out[r.Object] = append(out[r.Object], r.ID)
		}
	}
	return out
}

// buryAttached makes tombstones of what only exists as part of records that
// are forgotten, such as the items of a deal.
func (b *batch) buryAttached(ctx context.Context, tx pgx.Tx, object string, parents []string) error {
	for _, attached := range attachedTo(b.s.Spec, object) {
		if err := b.buryMissing(ctx, tx, scope{object: attached, parents: parents, present: []string{}}); err != nil {
			return err
		}
	}
	return nil
}

// attachedTo are the objects that come with the records of an object.
func attachedTo(spec connectors.Spec, object string) []string {
	names := []string{}
	for _, o := range spec.Objects {
		if o.Mode == connectors.Attached && o.Parent == object {
			names = append(names, o.Name)
		}
	}
	return names
}

// buryMissing makes tombstones of what a scope no longer holds.
func (b *batch) buryMissing(ctx context.Context, tx pgx.Tx, c scope) error {
	ids, err := b.missing(ctx, tx, c)
	if err == nil && len(ids) > 0 && b.before != nil {
		if err := b.before(ctx); err != nil {
			return err
		}
		ids, err = b.missing(ctx, tx, c) // the page before may have moved some elsewhere
	}
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := postgres.BuryRecords(ctx, tx, b.s.Workspace, b.s.ID, c.object, ids, "deleted", b.asked); err != nil {
		return err
	}
	return b.buryRows(ctx, tx, c.object, ids, "deleted")
}

func (b *batch) missing(ctx context.Context, tx pgx.Tx, c scope) ([]string, error) {
	return postgres.Missing(ctx, tx, b.s.Workspace, b.s.ID, c.object, c.parents, c.present, b.asked)
}

func (b *batch) buryRows(ctx context.Context, tx pgx.Tx, object string, ids []string, why string) error {
	b.counts.Deleted += int64(len(ids))
	om, ok := b.s.Map.Object(object)
	if !ok {
		return nil
	}
	rows := make([]string, len(ids))
	for i, id := range ids {
		rows[i] = om.ID(id)
	}
	changes, err := postgres.BuryRows(ctx, tx, b.s.Workspace, b.s.ID, om.Kind(), rows, why)
	b.changes = append(b.changes, changes...)
	return err
}

// scope is what a page holds completely of one object.
type scope struct {
	object  string
	parents []string // nil: all records of the object
	present []string
}

// gatherScopes joins a page's closed scopes by object. A listing of a whole
// object that came back empty proves nothing and closes nothing.
func gatherScopes(closed []connectors.Scope, s []postgres.Sighting) []scope {
	var out []scope
	at := map[string]int{}
	for _, c := range closed {
		if c.Ended {
			continue
		}
		i, ok := at[c.Object]
		if !ok {
			i = len(out)
			at[c.Object] = i
			out = append(out, scope{object: c.Object, present: []string{}})
		}
		if c.Parent != "" {
			out[i].parents = append(out[i].parents, c.Parent)
		}
	}
	for i := range s {
		if n, ok := at[s[i].Object]; ok {
			out[n].present = append(out[n].present, s[i].ID)
		}
	}
	sure := out[:0]
	for _, c := range out {
		if c.parents != nil || len(c.present) > 0 {
			sure = append(sure, c)
		}
	}
	return sure
}
