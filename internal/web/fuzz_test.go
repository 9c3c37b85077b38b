package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/catalog"
	"salesbook.dev/internal/fault"
)

// FuzzDelivery sends arbitrary requests through all that stands before the
// inbox: what comes through can be stored and names records of the vendor's, the
// rest is refused for good, and nothing passes without the password.
func FuzzDelivery(f *testing.F) {
	f.Add("POST", "salesbook", "geheim", `{"meta":{"entity":"deal","entity_id":"1","id":"e","timestamp":"2026-01-14T18:16:56.057Z"}}`)
	f.Add("POST", "salesbook", "geheim", `{"v":1,"meta":{"object":"deal","id":1,"timestamp":1768414616}}`)
	f.Add("POST", "salesbook", "geheim", `{"meta":{"entity":"deal_product","entity_id":"1","id":"\u0000","timestamp":"9999-12-31T23:59:59Z","merged_to_id":"7"},"data":{"deal_id":5}}`)
	f.Add("POST", "salesbook", "Geheim", `{}`)
	f.Add("GET", "", "", "\xff\x00[[[[")
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	spec := catalog.Connectors[0]
	c, err := spec.Open(connectors.Env{HTTP: http.DefaultClient, Now: func() time.Time { return now }}, connectors.Config{Secrets: map[string]string{"api_token": "t"}})
	if err != nil {
		f.Fatal(err)
	}
	receiver := receiver{workspace: 1, connection: 2, Receiver: c.(connectors.Receiver), callback: connectors.Callback{URL: "https://x", User: "salesbook", Password: "geheim"}}
	f.Fuzz(func(t *testing.T, method, user, password, body string) {
		r := httptest.NewRequest(http.MethodPost, "/in/x", strings.NewReader(body))
		r.Method = method
		r.SetBasicAuth(user, password)
		read, err := readBody(httptest.NewRecorder(), r)
		if err != nil || string(read) != body {
			t.Fatalf("read %q: %v", read, err)
		}
		receipt, err := receiver.Receive(connectors.Delivery{Method: r.Method, Header: r.Header, Body: read, Secret: receiver.callback})
		good := user == "salesbook" && password == "geheim"
		if err != nil {
			if kind := fault.KindOf(err); kind != fault.Auth && kind != fault.Invalid || (kind == fault.Auth) == good {
				t.Fatalf("%v (%v), credentials good: %v", err, kind, good)
			}
			return
		}
		if !good {
			t.Fatal("passed without the password")
		}
		l := letterOf(receiver, receipt, read, now)
		texts := []string{l.Key}
		for _, ref := range l.Reads {
			if _, known := spec.Object(ref.Object); !known {
				t.Errorf("reads %+v", ref)
			}
			texts = append(texts, ref.ID)
		}
		for _, text := range texts {
			if text == "" || len(text) > 64 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				t.Errorf("%q cannot be stored", text)
			}
		}
		if l.At.Before(now.AddDate(0, 0, -8)) || l.At.After(now.Add(2*time.Hour)) {
			t.Errorf("stored for %v", l.At)
		}
	})
}
