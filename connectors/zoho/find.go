package zoho

import (
	"context"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// Find implements connectors.Pusher. Tasks and notes are looked for among those
// of the same deal, lead, contact or account, for the text that holds the mark;
// definitions of fields by their label, pipelines by their name, and stages by
// theirs in their pipeline.
//
// That nothing is found leads to another call, so only what the vendor says for
// certain counts as that: whatever else it refuses is an error.
func (c *Connector) Find(ctx context.Context, e connectors.Edit) (connectors.Record, bool, error) {
	src, ok := c.sources[e.Object]
	switch {
	case e.ID != "":
		return connectors.Record{}, false, fault.New(fault.Invalid, "%s %s is known already: fetch it", e.Object, e.ID)
	case ok && src.way == byFields:
		return c.findField(ctx, src, func(v *connectors.Values) bool {
			label := e.Set.Get("field_label").Text
			return label != "" && v.Get("field_label").Text == label && v.Get("custom_field").Text == "true"
		})
	}
	if e.Object == pipelines || e.Object == stages {
		return c.findPipelineOrStage(ctx, e)
	}
	key := markedIn(e, creates()[e.Object])
	if !ok || key == "" {
		return connectors.Record{}, false, fault.New(fault.Invalid, "a new one of %s is found by its mark only, and the edit has none", shortened(e.Object))
	}
	for _, p := range e.Set.Standard {
		module, related := strings.CutPrefix(p.Key, keyRelated)
		switch {
		case !related:
			continue
		case !slices.Contains([]string{deals, leads, accounts, contacts}, module) || !numeric(p.Value.Text):
			return connectors.Record{}, false, fault.New(fault.Invalid, "%q of %s is nothing on which one of %s hangs", shortened(p.Value.Text), shortened(module), src.Name)
		case src.Name == notes:
			return c.findNote(ctx, src, module, p.Value.Text, key, e.Mark)
		}
		return c.findTask(ctx, src, module, p.Value.Text, key, e.Mark)
	}
	return connectors.Record{}, false, fault.New(fault.Invalid, "a new one of %s is found only among those of its deal, lead, contact or account, and the edit names none", src.Name)
}

// findTask walks the tasks of a record by the query language, which knows what they
// hang on (the vendor's Kaizen 81, COQL: What_Id of tasks, calls and events; public
// code with deals, v8). The related list of the same name may be hidden in the
// layout, and nobody documents whether it holds those that are done.
func (c *Connector) findTask(ctx context.Context, src source, module, parent, key, mark string) (connectors.Record, bool, error) {
	field := "What_Id"
	if module == contacts {
		field = "Who_Id"
	}
	of, last := field+" = '"+parent+"'", ""
	for where := of; ; {
		list, _, err := c.query(ctx, src.module, "id, "+keyModified, where, "id asc", queryLimit)
		if err != nil {
			return connectors.Record{}, false, err
		}
		for some := range slices.Chunk(ids(list), idsLimit) {
			if r, found, err := c.marked(ctx, src, some, key, mark); found || err != nil {
				return r, found, err
			}
		}
		for _, r := range list {
			if last != "" && !before(last, r.id) {
				return connectors.Record{}, false, disorder(src.module)
			}
			last = r.id
		}
		if len(list) < queryLimit {
			return connectors.Record{}, false, nil
		}
		where = "(" + of + " and id > " + last + ")"
	}
}

// marked reads records and finds the one whose text holds a mark.
func (c *Connector) marked(ctx context.Context, src source, ids []string, key, mark string) (connectors.Record, bool, error) {
	list, err := c.records(ctx, src, ids)
	if err != nil {
		return connectors.Record{}, false, err
	}
	for _, r := range list {
		v, err := c.Decode(r.Object, r.Shape, r.Raw)
		if err != nil {
			return connectors.Record{}, false, err
		}
		if strings.Contains(v.Get(key).Text, mark) {
			return r, true, nil
		}
	}
	return connectors.Record{}, false, nil
}

// findNote walks the related list of notes: the query language does not know them
// (docs, COQL, v8).
func (c *Connector) findNote(ctx context.Context, src source, module, parent, key, mark string) (connectors.Record, bool, error) {
	none := connectors.Record{}
	for page := 1; ; page++ {
		query := map[string][]string{"fields": {key}, "page": {number(page)}, "per_page": {number(listLimit)}}
		answer, err := c.get(ctx, "/"+module+"/"+parent+"/"+src.module, query, "")
		if missing(err) || nothing(answer, err) { // on what is not there, nothing hangs
			return none, false, nil
		}
		switch {
		case codeOf(err) == codeInvalid:
			return none, false, fault.New(fault.Invalid, "whether the note was made cannot be seen, since Zoho refuses the related list %s of %s %s; show that list in all layouts of %s, and try again: %w",
				src.module, module, parent, module, err)
		case fault.KindOf(err) == fault.Gone: // no list that could begin anew
			return none, false, fault.New(fault.Invalid, "whether the note was made cannot be seen: %s %s has more notes than Zoho lists; look there: %w", module, parent, err)
		case err != nil:
			return none, false, err
		}
		list, err := rows(answer.Body, "data", src.Name)
		if err != nil {
			return none, false, err
		}
		for _, raw := range list {
			var texts map[string]any
			id := answers.Text(labelOf(raw).ID)
			if answers.ReadProven(raw, &texts) != nil || !numeric(id) {
				return none, false, malformed("the notes of " + module + " " + parent)
			}
			if text, _ := texts[key].(string); strings.Contains(text, mark) {
				r, found, err := c.marked(ctx, src, []string{id}, key, mark)
				if err == nil && !found {
					err = fault.New(fault.Temporary, "note %s is shown in a list and not alone; try again later", id)
				}
				return r, found, err
			}
		}
		place, err := infoOf(answer.Body, src.Name)
		switch {
		case err != nil || !place.More:
			return none, false, err
		case len(list) == 0 || page >= pagesLimit:
			return none, false, endless(src.Name)
		}
	}
}
