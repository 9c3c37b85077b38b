package pipedrive

import (
	"strconv"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// raws are values of JSON as they stand in the page, whose memory they share.
type raws = []sonic.NoCopyRawMessage

// envelope is the answer of a list.
type envelope struct {
	Success *bool `json:"success"`
	Data    raws  `json:"data"`
	More    struct {
		NextCursor *string `json:"next_cursor"`
		Leads      bool    `json:"more_items_in_collection"` // leads tell it here (OpenAPI v1)
		Pagination struct {
			More bool `json:"more_items_in_collection"` // notes here
		} `json:"pagination"`
	} `json:"additional_data"`
}

// single is the answer about one record.
type single struct {
	Success *bool                  `json:"success"`
	Data    sonic.NoCopyRawMessage `json:"data"`
}

// label is what a page needs to know of a record. Values of any type are
// accepted: a strange record must not spoil its page.
type label struct {
	ID         sonic.NoCopyRawMessage `json:"id"`
	Code       sonic.NoCopyRawMessage `json:"field_code"`
	UpdateTime sonic.NoCopyRawMessage `json:"update_time"`
	Modified   sonic.NoCopyRawMessage `json:"modified"` // users
	IsDeleted  sonic.NoCopyRawMessage `json:"is_deleted"`
	Active     sonic.NoCopyRawMessage `json:"active_flag"`
	Status     sonic.NoCopyRawMessage `json:"status"`
	Products   sonic.NoCopyRawMessage `json:"products_count"`
	Deal       sonic.NoCopyRawMessage `json:"deal_id"`
}

// listing is one page of a list.
type listing struct {
	records  []connectors.Record
	products []bool // for deals: whether the record has products attached
	next     string // v2: the cursor of the next page, empty at the end
	more     bool   // v1: whether there is more behind this page
}

// split takes a page apart without changing a byte of its records.
func (s source) split(body []byte) (listing, error) {
	var e envelope
	if err := answers.ReadProven(body, &e); err != nil {
		return listing{}, fault.New(fault.Temporary, "the list of %s is not of the documented form: no array in data; try again later", s.Name)
	}
	if e.Success == nil || !*e.Success {
		return listing{}, fault.New(fault.Temporary, "the list of %s does not say that it succeeded; try again later", s.Name)
	}
	l := listing{records: make([]connectors.Record, len(e.Data)), more: e.More.Leads || e.More.Pagination.More}
	if e.More.NextCursor != nil {
		l.next = *e.More.NextCursor
	}
	if s.Name == deals {
		l.products = make([]bool, len(e.Data))
	}
	about := new(label)
	for i, raw := range e.Data {
		var has bool
		l.records[i], has = s.record(raw, about)
		if l.products != nil {
			l.products[i] = has
		}
	}
	return l, nil
}

// record labels one record; products tells whether it has any attached. about
// is room to work in, used again for each record of a page.
func (s source) record(raw []byte, about *label) (_ connectors.Record, products bool) {
	*about = label{}
	if err := answers.ReadProven(raw, about); err != nil {
		*about = label{} // not an object: Decode will say so
	}
	r := connectors.Record{Object: s.Name, ID: s.id(about, raw), Shape: s.shape, Raw: raw}
	if at, ok := instant(answers.Text(about.UpdateTime)); ok {
		r.UpdatedAt = at
	} else if at, ok := instant(answers.Text(about.Modified)); ok {
		r.UpdatedAt = at
	}
	r.Deleted = string(about.IsDeleted) == "true" || s.inactive && string(about.Active) == "false" ||
		s.Name == deals && answers.Text(about.Status) == "deleted"
	if s.Parent != "" {
		r.Parent = answers.Text(about.Deal)
	}
	count := answers.Text(about.Products)
	return r, count != "" && count != "0" && count != "null"
}

// alone takes the answer about one record apart.
func (s source) alone(body []byte) (connectors.Record, bool, error) {
	var e single
	if err := answers.ReadProven(body, &e); err != nil || e.Success == nil || !*e.Success || !answers.IsObject(e.Data) {
		return connectors.Record{}, false, fault.New(fault.Temporary, "the answer about one of %s is not of the documented form: no object in data; try again later", s.Name)
	}
	r, products := s.record(e.Data, new(label))
	return r, products, nil
}

// numeric reports whether an id is a whole number that the vendor may know.
func numeric(id string) bool {
	_, err := strconv.ParseUint(id, 10, 63)
	return err == nil
}

// id is the record's id.
func (s source) id(about *label, raw []byte) string {
	if s.key == "field_code" {
		return answers.Identity(about.Code, raw)
	}
	return answers.Identity(about.ID, raw)
}
