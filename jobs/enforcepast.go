package jobs

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// past is what we have done, or are about to do, about one deal or lead.
type past struct {
	state enforce.State
	open  []postgres.Edit   // neither done nor on their way
	sent  map[string]bool   // keys of those on their way
	task  string            // the vendor's id of our task
	moved bool              // it hangs on another deal or lead by now
	shows map[string]string // what our task shows, as we last wrote it
	wrote map[string]tries  // what was written lately, by key
	// overtaken is how often what is made once was overtaken by people, by key.
	overtaken map[string]int
}

// The same is written in a row only so often within a day: who changes it back each
// time wants it otherwise, or is another program. One that answers whatever we write
// so that we want the opposite is found by how often we write at all.
const (
	foughtOff    = 3
	foughtAtAll  = 24
	foughtWithin = 24 * time.Hour
)

// tries are how often something with one key was written lately.
type tries struct {
	last  string // what was, see sameness
	inRow int    // how often that
	all   int
}

// then is what they are once an edit has written, too.
func (w tries) then(same string) tries {
	if w.all++; w.last != same {
		w.last, w.inRow = same, 0
	}
	w.inRow++
	return w
}

// fought tells whether somebody changes it back whenever we write it.
func (w tries) fought(same string) bool {
	return w.last == same && w.inRow >= foughtOff || w.all >= foughtAtAll
}

// sameness tells edits of one key apart that write the same values to the same
// record, or make the same.
func sameness(target string, wanted map[string]json.RawMessage) string {
	b, err := json.Marshal(wanted)
	if err != nil {
		return target // they were read as JSON
	}
	return target + " " + string(b)
}

// pastOf is what the edits about one deal or lead tell, in the order in which they
// were made.
func pastOf(edits []postgres.Edit, f *book.Facts, now time.Time) *past {
	p := &past{sent: map[string]bool{}, shows: map[string]string{}, wrote: map[string]tries{}, overtaken: map[string]int{}}
	p.state.Made, p.state.Refused, p.state.Barred = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range edits {
		e := &edits[i]
		p.add(e, f)
		if ended(e) && now.Sub(*e.DoneAt) < foughtWithin {
			p.wrote[e.Key] = p.wrote[e.Key].then(sameness(targetOf(e), e.Wanted))
		}
	}
	return p
}

// ended tells whether an edit was written, or would have been: its record was gone
// for the one who wrote, and may be there for the one who reads.
func ended(e *postgres.Edit) bool {
	return e.State == "done" || undone(e) || e.State == "cancelled" && e.Attempts > 0 && e.DeclinedBy == nil
}

// undone tells whether somebody was faster to change back what an edit has written
// than we were to read it, or the vendor has not written what it says.
func undone(e *postgres.Edit) bool { return e.State == "overtaken" && e.After != nil }

// targetOf is the record that an edit writes; empty if it made it.
func targetOf(e *postgres.Edit) string {
	if e.Makes() {
		return ""
	}
	return value(e.TargetID)
}

func (p *past) add(e *postgres.Edit, f *book.Facts) {
	switch e.State {
	case "dry", "asked", "ready":
		p.open = append(p.open, *e)
		return
	case "sent":
		p.sent[e.Key] = true
	}
	once := e.What == "activity" || e.What == "revert"
	switch {
	case once && (e.State == "done" || e.State == "sent"):
		p.state.Made[e.Key] = true
		if e.What == "revert" && e.State == "done" {
			p.state.Takens = append(p.state.Takens, enforce.Taken{Key: e.Key, To: e.Cause.Undoes, At: *e.DoneAt})
		}
	case once && e.State == "overtaken":
		if e.What == "revert" && undone(e) {
			p.state.Takens = append(p.state.Takens, enforce.Taken{Key: e.Key, To: e.Cause.Undoes, At: *e.DoneAt})
		}
		if p.overtaken[e.Key]++; p.overtaken[e.Key] >= foughtOff {
			p.state.Refused[e.Key] = true
		}
	case once && (e.State == "refused" || e.DeclinedBy != nil):
		p.state.Refused[e.Key], p.state.Barred[e.Key] = true, e.State == "refused"
	case e.What == "task" && e.State == "done" && e.TargetID != nil:
		p.tasked(e, f)
	case e.What == "task" && e.DeclinedBy != nil && e.Makes():
		p.task, p.state.Task = "", &enforce.Standing{Causes: e.Cause.Causes} // as if he had closed it
	}
}

// tasked notes what an edit did to our task.
func (p *past) tasked(e *postgres.Edit, f *book.Facts) {
	if *e.TargetID != p.task {
		p.task, p.shows = *e.TargetID, map[string]string{}
		open := slices.ContainsFunc(f.Activities, func(a book.Activity) bool { return a.ID == p.task && a.Done.IsZero() })
		p.state.Task = &enforce.Standing{Open: open}
	}
	for field, value := range e.Wanted {
		p.shows[field] = textOf(value)
	}
	p.state.Task.ByUs = string(e.Wanted["done"]) == "true"
	if len(e.Cause.Causes) > 0 {
		p.state.Task.Causes = e.Cause.Causes
	}
}

// elsewhere finds out whether our task is still open on a deal or lead that has gone
// on in another one: vendors take what is planned along. Some tell only that it was
// deleted; there the task itself says that it hangs on another one.
func (p *past) elsewhere(ctx context.Context, tx pgx.Tx, workspace, connection int64, f *book.Facts) error {
	k, ok := sales.KindByName("activities")
	if !f.Gone && f.Deleted.IsZero() || p.task == "" || !ok {
		return nil
	}
	about := "deal_id"
	if f.Lead {
		about = "lead_id"
	}
	held, err := postgres.HeldFields(ctx, tx, workspace, connection, k, p.task, []string{"done", about})
	on := textOf(held.Fields[about])
	if p.moved = f.Gone || on != "" && on != f.ID; p.moved {
		p.state.Task.Open = held.Known && !held.Gone && string(held.Fields["done"]) != "true"
	}
	return err
}
