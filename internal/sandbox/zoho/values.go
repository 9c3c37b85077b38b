package zoho

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

func mandatory(name string, i int) error {
	return bad("MANDATORY_NOT_FOUND", "required field not found", object{"api_name": name, "json_path": fmt.Sprintf("$.data[%d].%s", i, name)})
}

func wrongType(f *field, i int, want string) error {
	return invalidData("invalid data", object{"api_name": f.APIName, "json_path": fmt.Sprintf("$.data[%d].%s", i, f.APIName), "expected_data_type": want})
}

// parse checks a record's values and writes them as they are stored. What is no
// field or cannot be written is passed over, as the vendor does.
func (t *tx) parse(m *module, in object, i int) (values, error) {
	out := values{}
	for name, v := range in {
		f := m.field(name)
		if f == nil || f.ReadOnly {
			continue
		}
		x, err := t.stored(m, f, v, i)
		if err != nil {
			return nil, err
		}
		out[name] = x
	}
	return out, nil
}

func (t *tx) stored(m *module, f *field, v any, i int) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch f.Type {
	case "boolean":
		if _, ok := v.(bool); !ok {
			return nil, wrongType(f, i, "boolean")
		}
		return v, nil
	case "lookup":
		return t.lookupValue(f, v, i)
	case "ownerlookup":
		id := idOf(v)
		if u := t.tables[usersTable].find(id); u == nil || u.text("status") != "active" {
			return nil, invalidData("the id given seems to be invalid", object{"api_name": f.APIName, "json_path": fmt.Sprintf("$.data[%d].%s", i, f.APIName)})
		}
		return id, nil
	case "currency", "double", "percent", "integer", "bigint":
		return numberValue(f, v, i)
	case "multiselectpicklist":
		return choices(f, v, i)
	}
	s, ok := v.(string)
	if !ok {
		return nil, wrongType(f, i, "string")
	}
	return t.textValue(f, s, i)
}

func (t *tx) textValue(f *field, s string, i int) (any, error) {
	if s == "" {
		return nil, nil
	}
	switch f.Type {
	case "datetime":
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return nil, wrongType(f, i, "datetime")
		}
		return utc(at), nil
	case "date":
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, wrongType(f, i, "date")
		}
		return s, nil
	case "email":
		if at := strings.Index(s, "@"); at < 1 || !strings.Contains(s[at:], ".") {
			return nil, wrongType(f, i, "email")
		}
	case "picklist":
		if s == "-None-" {
			return nil, nil
		}
		if f.option(s) == nil {
			return nil, wrongType(f, i, "picklist")
		}
	}
	if f.Length > 0 && utf8.RuneCountInString(s) > f.Length {
		return nil, invalidData("invalid data", object{"api_name": f.APIName, "json_path": fmt.Sprintf("$.data[%d].%s", i, f.APIName), "maximum_length": strconv.Itoa(f.Length)})
	}
	return s, nil
}

// idOf reads a lookup's id: an object with it, or the bare id.
func idOf(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case map[string]any:
		return idOf(x["id"])
	}
	return ""
}

func (t *tx) lookupValue(f *field, v any, i int) (any, error) {
	id := idOf(v)
	if _, r := t.target(f, id); r == nil {
		return nil, invalidData("the id given seems to be invalid", object{"api_name": f.APIName, "json_path": fmt.Sprintf("$.data[%d].%s.id", i, f.APIName)})
	}
	return id, nil
}

func numberValue(f *field, v any, i int) (any, error) {
	n, ok := v.(json.Number)
	want := jsonType(f.Type)
	if !ok {
		return nil, wrongType(f, i, want)
	}
	d, err := decimal.NewFromString(n.String())
	if err != nil || want == "integer" && !d.IsInteger() {
		return nil, wrongType(f, i, want)
	}
	return json.Number(d.String()), nil
}

func choices(f *field, v any, i int) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, wrongType(f, i, "jsonarray")
	}
	for _, x := range list {
		if s, _ := x.(string); f.option(s) == nil {
			return nil, wrongType(f, i, "picklist")
		}
	}
	return list, nil
}

// seconds reads a call's duration, minutes and seconds as in 12:30.
func seconds(text string) any {
	m, s, ok := strings.Cut(text, ":")
	minutes, err1 := strconv.Atoi(m)
	secs, err2 := strconv.Atoi(s)
	if !ok || err1 != nil || err2 != nil {
		return nil
	}
	return json.Number(strconv.Itoa(minutes*60 + secs))
}
