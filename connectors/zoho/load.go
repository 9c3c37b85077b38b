package zoho

import (
	"cmp"
	"context"
	"slices"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
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
	ahead []found // and not yet come to, in the order of ids
	all   bool    // ahead goes to the end
	// spare are the parts of records that lists have shown, by group of columns, in the
	// order of ids. The lists of the groups may drift apart.
	spare [][]fragment
	// coming is the next answer of each list, asked for while the last one was taken
	// apart; nil: not asked for.
	coming *asked
}

// found is a record of which the query language tells.
type found struct {
	id      string
	created []byte // when, as it was written
}

// readLoad reads a page of a first walk, of several answers. The lists are asked
// ahead within the page, and never beyond it: who stops after a page has no call
// under way, and none in vain.
func (w *walker) readLoad(ctx context.Context) (page connectors.Page, more bool, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		w.load.coming.wait() // of a page that failed
		w.load.coming = nil
	}()
	page, more, err = w.loadSome(ctx, loadLimit)
	for err == nil && more && len(page.Records) < loadLimit {
		var next connectors.Page
		if next, more, err = w.loadSome(ctx, loadLimit-len(page.Records)); err == nil {
			page.Records = append(page.Records, next.Records...)
		}
	}
	if err != nil && len(page.Records) > 0 && ctx.Err() == nil {
		// What has been read is paid for: it is not lost with what fails behind it.
		w.load = loading{coming: w.load.coming}
		return page, true, nil
	}
	if err != nil {
		return connectors.Page{}, false, err
	}
	return page, more, nil
}

// loadSome reads what comes next. About most records are wanted.
func (w *walker) loadSome(ctx context.Context, most int) (connectors.Page, bool, error) {
	k := w.cur.Walk
	if !k.ByID {
		page, more, err := w.loadListed(ctx, most)
		if k.Tokens == nil || !refusedPlace(err) {
			return page, more, err
		}
		w.log.InfoContext(ctx, "the vendor no longer accepts its own place in a list; the rest is read by ids", "object", w.src.Name, "why", err)
		k.ByID, k.Tokens, w.load = true, nil, loading{coming: w.load.coming}
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
func (w *walker) loadListed(ctx context.Context, most int) (connectors.Page, bool, error) {
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
	if more && len(shown) < most {
		w.load.coming = w.ask(ctx, columns, next)
	}
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

// assembled joins the parts that lists have shown. Records of which they lack one,
// or show parts of several states, are read by id; those that are gone, or may not
// be seen, are left out.
func (w *walker) assembled(ctx context.Context, columns [][]string, ids []string) ([]connectors.Record, error) {
	out := make([]connectors.Record, 0, len(ids))
	var torn []string
	parts := make([]fragment, len(columns))
	for _, id := range ids {
		for i := range parts {
			parts[i] = w.taken(i, id)
		}
		if r, there, agree := join(w.src, id, parts); there && agree {
			out = append(out, r)
		} else {
			torn = append(torn, id)
		}
	}
	if len(torn) == 0 {
		return out, nil
	}
	read, err := w.records(ctx, w.src, torn)
	if err != nil {
		return nil, err
	}
	out = append(out, read...)
	slices.SortFunc(out, func(a, b connectors.Record) int { return compareIDs(a.ID, b.ID) })
	return out, nil
}

// taken is the part of a record that the list of one group has shown. Records are
// taken in the order of ids, as the lists show them; what comes before is past.
func (w *walker) taken(group int, id string) fragment {
	spare := w.load.spare[group]
	for len(spare) > 0 && before(spare[0].id, id) {
		spare = spare[1:]
	}
	w.load.spare[group] = spare
	if len(spare) == 0 || spare[0].id != id {
		return fragment{}
	}
	return spare[0]
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
	n := slices.IndexFunc(w.load.ahead, func(f found) bool { return before(upto, f.id) })
	if n < 0 {
		n = len(w.load.ahead)
	}
	return w.take(n), nil
}

// take takes the next records from ahead and notes how far in time the walk has
// come: ids are given out in the order of creation.
func (w *walker) take(n int) []string {
	k, taken := w.cur.Walk, w.load.ahead[:n]
	w.load.ahead = w.load.ahead[n:]
	if n == 0 {
		return nil
	}
	if first, ok := instant(answers.Text(taken[0].created)); ok && k.Oldest == 0 {
		k.Oldest = first.Unix()
	}
	if last, ok := instant(answers.Text(taken[n-1].created)); ok {
		k.At = max(k.At, last.Unix())
	}
	return idsOf(taken)
}

func idsOf(some []found) []string {
	out := make([]string, len(some))
	for i, f := range some {
		out[i] = f.id
	}
	return out
}

// lookAhead asks which records come next, in the order of ids.
func (w *walker) lookAhead(ctx context.Context) error {
	where, last := "id is not null", w.cur.Walk.ID
	if n := len(w.load.ahead); n > 0 {
		last = w.load.ahead[n-1].id
	}
	if last != "" {
		where = "id > " + last
	}
	rows, answer, err := w.selected(ctx, w.src.module, "id, Created_Time", where, "id asc", queryMost)
	if err != nil {
		return err
	}
	w.heard(answer)
	for _, raw := range rows {
		f := found{answers.Text(answers.Member(raw, "id")), answers.Member(raw, "Created_Time")}
		switch {
		case !numeric(f.id):
			return fault.New(fault.Temporary, "a query of %s tells no id of a record; try again later", w.src.module)
		case last != "" && !before(last, f.id):
			return disorder(w.src.module)
		}
		last = f.id
		w.load.ahead = append(w.load.ahead, f)
	}
	w.load.all = len(rows) < queryMost
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
	next := idsOf(w.load.ahead[:min(len(w.load.ahead), queryLimit)])
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
