package jobs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/pipedrive"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/jobs"
)

// TestWhatIsNotNamedStays: settings one by one, what gives access as a whole.
func TestWhatIsNotNamedStays(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	zohoHas := func() jobs.Standing {
		return standing("https://proxy.example", m{"client_id": "1000.A", "data_center": "eu", "api_domain": "https://www.zohoapis.eu", "modules": "Contracts", "quota_reserve": "25%"},
			m{"client_secret": "s", "refresh_token": "r"})
	}
	tokenHas := func() jobs.Standing { return standing("", m{"quota_reserve": "25%"}, m{"api_token": "t"}) }
	appHas := func() jobs.Standing {
		return standing("", m{"client_id": "app", "api_domain": "https://acme.pipedrive.com"}, m{"client_secret": "s"})
	}
	elsewhere, none := "https://other.example", ""
	tests := []struct {
		name  string
		spec  connectors.Spec
		had   jobs.Standing
		named jobs.Named
		want  connectors.Config
		anew  bool
	}{
		{"nothing", zoho.Spec(), zohoHas(), jobs.Named{}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: zohoHas().Settings, Secrets: zohoHas().Credentials.Secrets}, false},
		{"a setting more, one less and one another", zoho.Spec(), zohoHas(), jobs.Named{Settings: m{"automations": "workflow", "modules": "", "quota_reserve": "5%"}}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: m{"client_id": "1000.A", "data_center": "eu", "api_domain": "https://www.zohoapis.eu", "automations": "workflow", "quota_reserve": "5%"}, Secrets: m{"client_secret": "s", "refresh_token": "r"}}, false},
		{"what gives access, as it is", zoho.Spec(), zohoHas(), jobs.Named{Settings: m{"client_id": "1000.A", "data_center": "eu"}}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: zohoHas().Settings, Secrets: zohoHas().Credentials.Secrets}, false},
		{"another base URL", zoho.Spec(), zohoHas(), jobs.Named{BaseURL: &elsewhere}, connectors.Config{BaseURL: elsewhere, Settings: zohoHas().Settings, Secrets: zohoHas().Credentials.Secrets}, false},
		{"no base URL", zoho.Spec(), zohoHas(), jobs.Named{BaseURL: &none}, connectors.Config{Settings: zohoHas().Settings, Secrets: zohoHas().Credentials.Secrets}, false},
		{"new secrets", zoho.Spec(), zohoHas(), jobs.Named{Secrets: m{"client_secret": "new", "refresh_token": "new"}}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: zohoHas().Settings, Secrets: m{"client_secret": "new", "refresh_token": "new"}}, true},
		{"a client for consent in place of a refresh token", zoho.Spec(), zohoHas(), jobs.Named{Secrets: m{"client_secret": "new"}}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: zohoHas().Settings, Secrets: m{"client_secret": "new"}}, true},
		{"another data centre", zoho.Spec(), zohoHas(), jobs.Named{Settings: m{"data_center": "in"}, Secrets: m{"client_secret": "new"}}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: m{"client_id": "1000.A", "data_center": "in", "modules": "Contracts", "quota_reserve": "25%"}, Secrets: m{"client_secret": "new"}}, true},
		{"another client without its secret", zoho.Spec(), zohoHas(), jobs.Named{Settings: m{"client_id": "1000.B"}}, connectors.Config{BaseURL: "https://proxy.example",
			Settings: m{"client_id": "1000.B", "data_center": "eu", "modules": "Contracts", "quota_reserve": "25%"}, Secrets: m{}}, true},
		{"an app in place of a token", pipedrive.Spec(), tokenHas(), jobs.Named{Settings: m{"client_id": "app"}, Secrets: m{"client_secret": "s"}}, connectors.Config{
			Settings: m{"client_id": "app", "quota_reserve": "25%"}, Secrets: m{"client_secret": "s"}}, true},
		{"a token in place of an app", pipedrive.Spec(), appHas(), jobs.Named{Secrets: m{"api_token": "t"}}, connectors.Config{Settings: m{}, Secrets: m{"api_token": "t"}}, true},
		{"another secret of an app", pipedrive.Spec(), appHas(), jobs.Named{Secrets: m{"client_secret": "new"}}, connectors.Config{Settings: appHas().Settings, Secrets: m{"client_secret": "new"}}, true},
		{"a new connection", pipedrive.Spec(), jobs.Standing{}, jobs.Named{Settings: m{"client_id": "app"}, Secrets: m{"client_secret": "s"}}, connectors.Config{Settings: m{"client_id": "app"}, Secrets: m{"client_secret": "s"}}, true},
	}
	for _, tt := range tests {
		got, anew, err := tt.named.Over(tt.spec, tt.had)
		if err != nil || anew != tt.anew {
			t.Errorf("%s: access anew %v, error %v", tt.name, anew, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for _, name := range []string{"modles", "client_secret"} {
		if _, _, err := (jobs.Named{Settings: m{name: ""}}).Over(zoho.Spec(), zohoHas()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("taking the setting %s away: %v", name, err)
		}
	}
}

func standing(base string, settings, secrets map[string]string) jobs.Standing {
	return jobs.Standing{Connection: postgres.Connection{BaseURL: base, Settings: settings}, Credentials: postgres.Credentials{Secrets: secrets}}
}

func TestFates(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	had := standing("", m{"modules": "A", "automations": "workflow", "client_id": "c"}, m{"client_secret": "s", "refresh_token": "r"})
	had.HookURL, had.Credentials.Token = "https://a.example", &oauth2.Token{RefreshToken: "r"}
	now := jobs.NewConnection{Config: connectors.Config{BaseURL: "https://proxy.example", Settings: m{"modules": "A,B", "client_id": "c"}, Secrets: m{"client_secret": "new"}}}
	want := []jobs.Fate{
		{Name: "automations", Was: "workflow", What: jobs.Cleared}, {Name: "base_url", Is: "https://proxy.example", What: jobs.Changed}, {Name: "client_id", Was: "c", Is: "c", What: jobs.Kept},
		{Name: "client_secret", What: jobs.Changed}, {Name: "consent", What: jobs.Cleared}, {Name: "hook_url", Was: "https://a.example", What: jobs.Cleared},
		{Name: "modules", Was: "A", Is: "A,B", What: jobs.Changed}, {Name: "refresh_token", What: jobs.Cleared},
	}
	if diff := cmp.Diff(want, jobs.Fates(had, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for what, n := range map[jobs.Became]jobs.NewConnection{jobs.Kept: {Keep: true}, jobs.Changed: {Keep: true, Token: &oauth2.Token{}}} {
		i := slices.IndexFunc(jobs.Fates(had, n), func(f jobs.Fate) bool { return f.Name == jobs.FateConsent })
		if got := jobs.Fates(had, n)[i].What; got != what {
			t.Errorf("the consent is %s, want %s", got, what)
		}
	}
}

// TestKeptCredentials: what stands when the settings are stored stays, not what stood
// when they were thought of; a renewed token is the only good one as a rule.
func TestKeptCredentials(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	had, err := a.Standing(t.Context(), a.ws, "crm")
	if err != nil {
		t.Fatal(err)
	}
	cfg, anew, err := jobs.Named{Settings: map[string]string{"automations": "workflow"}}.Over(zoho.Spec(), had)
	if err != nil || anew {
		t.Fatalf("access anew %v, error %v", anew, err)
	}
	if err := a.zoho.ExpireTokens(); err != nil {
		t.Fatal(err)
	}
	a.check(t)
	before, err := a.Standing(t.Context(), a.ws, "crm")
	if err != nil || before.Credentials.Token.AccessToken == had.Credentials.Token.AccessToken {
		t.Fatalf("the token was not renewed: %v", err)
	}
	cfg.Secrets = nil // what is kept is not even looked at
	n := jobs.NewConnection{Vendor: "zoho", Name: "crm", By: "test", Config: cfg, HookURL: had.HookURL, Replace: true, Over: had.Version, Keep: true}
	if _, _, err := a.Connect(t.Context(), a.ws, n); err != nil {
		t.Fatal(err)
	}
	after, err := a.Standing(t.Context(), a.ws, "crm")
	if err != nil || after.Settings["automations"] != "workflow" {
		t.Fatalf("settings %v, error %v", after.Settings, err)
	}
	before.Credentials.Version = after.Credentials.Version
	if diff := cmp.Diff(before.Credentials.Secrets, after.Credentials.Secrets); diff != "" || after.Credentials.Token.AccessToken != before.Credentials.Token.AccessToken {
		t.Errorf("credentials are others:\n%s", diff)
	}
	// Settings that were made from those before are made anew.
	if _, _, err := a.Connect(t.Context(), a.ws, n); fault.KindOf(err) != fault.Conflict {
		t.Errorf("settings made from old ones: %v, want fault.Conflict", err)
	}
}

// TestKeptCredentialsOutliveAFailedCheck: a token that was renewed for the check is
// the only good one as a rule, and not taken back with the settings.
func TestKeptCredentialsOutliveAFailedCheck(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	had, err := a.Standing(t.Context(), a.ws, "crm")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.zoho.ExpireTokens(); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := jobs.Named{Settings: map[string]string{"automations": "workflow"}}.Over(zoho.Spec(), had)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.zoho.Inject(sandbox.Fault{Kind: sandbox.HTML, P: 1, Path: "/coql"}); err != nil {
		t.Fatal(err)
	}
	n := jobs.NewConnection{Vendor: "zoho", Name: "crm", By: "test", Config: cfg, HookURL: had.HookURL, Replace: true, Over: had.Version, Keep: true}
	if _, _, err := a.Connect(t.Context(), a.ws, n); err == nil {
		t.Fatal("the check has not failed")
	}
	after, err := a.Standing(t.Context(), a.ws, "crm")
	if err != nil || after.Settings["automations"] != "" {
		t.Fatalf("settings %v, error %v", after.Settings, err)
	}
	if after.Credentials.Token.AccessToken == had.Credentials.Token.AccessToken {
		t.Error("the spent token is back")
	}
}

// check looks again at what the credentials may see.
func (a *zohoAccount) check(t *testing.T) connectors.Rights {
	t.Helper()
	s, err := a.Open(t.Context(), a.ws, a.conn)
	if err != nil {
		t.Fatal(err)
	}
	rights, err := a.Check(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return rights
}

// TestChannelsLeaveWithTheirAddress: what delivers to a former address is taken away
// at the vendor, and nothing else.
func TestChannelsLeaveWithTheirAddress(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	a.hook(t, "https://one.example")
	if err := a.Pipeline.Watch(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	s := a.hook(t, "https://two.example")
	if err := a.Pipeline.Watch(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	if err := a.UnwatchAt(t.Context(), s, "https://one.example"); err != nil {
		t.Fatal(err)
	}
	a.deliversTo(t, "https://two.example/")
	s = a.hook(t, "")
	if n := one[int](t, a.bundle, `SELECT count(*) FROM subscriptions`); n != 0 {
		t.Errorf("%d subscriptions stand here without an address", n)
	}
	if err := a.UnwatchAt(t.Context(), s, "https://two.example"); err != nil {
		t.Fatal(err)
	}
	if left := a.zoho.Channels(); len(left) != 0 {
		t.Errorf("channels are left: %v", left)
	}
}

// hook gives the connection another address for deliveries and nothing else.
func (a *zohoAccount) hook(t *testing.T, url string) *jobs.Source {
	t.Helper()
	had, err := a.Standing(t.Context(), a.ws, "crm")
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := jobs.Named{}.Over(zoho.Spec(), had)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := a.Connect(t.Context(), a.ws, jobs.NewConnection{Vendor: "zoho", Name: "crm", By: "test", Config: cfg, HookURL: url, Replace: true, Over: had.Version, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deliversTo makes sure that the vendor delivers to addresses that begin so, and to no
// others.
func (a *zohoAccount) deliversTo(t *testing.T, begins string) {
	t.Helper()
	answer, err := a.zoho.Do("", "GET", "/crm/v8/actions/watch?page=1&per_page=200", nil)
	if err != nil {
		t.Fatal(err)
	}
	all := gjson.GetBytes(answer, "watch.#.notify_url").Array()
	if len(all) == 0 {
		t.Error("the vendor delivers nowhere")
	}
	for _, address := range all {
		if !strings.HasPrefix(address.String(), begins) {
			t.Errorf("the vendor delivers to %s", address)
		}
	}
}

// TestScopesAreStoredWithTheRights: what the vendor says of a consent when it renews a
// token is known as long as the consent, and what no reading shows with it.
func TestScopesAreStoredWithTheRights(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	if missing := one[[]string](t, a.bundle, `SELECT rights_missing FROM connections`); len(missing) != 0 {
		t.Errorf("of all scopes are missing: %q", missing)
	}
	code, err := a.zoho.Code("ZohoCRM.modules.READ", "ZohoCRM.settings.ALL", "ZohoCRM.users.READ", "ZohoCRM.org.READ", "ZohoCRM.notifications.ALL")
	if err != nil {
		t.Fatal(err)
	}
	cfg := connectors.Config{BaseURL: a.vendor.URL, Settings: map[string]string{"client_id": "1000.CLIENT"}, Secrets: map[string]string{"client_secret": "client-secret"}}
	token, err := zoho.Spec().OAuth(cfg).Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Secrets["refresh_token"] = token.RefreshToken
	n := jobs.NewConnection{Vendor: "zoho", Name: "crm", By: "test", Config: cfg, Token: zoho.Spec().Consent.Granted(cfg), Replace: true}
	if _, _, err := a.Connect(t.Context(), a.ws, n); err != nil {
		t.Fatal(err)
	}
	a.check(t) // as `salesbook doctor` does, long after
	want := []string{"ZohoCRM.coql.READ", "ZohoCRM.modules.READ in place of ZohoCRM.modules.ALL"}
	missing := one[[]string](t, a.bundle, `SELECT rights_missing FROM connections`)
	if len(missing) != len(want) {
		t.Fatalf("missing: %q", missing)
	}
	for i, scope := range want {
		if !strings.Contains(missing[i], scope) {
			t.Errorf("missing: %q, want %s in it", missing[i], scope)
		}
	}
	var known postgres.Credentials
	a.in(t, func(tx pgx.Tx) error {
		c, err := a.Vault.Load(t.Context(), tx, a.ws, a.conn)
		known = c
		return err
	})
	if !strings.Contains(known.Scope, "ZohoCRM.modules.READ") {
		t.Errorf("the scope is stored as %q", known.Scope)
	}
	// A consent of which nothing is told is not judged by the one before.
	n.Config.Secrets["refresh_token"] = zohoRefresh
	n.Token = zoho.Spec().Consent.Granted(n.Config)
	if _, rights, err := a.Connect(t.Context(), a.ws, n); err != nil || len(rights.Missing) != 0 {
		t.Errorf("missing: %q, error %v", rights.Missing, err)
	}
}
