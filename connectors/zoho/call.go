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
	codeAddress  = "INVALID_URL_PATTERN" // there is no such call
	codeModule   = "INVALID_MODULE"

	codeBlueprint = "RECORD_IN_BLUEPRINT"   // a Blueprint holds the field
	codeLeft      = "RECORD_NOT_IN_PROCESS" // the record is in no Blueprint, or no longer
	codeLocked    = "RECORD_LOCKED"         // a person, or a rule of the account, has locked it
)

// errScope is a refusal for want of a scope.
var errScope = errors.New("a scope is missing")

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

// refusal is the vendor's envelope of an error, and the cause of the error that is
// made of it.
type refusal struct {
	code, message string
	field         string // api name of what is wrong
	param         string // parameter of the request that is wrong
	path          int    // which part of the address is wrong; 0 is the module's, or nothing is said
}

// Error returns the code alone: what it means is said where it is classified.
func (no refusal) Error() string { return no.code }

// ofRecord tells that the vendor knows no record with the id in the address. The
// same code comes for other parts of an address, a related list that the layout
// hides among them, and for parameters and values (OpenAPI 2026, related records,
// notes).
func (no refusal) ofRecord() bool {
	return no.code == codeInvalid && no.param == "" && (no.path == 1 || no.field == "id")
}

// codeOf is the code of the refusal behind an error, empty if there is none.
func codeOf(err error) string {
	no, _ := errors.AsType[refusal](err)
	return no.code
}

// longestRefusal bounds the envelopes of errors: pages of records are longer as a
// rule, and to look for one in them takes as long as to read them.
const longestRefusal = 32 << 10

// refusalOf reads it; it is zero where the body is none.
func refusalOf(body []byte) refusal {
	if len(body) > longestRefusal || !answers.IsObject(body) || !gjson.ValidBytes(body) {
		return refusal{}
	}
	said := gjson.GetManyBytes(body, "code", "message", "status", "details.api_name", "details.param_name", "details.resource_path_index")
	if said[0].Type != gjson.String || said[2].String() != "error" {
		return refusal{}
	}
	return refusal{code: said[0].Str, message: said[1].String(), field: said[3].Str, param: said[4].Str, path: int(said[5].Int())}
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
	case status >= 200 && status < 300 && no.code != "", status == http.StatusBadRequest, no.code == codeAddress:
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
	case "TOO_MANY_REQUESTS":
		return limited(nil)
	}
	kind, text := meaning(no)
	return &fault.Error{Kind: kind, Text: text, Err: fault.Quiet(no)}
}

// meaning is what a code stands for, in words that say what to do.
func meaning(no refusal) (fault.Kind, string) {
	said := no.code + "): " + shortened(no.message)
	switch no.code {
	case "INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE":
		return fault.Auth, "the vendor refuses these credentials (" + no.code + "); connect again"
	case codeModule: // there is none of that API name, or none for this user
		return fault.Forbidden, "the account has no module of this API name that the user may see (" + no.code + "); if it is one of --set " + setModules + ", check its API name there, else give the user a profile, or the account an edition, that has it"
	case "NO_PERMISSION", "NOT_SUPPORTED", "NOT_SUPPORTED_FEATURE", "FEATURE_NOT_SUPPORTED", "LICENSE_NOT_SUPPORTED", "NOT_ALLOWED":
		return fault.Forbidden, "the user or the edition may not do this (" + no.code + "); give the user a profile, or the account an edition, that allows it"
	case codeInternal, "SERVER_ERROR":
		return fault.Temporary, "the vendor has a fault (" + no.code + "); try again later"
	case "ALREADY_MODIFIED", "RECORD_MODIFIED", codeLeft:
		return fault.Conflict, "somebody else changed it (" + no.code + "); read it again"
	case codeLocked: // until somebody unlocks it (docs, record locking, 2026-11)
		return fault.Barred, "the record is locked in Zoho (" + no.code + "); unlock it there, or leave salesbook's user out of the lock"
	case codeBlueprint:
		return fault.Barred, "a Blueprint holds it (" + said
	case codeExpired, codeTooDeep:
		return fault.Gone, "the place in the list is no longer valid (" + no.code + ")"
	case codeAddress: // it is no word about a record, though it comes with 404
		return fault.Invalid, "the vendor knows no such address (" + no.code + "); check the base URL"
	}
	return fault.Invalid, "the vendor refuses the request as wrong (" + said
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
