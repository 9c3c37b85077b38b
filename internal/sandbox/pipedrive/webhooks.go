package pipedrive

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"salesbook.dev/internal/sandbox"
)

// webhook is a subscription as v1 lists it.
type webhook struct {
	ID               int64  `json:"id"`
	CompanyID        int64  `json:"company_id"`
	OwnerID          int64  `json:"owner_id"`
	UserID           int64  `json:"user_id"`
	EventAction      string `json:"event_action"`
	EventObject      string `json:"event_object"`
	SubscriptionURL  string `json:"subscription_url"`
	Version          string `json:"version"`
	IsActive         int    `json:"is_active"`
	AddTime          milli  `json:"add_time"`
	RemoveTime       milli  `json:"remove_time"`
	Type             string `json:"type"`
	HTTPAuthUser     text   `json:"http_auth_user"`
	HTTPAuthPassword text   `json:"http_auth_password"`
	RemoveReason     text   `json:"remove_reason"`
	LastDeliveryTime milli  `json:"last_delivery_time"`
	LastHTTPStatus   ref    `json:"last_http_status"`
	AdminID          int64  `json:"admin_id"`
	Name             string `json:"name"`
}

func indexWebhook(w *webhook) row { return row{id: w.ID, added: int64(w.AddTime)} }

// maxWebhooks a user may have (the vendor's guide, 2026).
const maxWebhooks = 40

func (s *Sim) webhookRoutes() []route {
	return []route{
		{"GET", 1, "/webhooks", 10, "admin", (*call).listWebhooks},
		{"POST", 1, "/webhooks", 10, "admin", (*call).addWebhook},
		{"DELETE", 1, "/webhooks/{id}", 6, "admin", (*call).deleteWebhook},
	}
}

// hookAnswer is the envelope of the webhook operations.
type hookAnswer struct {
	Status  string `json:"status"`
	Success bool   `json:"success"`
	Data    any    `json:"data,omitempty"`
}

func (c *call) listWebhooks() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]*webhook, len(c.webhooks.rows))
	for i, r := range c.webhooks.rows {
		list[i] = c.webhooks.load(r)
		c.hooks.describe(list[i])
	}
	return jsonReply(http.StatusOK, hookAnswer{"ok", true, list}), nil
}

func hookRefusal(status int, key, msg string) *refusal {
	return &refusal{status: status, msg: msg, body: struct {
		Status  string              `json:"status"`
		Success bool                `json:"success"`
		Errors  map[string][]string `json:"errors"`
	}{"error", false, map[string][]string{key: {msg}}}}
}

func webhookBody() bodySpec {
	return bodySpec{
		"subscription_url": never, "event_action": never, "event_object": never, "name": never, "user_id": never,
		"http_auth_user": maybe, "http_auth_password": maybe, "version": never,
	}
}

func webhookObjects() []string {
	return []string{"activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"}
}

func (c *call) addWebhook() (reply, error) {
	body, err := c.bodyFields(webhookBody())
	if err != nil {
		return reply{}, err
	}
	w := webhook{
		CompanyID: c.opt.Company.ID, OwnerID: c.by.user, UserID: c.by.user, AdminID: c.by.user, Version: "2.0", IsActive: 1,
		AddTime: milliOf(c.at), Type: "general",
	}
	if err := assign(&w, body); err != nil {
		return reply{}, err
	}
	if err := w.check(); err != nil {
		return reply{}, err
	}
	err = c.write(c.by, func(t *tx) error {
		if len(t.webhooks.rows) >= maxWebhooks {
			return hookRefusal(http.StatusBadRequest, "webhooks", "the limit of 40 webhooks is reached")
		}
		if t.users.get(w.UserID) == nil {
			return hookRefusal(http.StatusBadRequest, "user_id", "user not found")
		}
		w.ID = t.webhooks.next
		t.webhooks.save(t, &w)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return jsonReply(http.StatusCreated, hookAnswer{"ok", true, w}), nil
}

func (w *webhook) check() error {
	switch {
	case !validCallback(w.SubscriptionURL):
		return hookRefusal(http.StatusBadRequest, "subscription_url", "invalid or non-reachable URL")
	case !slices.Contains([]string{"create", "change", "delete", "*"}, w.EventAction):
		return hookRefusal(http.StatusBadRequest, "event_action", "must be create, change, delete or *")
	case !slices.Contains(webhookObjects(), w.EventObject):
		return hookRefusal(http.StatusBadRequest, "event_object", "must be one of "+strings.Join(webhookObjects(), ", "))
	case w.Name == "":
		return hookRefusal(http.StatusBadRequest, "name", "is required")
	case w.Version != "2.0":
		return hookRefusal(http.StatusBadRequest, "version", "the simulator speaks 2.0 only")
	}
	return nil
}

// validCallback wants https, except for addresses of this machine: a
// deviation, without which nothing could be tried on one machine.
func validCallback(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.HasSuffix(u.Hostname(), "pipedrive.com") {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func (c *call) deleteWebhook() (reply, error) {
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	err = c.write(c.by, func(t *tx) error {
		if t.webhooks.get(id) == nil {
			return hookRefusal(http.StatusNotFound, "id", "not found")
		}
		t.webhooks.drop(t, id)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	c.hooks.forget(id)
	return jsonReply(http.StatusOK, hookAnswer{Status: "ok", Success: true}), nil
}

// The vendor's rules for a subscriber that does not answer 2xx (guide for
// webhooks v2, 2026): three retries, a ban of half an hour after ten first
// attempts failed in a row, removal after three days without success.
const (
	hookTimeout  = 10 * time.Second
	banAfter     = 10
	banFor       = 30 * time.Minute
	removeAfter  = 72 * time.Hour
	hookSenders  = 8
	removeReason = "no successful delivery for 3 days"
)

func hookSchedule() []time.Duration {
	return []time.Duration{3 * time.Second, 30 * time.Second, 150 * time.Second}
}

// hookRunner delivers events and judges the subscribers.
type hookRunner struct {
	sim   *Sim
	queue *sandbox.Queue

	mu     sync.Mutex
	health map[int64]*hookHealth
	held   map[int64]*sandbox.Delivery // kept back by a reorder fault, by webhook
}

// hookHealth is how one subscriber answered lately.
type hookHealth struct {
	failures    int       // first attempts failed in a row
	bannedUntil time.Time // events before that are lost
	lastOK      time.Time // or when the webhook was first seen
	lastTime    time.Time
	lastStatus  int
}

func newHookRunner(s *Sim) *hookRunner {
	h := &hookRunner{sim: s, health: map[int64]*hookHealth{}, held: map[int64]*sandbox.Delivery{}}
	h.queue = sandbox.NewQueue(sandbox.QueueConfig{
		Clock: s.clock, Workers: hookSenders, Timeout: hookTimeout, Schedule: hookSchedule(), Report: h.report,
	})
	return h
}

func (h *hookRunner) of(id int64, now time.Time) *hookHealth {
	x := h.health[id]
	if x == nil {
		x = &hookHealth{lastOK: now}
		h.health[id] = x
	}
	return x
}

func (h *hookRunner) forget(id int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.health, id)
	delete(h.held, id)
}

// describe fills what the list of webhooks tells about deliveries.
func (h *hookRunner) describe(w *webhook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x := h.health[w.ID]
	if x == nil || x.lastTime.IsZero() {
		return
	}
	w.LastDeliveryTime, w.LastHTTPStatus = milliOf(x.lastTime), ref(x.lastStatus)
}

// report judges an outcome; false gives the delivery up.
func (h *hookRunner) report(o sandbox.Outcome) (retry bool) {
	now := h.sim.Now()
	h.mu.Lock()
	x := h.of(o.Delivery.Subscriber, now)
	x.lastTime, x.lastStatus = now, o.Status
	if o.OK() {
		x.failures, x.lastOK = 0, now
		h.mu.Unlock()
		return false
	}
	if o.Attempt == 1 {
		x.failures++
	}
	if x.failures >= banAfter {
		x.failures, x.bannedUntil = 0, now.Add(banFor)
	}
	dead := now.Sub(x.lastOK) >= removeAfter
	h.mu.Unlock()
	if dead {
		h.remove(o.Delivery.Subscriber)
	}
	return !dead
}

// remove deletes a webhook that nobody answers.
func (h *hookRunner) remove(id int64) {
	s := h.sim
	err := s.write(actor{}, func(t *tx) error {
		if t.webhooks.get(id) != nil {
			t.webhooks.drop(t, id)
		}
		return nil
	})
	if err != nil {
		s.log.Error("could not remove a dead webhook", "webhook", id, "error", err)
		return
	}
	h.forget(id)
	s.log.Info("webhook removed", "webhook", id, "reason", removeReason)
}

// banned reports whether events for this webhook are lost at present.
func (h *hookRunner) banned(id int64, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.of(id, now).bannedUntil)
}

// dispatch sends one event to one subscriber, as the faults allow.
func (h *hookRunner) dispatch(d sandbox.Delivery) {
	faults := h.sim.faults
	if _, lost := faults.Hit(sandbox.WebhookLost, d.URL); lost {
		return
	}
	if _, reorder := faults.Hit(sandbox.WebhookReorder, d.URL); reorder && h.hold(d) {
		return
	}
	h.queue.Send(d)
	if _, double := faults.Hit(sandbox.WebhookDouble, d.URL); double {
		h.queue.Send(d)
	}
	if late := h.takeHeld(d.Subscriber, nil); late != nil {
		h.queue.Send(*late)
	}
}

// holdFor is how long a reordered event waits for a successor at most.
const holdFor = 10 * time.Second

// hold keeps an event back until its successor is sent; one at a time.
func (h *hookRunner) hold(d sandbox.Delivery) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[d.Subscriber] != nil {
		return false
	}
	h.held[d.Subscriber] = &d
	h.sim.clock.AfterFunc(holdFor, func() {
		if late := h.takeHeld(d.Subscriber, &d); late != nil {
			h.queue.Send(*late)
		}
	})
	return true
}

// takeHeld returns what is held for a subscriber, if only is nil or just that.
func (h *hookRunner) takeHeld(id int64, only *sandbox.Delivery) *sandbox.Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.held[id]
	if d == nil || only != nil && d != only {
		return nil
	}
	delete(h.held, id)
	return d
}
