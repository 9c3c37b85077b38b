package pipedrive

import (
	"encoding/json"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
)

// reader builds Values from a visit of the JSON. Members of the record and of
// custom_fields go where they stay; those of deeper containers grow at the ends
// of pairs and items and are copied out when their container closes. A reader
// is used for many records, so that each costs few allocations.
type reader struct {
	shape  string
	dirty  bool // raw holds what PostgreSQL cannot store
	key    string
	open   []frame
	pairs  []connectors.Pair  // of open nested objects, innermost last
	items  []connectors.Value // of open arrays, innermost last
	record []connectors.Pair
	custom []connectors.Pair
	// How many fields the last record had.
	fields, customs int
}

// frame is an open container.
type frame struct {
	key   string // under which it stands in its parent
	into  target // where its members go
	start int    // where they begin in pairs or items
}

type target uint8

const (
	intoRecord target = iota
	intoCustom
	intoPairs
	intoItems
)

// The methods below implement ast.Visitor.

// OnNull implements ast.Visitor.
func (r *reader) OnNull() error { return r.scalar(connectors.Null, "") }

// OnBool implements ast.Visitor.
func (r *reader) OnBool(v bool) error {
	if v {
		return r.scalar(connectors.Bool, "true")
	}
	return r.scalar(connectors.Bool, "false")
}

// OnString implements ast.Visitor.
func (r *reader) OnString(s string) error { return r.scalar(connectors.Text, r.clean(s)) }

// OnInt64 implements ast.Visitor.
func (r *reader) OnInt64(_ int64, n json.Number) error { return r.scalar(connectors.Number, string(n)) }

// OnFloat64 implements ast.Visitor.
func (r *reader) OnFloat64(_ float64, n json.Number) error {
	return r.scalar(connectors.Number, string(n))
}

// OnObjectBegin implements ast.Visitor.
func (r *reader) OnObjectBegin(int) error {
	f := frame{key: r.key, into: intoPairs, start: len(r.pairs)}
	switch {
	case len(r.open) == 0:
		f.into = intoRecord
	case len(r.open) == 1 && r.key == "custom_fields" && r.shape != shapeV1:
		f.into = intoCustom
	}
	return r.begin(f)
}

// OnArrayBegin implements ast.Visitor.
func (r *reader) OnArrayBegin(int) error {
	if len(r.open) == 0 {
		return answers.ErrObject
	}
	return r.begin(frame{key: r.key, into: intoItems, start: len(r.items)})
}

// OnObjectKey implements ast.Visitor.
func (r *reader) OnObjectKey(key string) error {
	r.key = r.clean(key)
	return nil
}

func (r *reader) begin(f frame) error {
	if len(r.open) == answers.DepthLimit {
		return answers.ErrDepth
	}
	r.open, r.key = append(r.open, f), ""
	return nil
}

// OnObjectEnd implements ast.Visitor.
func (r *reader) OnObjectEnd() error {
	f := r.close()
	if f.into != intoPairs {
		return nil
	}
	v := r.object(f.key, r.pairs[f.start:])
	r.pairs = r.pairs[:f.start]
	return r.add(v)
}

// OnArrayEnd implements ast.Visitor.
func (r *reader) OnArrayEnd() error {
	f := r.close()
	v := connectors.Value{Kind: connectors.List}
	if f.start < len(r.items) {
		v.Items = slices.Clone(r.items[f.start:])
	}
	r.items = r.items[:f.start]
	return r.add(v)
}

func (r *reader) close() frame {
	f := r.open[len(r.open)-1]
	r.open, r.key = r.open[:len(r.open)-1], f.key
	return f
}

func (r *reader) scalar(kind connectors.ValueKind, text string) error {
	v, err := r.slot()
	if err != nil {
		return err
	}
	v.Kind, v.Text = kind, text
	if kind == connectors.Text && len(r.open) == 1 {
		standardText(r.key, v)
	}
	return nil
}

// add puts a closed container's value into the one around it.
func (r *reader) add(v connectors.Value) error {
	place, err := r.slot()
	if err != nil {
		return err
	}
	*place = v
	return nil
}

// slot returns the place of the next value in the innermost open container.
func (r *reader) slot() (*connectors.Value, error) {
	if len(r.open) == 0 {
		return nil, answers.ErrObject
	}
	switch r.open[len(r.open)-1].into {
	case intoItems:
		r.items = append(r.items, connectors.Value{})
		return &r.items[len(r.items)-1], nil
	case intoRecord:
		return grow(&r.record, r.key), nil
	case intoCustom:
		return grow(&r.custom, r.key), nil
	}
	r.pairs = append(r.pairs, connectors.Pair{Key: r.key})
	return &r.pairs[len(r.pairs)-1].Value, nil
}

// grow adds a pair to a list whose room is new and therefore zero: writing
// empty values there would take a tenth of the time of decoding.
func grow(pairs *[]connectors.Pair, key string) *connectors.Value {
	n := len(*pairs)
	if n == cap(*pairs) {
		*pairs = slices.Grow(*pairs, max(n, 8))
		clear((*pairs)[n:cap(*pairs)])
	}
	*pairs = (*pairs)[:n+1]
	p := &(*pairs)[n]
	p.Key = key
	return &p.Value
}

// clean makes s storable. Escapes are unquoted by now, so a NUL is a byte.
func (r *reader) clean(s string) string {
	if !r.dirty {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}
