package rest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

const (
	secret     = "s3cr3t-0123456789"
	baseSecret = "h00k-abcdefgh" // in the base URL
)

// everywhere carries the secret in all the places that a call has.
func everywhere() []rest.Call {
	return []rest.Call{
		{Method: "GET", Path: "/x", Query: url.Values{"api_token": {secret}}},
		{Method: "GET", Path: "/x", Header: header("X-Api-Token", secret)},
		{Method: "GET", Path: "/x", Header: header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("user:"+secret)))},
		{Method: "POST", Path: "/x", Form: url.Values{"client_secret": {secret}}},
		{Method: "POST", Path: "/x", Body: map[string]any{"hooks": []any{map[string]string{"http_auth_password": secret}}}},
	}
}

func TestNoSecretInAnyErrorOrLog(t *testing.T) {
	t.Parallel()
	echo := `{"error":"bad request with ` + secret + ` and ` + baseSecret + ` inside"}`
	failures := map[string]step{
		"an echo in a refusal":     {status: 400, body: echo},
		"an echo in a 401":         {status: 401, body: echo},
		"an echo in a page":        {status: 404, body: "<html>" + echo},
		"an echo in broken JSON":   {status: 200, body: echo[:len(echo)-1]},
		"a redirect":               {status: 302, header: header("Location", "https://"+secret+"@example.net/"+secret+"?t="+secret)},
		"a redirect to itself":     {status: 302, header: header("Location", "/x?t="+secret)},
		"a broken Location":        {status: 302, header: header("Location", "http://["+secret)},
		"a network error":          {err: resetRead},
		"an error that tells all":  {err: &url.Error{Op: "Get", URL: "https://x/?api_token=" + secret, Err: fmt.Errorf("with %s", secret)}},
		"a fault of the vendor":    {status: 500, body: echo},
		"an echo by the quota":     {status: 429, header: header("Retry-After", "1"), body: echo},
		"words in a list":          {status: 422, body: `{"errors":{"url":["` + secret + ` is invalid"]}}`},
		"words judged by a vendor": {status: 418, body: echo},
	}
	for name, answer := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, c := range everywhere() {
				synctest.Test(t, func(t *testing.T) { hides(t, i, c, answer) })
			}
		})
	}
}

// hides makes the call with an OAuth token beside it and looks for the secret
// in all that is left behind.
func hides(t *testing.T, i int, c rest.Call, answer step) {
	var log strings.Builder
	c.Classify = func(status int, _ http.Header, body []byte) error {
		if status == 418 {
			return fault.New(fault.Invalid, "the vendor says %s", body)
		}
		return nil
	}
	s := rest.Stack{Transport: &wire{script: []step{answer}}, Log: textLog(&log)}
	base := "https://user:" + baseSecret + "@api.example.com/rest/1/" + baseSecret
	_, err := rest.New(rest.NewHTTPClient(s), base).Do(t.Context(), c)
	if err == nil {
		t.Fatalf("call %d: no error", i)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), log.String()} {
		if strings.Contains(text, secret) || strings.Contains(text, baseSecret) {
			t.Errorf("call %d shows the secret: %s", i, text)
		}
	}
}

func TestAnEchoedAccessTokenIsHidden(t *testing.T) {
	t.Parallel()
	w := &wire{script: []step{{status: 403, body: `{"error":"token ` + secret + ` lacks scope deals:read"}`}}}
	c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, Tokens: &source{token: secret}}), "https://api.example.com")
	_, err := c.Do(t.Context(), rest.Call{Path: "/x"})
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "token [redacted] lacks scope deals:read") {
		t.Errorf("error = %v, want the vendor's words without the token", err)
	}
}

func TestOrdinaryWordsAreNotHidden(t *testing.T) {
	t.Parallel()
	err := call(t, rest.Call{Path: "/x", Query: url.Values{"updated_since": {"2026-11-21T09:00:00Z"}}, Header: header("X-Api-Token", "1")},
		step{status: 400, body: `{"error":"updated_since 2026-11-21T09:00:00Z is 1 second too early"}`})
	if err == nil || !strings.Contains(err.Error(), "updated_since 2026-11-21T09:00:00Z is 1 second too early") {
		t.Errorf("error = %v, want the vendor's words as they are", err)
	}
}

func TestSpansHoldNoSecretAndNoHeaderGoesOut(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	var arrived *http.Request
	base := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		arrived = r
		fmt.Fprint(w, "{}")
	})
	c := rest.New(rest.NewHTTPClient(rest.Stack{Trace: true}), base+"/rest/1/"+secret)
	ctx, root := provider.Tracer("test").Start(t.Context(), "the job") // its provider makes the spans below it
	call := rest.Call{Path: "/deals", Query: url.Values{"api_token": {secret}}, Header: header("X-Api-Token", secret)}
	if _, err := c.Do(ctx, call); err != nil {
		t.Fatal(err)
	}
	if arrived.RequestURI != "/rest/1/"+secret+"/deals?api_token="+secret || arrived.Header.Get("Traceparent") != "" {
		t.Errorf("the vendor saw %s with traceparent %q, want the whole URL and no trace", arrived.RequestURI, arrived.Header.Get("Traceparent"))
	}
	spans := recorder.Ended()
	if len(spans) != 1 || spans[0].Parent().SpanID() != root.SpanContext().SpanID() {
		t.Fatalf("spans %v, want one below the job's", spans)
	}
	text := fmt.Sprint(spans[0].Name(), spans[0].Attributes())
	if strings.Contains(text, secret) || !strings.Contains(text, "/deals") {
		t.Errorf("span %s, want the path of the call and no secret", text)
	}
}
