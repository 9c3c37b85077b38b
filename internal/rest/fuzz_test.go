package rest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// whole is json.Valid that forgives control characters inside strings and
// escapes that JSON does not have: some vendors write them, and nothing is
// missing because of them. The record that holds one is looked at by its decoder.
func whole(body []byte) bool {
	var known []byte
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\' && i+1 < len(body):
			if i++; bytes.IndexByte([]byte(`"\/bfnrtu`), body[i]) < 0 {
				known = append(known, ' ')
				i-- // what follows is as if nothing had been before it
				continue
			}
			known = append(known, c, body[i])
		case c < ' ':
			known = append(known, ' ')
		default:
			known = append(known, c)
		}
	}
	return json.Valid(known)
}

// FuzzAnswers gives arbitrary answers: what passes is whole JSON, and what does
// not is a fault with one line of bounded, printable text.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"data":[]}`, "")
	f.Add(200, `{"data":[`, "")
	f.Add(404, "<html>", "7")
	f.Add(429, `{"error":{"message":"ó\n"}}`, "Sat, 21 Nov 2026 09:05:00 GMT")
	f.Add(302, "", "-1")
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		if status < 200 || status > 999 || strings.ContainsAny(retryAfter, "\r\n") {
			t.Skip("net/http lets no such answer through")
		}
		w := &wire{script: []step{{status: status, body: body, header: header("Retry-After", retryAfter)}}}
		a, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, MaxRetries: -1}), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"})
		w.closed(t)
		if err == nil {
			if status > 299 || !(whole(a.Body) || status == 204 && len(a.Body) == 0) {
				t.Errorf("%d with %q passed", status, a.Body)
			}
			return
		}
		e, ok := errors.AsType[*fault.Error](err)
		if text := err.Error(); !ok || e.RetryAfter < 0 || len([]rune(text)) > 600 || strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text) {
			t.Errorf("error %q (%T)", text, err)
		}
	})
}
