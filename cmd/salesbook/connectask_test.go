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
	connector "salesbook.dev/connectors/zoho"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox/zoho"
)

// answering is a guide whose questions are answered in this order, shown or not.
func answering(out io.Writer, answers ...string) *guide {
	in := bufio.NewReader(strings.NewReader(strings.Join(answers, "\n") + "\n"))
	return &guide{in: in, out: out, hidden: func() (string, error) {
		line, err := in.ReadString('\n')
		return strings.TrimSpace(line), err
	}}
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
	for _, text := range []string{"https://api-console.zoho.eu", "crm.zoho.eu", "Time Duration", "none of them", "invalid_code", "make another one",
		"ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.READ,ZohoCRM.org.READ,ZohoCRM.coql.READ,ZohoCRM.notifications.ALL"} {
		if !strings.Contains(said.String(), text) {
			t.Errorf("it does not say %q:\n%s", text, said.String())
		}
	}
	if strings.Contains(said.String(), "hush-hush") || strings.Contains(said.String(), "1000.ended") {
		t.Errorf("it shows a secret:\n%s", said.String())
	}
	lacks := lacking(connector.Spec(), token, []string{"... the scope ZohoCRM.settings.ALL"})
	if len(lacks) != 3 || !strings.Contains(lacks[1], "ZohoCRM.coql.READ: nothing works") {
		t.Errorf("of the scopes are missing: %q", lacks)
	}
}

func TestLedToConsentInTheBrowser(t *testing.T) {
	t.Parallel()
	for where, paste := range map[string]bool{"here": false, "elsewhere": true} {
		var said strings.Builder
		cfg := connectors.Config{Settings: map[string]string{"data_center": "in"}, Secrets: map[string]string{}}
		c := &connectCmd{CallbackURL: "http://localhost:9999/back"}
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
	_, err = answering(&said, "a", "b", "c", "d").trade(t.Context(), connector.Spec(), cfg)
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
			q.in.Reset(strings.NewReader(""))
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
