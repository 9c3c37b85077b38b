package zoho

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// root is the path of the API's version.
const root = "/crm/v8"

// queryPath is where queries go.
const queryPath = "/coql"

// Codes by which the vendor says what went wrong (docs, status codes; OpenAPI,
// API_Exception).
const (
	codeScope    = "OAUTH_SCOPE_MISMATCH"
	codeExpired  = "EXPIRED_VALUE"
	codeTooDeep  = "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
	codeInvalid  = "INVALID_DATA"
	codeInternal = "INTERNAL_ERROR"

	codeBlueprint = "RECORD_IN_BLUEPRINT"   // a Blueprint holds the field
	codeLeft      = "RECORD_NOT_IN_PROCESS" // the record is in no Blueprint, or no longer
)

// errScope is a refusal for want of a scope.
var errScope = errors.New("a scope is missing")

// errNoModule is a refusal since the user sees no module of that name.
var errNoModule = errors.New("there is no such module")

// errUnchanged is a 304: nothing was changed since the time that was named.
var errUnchanged = errors.New("nothing has changed")

// get reads from the API. since asks for what was changed after an instant, in
// the form that If-Modified-Since has here: ISO 8601 (OpenAPI).
func (c *Connector) get(ctx context.Context, path string, query url.Values, since string) (rest.Answer, error) {
	call := rest.Call{Path: root + path, Query: query}
	if since != "" {
		call.Header = http.Header{"If-Modified-Since": {since}}
	}
	return c.do(ctx, call)
}

func (c *Connector) do(ctx context.Context, call rest.Call) (rest.Answer, error) {
	own := call.Classify
	call.Classify = func(status int, h http.Header, body []byte) error {
		if own != nil {
			if err := own(status, h, body); err != nil {
				return err
			}
		}
		return classify(status, h, body)
	}
	return c.api.Do(ctx, call)
}

// refusal is the vendor's envelope of an error.
type refusal struct{ code, message string }

// longestRefusal bounds the envelopes of errors: pages of records are longer as a
// rule, and to look for one in them takes as long as to read them.
const longestRefusal = 32 << 10

// refusalOf reads it; it is zero where the body is none.
func refusalOf(body []byte) refusal {
	if len(body) > longestRefusal || !answers.IsObject(body) || !gjson.ValidBytes(body) {
		return refusal{}
	}
	said := gjson.GetManyBytes(body, "code", "message", "status")
	if said[0].Type != gjson.String || said[2].String() != "error" {
		return refusal{}
	}
	return refusal{said[0].String(), said[1].String()}
}

// classify knows what Zoho means where the usual classes would be wrong.
func classify(status int, h http.Header, body []byte) error {
	no := refusalOf(body)
	switch {
	case status == http.StatusNotModified:
		return &fault.Error{Kind: fault.NotFound, Text: "nothing has changed", Err: fault.Quiet(errUnchanged)}
	case status == http.StatusTooManyRequests:
		return limited(h)
	case no.code == codeScope:
		return &fault.Error{Kind: fault.Forbidden, Text: "the consent does not hold the scope for this (" + codeScope + "); connect again with the scopes " + scopes(), Err: fault.Quiet(errScope)}
	case status == http.StatusNotFound && no.code == "", status == http.StatusGone && no.code == "":
		// A proxy or another service may say so too; a record is gone only if Zoho
		// says it.
		return fault.New(fault.Temporary, "the answer %d is not Zoho's own; try again later, and check the base URL if it lasts", status)
	case status >= 200 && status < 300 && no.code != "", status == http.StatusBadRequest:
		return byCode(no)
	}
	return nil
}

// byCode is the error of a refusal whose status says too little: errors come with
// 200, and many kinds of them with 400 (docs, status codes).
func byCode(no refusal) error {
	switch no.code {
	case "":
		return nil
	case "INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE":
		return fault.New(fault.Auth, "the vendor refuses these credentials (%s); connect again", no.code)
	case "INVALID_MODULE": // there is none of that API name, or none for this user
		return &fault.Error{Kind: fault.Forbidden, Text: "the account has no module of this API name that the user may see (" + no.code + "); if it is one of --set " + setModules + ", check its API name there, else give the user a profile, or the account an edition, that has it",
			Err: fault.Quiet(errNoModule)}
	case "NO_PERMISSION", "NOT_SUPPORTED", "NOT_SUPPORTED_FEATURE", "FEATURE_NOT_SUPPORTED", "LICENSE_NOT_SUPPORTED", "NOT_ALLOWED":
		return fault.New(fault.Forbidden, "the user or the edition may not do this (%s); give the user a profile, or the account an edition, that allows it", no.code)
	case codeInternal, "SERVER_ERROR":
		return fault.New(fault.Temporary, "the vendor has a fault (%s); try again later", no.code)
	case "TOO_MANY_REQUESTS":
		return limited(nil)
	case "ALREADY_MODIFIED", "RECORD_MODIFIED", "RECORD_LOCKED", codeLeft:
		return fault.New(fault.Conflict, "somebody else changed or holds it (%s); read it again", no.code)
	case codeBlueprint:
		return fault.New(fault.Barred, "a Blueprint holds it (%s): %s", no.code, shortened(no.message))
	case codeExpired, codeTooDeep:
		return fault.New(fault.Gone, "the place in the list is no longer valid (%s)", no.code)
	}
	return fault.New(fault.Invalid, "the vendor refuses the request as wrong (%s): %s", no.code, shortened(no.message))
}

// shortened makes the vendor's words fit for a line.
func shortened(s string) string {
	const longest = 200
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}

// nothing reports an answer that is empty or says that nothing has changed.
func nothing(a rest.Answer, err error) bool {
	return errors.Is(err, errUnchanged) || err == nil && a.Status == http.StatusNoContent
}
