package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// consentWait is how long a person may take; vendors' codes live for minutes.
const consentWait = 15 * time.Minute

// askConsent sends a person to the vendor and returns what comes back: a code to
// be traded for tokens, and what else the vendor tells.
func askConsent(ctx context.Context, g *globals, vendor string, oc *oauth2.Config, paste bool) (url.Values, error) {
	ctx, cancel := context.WithTimeout(ctx, consentWait)
	defer cancel()
	state := rand.Text()
	back, err := url.Parse(oc.RedirectURL)
	if err != nil {
		return nil, err
	}
	await := func() (url.Values, error) { return g.pasted(ctx, oc.RedirectURL, state) }
	if !paste && back.Scheme == "http" && loopback(back.Hostname()) {
		l, err := listenFor(back) // before anybody is sent there
		if err != nil {
			return nil, err
		}
		await = func() (url.Values, error) { return awaitCallback(ctx, l, back, state) }
	}
	fmt.Fprintf(g.stderr, "Open this address in a browser, as the user of %s whose access is to be used, and allow it:\n\n  %s\n\n", vendor, oc.AuthCodeURL(state))
	answer, err := await()
	if err != nil {
		return nil, err
	}
	if refused := answer.Get("error"); refused != "" {
		return nil, fault.New(fault.Auth, "consent was refused at %s (%s); run the command again to ask once more", vendor, shorten(refused, 60))
	}
	return answer, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pasted asks for the address at which the browser ended up.
func (g *globals) pasted(ctx context.Context, callback, state string) (url.Values, error) {
	question := fmt.Sprintf("The browser will end up at an address that begins with %s, even if no page appears there. Paste that address here (it holds the code, and is not shown):\n", callback)
	for {
		line, err := g.keyboard().hidden(ctx, question)
		if errors.Is(err, io.EOF) {
			return nil, errors.New("nothing was pasted; run the command again")
		}
		if err != nil {
			return nil, fmt.Errorf("no address was pasted: %w", err)
		}
		if line = strings.TrimSpace(line); line == "" {
			question = ""
			continue
		}
		u, err := url.Parse(line)
		if err != nil {
			return nil, errors.New("that is no address; run the command again and paste the whole of it")
		}
		return u.Query(), checkState(u.Query(), state)
	}
}

// checkState makes sure that an answer belongs to our question and was not
// slipped in by somebody else's page.
func checkState(answer url.Values, state string) error {
	if subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(state)) != 1 {
		return errors.New("the answer does not belong to this question (its state differs): use the address that this command printed, and only once")
	}
	if answer.Get("code") == "" && answer.Get("error") == "" {
		return errors.New("the answer holds no code; copy the whole address")
	}
	return nil
}

func listenFor(back *url.URL) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(back.Hostname(), portOf(back)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the browser at %s: %w; use --paste, or another --callback-url that your app at the vendor allows", back.Host, err)
	}
	return l, nil
}

// awaitCallback serves l until the browser arrives with an answer of ours.
func awaitCallback(ctx context.Context, l net.Listener, back *url.URL, state string) (url.Values, error) {
	answers := make(chan url.Values, 1)
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: callback(back, state, answers)}
	go srv.Serve(l) // ends with Shutdown below
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = srv.Shutdown(late) // the page is out, or nobody waits for it
	}()
	select {
	case answer := <-answers:
		return answer, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no answer came back from the browser: %w", ctx.Err())
	}
}

// callback passes the answer on and thanks for it.
func callback(back *url.URL, state string, answers chan<- url.Values) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != back.Path && back.Path != "" {
			http.NotFound(w, r)
			return
		}
		if err := checkState(r.URL.Query(), state); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "Thank you. salesbook has the answer; you can close this window.")
		select {
		case answers <- r.URL.Query():
		default: // a second window
		}
	})
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// exchange trades the code for tokens. What the vendor answers is not quoted:
// it may hold them.
func exchange(ctx context.Context, spec connectors.Spec, oc *oauth2.Config, code string) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Timeout: 30 * time.Second})
	token, err := oc.Exchange(ctx, code)
	if err == nil {
		return token, nil
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.New(fault.Temporary, "the token endpoint of %s could not be reached; run the command again", spec.Title)
	}
	err = nil
	if spec.Consent.Refusal != nil {
		err = spec.Consent.Refusal(refused)
	}
	if err == nil {
		err = fault.New(fault.Auth, "%s does not give tokens for this consent (%s, status %d): check client_id, client_secret and --callback-url against your app there",
			spec.Title, refused.ErrorCode, refused.Response.StatusCode)
	}
	if spec.Consent.Doubtful != nil {
		return nil, &refusedTrade{err, spec.Consent.Doubtful(refused)}
	}
	return nil, err
}

// refusedTrade is the refusal of tokens for a code, where it may not be the code
// that is wrong.
type refusedTrade struct {
	error
	doubtful []string // names of the fields that are in doubt; none: the code is
}

func (r *refusedTrade) Unwrap() error { return r.error }
