package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic/ast"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// The shapes in which Pipedrive writes a record (Record.Shape).
const (
	shapeV2      = "v2"      // API v2: plain ids, custom_fields apart
	shapeV1      = "v1"      // API v1: custom fields flat among the others, spread over several keys
	shapeWebhook = "webhook" // data of a webhook v2: as v2, but custom fields name their type
)

// depthLimit bounds the nesting of one record. The deepest known is a field
// definition with 5 levels; the bound keeps hostile input off the stack.
const depthLimit = 32

// Decode implements connectors.Decoder for the shapes "v2", "v1" and "webhook".
// The three give equal values for equal facts, as far as the shape tells:
//
//   - standard fields of time become Time, standard dates Date, ids and amounts
//     stay Number literals; what does not look like its field stays as it is;
//   - custom fields stand under their 40-digit code: money as Money, options as
//     Number (id), several options as List, address, time and ranges as Nested
//     with the keys of v2 (value, until, timezone_name, ...), dates as Text;
//   - only v1 tells no options from texts: there an option is Text or Number,
//     several are Text with commas. The dictionary says what they are.
//
// Texts are valid UTF-8 without NUL: each offending sequence is replaced by
// U+FFFD, since PostgreSQL stores neither.
func (c *Connector) Decode(object, shape string, raw []byte) (connectors.Values, error) {
	src, ok := c.sources[object]
	if !ok {
		return connectors.Values{}, unknownObject(object)
	}
	if shape != shapeV1 && shape != shapeV2 && shape != shapeWebhook {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: a record of shape %q cannot be decoded, only v1, v2 and webhook", object, shape)
	}
	r, _ := c.readers.Get().(*reader)
	if r == nil {
		r = new(reader)
	}
	defer c.readers.Put(r)
	v, err := r.read(shape, raw)
	if err != nil {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: %w", object, err)
	}
	if src.key != "" && !identified(&v, src.key) {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: field %s: is missing or neither a number nor a text, so that the record cannot be told from others", object, src.key)
	}
	return v, nil
}

func identified(v *connectors.Values, key string) bool {
	id := v.Get(key)
	return id.Text != "" && (id.Kind == connectors.Number || id.Kind == connectors.Text)
}

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

func (r *reader) read(shape string, raw []byte) (connectors.Values, error) {
	r.reset(shape, raw)
	defer r.release()
	if len(raw) == 0 {
		return connectors.Values{}, errors.New("the record is empty")
	}
	if err := ast.Preorder(unsafe.String(unsafe.SliceData(raw), len(raw)), r, &ast.VisitorOptions{OnlyNumber: true}); err != nil {
		return connectors.Values{}, r.explain(err)
	}
	if len(r.open) > 0 || !ends(raw) {
		return connectors.Values{}, r.explain(errBroken)
	}
	if r.shape == shapeV1 {
		r.lift()
	}
	record, custom := unique(r.record), unique(r.custom)
	if len(custom) == 0 {
		record = withoutNone(record)
	}
	return connectors.Values{Standard: record, Custom: custom}, nil
}

// withoutNone drops custom_fields written as null or [] instead of an object.
func withoutNone(record []connectors.Pair) []connectors.Pair {
	return slices.DeleteFunc(record, func(p connectors.Pair) bool {
		return p.Key == "custom_fields" && (p.Value.Kind == connectors.Null || p.Value.Kind == connectors.List && len(p.Value.Items) == 0)
	})
}

func (r *reader) reset(shape string, raw []byte) {
	*r = reader{
		shape: shape, dirty: unclean(raw), open: r.open[:0], pairs: r.pairs[:0], items: r.items[:0],
		record: make([]connectors.Pair, 0, r.fields), custom: make([]connectors.Pair, 0, r.customs),
	}
}

// release lets go of what was handed out. Records of one page are alike, so
// their numbers of fields are remembered.
func (r *reader) release() {
	r.fields, r.customs = len(r.record), len(r.custom)
	r.record, r.custom = nil, nil
}

// unclean reports whether a text of raw may be invalid UTF-8 or hold NUL.
func unclean(raw []byte) bool {
	return !utf8.Valid(raw) || bytes.Contains(raw, []byte(`\u0000`)) || bytes.IndexByte(raw, 0) >= 0
}

// ends reports whether the last byte closes an object.
func ends(raw []byte) bool { return bytes.HasSuffix(bytes.TrimRight(raw, " \t\r\n"), []byte("}")) }

var (
	errBroken = errors.New("the JSON is broken")
	errDepth  = fmt.Errorf("is nested deeper than %d levels", depthLimit)
	errObject = errors.New("the record is not a JSON object")
)

// explain names the field. The library's own text quotes the record, which may
// hold personal data.
func (r *reader) explain(err error) error {
	if !errors.Is(err, errDepth) && !errors.Is(err, errObject) {
		err = errBroken
	}
	var path []string
	for _, f := range r.open {
		if f.key != "" {
			path = append(path, f.key)
		}
	}
	if r.key != "" {
		path = append(path, r.key)
	}
	if len(path) == 0 {
		return err
	}
	const shown = 6
	return fmt.Errorf("field %s: %w", strings.ToValidUTF8(strings.Join(path[:min(len(path), shown)], "."), "\uFFFD"), err)
}

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
		return errObject
	}
	return r.begin(frame{key: r.key, into: intoItems, start: len(r.items)})
}

// OnObjectKey implements ast.Visitor.
func (r *reader) OnObjectKey(key string) error {
	r.key = r.clean(key)
	return nil
}

func (r *reader) begin(f frame) error {
	if len(r.open) == depthLimit {
		return errDepth
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
		return nil, errObject
	}
	var pairs *[]connectors.Pair
	switch r.open[len(r.open)-1].into {
	case intoItems:
		r.items = append(r.items, connectors.Value{})
		return &r.items[len(r.items)-1], nil
	case intoRecord:
		pairs = &r.record
	case intoCustom:
		pairs = &r.custom
	case intoPairs:
		pairs = &r.pairs
	}
	*pairs = append(*pairs, connectors.Pair{Key: r.key})
	return &(*pairs)[len(*pairs)-1].Value, nil
}

// clean makes s storable. Escapes are unquoted by now, so a NUL is a byte.
func (r *reader) clean(s string) string {
	if !r.dirty {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// unique keeps the last of pairs with one key, where the first stood, as JSON
// parsers do. Keys hardly ever repeat, so a small filter looks first.
func unique(pairs []connectors.Pair) []connectors.Pair {
	var seen [4]uint64
	for i := 0; i < len(pairs); i++ {
		h := keyHash(pairs[i].Key)
		if seen[h>>6]&(1<<(h&63)) != 0 {
			if first := lookup(pairs[:i], pairs[i].Key); first != nil {
				*first = pairs[i].Value
				pairs = slices.Delete(pairs, i, i+1)
				i--
			}
		}
		seen[h>>6] |= 1 << (h & 63)
	}
	return pairs
}

// keyHash spreads keys over 256 places by their length and a few characters.
func keyHash(key string) uint8 {
	h := uint32(len(key))
	for i := 0; i < len(key) && i < 8; i++ {
		h = h*31 + uint32(key[i])
	}
	if n := len(key); n > 8 {
		h = h*31 + uint32(key[n-1])
		h = h*31 + uint32(key[n-6])
	}
	return uint8(h ^ h>>8 ^ h>>16)
}
