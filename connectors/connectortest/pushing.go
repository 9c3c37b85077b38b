package connectortest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// pushing uses one vendor for all its statements: each edit has a record of its
// own.
func pushing(t *testing.T, b *bundle) {
	ability[connectors.Pusher](t, b.open(t))
	own := b.with(t, Few)
	if len(own.vendor.Edits) == 0 {
		t.Fatal("a Pusher needs edits in Vendor.Edits")
	}
	all(t, own, []statement{
		{"an edit has its effect, by one request, and nothing else changes", pushes},
		{"the same edit again changes nothing more", pushesAgain},
		{"null empties a field", pushesNull},
		{"what the vendor does not take is refused and not made", pushesRefused},
		{"an unknown object or field is refused", pushesUnknown},
		{"a record that is gone is not found", pushesGone},
		{"a deleted record comes back only if that is asked for", pushesBack},
		{"a refusal is told as what it is", pushesForbidden},
		{"after an answer that cannot be read nobody knows, and the effect can be found", pushesUnsure},
		{"what fails after the effect is no refusal of it", pushesUnread},
		{"a new record is found by its mark, and only then", finds},
		{"a search that fails finds neither something nor nothing", findsNothingSure},
		{"an edit ends with its context", pushesUntil},
		{"no error, log or address of an edit holds a secret", pushesNoSecret},
		{"a witness tells what was replaced", witnesses},
		{"a witness tells of somebody who came between", witnessesOthers},
		{"a witness tells nothing of somebody who came later", witnessesEarlier},
	})
}

// eachEdit runs a test for each sample that fits.
func (b *bundle) eachEdit(t *testing.T, fits func(EditSample) bool, test func(t *testing.T, s EditSample)) {
	var some []EditSample
	for _, s := range b.vendor.Edits {
		if fits(s) {
			some = append(some, s)
		}
	}
	if len(some) == 0 {
		t.Skip("there is no such edit")
	}
	for _, s := range some {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

func anyEdit(EditSample) bool { return true }

// changesOne and makesOne tell edits of a record that is there from those of a new one.
func changesOne(s EditSample) bool { return !s.New }
func makesOne(s EditSample) bool   { return s.New }

// push makes an edit, which must do well.
func (w wire) push(t *testing.T, e connectors.Edit) connectors.Record {
	t.Helper()
	r, err := ability[connectors.Pusher](t, w).Push(t.Context(), e)
	if err != nil {
		t.Fatalf("push of %s %s: %v (%v)", e.Object, e.ID, err, fault.KindOf(err))
	}
	return r
}

// reread returns a record as the vendor has it now, by a connector that is not
// spoilt; false if it has none.
func (b *bundle) reread(t *testing.T, object, id string) (connectors.Record, bool) {
	t.Helper()
	w := b.open(t)
	var pages []connectors.Page
	if o, _ := b.Spec.Object(object); o.FetchMax > 0 {
		page, err := ability[connectors.Fetcher](t, w).Fetch(t.Context(), object, []string{id})
		if err != nil {
			t.Fatal(err)
		}
		pages = []connectors.Page{page}
	} else {
		pages = walk(t, w.puller(t), object, "")
	}
	r, ok := latest(records(pages, object))[id]
	return r, ok && len(r.Raw) > 0
}

func (b *bundle) decoded(t *testing.T, r connectors.Record) connectors.Values {
	t.Helper()
	v, err := b.Spec.Decoder.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Object, r.ID, err)
	}
	return v
}

// asReread compares what Push returned with a reading of the same moment: were
// they not alike, our own change would come back as news.
func (b *bundle) asReread(t *testing.T, r connectors.Record) {
	t.Helper()
	again, ok := b.reread(t, r.Object, r.ID)
	if !ok {
		t.Fatalf("%s %s is not there after it was written", r.Object, r.ID)
	}
	if diff := cmp.Diff(again, r); diff != "" {
		t.Errorf("%s %s (-read again +pushed):\n%s", r.Object, r.ID, clip(diff))
	}
}

// holds reports the fields that do not hold what was set. The shapes of a value
// may differ: several options as one text, a day as text.
func holds(set, have []connectors.Pair) []string {
	var out []string
	for _, p := range set {
		i := slices.IndexFunc(have, func(h connectors.Pair) bool { return h.Key == p.Key })
		switch {
		case p.Value.Kind == connectors.Null && (i < 0 || empty(have[i].Value)):
		case i < 0 || !holdsValue(p.Value, have[i].Value):
			out = append(out, p.Key)
		}
	}
	return out
}

func empty(v connectors.Value) bool {
	return v.Kind == connectors.Null || v.Text == "" && v.Time.IsZero() && len(v.Items) == 0 && len(v.Fields) == 0
}

func holdsValue(want, have connectors.Value) bool {
	switch want.Kind {
	case connectors.List:
		var texts []string
		for _, item := range want.Items {
			texts = append(texts, item.Text)
		}
		if have.Kind != connectors.List {
			return have.Text == strings.Join(texts, ",")
		}
		return slices.EqualFunc(want.Items, have.Items, holdsValue)
	case connectors.Nested: // the vendor may add parts
		return len(holds(want.Fields, have.Fields)) == 0
	case connectors.Time:
		return want.Time.Equal(have.Time)
	}
	return want.Text == have.Text && want.Unit == have.Unit
}

// heldBy reports which of the set fields a record does not hold as set.
func (b *bundle) heldBy(t *testing.T, set connectors.Values, r connectors.Record) []string {
	t.Helper()
	v := b.decoded(t, r)
	return append(holds(set.Standard, v.Standard), holds(set.Custom, v.Custom)...)
}

// without leaves out the fields that an edit sets and those that follow.
func without(pairs, set []connectors.Pair, follows []string) []connectors.Pair {
	return slices.DeleteFunc(slices.Clone(pairs), func(p connectors.Pair) bool {
		return slices.Contains(follows, p.Key) || slices.ContainsFunc(set, func(s connectors.Pair) bool { return s.Key == p.Key })
	})
}

// writes counts the requests that may change something.
func (w wire) writes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, req := range w.sent {
		if writing(req) {
			n++
		}
	}
	return n
}

func writing(req *http.Request) bool {
	return req.Method != http.MethodGet && req.Method != http.MethodHead
}

func pushes(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		var before connectors.Values
		known := b.vendor.IDs(e.Object)
		if e.ID != "" {
			r, _ := b.reread(t, e.Object, e.ID)
			if before = b.decoded(t, r); len(b.heldBy(t, e.Set, r)) == 0 {
				t.Fatalf("%s %s holds all this already", e.Object, e.ID)
			}
		}
		w := b.open(t)
		r := w.push(t, e)
		if n := w.writes(); n != 1 {
			t.Errorf("%d writing requests, want one", n)
		}
		b.isWhole(t, w, r)
		b.asReread(t, r)
		if wrong := b.heldBy(t, e.Set, r); len(wrong) > 0 {
			t.Errorf("%q do not hold what was set: %s", wrong, r.Raw)
		}
		switch {
		case e.ID == "" && slices.Contains(known, r.ID):
			t.Errorf("the new record has the id %s of one that was there", r.ID)
		case e.ID != "" && r.ID != e.ID:
			t.Errorf("%s was written, want %s", r.ID, e.ID)
		case e.ID != "":
			after := b.decoded(t, r)
			if diff := cmp.Diff(without(before.Standard, e.Set.Standard, s.Follows), without(after.Standard, e.Set.Standard, s.Follows)); diff != "" {
				t.Errorf("other fields (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(without(before.Custom, e.Set.Custom, nil), without(after.Custom, e.Set.Custom, nil)); diff != "" {
				t.Errorf("other fields of the account's own (-before +after):\n%s", diff)
			}
		}
	})
}

func pushesAgain(t *testing.T, b *bundle) {
	b.eachEdit(t, changesOne, func(t *testing.T, s EditSample) {
		w, e := b.open(t), s.Edit(t)
		first := b.decoded(t, w.push(t, e))
		second := b.decoded(t, w.push(t, e))
		if diff := cmp.Diff(without(first.Standard, nil, s.Follows), without(second.Standard, nil, s.Follows)); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(first.Custom, second.Custom); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// nulls returns the edit with null in the fields that may be empty.
func (s EditSample) nulls(e connectors.Edit) connectors.Edit {
	e.Set = connectors.Values{Standard: s.nullsOf(e.Set.Standard), Custom: s.nullsOf(e.Set.Custom)}
	return e
}

func (s EditSample) nullsOf(pairs []connectors.Pair) []connectors.Pair {
	var out []connectors.Pair
	for _, p := range pairs {
		if slices.Contains(s.Nullable, p.Key) {
			out = append(out, connectors.Pair{Key: p.Key})
		}
	}
	return out
}

func pushesNull(t *testing.T, b *bundle) {
	b.eachEdit(t, func(s EditSample) bool { return len(s.Nullable) > 0 && changesOne(s) }, func(t *testing.T, s EditSample) {
		w, e := b.open(t), s.Edit(t)
		w.push(t, e)
		none := s.nulls(e)
		r := w.push(t, none)
		b.asReread(t, r)
		if wrong := b.heldBy(t, none.Set, r); len(wrong) > 0 {
			t.Errorf("%q are not empty: %s", wrong, r.Raw)
		}
	})
}

// unchanged makes sure that an edit that failed has left its record as it was, or
// has made none.
func (b *bundle) unchanged(t *testing.T, e connectors.Edit, try func()) {
	t.Helper()
	var before connectors.Record
	if e.ID != "" {
		before, _ = b.reread(t, e.Object, e.ID)
	}
	try()
	if e.ID == "" {
		if r, found, err := ability[connectors.Pusher](t, b.open(t)).Find(t.Context(), e); err != nil || found {
			t.Errorf("a refused edit made %s %s (%v)", e.Object, r.ID, err)
		}
		return
	}
	after, _ := b.reread(t, e.Object, e.ID)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a refused edit changed %s %s (-before +after):\n%s", e.Object, e.ID, clip(diff))
	}
}

// refusedAs pushes an edit that must fail with a kind.
func (w wire) refusedAs(t *testing.T, e connectors.Edit, want fault.Kind) *fault.Error {
	t.Helper()
	r, err := ability[connectors.Pusher](t, w).Push(t.Context(), e)
	var told *fault.Error
	if !asFault(err, &told) || told.Kind != want {
		t.Errorf("push of %s %s: %v (%v), want %v", e.Object, e.ID, err, fault.KindOf(err), want)
	}
	if err != nil && !cmp.Equal(r, connectors.Record{}) {
		t.Errorf("a record came with the error: %+v", r)
	}
	return told
}

func pushesRefused(t *testing.T, b *bundle) {
	fits := func(s EditSample) bool { return len(s.Refused.Standard)+len(s.Refused.Custom) > 0 }
	b.eachEdit(t, fits, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		e.Set = connectors.Values{Standard: laid(e.Set.Standard, s.Refused.Standard), Custom: laid(e.Set.Custom, s.Refused.Custom)}
		b.unchanged(t, e, func() { b.open(t).refusedAs(t, e, fault.Invalid) })
	})
}

// laid replaces the pairs that over has.
func laid(pairs, over []connectors.Pair) []connectors.Pair {
	return append(without(pairs, over, nil), over...)
}

func pushesUnknown(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		strange := []connectors.Pair{{Key: "no such field", Value: connectors.Value{Kind: connectors.Text, Text: "x"}}}
		b.unchanged(t, e, func() {
			for _, set := range []connectors.Values{
				{Standard: slices.Concat(e.Set.Standard, strange), Custom: e.Set.Custom},
				{Standard: e.Set.Standard, Custom: slices.Concat(e.Set.Custom, strange)},
				{},
			} {
				wrong := e
				wrong.Set = set
				b.open(t).refusedAs(t, wrong, fault.Invalid)
			}
			wrong := e
			wrong.Object = "no such object"
			b.open(t).refusedAs(t, wrong, fault.Invalid)
		})
	})
}

func pushesGone(t *testing.T, b *bundle) {
	fits := func(s EditSample) bool { return changesOne(s) && slices.Contains(b.Deleting, s.Object) }
	b.eachEdit(t, fits, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		e.ID = b.vendor.Delete(t, e.Object)
		b.unchanged(t, e, func() { b.open(t).refusedAs(t, e, fault.NotFound) })
		e.ID = absent(b.truth(e.Object))[0]
		b.open(t).refusedAs(t, e, fault.NotFound)
	})
}

func pushesBack(t *testing.T, b *bundle) {
	fits := func(s EditSample) bool { return changesOne(s) }
	b.eachEdit(t, fits, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		e.Undelete = true
		if !slices.Contains(b.Reviving, e.Object) {
			b.unchanged(t, e, func() { b.open(t).refusedAs(t, e, fault.Invalid) })
			return
		}
		e.ID = b.vendor.Delete(t, e.Object)
		r := b.open(t).push(t, e)
		b.asReread(t, r)
		if wrong := b.heldBy(t, e.Set, r); r.Deleted || len(wrong) > 0 {
			t.Errorf("deleted: %v; %q do not hold what was set: %s", r.Deleted, wrong, r.Raw)
		}
	})
}

func pushesUntil(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		b.unchanged(t, e, func() {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			w := b.open(t)
			if _, err := ability[connectors.Pusher](t, w).Push(ended, e); !errors.Is(err, context.Canceled) || w.requests() > 1 {
				t.Errorf("%v after %d requests, want the end of the context", err, w.requests())
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := b.open(t)
		w.spoil = onWrites(stall(ctx, cancel))
		if _, err := ability[connectors.Pusher](t, w).Push(ctx, e); !errors.Is(err, context.Canceled) || certain(err) {
			t.Errorf("in the middle of the answer: %v (%v), want the end of the context", err, fault.KindOf(err))
		}
	})
}

// pushesNoSecret lets the vendor repeat all that it was sent.
func pushesNoSecret(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		for _, status := range []int{200, 302, 400, 403, 500} {
			for _, onlyWrites := range []bool{false, true} {
				w := b.open(t)
				w.spoil = echo(status, onlyWrites)
				p := ability[connectors.Pusher](t, w)
				if _, err := p.Push(t.Context(), s.Edit(t)); err != nil {
					b.holdsNoSecret(t, "a push", err.Error())
				}
				if !onlyWrites && s.New {
					if _, _, err := p.Find(t.Context(), s.Edit(t)); err != nil {
						b.holdsNoSecret(t, "a search", err.Error())
					}
				}
				b.holdsNoSecret(t, "the log", w.log.String())
				for _, req := range w.sent {
					b.holdsNoSecret(t, "an address", req.URL.String())
				}
			}
		}
	})
}
