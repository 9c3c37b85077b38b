package pipedrive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// One subscription to "*" is kept instead of one for each object: it is one of
// the 40 that a user may have, costs one call, and is the only way to hear of
// attached products, whose entity the operation does not list (OpenAPI v1, POST
// /webhooks). It also reports entities that we do not hold; Receive passes over
// them.
const everything = "*"

// hook is a webhook as listed (OpenAPI v1, GET /webhooks). is_active is 1 or
// true, ids are numbers.
type hook struct {
	ID      sonic.NoCopyRawMessage `json:"id"`
	URL     string                 `json:"subscription_url"`
	Action  string                 `json:"event_action"`
	Object  string                 `json:"event_object"`
	Version sonic.NoCopyRawMessage `json:"version"`
	Active  sonic.NoCopyRawMessage `json:"is_active"`
	Name    string                 `json:"name"`
}

// newHook is the body of POST /webhooks.
type newHook struct {
	URL      string `json:"subscription_url"`
	Action   string `json:"event_action"`
	Object   string `json:"event_object"`
	Name     string `json:"name"`
	Version  string `json:"version"`
	User     string `json:"http_auth_user"`
	Password string `json:"http_auth_password"`
}

// Watch implements connectors.Watcher. The new webhook is made before old ones
// are removed, so that no event falls between.
func (c *Connector) Watch(ctx context.Context, callback connectors.Callback) ([]connectors.Subscription, error) {
	if callback.URL == "" || callback.Password == "" {
		return nil, fault.New(fault.Invalid, "pipedrive: a callback needs an address and a password, the only protection that Pipedrive offers")
	}
	ours, err := c.hooks(ctx, callback)
	if err != nil {
		return nil, err
	}
	var good *hook
	for i := range ours {
		if good == nil && ours[i].serves(callback) {
			good = &ours[i]
		}
	}
	if good == nil {
		if good, err = c.create(ctx, callback); err != nil {
			return nil, err
		}
	}
	for i := range ours {
		if idOf(ours[i].ID) != idOf(good.ID) {
			if err := c.remove(ctx, ours[i]); err != nil {
				return nil, err
			}
		}
	}
	return []connectors.Subscription{{ID: idOf(good.ID), Object: everything, Active: good.active()}}, nil
}

// Unwatch implements connectors.Watcher.
func (c *Connector) Unwatch(ctx context.Context, callback connectors.Callback) error {
	if callback.URL == "" {
		return fault.New(fault.Invalid, "pipedrive: a callback needs an address")
	}
	ours, err := c.hooks(ctx, callback)
	if err != nil {
		return err
	}
	for _, h := range ours {
		if err := c.remove(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// hooks lists the webhooks under the callback's address.
func (c *Connector) hooks(ctx context.Context, callback connectors.Callback) ([]hook, error) {
	answer, err := c.get(ctx, v1, "/webhooks", nil)
	if err != nil {
		return nil, needsAdmin(err)
	}
	var e struct {
		Success *bool  `json:"success"`
		Data    []hook `json:"data"`
	}
	if err := answers.Read(answer.Body, &e); err != nil || e.Success == nil || !*e.Success {
		return nil, fault.New(fault.Temporary, "the list of webhooks is not of the documented form; try again later")
	}
	var ours []hook
	for _, h := range e.Data {
		if under(h.URL, callback.URL) && idOf(h.ID) != "" {
			ours = append(ours, h)
		}
	}
	return ours, nil
}

// under reports whether an address is the callback's or below it.
func under(address, callback string) bool {
	rest, ok := strings.CutPrefix(address, strings.TrimRight(callback, "/"))
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

func (h hook) active() bool { return string(h.Active) == "1" || string(h.Active) == "true" }

// serves reports whether the webhook is just what create makes.
func (h hook) serves(callback connectors.Callback) bool {
	return h.active() && h.URL == callback.URL && h.Action == everything && h.Object == everything &&
		strings.HasPrefix(answers.Text(h.Version), "2") && h.Name == hookName(callback)
}

// hookName marks the user and password that a webhook was made with, which its
// listing does not show: with new ones it has to be made anew. A few bytes of
// the hash of a random password tell nothing about it.
func hookName(callback connectors.Callback) string {
	sum := sha256.Sum256([]byte(callback.URL + "\x00" + callback.User + "\x00" + callback.Password))
	return "salesbook " + hex.EncodeToString(sum[:4])
}

func (c *Connector) create(ctx context.Context, callback connectors.Callback) (*hook, error) {
	answer, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: c.v1Prefix + "/webhooks",
		Body: newHook{
			URL: callback.URL, Action: everything, Object: everything, Name: hookName(callback), Version: "2.0",
			User: callback.User, Password: callback.Password,
		},
		Classify: refusedHook,
	})
	if err != nil {
		return nil, err
	}
	var made hook
	if err := data(answer, &made); err != nil {
		return nil, err
	}
	if idOf(made.ID) == "" {
		return nil, fault.New(fault.Temporary, "Pipedrive made a webhook but does not tell its id; try again later")
	}
	return &made, nil
}

// refusedHook replaces the vendor's words, which may quote the address: it is a
// secret as the password is.
func refusedHook(status int, _ http.Header, body []byte) error {
	switch {
	case status < 400 || status == http.StatusTooManyRequests:
		return nil
	case status >= 500:
		return fault.New(fault.Temporary, "Pipedrive could not make the webhook (%d); try again later", status)
	case status == http.StatusUnauthorized:
		return fault.New(fault.Auth, "Pipedrive refuses these credentials; connect again or replace the token")
	case status == http.StatusForbidden && answers.IsObject(body):
		return fault.New(fault.Forbidden, "webhooks need the token of an admin, or the OAuth scope admin")
	case status == http.StatusForbidden:
		return nil // a rate ban
	}
	return fault.New(fault.Invalid, "Pipedrive refuses the webhook (%d): its address must be public, https and without redirects, and a user may have 40 webhooks at most", status)
}

// remove deletes a webhook; one that is gone already is no error.
func (c *Connector) remove(ctx context.Context, h hook) error {
	_, err := c.do(ctx, rest.Call{
		Method: http.MethodDelete, Path: c.v1Prefix + "/webhooks/" + url.PathEscape(idOf(h.ID)), Idempotent: true,
	})
	if missing(err) {
		return nil
	}
	return needsAdmin(err)
}

// needsAdmin adds what to do about a refusal.
func needsAdmin(err error) error {
	if fault.KindOf(err) != fault.Forbidden {
		return err
	}
	return fault.New(fault.Forbidden, "webhooks need the token of an admin, or the OAuth scope admin: %w", err)
}
