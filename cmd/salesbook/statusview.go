package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// connectionStatus is how far one connection is. Its JSON is documented in
// docs/cli.md and stays.
type connectionStatus struct {
	Connection   string             `json:"connection"`
	Vendor       string             `json:"vendor"`
	State        string             `json:"state"`
	StateWhy     string             `json:"state_why,omitempty"`
	Account      string             `json:"account"`
	Broken       string             `json:"broken,omitempty"` // why it cannot be opened, say a map that does not fit
	At           time.Time          `json:"at"`
	Loaded       bool               `json:"loaded"` // every object has been read once
	Objects      []objectStatus     `json:"objects"`
	Proof        proofStatus        `json:"proof"`
	Deliveries   deliveryStatus     `json:"deliveries"`
	Quota        *quotaStatus       `json:"quota,omitempty"`
	History      *historyStatus     `json:"history,omitempty"`
	FailuresOpen int64              `json:"failures_open"`
	Working      []string           `json:"working"`             // kinds of jobs that some process is at
	DiskFull     string             `json:"disk_full,omitempty"` // why what can wait does
	Judging      *judgingStatus     `json:"judging,omitempty"`   // while a sales book is in force
	Resting      *restingStatus     `json:"resting,omitempty"`   // the vendor is left alone
	Writing      writingStatus      `json:"writing"`
	Troubles     []postgres.Trouble `json:"troubles"`
	Missing      []string           `json:"rights_missing"`
}

// objectStatus is how far one of the vendor's objects is.
type objectStatus struct {
	Object     string     `json:"object"`
	Title      string     `json:"title"`
	Kind       string     `json:"kind,omitempty"` // canonical kind; empty if the map leaves it out
	Records    int64      `json:"records"`        // living canonical rows
	Deleted    int64      `json:"deleted"`        // tombstones
	State      string     `json:"state"`          // waiting, loading, loaded, reading (again), attached, asked
	Parent     string     `json:"parent,omitempty"`
	Progress   *float64   `json:"progress,omitempty"` // of the walk under way, 0 to 1
	Seen       int64      `json:"seen"`               // records read since the walk began
	PerSecond  float64    `json:"per_second,omitempty"`
	ETASeconds *float64   `json:"eta_seconds,omitempty"`
	Bound      string     `json:"bound,omitempty"` // "quota" while the walk waits for it: then the time left includes waiting
	AsOf       *time.Time `json:"as_of,omitempty"` // the vendor's instant up to which everything has been read
	LagSeconds *float64   `json:"lag_seconds,omitempty"`

	Proof   *objectProof  `json:"proof,omitempty"`
	Deletes *deleteStatus `json:"deletes,omitempty"`
}

type deliveryStatus struct {
	Asked         bool       `json:"asked"`         // a public URL is set
	Subscriptions int64      `json:"subscriptions"` // at the vendor
	Inactive      int64      `json:"inactive"`
	Refused       int64      `json:"refused"` // that the vendor does not make or renew
	Waiting       int64      `json:"waiting"`
	Since         *time.Time `json:"waiting_since,omitempty"`
	// How long after its event a change stood in the canonical rows, over the last hundred deliveries.
	DelaySeconds    *float64 `json:"delay_seconds,omitempty"`     // median
	DelayP95Seconds *float64 `json:"delay_p95_seconds,omitempty"` // 95 of 100 were faster
}

type quotaStatus struct {
	Daily       *int       `json:"daily,omitempty"`
	DailyLeft   *int       `json:"daily_left,omitempty"`
	Burst       *int       `json:"burst,omitempty"`
	ParkedUntil *time.Time `json:"parked_until,omitempty"` // the vendor refused: nobody calls before
	Rolling     bool       `json:"rolling,omitempty"`      // of daily: what was spent comes back 24 hours later
	BackAt      *time.Time `json:"back_at,omitempty"`      // when it does next
	Back        *int       `json:"back,omitempty"`         // how much does then
	AtOnce      *int       `json:"at_once,omitempty"`      // calls that may be under way at once
	UnderWay    *int       `json:"under_way,omitempty"`    // that are, if that is bounded
}

type historyStatus struct {
	Known int64   `json:"known"` // deals whose history has been read
	All   int64   `json:"all"`
	Share float64 `json:"share"`
}

func statusOf(c postgres.Connection, spec connectors.Spec, s postgres.Standing, index map[string]int, counted []postgres.Counted, p *pace) connectionStatus {
	out := connectionStatus{
		Connection: c.Name, Vendor: c.Vendor, State: c.State, StateWhy: c.StateWhy, Account: c.AccountName, At: s.Now.UTC(), Loaded: true,
		Deliveries:   deliveryStatus{Asked: c.HookURL != "", Subscriptions: s.Subscriptions, Inactive: s.Inactive, Refused: s.Refused, Waiting: s.Waiting, Since: s.WaitingSince},
		FailuresOpen: s.Failures, Working: s.Working, Troubles: s.Troubles, Missing: c.RightsMissing,
		Resting: restingOf(s.Resting), Writing: writingOf(s),
	}
	if s.Delay != nil {
		median, p95 := s.Delay.Median.Seconds(), s.Delay.P95.Seconds()
		out.Deliveries.DelaySeconds, out.Deliveries.DelayP95Seconds = &median, &p95
	}
	places := map[string]postgres.Place{}
	for _, place := range s.Places {
		places[place.Object] = place
	}
	for _, o := range spec.Objects {
		object := objectStatus{Object: o.Name, Title: o.Title, Parent: o.Parent}
		if i, ok := index[o.Name]; ok {
			object.Kind, object.Records, object.Deleted = counted[i].Kind.Name, s.Rows[i].Living, s.Rows[i].Gone
		}
		place, begun := places[o.Name]
		object.stand(o, place, begun, s.Now, p)
		object.bind(place, s)
		if o.Mode == connectors.Asked && s.HistoryAll > 0 {
			out.History = &historyStatus{s.HistoryKnown, s.HistoryAll, min(1, float64(s.HistoryKnown)/float64(s.HistoryAll))}
		}
		out.Loaded = out.Loaded && (place.LoadedAt != nil || !pulled(o))
		out.Objects = append(out.Objects, object)
	}
	out.prove(spec, s, p)
	return out
}

// pulled tells whether an object is read by walks of its own.
func pulled(o connectors.Object) bool {
	return o.Mode != connectors.Attached && o.Mode != connectors.Asked
}

// stand fills in how far the object's walk is.
func (o *objectStatus) stand(spec connectors.Object, place postgres.Place, begun bool, now time.Time, p *pace) {
	switch {
	case spec.Mode == connectors.Attached:
		o.State = "attached"
		return
	case spec.Mode == connectors.Asked:
		o.State = "asked"
		return
	case !begun || place.Progress < 0 && place.Seen == 0:
		o.State = "waiting"
	case place.Progress == 1:
		o.State = "loaded"
	case place.LoadedAt == nil:
		o.State = "loading"
	default:
		o.State = "reading"
	}
	o.Seen = place.Seen
	if o.State == "loading" || o.State == "reading" {
		if place.Progress >= 0 {
			o.Progress = &place.Progress
		}
		o.PerSecond, o.ETASeconds = p.of(place, now)
	}
	if place.AsOf != nil {
		lag := now.Sub(*place.AsOf).Seconds()
		o.AsOf, o.LagSeconds = place.AsOf, &lag
	}
}

// bind says that a walk waits for quota: its last run ended for want of it.
func (o *objectStatus) bind(place postgres.Place, s postgres.Standing) {
	if o.State != "loading" && o.State != "reading" {
		return
	}
	for _, t := range s.Troubles {
		if t.Kind == (jobs.PullArgs{}).Kind() && t.Object == o.Object && t.Outcome == fault.Limited.String() {
			o.Bound, o.ETASeconds = "quota", overall(place, s.Now)
		}
	}
}

// lines renders the status for people.
func (s *connectionStatus) lines() []string {
	head := fmt.Sprintf("%s  %s  %s", s.Connection, s.Vendor, s.State)
	if s.Account != "" {
		head += "  " + s.Account
	}
	lines := []string{head}
	if s.State != "active" && s.StateWhy != "" {
		lines = append(lines, "  "+s.StateWhy)
	}
	if s.Resting != nil {
		lines = append(lines, "  "+s.Resting.words(s.At))
	}
	if s.DiskFull != "" {
		lines = append(lines, "  "+s.DiskFull)
	}
	if s.Broken != "" {
		lines = append(lines, "  cannot be opened: "+s.Broken)
	}
	if words := s.Judging.words(s.Broken); words != "" {
		lines = append(lines, "  "+words)
	}
	if words := s.Writing.words(); words != "" {
		lines = append(lines, "  "+words)
	}
	t := newTable("OBJECT", ">RECORDS", ">DELETED", "STATE", "LAST PULL", "PROVEN")
	for _, o := range s.Objects {
		records, deleted := "-", "-"
		if o.Kind != "" {
			records, deleted = count(o.Records), count(o.Deleted)
		}
		t.add(o.Title, records, deleted, s.words(o), lastPull(o), o.Proof.words(s.At))
	}
	return append(append(lines, t.lines("  ")...), s.footer()...)
}

func lastPull(o objectStatus) string {
	if o.LagSeconds == nil {
		return ""
	}
	return span(time.Duration(*o.LagSeconds*float64(time.Second))) + " ago"
}

// words says in words how far an object is.
func (s *connectionStatus) words(o objectStatus) string {
	switch o.State {
	case "attached":
		return "comes with " + s.titleOf(o.Parent)
	case "asked":
		if s.History == nil {
			return "read when there is quota to spare"
		}
		return fmt.Sprintf("known for %s of %s %s", percent(s.History.Share), count(s.History.All), s.titleOf(o.Parent))
	case "loading", "reading":
		return o.State + o.pace()
	}
	return o.State
}

func (s *connectionStatus) titleOf(object string) string {
	for _, o := range s.Objects {
		if o.Object == object {
			return strings.ToLower(o.Title)
		}
	}
	return object
}

// pace writes progress, rate and time left, as far as they are known.
func (o *objectStatus) pace() string {
	text := ""
	if o.Progress != nil {
		text += " " + percent(*o.Progress)
	}
	if o.PerSecond >= 1 {
		text += fmt.Sprintf(", %s/s", count(int64(o.PerSecond)))
	}
	if o.ETASeconds != nil {
		text += ", about " + span(time.Duration(*o.ETASeconds*float64(time.Second))) + " left"
	}
	if o.Bound != "" {
		text += ": " + o.Bound
	}
	return text
}

// refusals tells of subscriptions that the vendor refuses, if there are any.
func (d deliveryStatus) refusals() string {
	if d.Refused == 0 {
		return ""
	}
	return ", " + count(d.Refused) + " refused"
}

// footer tells what concerns the connection as a whole.
func (s *connectionStatus) footer() []string {
	facts := []string{"deliveries waiting: " + count(s.Deliveries.Waiting)}
	if s.Deliveries.Asked {
		facts[0] += fmt.Sprintf(" (%s%s)", counted(s.Deliveries.Subscriptions-s.Deliveries.Inactive, "subscription"), s.Deliveries.refusals())
	} else {
		facts[0] = "no deliveries (no public URL)"
	}
	facts = append(facts, "failures open: "+count(s.FailuresOpen))
	if len(s.Working) > 0 {
		facts = append(facts, "at work: "+strings.Join(s.Working, ", "))
	}
	lines := append(s.proofLines(), "  "+strings.Join(facts, " · "))
	if d := s.Deliveries; d.DelaySeconds != nil {
		lines = append(lines, fmt.Sprintf("  changes are here %.1f s after they happen (95 of 100 within %.1f s)", *d.DelaySeconds, *d.DelayP95Seconds))
	}
	if s.Quota != nil {
		lines = append(lines, "  "+s.Quota.words(s.At))
	}
	if len(s.Troubles) > 0 {
		t := s.Troubles[0]
		lines = append(lines, fmt.Sprintf("  last trouble, %s: %s: %s", ago(s.At, t.At), strings.TrimSpace(t.Kind+" "+t.Object), shorten(t.Error, 200)))
	}
	for _, m := range s.Missing {
		lines = append(lines, "  not visible: "+m)
	}
	return lines
}

// wholeHours writes when what was spent of a budget of 24 hours comes back. It is
// counted by the hour in which it was spent, so that minutes would say more than is
// known, and what this hour has spent would seem to take longer than 24 hours.
func wholeHours(d time.Duration) string {
	return fmt.Sprintf("%d h", min(max(1, int(math.Ceil(d.Hours()))), 24))
}

// words says what is left of the vendor account's budget.
func (q *quotaStatus) words(now time.Time) string {
	text := "quota: none is known"
	if q.Daily != nil && q.DailyLeft != nil {
		of := "today"
		if q.Rolling {
			of = "of the last 24 hours"
		}
		text = fmt.Sprintf("quota %s: %s of %s left", of, count(int64(*q.DailyLeft)), count(int64(*q.Daily)))
	}
	if q.BackAt != nil && q.Back != nil && *q.Back > 0 {
		text += fmt.Sprintf("; %s come back within %s", count(int64(*q.Back)), wholeHours(q.BackAt.Sub(now)))
	}
	if q.AtOnce != nil && q.UnderWay != nil {
		text += fmt.Sprintf("; calls under way: %d of %d", *q.UnderWay, *q.AtOnce)
	}
	if q.ParkedUntil != nil && q.ParkedUntil.After(now) {
		text += fmt.Sprintf("; refused by the vendor until %s (%s)", q.ParkedUntil.UTC().Format("15:04:05 UTC"), span(q.ParkedUntil.Sub(now)))
	}
	return text
}
