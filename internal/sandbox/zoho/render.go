package zoho

import (
	"encoding/json"
	"strings"
)

// show renders some fields of a record as lists and single reads do; without
// names all of them. The caller holds mu.
func (s *Sim) show(m *module, r *row, fields []string) object {
	if len(fields) == 0 {
		for _, f := range m.Fields {
			fields = append(fields, f.APIName)
		}
	}
	out := object{"id": r.key()}
	for _, name := range fields {
		f := m.field(name)
		if f == nil {
			continue // the vendor leaves out what it does not know
		}
		out[name] = s.value(m, f, r)
		// What a lookup to any module points at is told beside it.
		if f.Target == "*" {
			out["$se_module"] = s.moduleOf(r.text(name))
		}
	}
	return out
}

// value renders one field of a module.
func (s *Sim) value(m *module, f *field, r *row) any {
	v := r.values[f.APIName]
	switch f.Type {
	case "formula":
		return s.formula(m, f, r)
	case "ownerlookup":
		return s.person(r.text(f.APIName))
	case "lookup":
		return s.lookup(f, r.text(f.APIName))
	case "datetime":
		return s.shown(r.text(f.APIName))
	}
	if v == nil && f.Type == "boolean" {
		return false
	}
	if list, ok := v.([]any); ok && len(list) == 0 {
		return []any{}
	}
	return v
}

// person renders a user as a record's owner.
func (s *Sim) person(id string) any {
	r := s.tables[usersTable].find(id)
	if r == nil {
		return nil
	}
	return object{"name": r.values["full_name"], "id": id, "email": r.values["email"]}
}

// lookup renders another record; one that is gone leaves the field empty.
func (s *Sim) lookup(f *field, id string) any {
	m, r := s.target(f, id)
	if r == nil {
		return nil
	}
	out := object{"name": r.values[m.Name], "id": id}
	if f.APIName == "Parent_Id" {
		out["module"] = object{"api_name": m.APIName, "id": idText(m.ID)}
	}
	return out
}

// target finds the living record a lookup points at.
func (s *store) target(f *field, id string) (*module, *row) {
	if id == "" {
		return nil, nil
	}
	if f.Target != "*" {
		m := s.settings.module(f.Target)
		return m, s.tables[f.Target].find(id)
	}
	for _, m := range s.settings.Modules {
		if r := s.tables[m.APIName].find(id); r != nil {
			return m, r
		}
	}
	return nil, nil
}

func (s *store) moduleOf(id string) any {
	if m, _ := s.target(&field{Target: "*"}, id); m != nil {
		return m.APIName
	}
	return nil
}

// formula shows what a record that this one points at holds at this moment.
func (s *Sim) formula(m *module, f *field, r *row) any {
	through, name, _ := strings.Cut(f.Formula, ".")
	_, other := s.target(m.field(through), r.text(through))
	if other == nil {
		return nil
	}
	if n, ok := other.values[name].(json.Number); ok {
		return n
	}
	return nil
}
