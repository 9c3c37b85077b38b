package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// printTelling says how the telling of people goes, if there is anything to say.
func printTelling(ctx context.Context, a *app) error {
	var s postgres.TellingStatus
	err := a.inside(ctx, func(ws int64, tx pgx.Tx) (err error) {
		s, err = postgres.TellingStatusOf(ctx, tx, ws)
		return err
	})
	if err != nil {
		return err
	}
	for _, line := range tellingLines(&s) {
		fmt.Fprintln(a.stdout, harmless(line))
	}
	return nil
}

func tellingLines(s *postgres.TellingStatus) (lines []string) {
	if s.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("%s: `salesbook notify list --state waiting`", counted(s.Waiting, "notification")+" on the way"))
	}
	if s.Failed > 0 {
		lines = append(lines, fmt.Sprintf("%s: `salesbook failures list`", counted(s.Failed, "message")+" reached nobody"))
	}
	for _, c := range s.Stopped {
		lines = append(lines, fmt.Sprintf("channel %d (%s, %s) is stopped: %s", c.ID, c.Kind, c.Address, shorten(c.Why, 200)))
	}
	if len(lines) > 0 {
		lines = append([]string{"", "telling people"}, lines...)
	}
	return lines
}
