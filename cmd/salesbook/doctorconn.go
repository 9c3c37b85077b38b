package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
)

// connections looks at every connection of the workspace, at its vendor too.
func (d *doctor) connections(ctx context.Context) error {
	ws, err := d.workspace(ctx)
	if err != nil {
		return err
	}
	var list []postgres.Connection
	err = d.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
		list, err = postgres.Connections(ctx, tx, ws)
		return err
	})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		d.ok("connections", "there are none yet")
	}
	reader := newStatusReader(d.app)
	for _, c := range list {
		d.connection(ctx, c)
		s, err := reader.connection(ctx, c)
		if err != nil {
			return err
		}
		d.standing(c, s)
	}
	return nil
}

// connection asks the vendor what the credentials may see.
func (d *doctor) connection(ctx context.Context, c postgres.Connection) {
	switch c.State {
	case "needs consent":
		d.fail(c.Name, "needs consent: "+c.StateWhy, fmt.Sprintf("run `salesbook connect %s %s --replace` with new credentials", c.Vendor, c.Name))
		return
	case "paused":
		d.warn(c.Name, "is paused: "+c.StateWhy, "`salesbook connections resume "+c.Name+"` sets it going again")
		return
	case "removing":
		d.warn(c.Name, "is only half removed", "run `salesbook connections remove "+c.Name+"` again")
		return
	}
	s, err := d.pipeline.Open(ctx, c.Workspace, c.ID)
	if err != nil {
		d.fail(c.Name, err.Error(), "`salesbook mapping check "+c.Name+"` says what is wrong with a map")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	watch := &clockWatch{next: d.pipeline.Transport}
	d.pipeline.Transport = watch
	rights, err := d.pipeline.Check(ctx, s)
	d.pipeline.Transport = watch.next
	if skew, far := watch.far(); far {
		d.warn(c.Name, fmt.Sprintf("the vendor's clock and this machine's are %s apart", span(skew.Abs())),
			"let this machine follow NTP; if it does, the vendor's is wrong, which does no harm: windows of time go by its clock alone")
	}
	if err != nil {
		d.fail(c.Name, err.Error(), "")
		return
	}
	d.ok(c.Name, "%s answers for account %s, as user %s", s.Spec.Title, rights.Name, rights.User)
	for _, m := range rights.Missing {
		d.warn(c.Name, "not visible: "+m, "")
	}
	d.deliveries(ctx, c)
}

// deliveries looks at whether the vendor can and will tell us of changes.
func (d *doctor) deliveries(ctx context.Context, c postgres.Connection) {
	if c.HookURL == "" {
		d.warn(c.Name, "no deliveries are asked for, since there is no public URL: changes are pulled", fmt.Sprintf("run `salesbook connect %s %s --replace --hook-url URL`", c.Vendor, c.Name))
		return
	}
	u, err := url.Parse(c.HookURL)
	if err != nil || u.Host == "" {
		d.fail(c.Name, "the public URL is none", fmt.Sprintf("run `salesbook connect %s %s --replace --hook-url URL`", c.Vendor, c.Name))
		return
	}
	if u.Scheme != "https" && c.BaseURL == "" {
		d.warn(c.Name, "the public URL "+u.Redacted()+" is not https, which vendors want", "put a proxy with a certificate before it")
	} else if loopback(u.Hostname()) && c.BaseURL == "" {
		d.warn(c.Name, "the public URL "+u.Redacted()+" is this machine's own: no vendor can reach it", fmt.Sprintf("run `salesbook connect %s %s --replace --hook-url URL` with an address of the outside", c.Vendor, c.Name))
	}
	var subs []connectors.Subscription
	err = d.db.In(ctx, c.Workspace, func(tx pgx.Tx) (err error) {
		subs, err = postgres.Subscriptions(ctx, tx, c.Workspace, c.ID)
		return err
	})
	active := 0
	for _, s := range subs {
		if s.Active && (s.ExpiresAt.IsZero() || s.ExpiresAt.After(time.Now())) {
			active++
		}
		if s.Refused != "" {
			d.warn(c.Name, "the vendor does not tell of changes of "+s.Object+", which are pulled: "+s.Refused, "")
		}
	}
	switch {
	case err != nil:
		d.fail(c.Name, err.Error(), "")
	case active == 0:
		d.warn(c.Name, "the vendor holds no active subscription of ours: changes are pulled", "a worker subscribes once an hour; `salesbook runs "+c.Name+"` shows why it could not")
	default:
		d.ok(c.Name, "%s at the vendor", counted(int64(active), "active subscription"))
	}
}

// maxLag is how far behind a connection may be before somebody should look.
const maxLag = 7 * time.Hour

// standing looks at how far behind a connection is, and at what was given up.
func (d *doctor) standing(c postgres.Connection, s connectionStatus) {
	var late []string
	for _, o := range s.Objects {
		if o.LagSeconds != nil && time.Duration(*o.LagSeconds*float64(time.Second)) > maxLag {
			late = append(late, strings.ToLower(o.Title))
		}
	}
	if len(late) > 0 && c.State == "active" {
		d.warn(c.Name, "more than "+span(maxLag)+" behind: "+strings.Join(late, ", "), "`salesbook status "+c.Name+"` and `salesbook runs "+c.Name+"` show why")
	}
	if s.Resting != nil {
		d.warn(c.Name, s.Resting.words(s.At), "nothing, if the vendor is down: it is tried again by itself. `salesbook connections resume "+c.Name+"` tries at once")
	}
	if s.Writing.Mode == "stopped" {
		d.warn(c.Name, s.Writing.words(), "look at `salesbook edits list --connection "+c.Name+"`, then `salesbook edits live "+c.Name+"` or `edits dry "+c.Name+"`")
	}
	if s.FailuresOpen > 0 {
		d.warn(c.Name, counted(s.FailuresOpen, "failure")+" open", "`salesbook failures list "+c.Name+"`")
	}
}
