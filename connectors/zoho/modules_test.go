package zoho_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
)

// TestOwnModules: a module of the account's own is read, once the settings name
// it, and all of its fields but the vendor's usual ones are the account's.
func TestOwnModules(t *testing.T) {
	t.Parallel()
	spec := zoho.Spec().Under(map[string]string{"modules": " Umowy, Obiekty_2 "})
	f := answers(t, func(method, path, _ string) (int, string) {
		switch {
		case method == "POST": // nothing has changed since
			return 204, ""
		case strings.HasPrefix(path, "/crm/v8/Umowy?"):
			return 200, list(`{"id":"7","Modified_Time":"2026-11-22T12:00:00+01:00","Name":"Umowa 1","Powierzchnia":54.5}`)
		}
		return 200, definitions(3)
	})
	cfg := good(f.URL)
	cfg.Settings["modules"] = "Umowy,Obiekty_2"
	c, err := spec.Open(connectors.Env{HTTP: http.DefaultClient, Now: time.Now}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Umowy", "Umowy_Fields", "Obiekty_2"} {
		if _, ok := spec.Object(name); !ok {
			t.Errorf("%s is not declared", name)
		}
	}
	pages, err := pull(t, c, "Umowy", "")
	if err != nil || len(pages) != 2 || len(pages[0].Records) != 1 || len(pages[1].Records) != 0 {
		t.Fatalf("pages %+v, error %v", pages, err)
	}
	r := pages[0].Records[0]
	v, err := spec.Decoder.Decode(r.Object, r.Shape, r.Raw)
	if err != nil || v.Get("Name").Text != "Umowa 1" || len(v.Custom) != 1 || v.Custom[0].Key != "Powierzchnia" {
		t.Errorf("it is read as %+v, error %v", v, err)
	}
	if _, ok := zoho.Spec().Object("Umowy"); ok {
		t.Error("one account's module is declared for all")
	}
}

// TestOwnModulesAreNames: they become part of addresses and queries.
func TestOwnModulesAreNames(t *testing.T) {
	t.Parallel()
	for _, modules := range []string{"Deals", "Notes", "Deals_Fields", "A,A", "a b", "a/b", "x where id > 0", "7up", "Ж", "A'"} {
		cfg := good("")
		cfg.Settings["modules"] = modules
		_, err := zoho.Spec().Open(connectors.Env{HTTP: http.DefaultClient, Now: time.Now}, cfg)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v (%v), want %v", modules, err, fault.KindOf(err), fault.Invalid)
		}
	}
}
