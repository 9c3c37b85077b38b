package pipedrive

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through a handler.
type call struct {
	*Sim
	r       *http.Request
	query   url.Values
	body    []byte
	version int // of the API: 1 or 2
	by      actor
	at      time.Time // when the call came in
}

// reply is a whole answer. Handlers return it instead of writing, so that
// faults can still spoil it.
type reply struct {
	status int
	kind   string // content type, "" is JSON
	header map[string]string
	body   []byte
	buf    *[]byte // what body came from, to be used again; nil for none
}

// refusal is an error that the vendor answers with.
type refusal struct {
	status int
	msg    string
	info   string
	code   string
	body   any // replaces the usual error body
}

func (e *refusal) Error() string { return e.msg }

const developers = "Please check developers.pipedrive.com for more information about Pipedrive API."

// bad is the vendor's answer to a request that breaks the schema. The words
// are the simulator's: the vendor documents the envelope, not the text.
func bad(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, msg: fmt.Sprintf(format, args...), info: developers, code: "ERR_SCHEMA_VALIDATION_FAILED"}
}

func notFound(what string) *refusal {
	return &refusal{status: http.StatusNotFound, msg: what + " not found", info: developers}
}

func forbidden(format string, args ...any) *refusal {
	return &refusal{status: http.StatusForbidden, msg: fmt.Sprintf(format, args...), info: developers}
}

// failure renders an error as the vendor does.
func failure(err error) reply {
	var e *refusal
	if !errors.As(err, &e) {
		e = &refusal{status: http.StatusInternalServerError, msg: "Internal server error: " + err.Error(), info: developers}
	}
	if e.body != nil {
		return jsonReply(e.status, e.body)
	}
	body := struct {
		Success    bool   `json:"success"`
		Error      string `json:"error"`
		ErrorInfo  string `json:"error_info"`
		Code       string `json:"code,omitempty"`
		Data       *int   `json:"data"`
		Additional *int   `json:"additional_data"`
	}{Error: e.msg, ErrorInfo: e.info, Code: e.code}
	return jsonReply(e.status, body)
}

func jsonReply(status int, v any) reply {
	b, err := marshal(v)
	if err != nil {
		return failure(fmt.Errorf("render the answer: %w", err))
	}
	return reply{status: status, body: b}
}

// answer is the usual envelope around one value.
func answer(data any) reply { return answerWith(http.StatusOK, data) }

func answerWith(status int, data any) reply {
	return jsonReply(status, struct {
		Success bool `json:"success"`
		Data    any  `json:"data"`
	}{true, data})
}

// answerMore adds additional_data, which may be nil.
func answerMore(data, additional any) reply {
	return jsonReply(http.StatusOK, struct {
		Success    bool `json:"success"`
		Data       any  `json:"data"`
		Additional any  `json:"additional_data"`
	}{true, data, additional})
}

// deleted is the answer to a removal.
func deleted(id any) reply {
	return answer(struct {
		ID any `json:"id"`
	}{id})
}

// pathID reads a whole number from the path.
func (c *call) pathID(name string) (int64, error) {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, bad("path: %s must be a positive whole number, got %q", name, c.r.PathValue(name))
	}
	return n, nil
}

// number reads a whole number from the query, 0 when it is absent.
func (c *call) number(name string) (int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, bad("query: %s must be a whole number, got %q", name, text)
	}
	return n, nil
}

// flag reads true or false from the query; set is false when it is absent.
func (c *call) flag(name string) (value, set bool, err error) {
	switch text := c.query.Get(name); text {
	case "":
		return false, false, nil
	case "true", "1":
		return true, true, nil
	case "false", "0":
		return false, true, nil
	default:
		return false, false, bad("query: %s must be true or false, got %q", name, text)
	}
}

// moment reads an RFC 3339 instant without fractional seconds, which the
// vendor refuses (seen in public connectors), as milliseconds; 0 when absent.
func (c *call) moment(name string) (int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || strings.Contains(text, ".") {
		return 0, bad("query: %s must be a time like 2025-01-01T10:20:00Z without fractions of a second, got %q", name, text)
	}
	return t.UnixMilli(), nil
}

// words reads a comma-separated list whose members must be among allowed.
func (c *call) words(name string, allowed []string) ([]string, error) {
	text := c.query.Get(name)
	if text == "" {
		return nil, nil
	}
	list := strings.Split(text, ",")
	for i, w := range list {
		list[i] = strings.TrimSpace(w)
		if !slices.Contains(allowed, list[i]) {
			return nil, bad("query: %s may hold %s, got %q", name, strings.Join(allowed, ", "), w)
		}
	}
	return list, nil
}

// bodySpec says which keys a request body may hold and whether they may be null.
type bodySpec map[string]nullness

type nullness bool

const (
	never nullness = false // null is refused
	maybe nullness = true  // null clears the value
)

// bodyFields parses a body that must be an object with known keys only.
func (c *call) bodyFields(spec bodySpec, required ...string) (map[string]json.RawMessage, error) {
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	if kind != "application/json" {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, msg: "Content-Type must be application/json", info: developers}
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &body); err != nil || body == nil {
		return nil, bad("body must be a JSON object")
	}
	for _, key := range slices.Sorted(maps.Keys(body)) {
		null, known := spec[key]
		switch {
		case !known && c.version == 1:
			delete(body, key) // v1 ignores what it does not know
		case !known:
			return nil, bad("body: %s is not allowed here", key)
		case null == never && string(body[key]) == "null":
			return nil, bad("body: %s must not be null", key)
		}
	}
	for _, key := range required {
		if _, ok := body[key]; !ok {
			return nil, bad("body: %s is required", key)
		}
	}
	return body, nil
}

// assign writes body values into the record v, key by key, so that an error
// can name the key. Types are strict: a number sent as a string is refused.
func assign(v any, body map[string]json.RawMessage) error {
	for _, key := range slices.Sorted(maps.Keys(body)) {
		one, err := marshal(map[string]json.RawMessage{key: body[key]})
		if err == nil {
			err = json.Unmarshal(one, v)
		}
		if err != nil {
			return bad("body: %s: %s", key, plainError(err))
		}
	}
	return nil
}

// plainError says a type error of encoding/json in the API's words.
func plainError(err error) string {
	var te *json.UnmarshalTypeError
	if !errors.As(err, &te) {
		return err.Error()
	}
	return fmt.Sprintf("want %s, got %s", jsonName(te.Type.Kind().String()), te.Value)
}

func jsonName(goKind string) string {
	switch {
	case strings.HasPrefix(goKind, "int"), strings.HasPrefix(goKind, "uint"):
		return "a whole number"
	case strings.HasPrefix(goKind, "float"):
		return "a number"
	case goKind == "bool":
		return "true or false"
	case goKind == "slice":
		return "an array"
	case goKind == "string":
		return "a string"
	}
	return "an object"
}
