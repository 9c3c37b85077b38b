package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
	"golang.org/x/term"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type connectCmd struct {
	Vendor      string            `arg:"" help:"Vendor, such as pipedrive."`
	Name        string            `arg:"" help:"Your own name for the connection: small letters, digits, - and _."`
	BaseURL     string            `name:"base-url" placeholder:"URL" help:"A simulator or proxy in place of the vendor."`
	Set         map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"A setting; may be repeated."`
	Secret      map[string]string `mapsep:"none" placeholder:"KEY=@FILE" help:"A secret, from a file or (KEY=-) from standard input; may be repeated."`
	HookURL     string            `name:"hook-url" placeholder:"URL" help:"Where the vendor reaches us for deliveries; default SALESBOOK_PUBLIC_URL."`
	Replace     bool              `help:"Give an existing connection these settings and secrets."`
	CallbackURL string            `name:"callback-url" default:"http://localhost:8765/callback" placeholder:"URL" help:"OAuth: the callback URL of your app at the vendor."`
	Paste       bool              `help:"OAuth: paste the address that the browser ends up at, instead of listening for it."`
}

// Help lists what each vendor wants to know.
func (c *connectCmd) Help() string {
	var b strings.Builder
	for _, s := range catalog.Connectors {
		fmt.Fprintf(&b, "%s (%s):\n", s.Title, s.Name)
		fmt.Fprintf(&b, "  --set %s=20%%\n    Share of the vendor's daily quota that is left to people and other tools; 10%% unless set.\n", jobs.ReserveSetting)
		for _, f := range s.Fields {
			how := "--set " + f.Name + "=..."
			if f.Secret {
				how = "--secret " + f.Name + "=@FILE"
			}
			fmt.Fprintf(&b, "  %s\n    %s\n", how, f.Help)
		}
	}
	return b.String()
}

// Validate refuses secrets on the command line.
func (c *connectCmd) Validate() error {
	for _, name := range sortedKeys(c.Secret) {
		if from := c.Secret[name]; from != "-" && !strings.HasPrefix(from, "@") {
			return fmt.Errorf("--secret %s: a secret on the command line can be read by every user of this machine and stays in the shell's history; write it to a file and give --secret %s=@FILE, or %s=- for standard input", name, name, name)
		}
	}
	for _, u := range []struct{ flag, value string }{{"--base-url", c.BaseURL}, {"--hook-url", c.HookURL}, {"--callback-url", c.CallbackURL}} {
		if err := checkURL(u.value); err != nil {
			return fmt.Errorf("%s: %w", u.flag, err)
		}
	}
	return nil
}

// checkURL refuses what is no address, and what would carry a secret to where
// addresses are stored and shown. It repeats nothing of it.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return nil
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("an absolute http or https URL is needed")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("the URL must hold no user, password, query or fragment; secrets are given with --secret NAME=@FILE")
	}
	return nil
}

// Run connects an account and says what can be seen of it.
func (c *connectCmd) Run(ctx context.Context, g *globals) error {
	cfg, err := c.config(g)
	if err != nil {
		return err
	}
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	spec, err := a.pipeline.SpecOf(c.Vendor)
	if err != nil {
		return err
	}
	var token *oauth2.Token
	if c.led(g, spec) {
		if err := c.vacant(ctx, a, ws); err != nil { // before anything is asked
			return err
		}
		if token, err = c.lead(ctx, g.guide(), spec, cfg); err != nil {
			return err
		}
	}
	if err := c.check(ctx, a, ws, spec, cfg); err != nil {
		return err
	}
	n := jobs.NewConnection{Vendor: c.Vendor, Name: c.Name, Config: cfg, HookURL: c.HookURL, By: actor(), Replace: c.Replace}
	if n.HookURL == "" {
		n.HookURL = g.PublicURL
	}
	if n.Token = token; token == nil {
		if n.Token, err = c.consent(ctx, g, spec, n.Config); err != nil {
			return err
		}
	}
	over := g.telling("asking " + spec.Title + " what can be seen")
	s, rights, err := a.pipeline.Connect(ctx, ws, n)
	over()
	if err != nil {
		return err
	}
	rights.Missing = append(rights.Missing, lacking(spec, n.Token, rights.Missing)...)
	return c.report(g, spec, s, rights)
}

// config gathers settings and secrets.
func (c *connectCmd) config(g *globals) (connectors.Config, error) {
	cfg := connectors.Config{BaseURL: c.BaseURL, Settings: map[string]string{}, Secrets: map[string]string{}}
	for name, value := range c.Set {
		cfg.Settings[name] = value
	}
	for _, name := range sortedKeys(c.Secret) {
		secret, err := g.readSecret(name, c.Secret[name])
		if err != nil {
			return cfg, fmt.Errorf("secret %s: %w", name, err)
		}
		cfg.Secrets[name] = secret
	}
	return cfg, nil
}

// readSecret reads a secret from @FILE or, for -, from standard input; typed
// on a terminal it is not shown.
func (g *globals) readSecret(name, from string) (string, error) {
	var text []byte
	var err error
	switch file, isFile := strings.CutPrefix(from, "@"); {
	case isFile:
		text, err = os.ReadFile(file)
	case g.interactive():
		fmt.Fprintf(g.stderr, "%s: ", name)
		text, err = term.ReadPassword(int(g.stdin.(*os.File).Fd()))
		fmt.Fprintln(g.stderr)
	default:
		text, err = io.ReadAll(io.LimitReader(g.stdin, 1<<20))
	}
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", errors.New("it is empty")
	}
	return secret, nil
}

// lead asks for what is needed, and returns the tokens if a code was traded for
// them already.
func (c *connectCmd) lead(ctx context.Context, q *guide, spec connectors.Spec, cfg connectors.Config) (*oauth2.Token, error) {
	way, err := q.choose(spec, cfg, c.CallbackURL)
	if err != nil {
		return nil, err
	}
	if way.Code {
		return q.trade(ctx, spec, cfg)
	}
	if spec.OAuth != nil && spec.OAuth(cfg) != nil && !c.Paste {
		c.Paste, err = q.remote()
	}
	return nil, err
}

// check finds mistakes before a person is sent to the vendor.
func (c *connectCmd) check(ctx context.Context, a *app, ws int64, spec connectors.Spec, cfg connectors.Config) error {
	if err := jobs.CheckFields(spec, cfg); err != nil {
		return err
	}
	env := connectors.Env{HTTP: http.DefaultClient, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if _, err := spec.Open(env, jobs.ForVendor(cfg)); err != nil { // it never dials
		return err
	}
	return c.vacant(ctx, a, ws)
}

// vacant makes sure that the name is free, or taken if it is to be replaced.
func (c *connectCmd) vacant(ctx context.Context, a *app, ws int64) error {
	err := a.db.In(ctx, ws, func(tx pgx.Tx) error {
		_, err := postgres.ConnectionByName(ctx, tx, ws, c.Name)
		return err
	})
	switch known := err == nil; {
	case err != nil && fault.KindOf(err) != fault.NotFound:
		return err
	case known && !c.Replace:
		return fmt.Errorf("a connection named %q exists already; choose another name, or give it new settings and secrets with --replace", c.Name)
	case !known && c.Replace:
		return fmt.Errorf("there is no connection %q to replace; leave --replace out to make it", c.Name)
	}
	return nil
}

// consent asks the account's owner, if the settings call for OAuth.
func (c *connectCmd) consent(ctx context.Context, g *globals, spec connectors.Spec, cfg connectors.Config) (*oauth2.Token, error) {
	if spec.OAuth == nil {
		return nil, nil
	}
	oc := spec.OAuth(cfg)
	if oc == nil {
		return nil, nil
	}
	if spec.Consent.Granted != nil {
		if token := spec.Consent.Granted(cfg); token != nil {
			return token, nil
		}
	}
	oc.RedirectURL = c.CallbackURL
	answer, err := askConsent(ctx, g, spec.Title, oc, c.Paste)
	if err != nil {
		return nil, err
	}
	if err := settle(spec, cfg, answer.Get); err != nil {
		return nil, err
	}
	oc = spec.OAuth(cfg) // the account may live elsewhere than was thought
	oc.RedirectURL = c.CallbackURL
	token, err := exchange(ctx, spec, oc, answer.Get("code"))
	if err != nil {
		return nil, err
	}
	return token, settle(spec, cfg, toldWith(token))
}

// toldWith is what an answer tells beside the token.
func toldWith(token *oauth2.Token) func(name string) string {
	return func(name string) string {
		told, _ := token.Extra(name).(string)
		return told
	}
}

// lacking is what the consent does not allow by the vendor's own word, but for
// what the check has found already.
func lacking(spec connectors.Spec, token *oauth2.Token, found []string) (out []string) {
	if token == nil || spec.Consent.Lacking == nil {
		return nil
	}
	granted := toldWith(token)("scope")
	if granted == "" {
		return nil
	}
	seen := strings.Join(found, " ")
	for _, l := range spec.Consent.Lacking(granted) {
		if !strings.Contains(seen, l.Scope) {
			out = append(out, l.Words)
		}
	}
	return out
}

// settle fills in the settings that an answer of the vendor's tells.
func settle(spec connectors.Spec, cfg connectors.Config, told func(name string) string) error {
	if spec.Consent.Located == nil {
		return nil
	}
	settings, err := spec.Consent.Located(told)
	if err != nil && cfg.BaseURL != "" {
		return nil // a stand-in tells addresses of its own, and is told nothing that it does not know
	}
	maps.Copy(cfg.Settings, settings)
	return err
}

// report says who we are at the vendor, what cannot be seen, and what comes next.
func (c *connectCmd) report(g *globals, spec connectors.Spec, s *jobs.Source, r connectors.Rights) error {
	if g.JSON {
		return g.printJSON(map[string]any{"connection": c.Name, "vendor": c.Vendor, "account": r.Name, "account_id": r.Account, "user": r.User,
			"zone": r.Zone, "rights_missing": append([]string{}, r.Missing...), "hook_url": s.HookURL})
	}
	fmt.Fprintf(g.stdout, "%s is connected to %s: account %s (%s), as user %s.\n", c.Name, spec.Title, harmless(r.Name), r.Account, r.User)
	if len(r.Missing) > 0 {
		fmt.Fprintln(g.stdout, "These credentials may not see everything:")
		for _, m := range r.Missing {
			fmt.Fprintln(g.stdout, "  - "+m)
		}
	} else {
		fmt.Fprintln(g.stdout, "These credentials may see everything that is read.")
	}
	if s.HookURL == "" {
		fmt.Fprintln(g.stdout, "No deliveries are asked for, since there is no public URL (--hook-url or SALESBOOK_PUBLIC_URL): changes are pulled.")
	}
	fmt.Fprintf(g.stdout, "Next: `salesbook sync %s --once` reads it here and now, `salesbook up` keeps it in step.\n", c.Name)
	return nil
}
