package jobs

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/mapping"
)

// Preview shows what another field map would make of stored records.
type Preview struct {
	Objects []PreviewedObject `json:"objects"`
	Records []PreviewedRecord `json:"records"` // those that would change first
}

// PreviewedObject counts what was looked at of one of the vendor's objects.
type PreviewedObject struct {
	Object  string `json:"object"`
	Kind    string `json:"kind"`
	Sampled int    `json:"sampled"`
	Changed int    `json:"changed"` // records whose canonical values would differ
	Broken  int    `json:"broken"`  // records that map now and would not any more
	Mended  int    `json:"mended"`  // the other way round
}

// PreviewedRecord is one stored record under the present map and the other.
type PreviewedRecord struct {
	Object      string           `json:"object"`
	ID          string           `json:"id"`
	Kind        string           `json:"kind"`
	Before      map[string]any   `json:"before"` // canonical values; null if it does not map
	After       map[string]any   `json:"after"`
	Differences []PreviewedField `json:"differences"`
	ProblemNow  string           `json:"problem_before,omitempty"`
	ProblemThen string           `json:"problem_after,omitempty"`
	Warnings    []string         `json:"warnings,omitempty"` // where the record contradicts the account's field definitions
}

// PreviewedField is one canonical field that would change.
type PreviewedField struct {
	Field  string `json:"field"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// PreviewOptions narrow a preview.
type PreviewOptions struct {
	Object string // only this object; empty: all
	Show   int    // records to show; 0: 20
}

// sampled is how many records of each object a preview maps.
const sampled = 500

// PreviewMap maps stored records with the connection's present map and with
// another one. It writes nothing.
func (p *Pipeline) PreviewMap(ctx context.Context, s *Source, then *mapping.Map, o PreviewOptions) (Preview, error) {
	if o.Show == 0 {
		o.Show = 20
	}
	v := previewer{dec: s.Spec.Decoder, now: s.Map, then: then, most: o.Show}
	for _, object := range s.Spec.Objects {
		if o.Object != "" && o.Object != object.Name || !v.mapped(object.Name) {
			continue
		}
		records, err := p.sample(ctx, s, object.Name)
		if err != nil {
			return Preview{}, err
		}
		v.object(object.Name, records)
	}
	if len(v.objects) == 0 {
		return Preview{}, fault.New(fault.NotFound, "neither map has an object %q", o.Object)
	}
	return Preview{Objects: v.objects, Records: v.chosen()}, nil
}

func (p *Pipeline) sample(ctx context.Context, s *Source, object string) (records []postgres.RawRecord, err error) {
	err = p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		records, err = postgres.ReadRecords(ctx, tx, s.Workspace, s.ID, object, "", sampled, p.Compressor)
		return err
	})
	return records, err
}

// previewer compares two maps over records.
type previewer struct {
	dec       connectors.Decoder
	now, then *mapping.Map
	most      int
	objects   []PreviewedObject
	changed   [][]PreviewedRecord // by object, at most most of each
	same      [][]PreviewedRecord
}

func (v *previewer) mapped(object string) bool {
	_, now := v.now.Object(object)
	_, then := v.then.Object(object)
	return now || then
}

func (v *previewer) object(name string, records []postgres.RawRecord) {
	sum := PreviewedObject{Object: name, Sampled: len(records)}
	var changed, same []PreviewedRecord
	for _, raw := range records {
		r := v.record(connectors.Record{Object: raw.Object, ID: raw.ID, Parent: raw.Parent, Shape: raw.Shape, Raw: raw.Raw})
		list := &changed
		switch {
		case r.ProblemNow == "" && r.ProblemThen != "":
			sum.Broken++
		case r.ProblemNow != "" && r.ProblemThen == "":
			sum.Mended++
		case len(r.Differences) > 0:
			sum.Changed++
		default:
			list = &same
		}
		sum.Kind = r.Kind
		if len(*list) < v.most {
			*list = append(*list, r)
		}
	}
	v.objects, v.changed, v.same = append(v.objects, sum), append(v.changed, changed), append(v.same, same)
}

// record maps one record both ways.
func (v *previewer) record(r connectors.Record) PreviewedRecord {
	out := PreviewedRecord{Object: r.Object, ID: r.ID}
	var before, after sales.Row
	before, out.ProblemNow = v.row(v.now, r)
	after, out.ProblemThen = v.row(v.then, r)
	kind := kindIn(v.then, r.Object)
	if kind == nil { // the other map leaves the object out
		kind = kindIn(v.now, r.Object)
	} else if was := kindIn(v.now, r.Object); was != kind {
		before = sales.Row{} // its fields have other meanings
	}
	out.Kind, out.Before, out.After = kind.Name, valuesOf(before, kind), valuesOf(after, kind)
	if out.ProblemNow == "" && out.ProblemThen == "" {
		for _, d := range mapping.Differences(before, after, kind) {
			out.Differences = append(out.Differences, PreviewedField{d.Field, exact(d.Before), exact(d.After)})
		}
	}
	out.Warnings = v.warnings(r)
	return out
}

// row maps a record, or says why it cannot be mapped.
func (v *previewer) row(m *mapping.Map, r connectors.Record) (sales.Row, string) {
	_, row, err := mapRecord(m, v.dec, r)
	if err != nil {
		return sales.Row{}, err.Error()
	}
	return row, ""
}

// kindIn returns what a map makes of an object, nil if it leaves it out.
func kindIn(m *mapping.Map, object string) *sales.Kind {
	if om, ok := m.Object(object); ok {
		return om.Kind()
	}
	return nil
}

func (v *previewer) warnings(r connectors.Record) (out []string) {
	om, ok := v.then.Object(r.Object)
	if !ok {
		return nil
	}
	values, err := v.dec.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		return nil // told already as the problem
	}
	for _, w := range om.Warnings(r.ID, &values) {
		out = append(out, w.Error())
	}
	return out
}

// valuesOf returns a row by field names; nil for a record that does not map.
func valuesOf(row sales.Row, k *sales.Kind) map[string]any {
	if row.Values == nil {
		return nil
	}
	out := make(map[string]any, len(k.Fields)+1)
	for i, f := range k.Fields {
		out[f.Name] = exact(row.Values[i])
	}
	if row.Custom != nil {
		out["custom"] = json.RawMessage(row.Custom)
	}
	return out
}

// exact makes a value that becomes JSON without loss: decimals as numbers.
func exact(v any) any {
	if d, ok := v.(decimal.Decimal); ok {
		return json.Number(d.String())
	}
	return v
}

// chosen picks the records to show: changed ones first, all objects in turn.
func (v *previewer) chosen() []PreviewedRecord {
	out := []PreviewedRecord{}
	for _, lists := range [][][]PreviewedRecord{v.changed, v.same} {
		for i := range v.most {
			for _, list := range lists {
				if i < len(list) && len(out) < v.most {
					out = append(out, list[i])
				}
			}
		}
	}
	return out
}
