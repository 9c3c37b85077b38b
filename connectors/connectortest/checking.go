package connectortest

import (
	"strings"
	"testing"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func checking(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"good credentials are known", knowsGood},
		{"bad credentials are fault.Auth", knowsBad},
		{"a missing right is no error", listsMissing},
	})
}

func knowsGood(t *testing.T, b *bundle) {
	rights, err := b.open(t).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rights.Account == "" || rights.User == "" {
		t.Errorf("account %q, user %q: the owner of the quota and the user must be known", rights.Account, rights.User)
	}
	if len(rights.Missing) > 0 {
		t.Errorf("credentials with all rights miss %q", rights.Missing)
	}
}

func knowsBad(t *testing.T, b *bundle) {
	w := b.openAs(t, b.vendor.Bad)
	rights, err := w.Check(t.Context())
	if fault.KindOf(err) != fault.Auth {
		t.Errorf("error %v (%v), want %v; rights %+v", err, fault.KindOf(err), fault.Auth, rights)
	}
	if p, ok := w.Connector.(connectors.Puller); ok {
		for _, object := range b.pulled() {
			if pages, err := walkUntil(t.Context(), p, object, ""); fault.KindOf(err) != fault.Auth || len(pages) > 0 {
				t.Errorf("pull of %s: %d pages, error %v (%v), want %v", object, len(pages), err, fault.KindOf(err), fault.Auth)
			}
		}
	}
}

// listsMissing refuses everything but the first call, which says who we are.
func listsMissing(t *testing.T, b *bundle) {
	w := b.open(t)
	w.failing(1, fake{status: 403, body: []byte(`{"success":false,"error":"no"}`)})
	rights, err := w.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.requests() > 1 && len(rights.Missing) == 0 {
		t.Errorf("%d refusals, but nothing is said to be missing", w.requests()-1)
	}
	for _, m := range rights.Missing {
		if len(strings.Fields(m)) < 4 {
			t.Errorf("%q does not say what to do", m)
		}
	}
}
