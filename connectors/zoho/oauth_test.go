package zoho_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

func TestDataCentres(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings map[string]string
		token    string // of the token endpoint; empty: the settings are refused
	}{
		{"none", nil, "https://accounts.zoho.com/oauth/v2/token"},
		{"by name", map[string]string{"data_center": "EU"}, "https://accounts.zoho.eu/oauth/v2/token"},
		{"Canada is called otherwise", map[string]string{"data_center": "ca"}, "https://accounts.zohocloud.ca/oauth/v2/token"},
		{"by the API's address", map[string]string{"api_domain": "https://www.zohoapis.com.au/"}, "https://accounts.zoho.com.au/oauth/v2/token"},
		{"the address wins", map[string]string{"data_center": "us", "api_domain": "https://www.zohoapis.jp"}, "https://accounts.zoho.jp/oauth/v2/token"},
		{"unknown name", map[string]string{"data_center": "moon"}, ""},
		{"another's address", map[string]string{"api_domain": "https://www.zohoapis.com.evil.example"}, ""},
		{"with a path", map[string]string{"api_domain": "https://www.zohoapis.com/x"}, ""},
		{"without encryption", map[string]string{"api_domain": "http://www.zohoapis.com"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good("")
			for name, value := range tt.settings {
				cfg.Settings[name] = value
			}
			_, err := zoho.Spec().Open(connectors.Env{HTTP: http.DefaultClient, Now: time.Now}, cfg)
			if (tt.token == "") != (fault.KindOf(err) == fault.Invalid) {
				t.Fatalf("opening: %v (%v)", err, fault.KindOf(err))
			}
			if got := zoho.Spec().OAuth(cfg).Endpoint.TokenURL; tt.token != "" && got != tt.token {
				t.Errorf("tokens come from %s, want %s", got, tt.token)
			}
		})
	}
}

// TestAnswersTellTheDataCentre, and only the vendor's own addresses are believed:
// the client's secret goes there.
func TestAnswersTellTheDataCentre(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		want        map[string]string
		refused     bool
	}{
		{"accounts-server", "https://accounts.zoho.eu", map[string]string{"data_center": "eu", "api_domain": "https://www.zohoapis.eu"}, false},
		{"api_domain", "https://www.zohoapis.in", map[string]string{"data_center": "in", "api_domain": "https://www.zohoapis.in"}, false},
		{"state", "x", nil, false},
		{"accounts-server", "https://accounts.zoho.evil.example", nil, true},
		{"api_domain", "https://169.254.169.254", nil, true},
		{"accounts-server", "https://user@accounts.zoho.eu", nil, true},
	}
	for _, tt := range tests {
		got, err := zoho.Spec().Consent.Located(func(name string) string {
			if name == tt.name {
				return tt.value
			}
			return ""
		})
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.refused {
			t.Errorf("%s %s: error %v (-want +got):\n%s", tt.name, tt.value, err, diff)
		}
	}
}

// TestRefusedRenewals: too many are no end of the consent, whatever the status;
// an unknown grant is.
func TestRefusedRenewals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		want   fault.Kind
		after  time.Duration
	}{
		{200, `{"error":"Access Denied","error_description":"You have made too many requests continuously. Please try again after some time.","status":"failure"}`, fault.Limited, 10 * time.Minute},
		{400, `{"error":"Access Denied","error_description":"You have made too many requests continuously."}`, fault.Limited, 10 * time.Minute},
		{200, `{"error":"invalid_code"}`, fault.Auth, 0},
		{400, `{"error":"invalid_client"}`, fault.Auth, 0},
		{200, `{"error":"general_error"}`, fault.Temporary, 0},
		{500, `{}`, fault.Temporary, 0},
	}
	for _, tt := range tests {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		cfg := good(server.URL)
		_, err := zoho.Spec().OAuth(cfg).TokenSource(t.Context(), &oauth2.Token{RefreshToken: "refresh"}).Token()
		server.Close()
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) {
			t.Fatalf("%s: error %v of another kind", tt.body, err)
		}
		meant := zoho.Spec().Consent.Refusal(refused)
		if meant == nil {
			meant = rest.TokenError(err)
		}
		if fault.KindOf(meant) != tt.want || fault.RetryAfter(meant) != tt.after {
			t.Errorf("%d %s: %v (%v) after %v, want %v after %v", tt.status, tt.body, meant, fault.KindOf(meant), fault.RetryAfter(meant), tt.want, tt.after)
		}
	}
}

// TestSelfClient: a refresh token that was made at the vendor needs no browser.
func TestSelfClient(t *testing.T) {
	t.Parallel()
	cfg := good("")
	if token := zoho.Spec().Consent.Granted(cfg); token != nil {
		t.Errorf("without a refresh token there is %+v", token)
	}
	cfg.Secrets["refresh_token"] = " 1000.refresh "
	token := zoho.Spec().Consent.Granted(cfg)
	if token == nil || token.RefreshToken != "1000.refresh" || token.Valid() {
		t.Errorf("the token %+v must be renewed before it is used", token)
	}
}

// TestScopes: what is asked for is in the address, in the vendor's form.
func TestScopes(t *testing.T) {
	t.Parallel()
	address := zoho.Spec().OAuth(good("")).AuthCodeURL("state")
	for _, part := range []string{"access_type=offline", "prompt=consent", "scope=ZohoCRM.modules.ALL%2CZohoCRM.settings.ALL%2C", "response_type=code"} {
		if !strings.Contains(address, part) {
			t.Errorf("%s is not in %s", part, address)
		}
	}
}

// TestStale: a missing scope comes with 401 as a spent token does, and renewing
// the token does not help it.
func TestStale(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"INVALID_TOKEN": true, "AUTHENTICATION_FAILURE": true, "OAUTH_SCOPE_MISMATCH": false} {
		body, err := json.Marshal(map[string]any{"code": code, "status": "error", "message": "no", "details": map[string]any{}})
		if err != nil {
			t.Fatal(err)
		}
		if got := zoho.Spec().Consent.Stale(body); got != want {
			t.Errorf("%s: stale %v, want %v", code, got, want)
		}
	}
	if !zoho.Spec().Consent.Stale([]byte("<html>")) {
		t.Error("what cannot be read is taken for a scope")
	}
}

// TestWhatAConsentLacks: each scope that is not granted is named with its price.
func TestWhatAConsentLacks(t *testing.T) {
	t.Parallel()
	all := "ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.users.READ ZohoCRM.org.READ ZohoCRM.coql.READ ZohoCRM.notifications.ALL"
	tests := []struct {
		granted string
		want    []string // parts of what is said
	}{
		{all, nil},
		{strings.ReplaceAll(all, " ", ",") + ",ZohoCRM.bulk.READ", nil},
		{strings.Replace(all, "modules.ALL", "modules.READ", 1), []string{"ZohoCRM.modules.READ in place of ZohoCRM.modules.ALL: everything is read"}},
		{strings.Replace(all, "modules.ALL", "modules.deals.ALL", 1), []string{"only parts of ZohoCRM.modules.ALL"}},
		{strings.Replace(all, " ZohoCRM.notifications.ALL", "", 1), []string{"lacks the scope ZohoCRM.notifications.ALL: changes are seen by the next pull only"}},
		{"ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.org.READ ZohoCRM.notifications.ALL", []string{"ZohoCRM.users.READ: nobody is known", "ZohoCRM.coql.READ: nothing works"}},
	}
	for _, tt := range tests {
		got := zoho.Spec().Consent.Lacking(tt.granted)
		if len(got) != len(tt.want) {
			t.Errorf("%q: %+v, want %q", tt.granted, got, tt.want)
			continue
		}
		for i, words := range tt.want {
			if !strings.Contains(got[i].Words, words) || !strings.Contains(got[i].Words, got[i].Scope) {
				t.Errorf("%q: says %+v, want %q in it", tt.granted, got[i], words)
			}
		}
	}
}

// TestWhatMayNotBeReadHasAPrice: a missing scope and a profile that hides a module
// are told apart, each with what it costs and what to do.
func TestWhatMayNotBeReadHasAPrice(t *testing.T) {
	t.Parallel()
	f := answers(t, func(_, path, _ string) (int, string) {
		switch {
		case path == "/crm/v8/org":
			return 200, `{"org":[{"id":"1","company_name":"A","license_details":{"paid_type":"standard"}}]}`
		case path == "/crm/v8/users?type=CurrentUser":
			return 200, `{"users":[{"id":"7"}]}`
		case strings.HasPrefix(path, "/crm/v8/actions/watch"):
			return 401, `{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"invalid oauth scope to access this URL","status":"error"}`
		case path == "/crm/v8/coql":
			return 401, `{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"invalid oauth scope to access this URL","status":"error"}`
		case strings.HasPrefix(path, "/crm/v8/Ghosts"):
			return 400, `{"code":"INVALID_MODULE","details":{"resource_path_index":0},"message":"the module name given seems to be invalid","status":"error"}`
		case strings.HasPrefix(path, "/crm/v8/Leads"):
			return 403, `{"code":"NO_PERMISSION","details":{},"message":"permission denied","status":"error"}`
		}
		return 204, ""
	})
	rights, err := f.connectWith(t, map[string]string{"modules": "Ghosts"}).Check(t.Context())
	if err != nil || len(rights.Missing) != 4 {
		t.Fatalf("missing %q, error %v", rights.Missing, err)
	}
	for i, want := range [][]string{
		{"Queries", "lacks a scope", "nothing works", "ZohoCRM.coql.READ"},
		{"Leads", "by this user, or not in this edition", "how soon they are answered", "Profiles"},
		{"Ghosts is no module of this account", "--set modules", "API name"},
		{"Notifications", "lacks a scope", "by the next pull", "ZohoCRM.notifications.ALL"},
	} {
		for _, part := range want {
			if !strings.Contains(rights.Missing[i], part) {
				t.Errorf("says %q, want %q in it", rights.Missing[i], part)
			}
		}
	}
}
