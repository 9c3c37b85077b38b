package connectortest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
)

func changes(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"a changed record shows up", changed},
		{"a new record shows up", added},
		{"a deleted record shows up", deleted},
		{"a merged record is gone, the other one changed", merged},
		{"an archived record stays", archived},
		{"changes during a walk are not lost", changesDuring},
		{"a clock that is set hides no change", skewed},
		{"a renamed field changes no record", renamed},
		{"repeating a finished walk yields nothing new", quiet},
	})
}

// changed changes a record behind a finished walk.
func changed(t *testing.T, b *bundle) {
	own := b.with(t, Full)
	each(t, b.Changing, func(t *testing.T, object string) {
		p := own.open(t).puller(t)
		before := walk(t, p, object, "")
		id := own.vendor.Change(t, object)
		after := walk(t, p, object, last(t, before).Next)
		was, is := latest(records(before, object))[id], latest(records(after, object))[id]
		if len(is.Raw) == 0 || bytes.Equal(was.Raw, is.Raw) {
			t.Errorf("%s %s was changed, the next walk yields %q after %q", object, id, is.Raw, was.Raw)
		}
	})
}

func added(t *testing.T, b *bundle) {
	own := b.with(t, Full)
	each(t, b.Changing, func(t *testing.T, object string) {
		p := own.open(t).puller(t)
		before := walk(t, p, object, "")
		id := own.vendor.Add(t, object)
		if _, ok := latest(records(walk(t, p, object, last(t, before).Next), object))[id]; !ok {
			t.Errorf("%s %s was added, the next walk does not yield it", object, id)
		}
	})
}

// deleted deletes a record behind a finished walk. The next walk tells, or
// closes a scope without it, or, where the vendor hides it, Fetch tells.
func deleted(t *testing.T, b *bundle) {
	own := b.with(t, Full)
	each(t, b.Deleting, func(t *testing.T, object string) {
		w := own.open(t)
		before := walk(t, w.puller(t), object, "")
		id := own.vendor.Delete(t, object)
		o, _ := own.Spec.Object(object)
		pages := walk(t, w.puller(t), object, last(t, before).Next)
		r, seen := latest(records(pages, object))[id]
		switch {
		case o.DeletesHidden:
			if seen && !r.Deleted {
				t.Errorf("%s %s was deleted, the next walk still yields it", object, id)
			}
			own.fetchesDeleted(t, w, object, id)
		case o.Mode == connectors.Listed:
			if seen && !r.Deleted {
				t.Errorf("%s %s was deleted, the list still has it", object, id)
			}
		case !seen || !r.Deleted:
			t.Errorf("%s %s was deleted; the next walk: seen %v, deleted %v", object, id, seen, r.Deleted)
		}
	})
}

func (b *bundle) fetchesDeleted(t *testing.T, w wire, object, id string) {
	t.Helper()
	page, err := ability[connectors.Fetcher](t, w).Fetch(t.Context(), object, []string{id})
	if err != nil || len(page.Records) != 1 || !page.Records[0].Deleted || page.Records[0].ID != id {
		t.Errorf("fetch of the deleted %s %s: %+v, error %v", object, id, page.Records, err)
	}
}

// changesDuring changes, adds, deletes, merges and archives records between the
// pages of a walk. That walk and the next one together end at the vendor's truth.
func changesDuring(t *testing.T, b *bundle) {
	each(t, b.Changing, func(t *testing.T, object string) {
		own := b.with(t, Full)
		w := own.open(t)
		p := w.puller(t)
		touched := map[string]bool{}
		var pages []connectors.Page
		for page, err := range p.Pull(t.Context(), object, "") {
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, page)
			if len(pages) <= 10 {
				own.stir(t, object, touched)
			}
		}
		pages = append(pages, walk(t, p, object, last(t, pages).Next)...)
		got := latest(records(pages, object))
		for _, id := range own.vendor.IDs(object) {
			if _, ok := got[id]; !ok {
				t.Errorf("%s %s was never yielded", object, id)
			}
		}
		own.isPresent(t, w, object, keys(touched), got)
	})
}

// stir does to records whatever can be done, and notes which of them have
// changed and are alive.
func (b *bundle) stir(t *testing.T, object string, touched map[string]bool) {
	t.Helper()
	for range 3 {
		touched[b.vendor.Change(t, object)] = true
	}
	touched[b.vendor.Add(t, object)] = true
	if slices.Contains(b.Archiving, object) {
		touched[b.vendor.Archive(t, object)] = true
	}
	if slices.Contains(b.Merging, object) {
		gone, kept := b.vendor.Merge(t, object)
		touched[kept] = true
		delete(touched, gone)
	}
	if slices.Contains(b.Deleting, object) {
		delete(touched, b.vendor.Delete(t, object))
	}
}

// merged merges two records behind a finished walk.
func merged(t *testing.T, b *bundle) {
	own := b.with(t, Full)
	each(t, b.Merging, func(t *testing.T, object string) {
		w := own.open(t)
		before := walk(t, w.puller(t), object, "")
		gone, kept := own.vendor.Merge(t, object)
		after := latest(records(walk(t, w.puller(t), object, last(t, before).Next), object))
		if r, seen := after[gone]; seen && !r.Deleted {
			t.Errorf("%s %s was merged into another one, the next walk still yields it", object, gone)
		}
		own.fetchesDeleted(t, w, object, gone)
		was, is := latest(records(before, object))[kept], after[kept]
		if len(is.Raw) == 0 || bytes.Equal(was.Raw, is.Raw) {
			t.Errorf("%s %s took another one in, the next walk yields %q after %q", object, kept, is.Raw, was.Raw)
		}
	})
}

// archived archives a record behind a finished walk: it has changed, and is in
// every first walk from then on.
func archived(t *testing.T, b *bundle) {
	own := b.with(t, Full)
	each(t, b.Archiving, func(t *testing.T, object string) {
		w := own.open(t)
		before := walk(t, w.puller(t), object, "")
		id := own.vendor.Archive(t, object)
		for from, after := range map[string]connectors.Cursor{"the next walk": last(t, before).Next, "a first walk": ""} {
			r, seen := latest(records(walk(t, w.puller(t), object, after), object))[id]
			was := latest(records(before, object))[id]
			if !seen || r.Deleted || bytes.Equal(r.Raw, was.Raw) {
				t.Errorf("%s %s was archived; %s yields it: %v, as deleted: %v, as %q", object, id, from, seen, r.Deleted, r.Raw)
			}
		}
		own.isPresent(t, w, object, []string{id}, latest(records(walk(t, w.puller(t), object, ""), object)))
	})
}

// skewed sets the vendor's clock between walks, forward and back.
func skewed(t *testing.T, b *bundle) {
	if b.vendor.Skew == nil {
		t.Skip("the vendor's clock cannot be set")
	}
	each(t, b.Changing, func(t *testing.T, object string) {
		own := b.with(t, Empty)
		for _, o := range b.Changing { // what records of the object refer to
			own.vendor.Add(t, o)
			if o == object {
				break
			}
		}
		p := own.open(t).puller(t)
		after := last(t, walk(t, p, object, "")).Next
		for _, d := range []time.Duration{4 * time.Minute, -4 * time.Minute, -4 * time.Minute} {
			own.vendor.Skew(t, d)
			id := own.vendor.Add(t, object)
			pages := walk(t, p, object, after)
			if _, ok := latest(records(pages, object))[id]; !ok {
				t.Errorf("%s %s was added after the clock was set by %v, the next walk does not yield it", object, id, d)
			}
			after = last(t, pages).Next
		}
	})
}

// renamed gives a field another name: its definition changes under its id, and
// no record does.
func renamed(t *testing.T, b *bundle) {
	if b.vendor.Rename == nil {
		t.Skip("the vendor's fields have no names of the account's own")
	}
	own := b.with(t, Full)
	p := own.open(t).puller(t)
	walks := func() map[string][]connectors.Page {
		all := map[string][]connectors.Page{}
		for _, object := range b.pulled() {
			all[object] = walk(t, p, object, "")
		}
		return all
	}
	before := walks()
	object, id := own.vendor.Rename(t)
	after := walks()
	was, is := latest(records(before[object], object))[id], latest(records(after[object], object))[id]
	if len(was.Raw) == 0 || len(is.Raw) == 0 || bytes.Equal(was.Raw, is.Raw) {
		t.Errorf("%s %s was renamed, it came as %q and then as %q", object, id, was.Raw, is.Raw)
	}
	for _, o := range b.pulled() {
		if diff := difference(every(before[o]), every(after[o])); diff != "" && o != object {
			t.Errorf("%s changed by it (-before +after):\n%s", o, clip(diff))
		}
	}
}

// isPresent compares what walks yielded last with what Fetch reads now.
func (b *bundle) isPresent(t *testing.T, w wire, object string, ids []string, got map[string]connectors.Record) {
	t.Helper()
	o, _ := b.Spec.Object(object)
	f, ok := w.Connector.(connectors.Fetcher)
	if !ok || o.FetchMax == 0 {
		return
	}
	for chunk := range slices.Chunk(ids, o.FetchMax) {
		page, err := f.Fetch(t.Context(), object, chunk)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			if r.Object != object || r.Deleted {
				continue
			}
			if diff := cmp.Diff(string(r.Raw), string(got[r.ID].Raw)); diff != "" {
				t.Errorf("%s %s as last pulled is not as it is (-fetched +pulled):\n%s", object, r.ID, diff)
			}
		}
	}
}

// quiet pulls again from the end: what comes is what came before.
func quiet(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		p := b.open(t).puller(t)
		before := walk(t, p, object, "")
		known := latest(records(before, object))
		after := last(t, before).Next
		for range 2 {
			pages := walk(t, p, object, after)
			for _, r := range records(pages, object) {
				if !bytes.Equal(known[r.ID].Raw, r.Raw) {
					t.Errorf("%s %s came again, other than before", object, r.ID)
				}
			}
			after = last(t, pages).Next
		}
	})
}
