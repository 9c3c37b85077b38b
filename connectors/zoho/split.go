package zoho

import (
	"encoding/json"
	"strconv"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// rows takes a list apart without changing a byte of its records.
func rows(body []byte, under, what string) ([][]byte, error) {
	var e map[string]sonic.NoCopyRawMessage
	if err := answers.ReadProven(body, &e); err != nil || len(e[under]) == 0 {
		return nil, malformed(what)
	}
	var list []sonic.NoCopyRawMessage
	if err := answers.ReadProven(e[under], &list); err != nil || list == nil {
		return nil, malformed(what)
	}
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = raw
	}
	return out, nil
}

// listing is a page of records.
type listing struct {
	Data []sonic.NoCopyRawMessage `json:"data"`
	Info *info                    `json:"info"`
}

// listed takes a page of records apart in one pass.
func listed(body []byte, what string) (listing, error) {
	var l listing
	if err := answers.ReadProven(body, &l); err != nil || l.Data == nil {
		return l, malformed(what)
	}
	return l, nil
}

// info is what a list tells of its place.
type info struct {
	More  bool   `json:"more_records"`
	Token string `json:"next_page_token"`
}

func infoOf(body []byte, what string) (info, error) {
	var l listing
	if err := answers.ReadProven(body, &l); err != nil {
		return info{}, malformed(what)
	}
	return l.place(what)
}

// place is where the list goes on.
func (l listing) place(what string) (info, error) {
	if l.Info == nil {
		return info{}, fault.New(fault.Temporary, "the list of %s does not tell whether there is more; try again later", what)
	}
	return *l.Info, nil
}

func number(n int) string { return strconv.Itoa(n) }

// numeral is a number as it was written; what is none stays a text, for the vendor
// to refuse.
func numeral(text string) any {
	if !json.Valid([]byte(text)) {
		return text
	}
	return json.Number(text)
}
