package zoho

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// settled is the vendor's answer to a change of settings.
func settled(id int64, msg string) object {
	return object{"code": "SUCCESS", "details": object{"id": idText(id)}, "message": msg, "status": "success"}
}

// set runs a change of settings that administrators alone may make, and answers
// under a key: with what has been settled, or with what is wrong with an element.
func (c *call) set(key string, success int, change func(*tx) ([]object, error)) (reply, error) {
	var settled []object
	err := c.administer(func(t *tx) (err error) {
		settled, err = change(t)
		return err
	})
	var e *refusal
	if errors.As(err, &e) && strings.HasPrefix(fmt.Sprint(e.details["json_path"]), "$."+key+"[") {
		return jsonReply(e.status, object{key: []object{e.shown()}}), nil
	}
	if err != nil {
		return reply{}, err
	}
	return jsonReply(success, object{key: settled}), nil
}

func (c *call) administer(change func(*tx) error) error {
	c.mu.RLock()
	u := c.tables[usersTable].find(c.by)
	allowed := u != nil && u.text("profile") == administratorProfile
	c.mu.RUnlock()
	if !allowed {
		return &refusal{http.StatusForbidden, "NO_PERMISSION", "permission denied", object{"permissions": []string{"Crm_Implied_Customize_Layout"}}}
	}
	return c.write(c.by, change)
}

// fieldTypes are those that createFields makes.
func fieldTypes() []string {
	return []string{"text", "textarea", "email", "phone", "website", "picklist", "multiselectpicklist", "date", "datetime", "currency", "integer", "double", "percent", "bigint", "boolean"}
}

// valuesLimit is how many values of a picklist a request may hold (OpenAPI of 2026-08,
// fields).
const valuesLimit = 10

// tooManyValues refuses more, as that document has it.
func tooManyValues(in object, i int) error {
	if list, _ := in["pick_list_values"].([]any); len(list) > valuesLimit {
		at := object{"api_name": "pick_list_values", "json_path": fmt.Sprintf("$.fields[%d].pick_list_values", i)}
		return bad("LIMIT_EXCEEDED", "the limit of values in a request is exceeded", object{"limit": valuesLimit, "limit_due_to": []object{at}})
	}
	return nil
}

// createFields adds custom fields to a module (fields.json).
func createFields(c *call) (reply, error) {
	list, _, err := c.elements("fields", 5)
	if err != nil {
		return reply{}, err
	}
	return c.set("fields", http.StatusCreated, func(t *tx) (out []object, err error) {
		m, err := c.moduleParam()
		if err != nil {
			return nil, err
		}
		for i, in := range list {
			f, err := t.newField(m, in, i)
			if err != nil {
				return nil, err
			}
			t.configure(func(s *settings) { s.module(m.APIName).Fields = append(s.module(m.APIName).Fields, f) })
			m = t.settings.module(m.APIName)
			out = append(out, settled(f.ID, "Custom field created successfully"))
		}
		return out, nil
	})
}

func (t *tx) newField(m *module, in object, i int) (*field, error) {
	label, _ := in["field_label"].(string)
	kind, _ := in["data_type"].(string)
	at := func(name string) object {
		return object{"api_name": name, "json_path": fmt.Sprintf("$.fields[%d].%s", i, name)}
	}
	switch {
	case strings.TrimSpace(label) == "":
		return nil, bad("MANDATORY_NOT_FOUND", "required field not found", at("field_label"))
	case !slices.Contains(fieldTypes(), kind):
		return nil, invalidData("invalid data", at("data_type"))
	case slices.ContainsFunc(m.Fields, func(f *field) bool { return strings.EqualFold(f.Label, label) }):
		return nil, bad("DUPLICATE_DATA", "a field of this label exists", at("field_label"))
	}
	if err := tooManyValues(in, i); err != nil {
		return nil, err
	}
	f := &field{ID: t.newID(), APIName: m.freeName(label), Label: label, Type: kind, Custom: true, Length: lengthOf(kind, "")}
	if kind == "textarea" {
		f.Length = 2000
	}
	t.addOptions(f, in["pick_list_values"])
	if strings.HasSuffix(kind, "picklist") && len(f.Options) == 0 {
		return nil, bad("DEPENDENT_FIELD_MISSING", "a picklist needs values", at("pick_list_values"))
	}
	return f, nil
}

// freeName makes an api name of a label: what is no ASCII letter or digit
// becomes an underscore. Labels in other scripts give "Field" and a number.
func (m *module) freeName(label string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, label), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "Field"
	}
	free := name
	for n := 1; m.field(free) != nil; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}

// addOptions adds to a picklist the values of a request that it does not have,
// renames those whose id is given and retires those with _delete.
func (t *tx) addOptions(f *field, list any) {
	values, _ := list.([]any)
	for _, x := range values {
		o, _ := x.(map[string]any)
		display, _ := o["display_value"].(string)
		actual, _ := o["actual_value"].(string)
		if actual == "" {
			actual = display
		}
		id := idOf(o["id"])
		i := slices.IndexFunc(f.Options, func(have option) bool { return idText(have.ID) == id || id == "" && have.Actual == actual })
		remove, _ := o["_delete"].(bool)
		switch {
		case i >= 0 && remove:
			f.Options[i].Unused = true
		case i >= 0 && display != "":
			f.Options[i].Display, f.Options[i].Unused = display, false
		case i < 0 && actual != "" && !remove:
			f.Options = append(f.Options, option{ID: t.newID(), Actual: actual, Display: display})
		}
	}
}

// changeField renames a field or changes its picklist.
func changeField(c *call) (reply, error) {
	list, _, err := c.elements("fields", 1)
	if err != nil {
		return reply{}, err
	}
	return c.eachField("Custom field updated successfully", func(t *tx, f *field) error {
		if err := tooManyValues(list[0], 0); err != nil {
			return err
		}
		if label, ok := list[0]["field_label"].(string); ok && label != "" {
			f.Label = label
		}
		t.addOptions(f, list[0]["pick_list_values"])
		return nil
	})
}

// Demand has the layout of a module demand a field, or no more, as an administrator
// does on the screen of layouts: no documented call does so.
func (s *Sim) Demand(module, name string, demanded bool) error {
	return s.write("", func(t *tx) error {
		m := t.settings.module(module)
		if m == nil || m.field(name) == nil {
			return fmt.Errorf("%s: there is no field %s", module, name)
		}
		t.configure(func(c *settings) { c.module(module).field(name).Demanded = demanded })
		return nil
	})
}

// deleteField removes a custom field with all its values.
func deleteField(c *call) (reply, error) {
	return c.eachField("Custom field deleted successfully", func(t *tx, f *field) error {
		if !f.Custom {
			return bad("NOT_ALLOWED", "a field of the system cannot be deleted", object{"resource_path_index": 2})
		}
		t.configure(func(s *settings) {
			m := s.module(c.query.Get("module"))
			m.Fields = slices.DeleteFunc(m.Fields, func(have *field) bool { return have.ID == f.ID })
		})
		return nil
	})
}

// eachField changes the field of the path.
func (c *call) eachField(msg string, change func(*tx, *field) error) (reply, error) {
	return c.set("fields", http.StatusOK, func(t *tx) ([]object, error) {
		m, err := c.moduleParam()
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(m.Fields, func(f *field) bool { return idText(f.ID) == c.r.PathValue("id") })
		if i < 0 {
			return nil, invalidData("the id given seems to be invalid", object{"resource_path_index": 2})
		}
		t.configure(func(*settings) {}) // so that the field to change is a copy
		f := t.settings.module(m.APIName).Fields[i]
		return []object{settled(f.ID, msg)}, change(t, f)
	})
}
