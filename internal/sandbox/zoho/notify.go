package zoho

import (
	"net/url"
	"slices"
	"sync"
	"time"

	"salesbook.dev/internal/sandbox"
)

// channelRunner sends notifications. The vendor's retries are undocumented (fact
// sheet 2.4), so there are none: what a receiver misses is lost.
type channelRunner struct {
	sim   *Sim
	queue *sandbox.Queue

	mu   sync.Mutex
	held map[string][]heldBack // by channel, until their successor has gone
}

type heldBack struct {
	d      sandbox.Delivery
	cancel func() bool
}

// A notification that is to come after its successor does not wait for ever.
const patience = 10 * time.Second

func newChannelRunner(s *Sim) *channelRunner {
	r := &channelRunner{sim: s, held: map[string][]heldBack{}}
	r.queue = sandbox.NewQueue(sandbox.QueueConfig{
		Clock: s.clock, Workers: 4, Timeout: 10 * time.Second, Report: func(sandbox.Outcome) bool { return false },
	})
	return r
}

// event is what happened to records of one module in one change.
type event struct {
	module, operation string
	ids               []string
	fields            map[string][]string
	values            map[string]object
}

// names the vendor gives to operations in a notification.
func operationName(op string) string {
	return map[string]string{"create": "insert", "edit": "update", "delete": "delete"}[op]
}

// announce tells every channel of a change; the caller holds the simulator's lock.
func (r *channelRunner) announce(t *tx) {
	if len(t.channels) == 0 {
		return
	}
	events := t.events()
	for _, ch := range t.channels {
		if !ch.lives(t.at) {
			continue
		}
		for _, e := range events {
			if ch.wants(e.module, e.operation) {
				r.send(ch, t.notification(ch, e))
			}
		}
	}
}

// events folds a change's writes: one event for each module and operation.
func (t *tx) events() []*event {
	var out []*event
	for _, p := range t.puts {
		op := p.operation()
		if p.table == usersTable || p.table == "DealHistory" || op == "" {
			continue
		}
		i := slices.IndexFunc(out, func(e *event) bool { return e.module == p.table && e.operation == op })
		if i < 0 {
			out = append(out, &event{module: p.table, operation: op, fields: map[string][]string{}, values: map[string]object{}})
			i = len(out) - 1
		}
		r := p.next
		if slices.Contains(out[i].ids, r.key()) {
			continue
		}
		out[i].ids = append(out[i].ids, r.key())
		out[i].fields[r.key()] = p.moved
		out[i].values[r.key()] = t.show(t.settings.module(p.table), r, p.moved)
		delete(out[i].values[r.key()], "id")
	}
	return out
}

func (p put) operation() string {
	alive := func(r *row) bool { return r != nil && r.gone == nil }
	switch {
	case !alive(p.old) && alive(p.next):
		return "create"
	case alive(p.old) && alive(p.next):
		return "edit"
	case alive(p.old) && p.next != nil:
		return "delete"
	}
	return ""
}

// notification is the callback's body (fact sheet 2.4).
func (t *tx) notification(ch *channel, e *event) []byte {
	var token any
	if ch.Token != "" {
		token = ch.Token
	}
	fields, vals := []object{}, []object{}
	for _, id := range e.ids {
		if e.operation != "delete" && len(e.fields[id]) > 0 {
			fields = append(fields, object{id: e.fields[id]})
			vals = append(vals, object{"record_id": id, "values": e.values[id]})
		}
	}
	body := object{
		"server_time": t.Now().UnixMilli(), "module": e.module, "operation": operationName(e.operation), "ids": e.ids, "affected_fields": fields,
		"resource_uri": t.resourceURI(e.module), "query_params": object{}, "channel_id": ch.ID, "token": token,
	}
	if ch.Values {
		body["affected_values"] = vals
	}
	b, err := marshal(body)
	if err != nil {
		panic("zoho simulator: notification: " + err.Error())
	}
	return b
}

// send queues a notification, by the way of the faults on demand.
func (r *channelRunner) send(ch *channel, body []byte) {
	d := sandbox.Delivery{URL: ch.URL, Body: func(int) []byte { return body }}
	path := ch.URL
	if u, err := url.Parse(ch.URL); err == nil {
		path = u.Path
	}
	if _, ok := r.sim.faults.Hit(sandbox.WebhookLost, path); ok {
		return
	}
	if _, ok := r.sim.faults.Hit(sandbox.WebhookReorder, path); ok {
		r.hold(ch.ID, d)
		return
	}
	r.queue.Send(d)
	if _, ok := r.sim.faults.Hit(sandbox.WebhookDouble, path); ok {
		r.queue.Send(d)
	}
	r.release(ch.ID)
}

func (r *channelRunner) hold(id string, d sandbox.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := heldBack{d: d}
	h.cancel = r.sim.clock.AfterFunc(patience, func() { r.release(id) })
	r.held[id] = append(r.held[id], h)
}

func (r *channelRunner) release(id string) {
	r.mu.Lock()
	held := r.held[id]
	delete(r.held, id)
	r.mu.Unlock()
	for _, h := range held {
		h.cancel()
		r.queue.Send(h.d)
	}
}
