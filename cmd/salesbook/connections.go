package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type connectionsCmd struct {
	List   connectionsListCmd   `cmd:"" help:"List connections."`
	Show   connectionsShowCmd   `cmd:"" help:"Show a connection's settings, rights and subscriptions."`
	Pause  connectionsPauseCmd  `cmd:"" help:"Stop reading; everything that was read stays."`
	Resume connectionsResumeCmd `cmd:"" help:"Set a paused connection going again."`
	Remove connectionsRemoveCmd `cmd:"" help:"Remove a connection with everything that was read through it."`
}

// connectionView is a connection as it is printed. Its JSON stays.
type connectionView struct {
	Name          string             `json:"name"`
	Vendor        string             `json:"vendor"`
	State         string             `json:"state"`
	StateWhy      string             `json:"state_why,omitempty"`
	StateSince    time.Time          `json:"state_since"`
	Account       string             `json:"account"`
	User          string             `json:"user"`
	Zone          string             `json:"zone"`
	BaseURL       string             `json:"base_url,omitempty"`
	HookURL       string             `json:"hook_url,omitempty"`
	Settings      map[string]string  `json:"settings"`
	Missing       []string           `json:"rights_missing"`
	CheckedAt     *time.Time         `json:"checked_at,omitempty"`
	CreatedAt     time.Time          `json:"created_at"`
	Subscriptions []subscriptionView `json:"subscriptions,omitempty"`
}

type subscriptionView struct {
	ID        string     `json:"id"` // empty: it does not stand
	Object    string     `json:"object"`
	Active    bool       `json:"active"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	Refused   string     `json:"refused,omitempty"` // why
}

func viewOf(c postgres.Connection) connectionView {
	return connectionView{Name: c.Name, Vendor: c.Vendor, State: c.State, StateWhy: c.StateWhy, StateSince: c.StateAt, Account: c.AccountName, User: c.AccountUser,
		Zone: c.Zone, BaseURL: c.BaseURL, HookURL: c.HookURL, Settings: c.Settings, Missing: c.RightsMissing, CheckedAt: c.CheckedAt, CreatedAt: c.CreatedAt}
}

type connectionsListCmd struct{}

// Run lists the workspace's connections.
func (c *connectionsListCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	var list []postgres.Connection
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) (err error) { list, err = postgres.Connections(ctx, tx, ws); return err })
	if err != nil {
		return err
	}
	views := make([]connectionView, len(list))
	t := newTable("NAME", "VENDOR", "STATE", "ACCOUNT", "SINCE")
	for i, conn := range list {
		views[i] = viewOf(conn)
		t.add(conn.Name, conn.Vendor, conn.State, orDash(conn.AccountName), conn.CreatedAt.UTC().Format(time.DateOnly))
	}
	switch {
	case g.JSON:
		return g.printJSON(views)
	case len(list) == 0:
		fmt.Fprintln(g.stdout, "There are no connections yet; `salesbook connect VENDOR NAME` makes one.")
	default:
		fmt.Fprint(g.stdout, t.text(""))
	}
	return nil
}

type connectionsShowCmd struct {
	Name string `arg:"" help:"Connection."`
}

// Run shows one connection.
func (c *connectionsShowCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	conn, err := a.connection(ctx, c.Name)
	if err != nil {
		return err
	}
	var subs []connectors.Subscription
	err = a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) (err error) {
		subs, err = postgres.Subscriptions(ctx, tx, conn.Workspace, conn.ID)
		return err
	})
	if err != nil {
		return err
	}
	v := viewOf(conn)
	for _, s := range subs {
		sub := subscriptionView{ID: s.ID, Object: s.Object, Active: s.Active, Refused: s.Refused}
		if !s.ExpiresAt.IsZero() {
			sub.ExpiresAt = &s.ExpiresAt
		}
		v.Subscriptions = append(v.Subscriptions, sub)
	}
	if g.JSON {
		return g.printJSON(v)
	}
	fmt.Fprint(g.stdout, v.text())
	return nil
}

// words tell of a subscription in a line.
func (s subscriptionView) words() string {
	state := "active"
	switch {
	case s.Refused != "" && s.ID == "":
		return s.Object + " refused: " + s.Refused
	case s.Refused != "" && s.ExpiresAt != nil:
		state += " until " + s.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC") + ", then refused: " + s.Refused
	case !s.Active:
		state = "inactive"
	}
	return s.ID + " " + s.Object + " " + state
}

// text renders a connection for people.
func (v *connectionView) text() string {
	t := newTable()
	t.add("name", v.Name)
	t.add("vendor", v.Vendor)
	t.add("state", v.State+" since "+v.StateSince.UTC().Format("2006-01-02 15:04 UTC"))
	if v.StateWhy != "" {
		t.add("", v.StateWhy)
	}
	t.add("account", orDash(v.Account))
	t.add("user", orDash(v.User))
	t.add("time zone", v.Zone)
	if v.BaseURL != "" {
		t.add("base URL", v.BaseURL)
	}
	t.add("deliveries to", orDash(v.HookURL))
	for _, name := range sortedKeys(v.Settings) {
		t.add(name, v.Settings[name])
	}
	for _, s := range v.Subscriptions {
		t.add("subscription", s.words())
	}
	for _, m := range v.Missing {
		t.add("not visible", m)
	}
	return t.text("")
}

type connectionsPauseCmd struct {
	Name string `arg:"" help:"Connection."`
}

// Run stops a connection until somebody resumes it.
func (c *connectionsPauseCmd) Run(ctx context.Context, g *globals) error {
	return changeState(ctx, g, c.Name, "pause", "paused", "paused by "+actor())
}

type connectionsResumeCmd struct {
	Name string `arg:"" help:"Connection."`
}

// Run sets a connection going again.
func (c *connectionsResumeCmd) Run(ctx context.Context, g *globals) error {
	return changeState(ctx, g, c.Name, "resume", "active", "")
}

// changeState pauses or resumes; what a resumed connection has missed is
// pulled at once, and its webhooks are looked after.
func changeState(ctx context.Context, g *globals, name, action, state, why string) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	conn, err := a.connection(ctx, name)
	if err != nil {
		return err
	}
	if conn.State == "needs consent" && state == "active" {
		return jobs.StateError(conn)
	}
	if state == "active" { // a restored backup may have brought persons back who were erased
		if _, err := a.pipeline.EraseAgain(ctx, conn.Workspace, actor()); err != nil {
			return fmt.Errorf("persons who were erased before the backup was restored could not be erased again: %w", err)
		}
	}
	changed := false
	err = a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) (err error) {
		if changed, err = postgres.SetState(ctx, tx, conn.Workspace, conn.ID, state, why); err != nil || !changed {
			return err
		}
		if err := postgres.Audit(ctx, tx, conn.Workspace, actor(), action, name, nil); err != nil || state != "active" {
			return err
		}
		// Subscriptions may have lapsed, or be those that a dump remembers.
		_, err = a.pipeline.Queue.InsertManyTx(ctx, tx, []river.InsertManyParams{
			{Args: jobs.PullArgs{Workspace: conn.Workspace, Connection: conn.ID, Force: true}},
			{Args: jobs.WatchArgs{Workspace: conn.Workspace, Connection: conn.ID}}})
		return err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"connection": name, "state": state, "changed": changed})
	}
	if !changed {
		fmt.Fprintf(g.stdout, "%s is %s already.\n", name, state)
		return nil
	}
	fmt.Fprintf(g.stdout, "%s is %s.\n", name, state)
	return nil
}

type connectionsRemoveCmd struct {
	Name string `arg:"" help:"Connection."`
	Yes  bool   `help:"Do not ask."`
}

// Run takes our webhooks away at the vendor, then removes everything here.
func (c *connectionsRemoveCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	conn, err := a.connection(ctx, c.Name)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Remove %s (%s %s) with everything that was read through it? Observed stage moves and changes cannot be read again.", c.Name, conn.Vendor, conn.AccountName)
	if err := g.confirm(ctx, c.Yes, question); err != nil {
		return err
	}
	left := c.unwatch(ctx, a, conn)
	over := g.telling("removing what was read through " + c.Name)
	err = a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) error {
		if err := postgres.RemoveConnection(ctx, tx, conn.Workspace, conn.ID); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, conn.Workspace, actor(), "remove", c.Name, map[string]any{"vendor": conn.Vendor, "account": conn.AccountName})
	})
	over()
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"connection": c.Name, "removed": true, "webhooks_left": left})
	}
	if left != "" {
		fmt.Fprintf(g.stdout, "The webhooks at the vendor could not be removed (%s): remove those named after salesbook there by hand.\n", left)
	}
	fmt.Fprintf(g.stdout, "%s is removed.\n", c.Name)
	return nil
}

// unwatch ends all work on the connection, for good, and removes our webhooks
// as far as the credentials still allow. It returns why they could not be removed.
func (c *connectionsRemoveCmd) unwatch(ctx context.Context, a *app, conn postgres.Connection) string {
	err := a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) error {
		if _, err := postgres.SetState(ctx, tx, conn.Workspace, conn.ID, "removing", "being removed by "+actor()); err != nil {
			return err
		}
		return postgres.RevokeLeases(ctx, tx, conn.Workspace, conn.ID)
	})
	if err != nil {
		return err.Error()
	}
	s, err := a.pipeline.Open(ctx, conn.Workspace, conn.ID)
	if err == nil {
		err = a.pipeline.Unwatch(ctx, s)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
