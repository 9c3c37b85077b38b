package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
)

// Slack's limits (https://docs.slack.dev/reference/block-kit/blocks).
const (
	slackHeader = 150  // letters of a heading
	slackText   = 3000 // letters of a section
	slackBlocks = 50
)

// Slack is an incoming webhook of a Slack workspace. Its address is its secret.
type Slack struct {
	HTTP *http.Client
	URL  string
	Now  func() time.Time
}

// Send implements Channel. Slack does not say what it calls the message.
func (s *Slack) Send(ctx context.Context, m Message) (string, error) {
	body, err := SlackJSON(m)
	if err != nil {
		return "", err
	}
	u, err := address(s.URL)
	if err != nil {
		return "", err
	}
	a, err := post(ctx, s.HTTP, s.URL, nil, body)
	if err != nil || a.good() {
		return "", err
	}
	e := a.refused(u.Host, s.Now(), hidden(u)...)
	switch {
	case ended(&a):
		e.Kind = fault.Gone
		e.Text += ": the webhook is no longer there, or may not write to its channel; make a new one in Slack and set it"
	case a.status == http.StatusNotFound, a.status == http.StatusGone: // a proxy on the way, or a page of maintenance
		e.Kind = fault.Temporary
		e.Text += ": not as Slack does; something on the way answers in its place"
	}
	return "", e
}

// slackEnds are Slack's words for a webhook by which nothing will ever be told
// again (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
var slackEnds = []string{"no_service", "no_service_id", "no_team", "team_disabled", "invalid_token", "channel_not_found", "channel_is_archived", "action_prohibited", "posting_to_general_channel_denied", "user_not_found"}

func ended(a *answer) bool { return slices.Contains(slackEnds, strings.TrimSpace(string(a.body))) }

// slackBlock is a block of a message as Slack has it.
type slackBlock struct {
	Type string     `json:"type"`
	Text *slackWord `json:"text"`
}

type slackWord struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim,omitempty"` // names and addresses in it are left alone
}

// SlackJSON is a message as Slack takes it. What does not fit is left out, and
// the message says so.
func SlackJSON(m Message) ([]byte, error) {
	blocks := []slackBlock{{"header", &slackWord{Type: "plain_text", Text: cutRunes(line(m.Subject), slackHeader)}}}
	for _, part := range slackParts(m) {
		if len(blocks) == slackBlocks-1 {
			blocks = append(blocks, slackSection(slackEscape(m.Language.Say(language.LeftOutOfMessage))))
			break
		}
		blocks = append(blocks, slackSection(part))
	}
	return json.Marshal(map[string]any{"text": slackEscape(line(m.Subject)), "blocks": blocks})
}

func slackSection(text string) slackBlock {
	return slackBlock{"section", &slackWord{Type: "mrkdwn", Text: text, Verbatim: true}}
}

// slackParts are the texts of sections, each short enough.
func slackParts(m Message) (parts []string) {
	add := func(texts ...string) { parts = append(parts, gather(texts, slackText)...) }
	if intro := line(m.Intro); intro != "" {
		add(slackEscape(intro))
	}
	for i := range m.Sections {
		s := &m.Sections[i]
		texts := []string{"*" + slackEscape(line(s.Heading)) + "*"}
		for j := range s.Items {
			texts = append(texts, slackItem(&s.Items[j]))
		}
		if s.More != "" {
			texts = append(texts, "• "+slackEscape(line(s.More)))
		}
		add(texts...)
	}
	if m.Closing != "" {
		add("_" + slackEscape(line(m.Closing)) + "_")
	}
	return parts
}

func slackItem(it *Item) string {
	text := "• *" + slackEscape(line(it.Title)) + "*"
	for _, l := range it.Lines {
		text += "\n    " + slackEscape(line(l))
	}
	return text
}

// slackEscape makes a text one that Slack shows as it is: &, < and > begin what
// it reads as a mention or link, and the signs of its markup are given their
// look-alikes, since it knows no way to escape them. A _ within a word is none.
func slackEscape(text string) string {
	runes := []rune(slackSigns.Replace(text))
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i, r := range runes {
		if r == '_' && !(word(i-1) && word(i+1)) {
			runes[i] = '＿'
		}
	}
	return string(runes)
}

var slackSigns = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "ˋ")

// gather joins texts, line by line, to as few as have no more than so many
// letters each. One that is longer itself is cut.
func gather(texts []string, most int) (out []string) {
	letters := 0
	for _, t := range texts {
		t = cutRunes(t, most)
		n := utf8.RuneCountInString(t)
		if len(out) > 0 && letters+1+n <= most {
			out[len(out)-1] += "\n" + t
			letters += 1 + n
			continue
		}
		out, letters = append(out, t), n
	}
	return out
}

// cutRunes is a text of no more than so many letters.
func cutRunes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
