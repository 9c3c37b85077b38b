package zoho

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// A first walk takes the records from lists: 200 for a credit, where reading by
// ids gives 100 and finding the ids takes another credit for 200. It is the same
// operation with the same fields, so the bytes are those of later readings. What
// the vendor promises of a list's places is little: they live for a day, belong to a
// user and reach 100,000 records (docs, get records), and whether a record that is
// deleted meanwhile moves them is not said. So the query language tells which
// records there are, 2,000 for three credits, and what a list passes over is read
// by its id; once a place is refused, so is all the rest. See the decision 0038.
type loading struct {
	ahead []row // found, and not yet come to, in the order of ids
	all   bool  // ahead goes to the end
	// spare are the parts of records that lists have shown, by group of columns. The
	// lists of the groups may drift apart.
	spare []map[string]fragment
}

// readLoad reads a page of a first walk, of several answers.
func (w *walker) readLoad(ctx context.Context) (connectors.Page, bool, error) {
	page, more, err := w.loadSome(ctx)
	for err == nil && more && len(page.Records) < loadLimit {
		var next connectors.Page
		if next, more, err = w.loadSome(ctx); err == nil {
			page.Records = append(page.Records, next.Records...)
		}
	}
	if err != nil {
		return connectors.Page{}, false, err
	}
	return page, more, nil
}

// loadSome reads what comes next.
func (w *walker) loadSome(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	if !k.ByID {
		page, more, err := w.loadListed(ctx)
		if k.Tokens == nil || !refusedPlace(err) {
			return page, more, err
		}
		w.log.InfoContext(ctx, "the vendor no longer accepts its own place in a list; the rest is read by ids", "object", w.src.Name, "why", err)
		k.ByID, k.Tokens, w.load = true, nil, loading{}
	}
	return w.loadByID(ctx)
}

// refusedPlace tells that a list does not go on from its place: it has expired, is
// another user's, or reaches no further.
func refusedPlace(err error) bool {
	kind := fault.KindOf(err)
	return err != nil && (kind == fault.Gone || kind == fault.Invalid)
}

// loadListed reads the next page of the list of each group of columns, and by id
// what these do not show whole.
func (w *walker) loadListed(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	columns, err := w.columns(ctx, w.src)
	if err != nil {
		return connectors.Page{}, false, err
	}
	if k.Tokens != nil && len(k.Tokens) != len(columns) {
		return connectors.Page{}, false, fault.New(fault.Gone, "the fields of %s are others than when its list began", w.src.Name)
	}
	shown, next, page, err := w.listGroups(ctx, columns)
	if err != nil {
		return connectors.Page{}, false, err
	}
	more := len(next) > 0 && next[0] != ""
	wanted := shown
	if k.Tokens != nil || more { // one answer needs no proof that it is whole
		found, err := w.due(ctx, shown)
		if err != nil {
			return connectors.Page{}, false, err
		}
		wanted = merged(shown, found)
		if !more && len(w.load.ahead) > 0 {
			more, next, k.ByID = true, nil, true // the list ended before the records do
		}
	}
	if page.Records, err = w.assembled(ctx, columns, wanted); err != nil {
		return connectors.Page{}, false, err
	}
	if n := len(wanted); n > 0 {
		k.ID = wanted[n-1]
	}
	k.Tokens = next
	return page, more, nil
}

// groupPage is a page of the list of one group of columns.
type groupPage struct {
	ids    []string
	place  info
	answer rest.Answer
	err    error
}

// listGroups reads a page of each group's list, all at once: none depends on
// another. It returns what the first one shows, and all places behind.
func (w *walker) listGroups(ctx context.Context, columns [][]string) (shown, next []string, page connectors.Page, err error) {
	if w.load.spare == nil {
		w.load.spare = make([]map[string]fragment, len(columns))
	}
	pages := make([]groupPage, len(columns))
	var reading sync.WaitGroup
	for i, group := range columns {
		token := ""
		if tokens := w.cur.Walk.Tokens; tokens != nil {
			if token = tokens[i]; token == "" {
				continue // at its end
			}
		}
		reading.Go(func() { pages[i] = w.listGroup(ctx, i, group, token) })
	}
	reading.Wait()
	next = make([]string, len(columns))
	for i := range pages {
		if pages[i].err != nil {
			return nil, nil, page, pages[i].err
		}
		next[i] = pages[i].place.Token
	}
	if first := pages[0]; !first.answer.SentAt.IsZero() {
		page.FetchedAt = first.answer.SentAt
		w.heard(first.answer)
	}
	return pages[0].ids, next, page, nil
}

// listGroup reads a page of one group's list and keeps the parts of records that it
// shows.
func (w *walker) listGroup(ctx context.Context, group int, columns []string, token string) (p groupPage) {
	var list []sonic.NoCopyRawMessage
	if list, p.place, p.answer, p.err = w.listAt(ctx, w.src, columns, token, ""); p.err == nil {
		p.ids, p.err = w.keep(group, list)
	}
	return p
}

// keep notes the parts of records that a list of one group has shown.
func (w *walker) keep(group int, list []sonic.NoCopyRawMessage) ([]string, error) {
	parts := w.load.spare[group]
	if parts == nil {
		parts = make(map[string]fragment, len(list))
		w.load.spare[group] = parts
	}
	ids := make([]string, 0, len(list))
	about := new(label)
	for _, raw := range list {
		about.read(raw)
		id := answers.Text(about.ID)
		if !numeric(id) {
			return nil, fault.New(fault.Temporary, "the list of %s shows a record without an id; try again later", w.src.Name)
		}
		if n := len(ids); n > 0 && !before(ids[n-1], id) {
			return nil, fault.New(fault.Temporary, "the list of %s is not in the order of ids, which was asked for; try again later", w.src.Name)
		}
		ids = append(ids, id)
		parts[id] = fragment{raw, answers.Text(about.Modified)}
	}
	return ids, nil
}

// assembled joins the parts that lists have shown. Records of which they lack one,
// or show parts of several states, are read by id; those that are gone, or may not
// be seen, are left out.
func (w *walker) assembled(ctx context.Context, columns [][]string, ids []string) ([]connectors.Record, error) {
	got := make(map[string]connectors.Record, len(ids))
	var torn []string
	for _, id := range ids {
		r, there, agree := join(w.src, id, w.load.spare)
		if there && agree {
			got[id] = r
		} else {
			torn = append(torn, id)
		}
	}
	for _, parts := range w.load.spare {
		maps.DeleteFunc(parts, func(id string, _ fragment) bool { return len(ids) > 0 && !before(ids[len(ids)-1], id) })
	}
	for some := range slices.Chunk(torn, idsLimit) {
		if err := w.whole(ctx, w.src, columns, some, got); err != nil {
			return nil, err
		}
	}
	out := make([]connectors.Record, 0, len(ids))
	for _, id := range ids {
		if r, ok := got[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// due takes from ahead what comes up to the last of the records shown.
func (w *walker) due(ctx context.Context, shown []string) ([]string, error) {
	upto := w.cur.Walk.ID
	if n := len(shown); n > 0 {
		upto = shown[n-1]
	}
	for !w.load.all && (len(w.load.ahead) == 0 || !before(upto, w.load.ahead[len(w.load.ahead)-1].id)) {
		if err := w.lookAhead(ctx); err != nil {
			return nil, err
		}
	}
	n := slices.IndexFunc(w.load.ahead, func(r row) bool { return before(upto, r.id) })
	if n < 0 {
		n = len(w.load.ahead)
	}
	return w.take(n), nil
}

// take takes the next rows from ahead and notes how far in time the walk has come.
func (w *walker) take(n int) []string {
	k := w.cur.Walk
	for _, r := range w.load.ahead[:n] {
		if k.Oldest == 0 || r.made > 0 && r.made < k.Oldest {
			k.Oldest = r.made
		}
		k.At = max(k.At, r.made)
	}
	out := ids(w.load.ahead[:n])
	w.load.ahead = w.load.ahead[n:]
	return out
}

// lookAhead asks which records come next, in the order of ids.
func (w *walker) lookAhead(ctx context.Context) error {
	where := "id is not null"
	if n := len(w.load.ahead); n > 0 {
		where = "id > " + w.load.ahead[n-1].id
	} else if w.cur.Walk.ID != "" {
		where = "id > " + w.cur.Walk.ID
	}
	rows, answer, err := w.query(ctx, w.src.module, "id, Modified_Time, Created_Time", where, "id asc", queryMost)
	if err != nil {
		return err
	}
	w.heard(answer)
	if !slices.IsSortedFunc(rows, func(a, b row) int { return compareIDs(a.id, b.id) }) {
		return disorder(w.src.module)
	}
	w.load.ahead, w.load.all = append(w.load.ahead, rows...), len(rows) < queryMost
	return nil
}

// loadByID reads what comes next by ids alone.
func (w *walker) loadByID(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	page := connectors.Page{FetchedAt: w.now().UTC()}
	if len(w.load.ahead) == 0 && !w.load.all {
		if err := w.lookAhead(ctx); err != nil {
			return connectors.Page{}, false, err
		}
	}
	next := ids(w.load.ahead[:min(len(w.load.ahead), queryLimit)])
	var err error
	if page.Records, err = w.records(ctx, w.src, next); err != nil {
		return connectors.Page{}, false, err
	}
	if n := len(next); n > 0 {
		w.take(n)
		k.ID = next[n-1]
	}
	return page, len(w.load.ahead) > 0 || !w.load.all, nil
}

// listAt reads a page of a list in the order of ids, which no change moves, from a
// place that the vendor gave out; the empty one is the beginning. By numbers only
// the first 2,000 of a list can be had, by places all (docs, get records). An empty
// answer is an empty list.
func (w *walker) listAt(ctx context.Context, src source, columns []string, token, since string) ([]sonic.NoCopyRawMessage, info, rest.Answer, error) {
	query := url.Values{"sort_by": {"id"}, "sort_order": {"asc"}, "per_page": {strconv.Itoa(listLimit)}, "fields": {joinNames(columns)}}
	if token != "" {
		query.Set("page_token", token)
	}
	if src.Name == leads {
		query.Set("converted", "both") // without it, converted leads are hidden (OpenAPI, record)
	}
	answer, err := w.get(ctx, "/"+src.module, query, since)
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
	case place.Token == "" || place.Token == token || len(list.Data) == 0:
		return nil, info{}, answer, fault.New(fault.Temporary, "%s: the vendor says that there is more and not where; try again later", src.Name)
	}
	return list.Data, place, answer, nil
}

// merged is the union of two lists in the order of ids.
func merged(a, b []string) []string {
	if slices.Equal(a, b) {
		return a
	}
	out := slices.Concat(a, b)
	slices.SortFunc(out, compareIDs)
	return slices.Compact(out)
}

// before compares ids.
func before(a, b string) bool { return compareIDs(a, b) < 0 }

// compareIDs compares ids by their numbers, of which the longer is the larger.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
