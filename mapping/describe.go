package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Named is one member of a custom document as people know it.
type Named struct {
	Code  string          `json:"code"`
	Name  string          `json:"name"` // unique within the document; the code where the account has no definition
	Type  string          `json:"type"` // the vendor's; empty where there is no definition
	Value json.RawMessage `json:"value"`
	Text  string          `json:"text"` // for reading: labels instead of option ids, amounts with currency; users stay ids
}

// Describe explains a custom document of the given kind in the account's own
// words, ordered by name. It reads the names and labels of today: renamed
// fields show their new name, deleted options their last label. Documents of
// some kinds are explained by another kind's definitions, see Map.DictionaryOf.
func (d *Dictionary) Describe(kind string, custom []byte) ([]Named, error) {
	if len(custom) == 0 {
		return nil, nil
	}
	doc := gjson.ParseBytes(custom)
	switch {
	case gjson.ValidBytes(custom) && doc.Type == gjson.Null:
		return nil, nil
	case !gjson.ValidBytes(custom) || !doc.IsObject():
		return nil, fmt.Errorf("custom document of %s: it is no JSON object", kind)
	}
	out := []Named{}
	doc.ForEach(func(key, value gjson.Result) bool {
		code := key.Str
		def, _ := d.Field(kind, code)
		out = append(out, Named{Code: code, Name: cmp.Or(def.Name, code), Type: def.Type, Value: json.RawMessage(value.Raw), Text: def.words(value)})
		return true
	})
	sortByName(out)
	disambiguate(out)
	return out, nil
}

// sortByName sorts without regard to case, in which each name is folded once.
func sortByName(list []Named) {
	folded := make(map[string]string, len(list))
	for _, n := range list {
		folded[n.Name] = strings.ToLower(n.Name)
	}
	slices.SortFunc(list, func(a, b Named) int {
		return cmp.Or(strings.Compare(folded[a.Name], folded[b.Name]), strings.Compare(a.Code, b.Code))
	})
}

// disambiguate adds the start of the code to names that stand more than once.
func disambiguate(list []Named) {
	const start = 8
	count := map[string]int{}
	for _, n := range list {
		count[n.Name]++
	}
	for i := range list {
		if n := &list[i]; count[n.Name] > 1 {
			n.Name += " (" + n.Code[:min(start, len(n.Code))] + ")"
		}
	}
}

// words writes a value for reading.
func (def *FieldDef) words(v gjson.Result) string {
	switch {
	case v.Type == gjson.String:
		return def.label(v.Str)
	case v.Type == gjson.Number:
		return def.label(v.Raw)
	case v.IsBool():
		return v.Raw
	case v.IsArray():
		var items []string
		for _, item := range v.Array() {
			items = append(items, def.words(item))
		}
		return strings.Join(items, ", ")
	case v.IsObject():
		return def.parts(v.Map())
	}
	return ""
}

// label returns the label of an option's id; anything else stays as it is.
func (def *FieldDef) label(id string) string {
	i := slices.IndexFunc(def.Options, func(o Option) bool { return o.ID == id })
	if i < 0 || def.Options[i].Label == "" {
		return id
	}
	return def.Options[i].Label
}

// parts writes amounts, ranges, times and addresses as one reads them, and any
// other value part by part.
func (def *FieldDef) parts(v map[string]gjson.Result) string {
	if amount, ok := v["amount"]; ok {
		return strings.TrimSpace(def.words(amount) + " " + def.words(v["currency"]))
	}
	if value, ok := v["value"]; ok {
		text := def.words(value)
		if until, ok := v["until"]; ok {
			text += " – " + def.words(until)
		}
		if zone, ok := v["timezone_name"]; ok {
			text += " " + def.words(zone)
		}
		return text
	}
	var out []string
	for key, part := range v {
		out = append(out, key+": "+def.words(part))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
