package zoho

import (
	"context"
	"net/http"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// row is what a query tells of a record: that it is there, and when it changed.
type row struct {
	id string
	at int64
}

func ids(rows []row) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.id
	}
	return out
}

// query finds records by the query language.
func (c *Connector) query(ctx context.Context, module, columns, where, order string, limit int) ([]row, rest.Answer, error) {
	list, answer, err := c.selected(ctx, module, columns, where, order, limit)
	if err != nil {
		return nil, answer, err
	}
	found := make([]row, len(list))
	about := new(label)
	for i, raw := range list {
		about.read(raw)
		at, ok := instant(answers.Text(about.Modified))
		id := answers.Text(about.ID)
		if !ok || !numeric(id) {
			return nil, answer, fault.New(fault.Temporary, "a query of %s tells no id or no time of change of a record; try again later", module)
		}
		found[i] = row{id: id, at: at.Unix()}
	}
	return found, answer, nil
}

// selected are the rows of a query, as they came.
func (c *Connector) selected(ctx context.Context, module, columns, where, order string, limit int) ([]sonic.NoCopyRawMessage, rest.Answer, error) {
	text := "select " + columns + " from " + module + " where " + where + " order by " + order + " limit " + number(limit)
	answer, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: root + queryPath, Body: map[string]string{"select_query": text}, Idempotent: true,
	})
	if err != nil || nothing(answer, err) {
		return nil, answer, err
	}
	list, err := listed(answer.Body, module)
	return list.Data, answer, err
}

func disorder(module string) error {
	return fault.New(fault.Temporary, "a query of %s is not in the order that was asked for, so that a record could be passed over; try again later", module)
}

func malformed(what string) error {
	return fault.New(fault.Temporary, "the answer about %s is not of the documented form; try again later", what)
}
