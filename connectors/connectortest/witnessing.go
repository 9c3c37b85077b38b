package connectortest

import (
	"net/http"
	"slices"
	"testing"

	"salesbook.dev/connectors"
)

func told(s EditSample) bool { return len(s.Told) > 0 }

// only returns the pairs with some keys.
func only(pairs []connectors.Pair, keys []string) []connectors.Pair {
	return slices.DeleteFunc(slices.Clone(pairs), func(p connectors.Pair) bool { return !slices.Contains(keys, p.Key) })
}

// tells compares what a witness tells with what the fields held.
func (b *bundle) tells(t *testing.T, w wire, s EditSample, e connectors.Edit, r connectors.Record, held connectors.Values) {
	t.Helper()
	got, err := ability[connectors.Witness](t, w).Replaced(t.Context(), e, r)
	if err != nil {
		t.Fatal(err)
	}
	wrong := append(holds(only(held.Standard, s.Told), got.Standard), holds(only(held.Custom, s.Told), got.Custom)...)
	if len(wrong) > 0 {
		t.Errorf("of %q it tells %+v, they held %+v", wrong, got, held)
	}
	for _, key := range s.Told {
		has := func(p connectors.Pair) bool { return p.Key == key }
		if !slices.ContainsFunc(got.Standard, has) && !slices.ContainsFunc(got.Custom, has) {
			t.Errorf("of %s it tells nothing", key)
		}
	}
	for _, p := range slices.Concat(without(got.Standard, e.Set.Standard, nil), without(got.Custom, e.Set.Custom, nil)) {
		t.Errorf("it tells of %s, which the edit did not set", p.Key)
	}
}

func witnesses(t *testing.T, b *bundle) {
	b.eachEdit(t, told, func(t *testing.T, s EditSample) {
		w, e := b.open(t), s.Edit(t)
		ability[connectors.Witness](t, w)
		before, _ := b.reread(t, e.Object, e.ID)
		r := w.push(t, e)
		b.tells(t, w, s, e, r, b.decoded(t, before))
	})
}

// witnessesOthers lets somebody else write between, when our request is on its
// way. It is our second one, so that the log has our value twice.
func witnessesOthers(t *testing.T, b *bundle) {
	b.eachEdit(t, told, func(t *testing.T, s EditSample) {
		w, e := b.open(t), s.Edit(t)
		ability[connectors.Witness](t, w)
		theirs := e
		theirs.Set = s.Other
		w.push(t, e)
		other, done := b.open(t), false
		w.spoil = func(_ int, req *http.Request) *fake {
			if writing(req) && !done {
				done = true
				other.push(t, theirs)
			}
			return nil
		}
		r := w.push(t, e)
		b.tells(t, w, s, e, r, s.Other)
		if wrong := b.heldBy(t, e.Set, r); len(wrong) > 0 {
			t.Errorf("%q do not hold what was set: %s", wrong, r.Raw)
		}
	})
}

// witnessesEarlier lets somebody else write after us: that was not replaced by us.
func witnessesEarlier(t *testing.T, b *bundle) {
	b.eachEdit(t, told, func(t *testing.T, s EditSample) {
		w, e := b.open(t), s.Edit(t)
		ability[connectors.Witness](t, w)
		before, _ := b.reread(t, e.Object, e.ID)
		r := w.push(t, e)
		theirs := e
		theirs.Set = s.Other
		w.push(t, theirs)
		b.tells(t, w, s, e, r, b.decoded(t, before))
	})
}
