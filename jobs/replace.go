package jobs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Standing is a connection as it is before it is given other settings. The zero
// value is one that there is not yet.
type Standing struct {
	postgres.Connection
	Credentials postgres.Credentials
	Locked      error // why Credentials cannot be opened; nil: they were
}

// Standing returns a connection by its name, or fault.NotFound.
func (p *Pipeline) Standing(ctx context.Context, workspace int64, name string) (Standing, error) {
	var s Standing
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if s.Connection, err = postgres.ConnectionByName(ctx, tx, workspace, name); err != nil {
			return err
		}
		s.Credentials, err = p.Vault.Load(ctx, tx, workspace, s.ID)
		if postgres.Unreadable(err) {
			s.Locked, err = err, nil
		}
		return err
	})
	return s, err
}

// config is the connection's configuration, for others to change.
func (s Standing) config() connectors.Config {
	cfg := connectors.Config{BaseURL: s.BaseURL, Settings: map[string]string{}, Secrets: map[string]string{}}
	maps.Copy(cfg.Settings, s.Settings)
	maps.Copy(cfg.Secrets, s.Credentials.Secrets)
	return cfg
}

// Named is what an admin says of a connection. What is not named stays as it is.
type Named struct {
	Settings         map[string]string // an empty value takes a setting away
	Secrets          map[string]string
	BaseURL, HookURL *string // nil: not named; empty: none
}

// Empty tells that nothing is named.
func (n Named) Empty() bool {
	return len(n.Settings) == 0 && len(n.Secrets) == 0 && n.BaseURL == nil && n.HookURL == nil
}

// Over lays what is named over what stands. anew tells that access is given anew:
// then all former secrets are forgotten with the consent, so that none of them
// works on for another user, client or way than was meant; otherwise all stay.
// Access is given anew by any secret, and by another value of a setting that the
// vendor's ways of access ask for.
func (n Named) Over(spec connectors.Spec, had Standing) (cfg connectors.Config, anew bool, err error) {
	cfg = had.config()
	if n.BaseURL != nil {
		cfg.BaseURL = *n.BaseURL
	}
	access := accessFields(spec)
	moved := false
	for _, name := range slices.Sorted(maps.Keys(n.Settings)) {
		value := n.Settings[name]
		was, stood := cfg.Settings[name]
		if value == "" && !stood && name != ReserveSetting {
			if err := CheckFields(spec, connectors.Config{Settings: map[string]string{name: value}}); err != nil {
				return cfg, false, err
			}
		}
		moved = moved || access[name] && value != was
		if cfg.Settings[name] = value; value == "" {
			delete(cfg.Settings, name)
		}
	}
	if anew = moved || len(n.Secrets) > 0; !anew {
		return cfg, false, nil
	}
	cfg.Secrets = maps.Clone(n.Secrets)
	if cfg.Secrets == nil {
		cfg.Secrets = map[string]string{}
	}
	fits := func(w connectors.Way) bool {
		return slices.ContainsFunc(w.Asks, func(name string) bool { return n.Secrets[name] != "" || n.Settings[name] != "" })
	}
	others := 0
	for _, name := range elsewhere(spec.Ways, fits) {
		if _, stands := cfg.Settings[name]; stands && n.Settings[name] == "" {
			delete(cfg.Settings, name)
			others++
		}
	}
	if moved || others > 0 {
		ForgetTold(spec, cfg, n.Settings)
	}
	return cfg, true, nil
}

// accessFields are the fields that the vendor's ways of access ask for.
func accessFields(spec connectors.Spec) map[string]bool {
	out := map[string]bool{}
	for _, w := range spec.Ways {
		for _, name := range slices.Concat(w.First, w.Asks) {
			out[name] = true
		}
	}
	return out
}

// elsewhere are the fields that only ways ask for which do not fit. Where none
// fits, nothing is known of the way, and there are no such fields.
func elsewhere(ways []connectors.Way, fits func(connectors.Way) bool) (out []string) {
	if !slices.ContainsFunc(ways, fits) {
		return nil
	}
	here := map[string]bool{}
	for _, w := range ways {
		for _, name := range slices.Concat(w.First, w.Asks) {
			here[name] = here[name] || fits(w)
		}
	}
	for name, fit := range here {
		if !fit {
			out = append(out, name)
		}
	}
	return out
}

// KeepWay forgets what of a configuration belongs to another way of access than
// the given one: all secrets that it does not ask for, and settings that only other
// ways do.
func KeepWay(spec connectors.Spec, cfg connectors.Config, way connectors.Way) {
	maps.DeleteFunc(cfg.Secrets, func(name, _ string) bool { return !slices.Contains(way.Asks, name) })
	for _, name := range elsewhere(spec.Ways, func(w connectors.Way) bool { return w.Title == way.Title }) {
		if _, stands := cfg.Settings[name]; stands {
			delete(cfg.Settings, name)
			ForgetTold(spec, cfg, nil)
		}
	}
}

// ForgetTold takes the settings away that an earlier consent told, but for those
// that are named.
func ForgetTold(spec connectors.Spec, cfg connectors.Config, named map[string]string) {
	for _, f := range spec.Fields {
		if f.Told && named[f.Name] == "" {
			delete(cfg.Settings, f.Name)
		}
	}
}

// Became says what became of something.
type Became string

// What things become.
const (
	Kept    Became = "kept"
	Changed Became = "changed"
	Cleared Became = "cleared"
)

// Fate is what became of something that a connection had or was given.
type Fate struct {
	Name    string // of a setting or a secret; or base_url, hook_url, consent
	Was, Is string // of what is no secret
	What    Became
}

// Names of what a connection has beside settings and secrets, in Fate.
const (
	FateBase    = "base_url"
	FateHook    = "hook_url"
	FateConsent = "consent"
)

// Fates compares what stood with what a connection was given, by name.
func Fates(had Standing, n NewConnection) []Fate {
	var out []Fate
	was, is := maps.Clone(had.Settings), maps.Clone(n.Config.Settings)
	if was == nil {
		was = map[string]string{}
	}
	if is == nil {
		is = map[string]string{}
	}
	was[FateBase], is[FateBase] = had.BaseURL, n.Config.BaseURL
	was[FateHook], is[FateHook] = had.HookURL, n.HookURL
	for _, name := range either(was, is) {
		out = append(out, Fate{name, was[name], is[name], fate(was[name], is[name])})
	}
	for _, name := range either(had.Credentials.Secrets, n.Config.Secrets) {
		out = append(out, Fate{Name: name, What: fate(had.Credentials.Secrets[name], n.Config.Secrets[name])})
	}
	switch stood := had.Credentials.Token != nil; {
	case n.Token != nil:
		out = append(out, Fate{Name: FateConsent, What: Changed})
	case stood && n.Keep:
		out = append(out, Fate{Name: FateConsent, What: Kept})
	case stood:
		out = append(out, Fate{Name: FateConsent, What: Cleared})
	}
	slices.SortFunc(out, func(a, b Fate) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// either returns the names under which one of two has something.
func either(a, b map[string]string) []string {
	all := map[string]bool{}
	for _, m := range []map[string]string{a, b} {
		for name, value := range m {
			if value != "" {
				all[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func fate(was, is string) Became {
	switch is {
	case was:
		return Kept
	case "":
		return Cleared
	}
	return Changed
}

// unchanged makes sure that a connection is still as it was when its new settings
// were made from its old ones.
func (n NewConnection) unchanged(now postgres.Connection) error {
	if n.Over == 0 || n.Over == now.Version {
		return nil
	}
	return fault.New(fault.Conflict, "the settings of %s were changed by somebody else meanwhile; look at `salesbook connections show %s` and try again", n.Name, n.Name)
}
