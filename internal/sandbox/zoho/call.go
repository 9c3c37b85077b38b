package zoho

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through a handler.
type call struct {
	*Sim
	r     *http.Request
	query url.Values
	body  []byte
	by    string // id of the acting user
	at    time.Time
}

// object is a JSON object.
type object = map[string]any

// reply is a whole answer. Handlers return it instead of writing, so that
// faults can still spoil it.
type reply struct {
	status int
	kind   string // content type, "" is JSON
	header map[string]string
	body   []byte
}

// refusal is an error that the vendor answers with.
type refusal struct {
	status  int
	code    string
	msg     string
	details object
}

func (e *refusal) Error() string { return e.code + ": " + e.msg }

// shown is the vendor's error envelope (every document, "APIException").
func (e *refusal) shown() object {
	d := e.details
	if d == nil {
		d = object{}
	}
	return object{"code": e.code, "details": d, "message": e.msg, "status": "error"}
}

func bad(code, msg string, details object) *refusal {
	return &refusal{http.StatusBadRequest, code, msg, details}
}

func invalidData(msg string, details object) *refusal { return bad("INVALID_DATA", msg, details) }

func missingParam(name string) *refusal {
	return bad("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", object{"param_name": name, "param": name})
}

// failure renders an error as the vendor does.
func failure(err error) reply {
	var e *refusal
	if !errors.As(err, &e) {
		e = &refusal{http.StatusInternalServerError, "INTERNAL_ERROR", "Internal server error occurred: " + err.Error(), nil}
	}
	return jsonReply(e.status, e.shown())
}

func jsonReply(status int, v any) reply {
	b, err := marshal(v)
	if err != nil {
		return failure(fmt.Errorf("render the answer: %w", err))
	}
	return reply{status: status, body: b}
}

// marshal writes JSON without escaping what only HTML minds.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// empty is how the vendor answers a list without records: 204 and no body.
func empty() reply { return reply{status: http.StatusNoContent} }

func unchanged() reply { return reply{status: http.StatusNotModified} }

// parse reads a JSON body; numbers keep their digits.
func (c *call) parse(v any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return bad("INVALID_DATA", "body", object{"expected_data_type": "jsonobject"})
	}
	return nil
}

// elements reads the list under a key of the body, at most limit long.
func (c *call) elements(key string, limit int) ([]object, map[string]any, error) {
	var body map[string]any
	if err := c.parse(&body); err != nil {
		return nil, nil, err
	}
	list, ok := body[key].([]any)
	if !ok || len(list) == 0 {
		return nil, nil, bad("MANDATORY_NOT_FOUND", "required field not found", object{"api_name": key, "json_path": "$." + key})
	}
	if len(list) > limit {
		return nil, nil, invalidData("invalid data", object{"api_name": key, "json_path": "$." + key, "maximum_length": limit})
	}
	out := make([]object, len(list))
	for i, x := range list {
		o, ok := x.(map[string]any)
		if !ok {
			return nil, nil, invalidData("invalid data", object{"api_name": key, "json_path": fmt.Sprintf("$.%s[%d]", key, i), "expected_data_type": "jsonobject"})
		}
		out[i] = o
	}
	return out, body, nil
}

// number reads a whole number from the query within bounds.
func (c *call) number(name string, preset, low, high int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, invalidData("invalid data", object{"param_name": name, "param": name})
	}
	return n, nil
}

// moment reads a header in ISO 8601, "" when it is absent.
func (c *call) moment(name string) (string, error) {
	text := c.r.Header.Get(name)
	if text == "" {
		return "", nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", invalidData("the header "+name+" has to be a time like 2019-07-25T15:26:49+05:30", object{"param_name": name})
	}
	return utc(t), nil
}

func names(text string) []string {
	var out []string
	for n := range strings.SplitSeq(text, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}
