package jobs

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
)

// wantTells stores what people are to be told about a deal or lead, each of it
// once to each of them. Job notify sends it.
func wantTells(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind, id string, tells []enforce.Tell) error {
	var list []postgres.Notification
	about := postgres.SubjectKey{Connection: connection, Kind: kind, ID: id}
	for i := range tells {
		t := &tells[i]
		n := postgres.Notification{Occasion: string(t.Occasion), Key: t.Key, Subject: about, Rule: string(t.Rule), Detail: t.Detail}
		if !t.Opened.IsZero() {
			n.Opened = &t.Opened
		}
		for _, to := range t.To {
			n.Address = strings.ToLower(to)
			list = append(list, n)
		}
	}
	return postgres.WantNotifications(ctx, tx, workspace, list)
}
