package pipedrive

import (
	"strings"
	"time"

	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/rest"
)

// The settings, by Field.Name.
const (
	setToken    = "api_token"
	setClientID = "client_id"
	setSecret   = "client_secret"
	setDomain   = "api_domain"
)

// Spec declares the connector. A connection has either an API token, or the id
// and secret of an OAuth app.
func Spec() connectors.Spec {
	s := connectors.Spec{
		Name:  "pipedrive",
		Title: "Pipedrive",
		Fields: []connectors.Field{
			{Name: setToken, Secret: true, Help: "API token of an admin user, from Pipedrive under Personal preferences > API; leave it out to connect by OAuth."},
			{Name: setClientID, Help: "Client ID of your OAuth app, from Pipedrive's Developer Hub; needed without an API token."},
			{Name: setSecret, Secret: true, Help: "Client secret of your OAuth app, from Pipedrive's Developer Hub; needed with a client ID."},
			{Name: setDomain, Told: true, Help: "Address of the company, such as https://acme.pipedrive.com; filled in by itself after consent."},
		},
		FieldTypes: map[string]string{"text": "varchar", "number": "double", "date": "date"},
		// No call moves stages (OpenAPI v1 and v2, stages).
		Setup: connectors.Setup{ByHand: map[string]string{"stages.position": "the settings of the CRM"}},
		Meter: meter(),
		// The smallest plan with one seat (guide on rate limiting, 2026-11): less
		// is never granted. "Server time" of the reset is taken for UTC.
		Quota:   rest.Quota{Burst: 20, BurstWindow: burstWindow, Daily: 30_000},
		OAuth:   oauth,
		Consent: connectors.Consent{Located: located},
		Ways:    ways(),
		Decoder: newDialect(),
		Open:    open,
	}
	for _, src := range sources() {
		s.Objects = append(s.Objects, src.Object)
	}
	return s
}

// ways are the ways to get access. Screens and fields by their names in the vendor's
// guides on the API token and on private apps, read 2026-11-28.
func ways() []connectors.Way {
	return []connectors.Way{
		{
			Title: "API token of a user: quick",
			Steps: func(map[string]string, string) []string {
				return []string{
					"Log in to Pipedrive as the user whose access is to be used: one with deals admin rights and account settings access, best one that no rep works with.",
					"Your name, top right > Company settings > Personal preferences > tab API: copy \"Your personal API token\".",
				}
			},
			Asks: []string{setToken},
		},
		{
			Title: "OAuth app: rights are limited and can be withdrawn",
			Steps: func(_ map[string]string, callback string) []string {
				return []string{
					"In a developer sandbox account of Pipedrive's: your name, top right > the company's name > Developer Hub > Create an app > Create private app.",
					"Tab \"Basic info\": App name salesbook, OAuth callback URL " + callback + ". Save, and make the app live.",
					"Tab \"OAuth & access scopes\": deals:read, contacts:read, activities:read, leads:read, products:read, users:read, recents:read, admin. To write as well: deals:full, activities:full, leads:full.",
					"Client ID and Client secret stand at the end of that tab.",
				}
			},
			Asks: []string{setClientID, setSecret},
		},
	}
}

// burstWindow is the rolling window of the burst limit (guide on rate limiting).
const burstWindow = 2 * time.Second

// Endpoints of the vendor's authorization server (OpenAPI v1, securitySchemes).
const (
	authorizeURL = "https://oauth.pipedrive.com/oauth/authorize"
	tokenURL     = "https://oauth.pipedrive.com/oauth/token"
)

// located is the company's own address, which the vendor tells with the token
// (guide on OAuth). Open refuses what is not the vendor's.
func located(told func(name string) string) (map[string]string, error) {
	domain := told("api_domain")
	if domain == "" {
		return nil, nil
	}
	return map[string]string{setDomain: domain}, nil
}

// oauth returns the OAuth client of cfg, nil when it has an API token. Scopes
// are those of the app, so none are asked for; there is no PKCE (guide on OAuth).
func oauth(cfg connectors.Config) *oauth2.Config {
	if trimmed(cfg.Secrets[setToken]) != "" || trimmed(cfg.Settings[setClientID]) == "" {
		return nil
	}
	endpoint := oauth2.Endpoint{AuthURL: authorizeURL, TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInHeader}
	if base := trimmed(cfg.BaseURL); base != "" {
		endpoint.AuthURL, endpoint.TokenURL = strings.TrimRight(base, "/")+"/oauth/authorize", strings.TrimRight(base, "/")+"/oauth/token"
	}
	return &oauth2.Config{ClientID: trimmed(cfg.Settings[setClientID]), ClientSecret: trimmed(cfg.Secrets[setSecret]), Endpoint: endpoint}
}
