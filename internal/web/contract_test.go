package web_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/web"
)

// strange is a vendor that makes use of all that the contract allows.
type strange struct{ got chan connectors.Delivery }

func (s strange) spec() connectors.Spec {
	return connectors.Spec{Name: "strange", Open: func(connectors.Env, connectors.Config) (connectors.Connector, error) { return s, nil }}
}

// Check implements connectors.Connector.
func (strange) Check(context.Context) (connectors.Rights, error) { return connectors.Rights{}, nil }

// Receive implements connectors.Receiver: the body says what becomes of it.
func (s strange) Receive(d connectors.Delivery) (connectors.Receipt, error) {
	s.got <- d
	reads := []connectors.Ref{{Object: "things", ID: "1"}}
	switch string(d.Body) {
	case "challenge":
		return connectors.Receipt{Answer: connectors.Answer{Status: 202, Type: "text/x-challenge", Body: []byte("response")}}, nil
	case "bad but read":
		return connectors.Receipt{Key: "bad", Reads: reads}, fault.New(fault.Auth, "a signature that does not fit")
	case "fault of ours":
		return connectors.Receipt{}, errors.New("something unforeseen")
	case "panic":
		panic("the connector has a fault")
	}
	return connectors.Receipt{Reads: reads, Answer: connectors.Answer{Status: 204}}, nil
}

func TestTheContractOfReceivers(t *testing.T) {
	t.Parallel()
	vendor := strange{make(chan connectors.Delivery, 1)}
	b := setup(t, func(_ *bundle, s *web.Server) {
		s.Pipeline.Catalog = []connectors.Spec{vendor.spec()}
		s.Traces = sdktrace.NewTracerProvider() // below it the request must be whole
	})
	h := b.connectTo(t, "strange", "acme")
	cases := []struct {
		body   string
		status int // 0: no answer
		answer string
	}{
		{"without a key", 204, ""},
		{"challenge", 202, "response"},
		{"bad but read", 401, "Unauthorized\n"},
		{"fault of ours", 503, "Service Unavailable\n"},
		{"panic", 0, ""},
		{"after the panic", 204, ""},
	}
	for _, tc := range cases {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.url+"/in/"+h.Path+"?a=1&b=%D1%8F", strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Signature", "signed")
		got, err := b.do(req)
		if (err != nil) != (tc.status == 0) || got.status != tc.status || got.body != tc.answer {
			t.Errorf("%s: want %d %q, got %d %q, %v", tc.body, tc.status, tc.answer, got.status, got.body, err)
		}
		d := <-vendor.got
		want := []string{"PUT", "1", "я", "signed", tc.body, h.User, h.Password}
		if diff := cmp.Diff(want, []string{d.Method, d.Query.Get("a"), d.Query.Get("b"), d.Header.Get("X-Signature"), string(d.Body), d.Secret.User, d.Secret.Password}); diff != "" {
			t.Errorf("%s: the delivery as the connector sees it (-want +got):\n%s", tc.body, diff)
		}
	}
	// Without the vendor's id of an event, its body tells repeats.
	key := func(body string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(body))) }
	want := map[string]int{key("without a key"): 1, key("after the panic"): 1}
	if d := cmp.Diff(want, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
	for _, text := range []string{"something unforeseen", "the connector has a fault"} {
		if !strings.Contains(b.log.String(), text) {
			t.Errorf("the log does not tell of %q", text)
		}
	}
}
