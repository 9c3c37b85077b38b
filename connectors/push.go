package connectors

import (
	"context"
	"time"
)

// Edit is one change of one record, in the vendor's words: what is wanted, not
// how it is sent.
type Edit struct {
	Object string // as in Spec.Objects
	ID     string // the record; empty: a new one is made
	// Parent is the record that a new one belongs to, if its object has a Parent and
	// the record itself does not tell.
	Parent string
	// Set is what the fields shall hold, by the vendor's keys as Decode has them.
	// Null empties a field. Fields that it does not name stay what they are. Values
	// are plain: the connector writes each in the type that the vendor wants. Only
	// texts of notes and activities may be HTML, of paragraphs, lists, breaks, bold and
	// links; a vendor that would show its markup is given lines.
	Set Values
	// Undelete brings a record back that the vendor holds as deleted. Without it
	// such a record is gone.
	Undelete bool
	// Mark tells a new record from all others: it stands in a text of Set that
	// the vendor keeps, so that Find can see it. Empty: the record is told by
	// what Set names it, as definitions are.
	Mark string
	// Unless refuses the edit if the record was changed after this instant, at
	// vendors that can do so; zero: never.
	Unless time.Time
}

// Pusher writes single corrections back.
type Pusher interface {
	// Push makes one edit and returns the record as the vendor has it then, in a
	// form that Decode reads. It makes one attempt. After fault.Auth, Forbidden,
	// NotFound (the record is gone), Gone, Limited, Conflict (it was changed after
	// Unless), Invalid (the vendor refuses these values) and Barred (they would do,
	// but a rule that the account has set keeps this record as it is) nothing has
	// been changed. After any other error nobody knows: read again, or Find. An edit
	// of what cannot be written, or in a way that the vendor does not offer, is
	// Invalid.
	Push(ctx context.Context, e Edit) (Record, error)
	// Find looks for the record that an earlier Push of this edit, one for a new
	// record, may have made. It reports false if the vendor says for certain that it
	// has none, since the record is made again then; whatever leaves that open is an
	// error.
	Find(ctx context.Context, e Edit) (r Record, found bool, err error)
}

// Witness tells what an edit has replaced, at vendors that cannot refuse to
// write over a change that came between.
type Witness interface {
	// Replaced returns, of the fields of e, what each held just before e wrote it,
	// by the vendor's own log. r is what Push returned for e. Fields of which the
	// log does not tell are left out.
	Replaced(ctx context.Context, e Edit, r Record) (Values, error)
}
