package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// certain tells errors after which nothing has been changed.
func certain(err error) bool {
	return slices.Contains([]fault.Kind{
		fault.Auth, fault.Forbidden, fault.NotFound, fault.Gone, fault.Limited, fault.Conflict, fault.Invalid,
	}, fault.KindOf(err))
}

// onWrites spoils the requests that may change something.
func onWrites(f fake) func(int, *http.Request) *fake {
	return func(_ int, req *http.Request) *fake {
		if !writing(req) {
			return nil
		}
		return &f
	}
}

// afterWrites spoils what follows the first request that may change something.
func afterWrites(f fake) func(int, *http.Request) *fake {
	written := false
	return func(_ int, req *http.Request) *fake {
		switch {
		case written:
			return &f
		case writing(req):
			written = true
		}
		return nil
	}
}

// stall answers with half a body and then nothing more; then the context ends.
func stall(ctx context.Context, end func()) fake {
	return fake{change: func(resp *http.Response, body []byte) {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), silent{ctx, end}))
	}}
}

// afterEffect has the vendor do what it is asked, and gives the connector another
// answer.
func afterEffect(f fake) fake {
	if f.change != nil {
		return f
	}
	err := f.err
	return fake{change: func(resp *http.Response, _ []byte) {
		resp.Body = io.NopCloser(failing{err})
		if err == nil {
			spoilt, _ := f.answer(resp.Request)
			*resp = *spoilt
		}
	}}
}

// failing is a body that cannot be read.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// unreadable are some of the answers that say nothing: one of each way in which a
// connector may go wrong.
func unreadable() map[string]fake {
	out := temporaries()
	maps.DeleteFunc(out, func(name string, _ fake) bool {
		return !slices.Contains([]string{"500", "200 with a page", "200 with nothing", "200 of another form", "a reset connection", "an answer that is cut"}, name)
	})
	return out
}

// refusals are the answers by which a vendor refuses what it might do otherwise.
func (b *bundle) refusals() map[string]refusal {
	no := []byte(`{"success":false,"error":"no"}`)
	out := map[string]refusal{
		"401": {fake{status: 401, body: no}, fault.Error{Kind: fault.Auth}},
		"403": {fake{status: 403, body: no}, fault.Error{Kind: fault.Forbidden}},
	}
	limits := append([]Limit{{Name: "Retry-After", Header: map[string]string{"Retry-After": "7"}, After: 7 * time.Second}}, b.Limits...)
	for _, l := range limits {
		out["429 "+l.Name] = refusal{fake{status: 429, header: l.Header, body: []byte(`{}`)}, fault.Error{Kind: fault.Limited, RetryAfter: l.After, Daily: l.Daily}}
	}
	return out
}

type refusal struct {
	answer fake
	want   fault.Error
}

func pushesForbidden(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		for name, r := range b.refusals() {
			e := s.Edit(t)
			w := b.open(t)
			w.spoil = onWrites(r.answer)
			b.unchanged(t, e, func() {
				told := w.refusedAs(t, e, r.want.Kind)
				if told != nil && (told.RetryAfter != r.want.RetryAfter || told.Daily != r.want.Daily) {
					t.Errorf("%s: after %v, of the day: %v; want %v, %v", name, told.RetryAfter, told.Daily, r.want.RetryAfter, r.want.Daily)
				}
			})
			if n := w.writes(); n != 1 {
				t.Errorf("%s: %d writing requests, want one", name, n)
			}
		}
	})
}

// took makes sure that an edit whose outcome was not known has had its effect, and
// that the contract's own means show it.
func (b *bundle) took(t *testing.T, name string, e connectors.Edit) {
	t.Helper()
	id := e.ID
	if id == "" {
		r, found, err := ability[connectors.Pusher](t, b.open(t)).Find(t.Context(), e)
		if err != nil || !found {
			t.Errorf("%s: the record that was made is not found (%v)", name, err)
			return
		}
		id = r.ID
	}
	r, ok := b.reread(t, e.Object, id)
	if !ok {
		t.Errorf("%s: %s %s is not there", name, e.Object, id)
		return
	}
	if wrong := b.heldBy(t, e.Set, r); len(wrong) > 0 {
		t.Errorf("%s: %q do not hold what was set: %s", name, wrong, r.Raw)
	}
}

func pushesUnsure(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		for name, f := range unreadable() {
			e := s.Edit(t)
			w := b.open(t)
			w.spoil = onWrites(afterEffect(f))
			if _, err := ability[connectors.Pusher](t, w).Push(t.Context(), e); err == nil || certain(err) {
				t.Errorf("%s: %v (%v), want an error that leaves it open", name, err, fault.KindOf(err))
			}
			if n := w.writes(); n != 1 {
				t.Errorf("%s: %d writing requests, want one", name, n)
			}
			b.took(t, name, e)
		}
	})
}

// pushesUnread spoils what a connector reads after the call that writes.
func pushesUnread(t *testing.T, b *bundle) {
	b.eachEdit(t, anyEdit, func(t *testing.T, s EditSample) {
		after := unreadable()
		for _, status := range []int{400, 401, 403, 404, 429} {
			after[fmt.Sprint(status)] = fake{status: status, body: []byte(`{"success":false,"error":"no"}`)}
		}
		for name, f := range after {
			e := s.Edit(t)
			w := b.open(t)
			w.spoil = afterWrites(f)
			if _, err := ability[connectors.Pusher](t, w).Push(t.Context(), e); certain(err) || err == nil && w.spoilt() > 0 {
				t.Errorf("%s: %v (%v), want an error that leaves it open", name, err, fault.KindOf(err))
			}
			b.took(t, name, e)
		}
	})
}

// spoilt counts the requests behind the first that may change something.
func (w wire) spoilt() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.sent, writing)
	return len(w.sent) - 1 - i
}

func finds(t *testing.T, b *bundle) {
	b.eachEdit(t, makesOne, func(t *testing.T, s EditSample) {
		w := b.open(t)
		p := ability[connectors.Pusher](t, w)
		one := s.Edit(t)
		two := marked(one, s.Edit(t))
		for _, e := range []connectors.Edit{one, two} {
			if r, found, err := p.Find(t.Context(), e); err != nil || found {
				t.Errorf("before it is made: %s, %v, %v", r.ID, found, err)
			}
			made := w.push(t, e)
			r, found, err := p.Find(t.Context(), e)
			if err != nil || !found || r.ID != made.ID {
				t.Fatalf("found %v %s (%v), want %s", found, r.ID, err, made.ID)
			}
			b.isWhole(t, w, r)
		}
	})
}

// marked returns an edit as another one is, but for its mark, so that both stand
// beside each other. Without marks it is the other one.
func marked(e, as connectors.Edit) connectors.Edit {
	if as.Mark == "" {
		return as
	}
	out := e
	out.Mark, out.Set.Standard = as.Mark, slices.Clone(e.Set.Standard)
	for i := range out.Set.Standard {
		v := &out.Set.Standard[i].Value
		v.Text = strings.ReplaceAll(v.Text, e.Mark, as.Mark)
	}
	return out
}

// findsNothingSure: "there is none" would have it made twice.
func findsNothingSure(t *testing.T, b *bundle) {
	b.eachEdit(t, makesOne, func(t *testing.T, s EditSample) {
		e := s.Edit(t)
		spoilt := unreadable()
		for name, r := range b.refusals() {
			spoilt[name] = r.answer
		}
		for name, f := range spoilt {
			w := b.open(t)
			w.failing(0, f)
			if r, found, err := ability[connectors.Pusher](t, w).Find(t.Context(), e); err == nil || found {
				t.Errorf("%s: found %v %s without an error", name, found, r.ID)
			}
		}
	})
}
