package pipedrive

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// Find implements connectors.Pusher. Activities and notes are looked for among
// those of the same deal, lead, person or organization, the newest first, for the
// text that holds the mark; definitions by their name, stages in their pipeline.
func (c *Connector) Find(ctx context.Context, e connectors.Edit) (connectors.Record, bool, error) {
	src, w, err := c.writable(e)
	switch {
	case err != nil:
		return connectors.Record{}, false, err
	case e.ID != "":
		return connectors.Record{}, false, fault.New(fault.Invalid, "%s %s is known already: fetch it", e.Object, e.ID)
	case w.marked && e.Mark == "":
		return connectors.Record{}, false, fault.New(fault.Invalid, "a new one of %s is found by its mark only, and the edit has none", e.Object)
	}
	wanted := named(e, w.named)
	if w.marked {
		wanted = marked(e)
	}
	if len(wanted) == 0 {
		return connectors.Record{}, false, fault.New(fault.Invalid, "the edit does not name the new one of %s, so it cannot be found", e.Object)
	}
	among, err := c.among(e, src, w)
	if err != nil {
		return connectors.Record{}, false, err
	}
	return c.search(ctx, src, among, func(v *connectors.Values) bool {
		if src.key == "field_code" && v.Get("is_custom_field").Text != "true" {
			return false // one of the vendor's own, which nobody made
		}
		return !slices.ContainsFunc(wanted, func(want wantedText) bool { return !want.in(v) })
	})
}

// wantedText is what a field of the record must hold.
type wantedText struct {
	key, text string
	part      bool // the text stands somewhere in it
}

func (w wantedText) in(v *connectors.Values) bool {
	have := v.Get(w.key).Text
	return have == w.text || w.part && strings.Contains(have, w.text)
}

// marked returns the texts that hold the edit's mark.
func marked(e connectors.Edit) []wantedText {
	var out []wantedText
	for _, p := range e.Set.Standard {
		if p.Value.Kind == connectors.Text && e.Mark != "" && strings.Contains(p.Value.Text, e.Mark) {
			out = append(out, wantedText{p.Key, e.Mark, true})
		}
	}
	return out
}

// named returns the texts that name a definition.
func named(e connectors.Edit, keys []string) []wantedText {
	var out []wantedText
	for _, key := range keys {
		if v := e.Set.Get(key); v.Text != "" {
			out = append(out, wantedText{key, v.Text, false})
		}
	}
	return out
}

// among is the list in which a new record stands.
func (c *Connector) among(e connectors.Edit, src source, w writing) (leg, error) {
	list := src.legs[0]
	list.query = url.Values{}
	if !w.marked {
		return list, nil
	}
	for _, key := range []string{"deal_id", "lead_id", "person_id", "org_id"} {
		if v := e.Set.Get(key); v.Text != "" {
			list.query.Set(key, v.Text)
			return list, nil
		}
	}
	return list, fault.New(fault.Invalid, "a new one of %s is found only among those of its deal, lead, person or organization, and the edit names none", e.Object)
}

// search walks a list until a record fits.
func (c *Connector) search(ctx context.Context, src source, list leg, fits func(*connectors.Values) bool) (connectors.Record, bool, error) {
	for next, pages := (place{}), 0; ; pages++ {
		answer, err := c.get(ctx, list.api, list.path, list.newest(next))
		if err != nil {
			return connectors.Record{}, false, err
		}
		found, err := src.split(answer.Body)
		if err != nil {
			return connectors.Record{}, false, err
		}
		for _, r := range found.records {
			v, err := c.Decode(r.Object, r.Shape, r.Raw)
			if err == nil && !r.Deleted && fits(&v) {
				return r, true, nil
			}
		}
		switch {
		case found.next == "" && !found.more:
			return connectors.Record{}, false, nil
		case found.next != "" && found.next == next.cursor || pages >= pagesLimit:
			return connectors.Record{}, false, fault.New(fault.Temporary, "%s: the vendor's cursor does not move; try again later", src.Name)
		}
		next = place{found.next, next.start + pageLimit - shared}
	}
}

// shared is how many rows two pages of v1 share, so that none is passed over
// when rows before them vanish meanwhile.
const shared = 100

// place is where a page begins, by cursor or by offset.
type place struct {
	cursor string
	start  int
}

// newest asks for a page of the list, the newest records first where it sorts.
func (l leg) newest(at place) url.Values {
	query := l.pageQuery(at.cursor)
	switch {
	case l.paging == byStart:
		query.Set("limit", strconv.Itoa(pageLimit))
		query.Set("start", strconv.Itoa(at.start))
		query.Set("sort", "add_time DESC")
	case l.since:
		query.Set("sort_by", "id")
		query.Set("sort_direction", "desc")
	}
	return query
}
