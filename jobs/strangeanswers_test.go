package jobs_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// strange is a whole answer that is no page of records.
type strange struct {
	status int
	body   string
}

func strangeAnswers() map[string]strange {
	page := func(data string) strange {
		return strange{200, `{"success":true,"data":` + data + `,"additional_data":{"next_cursor":null}}`}
	}
	return map[string]strange{
		"nothing":                   {200, ""},
		"no content":                {204, ""},
		"a page for people":         {200, "<!DOCTYPE html><html>maintenance</html>"},
		"a page behind blanks":      {200, "\ufeff \r\n<html>"},
		"a mark before the JSON":    {200, "\ufeff" + `{"success":true,"data":[]}`},
		"NULs behind the JSON":      {200, `{"success":true,"data":[]}` + "\x00\x00"},
		"half a page":               {200, `{"success":true,"data":[{"id":1,"title":"x`},
		"data that is a text":       page(`"none"`),
		"data that is an object":    page(`{"1":{"id":1}}`),
		"deep data":                 page(strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20)),
		"success that is a text":    {200, `{"success":"yes","data":[]}`},
		"a cursor that is a number": {200, `{"success":true,"data":[],"additional_data":{"next_cursor":5}}`},
		"data twice":                {200, `{"success":true,"data":[{"id":1}],"data":null,"success":false}`},
		"only brackets":             {200, strings.Repeat("[", 8<<20)},
		"brackets as a refusal":     {500, strings.Repeat("[", 8<<20)},
	}
}

// TestStrangeAnswers: each stops its object with a fault that passes, nothing is
// taken for deleted, and the next pull is whole.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	before := one[int](t, b, `SELECT count(*) FROM deals WHERE deleted_at IS NULL`)
	for name, a := range strangeAnswers() {
		b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/api/v2/deals" {
				return http.DefaultTransport.RoundTrip(r)
			}
			return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r, Body: io.NopCloser(strings.NewReader(a.body))}, nil
		})
		b.in(t, resetAll(t, b))
		complete, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true, Object: "deals"})
		if complete || fault.KindOf(err) != fault.Temporary || len(err.Error()) > 500 {
			t.Errorf("%s: complete %v, %.300v (%v); want %v", name, complete, err, fault.KindOf(err), fault.Temporary)
		}
		if n := one[int](t, b, `SELECT count(*) FROM deals WHERE deleted_at IS NULL`); n != before {
			t.Errorf("%s: %d deals live, %d before", name, n, before)
		}
	}
	b.Transport = nil
	b.pull(t)
	b.drift(t)
	if left := b.failures(t); len(left) > 0 {
		t.Errorf("failures: %+v", left)
	}
}

// TestALargePage of 10 MB goes through: 20 records of half a megabyte each.
func TestALargePage(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	large := map[string]spoilt{}
	for r := range b.sim.Truth("deals") {
		if !r.Deleted && len(large) < 20 {
			large[r.ID] = spoilt{field: "title", value: `"` + strings.Repeat(`я\u00e9 `, 60_000) + `"`}
		}
	}
	b.Transport = spoiling(t, large)
	b.pull(t)
	if n := one[int](t, b, `SELECT count(*) FROM deals WHERE length(title) = 180000`); n != len(large) {
		t.Errorf("%d of %d large records went through", n, len(large))
	}
	if left := b.failures(t); len(left) > 0 {
		t.Errorf("failures: %+v", left)
	}
}

// TestAProductOfNoDeal is put aside; it neither stops the deals nor passes for
// the proof that it has been removed from its own.
func TestAProductOfNoDeal(t *testing.T) {
	t.Parallel()
	b := setup(t, 100, pipedrive.Options{})
	b.pull(t)
	before := one[int](t, b, `SELECT count(*) FROM deal_items WHERE deleted_at IS NULL`)
	spoil := rewrite(`"deal_id":`, `"deal":`, 1)
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/api/v2/deals/products" {
			return spoil.RoundTrip(r)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	b.in(t, resetAll(t, b))
	b.pull(t)
	list := b.failures(t)
	if before == 0 || len(list) == 0 {
		t.Fatalf("%d products known, %d failures", before, len(list))
	}
	for _, f := range list {
		if f.Object != "dealProducts" || f.Place == "" {
			t.Errorf("failure %+v", f)
		}
	}
	if n := one[int](t, b, `SELECT count(*) FROM deal_items WHERE deleted_at IS NULL`); n != before {
		t.Errorf("%d products of deals live, %d before", n, before)
	}
	b.Transport = nil
	b.in(t, resetAll(t, b))
	b.pull(t)
	if left := b.failures(t); len(left) > 0 {
		t.Errorf("failures stay open: %+v", left)
	}
	b.drift(t)
}
