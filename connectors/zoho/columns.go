package zoho

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

const (
	// columnsLimit bounds fields= (docs, get records).
	columnsLimit = 50
	// tornLimit bounds how often records are read again that change between the
	// answers that hold their parts.
	tornLimit = 4
	// keyModified stands in every part of a record: parts that agree on it are of
	// one state.
	keyModified = "Modified_Time"
)

// columns returns the names of a module's fields, in groups that one answer may
// hold.
func (c *Connector) columns(ctx context.Context, src source) ([][]string, error) {
	l, err := c.layout(ctx, src)
	return l.groups, err
}

// layout returns the fields of a module. They are those that the account has, as
// of when the connector was opened.
func (c *Connector) layout(ctx context.Context, src source) (layout, error) {
	if src.fixed != nil {
		return layout{groups(src.fixed), noteTypes()}, nil
	}
	c.known.mu.Lock()
	known, ok := c.known.of[src.module]
	c.known.mu.Unlock()
	if ok {
		return known, nil
	}
	answer, err := c.get(ctx, "/settings/fields", url.Values{"module": {src.module}}, "")
	if err != nil {
		return layout{}, err
	}
	types, err := readable(answer, src.module)
	if err != nil {
		return layout{}, err
	}
	known = layout{groups(slices.Sorted(maps.Keys(types))), types}
	c.known.mu.Lock()
	defer c.known.mu.Unlock()
	c.known.of[src.module] = known
	return known, nil
}

// noteTypes are the types of a note's fields (OpenAPI, notes).
func noteTypes() map[string]string {
	return map[string]string{"Note_Title": "text", "Note_Content": "textarea", "Owner": "ownerlookup"}
}

// readable tells the types of the fields whose values lists show: not files and
// pictures, and not tables within a record, which are modules of their own (docs,
// fields).
func readable(a rest.Answer, module string) (map[string]string, error) {
	var e struct {
		Fields []struct {
			Name string `json:"api_name"`
			Type string `json:"data_type"`
		} `json:"fields"`
	}
	if nothing(a, nil) || answers.ReadProven(a.Body, &e) != nil || len(e.Fields) == 0 {
		return nil, fault.New(fault.Temporary, "Zoho tells no fields of %s; try again later", module)
	}
	types := map[string]string{}
	for _, f := range e.Fields {
		if f.Name != "" && f.Name != "id" && f.Name != keyModified && !slices.Contains([]string{"subform", "imageupload", "fileupload", "profileimage"}, f.Type) && !strings.ContainsAny(f.Name, ", ") {
			types[f.Name] = f.Type
		}
	}
	return types, nil
}

// groups divides names; each group has the time of change besides.
func groups(names []string) [][]string {
	var out [][]string
	for some := range slices.Chunk(names, columnsLimit-1) {
		out = append(out, append([]string{keyModified}, some...))
	}
	if out == nil {
		out = [][]string{{keyModified}}
	}
	return out
}

// records reads records by their ids, in the order of ids; those that the vendor
// does not show are left out.
func (c *Connector) records(ctx context.Context, src source, ids []string) ([]connectors.Record, error) {
	columns, err := c.columns(ctx, src)
	if err != nil {
		return nil, err
	}
	found := map[string]connectors.Record{}
	for some := range slices.Chunk(ids, idsLimit) {
		if err := c.whole(ctx, src, columns, some, found); err != nil {
			return nil, err
		}
	}
	var out []connectors.Record
	for _, id := range ids {
		if r, ok := found[id]; ok {
			out = append(out, r)
			delete(found, id) // once, though it be asked for twice
		}
	}
	return out, nil
}

// whole reads records in as many answers as there are groups of columns. One that
// changed between these is read again, so that no record is put together from two
// of its states.
func (c *Connector) whole(ctx context.Context, src source, columns [][]string, ids []string, into map[string]connectors.Record) error {
	for tries := 0; len(ids) > 0; tries++ {
		if tries >= tornLimit {
			return fault.New(fault.Temporary, "%d of %s changed each time between the answers that hold their parts; try again later", len(ids), src.Name)
		}
		if tries > 0 {
			c.log.InfoContext(ctx, "records changed between the answers that hold their parts; they are read again", "object", src.Name, "records", len(ids))
		}
		parts := make([]map[string]fragment, len(columns))
		for i, group := range columns {
			var err error
			if parts[i], err = c.partsOf(ctx, src, group, ids); err != nil {
				return err
			}
		}
		var torn []string
		for _, id := range ids {
			of := make([]fragment, len(parts))
			for i, group := range parts {
				of[i] = group[id]
			}
			r, there, agree := join(src, id, of)
			switch {
			case there && agree:
				into[id] = r
			case there:
				torn = append(torn, id)
			}
		}
		ids = torn
	}
	return nil
}

// fragment is one part of a record and the state it is of; without bytes, a part
// that is missing.
type fragment struct {
	id   string
	raw  []byte
	time string
}

// partsOf reads some columns of some records.
func (c *Connector) partsOf(ctx context.Context, src source, columns, ids []string) (map[string]fragment, error) {
	query := url.Values{"ids": {strings.Join(ids, ",")}, "fields": {strings.Join(columns, ",")}}
	if src.Name == leads {
		query.Set("converted", "both") // without it, converted leads are hidden (OpenAPI, record)
	}
	answer, err := c.get(ctx, "/"+src.module, query, "")
	if err != nil || nothing(answer, err) {
		return nil, err
	}
	list, err := listed(answer.Body, src.Name)
	if err != nil {
		return nil, err
	}
	out := make(map[string]fragment, len(list.Data))
	for _, raw := range list.Data {
		about := labelOf(raw)
		id := answers.Text(about.ID)
		if !slices.Contains(ids, id) {
			return nil, fault.New(fault.Temporary, "%s %s came without being asked for: the list was not narrowed to ids; try again later", src.Name, shortened(id))
		}
		out[id] = fragment{id, raw, answers.Text(about.Modified)}
	}
	return out, nil
}

// join puts a record together. It is there if any part is; its parts agree if all
// are there and of one state.
func join(src source, id string, parts []fragment) (r connectors.Record, there, agree bool) {
	agree = true
	raws := make([][]byte, len(parts))
	for i, p := range parts {
		there = there || p.raw != nil
		agree = agree && p.raw != nil && p.time == parts[0].time
		raws[i] = p.raw
	}
	if !there || !agree {
		return r, there, false
	}
	return record(src, id, raws, parts[0].time), true, true
}

// record labels the parts of a record; a single one is the record.
func record(src source, id string, parts [][]byte, modified string) connectors.Record {
	r := connectors.Record{Object: src.Name, ID: id, Shape: shapeWhole, Raw: parts[0]}
	if at, ok := instant(modified); ok {
		r.UpdatedAt = at
	}
	if len(parts) > 1 {
		r.Shape, r.Raw = shapeParts, together(parts)
	}
	return r
}

// together writes parts as a list, each as it came.
func together(parts [][]byte) []byte {
	size := 2
	for _, p := range parts {
		size += len(p) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, p := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, p...)
	}
	return append(out, ']')
}

// label is what a page needs to know of a record. Values of any type are
// accepted: a strange record must not spoil its page.
type label struct {
	ID       sonic.NoCopyRawMessage `json:"id"`
	Modified sonic.NoCopyRawMessage `json:"Modified_Time"`
	Deleted  sonic.NoCopyRawMessage `json:"deleted_time"`
	Name     sonic.NoCopyRawMessage `json:"api_name"`
	Value    sonic.NoCopyRawMessage `json:"actual_value"`
}

// identified tells the id and the time of change of a record, which stand anywhere
// in it. It looks for nothing else: all records of an account pass here.
func identified(raw []byte) (id, modified string) {
	return answers.Text(answers.Member(raw, "id")), answers.Text(answers.Member(raw, keyModified))
}

func labelOf(raw []byte) label {
	var about label
	about.read(raw)
	return about
}

// read labels another record.
func (l *label) read(raw []byte) {
	*l = label{}
	if err := answers.ReadProven(raw, l); err != nil {
		*l = label{} // not an object: Decode will say so
	}
}
