package pipedrive

import (
	"encoding/json"
	"fmt"
	"time"
)

// status is a deal's outcome. Stages carry none: a won or lost deal keeps its stage.
type status uint8

const (
	statusNone status = iota
	statusOpen
	statusWon
	statusLost
	statusDeleted
)

func statusNames() []string { return []string{"", "open", "won", "lost", "deleted"} }

func (s status) String() string { return statusNames()[s] }

func (s status) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

func (s *status) UnmarshalJSON(b []byte) error {
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return fmt.Errorf("want open, won or lost, got %s", clip(b))
	}
	for i, n := range statusNames() {
		if i > 0 && n == name {
			*s = status(i)
			return nil
		}
	}
	return fmt.Errorf("want open, won or lost, got %q", name)
}

// deal is a deal as v2 lists it.
type deal struct {
	ID                int64   `json:"id"`
	Title             string  `json:"title"`
	CreatorUserID     int64   `json:"creator_user_id"`
	OwnerID           int64   `json:"owner_id"`
	Value             amount  `json:"value"`
	PersonID          ref     `json:"person_id"`
	OrgID             ref     `json:"org_id"`
	StageID           int64   `json:"stage_id"`
	PipelineID        int64   `json:"pipeline_id"`
	Currency          string  `json:"currency"`
	ArchiveTime       instant `json:"archive_time"`
	AddTime           instant `json:"add_time"`
	UpdateTime        instant `json:"update_time"`
	StageChangeTime   instant `json:"stage_change_time"`
	Status            status  `json:"status"`
	IsArchived        bool    `json:"is_archived"`
	IsDeleted         bool    `json:"is_deleted"`
	Probability       *amount `json:"probability"`
	LostReason        *string `json:"lost_reason"`
	VisibleTo         int     `json:"visible_to"`
	CloseTime         instant `json:"close_time"`
	WonTime           instant `json:"won_time"`
	LostTime          instant `json:"lost_time"`
	LocalWonDate      day     `json:"local_won_date"`
	LocalLostDate     day     `json:"local_lost_date"`
	LocalCloseDate    day     `json:"local_close_date"`
	ExpectedCloseDate day     `json:"expected_close_date"`
	LabelIDs          []int64 `json:"label_ids"`
	Origin            string  `json:"origin"`
	OriginID          text    `json:"origin_id"`
	Channel           ref     `json:"channel"`
	ChannelID         text    `json:"channel_id"`
	ACV               *amount `json:"acv"`
	ARR               *amount `json:"arr"`
	MRR               *amount `json:"mrr"`
	CustomFields      customs `json:"custom_fields"`
}

func indexDeal(d *deal) row {
	r := row{id: d.ID, added: int64(d.AddTime) * 1000, updated: int64(d.UpdateTime) * 1000, status: d.Status}
	r.refs[refOwner], r.refs[refPerson], r.refs[refOrg] = d.OwnerID, int64(d.PersonID), int64(d.OrgID)
	r.refs[refStage], r.refs[refPipeline] = d.StageID, d.PipelineID
	if d.IsDeleted {
		r.flags |= flagDeleted
	}
	if d.IsArchived {
		r.flags |= flagArchived
	}
	return r
}

func (s *Sim) dealRoutes() []route {
	const read, full = "deals:read deals:full", "deals:full"
	res := resource[deal]{
		kind: s.deals, what: "Deal", body: dealBody(), required: []string{"title"},
		blank: (*tx).newDeal, fill: (*tx).fillDeal, erase: (*tx).markDeleted,
		touch: func(d *deal, now time.Time) { d.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/deals", 10, read, func(c *call) (reply, error) { return c.listDeals(false) }},
		{"GET", 2, "/deals/archived", 20, read, func(c *call) (reply, error) { return c.listDeals(true) }},
		{"GET", 2, "/deals/{id}", 1, read, (*call).getDeal},
		{"POST", 2, "/deals", 5, full, res.add},
		{"PATCH", 2, "/deals/{id}", 5, full, res.patch},
		{"DELETE", 2, "/deals/{id}", 3, full, res.remove},
	}
}

// keptDeleted is how long a deleted record stays readable.
const keptDeleted = 30 * 24 * time.Hour

// gone reports whether a deleted record is past reading.
func gone(r *row, now time.Time) bool {
	return r == nil || r.is(flagDeleted) && now.Sub(time.UnixMilli(r.updated)) >= keptDeleted
}

func (c *call) listDeals(archived bool) (reply, error) {
	l, err := c.listing(c.deals.table, "update_time", "add_time")
	if err != nil {
		return reply{}, err
	}
	if l.keep, err = c.dealStatus(); err != nil {
		return reply{}, err
	}
	l.where(func(r *row) bool { return r.is(flagArchived) == archived })
	err = l.byRef(c, map[string]refKind{
		"owner_id": refOwner, "person_id": refPerson, "org_id": refOrg, "pipeline_id": refPipeline, "stage_id": refStage,
	})
	if err != nil {
		return reply{}, err
	}
	if l.show, err = c.showDeal(); err != nil {
		return reply{}, err
	}
	return c.respond(l)
}

// dealStatus is the status filter: all that are not deleted unless the query says otherwise.
func (c *call) dealStatus() (func(*row) bool, error) {
	names, err := c.words("status", statusNames()[1:])
	if err != nil {
		return nil, err
	}
	if names == nil {
		return func(r *row) bool { return !r.is(flagDeleted) }, nil
	}
	var want [statusDeleted + 1]bool
	for i, n := range statusNames() {
		for _, w := range names {
			want[i] = want[i] || n == w
		}
	}
	now := c.Now()
	return func(r *row) bool { return want[r.status] && !gone(r, now) }, nil
}

func (c *call) getDeal() (reply, error) {
	show, err := c.showDeal()
	if err != nil {
		return reply{}, err
	}
	return c.getOne(c.deals.table, "Deal", show)
}

func dealBody() bodySpec {
	return bodySpec{
		"title": never, "owner_id": never, "person_id": maybe, "org_id": maybe, "pipeline_id": never, "stage_id": never,
		"value": never, "currency": never, "is_deleted": never, "is_archived": never, "archive_time": maybe,
		"status": never, "probability": maybe, "lost_reason": maybe, "visible_to": never, "close_time": maybe,
		"won_time": maybe, "lost_time": maybe, "expected_close_date": maybe, "label_ids": never, "custom_fields": never,
	}
}

// newDeal is a deal as the vendor starts it: open, in the first stage of the
// first pipeline, owned by who adds it.
func (t *tx) newDeal() deal {
	now := instantOf(t.at)
	return deal{
		ID: t.deals.next, CreatorUserID: t.by.user, OwnerID: t.by.user, Currency: t.opt.Company.Currency,
		AddTime: now, UpdateTime: now, Status: statusOpen, VisibleTo: 3, LabelIDs: []int64{},
		Origin: origin(t.by), CustomFields: customs{},
	}
}

func origin(by actor) string {
	if by.source == "api" {
		return "API"
	}
	return "ManuallyCreated"
}

// markDeleted deletes a deal; its status says so too.
func (t *tx) markDeleted(d *deal) {
	d.IsDeleted, d.Status, d.UpdateTime = true, statusDeleted, instantOf(t.at)
}
