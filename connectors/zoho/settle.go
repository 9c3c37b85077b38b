package zoho

import (
	"context"
	"net/http"
	"slices"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

const (
	// channelsLimit bounds the channels of one request (OpenAPI of 2026,
	// notifications).
	channelsLimit = 50
	// codeEnded is said of a channel that there is not (OpenAPI, notifications).
	codeEnded = "NOT_SUBSCRIBED"
	// codeTooMany is said of a channel above the vendor's bound (OpenAPI of 2026,
	// notifications; how many there may be is undocumented).
	codeTooMany = "LIMIT_REACHED"
)

// newChannel is what is sent to make or renew one.
type newChannel struct {
	ID     string   `json:"channel_id"`
	Events []string `json:"events,omitempty"`
	Until  string   `json:"channel_expiry"`
	Token  string   `json:"token,omitempty"`
	URL    string   `json:"notify_url,omitempty"`
}

// settled is what became of one channel of a request: each has an outcome of its
// own, whatever the status (OpenAPI, notifications: 201, 202, 207 and 400).
type settled struct {
	Code    string `json:"code"`
	Details struct {
		Name string `json:"api_name"` // of what is wrong
	} `json:"details"`
}

// renew gives the channels that end soon a whole life again. One that has ended
// meanwhile is no longer there: it has to be made anew.
func (c *Connector) renew(ctx context.Context, subs []connectors.Subscription, now, until time.Time) error {
	var of []*connectors.Subscription
	var list []newChannel
	for i := range subs {
		if s := &subs[i]; s.ID != "" && s.ExpiresAt.Sub(now) < channelRest {
			of, list = append(of, s), append(list, newChannel{ID: s.ID, Until: stamp(until.Unix())})
		}
	}
	said, err := c.settle(ctx, http.MethodPatch, list)
	if err != nil {
		return err
	}
	for i, o := range said {
		if o.Code == codeEnded {
			*of[i] = connectors.Subscription{Object: of[i].Object}
			continue
		}
		why, no := o.refusal(of[i].Object)
		if of[i].Refused = why; why == "" && no == nil {
			of[i].ExpiresAt = until
		}
		if err == nil {
			err = no
		}
	}
	return err
}

// create makes the channels that are missing.
func (c *Connector) create(ctx context.Context, callback connectors.Callback, subs []connectors.Subscription, until time.Time) error {
	var of []*connectors.Subscription
	var list []newChannel
	for i := range subs {
		if s := &subs[i]; s.ID == "" {
			of, list = append(of, s), append(list, newChannel{
				ID: channelID(), Events: []string{s.Object + ".all"}, Until: stamp(until.Unix()), Token: tokenOf(callback), URL: addressOf(callback),
			})
		}
	}
	said, err := c.settle(ctx, http.MethodPost, list)
	if err != nil {
		return err
	}
	for i, o := range said {
		why, no := o.refusal(of[i].Object)
		if of[i].Refused = why; why == "" && no == nil {
			of[i].ID, of[i].Active, of[i].ExpiresAt = list[i].ID, true, until
		}
		if err == nil {
			err = no
		}
	}
	return err
}

// refusal tells why a channel was refused: in words if that is about its module
// alone, as an error otherwise.
func (o settled) refusal(module string) (string, error) {
	if o.Code == "SUCCESS" {
		return "", nil
	}
	switch kind := fault.KindOf(byCode(refusal{code: o.Code})); {
	case o.Details.Name == "notify_url":
		return "", fault.New(fault.Invalid, "Zoho refuses the notification channel for %s (%s): its address must be public and https, and of 255 characters at most", module, printable(o.Code))
	case kind == fault.Auth:
		return "", fault.New(kind, "Zoho refuses these credentials (%s); connect again", printable(o.Code))
	case kind != fault.Invalid && kind != fault.Forbidden: // it passes, and concerns no other channel
		return "Zoho could not settle a notification channel for it (" + printable(o.Code) + "). It is tried again by itself; until then changes are seen by the next pull.", nil
	}
	if o.Code == codeTooMany {
		return "The account has as many notification channels as it may have (" + o.Code + "). End those of other tools; until then changes are seen by the next pull.", nil
	}
	return "Zoho refuses a notification channel for it (" + printable(o.Code) + "). Check that a module has this API name and that the user may see it; until then changes are seen by the next pull.", nil
}

// settle makes or renews channels, and tells what became of each.
func (c *Connector) settle(ctx context.Context, method string, list []newChannel) ([]settled, error) {
	var out []settled
	for some := range slices.Chunk(list, channelsLimit) {
		said, err := c.settleSome(ctx, method, some)
		if err != nil {
			return nil, err
		}
		out = append(out, said...)
	}
	return out, nil
}

// settleSome settles the channels of one request. Where that is refused as a whole,
// each is asked for alone: one may be the reason, and which one is not said.
func (c *Connector) settleSome(ctx context.Context, method string, list []newChannel) ([]settled, error) {
	said, err := c.settled(ctx, rest.Call{Method: method, Path: root + "/actions/watch", Body: map[string]any{"watch": list}, Idempotent: true})
	switch {
	case len(said) == len(list):
		return said, nil
	case err == nil:
		return nil, malformed("notification channels")
	case len(said) == 0 || len(list) == 1:
		return nil, err
	}
	var out []settled
	for i := range list {
		said, err := c.settleSome(ctx, method, list[i:i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, said...)
	}
	return out, nil
}

// settled makes a call about channels, and tells what its answer says of each: of a
// refusal too, which is the error then.
func (c *Connector) settled(ctx context.Context, call rest.Call) (said []settled, err error) {
	call.Classify = func(status int, h http.Header, body []byte) error {
		said = nil
		if status < http.StatusMultipleChoices || status == http.StatusBadRequest || status == http.StatusForbidden {
			said = settledOf(body)
		}
		return refusedChannel(status, h, body)
	}
	_, err = c.do(ctx, call)
	return said, err
}

// settledOf reads what an answer says of channels, or of the request as a whole; nil
// if it says nothing of the kind.
func settledOf(body []byte) []settled {
	var e struct {
		settled
		Watch []settled `json:"watch"`
	}
	switch {
	case !answers.IsObject(body) || answers.Read(body, &e) != nil || e.Code == codeScope:
		return nil
	case e.Code != "":
		return []settled{e.settled}
	}
	return e.Watch
}
