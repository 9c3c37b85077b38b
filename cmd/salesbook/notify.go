package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/postgres"
)

type notifyCmd struct {
	Channels notifyChannelsCmd `cmd:"" help:"List by what people are told."`
	Add      notifyAddCmd      `cmd:"" help:"Tell somebody by e-mail, Slack, Telegram or a webhook."`
	Remove   notifyRemoveCmd   `cmd:"" help:"Remove a channel."`
	SMTP     notifySMTPCmd     `cmd:"" name:"smtp" help:"Show or set the mail server by which mails go out."`
	Test     notifyTestCmd     `cmd:"" help:"Send a test message now and say what came of it."`
	Preview  notifyPreviewCmd  `cmd:"" help:"Print the digest that somebody would get now; nothing is sent."`
	List     notifyListCmd     `cmd:"" help:"List what waits, what failed and what was sent lately."`
}

// channelView is a channel as it is printed. Its JSON stays.
type channelView struct {
	ID       int64     `json:"id"`
	Address  string    `json:"address"`
	Kind     string    `json:"kind"`
	Target   string    `json:"target"`
	Language string    `json:"language,omitempty"` // empty: the book's
	Zone     string    `json:"zone,omitempty"`     // empty: that of the calendar
	Quiet    string    `json:"quiet"`
	Digest   bool      `json:"digest"`
	Instant  bool      `json:"instant"`
	State    string    `json:"state"`
	Why      string    `json:"why,omitempty"`
	AddedAt  time.Time `json:"added_at"`
	AddedBy  string    `json:"added_by"`
}

func channelViewOf(c postgres.Channel) channelView {
	return channelView{c.ID, c.Address, c.Kind, c.Target, c.Language, c.Zone, notify.FormatQuiet(c.QuietFrom, c.QuietTo), c.Digest, c.Instant, c.State, c.Why, c.MadeAt.UTC(), c.MadeBy}
}

// takes says what goes by a channel.
func (v *channelView) takes() string {
	switch {
	case v.Digest && v.Instant:
		return "digest, at once"
	case v.Digest:
		return "digest"
	}
	return "at once"
}

type notifyChannelsCmd struct{}

// Run lists channels.
func (c *notifyChannelsCmd) Run(ctx context.Context, g *globals) error {
	views := []channelView{}
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		return eachChannel(ctx, tx, ws, func(c postgres.Channel) { views = append(views, channelViewOf(c)) })
	})
	switch {
	case err != nil:
		return err
	case g.JSON:
		return g.printJSON(views)
	case len(views) == 0:
		fmt.Fprintln(g.stdout, "There are no channels; `salesbook notify add` makes one. With a mail server (`salesbook notify smtp`) heads are told by mail without one.")
		return nil
	}
	t := newTable(">ID", "WHO", "BY", "WHERE", "TAKES", "QUIET", "LANGUAGE", "ZONE", "STATE")
	for i := range views {
		v := &views[i]
		state := v.State
		if v.Why != "" {
			state += ": " + shorten(v.Why, 100)
		}
		t.add(fmt.Sprint(v.ID), v.Address, v.Kind, v.Target, v.takes(), v.Quiet, orDash(v.Language), orDash(v.Zone), state)
	}
	fmt.Fprint(g.stdout, t.text(""))
	return nil
}

// eachChannel reads channels page by page.
func eachChannel(ctx context.Context, tx pgx.Tx, ws int64, do func(postgres.Channel)) error {
	for after := int64(0); ; {
		page, err := postgres.Channels(ctx, tx, ws, after, 500)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			do(c)
			after = c.ID
		}
	}
}

type notifyRemoveCmd struct {
	Channel int64 `arg:"" help:"Number of the channel."`
}

// Run removes a channel.
func (c *notifyRemoveCmd) Run(ctx context.Context, g *globals) error {
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		if err := postgres.RemoveChannel(ctx, tx, ws, c.Channel); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, ws, actor(), "remove channel", fmt.Sprint(c.Channel), nil)
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"channel": c.Channel, "removed": true})
	}
	fmt.Fprintf(g.stdout, "Channel %d is removed. What was to go by it is dropped.\n", c.Channel)
	return nil
}

type notifyPreviewCmd struct {
	Address  string   `arg:"" help:"E-mail address of a head or rep, or team: and the id of a team."`
	Language string   `enum:",en,pl,ru,uk" default:"" help:"en, pl, ru or uk; the book's unless set."`
	At       momentIn `placeholder:"TIME" help:"As of this instant, as in 2026-11-30T08:30:00+01:00; now unless set."`
}

// momentIn is an instant with its zone.
type momentIn struct{ time.Time }

// UnmarshalText reads an instant as RFC 3339 has it.
func (m *momentIn) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		err = fmt.Errorf("%q is no instant as in 2026-11-30T08:30:00+01:00", text)
	}
	return err
}

// Run prints a digest.
func (c *notifyPreviewCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	at := c.At.Time
	if at.IsZero() {
		at = a.pipeline.Now()
	}
	m, some, err := a.pipeline.PreviewDigest(ctx, ws, c.Address, c.Language, at)
	switch {
	case err != nil:
		return err
	case g.JSON:
		return g.printJSON(map[string]any{"to": m.To, "language": m.Language, "subject": m.Subject, "text": notify.Plain(m), "anything_to_say": some})
	case !some:
		fmt.Fprintf(g.stdout, "There is nothing to say to %s: no digest would be sent.\n", harmless(c.Address))
		return nil
	}
	fmt.Fprintf(g.stdout, "%s\n\n%s", harmless(m.Subject), harmless(notify.Plain(m)))
	return nil
}

type notifyListCmd struct {
	State []string `enum:"waiting,going,sent,failed,dropped" placeholder:"STATE" help:"Only those that are waiting, going, sent, failed or dropped; all unless set."`
	Most  pageSize `short:"n" default:"50" help:"How many at most, the newest first."`
	Below int64    `placeholder:"ID" help:"Only those with lower numbers."`
}

// notificationView is a notification as it is printed. Its JSON stays.
type notificationView struct {
	ID         int64      `json:"id"`
	To         string     `json:"to"`
	Occasion   string     `json:"occasion"`
	Key        string     `json:"key"`
	Connection string     `json:"connection,omitempty"`
	Kind       string     `json:"kind,omitempty"`
	Subject    string     `json:"subject,omitempty"`
	Rule       string     `json:"rule,omitempty"`
	MadeAt     time.Time  `json:"made_at"`
	State      string     `json:"state"`
	Channels   []string   `json:"channels"`
	Attempts   int        `json:"attempts"`
	SentAt     *time.Time `json:"sent_at,omitempty"`
	NextAt     *time.Time `json:"next_at,omitempty"`
	Why        string     `json:"why,omitempty"`
}

func notificationViewOf(n postgres.ListedNotification, names map[int64]string) notificationView {
	v := notificationView{ID: n.ID, To: n.Address, Occasion: n.Occasion, Key: n.Key, Connection: names[n.Subject.Connection], Kind: one(n.Subject.Kind), Subject: n.Subject.ID,
		Rule: n.Rule, MadeAt: n.MadeAt.UTC(), State: n.State, Channels: n.Channels, Attempts: n.Attempts, SentAt: n.Sent, NextAt: n.NextAt, Why: n.Why}
	if v.Why == "" {
		v.Why = n.Said
	}
	if v.NextAt == nil && n.State == "waiting" {
		v.NextAt = n.NotBefore
	}
	return v
}

// Run lists notifications.
func (c *notifyListCmd) Run(ctx context.Context, g *globals) error {
	views := []notificationView{}
	states := c.State
	if len(states) == 0 {
		states = []string{"waiting", "going", "sent", "failed", "dropped"}
	}
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		names, err := postgres.ConnectionNames(ctx, tx, ws)
		if err != nil {
			return err
		}
		list, err := postgres.ListNotifications(ctx, tx, ws, states, c.Below, int(c.Most))
		for _, n := range list {
			views = append(views, notificationViewOf(n, names))
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case g.JSON:
		return g.printJSON(views)
	case len(views) == 0:
		fmt.Fprintln(g.stdout, map[bool]string{true: "Nobody was to be told anything.", false: "There is nothing of this sort."}[len(c.State) == 0 && c.Below == 0])
		return nil
	}
	t := newTable(">ID", "MADE", "WHO", "WHY", "ABOUT", "STATE", "BY", ">TRIES", "REMARK")
	for i := range views {
		v := &views[i]
		t.add(fmt.Sprint(v.ID), v.MadeAt.Format("2006-01-02 15:04"), v.To, v.Occasion, strings.TrimSpace(v.Kind+" "+v.Subject), v.State,
			orDash(strings.Join(v.Channels, ", ")), fmt.Sprint(v.Attempts), v.remark())
	}
	fmt.Fprint(g.stdout, t.text(""))
	if len(views) == int(c.Most) {
		fmt.Fprintf(g.stdout, "These are the newest; --below %d shows the next.\n", views[len(views)-1].ID)
	}
	return nil
}

func (v *notificationView) remark() string {
	var parts []string
	if v.NextAt != nil {
		parts = append(parts, "next "+v.NextAt.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if v.Why != "" {
		parts = append(parts, shorten(v.Why, 120))
	}
	return strings.Join(parts, "; ")
}
