package pipedrive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"time"

	"salesbook.dev/internal/sandbox"
)

// Do performs an API operation as a Go call, past authentication, limits and
// faults but otherwise by the same way as a request: rules, journal and
// webhooks apply. path is the vendor's, such as "/api/v2/deals/5"; body may be
// nil. It returns the whole answer, and an error for any status but 2xx.
func (s *Sim) Do(userID int64, method, path string, body any) (json.RawMessage, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = marshal(body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	ctx := withActor(context.Background(), actor{user: userID, source: "app"})
	r, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r.Header.Set("Content-Type", "application/json")
	w := capture{header: http.Header{}}
	s.direct.ServeHTTP(&w, r)
	if w.status/100 != 2 {
		return nil, fmt.Errorf("%s %s: %d: %s", method, path, w.status, bytes.ToValidUTF8(w.body.Bytes(), nil))
	}
	return w.body.Bytes(), nil
}

// capture is a response that stays in memory.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *capture) Header() http.Header         { return c.header }
func (c *capture) WriteHeader(status int)      { c.status = status }
func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }

// Record is one record of the truth.
type Record struct {
	ID       string
	JSON     []byte // in the shape of the vendor's list; not to be changed
	Updated  time.Time
	Archived bool
	Deleted  bool
}

// Objects lists the names that Truth and Count take, which are those of the
// seed format.
func (s *Sim) Objects() []string {
	return []string{
		"users", "pipelines", "stages", "dealFields", "personFields", "organizationFields", "productFields", "activityFields",
		"activityTypes", "organizations", "persons", "products", "deals", "dealProducts", "leads", "leadLabels", "activities", "notes",
	}
}

// Truth returns every record of an object as it is at this moment, deleted ones
// that the vendor still keeps included, in order of creation. It panics on a
// name that Objects does not list.
func (s *Sim) Truth(object string) iter.Seq[Record] {
	if !slices.Contains(s.Objects(), object) {
		panic("pipedrive simulator: no object " + object)
	}
	s.mu.RLock()
	t := s.table(object)
	rows := slices.Clone(t.rows)
	s.mu.RUnlock()
	return func(yield func(Record) bool) {
		for _, r := range rows {
			if r.is(flagDeleted) && gone(r, s.Now()) || object == "dealProducts" && s.forgotten(r) {
				continue
			}
			if !yield(s.record(object, r)) {
				return
			}
		}
	}
}

// forgotten reports whether an item went with its deal, which is past reading.
func (s *Sim) forgotten(item *row) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return gone(s.deals.get(item.refs[refDeal]), s.Now())
}

func (s *Sim) record(object string, r *row) Record {
	out := Record{
		ID: fmt.Sprint(r.id), JSON: r.json, Updated: time.UnixMilli(r.updated).UTC(),
		Archived: r.is(flagArchived), Deleted: r.is(flagDeleted),
	}
	if r.key != "" && object != "activityTypes" {
		out.ID = r.key
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch object {
	case "leads":
		out.JSON = s.showLead(r)
	case "notes":
		out.JSON = s.showNote(r, s.administrator())
	case "dealFields", "personFields", "organizationFields", "productFields", "activityFields":
		k := s.fields[object[:len(object)-len("Fields")]]
		out.JSON = k.load(r).shown(nil)
	case "leadLabels":
		out.JSON, _ = marshal(s.leadLabels.load(r).shown())
	}
	return out
}

// Count tells how many records of an object are live, archived ones among
// them, and how many are deleted but still kept.
func (s *Sim) Count(object string) (live, archived, deleted int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.table(object)
	if t == nil {
		return 0, 0, 0
	}
	now := s.Now()
	for _, r := range t.rows {
		switch {
		case r.is(flagDeleted) && gone(r, now):
		case r.is(flagDeleted):
			deleted++
		default:
			live++
			if r.is(flagArchived) {
				archived++
			}
		}
	}
	return live, archived, deleted
}

// tieAll puts the records of ties faults on one second.
func (s *Sim) tieAll(faults []sandbox.Fault) error {
	for _, f := range faults {
		if f.Kind != sandbox.Ties {
			continue
		}
		if err := s.tie(f.N); err != nil {
			return err
		}
	}
	return nil
}

// tie gives the first n records of the main objects the update time that
// their middle record has.
func (s *Sim) tie(n int) error {
	return s.importing(func(t *tx) error {
		tieTable(t, t.deals, n, func(d *deal, at time.Time) { d.UpdateTime = instantOf(at) })
		tieTable(t, t.persons, n, func(p *person, at time.Time) { p.UpdateTime = instantOf(at) })
		tieTable(t, t.organizations, n, func(o *organization, at time.Time) { o.UpdateTime = instantOf(at) })
		tieTable(t, t.activities, n, func(a *activity, at time.Time) { a.UpdateTime = instantOf(at) })
		tieTable(t, t.leads, n, func(l *lead, at time.Time) { l.UpdateTime = milliOf(at) })
		tieTable(t, t.notes, n, func(x *note, at time.Time) { x.UpdateTime = stampOf(at) })
		return nil
	})
}

func tieTable[T any](t *tx, k kind[T], n int, set func(*T, time.Time)) {
	rows := slices.Clone(k.rows[:min(n, len(k.rows))])
	if len(rows) == 0 {
		return
	}
	at := time.UnixMilli(rows[len(rows)/2].updated).Truncate(time.Second)
	for _, r := range rows {
		v := k.load(r)
		set(v, at)
		k.save(t, v)
	}
}
