package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
)

// telegramText is how long a message may be
// (https://core.telegram.org/bots/api#sendmessage), in the units in which
// Telegram counts. Markup counts here, too, though not there.
const telegramText = 4096

// TelegramAPI is where bots speak, unless a company runs a server of its own.
const TelegramAPI = "https://api.telegram.org"

// Telegram is a chat with a bot. The token is a secret, though it stands in the
// address of every call.
type Telegram struct {
	HTTP  *http.Client
	Base  string // empty: TelegramAPI
	Token string
	Chat  string
	Now   func() time.Time
}

// telegramAnswer is what the API says, in success and failure.
type telegramAnswer struct {
	OK          bool   `json:"ok"`
	Description string `json:"description"`
	Result      struct {
		MessageID int64 `json:"message_id"`
	} `json:"result"`
	Parameters struct {
		RetryAfter int   `json:"retry_after"`
		MigratedTo int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// Send implements Channel.
func (t *Telegram) Send(ctx context.Context, m Message) (string, error) {
	body, err := json.Marshal(map[string]any{"chat_id": t.Chat, "text": TelegramHTML(m), "parse_mode": "HTML",
		"link_preview_options": map[string]bool{"is_disabled": true}})
	if err != nil {
		return "", err
	}
	base := strings.TrimSuffix(cmp.Or(t.Base, TelegramAPI), "/")
	a, err := post(ctx, t.HTTP, base+"/bot"+t.Token+"/sendMessage", nil, body)
	if err != nil {
		return "", err
	}
	var said telegramAnswer
	known := json.Unmarshal(a.body, &said) == nil
	switch {
	case a.good() && a.cut:
		return "", nil // it has the message, and its number was lost
	case a.good() && known && said.OK:
		return strconv.FormatInt(said.Result.MessageID, 10), nil
	case a.good():
		return "", fault.New(fault.Temporary, "Telegram answered %d%s", a.status, notTheAPI)
	}
	return "", t.refusal(&a, &said, known)
}

// notTheAPI is said of a page that comes from whatever stands between.
const notTheAPI = ", but not as its API does; check the address of its server if it lasts"

// refusal is the error of an answer that is no success; known tells that it is one
// of the API.
func (t *Telegram) refusal(a *answer, said *telegramAnswer, known bool) error {
	a.body = []byte(said.Description)
	e := a.refused("Telegram", t.Now(), t.Token)
	words := strings.ToLower(said.Description)
	switch {
	case !known && e.Kind == fault.Invalid && a.status >= 400:
		e.Kind = fault.Temporary
		e.Text += notTheAPI
	case said.Parameters.RetryAfter > 0:
		e.RetryAfter = time.Duration(min(said.Parameters.RetryAfter, 24*60*60)) * time.Second // a day bounds nonsense
	case said.Parameters.MigratedTo != 0:
		e.Kind = fault.Gone
		e.Text += fmt.Sprintf(": the group was made a supergroup; set the channel to chat %d", said.Parameters.MigratedTo)
	case a.status == http.StatusUnauthorized, a.status == http.StatusNotFound:
		e.Kind = fault.Gone
		e.Text += ": the bot's token is not valid any more; set the one that @BotFather shows"
	case a.status == http.StatusForbidden:
		e.Kind = fault.Gone
		e.Text += ": the bot may not write to this chat; whoever it belongs to has to start or invite the bot again"
	case a.status == http.StatusBadRequest && (strings.Contains(words, "chat not found") || strings.Contains(words, "user is deactivated") || strings.Contains(words, "peer_id_invalid")):
		e.Kind = fault.Gone
		e.Text += ": there is no such chat, or the bot was never started in it; check the chat's number"
	}
	return e
}

// TelegramHTML is a message as Telegram takes it. What does not fit is left out
// whole, so that no tag is cut, and the message says so.
func TelegramHTML(m Message) string {
	rest := "\n\n" + html.EscapeString(m.Language.Say(language.LeftOutOfMessage))
	var b strings.Builder
	length := 0
	for _, part := range telegramParts(m) {
		n := units(part)
		if length+n+units(rest) > telegramText {
			b.WriteString(rest)
			break
		}
		b.WriteString(part)
		length += n
	}
	return strings.TrimSpace(b.String())
}

// telegramParts are what a message is put together of; each stands for itself.
func telegramParts(m Message) []string {
	parts := []string{"<b>" + telegramLine(m.Subject) + "</b>"}
	if m.Intro != "" {
		parts = append(parts, "\n\n"+telegramLine(m.Intro))
	}
	for i := range m.Sections {
		s := &m.Sections[i]
		parts = append(parts, "\n\n<b>"+telegramLine(s.Heading)+"</b>")
		for j := range s.Items {
			text := "\n• <b>" + telegramLine(s.Items[j].Title) + "</b>"
			for _, l := range s.Items[j].Lines {
				text += "\n   " + telegramLine(l)
			}
			parts = append(parts, text)
		}
		if s.More != "" {
			parts = append(parts, "\n• "+telegramLine(s.More))
		}
	}
	if m.Closing != "" {
		parts = append(parts, "\n\n<i>"+telegramLine(m.Closing)+"</i>")
	}
	return parts
}

// telegramLine is a text as it is shown, no longer than fits beside others.
func telegramLine(text string) string { return html.EscapeString(cutRunes(line(text), 1000)) }

// units is the length of a text as Telegram counts.
func units(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// CheckChat finds what is wrong with the name of a chat: it is a number, or that of
// a channel.
func CheckChat(chat string) error {
	const digits = "0123456789"
	if number := strings.TrimPrefix(chat, "-"); number != "" && strings.Trim(number, digits) == "" || len(chat) > 1 && chat[0] == '@' {
		return nil
	}
	return fault.New(fault.Invalid, "%q is no chat: give its number, as getUpdates shows it, or @ and the name of a channel", chat)
}

// CheckToken finds what is wrong with the token of a bot, without showing it: it
// stands in the address of every call.
func CheckToken(token string) error {
	number, secret, ok := strings.Cut(token, ":")
	plain := func(s string, letters string) bool { return s != "" && strings.Trim(s, letters) == "" }
	const digits = "0123456789"
	if !ok || !plain(number, digits) || !plain(secret, digits+"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-") {
		return fault.New(fault.Invalid, "that is no token of a bot: @BotFather shows it as a number, a colon and letters")
	}
	return nil
}
