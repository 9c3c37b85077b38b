package zoho

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// channel is one notification channel. Channels never change in place.
type channel struct {
	ID      string   `json:"id"`
	By      string   `json:"by"`
	URL     string   `json:"url"`
	Token   string   `json:"token,omitempty"`
	Events  []string `json:"events"` // such as Deals.edit
	Until   string   `json:"until"`
	Values  bool     `json:"values,omitempty"`  // return_affected_field_values
	Related bool     `json:"related,omitempty"` // notify_on_related_action
}

// The vendor's bounds of a channel (fact sheet 2.4, 2026-11-21).
const (
	channelLife    = time.Hour
	channelLongest = 7 * 24 * time.Hour
	maxToken       = 50
	maxURL         = 255
)

// operations are the events of a module.
func operations() []string { return []string{"create", "edit", "delete"} }

// wants reports whether a channel is told of an operation on a module.
func (ch *channel) wants(module, operation string) bool {
	return slices.Contains(ch.Events, module+"."+operation) || slices.Contains(ch.Events, module+".all")
}

// lives reports whether a channel has not expired: after that the vendor says
// nothing of it and sends nothing to it.
func (ch *channel) lives(now time.Time) bool { return utc(now) < ch.Until }

// Channels tells which channels live at this moment, by id.
func (s *Sim) Channels() map[string][]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string][]string{}
	for _, ch := range s.channels {
		if ch.lives(s.Now()) {
			out[ch.ID] = slices.Clone(ch.Events)
		}
	}
	return out
}

// ForgetChannels loses all channels, as when somebody removes them.
func (s *Sim) ForgetChannels() error {
	return s.write("", func(t *tx) error {
		t.Sim.channels = nil
		return nil
	})
}

// wanted is a channel as a request describes it, nil where it says nothing.
type wanted struct {
	id      string
	url     *string
	token   *string
	events  []string
	until   *string
	values  *bool
	related *bool
	remove  bool // _delete_events
}

func (c *call) wanted(in object, i int) (wanted, error) {
	w := wanted{id: idOf(in["channel_id"])}
	at := func(name string) object {
		return object{"api_name": name, "json_path": fmt.Sprintf("$.watch[%d].%s", i, name)}
	}
	if w.id == "" || strings.Trim(w.id, "0123456789") != "" {
		return w, bad("MANDATORY_NOT_FOUND", "required field not found", at("channel_id"))
	}
	text := func(name string, limit int) (*string, error) {
		v, ok := in[name]
		s, isText := v.(string)
		if !ok || v == nil {
			return nil, nil
		}
		if !isText || len(s) > limit {
			return nil, invalidData("invalid data", at(name))
		}
		return &s, nil
	}
	var err error
	if w.url, err = text("notify_url", maxURL); err == nil && w.url != nil && !callbackAllowed(*w.url) {
		err = invalidData("invalid data", at("notify_url"))
	}
	if err == nil {
		w.token, err = text("token", maxToken)
	}
	if err == nil {
		w.events, err = c.events(in["events"], at("events"))
	}
	if err == nil {
		w.until, err = text("channel_expiry", 40)
	}
	if err == nil && w.until != nil {
		w.until, err = c.expiry(*w.until, at("channel_expiry"))
	}
	w.values, w.related = flag(in["return_affected_field_values"]), flag(in["notify_on_related_action"])
	w.remove, _ = in["_delete_events"].(bool)
	return w, err
}

func flag(v any) *bool {
	if b, ok := v.(bool); ok {
		return &b
	}
	return nil
}

// callbackAllowed takes https, and http of this machine.
func callbackAllowed(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "127.0.0.1" || host == "localhost" || host == "::1")
}

func (c *call) events(v any, where object) ([]string, error) {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		text, _ := x.(string)
		module, op, _ := strings.Cut(text, ".")
		if c.settings.module(module) != nil && c.visible(module) == nil {
			return nil, bad("NO_PERMISSION", "permission denied", where)
		}
		if c.settings.module(module) == nil || op != "all" && !slices.Contains(operations(), op) {
			return nil, invalidData("invalid data", where)
		}
		out = append(out, text)
	}
	return out, nil
}

func (c *call) expiry(text string, where object) (*string, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || !at.After(c.at) {
		return nil, invalidData("invalid data", where)
	}
	// A longer life is cut to a week; the pages do not say that it is refused.
	if longest := c.at.Add(channelLongest); at.After(longest) {
		at = longest
	}
	out := utc(at)
	return &out, nil
}

// watching runs a change for each element, like elementwise for records. If all are
// refused the status is 202 (OpenAPI), if some are 207 (OpenAPI of 2026).
func (c *call) watching(success int, one func(*tx, wanted, int) (object, error)) (reply, error) {
	list, _, err := c.elements("watch", 1000)
	if err != nil {
		return reply{}, err
	}
	var answers []object
	failed := 0
	err = c.write(c.by, func(t *tx) error {
		for i, in := range list {
			w, err := c.wanted(in, i)
			var out object
			if err == nil {
				out, err = one(t, w, i)
			}
			if e, ok := err.(*refusal); ok {
				failed++
				out = e.shown()
			} else if err != nil {
				return err
			}
			answers = append(answers, out)
		}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	switch failed {
	case 0:
	case len(list):
		success = http.StatusAccepted
	default:
		success = http.StatusMultiStatus
	}
	return jsonReply(success, object{"watch": answers}), nil
}

// settle puts a channel in the place of the one with its id.
func (t *tx) settle(ch *channel) {
	next := slices.DeleteFunc(slices.Clone(t.channels), func(have *channel) bool { return have.ID == ch.ID || !have.lives(t.at) })
	t.Sim.channels = append(next, ch)
}

func (t *tx) channel(id string) *channel {
	i := slices.IndexFunc(t.channels, func(ch *channel) bool { return ch.ID == id && ch.lives(t.at) })
	if i < 0 {
		return nil
	}
	return t.channels[i]
}

func notSubscribed() error { return bad("NOT_SUBSCRIBED", "the channel is not subscribed", nil) }

// whole makes a channel of a request that describes all of it.
func (t *tx) whole(w wanted, i int) (*channel, error) {
	for name, there := range map[string]bool{"notify_url": w.url != nil, "events": len(w.events) > 0} {
		if !there {
			return nil, bad("MANDATORY_NOT_FOUND", "required field not found", object{"api_name": name, "json_path": fmt.Sprintf("$.watch[%d].%s", i, name)})
		}
	}
	ch := &channel{ID: w.id, By: t.by, URL: *w.url, Events: w.events, Until: utc(t.at.Add(channelLife))}
	w.over(ch)
	return ch, nil
}

// over writes what a request says over a channel.
func (w wanted) over(ch *channel) {
	if w.url != nil {
		ch.URL = *w.url
	}
	if w.token != nil {
		ch.Token = *w.token
	}
	if w.until != nil {
		ch.Until = *w.until
	}
	if w.values != nil {
		ch.Values = *w.values
	}
	if w.related != nil {
		ch.Related = *w.related
	}
}

func enableWatch(c *call) (reply, error) {
	return c.watching(http.StatusCreated, func(t *tx, w wanted, i int) (object, error) {
		ch, err := t.whole(w, i)
		if err != nil {
			return nil, err
		}
		t.settle(ch)
		return t.watched(ch, "Successfully subscribed for actions-watch of the given module", ch.Events), nil
	})
}

func updateWatch(c *call) (reply, error) {
	return c.watching(http.StatusOK, func(t *tx, w wanted, i int) (object, error) {
		if t.channel(w.id) == nil {
			return nil, notSubscribed()
		}
		ch, err := t.whole(w, i)
		if err != nil {
			return nil, err
		}
		t.settle(ch)
		return t.watched(ch, "Successfully updated the subscribe details", ch.Events), nil
	})
}

// patchWatch changes part of a channel: more events, or fewer with _delete_events.
func patchWatch(c *call) (reply, error) {
	return c.watching(http.StatusOK, func(t *tx, w wanted, _ int) (object, error) {
		old := t.channel(w.id)
		if old == nil {
			return nil, notSubscribed()
		}
		ch := *old
		w.over(&ch)
		msg := "Successfully updated the subscribe details"
		ch.Events = slices.DeleteFunc(slices.Clone(old.Events), func(e string) bool { return slices.Contains(w.events, e) })
		if w.remove {
			msg = "Successfully removed the subscribe details"
		} else {
			ch.Events = append(ch.Events, w.events...)
		}
		t.settle(&ch)
		return t.watched(&ch, msg, ch.Events), nil
	})
}

// disableWatch ends channels by their ids.
func disableWatch(c *call) (reply, error) {
	ids := names(c.query.Get("channel_ids"))
	if len(ids) == 0 {
		return reply{}, missingParam("channel_ids")
	}
	var answers []object
	status := http.StatusOK
	err := c.write(c.by, func(t *tx) error {
		for _, id := range ids {
			ch := t.channel(id)
			if ch == nil {
				status = http.StatusAccepted
				answers = append(answers, notSubscribed().(*refusal).shown())
				continue
			}
			t.Sim.channels = slices.DeleteFunc(slices.Clone(t.channels), func(have *channel) bool { return have.ID == id })
			m := t.settings.module(resourceOf(ch.Events[0]))
			answers = append(answers, object{"code": "SUCCESS", "status": "success", "message": "Successfully un-subscribed from actions-watch", "details": object{
				"resource_uri": t.resourceURI(m.APIName), "resource_id": idText(m.ID), "channel_id": id,
			}})
		}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return jsonReply(status, object{"watch": answers}), nil
}

func resourceOf(event string) string {
	module, _, _ := strings.Cut(event, ".")
	return module
}

func (s *Sim) resourceURI(module string) string {
	return cmp.Or(s.opt.BaseURL, "https://www.zohoapis.eu") + "/crm/v8/" + module
}

// watched is the vendor's answer for one channel.
func (t *tx) watched(ch *channel, msg string, events []string) object {
	list := []object{}
	var seen []string
	for _, e := range events {
		name := resourceOf(e)
		if slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		list = append(list, object{
			"channel_expiry": t.shown(ch.Until), "resource_uri": t.resourceURI(name), "resource_id": idText(t.settings.module(name).ID),
			"resource_name": name, "channel_id": ch.ID, "notification_condition": []object{},
		})
	}
	return object{"code": "SUCCESS", "status": "success", "message": msg, "details": object{"events": list}}
}

// getWatch lists the living channels, one element for each module of each.
func getWatch(c *call) (reply, error) {
	per, err := c.number("per_page", 200, 1, 200)
	if err != nil {
		return reply{}, err
	}
	page, err := c.number("page", 1, 1, 1<<30)
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var list []object
	for _, ch := range c.channels {
		if id := c.query.Get("channel_id"); !ch.lives(c.at) || id != "" && id != ch.ID {
			continue
		}
		list = append(list, c.shownChannel(ch)...)
	}
	from := min((page-1)*per, len(list))
	to := min(from+per, len(list))
	if from == to {
		return empty(), nil
	}
	return jsonReply(http.StatusOK, object{"watch": list[from:to], "info": object{
		"per_page": per, "page": page, "count": to - from, "more_records": to < len(list),
	}}), nil
}

func (c *call) shownChannel(ch *channel) []object {
	byModule := map[string][]string{}
	var order []string
	for _, e := range ch.Events {
		name := resourceOf(e)
		if byModule[name] == nil {
			order = append(order, name)
		}
		byModule[name] = append(byModule[name], e)
	}
	var out []object
	for _, name := range order {
		if m := c.query.Get("module"); m != "" && m != name {
			continue
		}
		var token any
		if ch.Token != "" {
			token = ch.Token
		}
		out = append(out, object{
			"channel_id": ch.ID, "notify_url": ch.URL, "events": byModule[name], "token": token, "fields": nil,
			"notify_on_related_action": ch.Related, "return_affected_field_values": ch.Values, "channel_expiry": c.shown(ch.Until),
			"resource_name": name, "resource_id": idText(c.settings.module(name).ID), "resource_uri": c.resourceURI(name), "notification_condition": []object{},
		})
	}
	return out
}
