package zoho

import (
	"encoding/json"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
)

// reader builds the fields of a record from a visit of its JSON. Members of open
// containers grow at the ends of pairs and items and are copied out when they
// close; those of the record, and of all its parts, stay. A reader is used for many
// records, so that each costs few allocations.
type reader struct {
	parts bool // the JSON is a list of parts
	dirty bool // it holds what PostgreSQL cannot store
	ended bool
	key   string
	open  []frame
	pairs []connectors.Pair  // of open objects, innermost last
	items []connectors.Value // of open lists, innermost last
	// How many fields the last record had, of the vendor's own and of the account's.
	standard, custom int
}

func (r *reader) reset(parts bool, raw []byte) {
	*r = reader{
		parts: parts, dirty: answers.Unclean(raw), open: r.open[:0], pairs: r.pairs[:0], items: r.items[:0],
		standard: r.standard, custom: r.custom,
	}
}

// release lets go of what was read.
func (r *reader) release() {
	clear(r.pairs[:cap(r.pairs)])
	clear(r.items[:cap(r.items)])
}

// inRecord tells that the innermost open container is the record, or a part of it.
func (r *reader) inRecord() bool {
	if r.parts {
		return len(r.open) == 2 && !r.open[1].list
	}
	return len(r.open) == 1
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
	whole := r.inRecord()
	f := r.close()
	if whole {
		r.ended = r.ended || !r.parts
		return nil
	}
	v := connectors.Value{Kind: connectors.Nested, Fields: r.pairs[f.start:]}
	r.pairs = r.pairs[:f.start]
	if r.inRecord() && !composed(r.key) {
		v = unwrapped(v)
	}
	if v.Kind == connectors.Nested {
		v.Fields = slices.Clone(v.Fields)
	}
	return r.add(v)
}

// composed tells of the references from which more than the id is taken.
func composed(key string) bool {
	return key == keyPipeline || key == "What_Id" || key == "Who_Id" || key == "Parent_Id"
}

// OnArrayBegin implements ast.Visitor.
func (r *reader) OnArrayBegin(int) error {
	return r.begin(frame{key: r.key, list: true, start: len(r.items)})
}

// OnArrayEnd implements ast.Visitor.
func (r *reader) OnArrayEnd() error {
	f := r.close()
	if r.parts && len(r.open) == 0 {
		r.ended = true
		return nil
	}
	v := connectors.Value{Kind: connectors.List}
	if f.start < len(r.items) {
		v.Items = slices.Clone(r.items[f.start:])
	}
	r.items = r.items[:f.start]
	return r.add(v)
}

func (r *reader) begin(f frame) error {
	switch {
	case len(r.open) == answers.DepthLimit:
		return answers.ErrDepth
	case len(r.open) == 0 && (r.ended || f.list != r.parts), r.parts && len(r.open) == 1 && f.list:
		return answers.ErrObject
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
	if len(r.open) == 0 || r.parts && len(r.open) == 1 {
		return answers.ErrObject
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
