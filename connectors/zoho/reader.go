package zoho

import (
	"encoding/json"
	"slices"
	"strings"

	"salesbook.dev/connectors"
)

// reader builds a value from a visit of the JSON. Members of open containers
// grow at the ends of pairs and items and are copied out when they close.
type reader struct {
	dirty bool // the JSON holds what PostgreSQL cannot store
	key   string
	open  []frame
	pairs []connectors.Pair  // of open objects, innermost last
	items []connectors.Value // of open lists, innermost last
	top   *connectors.Value
}

// frame is an open container.
type frame struct {
	key   string // under which it stands in its parent
	list  bool
	start int // where its members begin in pairs or items
}

// The methods below implement ast.Visitor.

// OnNull implements ast.Visitor.
func (r *reader) OnNull() error { return r.add(connectors.Value{}) }

// OnBool implements ast.Visitor.
func (r *reader) OnBool(v bool) error {
	text := "false"
	if v {
		text = "true"
	}
	return r.add(connectors.Value{Kind: connectors.Bool, Text: text})
}

// OnString implements ast.Visitor.
func (r *reader) OnString(s string) error {
	return r.add(connectors.Value{Kind: connectors.Text, Text: r.clean(s)})
}

// OnInt64 implements ast.Visitor.
func (r *reader) OnInt64(_ int64, n json.Number) error {
	return r.add(connectors.Value{Kind: connectors.Number, Text: string(n)})
}

// OnFloat64 implements ast.Visitor.
func (r *reader) OnFloat64(_ float64, n json.Number) error {
	return r.add(connectors.Value{Kind: connectors.Number, Text: string(n)})
}

// OnObjectBegin implements ast.Visitor.
func (r *reader) OnObjectBegin(int) error {
	return r.begin(frame{key: r.key, start: len(r.pairs)})
}

// OnObjectKey implements ast.Visitor.
func (r *reader) OnObjectKey(key string) error {
	r.key = r.clean(key)
	return nil
}

// OnObjectEnd implements ast.Visitor.
func (r *reader) OnObjectEnd() error {
	f := r.close()
	v := connectors.Value{Kind: connectors.Nested, Fields: slices.Clone(r.pairs[f.start:])}
	r.pairs = r.pairs[:f.start]
	return r.add(v)
}

// OnArrayBegin implements ast.Visitor.
func (r *reader) OnArrayBegin(int) error {
	return r.begin(frame{key: r.key, list: true, start: len(r.items)})
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

func (r *reader) begin(f frame) error {
	if len(r.open) == depthLimit {
		return errDepth
	}
	r.open, r.key = append(r.open, f), ""
	return nil
}

func (r *reader) close() frame {
	f := r.open[len(r.open)-1]
	r.open, r.key = r.open[:len(r.open)-1], f.key
	return f
}

// add puts a value into the innermost open container.
func (r *reader) add(v connectors.Value) error {
	if len(r.open) == 0 {
		if r.top != nil || v.Kind != connectors.Nested && v.Kind != connectors.List {
			return errObject
		}
		r.top = &v
		return nil
	}
	if r.open[len(r.open)-1].list {
		r.items = append(r.items, v)
		return nil
	}
	r.pairs = append(r.pairs, connectors.Pair{Key: r.key, Value: v})
	return nil
}

// clean makes s storable. Escapes are unquoted by now, so a NUL is a byte.
func (r *reader) clean(s string) string {
	if !r.dirty {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}
