package zoho

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
// notifications apply. user is the acting user's id, "" the first
// administrator; path is the vendor's, such as "/crm/v8/Deals"; body may be
// nil. It returns the whole answer, and an error for any status but 2xx and for
// any record that was refused.
func (s *Sim) Do(user, method, path string, body any) (json.RawMessage, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = marshal(body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	if user == "" {
		s.mu.RLock()
		user = s.administrator()
		s.mu.RUnlock()
	}
	r, err := http.NewRequestWithContext(withActor(context.Background(), user), method, path, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r.Header.Set("Content-Type", "application/json")
	w := capture{header: http.Header{}}
	s.direct.ServeHTTP(&w, r)
	if w.status/100 != 2 || refusedRecord(w.body.Bytes()) {
		return nil, fmt.Errorf("%s %s: %d: %s", method, path, w.status, bytes.ToValidUTF8(w.body.Bytes(), nil))
	}
	return w.body.Bytes(), nil
}

// refusedRecord reports whether an answer refuses any of its elements.
func refusedRecord(answer []byte) bool {
	type element struct {
		Status string `json:"status"`
	}
	var body struct {
		Status string    `json:"status"`
		Data   []element `json:"data"`
	}
	if json.Unmarshal(answer, &body) != nil {
		return false
	}
	return body.Status == "error" || slices.ContainsFunc(body.Data, func(e element) bool { return e.Status == "error" })
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
	ID      string
	JSON    []byte // in the shape of a single read
	Updated time.Time
	Deleted bool
	// Into is the record that a merged one has become part of.
	Into string
}

// Objects lists the names that Truth and Count take: users, pipelines, stages
// and the api names of the modules.
func (s *Sim) Objects() []string {
	out := []string{usersTable, "pipelines", "stages"}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range s.settings.Modules {
		out = append(out, m.APIName)
	}
	return out
}

// Truth returns every record of an object as it is at this moment, deleted ones
// that the vendor still lists included, in order of creation. The id of a stage
// is its pipeline's, a slash and its own. It panics on a name that Objects does
// not list.
func (s *Sim) Truth(object string) iter.Seq[Record] {
	if !slices.Contains(s.Objects(), object) {
		panic("zoho simulator: no object " + object)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Record
	switch object {
	case "pipelines", "stages":
		out = s.pipelineTruth(object == "stages")
	default:
		t := s.tables[object]
		for _, r := range slices.Concat(t.rows, t.dead) {
			out = append(out, s.record(object, r))
		}
	}
	return slices.Values(out)
}

func (s *Sim) record(object string, r *row) Record {
	out := Record{ID: r.key(), Deleted: r.gone != nil}
	out.Updated, _ = time.Parse(time.RFC3339, r.text("Modified_Time"))
	if r.gone != nil {
		out.Into = r.gone.Into
	}
	if object == usersTable {
		out.JSON, _ = marshal(s.userShown(r))
		return out
	}
	out.JSON, _ = marshal(s.show(s.settings.module(object), r, nil))
	return out
}

func (s *Sim) pipelineTruth(stages bool) []Record {
	var out []Record
	for _, p := range s.settings.Pipelines {
		if !stages {
			b, _ := marshal(p.shown())
			out = append(out, Record{ID: idText(p.ID), JSON: b})
			continue
		}
		for i, st := range p.Maps {
			shown := st.shown(i + 1)
			shown["pipeline"] = object{"id": idText(p.ID), "actual_value": p.Actual, "display_value": p.Display}
			b, _ := marshal(shown)
			out = append(out, Record{ID: idText(p.ID) + "/" + idText(st.ID), JSON: b})
		}
	}
	return out
}

// Count tells how many records of an object are live and how many are gone.
func (s *Sim) Count(object string) (live, deleted int) {
	for r := range s.Truth(object) {
		if r.Deleted {
			deleted++
		} else {
			live++
		}
	}
	return live, deleted
}

// tieAll puts the records of ties faults on one second.
func (s *Sim) tieAll(faults []sandbox.Fault) error {
	for _, f := range faults {
		if f.Kind != sandbox.Ties {
			continue
		}
		if err := s.importing(func(t *tx) error { t.tie(f.N); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// tie gives the first n records of every module the Modified_Time that their
// middle record has.
func (t *tx) tie(n int) {
	for _, m := range t.settings.Modules {
		tb := t.tables[m.APIName]
		rows := slices.Clone(tb.rows[:min(n, len(tb.rows))])
		if len(rows) == 0 {
			continue
		}
		at := rows[len(rows)/2].text("Modified_Time")
		tb.byTime = nil
		for _, r := range rows {
			t.put(m.APIName, r, r.with(values{"Modified_Time": at}))
		}
	}
}
