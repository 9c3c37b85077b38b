package jobs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/rest"
	"salesbook.dev/internal/sales"
	"salesbook.dev/jobs"
)

// sound holds what is stored against the vendor's truth and against itself:
// nothing is lost, nothing stands twice, nothing was put aside, no delivery is
// left lying.
func (b *bundle) sound(t testing.TB) {
	t.Helper()
	b.drift(t)
	b.changesFit(t)
	if n := one[int](t, b, `SELECT count(*) FROM failures WHERE resolved_at IS NULL`); n != 0 {
		t.Errorf("%d failures: %s", n, one[string](t, b, `SELECT string_agg(concat_ws(' ', kind, object, external_id, place, reason), '; ') FROM failures WHERE resolved_at IS NULL`))
	}
	if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != 0 {
		t.Errorf("%d deliveries were left lying", n)
	}
	for key, body := range b.deliveries(t) {
		if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE key = $1`, key); n != 1 {
			t.Errorf("delivery %s was answered with success and is stored %d times: %s", key, n, body)
		}
	}
}

// acknowledged notes which deliveries were answered with success.
type acknowledged struct {
	mu  sync.Mutex
	all []connectors.Delivery
}

// deliveries are the bodies of those that were answered with success, by what the
// connector tells them apart by: an id of the vendor's, or all that one says. Of
// those that say the same it is enough that one is stored: it names the same
// records to be read.
func (b *bundle) deliveries(t testing.TB) map[string]string {
	t.Helper()
	s, err := b.Open(t.Context(), b.ws, b.conn)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Connector(t.Context(), rest.Webhook)
	if err != nil {
		t.Fatal(err)
	}
	b.acked.mu.Lock()
	defer b.acked.mu.Unlock()
	bodies := map[string]string{}
	for _, d := range b.acked.all {
		d.Secret = jobs.CallbackOf(s.Connection, s.Credentials.Hook)
		r, err := c.(connectors.Receiver).Receive(d)
		if err != nil || r.Key == "" {
			t.Fatalf("a delivery that was answered with success has the key %q: %v: %s", r.Key, err, d.Body)
		}
		bodies[r.Key] = string(d.Body)
	}
	return bodies
}

// note wraps a receiver.
func (a *acknowledged) note(receiver http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		seen := httptest.NewRecorder()
		receiver.ServeHTTP(seen, r)
		if seen.Code < 300 {
			a.mu.Lock()
			a.all = append(a.all, connectors.Delivery{Method: r.Method, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body})
			a.mu.Unlock()
		}
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes()) // a vendor that has gone repeats the delivery
	})
}

// storedChange is a field's step from one value to the next.
type storedChange struct {
	kind, id string
	fields   map[string]struct{ Old, New json.RawMessage }
}

// changesFit checks that the changes of each field are a chain: each begins
// with the value at which the one before ended, changes something, and the last
// ends at what the row holds now. A change that was written twice, or that was
// lost, breaks the chain.
func (b *bundle) changesFit(t testing.TB) {
	t.Helper()
	last := map[string]map[string]string{} // by row, by field
	for _, c := range b.changes(t) {
		row := c.kind + " " + c.id
		if last[row] == nil {
			last[row] = map[string]string{}
		}
		for field, d := range c.fields {
			before, known := last[row][field]
			if known && before != string(d.Old) {
				t.Errorf("%s: %s went to %s, the next change begins with %s", row, field, before, d.Old)
			}
			if string(d.Old) == string(d.New) {
				t.Errorf("%s: a change of %s from %s to itself", row, field, d.Old)
			}
			last[row][field] = string(d.New)
		}
	}
	for _, k := range sales.Kinds() {
		b.endsAtPresent(t, k, last)
	}
}

// changes returns all changes in the order in which they were written.
func (b *bundle) changes(t testing.TB) (all []storedChange) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT kind, external_id, fields FROM changes WHERE connection_id = $1 ORDER BY id`, b.conn)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c storedChange, err error) {
			return c, row.Scan(&c.kind, &c.id, &c.fields)
		})
		return err
	})
	return all
}

// endsAtPresent compares where the chains of a kind's rows end with the rows.
func (b *bundle) endsAtPresent(t testing.TB, k *sales.Kind, last map[string]map[string]string) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), fmt.Sprintf(`SELECT external_id, to_jsonb(t) FROM %s t WHERE connection_id = $1`, k.Name), b.conn)
		if err != nil {
			return err
		}
		var id string
		var doc map[string]json.RawMessage
		_, err = pgx.ForEachRow(rows, []any{&id, &doc}, func() error {
			var custom map[string]json.RawMessage
			_ = json.Unmarshal(doc["custom"], &custom) // kinds without it have none
			for code, v := range custom {
				doc["custom."+code] = v
			}
			for field, want := range last[k.Name+" "+id] {
				if got, ok := doc[field]; ok && string(got) != want || !ok && want != "null" {
					t.Errorf("%s %s: %s is %s, its last change ends at %s", k.Name, id, field, got, want)
				}
			}
			doc = nil
			return nil
		})
		return err
	})
}
