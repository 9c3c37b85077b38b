package main

import (
	"bufio"
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/catalog"
	"salesbook.dev/connectors/pipedrive"
	connector "salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox/zoho"
)

// answering is a guide whose questions are answered in this order, shown or not.
func answering(out io.Writer, answers ...string) *guide {
	in := strings.NewReader(strings.Join(answers, "\n") + "\n")
	return &guide{keys: &keyboard{in: bufio.NewReader(in), out: out, fd: -1}, out: out}
}

// simulatedZoho knows one client, and answers at an address.
func simulatedZoho(t *testing.T, o zoho.Options) (*zoho.Sim, string) {
	t.Helper()
	o.OAuth.ClientID, o.OAuth.ClientSecret = "1000.CLIENT", "hush-hush"
	sim, err := zoho.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		_ = sim.Close()
	})
	return sim, server.URL
}

// codeOf is the code that an administrator makes in the console.
func codeOf(t *testing.T, sim *zoho.Sim) string {
	t.Helper()
	code, err := sim.Code("ZohoCRM.modules.ALL", "ZohoCRM.org.READ")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestLedToASelfClient(t *testing.T) {
	t.Parallel()
	sim, url := simulatedZoho(t, zoho.Options{})
	var said strings.Builder
	cfg := connectors.Config{BaseURL: url, Settings: map[string]string{}, Secrets: map[string]string{}}
	c := &connectCmd{CallbackURL: "http://localhost:8765/callback"}
	// A word that is none of the choices, a number in place of a name, an empty line, and a code that has ended.
	token, err := c.lead(t.Context(), answering(&said, "7", "1", "mars", "2", "", "1000.CLIENT", "hush-hush", "1000.ended", codeOf(t, sim)), connector.Spec(), cfg)
	if err != nil || token == nil || token.RefreshToken == "" {
		t.Fatalf("token %v, error %v; said\n%s", token != nil, err, said.String())
	}
	want := connectors.Config{BaseURL: url, Settings: map[string]string{"data_center": "eu", "client_id": "1000.CLIENT"}, Secrets: map[string]string{"client_secret": "hush-hush"}}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for _, text := range []string{"https://api-console.zoho.eu", "crm.zoho.eu", "In which data centre does the account live?", "Time Duration", "none of them", "invalid_code", "make another one",
		"ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.READ,ZohoCRM.org.READ,ZohoCRM.coql.READ,ZohoCRM.notifications.ALL"} {
		if !strings.Contains(said.String(), text) {
			t.Errorf("it does not say %q:\n%s", text, said.String())
		}
	}
	if strings.Contains(said.String(), "by itself") {
		t.Errorf("nothing corrects the data centre of a self client:\n%s", said.String())
	}
	if strings.Contains(said.String(), "hush-hush") || strings.Contains(said.String(), "1000.ended") {
		t.Errorf("it shows a secret:\n%s", said.String())
	}
}

// TestWhatIsInDoubtIsAskedForAgain: where it is not the code that is wrong, what is
// wrong is asked for, the rest is offered as it is, and the code is still good.
func TestWhatIsInDoubtIsAskedForAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		client, secret string
		again          []string // answers to what is asked for again
		says, silent   string
	}{
		{"the client", "1000.OTHER", "hush-hush", []string{"", "1000.CLIENT", "", ""}, "client_id [1000.OTHER]: ", "make another one"},
		{"client and data centre", "1000.OTHER", "hush", []string{"in", "1000.CLIENT", "hush-hush", ""}, "Which one? [eu] ", "make another one"},
		{"the secret", "1000.CLIENT", "hush", []string{"hush-hush", ""}, "client_secret (is not shown; Enter takes the one before): ", "Which one? [eu]"},
		{"one after the other", "1000.OTHER", "hush", []string{"", "1000.CLIENT", "", "", "hush-hush", ""}, "copy client_secret again", "make another one"},
	}
	for _, tt := range tests {
		sim, url := simulatedZoho(t, zoho.Options{})
		var said strings.Builder
		cfg := connectors.Config{BaseURL: url, Settings: map[string]string{"api_domain": "https://www.zohoapis.eu"}, Secrets: map[string]string{}}
		q := answering(&said, append([]string{"1", "eu", tt.client, tt.secret, codeOf(t, sim)}, tt.again...)...)
		token, err := (&connectCmd{}).lead(t.Context(), q, connector.Spec(), cfg)
		if err != nil || token == nil || cfg.Settings["client_id"] != "1000.CLIENT" || cfg.Secrets["client_secret"] != "hush-hush" {
			t.Errorf("%s: token %v, settings %v, error %v; said\n%s", tt.name, token != nil, cfg.Settings, err, said.String())
		}
		if !strings.Contains(said.String(), tt.says) || strings.Contains(said.String(), tt.silent) || strings.Contains(said.String(), "hush") {
			t.Errorf("%s: want %q said, and neither %q nor the secret:\n%s", tt.name, tt.says, tt.silent, said.String())
		}
		if told, moved := cfg.Settings["api_domain"], slices.Contains(tt.again, "in"); moved && told == "https://www.zohoapis.eu" {
			t.Errorf("%s: it still goes to %s", tt.name, told)
		}
	}
}

// TestLedThroughAnother: who connects again is offered what there is, but for what
// belongs to another way.
func TestLedThroughAnother(t *testing.T) {
	t.Parallel()
	sim, url := simulatedZoho(t, zoho.Options{})
	var said strings.Builder
	cfg := connectors.Config{BaseURL: url, Settings: map[string]string{"client_id": "1000.CLIENT", "data_center": "in", "modules": "Contracts"},
		Secrets: map[string]string{"client_secret": "hush-hush", "refresh_token": "1000.old"}}
	token, err := (&connectCmd{}).lead(t.Context(), answering(&said, "", "", "", "", codeOf(t, sim)), connector.Spec(), cfg)
	if err != nil || token == nil {
		t.Fatalf("token %v, error %v; said\n%s", token != nil, err, said.String())
	}
	want := connectors.Config{BaseURL: url, Settings: map[string]string{"client_id": "1000.CLIENT", "data_center": "in", "modules": "Contracts"}, Secrets: map[string]string{"client_secret": "hush-hush"}}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	// From an app to a token, and back.
	cfg = connectors.Config{Settings: map[string]string{"client_id": "app", "api_domain": "https://acme.pipedrive.com", "quota_reserve": "20%"}, Secrets: map[string]string{"client_secret": "s"}}
	if _, err := (&connectCmd{}).lead(t.Context(), answering(&said, "1", "token"), pipedrive.Spec(), cfg); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(connectors.Config{Settings: map[string]string{"quota_reserve": "20%"}, Secrets: map[string]string{"api_token": "token"}}, cfg); diff != "" {
		t.Errorf("to a token (-want +got):\n%s", diff)
	}
	if _, err := (&connectCmd{}).lead(t.Context(), answering(&said, "2", "app", "s", "here"), pipedrive.Spec(), cfg); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(connectors.Config{Settings: map[string]string{"client_id": "app", "quota_reserve": "20%"}, Secrets: map[string]string{"client_secret": "s"}}, cfg); diff != "" {
		t.Errorf("back to an app (-want +got):\n%s", diff)
	}
}

func TestLedToConsentInTheBrowser(t *testing.T) {
	t.Parallel()
	for where, paste := range map[string]bool{"here": false, "elsewhere": true} {
		var said strings.Builder
		cfg := connectors.Config{Settings: map[string]string{"data_center": "in"}, Secrets: map[string]string{}}
		c := &connectCmd{CallbackURL: "http://localhost:9999/back", Set: map[string]string{"data_center": "in"}}
		token, err := c.lead(t.Context(), answering(&said, "2", "1000.CLIENT", "hush-hush", where), connector.Spec(), cfg)
		if err != nil || token != nil || c.Paste != paste {
			t.Errorf("%s: token %v, error %v, paste %v", where, token, err, c.Paste)
		}
		if !strings.Contains(said.String(), "https://api-console.zoho.in") || !strings.Contains(said.String(), "http://localhost:9999/back") || strings.Contains(said.String(), "Data centre") {
			t.Errorf("it names neither console nor callback, or asks for what was given:\n%s", said.String())
		}
	}
}

// TestWhatToDoWhenTheVendorRefuses: each error of the exchange says what to do.
func TestWhatToDoWhenTheVendorRefuses(t *testing.T) {
	t.Parallel()
	sim, url := simulatedZoho(t, zoho.Options{})
	tests := []struct{ name, client, secret, code, want string }{
		{"a client of another data centre", "1000.OTHER", "hush-hush", "1000.x", "crm.zoho.eu: eu"},
		{"another secret", "1000.CLIENT", "hush", "1000.x", "copy client_secret again"},
		{"a code that has ended", "1000.CLIENT", "hush-hush", "1000.x", "make a new one"},
	}
	for _, tt := range tests {
		cfg := connectors.Config{BaseURL: url, Settings: map[string]string{"client_id": tt.client}, Secrets: map[string]string{"client_secret": tt.secret}}
		_, err := exchange(t.Context(), connector.Spec(), connector.Spec().OAuth(cfg), tt.code)
		if fault.KindOf(err) != fault.Auth || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.secret) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
	cfg := connectors.Config{BaseURL: url, Settings: map[string]string{"client_id": "1000.CLIENT"}, Secrets: map[string]string{"client_secret": "hush-hush"}}
	oc := connector.Spec().OAuth(cfg)
	token, err := exchange(t.Context(), connector.Spec(), oc, codeOf(t, sim))
	for range 12 {
		if err == nil {
			_, err = oc.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		}
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		t.Fatalf("renewing without end: %v", err)
	}
	if err := connector.Spec().Consent.Refusal(refused); fault.KindOf(err) != fault.Limited || !strings.Contains(err.Error(), "10 minutes") {
		t.Errorf("renewing without end: %v", err)
	}
	var said strings.Builder
	_, err = answering(&said, "a", "b", "c", "d", "e", "f").trade(t.Context(), connector.Spec(), cfg)
	if fault.KindOf(err) != fault.Auth || strings.Count(said.String(), "code (is not shown)") != codeTries {
		t.Errorf("codes without end: error %v, said\n%s", err, said.String())
	}
}

func TestQuestionsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	for n := range 5 {
		answers := []string{"1", "eu", "1000.CLIENT", "hush-hush"}[:n]
		q := answering(io.Discard, answers...)
		cfg := connectors.Config{BaseURL: "http://127.0.0.1:1", Settings: map[string]string{}, Secrets: map[string]string{}}
		if n == 0 { // not even the end of a line
			q.keys.in.Reset(strings.NewReader(""))
		}
		if _, err := (&connectCmd{}).lead(t.Context(), q, connector.Spec(), cfg); !errors.Is(err, errUnanswered) {
			t.Errorf("after %d answers: error %v", n, err)
		}
	}
}

// TestWaysAskForWhatIsDeclared holds every connector's ways against its fields.
func TestWaysAskForWhatIsDeclared(t *testing.T) {
	t.Parallel()
	for _, s := range catalog.Connectors {
		if len(s.Ways) == 0 {
			t.Errorf("%s: nobody is led through connecting it", s.Name)
		}
		for _, w := range s.Ways {
			for _, name := range append(slices.Clone(w.First), w.Asks...) {
				if !slices.ContainsFunc(s.Fields, func(f connectors.Field) bool { return f.Name == name }) {
					t.Errorf("%s asks for %q, which it does not declare", s.Name, name)
				}
			}
			if steps := w.Steps(map[string]string{}, "http://localhost/callback"); len(steps) == 0 || w.Title == "" || len(w.Asks) == 0 {
				t.Errorf("%s, %q: %d steps, asks for %q", s.Name, w.Title, len(steps), w.Asks)
			}
			if w.Code && s.OAuth == nil {
				t.Errorf("%s: a code needs OAuth", s.Name)
			}
		}
	}
}
