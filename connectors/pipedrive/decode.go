package pipedrive

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"unsafe"

	"github.com/bytedance/sonic/ast"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// The shapes in which Pipedrive writes a record (Record.Shape).
const (
	shapeV2      = "v2"      // API v2: plain ids, custom_fields apart
	shapeV1      = "v1"      // API v1: custom fields flat among the others, spread over several keys
	shapeWebhook = "webhook" // data of a webhook v2: as v2, but custom fields name their type
)

// dialect knows the vendor's objects and reads their records.
type dialect struct {
	sources map[string]source
	readers sync.Pool // of *reader
}

func newDialect() *dialect {
	d := &dialect{sources: map[string]source{}}
	for _, src := range sources() {
		d.sources[src.Name] = src
	}
	return d
}

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
func (d *dialect) Decode(object, shape string, raw []byte) (connectors.Values, error) {
	src, ok := d.sources[object]
	if !ok {
		return connectors.Values{}, unknownObject(object)
	}
	if shape != shapeV1 && shape != shapeV2 && shape != shapeWebhook {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: a record of shape %q cannot be decoded, only v1, v2 and webhook", object, shape)
	}
	r, _ := d.readers.Get().(*reader)
	if r == nil {
		r = new(reader)
	}
	defer d.readers.Put(r)
	v, err := r.read(shape, raw)
	if err != nil {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: %w", object, err)
	}
	if src.key != "" && !identified(&v, src.key) {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: %w", object, &connectors.FieldError{Field: src.key, Err: answers.ErrNoID})
	}
	if src.Dictionary {
		demanded(&v)
	}
	return v, nil
}

func identified(v *connectors.Values, key string) bool {
	id := v.Get(key)
	return answers.Usable(id.Text) && (id.Kind == connectors.Number || id.Kind == connectors.Text)
}

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
		return connectors.Values{}, r.explain(answers.ErrBroken)
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
		shape: shape, dirty: answers.Unclean(raw), open: r.open[:0], pairs: r.pairs[:0], items: r.items[:0],
		record: make([]connectors.Pair, 0, r.fields), custom: make([]connectors.Pair, 0, r.customs),
	}
}

// release lets go of what was handed out. Records of one page are alike, so
// their numbers of fields are remembered.
func (r *reader) release() {
	r.fields, r.customs = len(r.record), len(r.custom)
	r.record, r.custom = nil, nil
}

// ends reports whether the last byte closes an object.
func ends(raw []byte) bool { return bytes.HasSuffix(bytes.TrimRight(raw, " \t\r\n"), []byte("}")) }

// explain names the field that is being read.
func (r *reader) explain(err error) error {
	var path []string
	for _, f := range r.open {
		if f.key != "" {
			path = append(path, f.key)
		}
	}
	if r.key != "" {
		path = append(path, r.key)
	}
	return answers.Explain(err, path)
}
