package pipedrive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fieldObjects are the objects whose fields the API describes.
func fieldObjects() []string {
	return []string{"deal", "person", "organization", "product", "activity"}
}

// field is a field definition. The keys up to is_optional_response_field are
// what the API always shows, the next three what include_fields adds, the rest
// is the simulator's own.
type field struct {
	FieldName     string         `json:"field_name"`
	FieldCode     string         `json:"field_code"`
	Description   *string        `json:"description,omitempty"`
	FieldType     string         `json:"field_type"`
	Options       []option       `json:"options"`
	Subfields     []subfield     `json:"subfields"`
	IsCustomField bool           `json:"is_custom_field"`
	IsOptional    bool           `json:"is_optional_response_field"`
	UIVisibility  map[string]any `json:"ui_visibility,omitempty"`
	Important     map[string]any `json:"important_fields,omitempty"`
	Required      map[string]any `json:"required_fields,omitempty"`

	ID int64 `json:"id,omitempty"` // order within the object
	// Retired are deleted options. Records may go on holding their ids.
	Retired []option `json:"retired,omitempty"`
}

type option struct {
	ID         optionID `json:"id"`
	Label      string   `json:"label"`
	Color      *string  `json:"color,omitempty"`
	UpdateTime instant  `json:"update_time,omitempty"`
	AddTime    instant  `json:"add_time,omitempty"`
}

// optionID is a number for most fields and a word for a few of the vendor's own.
type optionID string

func (o optionID) MarshalJSON() ([]byte, error) {
	if _, err := strconv.ParseInt(string(o), 10, 64); err == nil {
		return []byte(o), nil
	}
	return marshal(string(o))
}

func (o *optionID) UnmarshalJSON(b []byte) error {
	*o = optionID(strings.Trim(string(b), `"`))
	if *o == "" || *o == "null" {
		return fmt.Errorf("want an option id, got %s", clip(b))
	}
	return nil
}

func optionNumber(id int64) optionID { return optionID(strconv.FormatInt(id, 10)) }

func (o optionID) number() int64 {
	n, err := strconv.ParseInt(string(o), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

type subfield struct {
	FieldCode string `json:"field_code"`
	FieldName string `json:"field_name"`
	FieldType string `json:"field_type"`
}

func indexField(f *field) row { return row{id: f.ID, key: f.FieldCode} }

// option returns a present option by its number, nil when there is none.
func (f *field) option(id int64) *option {
	for i := range f.Options {
		if f.Options[i].ID == optionNumber(id) {
			return &f.Options[i]
		}
	}
	return nil
}

// catalog is the parsed fields of one object, kept beside the table because
// every write of a record asks for them. Who changes a field changes a copy.
type catalog struct {
	list  []*field
	by    map[string]*field
	codes []string        // of the custom fields
	of    map[*row]*field // by the row that each was parsed from
}

// recode brings an object's catalog up to date; the caller holds mu for
// writing. Only fields that were written since are parsed again.
func (s *store) recode(object string) {
	k, parsed := s.fields[object], map[*row]*field{}
	if old := s.catalogs[object]; old != nil {
		parsed = old.of
	}
	c := &catalog{by: map[string]*field{}, of: map[*row]*field{}}
	for _, r := range k.rows {
		f := parsed[r]
		if f == nil {
			f = k.load(r)
		}
		c.of[r] = f
		c.list = append(c.list, f)
		c.by[f.FieldCode] = f
		if f.IsCustomField {
			c.codes = append(c.codes, f.FieldCode)
		}
	}
	s.catalogs[object] = c
}

func (s *store) recodeAll() {
	for _, object := range fieldObjects() {
		s.recode(object)
	}
}

// field returns a field of an object by code, nil when there is none.
func (s *store) field(object, code string) *field { return s.catalogs[object].by[code] }

// saveField writes a definition and refreshes the catalog.
func (t *tx) saveField(object string, f *field) {
	t.silent = true
	t.fields[object].save(t, f)
	t.recode(object)
}

// nextOption is the next option id: they are unique within the account.
func (s *store) nextOption() int64 {
	var top int64
	for _, c := range s.catalogs {
		for _, f := range c.list {
			for _, o := range slices.Concat(f.Options, f.Retired) {
				top = max(top, o.ID.number())
			}
		}
	}
	return top + 1
}

// checkLabels refuses label ids that the object's label field does not have.
func (s *store) checkLabels(set sent, object string, ids []int64) error {
	if !set("label_ids") {
		return nil
	}
	f := s.field(object, "label_ids")
	for _, id := range ids {
		if f == nil || f.option(id) == nil {
			return bad("body: label_ids: label %d does not exist", id)
		}
	}
	return nil
}

// retire removes an option; records go on holding its id.
func (f *field) retire(id int64) (option, bool) {
	for i, o := range f.Options {
		if o.ID.number() == id {
			f.Options = slices.Delete(f.Options, i, i+1)
			f.Retired = append(f.Retired, o)
			return o, true
		}
	}
	return option{}, false
}

// shown is the definition as the API lists it, with the extra namespaces asked for.
func (f field) shown(include []string) json.RawMessage {
	if !slices.Contains(include, "ui_visibility") {
		f.UIVisibility = nil
	}
	if !slices.Contains(include, "important_fields") {
		f.Important = nil
	}
	if !slices.Contains(include, "required_fields") {
		f.Required = nil
	}
	f.ID, f.Retired = 0, nil
	b, err := marshal(f)
	if err != nil {
		panic("pipedrive simulator: render a field: " + err.Error())
	}
	return b
}

// subfieldsOf are the parts a value of that type has in v2.
func subfieldsOf(code, name, kind string) []subfield {
	part := func(code, label, kind string) subfield { return subfield{code, label + " of " + name, kind} }
	switch kind {
	case "monetary":
		return []subfield{part("value", "Amount", "double"), part("currency", "Currency", "varchar")}
	case "daterange":
		return []subfield{part("value", "Start date", "date"), part("until", "End date", "date")}
	case "time":
		return []subfield{part("value", "Time", "time"), part("timezone_name", "Timezone", "varchar")}
	case "timerange":
		return []subfield{part("value", "Start time", "time"), part("until", "End time", "time"), part("timezone_name", "Timezone", "varchar")}
	case "address":
		var out []subfield
		for _, p := range addressParts() {
			out = append(out, part(p[0], p[1], "varchar"))
		}
		return out
	}
	return nil
}

func addressParts() [][2]string {
	return [][2]string{
		{"value", "Address value"}, {"street_number", "House number"}, {"route", "Street/road name"},
		{"subpremise", "Apartment/suite"}, {"sublocality", "District"}, {"locality", "City/town/village/locality"},
		{"admin_area_level_1", "State/province"}, {"admin_area_level_2", "County"}, {"country", "Country"},
		{"postal_code", "Postal code"}, {"formatted_address", "Formatted address"},
	}
}
