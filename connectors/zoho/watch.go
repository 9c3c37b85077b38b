package zoho

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

var _ connectors.Watcher = (*Connector)(nil)

const (
	// channelLife is the longest that a channel may live: a week since version 4
	// (docs, notifications), less for clocks that differ.
	channelLife = 7*24*time.Hour - 10*time.Minute
	// channelRest is how much of its life a channel must have left; below it is
	// renewed, so that it is about once a day.
	channelRest = 6 * 24 * time.Hour
)

// watched are the modules that channels report on. Notes are left to the pull:
// that channels know them is not documented.
func (c *Connector) watched() []string {
	var out []string
	for _, src := range c.order {
		if src.way == byQuery {
			out = append(out, src.Name)
		}
	}
	return out
}

// channel is a channel as listed, once for each module of it (OpenAPI,
// notifications). Its id is a number or a text.
type channel struct {
	ID     sonic.NoCopyRawMessage `json:"channel_id"`
	URL    string                 `json:"notify_url"`
	Events []string               `json:"events"`
	Token  *string                `json:"token"`
	Module string                 `json:"resource_name"`
	Until  string                 `json:"channel_expiry"`
}

// Watch implements connectors.Watcher, with one channel for each module. What is
// missing is made before anything is removed, so that no event falls between. A
// channel whose life has ended is silently gone and is made anew, under another id:
// what happened in between nobody was told. One that was made by a process that died
// then stands in the list, and is taken as it is.
func (c *Connector) Watch(ctx context.Context, callback connectors.Callback) ([]connectors.Subscription, error) {
	if callback.URL == "" || callback.Password == "" {
		return nil, fault.New(fault.Invalid, "zoho: a callback needs an address and a password, from which the token is made that is the only protection")
	}
	ours, now, err := c.channels(ctx, callback)
	if err != nil {
		return nil, err
	}
	subs, until := c.standing(callback, ours, now), now.Add(channelLife).Truncate(time.Second)
	if err := c.renew(ctx, subs, now, until); err != nil {
		return nil, err
	}
	if err := c.create(ctx, callback, subs, until); err != nil {
		return nil, err
	}
	return subs, c.disable(ctx, surplus(ours, subs))
}

// standing tells of each module the channel that serves; where none does, there is
// no id yet.
func (c *Connector) standing(callback connectors.Callback, ours []channel, now time.Time) []connectors.Subscription {
	var out []connectors.Subscription
	for _, module := range c.watched() {
		sub := connectors.Subscription{Object: module}
		if i := slices.IndexFunc(ours, func(ch channel) bool { return ch.serves(callback, module, now) }); i >= 0 {
			sub.ID, sub.Active, sub.ExpiresAt = answers.Text(ours[i].ID), true, ours[i].ends()
		}
		out = append(out, sub)
	}
	return out
}

// surplus are those of our channels that serve nothing.
func surplus(ours []channel, subs []connectors.Subscription) []string {
	var out []string
	for _, ch := range ours {
		if id := answers.Text(ch.ID); !slices.ContainsFunc(subs, func(s connectors.Subscription) bool { return s.ID == id }) {
			out = append(out, id)
		}
	}
	return out
}

// Unwatch implements connectors.Watcher.
func (c *Connector) Unwatch(ctx context.Context, callback connectors.Callback) error {
	if callback.URL == "" {
		return fault.New(fault.Invalid, "zoho: a callback needs an address")
	}
	ours, _, err := c.channels(ctx, callback)
	if err != nil {
		return err
	}
	var all []string
	for _, ch := range ours {
		all = append(all, answers.Text(ch.ID))
	}
	return c.disable(ctx, all)
}

// addressOf is where a channel delivers to.
func addressOf(callback connectors.Callback) string {
	return callback.URL + "?" + markName + "=" + markOf(callback)
}

// channels lists the channels under the callback's address, and the vendor's time.
func (c *Connector) channels(ctx context.Context, callback connectors.Callback) ([]channel, time.Time, error) {
	var ours []channel
	now := c.now().UTC()
	for page := 1; ; page++ {
		query := url.Values{"page": {number(page)}, "per_page": {number(listLimit)}}
		answer, err := c.do(ctx, rest.Call{Path: root + "/actions/watch", Query: query, Classify: refusedChannel})
		if err != nil {
			return nil, now, err
		}
		if !answer.Date.IsZero() {
			now = answer.Date
		}
		if nothing(answer, nil) {
			return ours, now, nil
		}
		var e struct {
			Watch []channel `json:"watch"`
		}
		if answers.ReadProven(answer.Body, &e) != nil || e.Watch == nil {
			return nil, now, malformed("notification channels")
		}
		for _, ch := range e.Watch {
			if under(ch.URL, callback.URL) && numeric(answers.Text(ch.ID)) {
				ours = append(ours, ch)
			}
		}
		place, err := infoOf(answer.Body, "notification channels")
		switch {
		case err != nil:
			return nil, now, err
		case !place.More:
			return ours, now, nil
		case len(e.Watch) == 0 || page >= pagesLimit:
			return nil, now, endless("notification channels")
		}
	}
}

// under reports whether an address is the callback's or below it.
func under(address, callback string) bool {
	rest, ok := strings.CutPrefix(address, strings.TrimRight(callback, "/"))
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

func (ch channel) ends() time.Time {
	at, ok := instant(ch.Until)
	if !ok {
		return time.Time{}
	}
	return at
}

// serves reports whether the channel is just what Watch makes for a module. Its
// address tells by which password.
func (ch channel) serves(callback connectors.Callback, module string, now time.Time) bool {
	return ch.URL == addressOf(callback) && ch.ends().After(now) &&
		(ch.Token == nil || equal(*ch.Token, tokenOf(callback))) && ch.hears(module)
}

// hears tells whether all that happens in a module is reported.
func (ch channel) hears(module string) bool {
	if slices.Contains(ch.Events, module+".all") {
		return true
	}
	for _, operation := range []string{".create", ".edit", ".delete"} {
		if !slices.Contains(ch.Events, module+operation) {
			return false
		}
	}
	return true
}

// printable keeps a code from outside from being anything else.
func printable(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return -1
	}, code)
}

// disable ends channels; those that have ended already are no error.
func (c *Connector) disable(ctx context.Context, ids []string) error {
	for some := range slices.Chunk(distinct(ids), idsLimit) {
		said, err := c.settled(ctx, rest.Call{
			Method: http.MethodDelete, Path: root + "/actions/watch", Query: url.Values{"channel_ids": {strings.Join(some, ",")}}, Idempotent: true,
		})
		if err != nil && !slices.ContainsFunc(said, func(o settled) bool { return o.Code == codeEnded }) {
			return err
		}
		if err != nil && len(some) > 1 { // the others may stand still
			for i := range some {
				if err := c.disable(ctx, some[i:i+1]); err != nil {
					return err
				}
			}
			continue
		}
		if said == nil {
			return malformed("notification channels")
		}
		if i := slices.IndexFunc(said, func(o settled) bool { return o.Code != "SUCCESS" && o.Code != codeEnded }); i >= 0 {
			return fault.New(fault.Invalid, "Zoho does not end a notification channel (%s)", printable(said[i].Code))
		}
	}
	return nil
}

// refusedChannel replaces the vendor's words, which may quote address and token.
func refusedChannel(status int, h http.Header, body []byte) error {
	no := refusalOf(body)
	switch {
	case status < 400 && no.code == "" || status == http.StatusTooManyRequests || no.code == codeScope:
		return nil // as everywhere
	case status >= 500:
		return fault.New(fault.Temporary, "Zoho could not settle the notification channels (%d); try again later", status)
	case status == http.StatusUnauthorized:
		return fault.New(fault.Auth, "Zoho refuses these credentials; connect again")
	case status == http.StatusForbidden, no.code == "NO_PERMISSION":
		return fault.New(fault.Forbidden, "notification channels need the scope ZohoCRM.notifications.ALL and a user who may see the modules")
	case status == http.StatusNotFound && no.code == "":
		return nil
	}
	return fault.New(fault.Invalid, "Zoho refuses the notification channels (%d %s)", status, printable(no.code))
}
