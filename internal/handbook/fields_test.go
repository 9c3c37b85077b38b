package handbook_test

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/handbook"
	"salesbook.dev/internal/strictyaml"
)

// unread are the fields of a book that people do not read, with the reason.
func unread() map[string]string {
	const reference = "an id is for references; people read the name"
	return map[string]string{
		"Book.Format": "it is for the reader of YAML",
		"Named.ID":    reference, "Commandment.ID": reference, "Role.ID": reference, "Team.ID": reference, "Segment.ID": reference, "Funnel.ID": reference,
		"Stage.ID": reference, "Task.ID": reference, "LossReason.ID": reference, "Channel.ID": reference, "Calendar.ID": reference, "Condition.ID": reference,
	}
}

// TestLargeEveryFieldReachesThePage fills every field of a book, changes one after
// the other, and wants the page to change; texts must be there to be read. A
// field that is added to a book and not printed fails here.
func TestLargeEveryFieldReachesThePage(t *testing.T) {
	t.Parallel()
	b := filled("")
	base := printed(t, b, handbook.Edition{})
	said := words(base)
	reached, read := map[string]bool{}, map[string]bool{}
	leaves(reflect.ValueOf(b).Elem(), nil, func(path []string, v reflect.Value) {
		if text, ok := v.Interface().(string); ok && text != "" && strings.Contains(said, text) {
			read[path[len(path)-1]] = true
		}
		if !slices.ContainsFunc(path, func(field string) bool { return !reached[field] }) {
			return // another value has shown it
		}
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		change(v)
		if printed(t, b, handbook.Edition{}) != base {
			for _, field := range path {
				reached[field] = true
			}
		}
		v.Set(was)
	})
	if printed(t, b, handbook.Edition{}) != base {
		t.Fatal("the book was not put back as it was")
	}
	reasons := unread()
	each(reflect.TypeFor[book.Book](), map[reflect.Type]bool{}, func(typ reflect.Type, f reflect.StructField) {
		name := typ.Name() + "." + f.Name
		_, excused := reasons[name]
		delete(reasons, name)
		switch isText := f.Type.Kind() == reflect.String && f.Type == reflect.TypeFor[string](); {
		case excused && isText && read[name]:
			t.Errorf("%s is on the page, and need not be excused", name)
		case excused:
		case !reached[name]:
			t.Errorf("%s does not reach the page", name)
		case isText && !read[name]:
			t.Errorf("%s changes the page, but nobody can read it there", name)
		}
	})
	for name := range reasons {
		t.Errorf("%s is excused, and a book has no such field", name)
	}
}

// filled is a book with something in every field: texts that stand nowhere else,
// and numbers and days that are all different; or one text everywhere. Where one
// of several things is given, each is.
func filled(text string) *book.Book {
	b := &book.Book{}
	f := &filler{text: text}
	f.fill(reflect.ValueOf(b).Elem(), 0)
	b.Won.Criteria = f.conditions()
	return b
}

type filler struct {
	text string
	n    int
}

func (f *filler) next() int { f.n++; return 100 + f.n }

// either are structs of which one field or another is given, though their tags
// do not say so.
func either() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[book.Approval](): {"Always", "Above"}, reflect.TypeFor[book.Nurture](): {"After", "Field"}, reflect.TypeFor[book.LostTask](): {"After", "Field"},
	}
}

// fill fills a value; variant tells which of several things is given. Lists have
// two, and those of conditions one.
func (f *filler) fill(v reflect.Value, variant int) {
	switch {
	case v.Type() == reflect.TypeFor[book.Place]():
	case v.Type() == reflect.TypeFor[[]book.Condition]():
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), 0)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), i)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), variant)
	case v.Kind() == reflect.Struct && !isText(v):
		f.fields(v, variant)
	default:
		f.leaf(v, variant)
	}
}

func (f *filler) fields(v reflect.Value, variant int) {
	var choices []int
	for i := range v.NumField() {
		name, options := v.Type().Field(i).Name, v.Type().Field(i).Tag.Get("yaml")
		alternatives := either()[v.Type()]
		if strings.Contains(options, ",choice") || len(alternatives) == 2 && (name == alternatives[0] || name == alternatives[1]) {
			choices = append(choices, i)
			continue
		}
		if name == "Say" && v.Type() == reflect.TypeFor[book.Condition]() {
			continue // it stands for the condition, see conditions
		}
		f.fill(v.Field(i), variant)
	}
	if len(choices) > 0 {
		f.fill(v.Field(choices[variant%len(choices)]), variant/len(choices))
	}
	if always := v.FieldByName("Always"); always.IsValid() && variant%2 == 0 {
		always.SetBool(true)
	}
}

// conditions are one of each kind, the comparison of a field in each way, and
// one in words of the book's own.
func (f *filler) conditions() (list []book.Condition) {
	kinds := choicesOf(reflect.TypeFor[book.Condition]())
	for i := range kinds * choicesOf(reflect.TypeFor[book.FieldRule]()) {
		c := book.Condition{}
		if f.fields(reflect.ValueOf(&c).Elem(), i); i < kinds || c.Field != nil {
			list = append(list, c)
		}
	}
	own := book.Condition{}
	f.leaf(reflect.ValueOf(&own.Say).Elem(), 0)
	return append(list, own)
}

// choicesOf counts the things of which a struct is one.
func choicesOf(t reflect.Type) (n int) {
	for i := range t.NumField() {
		if strings.Contains(t.Field(i).Tag.Get("yaml"), ",choice") {
			n++
		}
	}
	return n
}

// isText tells a struct that is written as one text.
func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

func (f *filler) leaf(v reflect.Value, variant int) {
	switch at := v.Addr().Interface().(type) {
	case *decimal.Decimal:
		*at = decimal.NewFromInt(int64(f.next()))
	case *book.Span:
		*at = book.Span{N: f.next(), Unit: book.Days}
	case *book.Date:
		*at = book.Date{Year: 2000 + f.next(), Month: time.May, Day: 3}
	case *book.Moment:
		*at = book.Moment{Day: book.Date{Year: 2000 + f.next(), Month: time.May, Day: 3}}
	case *book.Clock:
		*at = book.Clock(f.next() % 1440)
	case *bool:
	case *int:
		*at = f.next()
	case strictyaml.Worded:
		words := at.Words()
		v.SetString(words[variant%len(words)])
	default:
		if v.SetString(f.text); f.text == "" {
			v.SetString(fmt.Sprintf("m%dm", f.next()))
		}
	}
}

// change gives a leaf another value.
func change(v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *decimal.Decimal:
		*at = at.Add(decimal.NewFromInt(1))
	case *book.Span:
		at.N++
	case *book.Date:
		at.Day++
	case *book.Moment:
		at.Day.Day++
	case *book.Clock:
		*at++
	case *bool:
		*at = !*at
	case *int:
		*at++
	case strictyaml.Worded:
		words := at.Words()
		if v.String() == words[0] {
			v.SetString(words[1])
		} else {
			v.SetString(words[0])
		}
	default:
		v.SetString(v.String() + "x")
	}
}

// leaves visits every value of a book that is made of no others, with the fields
// that lead to it.
func leaves(v reflect.Value, path []string, visit func(path []string, leaf reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[book.Place]():
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), path, visit)
		}
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), path, visit)
		}
	case v.Kind() == reflect.Struct && !isText(v):
		for i := range v.NumField() {
			leaves(v.Field(i), append(path, v.Type().Name()+"."+v.Type().Field(i).Name), visit)
		}
	default:
		visit(path, v)
	}
}

// each visits every field of every struct that a book is made of.
func each(t reflect.Type, seen map[reflect.Type]bool, visit func(reflect.Type, reflect.StructField)) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if seen[t] || t.Kind() != reflect.Struct || t == reflect.TypeFor[book.Place]() || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		if f := t.Field(i); f.Type != reflect.TypeFor[book.Place]() {
			visit(t, f)
			each(f.Type, seen, visit)
		}
	}
}
