package jobs

import (
	"encoding/json"
	"maps"
	"slices"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/mapping"
)

// inVendorWords is the edit as its connector takes it.
func inVendorWords(s *Source, e *postgres.Edit) (connectors.Edit, error) {
	object, set, err := wordsOf(s.Map, e)
	if err != nil {
		return connectors.Edit{}, fault.New(fault.Invalid, "the field map of %s does not say how to write this: %w", s.Name, err)
	}
	out := connectors.Edit{Object: object, Set: set, Undelete: wasDeleted(e)}
	if e.Makes() {
		out.Mark = e.Mark
	}
	if e.TargetID != nil {
		om, _ := s.Map.Object(object)
		ids := recordIDs(om, []string{*e.TargetID})
		if len(ids) == 0 {
			return out, fault.New(fault.Invalid, "%s of %s: there can be no such record among %s", *e.TargetID, e.TargetKind, object)
		}
		out.ID = ids[0]
	}
	return out, nil
}

// wordsOf is what an edit sets, in the vendor's words. How a deal had ended that is
// closed again, its status does not tell where stages say it: that was noted.
func wordsOf(m *mapping.Map, e *postgres.Edit) (object string, set connectors.Values, err error) {
	id := value(e.TargetID)
	fields := marked(e)
	by := m.WrittenWith(e.TargetKind, id, "status")
	if len(e.Ending) == 0 || by == "" || !closes(e) {
		return m.WriteRecord(e.TargetKind, id, fields)
	}
	fields = maps.Clone(fields)
	maps.DeleteFunc(fields, func(name string, _ json.RawMessage) bool { return name == "status" || name == by })
	object, set, err = m.WriteRecord(e.TargetKind, id, fields)
	for _, key := range slices.Sorted(maps.Keys(e.Ending)) {
		set.Standard = append(set.Standard, connectors.Pair{Key: key, Value: connectors.Value{Kind: connectors.Text, Text: e.Ending[key]}})
	}
	return object, set, err
}

// closes tells whether an edit lets a deal end.
func closes(e *postgres.Edit) bool {
	status := textOf(e.Wanted["status"])
	return status == "won" || status == "lost"
}

// noteEnding notes how a deal has ended that an edit is about to open again, where
// its stage says that: the canonical row has only the stage in which it stood before.
func noteEnding(s *Source, e *postgres.Edit, r connectors.Record) error {
	by := s.Map.WrittenWith(e.TargetKind, value(e.TargetID), "status")
	if by == "" || textOf(e.Wanted["status"]) != "open" || e.Wanted[by] == nil || len(r.Raw) == 0 {
		return nil
	}
	_, set, err := s.Map.WriteRecord(e.TargetKind, *e.TargetID, contents{by: e.Wanted[by]})
	if err != nil {
		return err
	}
	held, err := s.Spec.Decoder.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		return err
	}
	e.Ending = map[string]string{}
	for _, p := range set.Standard {
		if v := held.Get(p.Key); v.Kind == connectors.Text {
			e.Ending[p.Key] = v.Text
		}
	}
	return nil
}
