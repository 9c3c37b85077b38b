package pipedrive

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// resource is what the create, change and delete operations of the objects
// have in common; the objects differ in the functions.
type resource[T any] struct {
	kind     kind[T]
	what     string // the name in error messages
	body     bodySpec
	required []string
	// blank is a new record with the vendor's defaults.
	blank func(*tx) T
	// fill writes a request's values and checks the result.
	fill func(*tx, *T, map[string]json.RawMessage) error
	// erase marks a record as deleted.
	erase func(*tx, *T)
	// touch sets the update time.
	touch func(*T, time.Time)
	// created is the status of the answer to a creation, 0 for 200.
	created int
}

func (res resource[T]) add(c *call) (reply, error) {
	body, err := c.bodyFields(res.body, res.required...)
	if err != nil {
		return reply{}, err
	}
	var out *row
	err = c.write(c.by, func(t *tx) error {
		v := res.blank(t)
		if err := res.fill(t, &v, body); err != nil {
			return err
		}
		out = res.kind.save(t, &v)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answerWith(max(res.created, http.StatusOK), json.RawMessage(out.json)), nil
}

func (res resource[T]) patch(c *call) (reply, error) {
	body, err := c.bodyFields(res.body)
	if err != nil {
		return reply{}, err
	}
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	var out *row
	err = c.write(c.by, func(t *tx) error {
		r := res.kind.get(id)
		if gone(r, t.at) || r.is(flagDeleted) && string(body["is_deleted"]) != "false" {
			return notFound(res.what) // for deleted ones that can still be read the documents do not say
		}
		v := res.kind.load(r)
		if err := res.fill(t, v, body); err != nil {
			return err
		}
		res.touch(v, t.at)
		out = res.kind.save(t, v)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answer(json.RawMessage(out.json)), nil
}

func (res resource[T]) remove(c *call) (reply, error) {
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	err = c.write(c.by, func(t *tx) error {
		r := res.kind.get(id)
		if r == nil || r.is(flagDeleted) {
			return notFound(res.what)
		}
		v := res.kind.load(r)
		res.erase(t, v)
		res.touch(v, t.at)
		res.kind.save(t, v)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return deleted(id), nil
}

// getOne serves one record of a table, deleted ones as long as they are kept.
func (c *call) getOne(t *table, what string, show func([]byte, *row) []byte) (reply, error) {
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	r := t.get(id)
	if gone(r, c.Now()) {
		return reply{}, notFound(what)
	}
	if show == nil {
		return answer(json.RawMessage(r.json)), nil
	}
	return answer(json.RawMessage(show(nil, r))), nil
}

// sent tells which keys a request holds. References are checked only where the
// request sets them: a record may go on pointing to one that was deleted.
type sent func(key string) bool

func keysOf(body map[string]json.RawMessage) sent {
	return func(key string) bool { _, ok := body[key]; return ok }
}

// everyKey is for records that come as a whole.
func everyKey(string) bool { return true }

// checkRef refuses a reference, if the request sets it, to what is not there.
// History that is taken over may point to what was deleted since.
func (t *tx) checkRef(set sent, key string, to *table, id int64) error {
	if id == 0 || !set(key) || t.alive(to, id) || t.bulk && to.get(id) != nil {
		return nil
	}
	return bad("body: %s: %s %d does not exist", key, singular(to.name), id)
}

// checkOwner is checkRef for users, who may have left.
func (s *store) checkOwner(set sent, key string, id int64) error {
	if set(key) && s.users.get(id) == nil {
		return bad("body: %s: user %d does not exist", key, id)
	}
	return nil
}

func (s *store) checkLeadRef(set sent, id string) error {
	if id != "" && set("lead_id") && s.leads.byCode(id) == nil {
		return bad("body: lead_id: lead %s does not exist", id)
	}
	return nil
}

func singular(table string) string { return strings.TrimSuffix(table, "s") }
