package pipedrive

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appender is a value that writes its own JSON.
type appender interface{ appendJSON([]byte) []byte }

// plan renders one struct type: it is worked out once from the json tags, so
// that hundreds of thousands of generated records cost little. It gives what
// encoding/json would, to which a test holds it.
type plan []member

type member struct {
	index     int
	key       string // quoted, with the colon
	omitEmpty bool
	write     func(b []byte, v reflect.Value) []byte
}

func planOf(t reflect.Type) plan {
	var p plan
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		p = append(p, member{
			index: i, key: strconv.Quote(name) + ":", omitEmpty: opts == "omitempty", write: writerFor(f.Type),
		})
	}
	return p
}

// append renders the struct that v holds; v must be addressable.
func (p plan) append(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for _, m := range p {
		f := v.Field(m.index)
		if m.omitEmpty && (f.IsZero() || f.Kind() == reflect.Map && f.Len() == 0) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = m.write(append(b, m.key...), f)
	}
	return append(b, '}')
}

func writerFor(t reflect.Type) func([]byte, reflect.Value) []byte {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[appender]()) {
		return func(b []byte, v reflect.Value) []byte { return v.Addr().Interface().(appender).appendJSON(b) }
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) {
		return slowly
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendInt(b, v.Int(), 10) }
	case reflect.Bool:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendBool(b, v.Bool()) }
	case reflect.String:
		return func(b []byte, v reflect.Value) []byte { return appendText(b, v.String()) }
	case reflect.Pointer:
		return pointerWriter(writerFor(t.Elem()))
	case reflect.Slice:
		return sliceWriter(writerFor(t.Elem()))
	case reflect.Struct:
		return planOf(t).append
	}
	return slowly
}

func sliceWriter(write func([]byte, reflect.Value) []byte) func([]byte, reflect.Value) []byte {
	return func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, "null"...)
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = write(b, v.Index(i))
		}
		return append(b, ']')
	}
}

func pointerWriter(write func([]byte, reflect.Value) []byte) func([]byte, reflect.Value) []byte {
	return func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, "null"...)
		}
		return write(b, v.Elem())
	}
}

// slowly leaves rare types to encoding/json.
func slowly(b []byte, v reflect.Value) []byte {
	out, err := marshal(v.Interface())
	if err != nil {
		panic(fmt.Sprintf("pipedrive simulator: render a %s: %v", v.Type(), err))
	}
	return append(b, out...)
}

// appendText writes a JSON string; texts that need escapes are rare.
func appendText(b []byte, s string) []byte {
	plain := utf8.ValidString(s)
	for i := 0; i < len(s) && plain; i++ {
		// 0xe2 starts the two line separators that encoding/json escapes.
		c := s[i]
		plain = c >= 0x20 && c != '"' && c != '\\' && c != 0xe2
	}
	if !plain {
		return slowly(b, reflect.ValueOf(s))
	}
	return append(append(append(b, '"'), s...), '"')
}

func (i *instant) appendJSON(b []byte) []byte {
	if *i == 0 {
		return append(b, "null"...)
	}
	b = append(i.time().AppendFormat(append(b, '"'), "2006-01-02T15:04:05"), 'Z')
	return append(b, '"')
}

func (s *stamp) appendJSON(b []byte) []byte {
	return append(b, renderTime(int64(*s), time.Unix(int64(*s), 0), stampLayout)...)
}

func (m *milli) appendJSON(b []byte) []byte {
	return append(b, renderTime(int64(*m), time.UnixMilli(int64(*m)), milliLayout)...)
}

func (d *day) appendJSON(b []byte) []byte    { return appendNullable(b, string(*d)) }
func (s *status) appendJSON(b []byte) []byte { return appendNullable(b, s.String()) }
func (a *amount) appendJSON(b []byte) []byte { return append(b, a.String()...) }

func (t *text) appendJSON(b []byte) []byte {
	if *t == "" {
		return append(b, "null"...)
	}
	return appendText(b, string(*t))
}

func (r *ref) appendJSON(b []byte) []byte {
	if *r == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(*r), 10)
}

func (c *customs) appendJSON(b []byte) []byte {
	codes := make([]string, 0, len(*c))
	for code := range *c {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	b = append(b, '{')
	for i, code := range codes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, code), ':')
		b = append(b, (*c)[code]...)
	}
	return append(b, '}')
}
