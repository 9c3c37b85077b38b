package zoho

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// asked is a page of each group's list, on its way.
type asked struct {
	groups  []groupPage
	reading sync.WaitGroup
}

// wait returns once no call is under way.
func (a *asked) wait() {
	if a != nil {
		a.reading.Wait()
	}
}

// groupPage is a page of the list of one group of columns.
type groupPage struct {
	parts  []fragment // in the order of ids
	place  info
	answer rest.Answer
	err    error
}

// ask begins to read a page of each group's list, all at once: none depends on
// another. A list whose place is empty is at its end, unless all begin.
func (w *walker) ask(ctx context.Context, columns [][]string, places []string) *asked {
	a := &asked{groups: make([]groupPage, len(columns))}
	for i, group := range columns {
		place := ""
		if places != nil {
			if place = places[i]; place == "" {
				continue
			}
		}
		a.reading.Go(func() { a.groups[i] = w.listGroup(ctx, group, place) })
	}
	return a
}

// listGroups reads a page of each group's list, if it is not on its way already. It
// returns what the first one shows, and all places behind.
func (w *walker) listGroups(ctx context.Context, columns [][]string) (shown, next []string, page connectors.Page, err error) {
	a := w.load.coming
	if w.load.coming = nil; a == nil {
		a = w.ask(ctx, columns, w.cur.Walk.Tokens)
	}
	a.wait()
	if w.load.spare == nil {
		w.load.spare = make([][]fragment, len(columns))
	}
	next = make([]string, len(columns))
	for i, p := range a.groups {
		if p.err != nil {
			return nil, nil, page, p.err
		}
		next[i] = p.place.Token
		w.load.spare[i] = append(w.load.spare[i], p.parts...)
	}
	if first := a.groups[0]; !first.answer.SentAt.IsZero() {
		page.FetchedAt = first.answer.SentAt
		w.heard(first.answer)
	}
	for _, part := range a.groups[0].parts {
		shown = append(shown, part.id)
	}
	return shown, next, page, nil
}

// listGroup reads a page of one group's list.
func (w *walker) listGroup(ctx context.Context, columns []string, place string) (p groupPage) {
	var list []sonic.NoCopyRawMessage
	if list, p.place, p.answer, p.err = w.listAt(ctx, w.src, columns, spot{by: "id", token: place}); p.err != nil {
		return p
	}
	p.parts = make([]fragment, len(list))
	for i, raw := range list {
		id, modified := identified(raw)
		if !numeric(id) {
			p.err = fault.New(fault.Temporary, "the list of %s shows a record without an id; try again later", w.src.Name)
			return p
		}
		if i > 0 && !before(p.parts[i-1].id, id) {
			p.err = fault.New(fault.Temporary, "the list of %s is not in the order of ids, which was asked for; try again later", w.src.Name)
			return p
		}
		p.parts[i] = fragment{id, raw, modified}
	}
	return p
}

// spot is where in a list a page begins.
type spot struct {
	by    string // the field whose order the list is in
	token string // the place that the vendor gave out; empty: the beginning
	since string // of what was changed after this instant; empty: of everything
}

// listAt reads a page of a list. By numbers only the first 2,000 of it can be had, by
// places 100,000 (docs, get records). An empty answer is an empty list.
func (w *walker) listAt(ctx context.Context, src source, columns []string, at spot) ([]sonic.NoCopyRawMessage, info, rest.Answer, error) {
	query := url.Values{"sort_by": {at.by}, "sort_order": {"asc"}, "per_page": {strconv.Itoa(listLimit)}, "fields": {joinNames(columns)}}
	if at.token != "" {
		query.Set("page_token", at.token)
	}
	if src.Name == leads {
		query.Set("converted", "both") // without it, converted leads are hidden (OpenAPI, record)
	}
	call := rest.Call{Path: root + "/" + src.module, Query: query, Classify: reachesNoFurther}
	if at.since != "" {
		call.Header = http.Header{"If-Modified-Since": {at.since}}
	}
	answer, err := w.do(ctx, call)
	if nothing(answer, err) {
		if answer.SentAt.IsZero() { // 304
			answer.SentAt = w.now().UTC()
		}
		return nil, info{}, answer, nil
	}
	if err != nil {
		return nil, info{}, answer, err
	}
	list, err := listed(answer.Body, src.Name)
	if err != nil {
		return nil, info{}, answer, err
	}
	place, err := list.place(src.Name)
	switch {
	case err != nil:
		return nil, info{}, answer, err
	case !place.More:
		place.Token = ""
	case place.Token == "" && at.token != "":
		return nil, info{}, answer, beyond(src.Name + " go on, and their list does not")
	case place.Token == "" || place.Token == at.token || len(list.Data) == 0:
		return nil, info{}, answer, fault.New(fault.Temporary, "%s: the vendor says that there is more and not where; try again later", src.Name)
	}
	return list.Data, place, answer, nil
}

// codeBeyond is said of a place behind the 100,000 records that a list reaches
// (OpenAPI of 2026, record). That the last place could be left out instead is not
// documented, and not excluded.
const codeBeyond = "PAGINATION_LIMIT_EXCEEDED"

func reachesNoFurther(_ int, _ http.Header, body []byte) error {
	if refusalOf(body).code == codeBeyond {
		return beyond("the list reaches no further (" + codeBeyond + ")")
	}
	return nil
}

func beyond(text string) error {
	return &fault.Error{Kind: fault.Gone, Text: text, Err: fault.Quiet(errBeyond)}
}
