package notify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
)

// TestReceiversCheckAsTheDocsSay runs what docs/notify.md tells receivers to run
// on a message that was sent, on one that was changed on its way, and on an old
// one.
func TestReceiversCheckAsTheDocsSay(t *testing.T) {
	t.Parallel()
	url, got := receiver(t, 200, nil, "")
	w := &notify.Webhook{HTTP: notify.NewHTTPClient(http.DefaultTransport), URL: url + hookPath, Secret: hookKey, Now: time.Now}
	if _, err := w.Send(t.Context(), everyMessage(t, language.Ukrainian)["head"]); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	for name := range got.header {
		headers[strings.ToLower(name)] = got.header.Get(name)
	}
	given, err := json.Marshal([]any{hookKey, headers, string(got.body)})
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/notify.md")
	if err != nil {
		t.Fatal(err)
	}
	for lang, tc := range map[string]struct{ program, rest string }{
		"python": {"python3", `
import json, sys
secret, headers, body = json.load(sys.stdin)
old = dict(headers, **{"salesbook-timestamp": str(int(headers["salesbook-timestamp"]) - 301)})
print(verify(secret, headers, body.encode()), verify(secret, headers, body.encode() + b" "), verify("x" + secret, headers, body.encode()), verify(secret, old, body.encode()), verify(secret, {}, b""))
`},
		"javascript": {"node", `
const [secret, headers, body] = JSON.parse(require("node:fs").readFileSync(0));
const old = { ...headers, "salesbook-timestamp": String(Number(headers["salesbook-timestamp"]) - 301) };
const raw = Buffer.from(body);
console.log(verify(secret, headers, raw), verify(secret, headers, Buffer.from(body + " ")), verify("x" + secret, headers, raw), verify(secret, old, raw), verify(secret, {}, Buffer.from("")));
`},
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			example := regexp.MustCompile("(?s)```" + lang + "\n(.*?)```").FindSubmatch(docs)
			if example == nil {
				t.Fatal("docs/notify.md has no example in " + lang)
			}
			flag := map[string]string{"python3": "-c", "node": "-e"}[tc.program]
			if _, err := exec.LookPath(tc.program); err != nil {
				if os.Getenv("SALESBOOK_REQUIRE_CLIENTS") == "1" {
					t.Fatal(tc.program + " is not installed; tools/need.sh sees to it")
				}
				t.Skip(tc.program + " is not installed")
			}
			cmd := exec.Command(tc.program, flag, fmt.Sprintf("%s\n%s", example[1], tc.rest))
			cmd.Stdin = bytes.NewReader(given)
			out, err := cmd.CombinedOutput()
			if said := strings.ToLower(strings.TrimSpace(string(out))); err != nil || said != "true false false false false" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
