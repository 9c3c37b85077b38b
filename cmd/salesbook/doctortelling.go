package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// tellingPeople looks whether people can be told what they are to be told. It
// says nothing of a company that has set nothing up.
func (d *doctor) tellingPeople(ctx context.Context) error {
	var mail *postgres.MailServer
	var mailErr error
	var s postgres.TellingStatus
	channels := 0
	err := d.inside(ctx, func(ws int64, tx pgx.Tx) (err error) {
		mail, mailErr = d.pipeline.Vault.MailServerOf(ctx, tx, ws)
		if mailErr != nil && !postgres.Unreadable(mailErr) {
			return mailErr
		}
		if s, err = postgres.TellingStatusOf(ctx, tx, ws); err != nil {
			return err
		}
		return eachChannel(ctx, tx, ws, func(postgres.Channel) { channels++ })
	})
	switch {
	case err != nil || mail == nil && channels == 0:
		return err
	case mailErr != nil:
		d.fail("telling", mailErr.Error(), "`salesbook notify smtp` sets the mail server anew")
	case mail != nil && mail.State != "active":
		d.warn("telling", "the mail server is stopped: "+mail.Why, "`salesbook notify smtp` sets it again")
	case len(s.Stopped) > 0:
		d.warn("telling", fmt.Sprintf("channels that are stopped: %d", len(s.Stopped)), "`salesbook notify channels` says why")
	case s.Failed > 0:
		d.warn("telling", fmt.Sprintf("messages that reached nobody: %s", count(s.Failed)), "`salesbook failures list` says why")
	default:
		d.ok("telling", "%s; %s on the way", counted(int64(channels), "channel"), counted(s.Waiting, "notification"))
	}
	return nil
}
