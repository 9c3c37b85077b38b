package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/postgres"
)

// secretSource is where a secret is read from: @FILE, or - for standard input.
type secretSource string

// UnmarshalText refuses secrets on the command line. It does not repeat them.
func (s *secretSource) UnmarshalText(text []byte) error {
	if from := string(text); from != "-" && !strings.HasPrefix(from, "@") {
		return errors.New("a secret on the command line can be read by every user of this machine and stays in the shell's history; write it to a file and give @FILE, or - for standard input")
	}
	*s = secretSource(text)
	return nil
}

type notifyAddCmd struct {
	Email    addEmailCmd    `cmd:"" help:"By e-mail, through the mail server that is set."`
	Slack    addSlackCmd    `cmd:"" help:"By an incoming webhook of Slack."`
	Telegram addTelegramCmd `cmd:"" help:"By a bot of Telegram."`
	Webhook  addWebhookCmd  `cmd:"" help:"By a signed POST to a program of your own."`
}

// channelFlags are those of all kinds of channels.
type channelFlags struct {
	Address  string `arg:"" help:"Whom it serves: his e-mail address as the book or the CRM has it, or team: and the id of a team."`
	Language string `enum:",en,pl,ru,uk" default:"" help:"en, pl, ru or uk; the book's unless set."`
	Zone     string `placeholder:"ZONE" help:"Time zone, as in Europe/Warsaw; that of the calendar in the book unless set."`
	Quiet    string `default:"20:00-08:00" placeholder:"FROM-TO" help:"Hours in which nothing is sent; none for never."`
	Digest   bool   `default:"true" negatable:"" help:"Send the digest of the morning."`
	Instant  bool   `default:"true" negatable:"" help:"Send what cannot wait at once."`
}

// channel is what the flags say.
func (f *channelFlags) channel(kind, target string) (c postgres.Channel, err error) {
	c = postgres.Channel{Address: f.Address, Kind: kind, Target: target, Language: f.Language, Zone: f.Zone, Digest: f.Digest, Instant: f.Instant, MadeBy: actor()}
	c.QuietFrom, c.QuietTo, err = notify.ParseQuiet(f.Quiet)
	if err == nil && !c.Digest && !c.Instant {
		err = errors.New("--no-digest and --no-instant leave nothing to send")
	}
	return c, err
}

// add adds a channel and says so.
func (f *channelFlags) add(ctx context.Context, g *globals, kind, target string, s postgres.ChannelSecret) error {
	c, err := f.channel(kind, target)
	if err != nil {
		return err
	}
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	other, err := sameChannel(ctx, a, ws, &c)
	if err != nil {
		return err
	}
	c, known, err := a.pipeline.AddChannel(ctx, ws, c, s)
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"channel": c.ID, "address": c.Address, "kind": c.Kind, "target": c.Target, "known": known})
	}
	fmt.Fprintf(g.stdout, "Channel %d tells %s by %s (%s). `salesbook notify test %d` tries it.\n", c.ID, harmless(c.Address), c.Kind, harmless(c.Target), c.ID)
	if other != 0 {
		fmt.Fprintf(g.stdout, "Channel %d tells the same, so it comes twice; `salesbook notify remove %d` ends that.\n", other, other)
	}
	if !known {
		fmt.Fprintf(g.stdout, "Neither the book nor a CRM knows %s: it gets no digest, and is told only what names it.\n", harmless(c.Address))
	}
	return nil
}

// sameChannel is the number of a channel that tells the same person at the same
// mailbox or chat; 0 if there is none. Addresses of webhooks are secrets, and not
// compared.
func sameChannel(ctx context.Context, a *app, ws int64, c *postgres.Channel) (id int64, err error) {
	if c.Target == "" {
		return 0, nil
	}
	err = a.db.In(ctx, ws, func(tx pgx.Tx) error {
		return eachChannel(ctx, tx, ws, func(o postgres.Channel) {
			if o.Kind == c.Kind && strings.EqualFold(o.Address, c.Address) && strings.EqualFold(o.Target, c.Target) && (o.Digest && c.Digest || o.Instant && c.Instant) {
				id = o.ID
			}
		})
	})
	return id, err
}

type addEmailCmd struct {
	channelFlags
	To string `placeholder:"MAILBOX" help:"Another mailbox than the address."`
}

// Run adds a mailbox.
func (c *addEmailCmd) Run(ctx context.Context, g *globals) error {
	to := c.To
	if to == "" && strings.HasPrefix(c.Address, postgres.TeamAddress) {
		return errors.New("--to: say which mailbox serves the team")
	}
	if to == "" {
		to = c.Address
	}
	return c.add(ctx, g, "email", to, postgres.ChannelSecret{})
}

type addSlackCmd struct {
	channelFlags
	URL secretSource `required:"" placeholder:"@FILE" help:"Address of the incoming webhook, from a file or (-) from standard input."`
}

// Run adds a webhook of Slack.
func (c *addSlackCmd) Run(ctx context.Context, g *globals) error {
	url, err := g.readSecret(ctx, "url", string(c.URL))
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	return c.add(ctx, g, "slack", "", postgres.ChannelSecret{URL: url})
}

type addTelegramCmd struct {
	channelFlags
	Chat   string       `required:"" placeholder:"ID" help:"Number of the chat, or @name of a channel."`
	Token  secretSource `required:"" placeholder:"@FILE" help:"Token of the bot, from a file or (-) from standard input."`
	Server string       `placeholder:"URL" help:"A Bot API server of your own, in place of Telegram's."`
}

// Run adds a chat with a bot.
func (c *addTelegramCmd) Run(ctx context.Context, g *globals) error {
	token, err := g.readSecret(ctx, "token", string(c.Token))
	if err != nil {
		return fmt.Errorf("--token: %w", err)
	}
	return c.add(ctx, g, "telegram", c.Chat, postgres.ChannelSecret{Token: token, Server: c.Server})
}

type addWebhookCmd struct {
	channelFlags
	URL    secretSource `required:"" placeholder:"@FILE" help:"Address of the receiver, from a file or (-) from standard input: it may hold a secret."`
	Secret secretSource `required:"" placeholder:"@FILE" help:"Secret that messages are signed with, from a file; 16 letters at least."`
}

// Run adds a webhook.
func (c *addWebhookCmd) Run(ctx context.Context, g *globals) error {
	if c.URL == "-" && c.Secret == "-" {
		return errors.New("only one of --url and --secret can come from standard input")
	}
	var s postgres.ChannelSecret
	var err error
	if s.URL, err = g.readSecret(ctx, "url", string(c.URL)); err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	if s.Secret, err = g.readSecret(ctx, "secret", string(c.Secret)); err != nil {
		return fmt.Errorf("--secret: %w", err)
	}
	return c.add(ctx, g, "webhook", "", s)
}

type notifySMTPCmd struct {
	Host     string       `arg:"" optional:"" help:"Name of the mail server; what is set is shown without it."`
	Port     int          `placeholder:"PORT" help:"587 for starttls, 465 for tls, 25 for none, unless set."`
	TLS      string       `name:"tls" enum:"starttls,tls,none" default:"starttls" help:"starttls, tls, or none for a relay in your own network."`
	User     string       `placeholder:"NAME" help:"Who logs in there."`
	Password secretSource `placeholder:"@FILE" help:"The password, from a file or (-) from standard input."`
	From     string       `placeholder:"ADDRESS" help:"Whom mails come from, as in 'Sales book <book@example.com>'."`
	Heads    *bool        `negatable:"" help:"Write to heads, and to whom the book names, who have no channel; so it is unless you say --no-heads."`
	Reps     *bool        `negatable:"" help:"Write to reps who have no channel; so it is unless you say --no-reps."`
	Remove   bool         `help:"Forget the mail server."`
}

// Validate wants a sender.
func (c *notifySMTPCmd) Validate() error {
	switch {
	case c.Host != "" && c.Remove:
		return errors.New("--remove takes no host")
	case c.Host != "" && c.From == "":
		return errors.New("--from: say whom mails come from")
	case c.Host == "" && (c.Port != 0 || c.User != "" || c.Password != "" || c.From != ""):
		return errors.New("name the mail server as well: host, sender and log-in are set together")
	case (c.User == "") != (c.Password == ""):
		return errors.New("--user and --password go together")
	}
	return nil
}

// Run shows, sets or removes the mail server.
func (c *notifySMTPCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.Remove:
		return c.forget(ctx, a, ws)
	case c.Host == "" && c.Heads == nil && c.Reps == nil:
		return c.show(ctx, a, ws)
	case c.Host == "":
		if err := a.pipeline.SetMailReaders(ctx, ws, c.Heads, c.Reps, actor()); err != nil {
			return err
		}
		return c.show(ctx, a, ws)
	}
	m := postgres.MailServer{Host: c.Host, Port: c.Port, User: c.User, From: c.From, TLS: c.TLS, Heads: c.Heads == nil || *c.Heads, Reps: c.Reps == nil || *c.Reps, SetBy: actor()}
	if m.Port == 0 {
		m.Port = map[string]int{notify.StartTLS: 587, notify.TLS: 465, notify.NoTLS: 25}[m.TLS]
	}
	if c.Password != "" {
		if m.Password, err = g.readSecret(ctx, "password", string(c.Password)); err != nil {
			return fmt.Errorf("--password: %w", err)
		}
	}
	if err := a.pipeline.SetMailServer(ctx, ws, m); err != nil {
		return err
	}
	return c.show(ctx, a, ws)
}

func (c *notifySMTPCmd) forget(ctx context.Context, a *app, ws int64) error {
	err := a.db.In(ctx, ws, func(tx pgx.Tx) error {
		if err := postgres.RemoveMailServer(ctx, tx, ws); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, ws, actor(), "remove mail server", "", nil)
	})
	if err != nil {
		return err
	}
	return c.show(ctx, a, ws)
}

// show prints the mail server, without its password.
func (c *notifySMTPCmd) show(ctx context.Context, a *app, ws int64) error {
	var m *postgres.MailServer
	err := a.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
		m, err = a.pipeline.Vault.MailServerOf(ctx, tx, ws)
		return err
	})
	if err != nil && !postgres.Unreadable(err) {
		return err
	}
	if a.JSON {
		view := map[string]any{"set": m != nil}
		if m != nil {
			view = map[string]any{"set": true, "host": m.Host, "port": m.Port, "tls": m.TLS, "user": m.User, "from": m.From, "heads": m.Heads, "reps": m.Reps, "state": m.State, "why": m.Why}
		}
		return a.printJSON(view)
	}
	if m == nil {
		fmt.Fprintln(a.stdout, "There is no mail server; `salesbook notify smtp HOST --from ADDRESS` sets one.")
		return nil
	}
	t := newTable()
	t.add("server", fmt.Sprintf("%s:%d, %s", m.Host, m.Port, m.TLS))
	t.add("user", orDash(m.User))
	t.add("from", m.From)
	t.add("heads without a channel", areTold(m.Heads))
	t.add("reps without a channel", areTold(m.Reps))
	t.add("state", strings.TrimSuffix(m.State+": "+m.Why, ": "))
	fmt.Fprint(a.stdout, t.text(""))
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "`salesbook notify test --mail ADDRESS` tries it.")
	return nil
}

func areTold(yes bool) string {
	if yes {
		return "are written to at their address"
	}
	return "are not written to"
}

type notifyTestCmd struct {
	Channel int64  `arg:"" optional:"" help:"Number of the channel; all if left out."`
	Mail    string `placeholder:"ADDRESS" help:"Test the mail server alone, with a mail to this address."`
}

// Validate wants one thing to test.
func (c *notifyTestCmd) Validate() error {
	if c.Channel != 0 && c.Mail != "" {
		return errors.New("--mail takes no channel")
	}
	return nil
}

// testView is what came of a test message.
type testView struct {
	Channel int64  `json:"channel,omitempty"`
	Address string `json:"address"`
	Kind    string `json:"kind"`
	Arrived bool   `json:"arrived"`
	Message string `json:"message_id,omitempty"` // as the other side calls it
	Why     string `json:"why,omitempty"`
}

// Run sends test messages.
func (c *notifyTestCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	views, broken := c.send(ctx, a, ws)
	if broken != nil && len(views) == 0 {
		return broken
	}
	failed := 0
	for _, v := range views {
		if !v.Arrived {
			failed++
		}
	}
	if g.JSON {
		err = g.printJSON(views)
	} else {
		c.print(g, views)
	}
	switch {
	case broken != nil: // what had gone out by then is shown above
		return broken
	case err == nil && failed > 0:
		err = incomplete{counted(int64(failed), "test message") + " did not go out"}
	}
	return err
}

func (c *notifyTestCmd) send(ctx context.Context, a *app, ws int64) ([]testView, error) {
	if c.Mail != "" {
		vendor, err := a.pipeline.TestMail(ctx, ws, c.Mail, testMark())
		return []testView{tested(postgres.Channel{Address: c.Mail, Kind: "email"}, vendor, err)}, nil
	}
	ids := []int64{c.Channel}
	if c.Channel == 0 {
		ids = nil
		err := a.db.In(ctx, ws, func(tx pgx.Tx) error {
			return eachChannel(ctx, tx, ws, func(ch postgres.Channel) { ids = append(ids, ch.ID) })
		})
		if err != nil {
			return nil, err
		}
	}
	views := []testView{}
	for _, id := range ids {
		ch, vendor, err := a.pipeline.TestChannel(ctx, ws, id, testMark())
		if ch.ID == 0 || fault.KindOf(err) == fault.Unknown && err != nil {
			return views, err
		}
		views = append(views, tested(ch, vendor, err))
	}
	return views, nil
}

func testMark() string { return "sb-test-" + strings.ToLower(rand.Text()[:12]) }

func tested(c postgres.Channel, vendor string, err error) testView {
	v := testView{Channel: c.ID, Address: c.Address, Kind: c.Kind, Arrived: err == nil, Message: vendor}
	if err != nil {
		v.Why = err.Error()
	}
	return v
}

func (c *notifyTestCmd) print(g *globals, views []testView) {
	if len(views) == 0 {
		fmt.Fprintln(g.stdout, "There are no channels to test; `salesbook notify add` makes one, and --mail ADDRESS tests the mail server.")
	}
	for _, v := range views {
		what := "mail server"
		if v.Channel != 0 {
			what = fmt.Sprintf("channel %d", v.Channel)
		}
		switch {
		case v.Arrived:
			fmt.Fprintf(g.stdout, "%s (%s, %s): a test message was taken\n", what, v.Kind, harmless(v.Address))
		default:
			fmt.Fprintf(g.stdout, "%s (%s, %s): %s\n", what, v.Kind, harmless(v.Address), harmless(v.Why))
		}
	}
}
