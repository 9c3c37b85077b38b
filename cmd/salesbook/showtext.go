package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// text renders a record for people, in the account's time zone.
func (v *recordView) text(kind *sales.Kind) string {
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		zone = time.UTC // the machine knows no time zones
	}
	p := &page{zone: zone}
	p.head(v, kind)
	p.fields(v, kind)
	p.custom(v)
	p.items(v)
	p.stages(v)
	p.changes(v)
	p.raw(v)
	return harmless(p.String())
}

// why says in words why it is gone.
func (v *recordView) why() string {
	if v.MergedInto != "" {
		return "merged into " + v.MergedInto
	}
	return v.DeletedWhy
}

// page is a record being written for people.
type page struct {
	strings.Builder
	zone *time.Location
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func (p *page) time(t time.Time) string { return t.In(p.zone).Format(time.DateTime) }

func (p *page) head(v *recordView, kind *sales.Kind) {
	p.printf("%s %s", kind.One, v.ID)
	for _, name := range []string{"title", "name", "subject"} {
		if title := textOf(v.Fields[name]); title != "" {
			p.printf("  %s", shorten(title, 200))
			break
		}
	}
	p.printf("\nthrough %s, times in %s\n", v.Connection, p.zone)
	if v.DeletedAt != nil {
		p.printf("%s at the vendor, known since %s; this is its last content\n", v.why(), p.time(*v.DeletedAt))
	}
	if v.Stale {
		p.printf("mapped by another map than the present one: a replay is due\n")
	}
	p.printf("\n")
}

// fields lists what is set; what is not says nothing.
func (p *page) fields(v *recordView, kind *sales.Kind) {
	t := newTable()
	for _, f := range kind.Fields {
		value := v.Fields[f.Name]
		if isNull(value) {
			continue
		}
		text := p.value(f.Type, value)
		if name := v.Names[f.Name]; name != "" {
			text = fmt.Sprintf("%s (%s)", name, text)
		}
		t.add(labelOf(f), text)
	}
	p.WriteString(t.text("  "))
}

// labelOf is what a field is called for people: a reference by what it points to.
func labelOf(f sales.Field) string {
	name := f.Name
	if f.Type == sales.Ref {
		name = strings.TrimSuffix(name, "_id")
	}
	return strings.ReplaceAll(name, "_", " ")
}

// value writes a field's JSON for reading.
func (p *page) value(t sales.Type, value json.RawMessage) string {
	if isNull(value) {
		return "-"
	}
	switch t {
	case sales.Instant:
		var at time.Time
		if json.Unmarshal(value, &at) == nil {
			return p.time(at)
		}
	case sales.Texts:
		var list []string
		if json.Unmarshal(value, &list) == nil {
			return strings.Join(list, ", ")
		}
	}
	if s := textOf(value); s != "" {
		return shorten(s, 200)
	}
	return shorten(string(value), 200)
}

func (p *page) custom(v *recordView) {
	if len(v.Custom) == 0 {
		return
	}
	p.printf("\ncustom fields\n")
	t := newTable()
	for _, c := range v.Custom {
		t.add(c.Name, shorten(c.Text, 200))
	}
	p.WriteString(t.text("  "))
}

func (p *page) items(v *recordView) {
	if len(v.Items) == 0 {
		return
	}
	p.printf("\nitems\n")
	t := newTable("", ">QUANTITY", ">PRICE", ">AMOUNT", "")
	for _, i := range v.Items {
		t.add(i.Name, plainOf(i.Fields["quantity"]), plainOf(i.Fields["price"]), plainOf(i.Fields["amount"]), plainOf(i.Fields["currency"]))
	}
	p.WriteString(t.text("  "))
}

func (p *page) stages(v *recordView) {
	if len(v.Stages) == 0 {
		return
	}
	p.printf("\nstages\n")
	t := newTable()
	for _, s := range v.Stages {
		by := ""
		if s.Actor != "" {
			by = "by " + s.Actor
		}
		t.add(p.time(s.At), s.Stage, s.Source, by)
	}
	p.WriteString(t.text("  "))
}

func (p *page) changes(v *recordView) {
	if len(v.Changes) == 0 {
		return
	}
	p.printf("\nlast changes\n")
	t := newTable()
	for _, c := range v.Changes {
		for i, field := range sortedKeys(c.Fields) {
			at, origin := "", ""
			if i == 0 {
				at, origin = p.time(c.At), c.Origin
			}
			t.add(at, origin, field, p.diff(c.Fields[field]))
		}
	}
	p.WriteString(t.text("  "))
}

func (p *page) diff(d postgres.Diff) string {
	return shorten(plainOf(d.Old), 60) + " -> " + shorten(plainOf(d.New), 60)
}

func (p *page) raw(v *recordView) {
	if v.Raw == nil {
		p.printf("\nThe vendor's record is not stored.\n")
		return
	}
	p.printf("\nmade from the vendor's %s %s (shape %s), read %s; --raw prints it\n", v.Raw.Object, v.Raw.ID, v.Raw.Shape, p.time(v.Raw.FetchedAt))
}

// textOf returns a JSON string's text, and nothing for any other value.
func textOf(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// plainOf writes a JSON value without quotes; null is a dash.
func plainOf(value json.RawMessage) string {
	if isNull(value) {
		return "-"
	}
	if s := textOf(value); s != "" {
		return s
	}
	return string(value)
}

func isNull(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// nameOr returns a record's name, or its id where it has none.
func nameOr(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}
