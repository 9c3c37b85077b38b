package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
)

const (
	slackPath = "/services/T000/B000/sEcReTsEcReT"
	botToken  = "123456:sEcReT-sEcReT_sEcReT"
	hookPath  = "/hooks/sEcReTsEcReT"
	hookKey   = "sEcReT-key-of-the-hook"
)

// received is what a receiver got.
type received struct {
	path   string
	header http.Header
	body   []byte
}

// receiver answers everything the same way.
func receiver(t *testing.T, status int, header map[string]string, answer string) (url string, got *received) {
	t.Helper()
	got = &received{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.path, got.header = r.URL.Path, r.Header
		got.body, _ = io.ReadAll(r.Body)
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func now() time.Time { return time.Date(2026, 11, 27, 7, 30, 0, 0, time.UTC) }

// at makes a channel of a kind that leads to a receiver.
func at(kind, url string) notify.Channel {
	hc := notify.NewHTTPClient(http.DefaultTransport)
	switch kind {
	case "slack":
		return &notify.Slack{HTTP: hc, URL: url + slackPath, Now: now}
	case "telegram":
		return &notify.Telegram{HTTP: hc, Base: url, Token: botToken, Chat: "-100", Now: now}
	}
	return &notify.Webhook{HTTP: hc, URL: url + hookPath + "?key=sEcReTqUeRy", Secret: hookKey, Now: now}
}

func TestSlackGetsBlocks(t *testing.T) {
	t.Parallel()
	url, got := receiver(t, 200, nil, "ok")
	m := everyMessage(t, language.Polish)["head"]
	if _, err := at("slack", url).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got.path != slackPath || gjson.GetBytes(got.body, "blocks.0.text.text").String() != m.Subject {
		t.Errorf("%s: %s", got.path, got.body)
	}
}

func TestTelegramGetsHTML(t *testing.T) {
	t.Parallel()
	url, got := receiver(t, 200, nil, `{"ok":true,"result":{"message_id":4711}}`)
	m := everyMessage(t, language.Russian)["rep"]
	id, err := at("telegram", url).Send(t.Context(), m)
	if err != nil || id != "4711" {
		t.Fatal(id, err)
	}
	if got.path != "/bot"+botToken+"/sendMessage" || gjson.GetBytes(got.body, "chat_id").String() != "-100" ||
		gjson.GetBytes(got.body, "parse_mode").String() != "HTML" || gjson.GetBytes(got.body, "text").String() != notify.TelegramHTML(m) {
		t.Errorf("%s: %s", got.path, got.body)
	}
}

// TestWebhooksAreSigned checks the signature as docs/notify.md tells receivers to.
func TestWebhooksAreSigned(t *testing.T) {
	t.Parallel()
	url, got := receiver(t, 204, nil, "")
	m := everyMessage(t, language.English)["told"]
	if _, err := at("webhook", url).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(hookKey))
	fmt.Fprintf(mac, "%s.%s", got.header.Get("Salesbook-Timestamp"), got.body)
	if want := "v1=" + hex.EncodeToString(mac.Sum(nil)); got.header.Get("Salesbook-Signature") != want {
		t.Errorf("the signature is %s, want %s", got.header.Get("Salesbook-Signature"), want)
	}
	if got.header.Get("Salesbook-Timestamp") != fmt.Sprint(now().Unix()) || got.header.Get("Idempotency-Key") != "sb-3" {
		t.Errorf("headers: %v", got.header)
	}
	if about := gjson.GetBytes(got.body, "sections.1.items.0.about").Raw; about != `{"connection":"crm","kind":"deal","id":"8"}` {
		t.Errorf("about: %s", about)
	}
}

// TestWhatOthersSay: what the other side says decides whether a message is tried
// again, when, and whether the channel is used any more. No secret is repeated,
// whatever it says.
func TestWhatOthersSay(t *testing.T) {
	t.Parallel()
	telegram := func(code int, words, more string) string {
		return fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%q%s}`, code, words, more)
	}
	for name, tc := range map[string]struct {
		channel string
		status  int
		header  map[string]string
		answer  string
		kind    fault.Kind
		after   time.Duration
		says    string
	}{
		"slack: too many":         {"slack", 429, map[string]string{"Retry-After": "30"}, "rate_limited", fault.Limited, 30 * time.Second, "429"},
		"slack: no service":       {"slack", 404, nil, "no_service", fault.Gone, 0, "no_service"},
		"slack: no channel":       {"slack", 404, nil, "channel_not_found", fault.Gone, 0, "make a new one"},
		"slack: archived":         {"slack", 410, nil, "channel_is_archived", fault.Gone, 0, "channel_is_archived"},
		"slack: a page of 404":    {"slack", 404, nil, "<html>no such page</html>", fault.Temporary, 0, "not as Slack does"},
		"slack: not allowed":      {"slack", 403, nil, "action_prohibited", fault.Gone, 0, "action_prohibited"},
		"slack: another refusal":  {"slack", 403, nil, "blocked by a proxy", fault.Invalid, 0, "blocked by a proxy"},
		"slack: wrong payload":    {"slack", 400, nil, "invalid_blocks", fault.Invalid, 0, "invalid_blocks"},
		"slack: down":             {"slack", 503, nil, "<html>down</html>", fault.Temporary, 0, "503"},
		"slack: repeats":          {"slack", 500, nil, "at " + slackPath, fault.Temporary, 0, "[redacted]"},
		"telegram: too many":      {"telegram", 429, nil, telegram(429, "Too Many Requests: retry after 7", `,"parameters":{"retry_after":7}`), fault.Limited, 7 * time.Second, "Too Many"},
		"telegram: blocked":       {"telegram", 403, nil, telegram(403, "Forbidden: bot was blocked by the user", ""), fault.Gone, 0, "bot was blocked by the user"},
		"telegram: kicked":        {"telegram", 403, nil, telegram(403, "Forbidden: bot was kicked from the group chat", ""), fault.Gone, 0, "invite the bot again"},
		"telegram: no chat":       {"telegram", 400, nil, telegram(400, "Bad Request: chat not found", ""), fault.Gone, 0, "check the chat's number"},
		"telegram: moved":         {"telegram", 400, nil, telegram(400, "Bad Request: group chat was upgraded to a supergroup chat", `,"parameters":{"migrate_to_chat_id":-1001}`), fault.Gone, 0, "chat -1001"},
		"telegram: token refused": {"telegram", 401, nil, telegram(401, "Unauthorized", ""), fault.Gone, 0, "@BotFather"},
		"telegram: wrong markup":  {"telegram", 400, nil, telegram(400, "Bad Request: can't parse entities", ""), fault.Invalid, 0, "parse entities"},
		"telegram: down":          {"telegram", 502, nil, "<html>", fault.Temporary, 0, "502"},
		"telegram: not the API":   {"telegram", 200, nil, "<html>welcome</html>", fault.Temporary, 0, "not as its API does"},
		"telegram: a page of 404": {"telegram", 404, nil, "<html>no such page</html>", fault.Temporary, 0, "not as its API does"},
		"telegram: a page of 403": {"telegram", 403, nil, "<html>blocked</html>", fault.Temporary, 0, "not as its API does"},
		"telegram: a redirect":    {"telegram", 302, map[string]string{"Location": "https://example.com/sEcReT"}, "", fault.Invalid, 0, "a redirect"},
		"telegram: repeats":       {"telegram", 500, nil, telegram(500, "in /bot"+botToken, ""), fault.Temporary, 0, "[redacted]"},
		"webhook: gone":           {"webhook", 410, nil, "", fault.Gone, 0, "no more messages"},
		"webhook: too many":       {"webhook", 429, map[string]string{"Retry-After": "Fri, 27 Nov 2026 07:31:00 GMT"}, "", fault.Limited, time.Minute, "429"},
		"webhook: resting":        {"webhook", 503, map[string]string{"Retry-After": "120"}, "", fault.Temporary, 2 * time.Minute, "503"},
		"webhook: slow":           {"webhook", 408, nil, "", fault.Temporary, 0, "408"},
		"webhook: refused":        {"webhook", 401, nil, "wrong signature", fault.Invalid, 0, "wrong signature"},
		"webhook: elsewhere":      {"webhook", 308, map[string]string{"Location": "https://elsewhere.example/sEcReT"}, "", fault.Invalid, 0, "redirect"},
		"webhook: repeats":        {"webhook", 500, nil, hookPath + " sEcReTqUeRy " + hookKey, fault.Temporary, 0, "[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := receiver(t, tc.status, tc.header, tc.answer)
			_, err := at(tc.channel, url).Send(t.Context(), notify.Test(language.English, "sb-1", "ewa@example.com", now()))
			if fault.KindOf(err) != tc.kind || fault.RetryAfter(err) != tc.after || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%v after %v: %v", fault.KindOf(err), fault.RetryAfter(err), err)
			}
			if notify.Stops(err) != (tc.kind == fault.Gone) || notify.Passes(err) != (tc.kind == fault.Temporary || tc.kind == fault.Limited) {
				t.Errorf("stops %v, passes %v", notify.Stops(err), notify.Passes(err))
			}
			noSecret(t, err)
		})
	}
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; {
		if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, "sEcReT") {
			t.Errorf("the error holds a secret: %s", text)
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(hangs.Close)
	for _, kind := range []string{"slack", "telegram", "webhook"} {
		for url, unsure := range map[string]bool{dead.URL: false, hangs.URL: true} {
			_, err := at(kind, url).Send(t.Context(), notify.Test(language.English, "sb-1", "", now()))
			if fault.KindOf(err) != fault.Temporary || notify.Unsure(err) != unsure {
				t.Errorf("%s, unsure %v: %v", kind, notify.Unsure(err), err)
			}
			noSecret(t, err)
		}
	}
}

// TestWhatIsEscapedIsHidden as it stands in the address, and as it is meant.
func TestWhatIsEscapedIsHidden(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"no hook a+sEcReT", "no hook a%2BsEcReT", "no key q+sEcReT", "no key q%2BsEcReT"} {
		to, _ := receiver(t, 400, nil, says)
		w := &notify.Webhook{HTTP: notify.NewHTTPClient(http.DefaultTransport), URL: to + "/hooks/a%2BsEcReT?key=q%2BsEcReT", Secret: hookKey, Now: now}
		_, err := w.Send(t.Context(), notify.Test(language.English, "sb-1", "", now()))
		noSecret(t, err)
	}
}

// TestASuccessThatIsCutOff is one all the same: the message arrived.
func TestASuccessThatIsCutOff(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"slack", "telegram", "webhook"} {
		url, _ := receiver(t, 200, map[string]string{"Content-Length": "1000"}, `{"ok":true,"result":{"message`)
		if _, err := at(kind, url).Send(t.Context(), notify.Test(language.English, "sb-1", "", now())); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAddressesOfReceivers(t *testing.T) {
	t.Parallel()
	for url, good := range map[string]bool{
		"https://hooks.slack.com/services/x": true, "http://127.0.0.1:8080/hook": true, "http://[::1]/": true, "http://10.1.2.3/": true, "http://receiver:8080/hook": true,
		"http://[fe80::1%25eth0]/": true, "http://134744072/": false, "http://0x08080808/": false, "http://[2001:db8::1%25eth0]/": false, "http://169.254.169.254/": false,
		"http://hooks.example.com/": false, "http://8.8.8.8/": false, "ftp://hooks.example.com/": false, "https://user:sEcReT@hooks.example.com/": false, "/hook": false, "": false, "https://a.example/%zz": false,
	} {
		err := notify.CheckURL(url)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
		noSecret(t, err)
	}
	for token, good := range map[string]bool{"123456:AbC-d_e": true, "": false, "123456": false, "123456:": false, "12x:abc": false, "1:a/../b": false, "1:a?b": false} {
		if err := notify.CheckToken(token); (err == nil) != good {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

// TestLargeMessagesFit: what does not fit is left out whole, and said to be.
func TestLargeMessagesFit(t *testing.T) {
	t.Parallel()
	m := everyMessage(t, language.Russian)["rep"]
	for len(m.Sections[0].Items) < 300 {
		m.Sections[0].Items = append(m.Sections[0].Items, m.Sections[0].Items[:3]...)
	}
	m.Sections[0].Items[1].Title = strings.Repeat("<😀&", 5000)
	fits(t, m)
	if text := notify.TelegramHTML(m); !strings.HasSuffix(text, "Остальное не поместилось в это сообщение.") {
		t.Errorf("it is not said that something is left out: %s", text[len(text)-300:])
	}
	for len(m.Sections) < 60 {
		m.Sections = append(m.Sections, m.Sections[0])
	}
	fits(t, m)
}

// fits holds a message to the limits and markup of those who take it.
func fits(t *testing.T, m notify.Message) {
	t.Helper()
	text := notify.TelegramHTML(m)
	units := 0
	for _, r := range text {
		units++
		if r > 0xffff {
			units++
		}
	}
	if units > 4096 {
		t.Errorf("Telegram gets %d units", units)
	}
	for _, tag := range []string{"b", "i"} {
		if strings.Count(text, "<"+tag+">") != strings.Count(text, "</"+tag+">") {
			t.Errorf("Telegram gets broken markup: %s", text)
		}
	}
	bare := strings.NewReplacer("<b>", "", "</b>", "", "<i>", "", "</i>", "").Replace(text)
	if strings.ContainsAny(bare, "<>") {
		t.Errorf("Telegram gets markup of others: %s", bare)
	}
	raw, err := notify.SlackJSON(m)
	if err != nil || !json.Valid(raw) {
		t.Fatal(err)
	}
	blocks := gjson.GetBytes(raw, "blocks").Array()
	if len(blocks) > 50 {
		t.Errorf("Slack gets %d blocks", len(blocks))
	}
	for i, b := range blocks {
		most, text := 3000, b.Get("text.text").String()
		if i == 0 {
			most = 150
		}
		if n := len([]rune(text)); n > most || n == 0 {
			t.Errorf("Slack gets a block of %d letters", n)
		}
		if i > 0 && strings.ContainsAny(text, "<>") {
			t.Errorf("Slack gets a mention or link: %s", text)
		}
	}
}

// FuzzMessages: whatever people write into the CRM stays a text.
func FuzzMessages(f *testing.F) {
	f.Add("Okna\n<!channel>", "*_~`&<b>", "\u2028\x00\xff😀")
	f.Fuzz(func(t *testing.T, title, lines, reason string) {
		m := notify.Message{ID: "sb-1", Language: language.English, Subject: "Sales book: " + title, Intro: reason, Closing: lines,
			Sections: []notify.Section{{Heading: lines, Items: []notify.Item{{Title: title, Lines: []string{lines, reason}}}, More: reason}}}
		fits(t, m)
		if n := strings.Count(notify.Plain(m), "\n"); n > 12 {
			t.Errorf("a text made lines of its own: %q", notify.Plain(m))
		}
		page := notify.HTML(m)
		if strings.Count(page, "<") != strings.Count(notify.HTML(plainOf(m)), "<") {
			t.Errorf("a text made tags of its own: %s", page)
		}
		if raw, err := notify.WebhookJSON(m); err != nil || !json.Valid(raw) {
			t.Errorf("%v: %s", err, raw)
		}
	})
}

// plainOf is a message of the same form with harmless texts.
func plainOf(m notify.Message) notify.Message {
	tame := func(s string) string {
		if s == "" {
			return ""
		}
		return "x"
	}
	m.Subject, m.Intro, m.Closing = tame(m.Subject), tame(m.Intro), tame(m.Closing)
	s := m.Sections[0]
	m.Sections = []notify.Section{{Heading: tame(s.Heading), More: tame(s.More), Items: []notify.Item{{Title: tame(s.Items[0].Title), Lines: []string{tame(s.Items[0].Lines[0]), tame(s.Items[0].Lines[1])}}}}}
	return m
}

// answering answers every request the same way.
type answering struct {
	status int
	body   string
}

// RoundTrip implements http.RoundTripper.
func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// FuzzAnswers: whatever the other side says, an answer is a success or one error
// without secrets.
func FuzzAnswers(f *testing.F) {
	f.Add(uint16(200), `{"ok":true,"result":{"message_id":1}}`)
	f.Add(uint16(429), `{"ok":false,"parameters":{"retry_after":-7}}`)
	f.Add(uint16(404), "no_service /services/T000/B000/sEcReTsEcReT")
	f.Fuzz(func(t *testing.T, status uint16, body string) {
		hc := &http.Client{Transport: answering{200 + int(status)%400, body}}
		for _, c := range []notify.Channel{
			&notify.Slack{HTTP: hc, URL: "https://hooks.example.com" + slackPath, Now: now},
			&notify.Telegram{HTTP: hc, Token: botToken, Chat: "1", Now: now},
			&notify.Webhook{HTTP: hc, URL: "https://hooks.example.com" + hookPath, Secret: hookKey, Now: now},
		} {
			_, err := c.Send(t.Context(), notify.Test(language.English, "sb-1", "", now()))
			if strings.Contains(body, "sEcReT") && !strings.Contains(body, slackPath) {
				continue // parts of a secret that were not sent so are none
			}
			if err != nil && (strings.Contains(err.Error(), "sEcReT") || fault.KindOf(err) == fault.Unknown || fault.RetryAfter(err) < 0 || len(err.Error()) > 2000) {
				t.Errorf("%v: %v", fault.KindOf(err), err)
			}
		}
	})
}
