package zoho

import (
	"fmt"
	"net/http"
	"net/url"

	"salesbook.dev/connectors"
)

// Delivery is a delivery with a body, as it comes by a channel that Watch made
// for the callback; %q in the body stands for the channel's token.
func Delivery(callback connectors.Callback, body string) connectors.Delivery {
	return connectors.Delivery{
		Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{markName: {markOf(callback)}},
		Body: fmt.Appendf(nil, body, tokenOf(callback)), Secret: callback,
	}
}
