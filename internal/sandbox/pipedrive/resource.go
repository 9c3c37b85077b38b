package pipedrive

import (
	"encoding/json"
	"net/http"
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
		if gone(r, t.at) {
			return notFound(res.what)
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
