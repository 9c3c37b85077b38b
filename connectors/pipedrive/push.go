package pipedrive

import (
	"context"
	"net/http"
	"net/url"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

var (
	_ connectors.Pusher  = (*Connector)(nil)
	_ connectors.Witness = (*Connector)(nil)
)

// Push implements connectors.Pusher for deals, leads, activities, notes,
// pipelines, stages and the definitions of fields; deals and leads are only
// changed. It makes the one call that writes and then reads the record, because
// answers to writes do not show what Fetch asks for (1 to 2 tokens).
//
// Pipedrive has neither conditional writes nor idempotency keys (OpenAPI v1 and
// v2), so Edit.Unless is passed over; Replaced tells of what came between.
//
// A deal's status "deleted" deletes it, Edit.Undelete takes that back. lost_reason
// needs status lost, in the same edit or before. The order of pipelines and stages
// cannot be written.
//
// Options of a field definition are added, never taken away or renamed: options
// lists {label}, or {id, label} of those that stand, and for a definition that is
// there already it is the edit's only field. What of it stands is not added again.
func (c *Connector) Push(ctx context.Context, e connectors.Edit) (connectors.Record, error) {
	src, w, err := c.writable(e)
	if err != nil {
		return connectors.Record{}, err
	}
	body, err := w.body(e)
	if err != nil {
		return connectors.Record{}, err
	}
	if labels, only := body[keyOptions].([]option); only && e.ID != "" {
		return c.addOptions(ctx, src, e.ID, labels)
	}
	call := rest.Call{Method: http.MethodPost, Path: c.prefix(src.legs[0].api) + src.legs[0].path, Body: body}
	if e.ID != "" {
		call.Method, call.Path = w.change, call.Path+"/"+url.PathEscape(e.ID)
	}
	answer, err := c.write(ctx, call)
	if err != nil {
		return connectors.Record{}, err
	}
	made, _, err := src.alone(answer.Body)
	if err != nil {
		return connectors.Record{}, err
	}
	if e.ID != "" && made.ID != e.ID {
		return connectors.Record{}, fault.New(fault.Temporary, "asked for a change of %s %s, the vendor answered with %s; read it again", src.Name, e.ID, made.ID)
	}
	return c.readBack(ctx, src, made.ID)
}

// writable finds how the object of an edit is written.
func (c *Connector) writable(e connectors.Edit) (source, writing, error) {
	w, ok := writings()[e.Object]
	switch {
	case !ok:
		return source{}, w, fault.New(fault.Invalid, "%q cannot be written to Pipedrive, only activities, deals, leads, notes, pipelines, stages and definitions of fields", e.Object)
	case e.ID == "" && !w.creates:
		return source{}, w, fault.New(fault.Invalid, "%s are not made in Pipedrive, only changed: the edit names no record", e.Object)
	case e.ID != "" && !answers.Usable(e.ID) || e.ID == "." || e.ID == "..":
		return source{}, w, fault.New(fault.Invalid, "%q is no id of one of %s", e.ID, e.Object)
	case e.ID == "" && e.Mark != "" && w.marked && len(marked(e)) == 0:
		return source{}, w, fault.New(fault.Invalid, "the mark stands in no text of the new one of %s, so that it could not be found again", e.Object)
	}
	src := c.sources[e.Object]
	src.one = src.legs[0].path + "/"
	return src, w, nil
}

// write makes a call that changes something, once. What it says of the outcome is
// sure: an error of a kind that stands for "nothing was changed" comes from an
// answer that says so, or from a call that was never made.
func (c *Connector) write(ctx context.Context, call rest.Call) (rest.Answer, error) {
	seen := 0
	call.Classify = func(status int, _ http.Header, _ []byte) error {
		seen = status
		return nil
	}
	answer, err := c.do(ctx, call)
	switch kind := fault.KindOf(err); {
	case kind == fault.Gone:
		return answer, fault.New(fault.NotFound, "the record is gone: %w", err)
	case kind == fault.Invalid && seen == 0: // the answer was too large to be read
		return answer, fault.New(fault.Temporary, "whether the change was made is not known: %w", err)
	}
	return answer, err
}

// readBack reads a record that was just written. Whatever goes wrong here, the
// change was made.
func (c *Connector) readBack(ctx context.Context, src source, id string) (connectors.Record, error) {
	r, _, err := c.single(ctx, src, id)
	if err == nil && r.Raw != nil {
		return r, nil
	}
	if err == nil {
		return connectors.Record{}, fault.New(fault.Temporary, "%s %s was written and then not found; read it again", src.Name, id)
	}
	return connectors.Record{}, &fault.Error{
		Kind: fault.Temporary, Text: src.Name + " " + id + " was written, but could not be read again: " + err.Error(),
		RetryAfter: fault.RetryAfter(err), Err: fault.Quiet(err),
	}
}

// addOptions adds the options that a definition does not have yet.
func (c *Connector) addOptions(ctx context.Context, src source, code string, wanted []option) (connectors.Record, error) {
	r, _, err := c.single(ctx, src, code)
	switch {
	case err != nil:
		return connectors.Record{}, err
	case r.Raw == nil:
		return connectors.Record{}, fault.New(fault.NotFound, "%s has no field %s any more; pull the field definitions again", src.Name, code)
	}
	missing, err := missingOptions(r.Raw, wanted)
	switch {
	case err != nil:
		return connectors.Record{}, err
	case len(missing) == 0:
		return r, nil
	}
	answer, err := c.write(ctx, rest.Call{
		Method: http.MethodPost, Path: c.prefix(v2) + src.one + url.PathEscape(code) + "/options", Body: missing,
	})
	if err != nil {
		return connectors.Record{}, err
	}
	var added []option
	if err := data(answer, &added); err != nil {
		return connectors.Record{}, err
	}
	return c.readBack(ctx, src, code)
}

// missingOptions returns those whose label the definition does not have.
func missingOptions(raw []byte, wanted []option) ([]option, error) {
	var have struct {
		Options []option `json:"options"`
	}
	if err := answers.Read(raw, &have); err != nil {
		return nil, fault.New(fault.Temporary, "the field's options are not of the documented form; try again later")
	}
	labels := map[string]bool{}
	for _, o := range have.Options {
		labels[o.Label] = true
	}
	var missing []option
	for _, o := range wanted {
		if !labels[o.Label] {
			labels[o.Label] = true
			missing = append(missing, o)
		}
	}
	return missing, nil
}
