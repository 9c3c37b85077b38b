package connectortest

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
)

func decoding(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"every record is decoded", decodesAll},
		{"broken bytes do not panic", decodesBroken},
	})
}

// somePages returns the first page of a walk: enough records to decode.
func (b *bundle) somePages(t *testing.T, w wire, object string) []connectors.Record {
	t.Helper()
	for page, err := range w.puller(t).Pull(t.Context(), object, "") {
		if err != nil {
			t.Fatal(err)
		}
		return page.Records
	}
	return nil
}

func decodesAll(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		w := b.open(t)
		d := b.Spec.Decoder
		for _, r := range b.somePages(t, w, object) {
			before := bytes.Clone(r.Raw)
			first, err := d.Decode(r.Object, r.Shape, r.Raw)
			if err != nil {
				t.Errorf("%s %s: %v", r.Object, r.ID, err)
			}
			again, err := d.Decode(r.Object, r.Shape, r.Raw)
			if diff := cmp.Diff(first, again); err != nil || diff != "" {
				t.Errorf("%s %s decoded twice, error %v (-first +second):\n%s", r.Object, r.ID, err, diff)
			}
			if !bytes.Equal(before, r.Raw) {
				t.Errorf("%s %s: decoding changed its bytes", r.Object, r.ID)
			}
			sound(t, first)
		}
	})
}

// sound checks what the contract says of values.
func sound(t *testing.T, v connectors.Values) {
	t.Helper()
	for _, pairs := range [][]connectors.Pair{v.Standard, v.Custom} {
		seen := map[string]bool{}
		for _, p := range pairs {
			if seen[p.Key] {
				t.Errorf("the key %q stands twice", p.Key)
			}
			seen[p.Key] = true
			soundValue(t, p.Key, p.Value)
		}
	}
}

func soundValue(t *testing.T, key string, v connectors.Value) {
	t.Helper()
	for _, s := range []string{key, v.Text, v.Unit} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("%s: %q cannot be stored as text", key, s)
		}
	}
	if v.Kind == connectors.Time && (v.Time.IsZero() || v.Time.Location().String() != "UTC") {
		t.Errorf("%s: %v is no instant in UTC", key, v.Time)
	}
	for _, item := range v.Items {
		soundValue(t, key, item)
	}
	for _, p := range v.Fields {
		soundValue(t, p.Key, p.Value)
	}
}

// decodesBroken breaks real records in repeatable ways.
func decodesBroken(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		const tries, seed = 300, 7
		w := b.open(t)
		d := b.Spec.Decoder
		some := b.somePages(t, w, object)
		if len(some) == 0 {
			t.Skip("there are no records")
		}
		rng := rand.New(rand.NewPCG(seed, uint64(len(object))))
		for range tries {
			r := some[rng.IntN(len(some))]
			raw := mutate(rng, r.Raw)
			before := bytes.Clone(raw)
			if v, err := d.Decode(r.Object, r.Shape, raw); err == nil {
				sound(t, v)
			} else if !utf8.ValidString(err.Error()) {
				t.Errorf("error %q is not text", err)
			}
			if !bytes.Equal(before, raw) {
				t.Fatalf("decoding changed the bytes %q", before)
			}
		}
	})
}

// mutate cuts, flips, repeats and exchanges parts of a record.
func mutate(rng *rand.Rand, raw []byte) []byte {
	out := bytes.Clone(raw)
	at, to := rng.IntN(len(out)), rng.IntN(len(out)+1)
	switch rng.IntN(6) {
	case 0:
		return out[:to]
	case 1:
		out[at] ^= 1 << rng.IntN(8)
	case 2:
		out[at] = 0xff
	case 3:
		return append(out[:min(at, to)], out[max(at, to):]...)
	case 4:
		return append(out, out[at:]...)
	case 5:
		odd := []string{"null", "1e999", `"\u0000"`, `"\ud800"`, "[]", "{}", strings.Repeat("[", 100), "-", `""`}
		return bytes.Replace(out, []byte(":"), []byte(":"+odd[rng.IntN(len(odd))]+","), 1+rng.IntN(5))
	}
	return out
}
