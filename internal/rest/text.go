package rest

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

const (
	textLimit = 300 // runes of a vendor's words that are quoted
	// wordsLimit is the largest refusal, in bytes, in which words are looked for:
	// that is done recursively, and megabytes of brackets would end the process.
	wordsLimit = 64 << 10
	// secretMin is the length below which a value is not looked for: replacing
	// "1" everywhere would make the text useless, and is no secret.
	secretMin = 6
	mask      = "[redacted]"
)

// textFields are where the vendors put words about an error, in the order in
// which they are quoted.
var textFields = [...]string{
	"error", "error.message", "error_info", "error_description", "message", "title", "detail", "hint",
	"errors.0.message", "errors.0.detail", "errors.0", "errors", "validation-errors.0.errors.0.detail",
}

// vendorText finds the words about an error in a JSON answer, shortened and on
// one line; empty when there are none.
func vendorText(body []byte) string {
	if len(body) > wordsLimit || !gjson.ValidBytes(body) {
		return ""
	}
	var said []string
	for _, found := range gjson.GetManyBytes(body, textFields[:]...) {
		if s := strings.TrimSpace(found.String()); s != "" && (found.Type == gjson.String || len(said) == 0 && found.Type == gjson.JSON) {
			said = append(said, s)
		}
	}
	return shorten(strings.Join(said, "; "))
}

// shorten makes a vendor's words fit for a line, a table and a text column.
func shorten(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(s); len(runes) > textLimit {
		return string(runes[:textLimit]) + "…"
	}
	return s
}

// scrub replaces every secret that the requests carried: some vendors repeat
// what they were given.
func scrub(text string, reqs ...*http.Request) string {
	for _, req := range reqs {
		if req == nil || text == "" {
			continue
		}
		for _, secret := range secretsOf(req) {
			if len(secret) >= secretMin {
				text = strings.ReplaceAll(text, secret, mask)
			}
		}
	}
	return text
}

// secretName matches names of parameters and body fields that hold secrets.
var secretName = regexp.MustCompile(`(?i)token|secret|passw|api_?key|auth|signature|^code$|^key$|session|credential`)

// harmless are the headers whose values are ours and known.
var harmless = map[string]bool{"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Content-Type": true, "User-Agent": true}

func secretsOf(req *http.Request) []string {
	var found []string
	for name, values := range req.Header {
		if !harmless[name] {
			for _, v := range values {
				found = append(found, v)
				found = append(found, insideAuthorization(v)...)
			}
		}
	}
	if password, ok := req.URL.User.Password(); ok {
		found = append(found, password)
	}
	found = append(found, named(req.URL.Query())...)
	return append(found, insideBody(req)...)
}

// insideAuthorization takes "Bearer x" and "Basic base64(user:password)" apart.
func insideAuthorization(v string) []string {
	_, credential, ok := strings.Cut(v, " ")
	if !ok {
		return nil
	}
	parts := []string{credential}
	if plain, err := base64.StdEncoding.DecodeString(credential); err == nil {
		if _, password, ok := strings.Cut(string(plain), ":"); ok {
			parts = append(parts, password)
		}
	}
	return parts
}

func named(values url.Values) []string {
	var found []string
	for name, vs := range values {
		if secretName.MatchString(name) {
			found = append(found, vs...)
		}
	}
	return found
}

func insideBody(req *http.Request) []string {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return nil
	}
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(b)) // what could be read of it is enough
		return named(form)
	}
	return insideJSON(gjson.ParseBytes(b), nil)
}

func insideJSON(v gjson.Result, found []string) []string {
	if !v.IsObject() && !v.IsArray() {
		return found
	}
	v.ForEach(func(name, inner gjson.Result) bool {
		if inner.Type == gjson.String && secretName.MatchString(name.String()) {
			found = append(found, inner.String())
		}
		found = insideJSON(inner, found)
		return true
	})
	return found
}
