package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Called is a deal or lead that has the id that was asked for.
type Called struct {
	SubjectKey
	ConnectionName string
}

// SubjectCalled finds the deal or lead of an id that came through a connection,
// or, if that is empty, through any: several may have the same, and then it is
// for the caller to say which.
func SubjectCalled(ctx context.Context, tx pgx.Tx, workspace int64, kind, id, connection string) (Called, error) {
	rows, err := tx.Query(ctx, `
		SELECT s.connection_id, $2, $3, c.name FROM (
			SELECT connection_id FROM deals WHERE workspace_id = $1 AND $2 = 'deals' AND external_id = $3
			UNION ALL SELECT connection_id FROM leads WHERE workspace_id = $1 AND $2 = 'leads' AND external_id = $3) s
		JOIN connections c ON (c.workspace_id, c.id) = ($1, s.connection_id)
		WHERE $4 = '' OR c.name = $4 ORDER BY c.name`, workspace, kind, id, connection)
	if err != nil {
		return Called{}, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Called, err error) {
		return c, row.Scan(&c.Connection, &c.Kind, &c.ID, &c.ConnectionName)
	})
	one := strings.TrimSuffix(kind, "s")
	switch {
	case err != nil:
		return Called{}, err
	case len(list) == 0 && connection != "":
		return Called{}, fault.New(fault.NotFound, "there is no %s %s of %s here", one, id, connection)
	case len(list) == 0:
		return Called{}, fault.New(fault.NotFound, "there is no such %s here: %s", one, id)
	case len(list) == 1:
		return list[0], nil
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].ConnectionName
	}
	return Called{}, fault.New(fault.Invalid, "several connections have a %s with the id %s: say which with --connection; there are: %s", one, id, strings.Join(names, ", "))
}
