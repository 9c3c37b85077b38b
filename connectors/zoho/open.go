package zoho

import (
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// Connector is one connection to Zoho CRM. It is safe for concurrent use.
type Connector struct {
	*dialect
	api     *rest.Client
	named   []string // modules of the account's own that the settings name
	trigger []string // the account's automations that edits set off
	now     func() time.Time
	log     *slog.Logger
	known   columnsCache
	singly  atomic.Bool // stage histories cannot be read for many deals at once
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Puller    = (*Connector)(nil)
	_ connectors.Fetcher   = (*Connector)(nil)
	_ connectors.Decoder   = (*dialect)(nil)
)

// columnsCache holds modules' fields as they were when the connector first read
// of them.
type columnsCache struct {
	mu sync.Mutex
	of map[string]layout
}

// layout are the fields of a module.
type layout struct {
	groups [][]string        // their names, in groups that one answer may hold
	types  map[string]string // the vendor's type of each
}

// open validates cfg; every error is fault.Invalid and names the setting.
func open(env connectors.Env, cfg connectors.Config) (connectors.Connector, error) {
	if err := checkSettings(cfg); err != nil {
		return nil, err
	}
	base, err := baseURL(cfg)
	if err != nil {
		return nil, err
	}
	trigger, err := automations(cfg.Settings[setTrigger])
	if err != nil {
		return nil, err
	}
	own, err := ownModules(cfg.Settings[setModules])
	if err != nil {
		return nil, err
	}
	if env.HTTP == nil || env.Now == nil {
		return nil, fault.New(fault.Invalid, "zoho: a connector needs an HTTP client and a clock")
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	c := &Connector{dialect: newDialect(own), api: rest.New(env.HTTP, base), named: own, trigger: trigger, now: env.Now, log: env.Log}
	c.known.of = map[string]layout{}
	c.api.Now = env.Now
	return c, nil
}

// checkSettings refuses unknown names and halves of a credential. It never
// quotes a secret.
func checkSettings(cfg connectors.Config) error {
	settings := []string{setClientID, setCentre, setDomain, setTrigger, setModules}
	for name := range cfg.Settings {
		if !slices.Contains(settings, name) {
			return fault.New(fault.Invalid, "zoho: there is no setting %q that is not a secret; the settings are %s", name, strings.Join(settings, ", "))
		}
	}
	for name, secret := range cfg.Secrets {
		switch {
		case name != setSecret && name != setRefresh:
			return fault.New(fault.Invalid, "zoho: there is no secret %q; the secrets are %s and %s", name, setSecret, setRefresh)
		case trimmed(secret) == "":
			return fault.New(fault.Invalid, "zoho: %s is empty; leave it out or give it", name)
		}
	}
	switch {
	case trimmed(cfg.Settings[setClientID]) == "":
		return fault.New(fault.Invalid, "zoho: %s is missing; it stands in Zoho's API console", setClientID)
	case trimmed(cfg.Secrets[setSecret]) == "":
		return fault.New(fault.Invalid, "zoho: %s is missing; it stands beside the client ID in Zoho's API console", setSecret)
	}
	return nil
}

// baseURL is where the API lives: at a stand-in, or in the account's data centre.
func baseURL(cfg connectors.Config) (string, error) {
	in, err := centreOf(cfg.Settings)
	if err != nil {
		return "", err
	}
	base := trimmed(cfg.BaseURL)
	if base == "" {
		return in.api, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fault.New(fault.Invalid, "zoho: the base URL must be an absolute http(s) URL without user, query and fragment")
	}
	return base, nil
}

// automations reads which of the account's automations edits set off (docs,
// update records, trigger). The empty list sets off none; left out of a request,
// all would run.
func automations(setting string) ([]string, error) {
	out := []string{}
	for _, name := range strings.Split(setting, ",") {
		name = strings.ToLower(trimmed(name))
		switch name {
		case "":
		case "workflow", "approval", "blueprint":
			out = append(out, name)
		default:
			return nil, fault.New(fault.Invalid, "zoho: %s knows workflow, approval and blueprint", setTrigger)
		}
	}
	return out, nil
}

func trimmed(s string) string { return strings.TrimSpace(s) }
