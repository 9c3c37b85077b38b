package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func pulling(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"every record comes once", everyRecordOnce},
		{"a walk goes on from each cursor", resumes},
		{"pages are complete", completePages},
		{"raw bytes are untouched", untouched},
		{"ids are stable", stableIDs},
		{"scopes are closed", closesScopes},
		{"ties are not lost", ties},
		{"an empty object yields one empty page", emptyObject},
		{"an early break makes no further request", earlyBreak},
		{"a cancelled context stops at once", cancelled},
		{"what is not known is refused", unknown},
	})
}

func everyRecordOnce(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		pages := walk(t, b.open(t).puller(t), object, "")
		if slices.Contains(b.Paged, object) && len(pages) < 2 {
			t.Errorf("%d page: the harness promises several", len(pages))
		}
		b.isTruth(t, object, records(pages, object))
		for _, attached := range b.names(func(o connectors.Object) bool { return o.Mode == connectors.Attached && o.Parent == object }) {
			b.isTruth(t, attached, records(pages, attached))
		}
	})
}

// isTruth compares ids with what the vendor has.
func (b *bundle) isTruth(t *testing.T, object string, got []connectors.Record) {
	t.Helper()
	want := b.truth(object)
	if len(want) == 0 {
		t.Errorf("the harness has no %s to compare with", object)
	}
	if diff := difference(want, sorted(ids(alive(got)))); diff != "" {
		t.Errorf("%s (-vendor +yielded):\n%s", object, clip(diff))
	}
	seen := map[string]bool{}
	for _, r := range got {
		if seen[r.ID] {
			t.Errorf("%s %s came twice", object, r.ID)
		}
		seen[r.ID] = true
	}
}

// difference is cmp.Diff for long lists that are mostly equal.
func difference(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// clip shortens a difference of thousands of ids.
func clip(s string) string {
	const most = 2000
	if len(s) > most {
		return s[:most] + "\n..."
	}
	return s
}

func resumes(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		pages := walk(t, b.open(t).puller(t), object, "")
		for i := range pages[:len(pages)-1] {
			// Another process goes on: a connector of its own.
			rest := walk(t, b.open(t).puller(t), object, pages[i].Next)
			if diff := difference(every(pages[i+1:]), every(rest)); diff != "" {
				t.Fatalf("after page %d of %d (-want +got):\n%s", i+1, len(pages), clip(diff))
			}
		}
	})
}

// every returns what identifies all records of pages, in their order.
func every(pages []connectors.Page) []string {
	var out []string
	for _, p := range pages {
		for _, r := range p.Records {
			out = append(out, r.Object+" "+r.ID+" "+string(r.Raw))
		}
	}
	return out
}

func completePages(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		began := time.Now()
		pages := walk(t, b.open(t).puller(t), object, "")
		seen := map[connectors.Cursor]bool{"": true}
		done := 0.0
		for i, p := range pages {
			if seen[p.Next] {
				t.Errorf("page %d: the cursor %q does not move", i+1, p.Next)
			}
			seen[p.Next] = true
			if p.More != (i < len(pages)-1) {
				t.Errorf("page %d of %d: More is %v", i+1, len(pages), p.More)
			}
			if p.FetchedAt.Before(began.Add(-time.Second)) || p.FetchedAt.After(time.Now().Add(time.Second)) {
				t.Errorf("page %d: FetchedAt %v is not when it was fetched", i+1, p.FetchedAt)
			}
			if p.Progress >= 0 && (p.Progress < done || p.Progress > 1) {
				t.Errorf("page %d: progress went from %v to %v", i+1, done, p.Progress)
			}
			done = max(done, p.Progress)
		}
		asOf, now := last(t, pages).AsOf, b.now()
		if asOf.IsZero() || asOf.After(now) || now.Sub(asOf) > 10*time.Minute {
			t.Errorf("AsOf %v, the vendor's clock shows %v", asOf, now)
		}
	})
}

func (b *bundle) now() time.Time {
	if b.vendor.Now == nil {
		return time.Now()
	}
	return b.vendor.Now()
}

func untouched(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		w := b.open(t)
		for _, p := range walk(t, w.puller(t), object, "") {
			for _, r := range p.Records {
				b.isWhole(t, w, r)
			}
		}
	})
}

// isWhole checks one record against what the wire carried.
func (b *bundle) isWhole(t *testing.T, w wire, r connectors.Record) {
	t.Helper()
	switch {
	case r.ID == "" || r.Shape == "":
		t.Errorf("%s %q of shape %q: id and shape must be there", r.Object, r.ID, r.Shape)
	case len(r.Raw) == 0:
		t.Errorf("%s %s has no bytes", r.Object, r.ID)
	case !json.Valid(r.Raw):
		t.Errorf("%s %s: %q is not JSON", r.Object, r.ID, r.Raw)
	case !w.carriedWhole(r.Raw):
		t.Errorf("%s %s: %q is not what the vendor sent", r.Object, r.ID, r.Raw)
	}
	if o, ok := b.Spec.Object(r.Object); !ok || (o.Parent == "") != (r.Parent == "") {
		t.Errorf("%s %s: parent %q does not fit its object", r.Object, r.ID, r.Parent)
	}
}

func stableIDs(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		first, second := walk(t, b.open(t).puller(t), object, ""), walk(t, b.open(t).puller(t), object, "")
		if diff := difference(every(first), every(second)); diff != "" {
			t.Errorf("two walks over the same records differ (-first +second):\n%s", clip(diff))
		}
	})
}

func closesScopes(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		o, _ := b.Spec.Object(object)
		pages := walk(t, b.open(t).puller(t), object, "")
		if whole := slices.Contains(last(t, pages).Closed, connectors.Scope{Object: object}); whole != (o.Mode == connectors.Listed) {
			t.Errorf("the scope of the object is closed: %v", whole)
		}
		for _, p := range pages {
			for _, r := range p.Records {
				if r.Object == object || r.Parent == "" {
					continue
				}
				if !slices.Contains(p.Closed, connectors.Scope{Object: r.Object, Parent: r.Parent}) {
					t.Errorf("%s %s came with %s %s, whose scope is not closed", r.Object, r.ID, object, r.Parent)
				}
			}
		}
	})
}

func ties(t *testing.T, b *bundle) {
	own := b.with(t, Tied)
	each(t, b.Paged, func(t *testing.T, object string) {
		if n := len(own.truth(object)); n < TiedRecords {
			t.Errorf("the harness ties %d records, want %d", n, TiedRecords)
		}
		own.isTruth(t, object, records(walk(t, own.open(t).puller(t), object, ""), object))
	})
}

func emptyObject(t *testing.T, b *bundle) {
	own := b.with(t, Empty)
	each(t, own.pulled(), func(t *testing.T, object string) {
		pages := walk(t, own.open(t).puller(t), object, "")
		if want := len(own.truth(object)); want > 0 {
			t.Skipf("an account always has some: %d", want)
		}
		if len(pages) != 1 || len(pages[0].Records) != 0 || pages[0].More || pages[0].Next == "" || pages[0].AsOf.IsZero() {
			t.Errorf("pages %+v, want one, empty, with a cursor", pages)
		}
	})
}

func earlyBreak(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		w := b.open(t)
		seq := w.puller(t).Pull(t.Context(), object, "")
		if n := w.requests(); n != 0 {
			t.Errorf("%d requests before the walk began", n)
		}
		var at int
		for range seq {
			at = w.requests()
			break
		}
		if n := w.requests(); n != at {
			t.Errorf("%d more requests after the consumer stopped", n-at)
		}
	})
}

func cancelled(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := b.open(t)
		var at, after int
		for page, err := range w.puller(t).Pull(ctx, object, "") {
			if ctx.Err() != nil {
				after++
				if !errors.Is(err, context.Canceled) || page.Records != nil || page.Next != "" {
					t.Errorf("after the cancellation came %d records and the error %v", len(page.Records), err)
				}
				continue
			}
			at = w.requests()
			cancel()
		}
		if n := w.requests() - at; n > 1 || after > 1 {
			t.Errorf("%d requests and %d pages after the cancellation, want at most one", n, after)
		}
		before := w.requests()
		if _, err := walkUntil(ctx, w.puller(t), object, ""); !errors.Is(err, context.Canceled) || w.requests()-before > 1 {
			t.Errorf("a walk under a cancelled context: %v, after %d requests", err, w.requests()-before)
		}
	})
}

func unknown(t *testing.T, b *bundle) {
	w := b.open(t)
	p := w.puller(t)
	if pages, err := walkUntil(t.Context(), p, "no such object", ""); fault.KindOf(err) != fault.NotFound || len(pages) > 0 {
		t.Errorf("an unknown object: %v (%v), want %v", err, fault.KindOf(err), fault.NotFound)
	}
	for _, object := range b.pulled() {
		for _, cursor := range []connectors.Cursor{"x", "{}", "null", "\x00", connectors.Cursor(bytes.Repeat([]byte("["), 1000))} {
			if pages, err := walkUntil(t.Context(), p, object, cursor); fault.KindOf(err) != fault.Gone || len(pages) > 0 {
				t.Errorf("%s from %.10q: %v (%v), want %v", object, cursor, err, fault.KindOf(err), fault.Gone)
			}
		}
	}
	for _, object := range b.names(func(o connectors.Object) bool { return o.Mode == connectors.Attached || o.Mode == connectors.Asked }) {
		if _, err := walkUntil(t.Context(), p, object, ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s is not pulled by name, but: %v (%v)", object, err, fault.KindOf(err))
		}
	}
	if w.requests() > 0 {
		t.Errorf("%d requests for nothing", w.requests())
	}
}
