package pipedrive

import (
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// OAuth configures the authorization server. The zero value takes any client
// id and secret and asks for consent on a page.
type OAuth struct {
	ClientID     string // "" accepts any client
	ClientSecret string
	// Scopes are what consent grants; empty is all of them.
	Scopes []string
	// AutoConsent redirects at once instead of showing the consent page.
	AutoConsent bool
	// SingleUse gives a new refresh token with each refresh and refuses the
	// old one. Otherwise the refresh token stays, as one page of the vendor's
	// documentation says.
	SingleUse bool
	// OmitRefresh leaves the refresh token out of refresh answers.
	OmitRefresh bool
	// AccessLife and RefreshLife default to an hour and to 60 days without use.
	AccessLife, RefreshLife time.Duration
}

// codeLife is how long an authorization code may wait for its exchange.
const codeLife = 5 * time.Minute

func (o OAuth) withDefaults() OAuth {
	if o.AccessLife == 0 {
		o.AccessLife = time.Hour
	}
	if o.RefreshLife == 0 {
		o.RefreshLife = 60 * 24 * time.Hour
	}
	if len(o.Scopes) == 0 {
		o.Scopes = []string{
			"base", "deals:full", "contacts:full", "activities:full", "products:full", "leads:full", "users:read",
			"recents:read", "search:read", "admin",
		}
	}
	return o
}

// grant is one consent: a code first, then a pair of tokens.
type grant struct {
	ID           int64    `json:"id"`
	Client       string   `json:"client"`
	Redirect     string   `json:"redirect"`
	UserID       int64    `json:"user"`
	Scopes       []string `json:"scopes"`
	Code         string   `json:"code,omitempty"`
	CodeUntil    instant  `json:"code_until"`
	Access       string   `json:"access,omitempty"`
	AccessUntil  instant  `json:"access_until"`
	Refresh      string   `json:"refresh,omitempty"`
	RefreshUntil instant  `json:"refresh_until"`
}

// indexGrant files a grant under the secret it is asked for most.
func indexGrant(g *grant) row { return row{id: g.ID, key: g.Access} }

// grantByAccess finds the consent behind an access token; the caller holds mu.
func (s *store) grantByAccess(token string) *grant {
	r := s.grants.byCode(token)
	if r == nil || token == "" {
		return nil
	}
	return s.grants.load(r)
}

// grantWhere finds a consent by any of its secrets.
func (s *store) grantWhere(match func(*grant) bool) *grant {
	for _, r := range s.grants.rows {
		if g := s.grants.load(r); match(g) {
			return g
		}
	}
	return nil
}

func (s *Sim) routeOAuth(mux *http.ServeMux) {
	mux.HandleFunc("GET /oauth/authorize", s.authorize)
	mux.HandleFunc("POST /oauth/authorize", s.consent)
	mux.HandleFunc("POST /oauth/token", s.token)
	mux.HandleFunc("POST /oauth/token/{$}", s.token)
	mux.HandleFunc("POST /oauth/revoke", s.revoke)
}

func consentPage() *template.Template {
	return template.Must(template.New("consent").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>Allow access to {{.Company}}?</title></head><body>
<h1>Allow access to {{.Company}}?</h1><p>The app {{.Client}} asks for: {{.Scopes}}</p>
<form method="post"><button name="allow" value="yes">Allow and install</button>
<button name="allow" value="no">Cancel</button></form></body></html>
`))
}

func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	if err := s.checkClient(r); err != nil {
		s.send(w, failure(err))
		return
	}
	if s.opt.OAuth.AutoConsent {
		s.redirect(w, r, true)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage().Execute(w, map[string]string{
		"Company": s.opt.Company.Name, "Client": r.URL.Query().Get("client_id"), "Scopes": strings.Join(s.opt.OAuth.Scopes, ", "),
	})
}

func (s *Sim) checkClient(r *http.Request) error {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if q.Get("client_id") == "" || err != nil || !back.IsAbs() {
		return bad("client_id and an absolute redirect_uri are required")
	}
	if want := s.opt.OAuth.ClientID; want != "" && q.Get("client_id") != want {
		return bad("client_id is unknown")
	}
	return nil
}

func (s *Sim) consent(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	if err := s.checkClient(r); err != nil {
		s.send(w, failure(err))
		return
	}
	s.redirect(w, r, r.FormValue("allow") == "yes")
}

// redirect sends the browser back with a code, or with the refusal.
func (s *Sim) redirect(w http.ResponseWriter, r *http.Request, allowed bool) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		s.send(w, failure(bad("redirect_uri: %v", err)))
		return
	}
	answer := back.Query()
	if state := q.Get("state"); state != "" {
		answer.Set("state", state)
	}
	if allowed {
		code, err := s.issueCode(q.Get("client_id"), q.Get("redirect_uri"))
		if err != nil {
			s.send(w, failure(err))
			return
		}
		answer.Set("code", code)
	} else {
		answer.Set("error", "user_denied")
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (s *Sim) issueCode(client, redirect string) (code string, err error) {
	code = s.ids.hex(40)
	err = s.write(actor{}, func(t *tx) error {
		t.grants.save(t, &grant{
			ID: t.grants.next, Client: client, Redirect: redirect, UserID: t.administrator(), Scopes: t.opt.OAuth.Scopes,
			Code: code, CodeUntil: instantOf(t.at.Add(codeLife)),
		})
		return nil
	})
	return code, err
}

// oauthError is the token endpoint's refusal.
func oauthError(status int, code, text string) *refusal {
	return &refusal{status: status, msg: text, body: struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}{Error: code, Message: text}}
}

func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	if spoiled, ok := s.faultBefore(r); ok {
		s.send(w, spoiled)
		return
	}
	out, err := s.tokenAnswer(r)
	if err != nil {
		out = failure(err)
	}
	s.spoil(w, r, out)
}

// clientOf checks the client's credentials and reads the form.
func (s *Sim) clientOf(r *http.Request) (client string, err error) {
	client, secret, ok := r.BasicAuth()
	o := s.opt.OAuth
	if !ok || client == "" || o.ClientID != "" && (client != o.ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(o.ClientSecret)) != 1) {
		return "", oauthError(http.StatusUnauthorized, "invalid_client", "client credentials are invalid")
	}
	if err := r.ParseForm(); err != nil {
		return "", oauthError(http.StatusBadRequest, "invalid_request", "the body must be a form")
	}
	return client, nil
}

// revoke ends a consent by either of its tokens, as uninstalling the app does.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	client, err := s.clientOf(r)
	if err != nil {
		s.send(w, failure(err))
		return
	}
	token := r.PostForm.Get("token")
	err = s.eachGrant(func(g *grant) {
		if token != "" && g.Client == client && (g.Access == token || g.Refresh == token) {
			g.end()
		}
	})
	if err != nil {
		s.send(w, failure(err))
		return
	}
	s.send(w, jsonReply(http.StatusOK, map[string]bool{"success": true}))
}

func (s *Sim) tokenAnswer(r *http.Request) (reply, error) {
	client, err := s.clientOf(r)
	if err != nil {
		return reply{}, err
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		return s.exchange(r, client)
	case "refresh_token":
		return s.refresh(r, client)
	}
	return reply{}, oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
}

func (s *Sim) exchange(r *http.Request, client string) (reply, error) {
	code, back := r.PostForm.Get("code"), r.PostForm.Get("redirect_uri")
	return s.issue(r, func(t *tx) (*grant, error) {
		g := t.grantWhere(func(g *grant) bool { return g.Code != "" && g.Code == code })
		if g == nil || g.Client != client || g.Redirect != back || !t.at.Before(g.CodeUntil.time()) {
			return nil, oauthError(http.StatusBadRequest, "invalid_grant", "the authorization code is invalid, expired or already used")
		}
		g.Code = ""
		g.Refresh = t.refreshToken(g)
		return g, nil
	}, false)
}

func (t *tx) refreshToken(g *grant) string {
	return "1:" + string(optionNumber(g.ID)) + ":" + t.ids.hex(40)
}

func (s *Sim) refresh(r *http.Request, client string) (reply, error) {
	token := r.PostForm.Get("refresh_token")
	return s.issue(r, func(t *tx) (*grant, error) {
		g := t.grantWhere(func(g *grant) bool { return g.Refresh != "" && g.Refresh == token })
		if g == nil || g.Client != client || !t.at.Before(g.RefreshUntil.time()) {
			return nil, oauthError(http.StatusBadRequest, "invalid_grant", "refresh_token is invalid, expired or it was already exchanged")
		}
		if t.opt.OAuth.SingleUse {
			g.Refresh = t.refreshToken(g)
		}
		return g, nil
	}, s.opt.OAuth.OmitRefresh)
}

// issue gives new tokens to the grant that find returns.
func (s *Sim) issue(r *http.Request, find func(*tx) (*grant, error), omit bool) (reply, error) {
	var g *grant
	err := s.write(actor{}, func(t *tx) (err error) {
		if g, err = find(t); err != nil {
			return err
		}
		g.Access = "v1u:" + t.ids.hex(64)
		g.AccessUntil = instantOf(t.at.Add(t.opt.OAuth.AccessLife))
		g.RefreshUntil = instantOf(t.at.Add(t.opt.OAuth.RefreshLife))
		t.grants.save(t, g)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	body := map[string]any{
		"access_token": g.Access, "token_type": "Bearer", "expires_in": int(s.opt.OAuth.AccessLife/time.Second) - 1,
		"scope": strings.Join(g.Scopes, " "), "api_domain": s.baseURL(r),
	}
	if !omit {
		body["refresh_token"] = g.Refresh
	}
	return jsonReply(http.StatusOK, body), nil
}

func (s *Sim) baseURL(r *http.Request) string {
	if s.opt.BaseURL != "" {
		return s.opt.BaseURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// eachGrant changes every consent.
func (s *Sim) eachGrant(change func(*grant)) error {
	return s.write(actor{}, func(t *tx) error {
		for _, r := range slices.Clone(t.grants.rows) {
			g := t.grants.load(r)
			change(g)
			t.grants.save(t, g)
		}
		return nil
	})
}

// ExpireTokens ends all access tokens now; refreshing gives new ones.
func (s *Sim) ExpireTokens() error { return s.eachGrant(func(g *grant) { g.AccessUntil = 1 }) }

// RevokeConsent takes all consents back: access and refresh tokens end, as
// when a user uninstalls the app.
func (s *Sim) RevokeConsent() error {
	return s.eachGrant((*grant).end)
}

func (g *grant) end() { g.AccessUntil, g.RefreshUntil, g.CodeUntil = 1, 1, 1 }
