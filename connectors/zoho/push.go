package zoho

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

var _ connectors.Pusher = (*Connector)(nil)

// creates are the modules in which records are made, and the texts of theirs in
// which a mark may stand.
func creates() map[string][]string {
	return map[string][]string{tasks: {"Subject", "Description"}, notes: {"Note_Content", "Note_Title"}}
}

// Push implements connectors.Pusher for records of modules, for definitions of
// fields, and for pipelines and their stages. It makes the one call that writes and
// then reads the record, because answers to writes show times only.
//
// Edits set off none of the account's automations but those of the setting:
// without a trigger in the request, all would run (docs, update records). With
// Edit.Unless, the vendor refuses to write over a later change.
//
// A deal moves by stage_key. Where a Blueprint holds its stage, the transition that
// leads there is taken; if none may be, the edit is Barred, and so is one of a
// record that is locked.
func (c *Connector) Push(ctx context.Context, e connectors.Edit) (connectors.Record, error) {
	src, ok := c.sources[e.Object]
	switch {
	case ok && src.way == byFields:
		return c.pushField(ctx, src, e)
	case e.Object == pipelines:
		return c.pushPipeline(ctx, e)
	case e.Object == stages:
		return c.pushStage(ctx, e)
	case !ok || src.Mode != connectors.Windowed:
		return connectors.Record{}, fault.New(fault.Invalid, "%q cannot be written to Zoho CRM, only records of modules, pipelines, stages and definitions of fields", shortened(e.Object))
	}
	if err := c.writable(e); err != nil {
		return connectors.Record{}, err
	}
	l, err := c.layout(ctx, src)
	if err != nil {
		return connectors.Record{}, err
	}
	body, err := c.fields(src, l, e)
	if err != nil {
		return connectors.Record{}, err
	}
	id, err := c.writeRecord(ctx, src, e, body)
	if e.Object == deals && body["Stage"] != nil && codeOf(err) == codeBlueprint {
		id, err = e.ID, c.transit(ctx, src, e, body)
	}
	if err != nil {
		return connectors.Record{}, err
	}
	return c.readBack(ctx, src, id)
}

// writable refuses edits that the vendor has no call for.
func (c *Connector) writable(e connectors.Edit) error {
	texts, makes := creates()[e.Object]
	switch {
	case e.Undelete:
		return fault.New(fault.Invalid, "Zoho's API cannot bring back a deleted record; restore it from the recycle bin")
	case e.ID == "" && !makes:
		return fault.New(fault.Invalid, "%s are not made in Zoho CRM, only changed: the edit names no record", e.Object)
	case e.ID != "" && !numeric(e.ID):
		return fault.New(fault.Invalid, "%q is no id of one of %s", shortened(e.ID), e.Object)
	case e.ID == "" && e.Mark != "" && markedIn(e, texts) == "":
		return fault.New(fault.Invalid, "the mark stands in no text of the new one of %s, so that it could not be found again", e.Object)
	}
	return nil
}

// markedIn is the field that holds the edit's mark, empty if none does.
func markedIn(e connectors.Edit, texts []string) string {
	for _, p := range e.Set.Standard {
		if e.Mark != "" && slices.Contains(texts, p.Key) && strings.Contains(p.Value.Text, e.Mark) {
			return p.Key
		}
	}
	return ""
}

// writeRecord makes or changes a record, once, and returns its id.
func (c *Connector) writeRecord(ctx context.Context, src source, e connectors.Edit, body map[string]any) (string, error) {
	call := rest.Call{Method: http.MethodPost, Path: root + "/" + src.module, Body: map[string]any{"data": []any{body}, "trigger": c.trigger}}
	if e.ID != "" {
		call.Method, call.Path = http.MethodPut, call.Path+"/"+e.ID
	}
	if !e.Unless.IsZero() && e.ID != "" {
		// On writes, the header means: only if nobody has changed it since (docs,
		// update records).
		call.Header = http.Header{"If-Modified-Since": {stamp(e.Unless.Unix())}}
	}
	id, err := c.write(ctx, call, "data")
	if e.ID != "" && missing(err) {
		err = fault.New(fault.NotFound, "there is no such record any more: %w", err)
	}
	if err == nil && e.ID != "" && id != e.ID {
		err = fault.New(fault.Temporary, "asked for a change of %s %s, the vendor answered with another; read it again", src.Name, e.ID)
	}
	return id, err
}

// outcome is what the vendor says of one written element.
type outcome struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details struct {
		ID   sonic.NoCopyRawMessage `json:"id"`
		Name string                 `json:"api_name"`
		Path string                 `json:"json_path"` // where what is wrong stands in the request
	} `json:"details"`
}

// write makes a call that changes something, once, and returns the id of the
// element that it is about. Success is what the element says, not the status
// (docs, insert records).
func (c *Connector) write(ctx context.Context, call rest.Call, under string) (string, error) {
	seen := 0
	call.Classify = func(status int, _ http.Header, body []byte) error {
		seen = status
		if status == http.StatusUnauthorized || status == http.StatusTooManyRequests || status >= 500 {
			return nil
		}
		if said, ok := outcomeOf(body, under); ok && said.Code != "SUCCESS" {
			return said.refused(call.Method)
		}
		return nil
	}
	answer, err := c.do(ctx, call)
	switch kind := fault.KindOf(err); {
	case kind == fault.Gone:
		return "", fault.New(fault.Invalid, "the vendor refuses the change: %w", err)
	case kind == fault.Invalid && seen == 0: // the answer was too large to be read
		return "", fault.New(fault.Temporary, "whether the change was made is not known: %w", err)
	case err != nil:
		return "", err
	}
	said, ok := outcomeOf(answer.Body, under)
	if !ok || !numeric(answers.Text(said.Details.ID)) {
		return "", fault.New(fault.Temporary, "whether the change was made is not known: the answer is not of the documented form; read it again")
	}
	return answers.Text(said.Details.ID), nil
}

// outcomeOf reads what an answer says of its only element.
func outcomeOf(body []byte, under string) (outcome, bool) {
	if !answers.IsObject(body) {
		return outcome{}, false
	}
	var e map[string]sonic.NoCopyRawMessage
	var list []outcome
	if answers.Read(body, &e) != nil || answers.Read(e[under], &list) != nil || len(list) != 1 || list[0].Code == "" {
		return outcome{}, false
	}
	return list[0], true
}

// refused is the error of an element that was not written.
func (o outcome) refused(method string) error {
	id := o.Details.Name == "id" && (o.Details.Path == "" || o.Details.Path == "$.data[0].id") || o.Details.Name == "" && len(o.Details.ID) > 0
	if o.Code == codeInvalid && id && method == http.MethodPut {
		return fault.New(fault.NotFound, "there is no such record any more (%s)", o.Code)
	}
	err := byCode(refusal{code: o.Code, message: o.Message})
	if o.Details.Name != "" && fault.KindOf(err) == fault.Invalid {
		return fault.New(fault.Invalid, "field %s: %w", shortened(o.Details.Name), err)
	}
	return err
}

// readBack reads a record that was just written. Whatever goes wrong here, the
// change was made.
func (c *Connector) readBack(ctx context.Context, src source, id string) (connectors.Record, error) {
	found, err := c.records(ctx, src, []string{id})
	if err == nil && len(found) == 1 {
		return found[0], nil
	}
	return connectors.Record{}, unread(src, id, err)
}

func unread(src source, id string, err error) error {
	if err == nil {
		return fault.New(fault.Temporary, "%s %s was written and then not found; read it again", src.Name, id)
	}
	return &fault.Error{
		Kind: fault.Temporary, Text: src.Name + " " + id + " was written, but could not be read again: " + err.Error(),
		RetryAfter: fault.RetryAfter(err), Err: fault.Quiet(err),
	}
}

// fields is what is sent for an edit.
func (c *Connector) fields(src source, l layout, e connectors.Edit) (map[string]any, error) {
	body := map[string]any{}
	for _, p := range slices.Concat(e.Set.Standard, e.Set.Custom) {
		if done, err := derived(src, p, body); done || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		kind, known := l.types[p.Key]
		switch {
		case !known && p.Value.Kind == connectors.Null: // what the account does not have is empty
			continue
		case !known:
			return nil, fault.New(fault.Invalid, "%s have no field %s; pull the field definitions again", src.Name, shortened(p.Key))
		}
		v, ok := jsonOf(kind, p.Value)
		if !ok {
			return nil, fault.New(fault.Invalid, "%s of %s cannot hold such a value: it is of Zoho's type %s", p.Key, src.Name, shortened(kind))
		}
		body[p.Key] = v
	}
	if len(body) == 0 {
		return nil, fault.New(fault.Invalid, "the edit of one of %s sets nothing", src.Name)
	}
	return body, nil
}

// derived writes a field that is made of others.
func derived(src source, p connectors.Pair, body map[string]any) (bool, error) {
	module, related := strings.CutPrefix(p.Key, keyRelated)
	switch {
	case p.Key == keyStage && src.Name == deals:
		pipeline, stage, ok := stageOf(p.Value.Text)
		if !ok {
			return true, fault.New(fault.Invalid, "%q is no id of a stage", shortened(p.Value.Text))
		}
		if body["Stage"] = stage; pipeline != "" {
			body[keyPipeline] = pipeline
		}
		return true, nil
	case !related || !slices.Contains([]string{tasks, events, calls, notes}, src.Name):
		return false, nil
	case !slices.Contains([]string{deals, leads, accounts, contacts}, module) || p.Value.Text == "":
		return true, fault.New(fault.Invalid, "one of %s hangs on a deal, a lead, a contact or an account, not on %s", src.Name, shortened(module))
	case src.Name == notes:
		body["Parent_Id"] = map[string]any{"id": p.Value.Text, "module": map[string]any{"api_name": module}}
	case module == contacts:
		body["Who_Id"] = reference(p.Value.Text)
	default:
		body["What_Id"], body["$se_module"] = reference(p.Value.Text), module
	}
	return true, nil
}

func reference(id string) any { return map[string]any{"id": id} }

// jsonOf writes a value as the vendor's type wants it (docs, fields).
func jsonOf(kind string, v connectors.Value) (any, bool) {
	if v.Kind == connectors.Null {
		return nil, true
	}
	switch kind {
	case "lookup", "ownerlookup", "userlookup":
		return reference(v.Text), numeric(v.Text)
	case "boolean":
		return v.Text == "true", v.Kind == connectors.Bool
	case "currency", "double", "integer", "bigint", "percent", "decimal":
		return numeral(v.Text), v.Kind == connectors.Number || v.Kind == connectors.Money
	case "multiselectpicklist":
		items := make([]string, len(v.Items))
		for i, item := range v.Items {
			items[i] = item.Text
		}
		return items, v.Kind == connectors.List
	case "datetime":
		if v.Kind == connectors.Time {
			return stamp(v.Time.Unix()), true
		}
	case "textarea":
		if v.Kind == connectors.Text {
			return plainLines(v.Text), true
		}
	}
	plainKind := v.Kind == connectors.Text || v.Kind == connectors.Date || v.Kind == connectors.Number
	return v.Text, plainKind
}
