package pipedrive

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// defaultBase serves API tokens of every company (OpenAPI, servers).
const defaultBase = "https://api.pipedrive.com"

// Connector is one connection to Pipedrive. It is safe for concurrent use.
type Connector struct {
	*dialect
	api      *rest.Client
	token    string // empty with OAuth: the HTTP client authorises
	real     bool   // the vendor itself, not a stand-in
	v1Prefix string
	prices   priceList
	now      func() time.Time
	log      *slog.Logger
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Puller    = (*Connector)(nil)
	_ connectors.Fetcher   = (*Connector)(nil)
	_ connectors.Decoder   = (*dialect)(nil)
	_ connectors.Receiver  = (*Connector)(nil)
	_ connectors.Watcher   = (*Connector)(nil)
)

// open validates cfg; every error is fault.Invalid and names the setting.
func open(env connectors.Env, cfg connectors.Config) (connectors.Connector, error) {
	if err := checkSettings(cfg); err != nil {
		return nil, err
	}
	base, err := baseURL(cfg)
	if err != nil {
		return nil, err
	}
	if env.HTTP == nil || env.Now == nil {
		return nil, fault.New(fault.Invalid, "pipedrive: a connector needs an HTTP client and a clock")
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	c := &Connector{
		dialect: newDialect(), api: rest.New(env.HTTP, base), token: trimmed(cfg.Secrets[setToken]), real: trimmed(cfg.BaseURL) == "",
		v1Prefix: "/v1", prices: prices(), now: env.Now, log: env.Log,
	}
	c.api.Now = env.Now
	if c.real && base != defaultBase {
		c.v1Prefix = "/api/v1" // on a company's own host (guide on API v2)
	}
	return c, nil
}

// checkSettings refuses unknown names, halves of a credential, and tokens that
// cannot be one. It never quotes a secret.
func checkSettings(cfg connectors.Config) error {
	for name := range cfg.Settings {
		if name != setClientID && name != setDomain {
			return fault.New(fault.Invalid, "pipedrive: there is no setting %q that is not a secret; the settings are %s and %s", name, setClientID, setDomain)
		}
	}
	for name := range cfg.Secrets {
		if name != setToken && name != setSecret {
			return fault.New(fault.Invalid, "pipedrive: there is no secret %q; the secrets are %s and %s", name, setToken, setSecret)
		}
	}
	token, id, secret := trimmed(cfg.Secrets[setToken]), trimmed(cfg.Settings[setClientID]), trimmed(cfg.Secrets[setSecret])
	switch {
	case token == "" && id == "" && secret == "":
		return fault.New(fault.Invalid, "pipedrive: %s is missing; give it, or %s and %s to connect by OAuth", setToken, setClientID, setSecret)
	case token != "" && (id != "" || secret != ""):
		return fault.New(fault.Invalid, "pipedrive: give either %s, or %s and %s, not both", setToken, setClientID, setSecret)
	case token == "" && id == "":
		return fault.New(fault.Invalid, "pipedrive: %s is missing; it stands beside the secret in Pipedrive's Developer Hub", setClientID)
	case token == "" && secret == "":
		return fault.New(fault.Invalid, "pipedrive: %s is missing; it stands beside the client ID in Pipedrive's Developer Hub", setSecret)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || r == 0x7f }):
		return fault.New(fault.Invalid, "pipedrive: %s holds characters that no token has; copy it anew", setToken)
	}
	return nil
}

// baseURL is where the API lives: at a stand-in, at the company's own host once
// it is known, else at the host for all.
func baseURL(cfg connectors.Config) (string, error) {
	if base := trimmed(cfg.BaseURL); base != "" {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https") {
			return "", fault.New(fault.Invalid, "pipedrive: the base URL must be an absolute http(s) URL without user, query and fragment")
		}
		return base, nil
	}
	domain := trimmed(cfg.Settings[setDomain])
	if domain == "" {
		return defaultBase, nil
	}
	u, err := url.Parse(domain)
	// Credentials go there, so it must be the vendor.
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || strings.Trim(u.Path, "/") != "" || !strings.HasSuffix(strings.ToLower(u.Hostname()), ".pipedrive.com") {
		return "", fault.New(fault.Invalid, "pipedrive: %s must look like https://acme.pipedrive.com", setDomain)
	}
	return "https://" + strings.ToLower(u.Hostname()), nil
}

func trimmed(s string) string { return strings.TrimSpace(s) }

// headers authorise a call; an OAuth client does it by itself. The token never
// goes into the query, where logs would show it.
func (c *Connector) headers() http.Header {
	if c.token == "" {
		return nil
	}
	return http.Header{"X-Api-Token": {c.token}}
}
