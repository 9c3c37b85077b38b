package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	var members map[string]json.RawMessage
	if err := json.Unmarshal(custom, &members); err != nil {
		return nil, fmt.Errorf("custom document of %s: %w", kind, err)
	}
	out := make([]Named, 0, len(members))
	for code, value := range members {
		def, _ := d.Field(kind, code)
		text, err := def.text(value)
		if err != nil {
			return nil, fmt.Errorf("custom document of %s: %s: %w", kind, code, err)
		}
		out = append(out, Named{Code: code, Name: cmp.Or(def.Name, code), Type: def.Type, Value: value, Text: text})
	}
	slices.SortFunc(out, func(a, b Named) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Code, b.Code))
	})
	disambiguate(out)
	return out, nil
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

// text writes a member's value for reading.
func (def *FieldDef) text(value json.RawMessage) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return "", err
	}
	return def.words(v), nil
}

func (def *FieldDef) words(v any) string {
	switch v := v.(type) {
	case string:
		return def.label(v)
	case json.Number:
		return def.label(v.String())
	case bool:
		return fmt.Sprint(v)
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = def.words(v[i])
		}
		return strings.Join(items, ", ")
	case map[string]any:
		return def.parts(v)
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
func (def *FieldDef) parts(v map[string]any) string {
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
