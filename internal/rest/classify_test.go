package rest_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// now is the clock of the tests of Retry-After.
var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// call makes one attempt against one scripted answer.
func call(t *testing.T, c rest.Call, s step) error {
	t.Helper()
	w := &wire{script: []step{s}}
	client := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, MaxRetries: -1}), "https://api.example.com/v1")
	client.Now = func() time.Time { return now }
	_, err := client.Do(t.Context(), c)
	w.closed(t)
	return err
}

func TestDefaultClasses(t *testing.T) {
	t.Parallel()
	const html = "\n<!DOCTYPE html><html><body>Sign in</body></html>"
	cases := map[string]struct {
		answer step
		want   fault.Kind
		delay  time.Duration
		text   string // part of the error
	}{
		"401":                               {step{status: 401, body: `{"error":"unauthorized access"}`}, fault.Auth, 0, "answered 401 (unauthorized access): the vendor refuses these credentials"},
		"402":                               {step{status: 402, body: `{}`}, fault.Forbidden, 0, "plan"},
		"403":                               {step{status: 403, body: `{"message":"scope missing"}`}, fault.Forbidden, 0, "(scope missing)"},
		"404":                               {step{status: 404, body: `{"error":"Deal not found"}`}, fault.NotFound, 0, "(Deal not found)"},
		"410":                               {step{status: 410}, fault.Gone, 0, "starts anew"},
		"409":                               {step{status: 409, body: `{}`}, fault.Conflict, 0, "read it again"},
		"412":                               {step{status: 412, body: `{}`}, fault.Conflict, 0, "read it again"},
		"400":                               {step{status: 400, body: `{"error":"Bad cursor","error_info":"see docs"}`}, fault.Invalid, 0, "(Bad cursor; see docs)"},
		"405":                               {step{status: 405, body: `{}`}, fault.Invalid, 0, "answered 405"},
		"415":                               {step{status: 415, body: `{}`}, fault.Invalid, 0, "answered 415"},
		"422 with a list":                   {step{status: 422, body: `{"errors":[{"message":"сумма неверна"}]}`}, fault.Invalid, 0, "(сумма неверна)"},
		"408":                               {step{status: 408, body: `{}`}, fault.Temporary, 0, "try again"},
		"500":                               {step{status: 500, body: `oops`}, fault.Temporary, 0, "answered 500: the vendor has a fault"},
		"503 with a delay":                  {step{status: 503, header: header("Retry-After", "90")}, fault.Temporary, 90 * time.Second, "answered 503"},
		"429 in seconds":                    {step{status: 429, header: header("Retry-After", "37"), body: `{}`}, fault.Limited, 37 * time.Second, "quota"},
		"429 with a date":                   {step{status: 429, header: header("Retry-After", "Sat, 21 Nov 2026 09:05:00 GMT")}, fault.Limited, 5 * time.Minute, "quota"},
		"429 with a past date":              {step{status: 429, header: header("Retry-After", "Sat, 21 Nov 2026 08:05:00 GMT")}, fault.Limited, 0, "quota"},
		"429 with nonsense":                 {step{status: 429, header: header("Retry-After", "soon")}, fault.Limited, 0, "quota"},
		"429 with a negative delay":         {step{status: 429, header: header("Retry-After", "-5")}, fault.Limited, 0, "quota"},
		"429 with an absurd delay":          {step{status: 429, header: header("Retry-After", "99999999999")}, fault.Limited, 24 * time.Hour, "quota"},
		"429 with a page":                   {step{status: 429, header: header("Retry-After", "3"), body: html}, fault.Limited, 3 * time.Second, "quota"},
		"an unknown 4xx":                    {step{status: 418, body: `{}`}, fault.Invalid, 0, "answered 418"},
		"a page instead of JSON":            {step{status: 200, body: html}, fault.Temporary, 0, "HTML page where JSON is due"},
		"a 404 page is no missing record":   {step{status: 404, body: html}, fault.Temporary, 0, "answered 404 with an HTML page"},
		"a 403 page of a firewall":          {step{status: 403, body: "\ufeff" + html}, fault.Temporary, 0, "answered 403 with an HTML page"},
		"a 502 page":                        {step{status: 502, body: html}, fault.Temporary, 0, "answered 502: the vendor has a fault"},
		"JSON cut off":                      {step{status: 200, body: `{"data":[{"id":1}`}, fault.Temporary, 0, "JSON of 17 bytes that is cut off, broken"},
		"JSON cut off where it looks whole": {step{status: 200, body: `{"data":{"id":1}`}, fault.Temporary, 0, "cut off, broken"},
		"something after the JSON":          {step{status: 200, body: `{"data":[]}{"da`}, fault.Temporary, 0, "cut off, broken"},
		"half a string":                     {step{status: 200, body: `{"data":"Сде`}, fault.Temporary, 0, "cut off, broken"},
		"nothing":                           {step{status: 200}, fault.Temporary, 0, "empty body"},
		"a 204 with something":              {step{status: 204, body: `{`}, fault.Temporary, 0, "cut off"},
		"a redirect":                        {step{status: 302, header: header("Location", "https://login.example.net/x?t=SECRET")}, fault.Invalid, 0, "redirect to https://login.example.net, which"},
		"a redirect to nowhere":             {step{status: 304}, fault.Invalid, 0, "cannot be read"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call(t, rest.Call{Path: "/deals"}, tc.answer)
			e, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("error = %v (%T), want a *fault.Error", err, err)
			}
			if e.Kind != tc.want || e.RetryAfter != tc.delay {
				t.Errorf("kind %v, retry after %v; want %v, %v: %v", e.Kind, e.RetryAfter, tc.want, tc.delay, err)
			}
			if !strings.HasPrefix(err.Error(), "GET api.example.com/deals ") || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %q, want the place and %q", err, tc.text)
			}
		})
	}
}

func TestSuccesses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{
		"an object":         {status: 200, body: `{"data":[]}`},
		"a list with space": {status: 201, body: "\n [1] \n"},
		"no content":        {status: 204},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := call(t, rest.Call{Path: "/x"}, s); err != nil {
				t.Errorf("error = %v, want none", err)
			}
		})
	}
}

func TestVendorRulesComeFirst(t *testing.T) {
	t.Parallel()
	quirk := &fault.Error{Kind: fault.Limited, Text: "the day's budget is spent", RetryAfter: time.Hour, Daily: true}
	plain := errors.New("made of no kind")
	cases := map[string]struct {
		status  int
		verdict error
		want    *fault.Error // Kind, RetryAfter, Daily
		text    string
	}{
		"a success with an error inside": {200, quirk, &fault.Error{Kind: fault.Limited, RetryAfter: time.Hour, Daily: true}, "GET api.example.com/x: the day's budget is spent"},
		"a 403 that is a quota":          {403, quirk, &fault.Error{Kind: fault.Limited, RetryAfter: time.Hour, Daily: true}, "GET api.example.com/x: the day's budget is spent"},
		"an error without a kind":        {200, plain, &fault.Error{Kind: fault.Unknown}, "GET api.example.com/x: made of no kind"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call(t, rest.Call{Path: "/x", Classify: func(int, http.Header, []byte) error { return tc.verdict }}, step{status: tc.status, body: `{}`})
			got, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("error = %v, want a *fault.Error", err)
			}
			if diff := cmp.Diff(tc.want, &fault.Error{Kind: got.Kind, RetryAfter: got.RetryAfter, Daily: got.Daily}); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if err.Error() != tc.text || !errors.Is(err, tc.verdict) {
				t.Errorf("error %q, want %q with the vendor's verdict as cause", err, tc.text)
			}
		})
	}
	err := call(t, rest.Call{Path: "/x", Classify: func(int, http.Header, []byte) error { return nil }}, step{status: 404, body: `{}`})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("without a verdict: %v, want the default class", err)
	}
}

func TestALongVendorTextIsShortened(t *testing.T) {
	t.Parallel()
	err := call(t, rest.Call{Path: "/x"}, step{status: 400, body: `{"error":"` + strings.Repeat("щ", 5000) + `\u0000\n x"}`})
	if n := len([]rune(err.Error())); n > 500 {
		t.Errorf("the error has %d runes: %v", n, err)
	}
}

func TestAnAnswerBeyondTheLimit(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"just right": 100, "one more": 101} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, answer(200, `"`+strings.Repeat("x", size-2)+`"`))
			c.SetLimit(100)
			_, err := c.Do(t.Context(), rest.Call{Path: "/x"})
			if tooLarge := fault.KindOf(err) == fault.Invalid && strings.Contains(err.Error(), "smaller pages"); tooLarge != (size > 100) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// TestFailuresOfTheNetwork runs against real sockets, whose errors a fake
// could only imitate.
func TestFailuresOfTheNetwork(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(answer(200, "{}"))
	closed.Close()
	distrusted := httptest.NewUnstartedServer(answer(200, "{}"))
	distrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our refusal
	distrusted.StartTLS()
	t.Cleanup(distrusted.Close)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"data":[`)
	}))
	t.Cleanup(cut.Close)
	dropped := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w) }))
	t.Cleanup(dropped.Close)
	cases := map[string]struct {
		base string
		want fault.Kind
		text string
	}{
		"nobody listens":       {closed.URL, fault.Temporary, "no connection could be made"},
		"an unknown authority": {distrusted.URL, fault.Temporary, "certificate is not trusted"},
		"a body cut off":       {cut.URL, fault.Temporary, "answered 200, but the body did not arrive whole: the connection ended too early"},
		"a connection dropped": {dropped.URL, fault.Temporary, "ended too early"},
		"no URL":               {"api.example.com", fault.Invalid, "not an absolute http(s) URL"},
		"another scheme":       {"ftp://example.com", fault.Invalid, "not an absolute http(s) URL"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rest.New(rest.NewHTTPClient(rest.Stack{MaxRetries: -1}), tc.base).Do(t.Context(), rest.Call{Path: "/x"})
			if fault.KindOf(err) != tc.want || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error = %v (%v), want %v with %q", err, fault.KindOf(err), tc.want, tc.text)
			}
		})
	}
}

func TestAHostThatCannotBeResolved(t *testing.T) {
	t.Parallel()
	lookup := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}}
	err := call(t, rest.Call{Path: "/x"}, step{err: lookup})
	if fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "cannot be resolved") {
		t.Errorf("error = %v, want a temporary one that names the cause", err)
	}
}

// hangUp closes the connection without an answer.
func hangUp(t *testing.T, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	if err := conn.(*net.TCPConn).SetLinger(1); err != nil {
		t.Error(err)
	}
	conn.Close()
}

func TestCallsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		call rest.Call
		text string
	}{
		"both bodies":       {rest.Call{Body: 1, Form: map[string][]string{}}, "not both"},
		"not JSON":          {rest.Call{Body: func() {}}, "unsupported type"},
		"an invalid method": {rest.Call{Method: "GET IT"}, "cannot be a request"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call(t, tc.call, step{status: 200, body: "{}"})
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error = %v, want an invalid one with %q", err, tc.text)
			}
		})
	}
}
