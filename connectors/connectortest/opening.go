package connectortest

import (
	"log/slog"
	"maps"
	"net/http"
	"testing"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func opening(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"valid settings open without network", opensWithoutNetwork},
		{"each needed setting is missed", missesSettings},
		{"unknown settings are refused", refusesUnknown},
		{"the declaration is sound", declares},
	})
}

// offline fails the test when a request is made.
type offline struct{ t *testing.T }

func (o offline) RoundTrip(req *http.Request) (*http.Response, error) {
	o.t.Errorf("%s %s was asked while opening", req.Method, req.URL.Host)
	return nil, errReset
}

func (b *bundle) try(t *testing.T, cfg connectors.Config) error {
	env := connectors.Env{HTTP: &http.Client{Transport: offline{t}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	_, err := b.Spec.Open(env, cfg)
	return err
}

func opensWithoutNetwork(t *testing.T, b *bundle) {
	if len(b.Configs) == 0 {
		t.Fatal("the harness gives no valid settings")
	}
	for i, cfg := range b.Configs {
		if err := b.try(t, cfg); err != nil {
			t.Errorf("settings %d are refused: %v", i, err)
		}
		if b.Spec.OAuth != nil {
			b.Spec.OAuth(cfg) // must not dial or panic either
		}
	}
}

// clone copies settings, so that one can be taken away.
func clone(cfg connectors.Config) connectors.Config {
	cfg.Settings, cfg.Secrets = maps.Clone(cfg.Settings), maps.Clone(cfg.Secrets)
	return cfg
}

func missesSettings(t *testing.T, b *bundle) {
	for _, cfg := range b.Configs {
		for name := range cfg.Settings {
			without, blank := clone(cfg), clone(cfg)
			delete(without.Settings, name)
			blank.Settings[name] = " "
			b.mustRefuse(t, name, without)
			b.mustRefuse(t, name, blank)
		}
		for name := range cfg.Secrets {
			without, blank := clone(cfg), clone(cfg)
			delete(without.Secrets, name)
			blank.Secrets[name] = ""
			b.mustRefuse(t, name, without)
			b.mustRefuse(t, name, blank)
		}
	}
	for _, f := range b.Spec.Fields {
		if f.Required && f.Default == "" {
			b.mustRefuse(t, f.Name, connectors.Config{})
		}
	}
}

func (b *bundle) mustRefuse(t *testing.T, name string, cfg connectors.Config) {
	t.Helper()
	if err := b.try(t, cfg); fault.KindOf(err) != fault.Invalid {
		t.Errorf("without %s: %v (%v), want %v", name, err, fault.KindOf(err), fault.Invalid)
	}
}

func refusesUnknown(t *testing.T, b *bundle) {
	for _, cfg := range b.Configs {
		more := clone(cfg)
		if more.Settings == nil {
			more.Settings = map[string]string{}
		}
		more.Settings["no_such_setting"] = "x"
		b.mustRefuse(t, "knowing no_such_setting", more)
		wrong := clone(cfg)
		wrong.BaseURL = "not an address"
		b.mustRefuse(t, "a usable base URL", wrong)
	}
}

// declares checks what forms, documentation and redaction rely on.
func declares(t *testing.T, b *bundle) {
	fields := map[string]bool{}
	for _, f := range b.Spec.Fields {
		if f.Name == "" || f.Help == "" || fields[f.Name] {
			t.Errorf("field %q has no name, no help or stands twice", f.Name)
		}
		fields[f.Name] = true
	}
	for _, cfg := range b.Configs {
		for name := range cfg.Secrets {
			if f := field(b.Spec, name); !f.Secret {
				t.Errorf("%s is kept as a secret, but not declared as one", name)
			}
		}
		for name := range cfg.Settings {
			if f := field(b.Spec, name); f.Name == "" || f.Secret {
				t.Errorf("%s is a plain setting, but not declared as one", name)
			}
		}
	}
	b.declaresObjects(t)
}

func field(s connectors.Spec, name string) connectors.Field {
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	return connectors.Field{}
}

func (b *bundle) declaresObjects(t *testing.T) {
	seen := map[string]bool{}
	explained := true
	for _, o := range b.Spec.Objects {
		if o.Name == "" || o.Title == "" || seen[o.Name] {
			t.Errorf("object %q has no name, no title or stands twice", o.Name)
		}
		seen[o.Name] = true
		if o.Dictionary && !explained {
			t.Errorf("%s explains others, but is pulled after some of them", o.Name)
		}
		explained = explained && o.Dictionary
		if _, known := b.Spec.Object(o.Parent); o.Parent != "" && !known {
			t.Errorf("%s belongs to %s, which is no object", o.Name, o.Parent)
		}
		if pulled := o.Mode == connectors.Windowed || o.Mode == connectors.Listed; pulled && o.Every <= 0 {
			t.Errorf("%s is pulled, but not said how often", o.Name)
		}
	}
}
