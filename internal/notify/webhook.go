package notify

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/internal/fault"
)

// The headers of a message to a webhook. docs/notify.md tells receivers how to
// check them.
const (
	TimestampHeader = "Salesbook-Timestamp" // seconds since 1970
	SignatureHeader = "Salesbook-Signature" // v1= and HMAC-SHA256, in hexadecimal digits, of timestamp, a dot and the body
	KeyHeader       = "Idempotency-Key"     // Message.ID
)

// Webhook is an address of somebody's own program. It knows by the secret that a
// message comes from us; the address may hold a secret, too.
type Webhook struct {
	HTTP   *http.Client
	URL    string
	Secret string
	Now    func() time.Time
}

// Send implements Channel.
func (w *Webhook) Send(ctx context.Context, m Message) (string, error) {
	body, err := WebhookJSON(m)
	if err != nil {
		return "", err
	}
	u, err := address(w.URL)
	if err != nil {
		return "", err
	}
	at := strconv.FormatInt(w.Now().Unix(), 10)
	a, err := post(ctx, w.HTTP, w.URL, http.Header{TimestampHeader: {at}, SignatureHeader: {"v1=" + sign(w.Secret, at, body)}, KeyHeader: {m.ID}}, body)
	if err != nil || a.good() {
		return "", err
	}
	e := a.refused(u.Host, w.Now(), append(hidden(u), w.Secret)...)
	if a.status == http.StatusGone {
		e.Kind = fault.Gone
		e.Text += ": the receiver wants no more messages"
	}
	return "", e
}

// hidden are the parts of an address that may be secrets, the longest first. What
// is shorter stands in many a word.
func hidden(u *url.URL) (out []string) {
	parts := append(strings.Split(u.Path+"/"+u.EscapedPath(), "/"), u.String(), u.Path, u.EscapedPath(), u.RawQuery)
	for _, values := range u.Query() {
		for _, v := range values {
			parts = append(parts, v, url.QueryEscape(v))
		}
	}
	const least = 6
	for _, p := range parts {
		if len(p) >= least {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// sign is the signature of a body at a time.
func sign(secret, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// webhookMessage is a message as receivers read it. Its names stay.
type webhookMessage struct {
	ID       string           `json:"id"`
	To       string           `json:"to"`
	Occasion string           `json:"occasion"`
	At       time.Time        `json:"at"`
	Language string           `json:"language"`
	Subject  string           `json:"subject"`
	Text     string           `json:"text"`
	Sections []webhookSection `json:"sections"`
}

type webhookSection struct {
	Heading string        `json:"heading"`
	Items   []webhookItem `json:"items"`
	More    string        `json:"more,omitempty"`
}

type webhookItem struct {
	About *About   `json:"about,omitempty"`
	Title string   `json:"title"`
	Lines []string `json:"lines"`
}

// WebhookJSON is a message as receivers read it.
func WebhookJSON(m Message) ([]byte, error) {
	out := webhookMessage{m.ID, m.To, m.Occasion, m.Made.UTC(), string(m.Language), line(m.Subject), Plain(m), []webhookSection{}}
	for i := range m.Sections {
		s := webhookSection{m.Sections[i].Heading, []webhookItem{}, m.Sections[i].More}
		for _, it := range m.Sections[i].Items {
			one := webhookItem{nil, it.Title, append([]string{}, it.Lines...)}
			if it.About.Kind != "" {
				one.About = &it.About
			}
			s.Items = append(s.Items, one)
		}
		out.Sections = append(out.Sections, s)
	}
	return json.Marshal(out)
}
