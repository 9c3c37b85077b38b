package connectortest

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"salesbook.dev/connectors"
)

// bundle is the harness with one running vendor, shared by the tests that
// change nothing there.
type bundle struct {
	Harness
	vendor Vendor
	truth  func(object string) []string // the vendor's ids when it started, sorted
}

// with returns the bundle with a vendor of its own.
func (b *bundle) with(t *testing.T, seed Seed) *bundle { return newBundle(b.Harness, b.Start(t, seed)) }

func newBundle(h Harness, v Vendor) *bundle {
	b := &bundle{Harness: h, vendor: v}
	once := map[string]func() []string{}
	for _, o := range h.Spec.Objects {
		once[o.Name] = sync.OnceValue(func() []string { return sorted(v.IDs(o.Name)) })
	}
	b.truth = func(object string) []string { return once[object]() }
	return b
}

// wire is a connector over a transport that records and can fail.
type wire struct {
	connectors.Connector
	*transport
	log *logs
}

// open opens a connector with good credentials.
func (b *bundle) open(t *testing.T) wire { return b.openAs(t, b.vendor.Good) }

func (b *bundle) openAs(t *testing.T, cfg connectors.Config) wire {
	t.Helper()
	tr := newTransport()
	t.Cleanup(tr.close)
	var over http.RoundTripper = tr
	if b.vendor.Authorise != nil {
		over = b.vendor.Authorise(tr)
	}
	cfg.BaseURL = b.vendor.URL
	log := new(logs)
	client := &http.Client{Transport: over, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c, err := b.Spec.Open(connectors.Env{HTTP: client, Now: time.Now, Log: slog.New(log)}, cfg)
	if err != nil {
		t.Fatalf("good settings are refused: %v", err)
	}
	return wire{c, tr, log}
}

// puller returns the connector's Puller, or skips the test.
func (w wire) puller(t *testing.T) connectors.Puller { return ability[connectors.Puller](t, w) }

func ability[T any](t *testing.T, w wire) T {
	t.Helper()
	able, ok := w.Connector.(T)
	if !ok {
		t.Skip("the connector does not have this ability")
	}
	return able
}

// pulled are the objects that are pulled by name.
func (b *bundle) pulled() []string {
	return b.names(func(o connectors.Object) bool { return o.Mode == connectors.Windowed || o.Mode == connectors.Listed })
}

func (b *bundle) names(want func(connectors.Object) bool) []string {
	var out []string
	for _, o := range b.Spec.Objects {
		if want(o) {
			out = append(out, o.Name)
		}
	}
	return out
}

// each runs a test for each of some objects.
func each(t *testing.T, objects []string, test func(t *testing.T, object string)) {
	if len(objects) == 0 {
		t.Skip("there is no such object")
	}
	for _, o := range objects {
		t.Run(o, func(t *testing.T) {
			t.Parallel()
			test(t, o)
		})
	}
}

// walk pulls to the end and fails on an error.
func walk(t *testing.T, p connectors.Puller, object string, after connectors.Cursor) []connectors.Page {
	t.Helper()
	pages, err := walkUntil(t.Context(), p, object, after)
	if err != nil {
		t.Fatalf("pull of %s: %v", object, err)
	}
	return pages
}

// walkUntil pulls to the end or the first error.
func walkUntil(ctx context.Context, p connectors.Puller, object string, after connectors.Cursor) (pages []connectors.Page, err error) {
	for page, err := range p.Pull(ctx, object, after) {
		if err != nil {
			return pages, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// records returns the records of an object in pages, in their order.
func records(pages []connectors.Page, object string) []connectors.Record {
	var out []connectors.Record
	for _, p := range pages {
		for _, r := range p.Records {
			if r.Object == object {
				out = append(out, r)
			}
		}
	}
	return out
}

func ids(records []connectors.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.ID
	}
	return out
}

func sorted(in []string) []string { return slices.Sorted(slices.Values(in)) }

// alive returns the records that are not deleted.
func alive(in []connectors.Record) []connectors.Record {
	return slices.DeleteFunc(slices.Clone(in), func(r connectors.Record) bool { return r.Deleted })
}

// latest returns the last seen state of each record.
func latest(in []connectors.Record) map[string]connectors.Record {
	out := map[string]connectors.Record{}
	for _, r := range in {
		out[r.ID] = r
	}
	return out
}

// last returns the last page.
func last(t *testing.T, pages []connectors.Page) connectors.Page {
	t.Helper()
	if len(pages) == 0 {
		t.Fatal("no page was yielded")
	}
	return pages[len(pages)-1]
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
