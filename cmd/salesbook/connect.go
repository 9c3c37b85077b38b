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

	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/fault"
	"salesbook.dev/jobs"
)

type connectCmd struct {
	Vendor      string            `arg:"" help:"Vendor, such as pipedrive."`
	Name        string            `arg:"" help:"Your own name for the connection: small letters, digits, - and _."`
	BaseURL     *string           `name:"base-url" placeholder:"URL" help:"A simulator or proxy in place of the vendor; empty: none."`
	Set         map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"A setting; may be repeated. KEY= takes it away."`
	Secret      map[string]string `mapsep:"none" placeholder:"KEY=@FILE" help:"A secret, from a file or (KEY=-) from standard input; may be repeated."`
	HookURL     *string           `name:"hook-url" placeholder:"URL" help:"Where the vendor reaches us for deliveries; default SALESBOOK_PUBLIC_URL; empty: nowhere."`
	Replace     bool              `help:"Change an existing connection: what is not named stays, but the secrets if one of them is named."`
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
	for _, u := range []struct {
		flag  string
		value *string
	}{{"--base-url", c.BaseURL}, {"--hook-url", c.HookURL}, {"--callback-url", &c.CallbackURL}} {
		if u.value == nil {
			continue
		}
		if err := checkURL(*u.value); err != nil {
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
	named, err := c.named(ctx, g)
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
	had, err := c.standing(ctx, a, ws) // before anything is asked
	if err != nil {
		return err
	}
	n, err := c.intended(ctx, g, spec, named, had)
	if err != nil {
		return err
	}
	over := g.telling("asking " + spec.Title + " what can be seen")
	s, rights, err := a.pipeline.Connect(ctx, ws, n)
	over()
	if err != nil {
		return err
	}
	out := connected{spec: spec, source: s, rights: rights}
	if c.Replace {
		out.fates, out.left = jobs.Fates(had, n), leave(ctx, a, s, had.HookURL)
	}
	return c.report(g, out)
}

// intended is the connection as it is to be: what is named over what stands, with
// what a person answers and allows.
func (c *connectCmd) intended(ctx context.Context, g *globals, spec connectors.Spec, named jobs.Named, had jobs.Standing) (n jobs.NewConnection, err error) {
	n = jobs.NewConnection{Vendor: c.Vendor, Name: c.Name, HookURL: c.hookURL(g, had), By: actor(), Replace: c.Replace, Over: had.Version}
	var anew bool
	if n.Config, anew, err = named.Over(spec, had); err != nil {
		return n, err
	}
	if c.led(g, spec, named) {
		anew = true
		if n.Token, err = c.lead(ctx, g.guide(), spec, n.Config); err != nil {
			return n, err
		}
	}
	n.Keep = c.Replace && !anew
	if n.Keep && had.Locked != nil {
		return n, fmt.Errorf("nothing was changed: %w", had.Locked)
	}
	if err := check(spec, n.Config); err != nil {
		for name := range had.Credentials.Secrets {
			if n.Config.Secrets[name] == "" {
				return n, fmt.Errorf("%w (access is given anew, so no former secret is taken over: name all that is needed)", err)
			}
		}
		return n, err
	}
	if n.Token == nil && (!n.Keep || had.Credentials.Token == nil || had.State == "needs consent") {
		n.Token, err = c.consent(ctx, g, spec, n.Config)
	}
	return n, err
}

// hookURL is where the vendor is to deliver to. A connection that is there keeps its
// own: whoever renews a token may do so where SALESBOOK_PUBLIC_URL is not set.
func (c *connectCmd) hookURL(g *globals, had jobs.Standing) string {
	switch {
	case c.HookURL != nil:
		return *c.HookURL
	case c.Replace:
		return had.HookURL
	}
	return g.PublicURL
}

// named gathers settings and secrets.
func (c *connectCmd) named(ctx context.Context, g *globals) (jobs.Named, error) {
	n := jobs.Named{Settings: c.Set, Secrets: map[string]string{}, BaseURL: c.BaseURL, HookURL: c.HookURL}
	for _, name := range sortedKeys(c.Secret) {
		secret, err := g.readSecret(ctx, name, c.Secret[name])
		if err != nil {
			return n, fmt.Errorf("secret %s: %w", name, err)
		}
		n.Secrets[name] = secret
	}
	return n, nil
}

// readSecret reads a secret from @FILE or, for -, from standard input; typed
// on a terminal it is not shown.
func (g *globals) readSecret(ctx context.Context, name, from string) (string, error) {
	var text []byte
	var err error
	var typed string
	switch file, isFile := strings.CutPrefix(from, "@"); {
	case isFile:
		text, err = os.ReadFile(file)
	case g.interactive():
		typed, err = g.keyboard().hidden(ctx, name+": ")
		text = []byte(typed)
	default:
		text, err = io.ReadAll(io.LimitReader(g.stdin, 1<<20))
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("nothing was entered")
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
	way, err := q.choose(ctx, spec, cfg, c.Set, c.CallbackURL)
	if err != nil {
		return nil, err
	}
	if way.Code {
		return q.trade(ctx, spec, cfg)
	}
	if spec.OAuth != nil && spec.OAuth(cfg) != nil && !c.Paste {
		c.Paste, err = q.remote(ctx)
	}
	return nil, err
}

// check finds mistakes before a person is sent to the vendor.
func check(spec connectors.Spec, cfg connectors.Config) error {
	if err := jobs.CheckFields(spec, cfg); err != nil {
		return err
	}
	env := connectors.Env{HTTP: http.DefaultClient, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	_, err := spec.Open(env, jobs.ForVendor(cfg)) // it never dials
	return err
}

// standing makes sure that the name is free, or returns what stands under it if that
// is to be changed.
func (c *connectCmd) standing(ctx context.Context, a *app, ws int64) (jobs.Standing, error) {
	had, err := a.pipeline.Standing(ctx, ws, c.Name)
	known := err == nil
	switch {
	case err != nil && fault.KindOf(err) != fault.NotFound:
		return had, err
	case known && !c.Replace:
		return had, fmt.Errorf("a connection named %q exists already; choose another name, or give it new settings and secrets with --replace", c.Name)
	case !known && c.Replace:
		return had, fmt.Errorf("there is no connection %q to replace; leave --replace out to make it", c.Name)
	case known && had.Vendor != c.Vendor:
		return had, fmt.Errorf("%s is a connection to %s, not to %s", c.Name, had.Vendor, c.Vendor)
	}
	return had, nil
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
	return token, settle(spec, cfg, jobs.ToldWith(token))
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

// connected is what has come of connecting.
type connected struct {
	spec   connectors.Spec
	source *jobs.Source
	rights connectors.Rights
	fates  []jobs.Fate // what became of what stood before; nil: it is a new connection
	left   string      // why webhooks that deliver to the address before could not be taken away
}

// report says who we are at the vendor, what cannot be seen, and what comes next.
func (c *connectCmd) report(g *globals, out connected) error {
	r := out.rights
	if g.JSON {
		v := map[string]any{"connection": c.Name, "vendor": c.Vendor, "account": r.Name, "account_id": r.Account, "user": r.User,
			"zone": r.Zone, "rights_missing": append([]string{}, r.Missing...), "hook_url": out.source.HookURL}
		if c.Replace {
			v["kept"], v["changed"], v["cleared"], v["webhooks_left"] = namesOf(out.fates, jobs.Kept), namesOf(out.fates, jobs.Changed), namesOf(out.fates, jobs.Cleared), out.left
		}
		return g.printJSON(v)
	}
	fmt.Fprintf(g.stdout, "%s is connected to %s: account %s (%s), as user %s.\n", c.Name, out.spec.Title, harmless(r.Name), r.Account, r.User)
	fmt.Fprint(g.stdout, textOfFates(out.fates))
	if out.left != "" {
		fmt.Fprintf(g.stdout, "The webhooks at the vendor that deliver to the address before could not be removed (%s): remove those named after salesbook there by hand.\n", out.left)
	}
	if len(r.Missing) > 0 {
		fmt.Fprintln(g.stdout, "These credentials may not see everything:")
		for _, m := range r.Missing {
			fmt.Fprintln(g.stdout, "  - "+m)
		}
	} else {
		fmt.Fprintln(g.stdout, "These credentials may see everything that is read.")
	}
	switch hook := out.source.HookURL; {
	case c.Replace && c.HookURL == nil && g.PublicURL != "" && g.PublicURL != hook:
		fmt.Fprintf(g.stdout, "SALESBOOK_PUBLIC_URL says %s, which changes nothing of a connection that is there: --hook-url has deliveries sent there.\n", g.PublicURL)
	case hook == "":
		fmt.Fprintln(g.stdout, "No deliveries are asked for, since there is no public URL (--hook-url or SALESBOOK_PUBLIC_URL): changes are pulled.")
	}
	fmt.Fprintf(g.stdout, "Next: `salesbook sync %s --once` reads it here and now, `salesbook up` keeps it in step.\n", c.Name)
	return nil
}
