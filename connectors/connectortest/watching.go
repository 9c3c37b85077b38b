package connectortest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
)

func watching(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"watching twice changes nothing", watchesOnce},
		{"what is missing is made anew", watchesAgain},
		{"what is made anew has another id", watchesUnderAnotherID},
		{"a new password replaces subscriptions", watchesAnew},
		{"others' subscriptions stay", sparesOthers},
		{"unwatching leaves nothing of ours", unwatches},
	})
}

const elsewhere = "https://hooks.example.com/in/unguessable-5f3a9c-of-another"

func (b *bundle) watcher(t *testing.T) (connectors.Watcher, wire, *bundle) {
	if _, able := b.open(t).Connector.(connectors.Watcher); !able {
		t.Skip("the connector does not have this ability")
	}
	own := b.with(t, Empty)
	w := own.open(t)
	return ability[connectors.Watcher](t, w), w, own
}

// ours are the vendor's subscriptions under the callback.
func (b *bundle) ours() []string {
	return slices.DeleteFunc(b.vendor.Subscriptions(), func(url string) bool { return !strings.HasPrefix(url, secretCallback().URL) || url == elsewhere })
}

func watch(t *testing.T, w connectors.Watcher, callback connectors.Callback) []connectors.Subscription {
	t.Helper()
	got, err := w.Watch(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got {
		if s.ID == "" || s.Object == "" || !s.Active {
			t.Errorf("subscription %+v: id and object must be there, and it must be active", s)
		}
	}
	return got
}

func watchesOnce(t *testing.T, b *bundle) {
	w, wire, own := b.watcher(t)
	first := watch(t, w, secretCallback())
	if n := len(own.ours()); n == 0 || n != len(first) {
		t.Errorf("%d subscriptions are told, the vendor has %d", len(first), n)
	}
	sent := wire.requests()
	if diff := cmp.Diff(first, watch(t, w, secretCallback())); diff != "" {
		t.Errorf("watching again (-first +second):\n%s", diff)
	}
	for _, req := range wire.sent[sent:] {
		if req.Method == "POST" || req.Method == "DELETE" || req.Method == "PUT" {
			t.Errorf("watching again sent %s", req.Method)
		}
	}
}

func watchesAgain(t *testing.T, b *bundle) {
	w, _, own := b.watcher(t)
	watch(t, w, secretCallback())
	if err := w.Unwatch(t.Context(), secretCallback()); err != nil {
		t.Fatal(err)
	}
	if again := watch(t, w, secretCallback()); len(again) == 0 || len(again) != len(own.ours()) {
		t.Errorf("%d subscriptions are told, the vendor has %d", len(again), len(own.ours()))
	}
}

// watchesUnderAnotherID: by the id alone it is known that for a while nobody told us
// of what happened.
func watchesUnderAnotherID(t *testing.T, b *bundle) {
	w, _, _ := b.watcher(t)
	first := watch(t, w, secretCallback())
	if err := w.Unwatch(t.Context(), secretCallback()); err != nil {
		t.Fatal(err)
	}
	for _, s := range watch(t, w, secretCallback()) {
		if slices.ContainsFunc(first, func(had connectors.Subscription) bool { return had.ID == s.ID }) {
			t.Errorf("subscription %s was lost, and is made anew under the same id", s.ID)
		}
	}
}

// watchesAnew: subscriptions made with an old password would be refused by us.
func watchesAnew(t *testing.T, b *bundle) {
	w, _, own := b.watcher(t)
	first := watch(t, w, secretCallback())
	changed := secretCallback()
	changed.Password = "another-password-78"
	second := watch(t, w, changed)
	for _, s := range first {
		if slices.ContainsFunc(second, func(n connectors.Subscription) bool { return n.ID == s.ID }) {
			t.Errorf("subscription %s was made with the old password and is still there", s.ID)
		}
	}
	if n := len(own.ours()); n != len(second) {
		t.Errorf("%d subscriptions are told, the vendor has %d", len(second), n)
	}
}

func sparesOthers(t *testing.T, b *bundle) {
	w, _, own := b.watcher(t)
	own.vendor.Subscribe(t, elsewhere)
	watch(t, w, secretCallback())
	if err := w.Unwatch(t.Context(), secretCallback()); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(own.vendor.Subscriptions(), elsewhere) {
		t.Error("a subscription to another address was removed")
	}
}

func unwatches(t *testing.T, b *bundle) {
	w, _, own := b.watcher(t)
	watch(t, w, secretCallback())
	for range 2 {
		if err := w.Unwatch(t.Context(), secretCallback()); err != nil {
			t.Fatal(err)
		}
	}
	if left := own.ours(); len(left) > 0 {
		t.Errorf("%d subscriptions are left", len(left))
	}
}
