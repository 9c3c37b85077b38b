package zoho

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// readDeleted reads a page of what was deleted since the walk's begin: what lies
// in the recycle bin and what is gone for good (OpenAPI, deleted records). Records
// that were merged into others stand there too (docs, find and merge); into which,
// nothing says. How far back the list reaches is undocumented: the sweep looks at
// the rest.
func (w *walker) readDeleted(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	query := url.Values{"type": {"all"}, "page": {strconv.Itoa(k.Page + 1)}, "per_page": {strconv.Itoa(listLimit)}}
	answer, err := w.get(ctx, "/"+w.src.module+"/deleted", query, stamp(k.From))
	if nothing(answer, err) {
		return connectors.Page{FetchedAt: w.now().UTC()}, false, nil
	}
	if err != nil {
		return connectors.Page{}, false, err
	}
	list, err := rows(answer.Body, "data", "deleted "+w.src.Name)
	if err != nil {
		return connectors.Page{}, false, err
	}
	page, seen := connectors.Page{FetchedAt: answer.SentAt}, map[string]bool{}
	for _, raw := range list {
		about := labelOf(raw)
		id := answers.Text(about.ID)
		if !numeric(id) || seen[id] {
			continue
		}
		seen[id] = true
		r := connectors.Record{Object: w.src.Name, ID: id, Shape: shapeWhole, Deleted: true}
		if at, ok := instant(answers.Text(about.Deleted)); ok {
			r.UpdatedAt = at
		}
		page.Records = append(page.Records, r)
	}
	place, err := infoOf(answer.Body, "deleted "+w.src.Name)
	if err != nil {
		return connectors.Page{}, false, err
	}
	k.Page++
	if k.Page >= pagesLimit {
		return connectors.Page{}, false, endless(w.src.Name)
	}
	return page, place.More && len(list) > 0, nil
}

func endless(what string) error {
	return fault.New(fault.Temporary, "%s: more than %d pages; the vendor's paging may run in circles", what, pagesLimit)
}

// errBeyond is how a list ends before its records do.
var errBeyond = errors.New("the list reaches no further")

// readByToken reads a page of a list that the query language does not know. By
// pages only its first 2,000 rows can be had, by tokens 100,000 (docs, get records).
// The list is in the order of ids, which no change moves. Where it ends before the
// records do, they are read anew in the order of their changes (OpenAPI of 2026,
// notes: sort_by), in as many lists as it takes. A token lives for 24 hours; where it
// is refused, the list starts anew.
func (w *walker) readByToken(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	for {
		page, more, err := w.readAtToken(ctx)
		switch kind := fault.KindOf(err); {
		case errors.Is(err, errBeyond):
			err = w.goBeyond(ctx)
		case kind == fault.Gone, k.Token != "" && kind == fault.Invalid:
			err = w.startAnew(ctx, err)
		case err == nil && k.ByTime:
			return page, more, w.noteTimes(page)
		default:
			return page, more, err
		}
		if err != nil {
			return connectors.Page{}, false, err
		}
	}
}

func (w *walker) readAtToken(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	columns, err := w.columns(ctx, w.src)
	if err != nil {
		return connectors.Page{}, false, err
	}
	at := spot{by: "id", token: k.Token}
	since := k.From
	if k.ByTime {
		// Whether the instant itself is included is undocumented.
		at.by, since = keyModified, max(k.From, k.Since-1)
	}
	if since > 0 {
		at.since = stamp(since)
	}
	list, place, answer, err := w.listAt(ctx, w.src, columns[0], at) // fixed ones, which one answer holds
	if err != nil {
		return connectors.Page{}, false, err
	}
	w.heard(answer)
	page := connectors.Page{FetchedAt: answer.SentAt}
	for _, raw := range list {
		about := labelOf(raw)
		page.Records = append(page.Records, record(w.src, answers.Identity(about.ID, raw), [][]byte{raw}, answers.Text(about.Modified)))
	}
	k.Token = place.Token
	return page, place.More, nil
}

// goBeyond begins a list by times of change: behind one in the order of ids with all
// records, for none can begin at an id, and behind one by times with the last of its
// seconds.
func (w *walker) goBeyond(ctx context.Context) error {
	k := w.cur.Walk
	if k.ByTime && k.Last <= k.Since {
		return fault.New(fault.Invalid, "of %s, more were changed at %s than a list of the vendor's reaches (100,000), and no list begins between them: they cannot be read whole, so they are left out", w.src.Name, stamp(k.Since))
	}
	w.log.InfoContext(ctx, "the vendor's list ends before the records do; it goes on by times of change", "object", w.src.Name)
	k.ByTime, k.Since, k.Last, k.Token = true, k.Last, 0, ""
	return nil
}

// startAnew begins a list from its beginning, or from the last second that one by
// times has shown.
func (w *walker) startAnew(ctx context.Context, why error) error {
	k := w.cur.Walk
	switch {
	case k.Last > k.Since:
		k.Since, k.Last, w.restarts = k.Last, 0, 0
	case w.restarts >= restartsLimit:
		return fault.New(fault.Temporary, "%s: the vendor refuses its own place in the list time and again; try again later: %w", w.src.Name, why)
	}
	w.log.InfoContext(ctx, "the vendor no longer accepts its own place in a list; the list starts anew", "object", w.src.Name)
	k.Token, k.Last = "", 0
	w.restarts++
	return nil
}

// noteTimes notes up to which second a list by times has come. One in another order,
// or of which nobody can tell, would leave records out behind its end. A strange
// record without a time spoils no page.
func (w *walker) noteTimes(page connectors.Page) error {
	k, told := w.cur.Walk, len(page.Records) == 0
	for _, r := range page.Records {
		if r.UpdatedAt.IsZero() {
			continue
		}
		at := r.UpdatedAt.Unix()
		if at < max(k.Last, k.Since-1) {
			return w.disordered()
		}
		k.Last, told = at, true
	}
	if !told {
		return w.disordered()
	}
	return nil
}

func (w *walker) disordered() error {
	return fault.New(fault.Invalid, "the list of %s is not in the order of changes, which was asked for, and longer than the vendor's lists reach (100,000): it cannot be read whole, so it is left out", w.src.Name)
}

// list reads a listed object whole. An empty answer closes nothing: no account is
// without users, fields and pipelines, so it is not believed.
func (c *Connector) list(ctx context.Context, src source) (connectors.Page, error) {
	var page connectors.Page
	var err error
	switch src.way {
	case byUsers:
		page, err = c.listUsers(ctx, src)
	case byFields:
		page, err = c.listFields(ctx, src)
	case byOrg:
		page, err = c.listOrg(ctx, src)
	default:
		page, err = c.listPipelines(ctx, src)
	}
	if err != nil {
		return connectors.Page{}, err
	}
	if len(page.Records) > 0 {
		page.Closed = append(page.Closed, connectors.Scope{Object: src.Name})
	}
	page.Next = connectors.Cursor(cursor{Version: cursorVersion, Mark: max(page.AsOf.Unix(), 1)}.String())
	page.Progress = 1
	return page, nil
}

// listUsers reads all users, also those who left: they may own deals.
func (c *Connector) listUsers(ctx context.Context, src source) (connectors.Page, error) {
	var page connectors.Page
	seen := map[string]bool{}
	for n := 1; ; n++ {
		query := url.Values{"type": {"AllUsers"}, "page": {strconv.Itoa(n)}, "per_page": {strconv.Itoa(listLimit)}}
		answer, err := c.get(ctx, "/users", query, "")
		if err != nil {
			return connectors.Page{}, err
		}
		if n == 1 {
			page.FetchedAt, page.AsOf = answer.SentAt, time.Unix(safe(answer), 0).UTC()
		}
		if nothing(answer, nil) {
			return page, nil
		}
		list, err := rows(answer.Body, "users", src.Name)
		if err != nil {
			return connectors.Page{}, err
		}
		for _, raw := range list {
			about := labelOf(raw)
			if id := answers.Identity(about.ID, raw); !seen[id] {
				seen[id] = true
				page.Records = append(page.Records, record(src, id, [][]byte{raw}, answers.Text(about.Modified)))
			}
		}
		place, err := infoOf(answer.Body, src.Name)
		switch {
		case err != nil:
			return connectors.Page{}, err
		case !place.More:
			return page, nil
		case len(list) == 0 || n >= pagesLimit:
			return connectors.Page{}, endless(src.Name)
		}
	}
}

// listFields reads the definitions of a module's fields. Of those of deals that every
// layout demands, the second part is how a layout has them.
func (c *Connector) listFields(ctx context.Context, src source) (connectors.Page, error) {
	page, err := c.definitions(ctx, src)
	if err != nil || src.module != deals {
		return page, err
	}
	demanded, err := c.demanded(ctx)
	if err != nil {
		return connectors.Page{}, err
	}
	for i, r := range page.Records {
		if entry := demanded[r.ID]; entry != nil {
			page.Records[i] = record(src, r.ID, [][]byte{r.Raw, entry}, "")
		}
	}
	return page, nil
}

// definitions reads what is said of a module's fields apart from layouts, which comes
// all at once. Their API names are what records have them under, and stay when an
// admin gives them other labels.
func (c *Connector) definitions(ctx context.Context, src source) (connectors.Page, error) {
	answer, err := c.get(ctx, "/settings/fields", url.Values{"module": {src.module}}, "")
	if err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{FetchedAt: answer.SentAt, AsOf: time.Unix(safe(answer), 0).UTC()}
	if nothing(answer, nil) {
		return page, nil
	}
	list, err := rows(answer.Body, "fields", src.Name)
	if err != nil {
		return connectors.Page{}, err
	}
	for _, raw := range list {
		page.Records = append(page.Records, record(src, answers.Identity(labelOf(raw).Name, raw), [][]byte{raw}, ""))
	}
	return page, nil
}

// listOrg reads the organization for its currency: records name none where the
// account has only one (OpenAPI, org: iso_code; mc_status tells of several).
func (c *Connector) listOrg(ctx context.Context, src source) (connectors.Page, error) {
	answer, err := c.get(ctx, "/org", nil, "")
	if err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{FetchedAt: answer.SentAt, AsOf: time.Unix(safe(answer), 0).UTC()}
	list, err := rows(answer.Body, "org", src.Name)
	if err != nil {
		return connectors.Page{}, err
	}
	for _, raw := range list {
		page.Records = append(page.Records, record(src, answers.Identity(labelOf(raw).ID, raw), [][]byte{raw}, ""))
	}
	return page, nil
}

// listPipelines reads the pipelines of all layouts of deals. The stages stand in
// them, each with its forecast type, which alone says whether a deal is won, lost
// or open: names are the account's. What says won or lost is the end of a deal and
// no stage that it stands in: those are told as outcomes alone.
func (c *Connector) listPipelines(ctx context.Context, src source) (connectors.Page, error) {
	found, page, err := c.pipelines(ctx)
	if err != nil {
		return connectors.Page{}, err
	}
	var values [][]byte
	if src.Name == pipelines && len(found) > 0 {
		if values, err = c.stageValues(ctx); err != nil {
			return connectors.Page{}, err
		}
	}
	ids, parts := byValue(found)
	for _, id := range ids {
		page.Records = append(page.Records, record(src, id, parts[id], ""))
		if src.Name == pipelines {
			if err := attachStages(&page, c.sources[stages], id, parts[id], values); err != nil {
				return connectors.Page{}, err
			}
		}
	}
	return page, nil
}

// byValue puts the pipelines of one value together, in their order: several layouts
// may have one, each with stages of its own, and deals name it without its layout.
// That it is not so is documented nowhere, and a layout that is cloned takes its
// picklists along (help, page layouts, read 2026-11-28).
func byValue(found []inLayout) (ids []string, parts map[string][][]byte) {
	parts = map[string][][]byte{}
	for _, p := range found {
		id := answers.Identity(labelOf(p.raw).Value, p.raw)
		if parts[id] == nil {
			ids = append(ids, id)
		}
		parts[id] = append(parts[id], p.raw)
	}
	return ids, parts
}

// inLayout is a pipeline and the layout that has it.
type inLayout struct {
	layout string // its id
	raw    []byte
}

// pipelines reads the pipelines of all layouts of deals.
func (c *Connector) pipelines(ctx context.Context) ([]inLayout, connectors.Page, error) {
	layouts, page, err := c.layouts(ctx)
	if err != nil {
		return nil, connectors.Page{}, err
	}
	var out []inLayout
	for _, layout := range layouts {
		answer, err := c.get(ctx, "/settings/pipeline", url.Values{"layout_id": {layout.id}}, "")
		if err != nil {
			return nil, connectors.Page{}, err
		}
		if nothing(answer, nil) {
			continue
		}
		list, err := rows(answer.Body, "pipeline", pipelines)
		if err != nil {
			return nil, connectors.Page{}, err
		}
		for _, raw := range list {
			out = append(out, inLayout{layout.id, raw})
		}
	}
	return out, page, nil
}

// stageValues are the account's stages, whatever pipelines they stand in: the
// values of the field Stage, which say how probable a deal is there (OpenAPI,
// fields).
func (c *Connector) stageValues(ctx context.Context) ([][]byte, error) {
	page, err := c.definitions(ctx, c.sources[deals+fieldsSuffix])
	if err != nil {
		return nil, err
	}
	for _, r := range page.Records {
		if r.ID == "Stage" {
			return rows(r.Raw, "pick_list_values", "stages")
		}
	}
	return nil, nil
}

// attachStages adds the open stages of a pipeline, which stand in its parts, and says
// that these are all. What the account says of a stage apart from its pipelines is its
// second part.
func attachStages(page *connectors.Page, src source, pipeline string, parts, values [][]byte) error {
	var list [][]byte
	for _, raw := range parts {
		some, err := rows(raw, "maps", src.Name)
		if err != nil {
			return err
		}
		list = append(list, some...)
	}
	seen := map[string]bool{}
	for _, stage := range list {
		if ended(stage) {
			continue
		}
		value, parts := answers.Text(labelOf(stage).Value), [][]byte{stage}
		if i := slices.IndexFunc(values, func(v []byte) bool { return value != "" && answers.Text(labelOf(v).Value) == value }); i >= 0 {
			parts = append(parts, values[i])
		}
		r := record(src, stageKey(pipeline, answers.Identity(labelOf(stage).Value, stage)), parts, "")
		r.Parent = pipeline
		if !seen[r.ID] {
			seen[r.ID] = true
			page.Records = append(page.Records, r)
		}
	}
	page.Closed = append(page.Closed, connectors.Scope{Object: src.Name, Parent: pipeline})
	return nil
}

// ended tells whether deals in a stage have come to their end.
func ended(stage []byte) bool {
	var s struct {
		Type string `json:"forecast_type"`
	}
	return json.Unmarshal(stage, &s) == nil && final(s.Type)
}

// final tells by the forecast type of a stage that no deal stands in it (OpenAPI,
// pipeline). Which of the two means what is the map's to say. That these are no
// stages is not: setting up needs it too (a new pipeline gets those that end deals, a
// stage stands before them and is never one), and a map says what a record is, not
// whether there is one. A filter there would be a form for one vendor, and this would
// stay.
func final(forecast string) bool { return forecast == "Closed Won" || forecast == "Closed Lost" }
