package zoho

import (
	"crypto/subtle"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// OAuth configures the accounts server. The zero value takes any client and
// asks for consent on a page.
type OAuth struct {
	ClientID     string // "" accepts any client
	ClientSecret string
	// Scopes are what consent may grant at most; empty is whatever is asked for.
	Scopes []string
	// AutoConsent redirects at once instead of showing the consent page.
	AutoConsent bool
	// Location is the data centre told in the redirect; eu if left out.
	Location string
	// AccessLife defaults to an hour.
	AccessLife time.Duration
	// Refused makes refusals come with HTTP 400 where they have been seen with
	// 200 and with 400; the zero value is 200.
	Refused int
}

// The vendor's limits (fact sheet 2.1, 2026-11-21). The brief of this simulator
// sets ten living access tokens per refresh token, the stricter of the figures
// that the vendor's pages give (10 and 15).
const (
	codeLife     = 3 * time.Minute
	livingTokens = 10
	refreshes    = 10
	refreshSpan  = 10 * time.Minute
)

func (o OAuth) withDefaults() OAuth {
	if o.AccessLife == 0 {
		o.AccessLife = time.Hour
	}
	if o.Location == "" {
		o.Location = "eu"
	}
	if o.Refused == 0 {
		o.Refused = http.StatusOK
	}
	return o
}

// grant is one consent: a code first, then a refresh token. Grants never change
// in place.
type grant struct {
	Client   string   `json:"client,omitempty"` // "" is any
	Redirect string   `json:"redirect,omitempty"`
	Offline  bool     `json:"offline,omitempty"`
	User     string   `json:"user"`
	Scopes   []string `json:"scopes"`
	Code     string   `json:"code,omitempty"`
	CodeEnds string   `json:"code_ends,omitempty"`
	Refresh  string   `json:"refresh,omitempty"`
	Access   []access `json:"access,omitempty"`
	// Refreshed are the latest refreshes.
	Refreshed []string `json:"refreshed,omitempty"`
}

type access struct {
	Token string `json:"token"`
	Until string `json:"until"`
}

func (s *Sim) routeOAuth(mux *http.ServeMux) {
	mux.HandleFunc("GET /oauth/v2/auth", s.authorize)
	mux.HandleFunc("POST /oauth/v2/auth", s.consent)
	mux.HandleFunc("POST /oauth/v2/token", s.token)
	mux.HandleFunc("POST /oauth/v2/token/revoke", s.revoke)
	mux.HandleFunc("GET /console", s.console)
	mux.HandleFunc("POST /console", s.generateCode)
}

func consentPage() *template.Template {
	return template.Must(template.New("consent").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>{{.Company}}</title></head><body>
<h1>Access to {{.Company}}</h1><p>The app {{.Client}} asks for: {{.Scopes}}</p>
<form method="post"><button name="allow" value="yes">Accept</button>
<button name="allow" value="no">Reject</button></form></body></html>
`))
}

// console stands in for the page of the API console on which an administrator
// makes the grant code of a self client. Its form is the simulator's own.
func (s *Sim) console(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!DOCTYPE html>
<html lang="en"><head><title>Self Client</title></head><body>
<h1>Self Client: Generate Code</h1>
<form method="post"><label>Scope <input name="scope" size="100"></label> <button>Create</button></form></body></html>
`))
}

func (s *Sim) generateCode(w http.ResponseWriter, r *http.Request) {
	scopes := names(r.FormValue("scope"))
	if len(scopes) == 0 {
		http.Error(w, "Enter a valid scope", http.StatusBadRequest)
		return
	}
	code, err := s.Code(s.grantable(scopes)...)
	if err != nil {
		s.send(w, failure(err))
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(code + "\n"))
}

func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	known := s.opt.OAuth.ClientID == "" || s.opt.OAuth.ClientID == q.Get("client_id")
	if err != nil || !back.IsAbs() || q.Get("client_id") == "" || !known || q.Get("response_type") != "code" || q.Get("scope") == "" {
		http.Error(w, "Invalid request: client_id, redirect_uri, scope and response_type=code are needed", http.StatusBadRequest)
		return
	}
	if s.opt.OAuth.AutoConsent {
		s.redirect(w, r, true)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage().Execute(w, map[string]string{"Company": s.opt.Company.Name, "Client": q.Get("client_id"), "Scopes": q.Get("scope")})
}

func (s *Sim) consent(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	s.redirect(w, r, r.FormValue("allow") == "yes")
}

// redirect sends the browser back with a code, or with the refusal.
func (s *Sim) redirect(w http.ResponseWriter, r *http.Request, allowed bool) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || !back.IsAbs() {
		http.Error(w, "Invalid redirect_uri", http.StatusBadRequest)
		return
	}
	answer := back.Query()
	if state := q.Get("state"); state != "" {
		answer.Set("state", state)
	}
	if allowed {
		code, err := s.issueCode(grant{
			Client: q.Get("client_id"), Redirect: q.Get("redirect_uri"), Offline: q.Get("access_type") == "offline",
			Scopes: s.grantable(names(strings.ReplaceAll(q.Get("scope"), " ", ","))),
		})
		if err != nil {
			s.send(w, failure(err))
			return
		}
		answer.Set("code", code)
		answer.Set("location", s.opt.OAuth.Location)
		answer.Set("accounts-server", baseURL(s.opt.AccountsURL, r))
	} else {
		answer.Set("error", "access_denied")
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (s *Sim) grantable(asked []string) []string {
	if len(s.opt.OAuth.Scopes) == 0 {
		return asked
	}
	return slices.DeleteFunc(asked, func(scope string) bool { return !slices.Contains(s.opt.OAuth.Scopes, scope) })
}

// Code is the grant code that an administrator makes for a self client in the
// vendor's console. It waits three minutes for its exchange.
func (s *Sim) Code(scopes ...string) (string, error) {
	return s.issueCode(grant{Offline: true, Scopes: scopes})
}

func (s *Sim) issueCode(g grant) (code string, err error) {
	err = s.write("", func(t *tx) error {
		code = "1000." + s.dice.hex(32) + "." + s.dice.hex(32)
		g.User, g.Code, g.CodeEnds = t.administrator(), code, utc(t.at.Add(codeLife))
		t.Sim.grants = append(slices.Clone(t.grants), &g)
		return nil
	})
	return code, err
}

// oauthRefusal is the token endpoint's way to refuse.
type oauthRefusal struct {
	status     int
	code, text string
}

func (e *oauthRefusal) Error() string { return e.code }

func (e *oauthRefusal) reply() reply {
	body := object{"error": e.code}
	if e.text != "" {
		body["error_description"], body["status"] = e.text, "failure"
	}
	return jsonReply(e.status, body)
}

func (s *Sim) no(code string) error { return &oauthRefusal{status: s.opt.OAuth.Refused, code: code} }

func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	s.slow(r)
	if spoiled, ok := s.faultBefore(r); ok {
		s.send(w, spoiled)
		return
	}
	s.between.Play(r)
	body, err := s.tokenAnswer(r)
	out := jsonReply(http.StatusOK, body)
	if refused, ok := err.(*oauthRefusal); ok {
		out = refused.reply()
	} else if err != nil {
		out = failure(err)
	}
	s.spoil(w, r, out)
}

func (s *Sim) tokenAnswer(r *http.Request) (object, error) {
	// The official clients send multipart/form-data, others an ordinary form.
	if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return nil, s.no("invalid_request")
	}
	o, client := s.opt.OAuth, r.Form.Get("client_id")
	if client == "" || o.ClientID != "" && client != o.ClientID {
		return nil, s.no("invalid_client")
	}
	if o.ClientID != "" && subtle.ConstantTimeCompare([]byte(r.Form.Get("client_secret")), []byte(o.ClientSecret)) != 1 {
		return nil, s.no("invalid_client_secret")
	}
	switch r.Form.Get("grant_type") {
	case "authorization_code":
		return s.exchange(r, client)
	case "refresh_token":
		return s.refresh(r, client)
	}
	return nil, s.no("unsupported_grant_type")
}

func (s *Sim) exchange(r *http.Request, client string) (object, error) {
	code := r.Form.Get("code")
	var next grant
	err := s.write("", func(t *tx) error {
		i := slices.IndexFunc(t.grants, func(g *grant) bool { return g.Code != "" && g.Code == code })
		if i < 0 || t.grants[i].Client != "" && t.grants[i].Client != client || utc(t.at) >= t.grants[i].CodeEnds {
			return s.no("invalid_code")
		}
		if back := t.grants[i].Redirect; back != "" && back != r.Form.Get("redirect_uri") {
			return s.no("invalid_redirect_uri")
		}
		next = *t.grants[i]
		next.Code, next.Client = "", client
		if next.Offline {
			next.Refresh = "1000." + s.dice.hex(32) + "." + s.dice.hex(32)
		}
		t.renew(i, &next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	body := s.tokens(r, &next)
	if next.Refresh != "" {
		body["refresh_token"] = next.Refresh
	}
	return body, nil
}

func (s *Sim) refresh(r *http.Request, client string) (object, error) {
	token := r.Form.Get("refresh_token")
	var next grant
	err := s.write("", func(t *tx) error {
		i := slices.IndexFunc(t.grants, func(g *grant) bool { return g.Refresh != "" && g.Refresh == token })
		if i < 0 || t.grants[i].Client != "" && t.grants[i].Client != client {
			return s.no("invalid_code")
		}
		next = *t.grants[i]
		from := utc(t.at.Add(-refreshSpan))
		next.Refreshed = slices.DeleteFunc(slices.Clone(next.Refreshed), func(at string) bool { return at <= from })
		if len(next.Refreshed) >= refreshes {
			return &oauthRefusal{http.StatusBadRequest, "Access Denied", "You have made too many requests continuously. Please try again after some time."}
		}
		next.Refreshed = append(next.Refreshed, utc(t.at))
		t.renew(i, &next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.tokens(r, &next), nil // without a refresh token: the old one stays
}

// renew gives a grant one more access token; the oldest beyond the limit ends.
func (t *tx) renew(i int, g *grant) {
	now := utc(t.at)
	g.Access = slices.DeleteFunc(slices.Clone(g.Access), func(a access) bool { return a.Until <= now })
	g.Access = append(g.Access, access{"1000." + t.dice.hex(32) + "." + t.dice.hex(32), utc(t.at.Add(t.opt.OAuth.AccessLife))})
	if n := len(g.Access); n > livingTokens {
		g.Access = g.Access[n-livingTokens:]
	}
	t.Sim.grants = slices.Clone(t.grants)
	t.Sim.grants[i] = g
}

func (s *Sim) tokens(r *http.Request, g *grant) object {
	return object{
		"access_token": g.Access[len(g.Access)-1].Token, "scope": strings.Join(g.Scopes, " "), "api_domain": baseURL(s.opt.BaseURL, r),
		"token_type": "Bearer", "expires_in": int(s.opt.OAuth.AccessLife / time.Second),
	}
}

// revoke ends the consent of a refresh token.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	token := r.FormValue("token")
	err := s.write("", func(t *tx) error {
		n := len(t.grants)
		t.Sim.grants = slices.DeleteFunc(slices.Clone(t.grants), func(g *grant) bool { return token != "" && g.Refresh == token })
		if len(t.grants) == n {
			return s.no("invalid_token")
		}
		return nil
	})
	if refused, ok := err.(*oauthRefusal); ok {
		s.send(w, refused.reply())
		return
	}
	if err != nil {
		s.send(w, failure(err))
		return
	}
	s.send(w, jsonReply(http.StatusOK, object{"status": "success"}))
}

// ExpireTokens ends all access tokens now; refreshing gives new ones.
func (s *Sim) ExpireTokens() error {
	return s.write("", func(t *tx) error {
		next := make([]*grant, len(t.grants))
		for i, g := range t.grants {
			old := *g
			old.Access = nil
			next[i] = &old
		}
		t.Sim.grants = next
		return nil
	})
}

// RevokeConsent takes all consents back, as when an administrator removes the app.
func (s *Sim) RevokeConsent() error {
	return s.write("", func(t *tx) error {
		t.Sim.grants = nil
		return nil
	})
}
