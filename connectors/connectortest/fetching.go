package connectortest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func fetching(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"records are as they were pulled", fetchesAsPulled},
		{"a missing record is deleted", fetchesMissing},
		{"a hidden record is an error", fetchesForbidden},
		{"children come by parent", fetchesChildren},
		{"too many ids are refused", fetchesTooMany},
	})
}

// fetched are the objects that are pulled and can be fetched by id.
func (b *bundle) fetched() []string {
	return b.names(func(o connectors.Object) bool { return o.FetchMax > 0 && o.Parent == "" })
}

// fetchesAsPulled compares bytes: a record that looked different by one way
// would be written anew each time.
func fetchesAsPulled(t *testing.T, b *bundle) {
	each(t, b.fetched(), func(t *testing.T, object string) {
		w := b.open(t)
		pulled := latest(alive(records(walk(t, w.puller(t), object, ""), object)))
		for _, n := range []int{1, 2, 30} {
			some := keys(pulled)
			some = some[:min(n, len(some))]
			page, err := ability[connectors.Fetcher](t, w).Fetch(t.Context(), object, append(slices.Clone(some), some[0]))
			if err != nil {
				t.Fatal(err)
			}
			got := records([]connectors.Page{page}, object)
			if diff := cmp.Diff(some, sorted(ids(got))); diff != "" {
				t.Errorf("%d ids (-asked +fetched):\n%s", n, diff)
			}
			for _, r := range got {
				b.isWhole(t, w, r)
				if diff := cmp.Diff(string(pulled[r.ID].Raw), string(r.Raw)); diff != "" {
					t.Errorf("%s %s (-pulled +fetched):\n%s", object, r.ID, diff)
				}
			}
		}
	})
}

func fetchesMissing(t *testing.T, b *bundle) {
	each(t, b.fetched(), func(t *testing.T, object string) {
		w := b.open(t)
		f := ability[connectors.Fetcher](t, w)
		missing := absent(b.truth(object))
		page, err := f.Fetch(t.Context(), object, missing)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sorted(missing), sorted(ids(page.Records))); diff != "" {
			t.Errorf("(-asked +fetched):\n%s", diff)
		}
		for _, r := range page.Records {
			if !r.Deleted || len(r.Raw) > 0 || r.Object != object {
				t.Errorf("the missing %s came as %+v", r.ID, r)
			}
		}
		if page, err := f.Fetch(t.Context(), object, nil); err != nil || len(page.Records) > 0 {
			t.Errorf("a fetch of nothing: %d records, error %v", len(page.Records), err)
		}
	})
}

// absent makes ids in the form of those that exist.
func absent(exist []string) []string {
	var out []string
	for n := 0; len(out) < 5; n++ {
		id := fmt.Sprint(900_000_000 + n)
		if len(exist) > 0 && len(exist[0]) == 36 {
			id = fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
		}
		if !slices.Contains(exist, id) {
			out = append(out, id)
		}
	}
	return out
}

// fetchesForbidden: want of permission is never a deletion.
func fetchesForbidden(t *testing.T, b *bundle) {
	each(t, b.fetched(), func(t *testing.T, object string) {
		for _, f := range []fake{
			{status: 403, body: []byte(`{"success":false,"error":"no"}`)},
			{status: 404, body: []byte("<html>not here</html>"), header: map[string]string{"Content-Type": "text/html"}},
			{status: 404, body: []byte(`{"message":"no Route matched with those values"}`)},
			{status: 500, body: []byte(`{}`)},
		} {
			w := b.open(t)
			w.failing(0, f)
			page, err := ability[connectors.Fetcher](t, w).Fetch(t.Context(), object, b.truth(object)[:1])
			if err == nil || fault.KindOf(err) == fault.NotFound {
				t.Errorf("status %d: records %+v, error %v", f.status, page.Records, err)
			}
		}
	})
}

func fetchesChildren(t *testing.T, b *bundle) {
	each(t, b.names(func(o connectors.Object) bool { return o.FetchMax > 0 && o.Parent != "" }), func(t *testing.T, object string) {
		o, _ := b.Spec.Object(object)
		w := b.open(t)
		f := ability[connectors.Fetcher](t, w)
		parents := b.truth(o.Parent)
		parents = parents[:min(len(parents), o.FetchMax)]
		var ids [2][]string
		for i := range ids {
			page, err := f.Fetch(t.Context(), object, parents)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parents {
				if !slices.Contains(page.Closed, connectors.Scope{Object: object, Parent: p}) {
					t.Errorf("the scope of %s %s is not closed", o.Parent, p)
				}
			}
			for _, r := range page.Records {
				b.isWhole(t, w, r)
				ids[i] = append(ids[i], r.Parent+" "+r.ID)
			}
		}
		if diff := cmp.Diff(ids[0], ids[1]); diff != "" || len(ids[0]) == 0 {
			t.Errorf("%d children; two fetches (-first +second):\n%s", len(ids[0]), diff)
		}
	})
}

func fetchesTooMany(t *testing.T, b *bundle) {
	w := b.open(t)
	f := ability[connectors.Fetcher](t, w)
	for _, o := range b.Spec.Objects {
		many := make([]string, o.FetchMax+1)
		for i := range many {
			many[i] = fmt.Sprint(i + 1)
		}
		if _, err := f.Fetch(t.Context(), o.Name, many); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%d ids of %s: %v (%v), want %v", len(many), o.Name, err, fault.KindOf(err), fault.Invalid)
		}
	}
	if _, err := f.Fetch(t.Context(), "no such object", []string{"1"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown object: %v (%v), want %v", err, fault.KindOf(err), fault.NotFound)
	}
	if w.requests() > 0 {
		t.Errorf("%d requests for nothing", w.requests())
	}
}
