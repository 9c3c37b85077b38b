package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func faults(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"a spent quota is fault.Limited with its delay", limited},
		{"a broken answer is fault.Temporary", temporary},
		{"a failed page harms no other", harmless},
		{"an answer that never ends does so with its context", stalled},
		{"a place that the vendor gives up costs no record", expired},
		{"a refusal is no end of the list", refused},
		{"no error, log or address holds a secret", keepsSecrets},
	})
}

// firstFault pulls an object over a vendor whose answers are spoilt from the
// n-th request on, and returns the pages before and the error.
func (b *bundle) firstFault(t *testing.T, object string, n int, f fake) ([]connectors.Page, error) {
	t.Helper()
	w := b.open(t)
	w.failing(n, f)
	errs := 0
	var pages []connectors.Page
	var first error
	for page, err := range w.puller(t).Pull(t.Context(), object, "") {
		if err == nil {
			pages = append(pages, page)
			continue
		}
		if errs++; errs > 1 || page.Next != "" || page.Records != nil {
			t.Errorf("error %d (%v) came with a page of %d records; an error ends the walk and comes alone", errs, err, len(page.Records))
		}
		first = err
	}
	if first == nil {
		t.Fatalf("%s: the walk ended well over answers that were spoilt", object)
	}
	return pages, first
}

func limited(t *testing.T, b *bundle) {
	limits := append([]Limit{{Name: "Retry-After", Header: map[string]string{"Retry-After": "7"}, After: 7 * time.Second}}, b.Limits...)
	for _, l := range limits {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			each(t, b.pulled(), func(t *testing.T, object string) {
				_, err := b.firstFault(t, object, 0, fake{status: 429, header: l.Header, body: []byte(`{}`)})
				var e *fault.Error
				if !asFault(err, &e) || e.Kind != fault.Limited || e.RetryAfter != l.After || e.Daily != l.Daily {
					t.Errorf("error %#v, want %v after %v, of the day: %v", e, fault.Limited, l.After, l.Daily)
				}
			})
		})
	}
}

func temporaries() map[string]fake {
	html := []byte("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")
	return map[string]fake{
		"500":                        {status: 500, body: []byte(`{"error":"x"}`)},
		"502 with a page":            {status: 502, header: map[string]string{"Content-Type": "text/html"}, body: html},
		"503":                        {status: 503, body: []byte(`{}`)},
		"200 with a page":            {status: 200, header: map[string]string{"Content-Type": "text/html"}, body: html},
		"404 with a page":            {status: 404, header: map[string]string{"Content-Type": "text/html"}, body: html},
		"200 with nothing":           {status: 200},
		"200 of another form":        {status: 200, body: []byte(`{"hello":"world"}`)},
		"200 with null":              {status: 200, body: []byte(`null`)},
		"a timeout":                  {err: timeout{}},
		"a reset connection":         {err: errReset},
		"an answer that is cut":      cut(),
		"a length that is too short": short(),
	}
}

func temporary(t *testing.T, b *bundle) {
	for name, f := range temporaries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, b.pulled(), func(t *testing.T, object string) {
				pages, err := b.firstFault(t, object, 0, f)
				if fault.KindOf(err) != fault.Temporary || len(pages) > 0 {
					t.Errorf("%d pages, then %v (%v), want %v", len(pages), err, fault.KindOf(err), fault.Temporary)
				}
			})
		})
	}
}

// harmless spoils each request of a walk in turn: the pages before stand, and
// the walk goes on behind them.
func harmless(t *testing.T, b *bundle) {
	each(t, b.Paged, func(t *testing.T, object string) {
		w := b.open(t)
		whole := walk(t, w.puller(t), object, "")
		for _, n := range someOf(w.requests()) {
			pages, err := b.firstFault(t, object, n, cut())
			if fault.KindOf(err) != fault.Temporary {
				t.Errorf("request %d: %v (%v), want %v", n+1, err, fault.KindOf(err), fault.Temporary)
			}
			var after connectors.Cursor
			if len(pages) > 0 {
				after = last(t, pages).Next
			}
			pages = append(pages, walk(t, b.open(t).puller(t), object, after)...)
			if diff := difference(every(whole), every(pages)); diff != "" {
				t.Fatalf("request %d spoilt and repeated (-want +got):\n%s", n+1, clip(diff))
			}
		}
	})
}

// someOf picks requests of a walk to spoil: the first ones, one in the middle,
// the last.
func someOf(n int) []int {
	some := []int{0, 1, 2, n / 2, n - 1}
	slices.Sort(some)
	return slices.DeleteFunc(slices.Compact(some), func(i int) bool { return i >= n })
}

// stalled answers with half a body and then nothing more.
func stalled(t *testing.T, b *bundle) {
	each(t, b.pulled(), func(t *testing.T, object string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := b.open(t)
		w.failing(0, fake{change: func(resp *http.Response, body []byte) {
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), silent{ctx, cancel}))
		}})
		pages, err := walkUntil(ctx, w.puller(t), object, "")
		if !errors.Is(err, context.Canceled) || len(pages) > 0 || w.requests() > 1 {
			t.Errorf("%d pages, then %v after %d requests, want the end of the context", len(pages), err, w.requests())
		}
	})
}

// silent is a connection that says nothing more. Once somebody listens, the
// context ends.
type silent struct {
	ctx context.Context
	end func()
}

// Read implements io.Reader.
func (s silent) Read([]byte) (int, error) {
	s.end()
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// expired has the vendor refuse a place in its list that it gave out: the walk
// goes on by itself, or starts anew when it is asked again.
func expired(t *testing.T, b *bundle) {
	if b.vendor.Expire == nil {
		t.Skip("the vendor gives out no places that can end")
	}
	own := b.with(t, Full)
	each(t, b.Paged, func(t *testing.T, object string) {
		var all []connectors.Page
		for page, err := range own.open(t).puller(t).Pull(t.Context(), object, "") {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page)
			break
		}
		own.vendor.Expire(t, object)
		for after, tries := all[0].Next, 0; ; tries++ {
			pages, err := walkUntil(t.Context(), own.open(t).puller(t), object, after)
			all = append(all, pages...)
			if err == nil {
				break
			}
			if kind := fault.KindOf(err); kind != fault.Gone && kind != fault.Temporary || tries > 2 {
				t.Fatalf("after %d tries: %v (%v), want %v or %v, and only once", tries, err, kind, fault.Gone, fault.Temporary)
			}
			if fault.KindOf(err) == fault.Gone {
				after = ""
			} else if len(pages) > 0 {
				after = last(t, pages).Next
			}
		}
		if diff := difference(own.truth(object), keys(latest(alive(records(all, object))))); diff != "" {
			t.Errorf("(-vendor +yielded):\n%s", clip(diff))
		}
	})
}

// refused answers 401 and 403 in the middle of a walk.
func refused(t *testing.T, b *bundle) {
	for status, kind := range map[int]fault.Kind{401: fault.Auth, 403: fault.Forbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			each(t, b.pulled(), func(t *testing.T, object string) {
				for n := range 2 {
					w := b.open(t)
					w.failing(n, fake{status: status, body: []byte(`{"success":false,"error":"no"}`)})
					pages, err := walkUntil(t.Context(), w.puller(t), object, "")
					if w.requests() <= n {
						return // the walk needs no more requests than were good
					}
					if fault.KindOf(err) != kind {
						t.Errorf("after %d good answers: %d pages, then %v (%v), want %v", n, len(pages), err, fault.KindOf(err), kind)
					}
				}
			})
		})
	}
}

// keepsSecrets lets the vendor repeat all that it was sent, in every answer
// that becomes an error.
func keepsSecrets(t *testing.T, b *bundle) {
	for _, status := range []int{200, 302, 400, 401, 403, 404, 409, 422, 429, 500} {
		for _, onlyWrites := range []bool{false, true} {
			t.Run(fmt.Sprint(status, " only writes: ", onlyWrites), func(t *testing.T) {
				t.Parallel()
				w := b.open(t)
				w.spoil = echo(status, onlyWrites)
				for what, err := range b.tryAll(t, w, onlyWrites) {
					if err != nil {
						b.holdsNoSecret(t, what, err.Error())
					}
				}
				b.holdsNoSecret(t, "the log", w.log.String())
				for _, req := range w.sent {
					b.holdsNoSecret(t, "an address", req.URL.String())
				}
			})
		}
	}
}

func secretCallback() connectors.Callback {
	return connectors.Callback{URL: "https://hooks.example.com/in/unguessable-5f3a9c", User: "salesbook", Password: "callback-password-77"}
}

// tryAll uses every ability once, or those that write.
func (b *bundle) tryAll(t *testing.T, w wire, onlyWrites bool) map[string]error {
	out := map[string]error{}
	if wa, ok := w.Connector.(connectors.Watcher); ok {
		_, out["watch"] = wa.Watch(t.Context(), secretCallback())
		out["unwatch"] = wa.Unwatch(t.Context(), secretCallback())
	}
	if onlyWrites {
		return out
	}
	_, out["check"] = w.Check(t.Context())
	if p, ok := w.Connector.(connectors.Puller); ok {
		for _, object := range b.pulled() {
			_, out["pull of "+object] = walkUntil(t.Context(), p, object, "")
		}
	}
	if f, ok := w.Connector.(connectors.Fetcher); ok {
		for _, object := range b.names(func(o connectors.Object) bool { return o.FetchMax > 0 }) {
			_, out["fetch of "+object] = f.Fetch(t.Context(), object, []string{"1"})
		}
	}
	return out
}

func (b *bundle) holdsNoSecret(t *testing.T, what, text string) {
	t.Helper()
	secrets := map[string]string{"callback": secretCallback().Password, "callback address": "unguessable-5f3a9c"}
	for name, v := range b.vendor.Good.Secrets {
		secrets[name] = v
	}
	for name, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("%s: %q holds the secret %s", what, text, name)
		}
	}
}
