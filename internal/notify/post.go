package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// answerLimit bounds what is read of an answer: it is a word or a small object.
const answerLimit = 64 << 10

// answer is what the other side said to a message.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    bool // the end of the body is missing
}

// post sends JSON to an address that is a secret itself: errors call it by its
// host alone, and never have a cause's own text, which holds the whole of it.
func post(ctx context.Context, hc *http.Client, to string, header http.Header, body []byte) (a answer, err error) {
	u, err := address(to)
	if err != nil {
		return a, err
	}
	var written atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		if i.Err == nil {
			written.Store(true)
		}
	}})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return a, fault.New(fault.Invalid, "the address of the channel at %s cannot be used; set it anew", u.Host)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "salesbook")
	resp, err := hc.Do(req)
	switch {
	case err != nil && written.Load():
		return a, unsure(rest.Unanswered(ctx, u.Host, err))
	case err != nil:
		return a, rest.Unanswered(ctx, u.Host, err)
	}
	defer resp.Body.Close()
	a = answer{status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if a.cut = err != nil; a.cut && !a.good() {
		return a, rest.Unanswered(ctx, u.Host, err)
	}
	return a, nil // a success whose words were cut off is one
}

func (a *answer) good() bool { return a.status >= 200 && a.status < 300 }

// refused is the error of an answer that is no success, as far as its status
// tells. What the other side said is quoted without the secrets.
func (a *answer) refused(host string, now time.Time, secrets ...string) *fault.Error {
	e := &fault.Error{Kind: fault.Invalid, Text: fmt.Sprintf("%s answered %d", host, a.status)}
	if said := quote(string(a.body), secrets...); said != "" {
		e.Text += " (" + said + ")"
	}
	switch {
	case a.status == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = fault.Limited, rest.RetryAfter(a.header, now)
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly, a.status >= 500:
		e.Kind, e.RetryAfter = fault.Temporary, rest.RetryAfter(a.header, now)
	case a.status >= 300 && a.status < 400:
		e.Text += ": a redirect, which is not followed; set the address that it leads to"
	}
	return e
}

// wordsLimit is how many letters of the other side's words are quoted.
const wordsLimit = 200

// quote makes words of the other side fit for a line, without secrets.
func quote(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > wordsLimit {
		return string(runes[:wordsLimit]) + "…"
	}
	return text
}

// address reads an address to which messages are sent. They hold what clients
// are called and worth, so they leave the company's own network encrypted.
func address(to string) (*url.URL, error) {
	u, err := url.Parse(to)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fault.New(fault.Invalid, "an absolute https address is needed")
	case u.User != nil || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "the address may hold neither a user nor a fragment")
	case u.Scheme == "http" && !near(u.Hostname()):
		return nil, fault.New(fault.Invalid, "%s must be reached by https: http is for the company's own network", u.Hostname())
	}
	return u, nil
}

// near tells whether a host is within the own network by its name or number.
func near(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.Zone() != "" && ip.IsLinkLocalUnicast()
	}
	letter := host != "" && (host[0] >= 'a' && host[0] <= 'z' || host[0] >= 'A' && host[0] <= 'Z')
	return letter && !strings.ContainsAny(host, ".:") // a number alone is an address anywhere
}

// NewHTTPClient returns the client by which messages are sent. It repeats
// nothing: a message may have arrived though no answer did.
func NewHTTPClient(wire http.RoundTripper) *http.Client {
	return rest.NewHTTPClient(rest.Stack{Transport: wire, Timeout: sendTimeout, MaxRetries: -1})
}

// sendTimeout is how long one message may take.
const sendTimeout = 20 * time.Second

// CheckURL finds what is wrong with an address that messages are posted to.
func CheckURL(to string) error {
	_, err := address(to)
	return err
}
