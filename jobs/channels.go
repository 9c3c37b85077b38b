package jobs

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/postgres"
)

// AddChannel adds a channel and returns it with its number. known tells whether
// the book or a CRM knows whom it serves.
func (p *Pipeline) AddChannel(ctx context.Context, workspace int64, c postgres.Channel, s postgres.ChannelSecret) (_ postgres.Channel, known bool, err error) {
	if !strings.HasPrefix(c.Address, postgres.TeamAddress) {
		c.Address = strings.ToLower(c.Address)
	}
	c.State = "active"
	if err := checkChannel(&c, s); err != nil {
		return c, false, err
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if c.ID, err = p.Vault.AddChannel(ctx, tx, workspace, c, s); err != nil {
			return err
		}
		d, err := p.openDesk(ctx, tx, workspace, p.Now())
		if err != nil {
			return err
		}
		known = d.roleOf(c.Address) != outsider
		if err := postgres.Audit(ctx, tx, workspace, c.MadeBy, "add channel", c.Address, map[string]any{"channel": c.ID, "kind": c.Kind}); err != nil {
			return err
		}
		return p.startTelling(ctx, tx, workspace)
	})
	return c, known, err
}

// checkChannel finds what is wrong with a channel, and sets its target where that
// follows from its secrets.
func checkChannel(c *postgres.Channel, s postgres.ChannelSecret) error {
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" { // that of whichever machine sends
		return fault.New(fault.Invalid, "there is no time zone %q; they are called as in Europe/Warsaw", c.Zone)
	}
	if c.Language != "" && string(language.Of(c.Language)) != c.Language {
		return fault.New(fault.Invalid, "messages are in en, pl, ru or uk, not %q", c.Language)
	}
	var err error
	switch c.Kind {
	case "email":
		err = notify.CheckMailbox(c.Target)
	case "slack", "webhook":
		if err = notify.CheckURL(s.URL); err == nil {
			u, _ := url.Parse(s.URL) // it was parsed
			c.Target = u.Host
		}
	case "telegram":
		if err = cmp.Or(notify.CheckToken(s.Token), notify.CheckChat(c.Target)); err == nil {
			err = notify.CheckURL(cmp.Or(s.Server, notify.TelegramAPI))
		}
	}
	if err == nil && c.Kind == "webhook" && len(s.Secret) < leastSecret {
		err = fault.New(fault.Invalid, "the secret that messages are signed with has %d letters; %d are the least", len(s.Secret), leastSecret)
	}
	return err
}

// leastSecret is how long a secret is that nobody tries out.
const leastSecret = 16

// startTelling has job notify run from now on, but not about what is old.
func (p *Pipeline) startTelling(ctx context.Context, tx pgx.Tx, workspace int64) error {
	if err := postgres.DropStale(ctx, tx, workspace); err != nil {
		return err
	}
	return postgres.Schedule(ctx, tx, workspace, NotifyArgs{}.Kind(), 0, notifyEvery)
}

// SetMailServer sets the mail server of a workspace.
func (p *Pipeline) SetMailServer(ctx context.Context, workspace int64, m postgres.MailServer) error {
	s := serverOf(&m)
	if err := s.Check(); err != nil {
		return err
	}
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if err := p.Vault.SetMailServer(ctx, tx, workspace, m); err != nil {
			return err
		}
		if err := postgres.Audit(ctx, tx, workspace, m.SetBy, "set mail server", m.Host, map[string]any{"heads": m.Heads, "reps": m.Reps}); err != nil {
			return err
		}
		return p.startTelling(ctx, tx, workspace)
	})
}

// SetMailReaders says who is written to without a channel, and leaves the rest of
// the mail server as it is, stopped too; nil: as it was.
func (p *Pipeline) SetMailReaders(ctx context.Context, workspace int64, heads, reps *bool, by string) error {
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		m, err := postgres.SetMailReaders(ctx, tx, workspace, heads, reps, by)
		if err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, by, "set mail server", m.Host, map[string]any{"heads": m.Heads, "reps": m.Reps})
	})
}

// TestChannel sends a test message now, whatever the hour, and returns what the
// other side calls it. A channel that was stopped goes on if it arrives.
func (p *Pipeline) TestChannel(ctx context.Context, workspace, id int64, mark string) (c postgres.Channel, vendor string, err error) {
	var ch notify.Channel
	lang := ""
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if c, err = postgres.ChannelByID(ctx, tx, workspace, id); err != nil {
			return err
		}
		mail, mailErr := p.Vault.MailServerOf(ctx, tx, workspace)
		if mailErr != nil && !postgres.Unreadable(mailErr) {
			return mailErr
		}
		b, err := p.bookOpen(ctx, tx, workspace)
		if err != nil {
			return err
		}
		lang = cmp.Or(c.Language, string(b.Language))
		ch, err = p.openChannel(ctx, tx, workspace, c, mail, mailErr)
		return err
	})
	if err != nil {
		return c, "", err
	}
	if vendor, err = ch.Send(ctx, notify.Test(language.Of(lang), mark, c.Address, p.Now())); err != nil || c.State == "active" {
		return c, vendor, err
	}
	return c, vendor, p.DB.In(ctx, workspace, func(tx pgx.Tx) error { return postgres.SetChannelState(ctx, tx, workspace, id, "") })
}

// TestMail sends a test message by a workspace's mail server to an address.
func (p *Pipeline) TestMail(ctx context.Context, workspace int64, to, mark string) (vendor string, err error) {
	var ch notify.Channel
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		mail, mailErr := p.Vault.MailServerOf(ctx, tx, workspace)
		if mailErr != nil && !postgres.Unreadable(mailErr) {
			return mailErr
		}
		ch, err = p.openChannel(ctx, tx, workspace, postgres.Channel{Kind: "email", Target: to}, mail, mailErr)
		return err
	})
	if err != nil {
		return "", err
	}
	return ch.Send(ctx, notify.Test(language.English, mark, to, p.Now()))
}

// PreviewDigest is the digest that somebody would get at an instant, in a
// language (empty: the book's), and whether there is anything in it.
func (p *Pipeline) PreviewDigest(ctx context.Context, workspace int64, address, lang string, at time.Time) (m notify.Message, any bool, err error) {
	if !strings.HasPrefix(address, postgres.TeamAddress) {
		address = strings.ToLower(address)
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		own, err := postgres.ChannelsOf(ctx, tx, workspace, address)
		if err != nil {
			return err
		}
		d := &desk{p: p, workspace: workspace, now: at, channels: map[string][]postgres.Channel{address: own}}
		if err := d.readPeople(ctx, tx); err != nil {
			return err
		}
		waited, err := postgres.WaitingFor(ctx, tx, workspace, address, notOfTheMorning(), waitingAtOnce)
		if err != nil {
			return err
		}
		if d.roleOf(address) == outsider && len(waited) == 0 {
			return fault.New(fault.NotFound, "neither the book nor a CRM knows %s, so there is no digest for it", address)
		}
		since, err := postgres.LastDigest(ctx, tx, workspace, address, at)
		if err != nil {
			return err
		}
		out, err := d.digest(ctx, tx, address, lang, orZero(since), d.now, waited)
		m, any = out.Message(d.words(lang).Language, "preview", address), !out.Empty()
		return err
	})
	return m, any, err
}
