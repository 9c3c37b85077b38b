package pipedrive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// The vendor writes an instant in three ways (vendors' fact sheet, 2026-11):
// v2 in RFC 3339 with whole seconds, v1 without a zone, leads with
// milliseconds. Each has a type of its own here, counted from the Unix epoch,
// whose zero renders as null.
type (
	instant int64 // seconds: "2025-01-31T09:30:00Z"
	stamp   int64 // seconds: "2025-01-31 09:30:00"
	milli   int64 // milliseconds: "2025-01-31T09:30:00.000Z"
)

const (
	instantLayout = "2006-01-02T15:04:05Z"
	stampLayout   = "2006-01-02 15:04:05"
	milliLayout   = "2006-01-02T15:04:05.000Z"
	dateLayout    = "2006-01-02"
)

func instantOf(t time.Time) instant { return instant(t.Unix()) }
func stampOf(t time.Time) stamp     { return stamp(t.Unix()) }
func milliOf(t time.Time) milli     { return milli(t.UnixMilli()) }

func (i instant) time() time.Time { return time.Unix(int64(i), 0).UTC() }

func (i instant) MarshalJSON() ([]byte, error) {
	return renderTime(int64(i), time.Unix(int64(i), 0), instantLayout), nil
}

func (s stamp) MarshalJSON() ([]byte, error) {
	return renderTime(int64(s), time.Unix(int64(s), 0), stampLayout), nil
}

func (m milli) MarshalJSON() ([]byte, error) {
	return renderTime(int64(m), time.UnixMilli(int64(m)), milliLayout), nil
}

func renderTime(n int64, t time.Time, layout string) []byte {
	if n == 0 {
		return []byte("null")
	}
	b := make([]byte, 0, len(milliLayout)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, layout)
	return append(b, '"')
}

func (i *instant) UnmarshalJSON(b []byte) error {
	t, err := parseTime(b, instantLayout, stampLayout)
	*i = instant(unix(t))
	return err
}

func (s *stamp) UnmarshalJSON(b []byte) error {
	t, err := parseTime(b, stampLayout, instantLayout)
	*s = stamp(unix(t))
	return err
}

func (m *milli) UnmarshalJSON(b []byte) error {
	t, err := parseTime(b, milliLayout, instantLayout)
	if !t.IsZero() {
		*m = milli(t.UnixMilli())
	} else {
		*m = 0
	}
	return err
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// parseTime accepts the layouts in order, null and "".
func parseTime(b []byte, layouts ...string) (time.Time, error) {
	text, err := jsonText(b)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("want a time like %q, got %q", layouts[0], text)
}

// jsonText returns the text of a JSON string, "" for null, an error for anything else.
func jsonText(b []byte) (string, error) {
	if bytes.Equal(b, []byte("null")) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return "", fmt.Errorf("want a string, got %s", clip(b))
	}
	return s, nil
}

// day is a calendar date without a zone, "" renders as null.
type day string

func dayOf(t time.Time) day { return day(t.Format(dateLayout)) }

func (d day) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("null"), nil
	}
	return []byte(`"` + string(d) + `"`), nil
}

func (d *day) UnmarshalJSON(b []byte) error {
	text, err := jsonText(b)
	if err != nil {
		return err
	}
	if _, err := time.Parse(dateLayout, text); text != "" && err != nil {
		return fmt.Errorf("want a date like %q, got %q", "2025-01-31", text)
	}
	*d = day(text)
	return nil
}

// amount is an exact decimal that renders as a JSON number and refuses strings.
type amount struct{ decimal.Decimal }

func whole(n int64) amount { return amount{decimal.New(n, 0)} }
func cents(n int64) amount { return amount{decimal.New(n, -2)} }

func (a amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

func (a *amount) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] == '"' || bytes.Equal(b, []byte("null")) {
		return fmt.Errorf("want a number, got %s", clip(b))
	}
	d, err := decimal.NewFromString(string(b))
	if err != nil {
		return fmt.Errorf("want a number, got %s", clip(b))
	}
	a.Decimal = d
	return nil
}

// text is a string whose "" renders as null, as the vendor shows most empty texts.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return marshal(string(t))
}

func (t *text) UnmarshalJSON(b []byte) error {
	s, err := jsonText(b)
	*t = text(s)
	return err
}

// ref is the id of a related record; 0 renders as null.
type ref int64

func (r ref) MarshalJSON() ([]byte, error) {
	if r == 0 {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%d", int64(r)), nil
}

func (r *ref) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*r = 0
		return nil
	}
	var n int64
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("want a whole number, got %s", clip(b))
	}
	*r = ref(n)
	return nil
}

// marshal is json.Marshal without turning <, > and & into escapes: notes are
// HTML and the vendor sends it as it is.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// clip shortens a value for an error message.
func clip(b []byte) string {
	const most = 40
	if len(b) <= most {
		return string(b)
	}
	return strings.ToValidUTF8(string(b[:most]), "") + "..."
}
