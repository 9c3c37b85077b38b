package jobs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/rest"
)

// standIn writes to the simulator in place of a connector that cannot yet.
type standIn struct {
	connectors.Connector
	connectors.Puller
	connectors.Fetcher
	connectors.Watcher
	connectors.Receiver
	api *rest.Client
	cfg connectors.Config
}

func writingCatalog() []connectors.Spec {
	list := append([]connectors.Spec(nil), catalog.Connectors...)
	for i := range list {
		open := list[i].Open
		list[i].Open = func(env connectors.Env, cfg connectors.Config) (connectors.Connector, error) {
			c, err := open(env, cfg)
			if err != nil {
				return nil, err
			}
			if _, ok := c.(connectors.Pusher); ok {
				return c, nil
			}
			return &standIn{c, c.(connectors.Puller), c.(connectors.Fetcher), c.(connectors.Watcher), c.(connectors.Receiver), rest.New(env.HTTP, cfg.BaseURL), cfg}, nil
		}
	}
	return list
}

func pathOf(object string) string {
	if object == "notes" {
		return "/api/v1/notes"
	}
	return "/api/v2/" + object
}

func (c *standIn) do(ctx context.Context, method, path string, q url.Values, body any) ([]byte, error) {
	a, err := c.api.Do(ctx, rest.Call{Method: method, Path: path, Query: q, Body: body, Header: http.Header{"X-Api-Token": {c.cfg.Secrets["api_token"]}}})
	return a.Body, err
}

func plain(v connectors.Value) any {
	switch v.Kind {
	case connectors.Null:
		return nil
	case connectors.Bool:
		return v.Text == "true"
	case connectors.Number:
		return json.Number(v.Text)
	case connectors.Nested, connectors.List:
		panic("the stand-in writes no such value")
	}
	return v.Text
}

// Push implements connectors.Pusher.
func (c *standIn) Push(ctx context.Context, e connectors.Edit) (connectors.Record, error) {
	body := map[string]any{}
	for _, p := range e.Set.Standard {
		v := plain(p.Value)
		if s, ok := v.(string); ok && strings.HasSuffix(p.Key, "_id") && e.Object != "leads" {
			v = json.Number(s)
		}
		body[p.Key] = v
	}
	custom := map[string]any{}
	for _, p := range e.Set.Custom {
		custom[p.Key] = plain(p.Value)
	}
	if len(custom) > 0 {
		body["custom_fields"] = custom
	}
	method, path := "POST", pathOf(e.Object)
	if e.ID != "" {
		method, path = "PATCH", path+"/"+e.ID
		if e.Object == "notes" {
			method = "PUT"
		}
	}
	answer, err := c.do(ctx, method, path, nil, body)
	if err != nil {
		return connectors.Record{}, err
	}
	return c.again(ctx, e.Object, gjson.GetBytes(answer, "data.id").String())
}

func (c *standIn) again(ctx context.Context, object, id string) (connectors.Record, error) {
	page, err := c.Fetch(ctx, object, []string{id})
	if err != nil {
		return connectors.Record{}, err
	}
	return page.Records[0], nil
}

// Find implements connectors.Pusher.
func (c *standIn) Find(ctx context.Context, e connectors.Edit) (r connectors.Record, found bool, err error) {
	q := url.Values{"limit": {"500"}, "sort_by": {"add_time"}, "sort_direction": {"desc"}}
	if e.Object == "notes" {
		q = url.Values{"limit": {"500"}, "sort": {"add_time DESC"}}
	}
	answer, err := c.do(ctx, "GET", pathOf(e.Object), q, nil)
	if err != nil {
		return r, false, err
	}
	for _, item := range gjson.GetBytes(answer, "data").Array() {
		if strings.Contains(item.Raw, e.Mark) {
			r, err = c.again(ctx, e.Object, item.Get("id").String())
			return r, err == nil, err
		}
	}
	return r, false, nil
}

// Replaced implements connectors.Witness.
func (c *standIn) Replaced(ctx context.Context, e connectors.Edit, r connectors.Record) (was connectors.Values, err error) {
	answer, err := c.do(ctx, "GET", "/api/v1/deals/"+e.ID+"/changelog", url.Values{"limit": {"500"}}, nil)
	if err != nil {
		return was, err
	}
	for _, p := range e.Set.Standard {
		for _, item := range gjson.GetBytes(answer, "data").Array() { // the latest first
			if item.Get("field_key").String() == p.Key && item.Get("new_value").String() == p.Value.Text {
				old := connectors.Value{Kind: connectors.Text, Text: item.Get("old_value").String()}
				if item.Get("old_value").Type == gjson.Null {
					old = connectors.Value{}
				}
				was.Standard = append(was.Standard, connectors.Pair{Key: p.Key, Value: old})
				break
			}
		}
	}
	return was, nil
}
