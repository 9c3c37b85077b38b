package zoho

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/bytedance/sonic/ast"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// The shapes in which a record's bytes come (Record.Shape).
const (
	shapeWhole = "v8"       // one object, as it stands in an answer
	shapeParts = "v8.parts" // a list of such objects, the parts of one record
)

// Fields that no answer has: they are made of others, and written back to them.
const (
	// keyStage tells a stage from those of the same name in other pipelines.
	keyStage = "stage_key"
	// keyRelated begins the names of references to records of one module each:
	// what an activity or a note hangs on is told in one field for all modules.
	keyRelated = "related_"
	// keyStages are the stages of a pipeline, as it stands in an answer.
	keyStages = "maps"
	// keyOptions are the options of a definition as {id, label}.
	keyOptions = "options"
)

// dialect knows the vendor's objects and reads their records.
type dialect struct {
	order    []source // in the order in which they are pulled
	sources  map[string]source
	standard map[string]map[string]bool // by module: the vendor's own fields
	readers  sync.Pool
}

func newDialect(own []string) *dialect {
	d := &dialect{order: sources(own), sources: map[string]source{}, standard: map[string]map[string]bool{}}
	for _, src := range d.order {
		d.sources[src.Name] = src
		if src.Mode == connectors.Windowed && d.standard[src.module] == nil {
			own := map[string]bool{}
			for _, name := range slices.Concat(standardFields(src.module), src.fixed) {
				own[name] = true
			}
			d.standard[src.module] = own
		}
	}
	for _, name := range lossFields() {
		d.standard[deals][name] = true
	}
	return d
}

// Decode implements connectors.Decoder:
//
//   - references ({id, name} of lookups, owners, layouts) become their id;
//   - times of the vendor's own fields become Time, days Date; numbers stay
//     literals;
//   - the account's fields stand in Custom under their API name; several options
//     are a List, options are Text with the value that the vendor stores;
//   - of a deal, and of an entry of its history, stage_key is the id of the stage
//     among Stages: one name may stand in several pipelines;
//   - of activities and notes, related_Deals and the like are the ids of the
//     records that they hang on;
//   - of definitions, options are {id, label}; of Stage_Outcomes, their label is
//     the forecast type.
func (d *dialect) Decode(object, shape string, raw []byte) (connectors.Values, error) {
	src, ok := d.sources[object]
	if !ok {
		return connectors.Values{}, unknownObject(object)
	}
	if shape != shapeWhole && shape != shapeParts {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: a record of shape %q cannot be decoded, only %s and %s", object, shape, shapeWhole, shapeParts)
	}
	r, ok := d.readers.Get().(*reader)
	if !ok {
		r = new(reader)
	}
	defer d.readers.Put(r)
	r.reset(shape == shapeParts, raw)
	defer r.release()
	if err := r.read(raw); err != nil {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: %w", object, err)
	}
	if src.way == byPipeline {
		r.pairs = joined(r.pairs)
	}
	fields := unique(r.pairs)
	v := d.sorted(src, fields, r)
	v.Standard = append(v.Standard, related(src, fields)...)
	r.standard, r.custom = len(v.Standard), len(v.Custom)
	if id := v.Get(src.key); id.Kind != connectors.Text && id.Kind != connectors.Number || !answers.Usable(id.Text) {
		return connectors.Values{}, fault.New(fault.Invalid, "%s: %w", object, &connectors.FieldError{Field: src.key, Err: answers.ErrNoID})
	}
	derive(src, &v)
	return v, nil
}

// unique keeps the first of the pairs with one key. Between parts of a record
// these are the same; within one JSON object no vendor writes two. Most keys are
// told from all others by their length and ends.
func unique(pairs []connectors.Pair) []connectors.Pair {
	var seen [256]bool
	out := pairs[:0]
	for _, p := range pairs {
		at := byte(len(p.Key))
		if n := len(p.Key); n > 0 {
			at = byte(n)*31 + p.Key[0]*7 + p.Key[n-1] + p.Key[n/2]*3
		}
		if seen[at] && slices.ContainsFunc(out, func(o connectors.Pair) bool { return o.Key == p.Key }) {
			continue
		}
		seen[at] = true
		out = append(out, p)
	}
	return out
}

// joined makes one pipeline of those that several layouts have under one name: with
// the stages of all, and the default one if any is.
func joined(pairs []connectors.Pair) []connectors.Pair {
	var maps []connectors.Value
	preset := false
	for _, p := range pairs {
		switch p.Key {
		case keyStages:
			for _, stage := range p.Value.Items {
				if value := part(stage, "actual_value"); value == nil || !slices.ContainsFunc(maps, func(has connectors.Value) bool {
					other := part(has, "actual_value")
					return other != nil && other.Text == value.Text
				}) {
					maps = append(maps, stage)
				}
			}
		case "default":
			preset = preset || p.Value.Text == "true"
		}
	}
	for i, p := range pairs {
		switch {
		case p.Key == keyStages && p.Value.Kind == connectors.List:
			pairs[i].Value.Items = maps
		case p.Key == "default" && preset:
			pairs[i].Value = connectors.Value{Kind: connectors.Bool, Text: "true"}
		}
	}
	return pairs
}

// sorted divides a record's fields into the vendor's own and the account's. r tells
// how many there were of each in the last record, which is like this one as a rule.
func (d *dialect) sorted(src source, fields []connectors.Pair, r *reader) connectors.Values {
	own, divided := d.standard[src.Name]
	const made = 2 // of others
	v := connectors.Values{Standard: make([]connectors.Pair, 0, r.standard+made)}
	for _, p := range fields {
		if p.Key == keyPipeline {
			if name := part(p.Value, "name"); name != nil {
				p.Value = *name // deals name their pipeline; where they refer to it, by this part
			}
		}
		p.Value = unwrapped(p.Value)
		if !divided || own[p.Key] || strings.HasPrefix(p.Key, "$") || strings.HasSuffix(p.Key, "__s") {
			if p.Value.Kind == connectors.Text {
				p.Value = typed(p.Key, p.Value)
			}
			v.Standard = append(v.Standard, p)
			continue
		}
		if v.Custom == nil {
			v.Custom = make([]connectors.Pair, 0, r.custom)
		}
		v.Custom = append(v.Custom, p)
	}
	return v
}

// unwrapped is the id of what refers to another record: {id, name}, {id, name,
// email}, {id, name, module} (OpenAPI, minified records). Lists of references are
// lists of ids.
func unwrapped(v connectors.Value) connectors.Value {
	switch v.Kind {
	case connectors.Nested:
		if id := part(v, "id"); id != nil && (part(v, "name") != nil || len(v.Fields) == 1) && !nested(v) {
			return *id
		}
	case connectors.List:
		for i := range v.Items {
			v.Items[i] = unwrapped(v.Items[i])
		}
	}
	return v
}

// nested tells that a part of v has parts itself but for the module of a
// reference: then it is more than one.
func nested(v connectors.Value) bool {
	return slices.ContainsFunc(v.Fields, func(p connectors.Pair) bool {
		return p.Key != "module" && (p.Value.Kind == connectors.List || p.Value.Kind == connectors.Nested)
	})
}

// typed gives a text of the vendor's own fields its type by the form in which
// the vendor writes it: instants with an offset, days without (OpenAPI).
func typed(key string, v connectors.Value) connectors.Value {
	switch {
	case timeKey(key):
		if at, ok := instant(v.Text); ok {
			return connectors.Value{Kind: connectors.Time, Time: at}
		}
	case strings.Contains(key, "Date") || strings.HasSuffix(key, "date"):
		if _, err := time.Parse(time.DateOnly, v.Text); err == nil {
			return connectors.Value{Kind: connectors.Date, Text: v.Text}
		}
	}
	return v
}

// timeKey tells by its name, in any case, that a field holds an instant.
func timeKey(key string) bool {
	for i := 0; i+4 <= len(key); i++ {
		if strings.EqualFold(key[i:i+4], "time") {
			return true
		}
	}
	return len(key) >= 3 && strings.EqualFold(key[len(key)-3:], "_at")
}

// instant parses an instant with its offset.
func instant(s string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, s)
	return at.UTC(), err == nil && !at.IsZero()
}

func part(v connectors.Value, key string) *connectors.Value {
	for i := range v.Fields {
		if v.Fields[i].Key == key {
			return &v.Fields[i].Value
		}
	}
	return nil
}

// read visits the JSON; the result does not depend on what else it may hold.
func (r *reader) read(raw []byte) error {
	if len(raw) == 0 {
		return errors.New("the record is empty")
	}
	err := ast.Preorder(unsafe.String(unsafe.SliceData(raw), len(raw)), r, &ast.VisitorOptions{OnlyNumber: true})
	if err == nil && (len(r.open) > 0 || !r.ended || !ends(raw)) {
		err = answers.ErrBroken
	}
	if err != nil {
		return r.explain(err)
	}
	return nil
}

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

// ends reports whether the last byte closes an object or a list.
func ends(raw []byte) bool {
	trimmed := bytes.TrimRight(raw, " \t\r\n")
	return len(trimmed) > 0 && (trimmed[len(trimmed)-1] == '}' || trimmed[len(trimmed)-1] == ']')
}
