package pipedrive

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// banDelay is how long to keep away after a rate ban. The vendor names no
// length ("Cloudflare HTML page", guide on rate limiting, 2026-11).
const banDelay = 5 * time.Minute

// get reads from one of the two versions of the API.
func (c *Connector) get(ctx context.Context, api version, path string, query url.Values) (rest.Answer, error) {
	return c.do(ctx, rest.Call{Path: c.prefix(api) + path, Query: query})
}

func (c *Connector) do(ctx context.Context, call rest.Call) (rest.Answer, error) {
	call.Header = c.headers()
	own := call.Classify
	call.Classify = func(status int, h http.Header, body []byte) error {
		if own != nil {
			if err := own(status, h, body); err != nil {
				return err
			}
		}
		return classify(status, h, body, c.prices.of(cmp.Or(call.Method, http.MethodGet), call.Path))
	}
	return c.api.Do(ctx, call)
}

func (c *Connector) prefix(api version) string {
	if api == v2 {
		return "/api/v2"
	}
	return c.v1Prefix
}

// classify knows what Pipedrive means where the usual classes would be wrong.
// cost is what the call takes, in tokens.
func classify(status int, h http.Header, body []byte, cost int) error {
	switch {
	case status == http.StatusTooManyRequests:
		delay, daily := quotaDelay(h, cost)
		words := "the limit of calls in a few seconds is reached"
		if daily {
			words = "the company's tokens for today are spent; they are renewed at midnight"
		}
		return &fault.Error{Kind: fault.Limited, Text: words, RetryAfter: delay, Daily: daily}
	case status == http.StatusForbidden && !answers.IsObject(body):
		// Who goes on through 429 meets a page of Cloudflare's (guide on rate
		// limiting, 2026-11). It says nothing about the credentials.
		return &fault.Error{Kind: fault.Limited, Text: "the vendor has banned us for too many calls", RetryAfter: banDelay}
	case status == http.StatusNotFound && !isRefusal(body), status == http.StatusGone && !isRefusal(body):
		// A proxy or another service may say so too; a record is gone only if
		// Pipedrive says it.
		return fault.New(fault.Temporary, "the answer %d is not Pipedrive's own; try again later, and check the base URL if it lasts", status)
	}
	return nil
}

// isRefusal recognises the vendor's envelope of an error; some operations of v1
// say status instead of success (OpenAPI v1, DELETE /webhooks/{id}).
func isRefusal(body []byte) bool {
	said := gjson.GetManyBytes(body, "success", "status")
	return said[0].Type == gjson.False || said[1].String() == "error"
}
