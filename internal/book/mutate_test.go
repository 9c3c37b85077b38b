package book

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"salesbook.dev/internal/strictyaml"
)

// site is a place of a book that a test changes: a field of a struct, with one
// way of changing it.
type site struct {
	owner  reflect.Type
	key    string // as the book has it
	where  string
	how    string
	change func() (undo func())
}

// sites lists every field of a struct and of all that it holds, with every way
// of changing it: another value, none, one item more, one less, another order.
func sites(v reflect.Value, where string) (all []site) {
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" {
			continue
		}
		f, at := v.Field(i), where+"/"+key
		for _, c := range changes(f) {
			all = append(all, site{v.Type(), key, at, c.how, c.change})
		}
		all = append(all, below(f, at)...)
	}
	return all
}

// below lists the sites within a value.
func below(v reflect.Value, where string) (all []site) {
	switch {
	case isText(v.Type()):
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return below(v.Elem(), where)
	case v.Kind() == reflect.Struct:
		return sites(v, where)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			all = append(all, below(v.Index(i), fmt.Sprint(where, "/", i))...)
		}
	}
	return all
}

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

type change struct {
	how    string
	change func() (undo func())
}

func changes(v reflect.Value) []change {
	set := func(how string, f func()) change {
		return change{how, func() func() {
			was := reflect.New(v.Type()).Elem()
			was.Set(v)
			f()
			return func() { v.Set(was) }
		}}
	}
	switch {
	case isText(v.Type()), v.Kind() == reflect.String, v.Kind() == reflect.Bool, v.Kind() == reflect.Int:
		return []change{set("another", func() { another(v) })}
	case v.Kind() == reflect.Pointer && v.IsNil():
		return []change{set("given", func() { v.Set(reflect.New(v.Type().Elem())); other(v.Elem()) })}
	case v.Kind() == reflect.Pointer:
		list := []change{set("none", v.SetZero)}
		if v.Elem().Kind() != reflect.Struct || isText(v.Type().Elem()) {
			list = append(list, set("another", func() {
				is := reflect.New(v.Type().Elem())
				is.Elem().Set(v.Elem())
				another(is.Elem())
				v.Set(is)
			}))
		}
		return list
	case v.Kind() == reflect.Slice:
		list := []change{set("one more", func() {
			item := reflect.New(v.Type().Elem()).Elem()
			if n := v.Len(); n > 0 && (item.Kind() != reflect.Struct || isText(item.Type())) {
				item.Set(v.Index(n - 1))
			}
			other(item)
			v.Set(reflect.Append(v.Slice3(0, v.Len(), v.Len()), item))
		})}
		if v.Len() > 0 {
			list = append(list, set("one less", func() { v.Set(v.Slice(1, v.Len())) }))
		}
		if v.Len() > 1 {
			swap := func() { reflect.Swapper(v.Interface())(0, 1) }
			list = append(list, change{"another order", func() func() { swap(); return swap }})
		}
		return list
	}
	return nil // of a struct its fields
}

// other gives a new value something.
func other(v reflect.Value) {
	if v.Kind() == reflect.Struct && !isText(v.Type()) {
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).Tag.Get("yaml") != "" && (f.Kind() == reflect.String || isText(f.Type())) {
				another(f)
			}
		}
		return
	}
	another(v)
}

// another gives a single value another one of its kind.
func another(v reflect.Value) {
	if isText(v.Type()) {
		anotherText(v)
		return
	}
	switch v.Kind() {
	case reflect.String:
		if w, ok := v.Interface().(strictyaml.Worded); ok {
			words := w.Words()
			v.SetString(words[(slices.Index(words, v.String())+1)%len(words)])
			return
		}
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	default:
		panic("no other value for " + v.Type().String())
	}
}

// anotherText gives the next of some values of its type.
func anotherText(v reflect.Value) {
	var values []reflect.Value
	next := 0
	for _, text := range []string{"7d", "8wd", "9mo", "2026-10-15", "2026-10-16", "2026-10-17", "07:00", "08:00", "2026-10-15 10:00", "5", "6", "7"} {
		one := reflect.New(v.Type())
		if one.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) != nil {
			continue
		}
		if values = append(values, one.Elem()); fmt.Sprint(one.Elem()) == fmt.Sprint(v) {
			next = len(values)
		}
	}
	v.Set(values[next%len(values)])
}

// fill gives every field of a value something. Conditions within conditions get
// what is no choice of its own type.
func fill(v reflect.Value, name string, within bool) {
	switch {
	case isText(v.Type()), v.Kind() == reflect.Bool, v.Kind() == reflect.Int:
		another(v)
	case v.Kind() == reflect.String:
		v.SetString(name)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, within)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), name+"0", within)
		if v.Type().Elem().Kind() == reflect.Struct && !isText(v.Type().Elem()) {
			other(v.Index(1)) // enough to stand beside the first
		} else {
			v.Index(1).Set(v.Index(0))
			another(v.Index(1))
		}
	default:
		condition := v.Type() == reflect.TypeFor[Condition]()
		for i := range v.NumField() {
			key, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if key != "" && !(condition && within && strings.Contains(options, "choice") && key != "required") {
				fill(v.Field(i), name+key, within || condition)
			}
		}
	}
}

// choosesOnce tells whether every struct of a book that must choose did, once,
// as the reader of books wants it.
func choosesOnce(v reflect.Value) bool {
	switch {
	case isText(v.Type()):
		return true
	case v.Kind() == reflect.Pointer:
		return v.IsNil() || choosesOnce(v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if !choosesOnce(v.Index(i)) {
				return false
			}
		}
		return true
	case v.Kind() != reflect.Struct:
		return true
	}
	choices, chosen := 0, 0
	for i := range v.NumField() {
		_, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if strings.Contains(options, "choice") {
			choices++
			if !v.Field(i).IsZero() {
				chosen++
			}
		}
		if !choosesOnce(v.Field(i)) {
			return false
		}
	}
	return choices == 0 || chosen == 1
}
