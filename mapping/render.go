package mapping

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// YAML returns the map as text: the same map always gives the same bytes, and
// Parse reads them back. Objects and fields stand in the canonical model's
// order.
func (f *File) YAML() []byte { return f.render(true) }

func (f *File) render(comments bool) []byte {
	w := writer{comments: comments}
	w.line("", "vendor", f.vendor)
	w.line("", "region", f.region)
	if len(f.types) > 0 {
		w.WriteString("types:\n")
		for _, t := range slices.Sorted(maps.Keys(f.types)) {
			w.line("  ", t, f.types[t])
		}
	}
	if len(f.objects) > 0 {
		w.WriteString("objects:\n")
		for _, name := range f.ordered() {
			w.object(name, f.objects[name])
		}
	}
	return w.Bytes()
}

// ordered returns the objects' names in the order of their kinds.
func (f *File) ordered() []string {
	kinds := sales.Kinds()
	place := func(name string) int {
		i := slices.IndexFunc(kinds, func(k *sales.Kind) bool { return k.Name == f.objects[name].kind })
		if i < 0 {
			return len(kinds)
		}
		return i
	}
	names := slices.Sorted(maps.Keys(f.objects))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	return names
}

// orderedFields returns the names of an object's fields in its kind's order.
func (o *object) orderedFields() []string {
	names := slices.Sorted(maps.Keys(o.fields))
	kind, ok := sales.KindByName(o.kind)
	if !ok {
		return names
	}
	place := func(name string) int {
		if i := kind.Index(name); i >= 0 {
			return i
		}
		return len(kind.Fields)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	return names
}

// writer writes a map's text.
type writer struct {
	bytes.Buffer
	comments bool
}

// line writes `key: value`, unless value is empty.
func (w *writer) line(indent, key, value string) {
	if value != "" {
		w.WriteString(indent + plain(key) + ": " + plain(value) + "\n")
	}
}

func (w *writer) object(name string, o *object) {
	w.WriteString("  " + plain(name) + ":")
	if o.drop {
		w.WriteString(" null\n")
		return
	}
	if o.kind == "" && o.prefix == "" && o.dictionary == "" && o.ignore == nil && len(o.fields) == 0 {
		w.WriteString(" {}\n")
		return
	}
	w.WriteString("\n")
	w.line("    ", "kind", o.kind)
	w.line("    ", "prefix", o.prefix)
	w.line("    ", "dictionary", o.dictionary)
	if o.ignore != nil {
		w.WriteString("    ignore: " + plainList(o.ignore) + "\n")
	}
	if len(o.fields) == 0 {
		return
	}
	w.WriteString("    fields:\n")
	for _, field := range o.orderedFields() {
		r := o.fields[field]
		w.WriteString("      " + plain(field) + ": " + r.text())
		if w.comments && r.note != "" {
			w.WriteString(" # " + strings.Join(strings.Fields(r.note), " "))
		}
		w.WriteString("\n")
	}
}

// text returns the rule in its shortest form on one line.
func (r *rule) text() string {
	if r.unmap {
		return "null"
	}
	parts := r.parts()
	if len(parts) == 1 && len(r.from) == 1 {
		return plain(r.from[0])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (r *rule) parts() []string {
	var out []string
	add := func(key, value string) {
		if value != "" {
			out = append(out, key+": "+value)
		}
	}
	switch {
	case len(r.from) == 1:
		add("from", plain(r.from[0]))
	case len(r.from) > 1:
		add("from", plainList(r.from))
	case r.custom != "":
		add("custom", plain(r.custom))
	case r.constant != nil:
		add("const", plainValue(*r.constant))
	case r.parent:
		add("parent", "true")
	default:
		add("first_of", r.alternatives())
	}
	add("each", orNothing(r.each))
	add("first", orNothing(r.first))
	if r.pick != nil {
		add("pick", plainList(r.pick))
	}
	if r.values != nil {
		add("values", plainTable(r.values))
	}
	add("as", orNothing(r.as))
	add("currency", orNothing(r.currency))
	add("when", orNothing(r.when))
	add("is", orNothing(r.is))
	add("otherwise", r.otherwise)
	return out
}

func (r *rule) alternatives() string {
	items := make([]string, len(r.firstOf))
	for i, alternative := range r.firstOf {
		items[i] = alternative.text()
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func orNothing(s string) string {
	if s == "" {
		return ""
	}
	return plain(s)
}

func plainList(items []string) string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = plain(item)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func plainTable(values map[string]connectors.Value) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, plain(key)+": "+plainValue(values[key]))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func plainValue(v connectors.Value) string {
	switch v.Kind {
	case connectors.Null:
		return "null"
	case connectors.Bool, connectors.Number:
		return v.Text
	}
	return plain(v.Text)
}

// plain writes a text so that YAML reads it back as the same text: bare where
// nothing can be mistaken, else in double quotes.
func plain(s string) string {
	if bare(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff:
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(c), 16)[1:])
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bare tells whether s is a word that no YAML reader takes for anything else.
func bare(s string) bool {
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}
