package zoho

import (
	"strings"
	"time"

	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// The settings, by Field.Name.
const (
	setClientID = "client_id"
	setSecret   = "client_secret"
	setRefresh  = "refresh_token"
	setCentre   = "data_center"
	setDomain   = "api_domain"
	setTrigger  = "automations"
	setModules  = "modules"
)

// Spec declares the connector. A connection has the id and secret of a client
// in the vendor's API console, and either a refresh token that was made there (a
// self client) or the consent of a user (a server-based application).
func Spec() connectors.Spec { return specWith(nil) }

// specWith declares the connector with modules of the account's own.
func specWith(own []string) connectors.Spec {
	s := connectors.Spec{
		Name:  "zoho",
		Title: "Zoho CRM",
		Fields: []connectors.Field{
			{Name: setClientID, Required: true, Help: "Client ID of your client, from Zoho's API console (api-console.zoho.com, or that of your data centre)."},
			{Name: setSecret, Secret: true, Required: true, Help: "Client secret of the same client."},
			{Name: setRefresh, Secret: true, Help: "Refresh token of a self client, made from a grant code with the scopes " + scopes() + "; leave it out to give consent in the browser."},
			{Name: setCentre, Choices: centreChoices(), Question: "In which data centre does the account live? The address of its CRM tells.",
				Help: "Data centre of the account: " + centreNames() + "; us unless given. Consent in the browser corrects it by itself; with a refresh token it must be right."},
			{Name: setDomain, Told: true, Help: "Address of the API, such as https://www.zohoapis.eu; filled in by itself after consent."},
			{Name: setTrigger, Help: "Which of the account's automations edits of ours set off, of workflow, approval and blueprint, with commas between; none unless given."},
			{Name: setModules, Help: "API names of modules of the account's own that are read as well, with commas between; the map says what they mean."},
		},
		FieldTypes: map[string]string{"text": "text", "number": "double", "date": "date"},
		Setup: connectors.Setup{
			ByHand: map[string]string{
				"stages": stagesScreen, "stages.probability": stagesScreen,
				"fields.required": "Setup > Customization > Modules and Fields > Deals > Layout Rules, by a rule on Stage whose action makes the field mandatory",
			},
			StageNames:    "Stage",
			OptionsAtOnce: optionsLimit,
		},
		Meter: meter(),
		Quota: editionQuota("", 0),
		OAuth: oauth,
		Consent: connectors.Consent{
			Scheme: "Zoho-oauthtoken", Granted: granted, Located: located, Stale: stale, Refusal: tokenError, Doubtful: doubtful, Lacking: lacking,
		},
		Ways:    ways(),
		Decoder: newDialect(own),
		Open:    open,
		Configured: func(settings map[string]string) connectors.Spec {
			own, err := ownModules(settings[setModules])
			if err != nil {
				own = nil // Open tells what is wrong
			}
			return specWith(own)
		},
	}
	for _, src := range sources(own) {
		s.Objects = append(s.Objects, src.Object)
	}
	return s
}

// stagesScreen is where an administrator makes stages and says how probable a deal
// is in them, and whether it has ended (Zoho's help, stage-probability mapping, read
// 2026-11-27). No call of the API does (OpenAPI of 2026 and docs, fields, layouts and
// pipelines), and none demands a field: its screens are those of layout rules
// (Zoho's help, Kaizen 63).
const stagesScreen = "Setup > Customization > Modules and Fields > Deals > Stage-Probability Mapping"

// oauth returns the OAuth client of cfg. The vendor separates scopes by commas,
// takes the client's credentials in the form, and gives a refresh token only
// with access_type offline and prompt consent (docs, OAuth).
func oauth(cfg connectors.Config) *oauth2.Config {
	if trimmed(cfg.Settings[setClientID]) == "" {
		return nil
	}
	base := trimmed(cfg.BaseURL)
	if base == "" {
		in, err := centreOf(cfg.Settings)
		if err != nil {
			in = centres()[0] // Open tells what is wrong
		}
		base = in.accounts
	}
	base = strings.TrimRight(base, "/")
	return &oauth2.Config{
		ClientID: trimmed(cfg.Settings[setClientID]), ClientSecret: trimmed(cfg.Secrets[setSecret]),
		Endpoint: oauth2.Endpoint{
			AuthURL:  base + "/oauth/v2/auth?access_type=offline&prompt=consent",
			TokenURL: base + "/oauth/v2/token", AuthStyle: oauth2.AuthStyleInParams,
		},
		Scopes: []string{scopes()},
	}
}

// granted is what a refresh token of a self client is worth: a token that has
// ended, so that the first call renews it. nil asks for consent.
func granted(cfg connectors.Config) *oauth2.Token {
	refresh := trimmed(cfg.Secrets[setRefresh])
	if refresh == "" {
		return nil
	}
	return &oauth2.Token{RefreshToken: refresh, Expiry: time.Unix(1, 0).UTC()}
}

// refreshRest is how long to keep away once tokens were renewed too often: 10
// renewals in 10 minutes are allowed (docs, OAuth limits).
const refreshRest = 10 * time.Minute

// tokenError knows what the vendor means by its codes (docs, OAuth errors; public
// code). Too many renewals are "Access Denied", with status 400 or 200, and say
// nothing about the consent. nil leaves it to the usual reading.
func tokenError(err *oauth2.RetrieveError) error {
	switch strings.ToLower(err.ErrorCode) {
	case "access denied", "access_denied":
		return &fault.Error{Kind: fault.Limited, Text: "Zoho was asked for tokens too often: it takes 10 renewals in 10 minutes; wait that long and try again", RetryAfter: refreshRest}
	case "general_error", "internal_server_error", "server_error", "temporarily_unavailable":
		return fault.New(fault.Temporary, "renewing the access token: the vendor has a fault; try again later")
	case "invalid_client":
		return fault.New(fault.Auth, "Zoho does not know this client (invalid_client): client_id is wrong, or the client was made in another data centre than %s says; the address of the CRM tells which one it is (crm.zoho.eu: eu)", setCentre)
	case "invalid_client_secret":
		return fault.New(fault.Auth, "Zoho refuses the client secret (invalid_client_secret): copy client_secret again from the API console, where it stands beside the client ID; each data centre of a client may have its own")
	case "invalid_code":
		return fault.New(fault.Auth, "Zoho does not take the code or refresh token (invalid_code): a grant code is good once, for the minutes chosen when it was made, and a refresh token until it is revoked, each only for its client in its data centre; make a new one and connect again")
	case "invalid_redirect_uri":
		return fault.New(fault.Auth, "Zoho does not know the callback URL (invalid_redirect_uri): enter the one of --callback-url as authorized redirect URI of the client")
	}
	return nil
}

// doubtful are the fields that an error of the accounts server puts in doubt (docs,
// OAuth errors): a client is unknown also in the wrong data centre.
func doubtful(err *oauth2.RetrieveError) []string {
	switch strings.ToLower(err.ErrorCode) {
	case "invalid_client":
		return []string{setCentre, setClientID, setSecret}
	case "invalid_client_secret":
		return []string{setSecret}
	}
	return nil
}

// stale tells whether a 401 is about the access token, so that another one may
// help. The vendor says 401 also when a scope is missing (docs, status codes):
// renewing would then only spend one of ten renewals.
func stale(body []byte) bool { return refusalOf(body).code != codeScope }
