package zoho

import (
	"context"
	"net/http"
	"slices"

	"github.com/bytedance/sonic"

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

// query finds records by the query language, in the order of their changes.
func (c *Connector) query(ctx context.Context, module, where string) ([]row, rest.Answer, error) {
	text := "select id, Modified_Time from " + module + " where " + where + " order by Modified_Time asc, id asc limit 200"
	answer, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: root + "/coql", Body: map[string]string{"select_query": text}, Idempotent: true,
	})
	if err != nil || nothing(answer, err) {
		return nil, answer, err
	}
	var e struct {
		Data []struct {
			ID   sonic.NoCopyRawMessage `json:"id"`
			Time string                 `json:"Modified_Time"`
		} `json:"data"`
	}
	if err := read(answer.Body, &e); err != nil || e.Data == nil {
		return nil, answer, malformed(module)
	}
	var rows []row
	for _, r := range e.Data {
		at, ok := instant(r.Time)
		if id := plain(r.ID); ok && numeric(id) {
			rows = append(rows, row{id, at.Unix()})
			continue
		}
		return nil, answer, fault.New(fault.Temporary, "a query of %s tells no id or no time of change of a record; try again later", module)
	}
	inOrder := slices.IsSortedFunc(rows, func(a, b row) int { return int(a.at - b.at) })
	if !inOrder {
		return nil, answer, fault.New(fault.Temporary, "a query of %s is not in the order that was asked for, so that a record could be passed over; try again later", module)
	}
	return rows, answer, nil
}

func malformed(what string) error {
	return fault.New(fault.Temporary, "the answer about %s is not of the documented form; try again later", what)
}
