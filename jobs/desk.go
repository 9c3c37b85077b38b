package jobs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/wording"
)

// role is what somebody is told in the morning.
type role int

// The roles.
const (
	outsider role = iota // nothing: the book does not know him
	repRole              // his own deals
	headRole             // those of his teams, and what waits for a decision
)

// desk is what telling the people of a workspace goes by.
type desk struct {
	p         *Pipeline
	workspace int64
	now       time.Time
	book      *book.Book // one that says nothing, if none is in force
	times     *book.WorkTimes
	mail      *postgres.MailServer // nil: there is none
	mailErr   error                // why its password cannot be used
	channels  map[string][]postgres.Channel
	owners    []string        // what users of all CRMs are known by
	reps      map[string]bool // them, and whom the book has as reps, in small letters
	names     map[int64]string

	// What is done about violations; nil until a digest asks.
	policy *enforce.Policy
	read   map[int64]time.Time // when each connection had been read whole
}

// channelsAtOnce bounds the channels that are read in one go.
const channelsAtOnce = 500

// openDesk reads what telling people goes by; nil if there is no way to tell
// anybody anything.
func (p *Pipeline) openDesk(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time) (d *desk, err error) {
	d = &desk{p: p, workspace: workspace, now: now, channels: map[string][]postgres.Channel{}}
	d.mail, err = p.Vault.MailServerOf(ctx, tx, workspace)
	if postgres.Unreadable(err) {
		d.mailErr, err = err, nil
	}
	for after, more := int64(0), true; more && err == nil; {
		var list []postgres.Channel
		list, err = postgres.Channels(ctx, tx, workspace, after, channelsAtOnce)
		for _, c := range list {
			d.channels[c.Address], after = append(d.channels[c.Address], c), c.ID
		}
		more = len(list) == channelsAtOnce
	}
	if err != nil || d.mail == nil && len(d.channels) == 0 {
		return nil, err
	}
	return d, d.readPeople(ctx, tx)
}

// readPeople reads the book, and whom the CRMs know.
func (d *desk) readPeople(ctx context.Context, tx pgx.Tx) (err error) {
	if d.book, err = d.p.bookOpen(ctx, tx, d.workspace); err != nil {
		return err
	}
	if d.times, err = d.book.WorkTimes(); err != nil {
		return err
	}
	if d.owners, _, err = postgres.OwnersOf(ctx, tx, d.workspace); err != nil {
		return err
	}
	d.noteReps(d.owners)
	for i := range d.book.Teams {
		d.noteReps(d.book.Teams[i].Reps)
	}
	for i := range d.book.Roles {
		d.noteReps(d.book.Roles[i].Reps)
	}
	d.names, err = postgres.ConnectionNames(ctx, tx, d.workspace)
	return err
}

// decide makes ready what says of which violations people are told.
func (d *desk) decide(ctx context.Context, tx pgx.Tx) error {
	if d.policy != nil {
		return nil
	}
	stored, err := postgres.ActiveBook(ctx, tx, d.workspace)
	if err != nil {
		return err
	}
	does, err := enforcementOf(ctx, tx, d.workspace, d.book, stored)
	if err != nil {
		return err
	}
	compiled, err := book.Compile(d.book, nil)
	if compiled == nil {
		return err // what it names and no CRM has says nothing about modes
	}
	connections, err := postgres.Connections(ctx, tx, d.workspace)
	d.read = map[int64]time.Time{}
	for _, c := range connections {
		if c.ReadAt != nil {
			d.read[c.ID] = *c.ReadAt
		}
	}
	d.policy = &enforce.Policy{Book: compiled, Since: does.since, Active: does.active}
	return err
}

func (d *desk) noteReps(list []string) {
	if d.reps == nil {
		d.reps = map[string]bool{}
	}
	for _, rep := range list {
		d.reps[strings.ToLower(rep)] = true
	}
}

// bookOpen is the book in force, as it stands open if it does, or one that says
// nothing.
func (p *Pipeline) bookOpen(ctx context.Context, tx pgx.Tx, workspace int64) (*book.Book, error) {
	by, err := postgres.JudgingOf(ctx, tx, workspace)
	if err != nil {
		return nil, err
	}
	if by.Book == 0 {
		return &book.Book{}, nil
	}
	if e := p.books.get(workspace, by); e != nil {
		return e.compiled.Book, nil
	}
	return Book(ctx, tx, workspace)
}

// heads are the addresses of a team's heads, or, if the address is no team's,
// itself.
func (d *desk) heads(address string) []string {
	id, isTeam := strings.CutPrefix(address, postgres.TeamAddress)
	if !isTeam {
		return []string{address}
	}
	for i := range d.book.Teams {
		if d.book.Teams[i].ID == id {
			return d.book.Teams[i].Heads
		}
	}
	return nil
}

// teams are those that an address leads.
func (d *desk) teams(address string) (out []*book.Team) {
	id, isTeam := strings.CutPrefix(address, postgres.TeamAddress)
	for i := range d.book.Teams {
		t := &d.book.Teams[i]
		if isTeam && t.ID == id || !isTeam && has(t.Heads, address) {
			out = append(out, t)
		}
	}
	return out
}

// has tells whether an address is in a list, in any case.
func has(list []string, address string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, address) })
}

func (d *desk) roleOf(address string) role {
	switch {
	case len(d.teams(address)) > 0:
		return headRole
	case d.reps[strings.ToLower(address)]:
		return repRole
	}
	return outsider
}

// habits are when somebody may be told. What his first channel says of it holds
// for all: he is one person.
func (d *desk) habits(address string) *notify.Habits {
	var from string
	if heads := d.heads(address); len(heads) > 0 {
		from = heads[0]
	}
	work := d.times.Of(from)
	h := &notify.Habits{Zone: work.Zone(), Works: work.Works}
	h.QuietFrom, h.QuietTo = notify.UsualQuiet()
	if own := d.channels[address]; len(own) > 0 {
		h.QuietFrom, h.QuietTo = own[0].QuietFrom, own[0].QuietTo
		if zone, err := time.LoadLocation(own[0].Zone); err == nil && own[0].Zone != "" {
			h.Zone = zone
		}
	}
	return h
}

// reach is by what somebody is told: by channels of his own, or, if he has none
// that works, by a mail to his address. If by nothing, why tells why.
func (d *desk) reach(address string, digest bool) (list []postgres.Channel, why error) {
	own := d.channels[address]
	for _, c := range own {
		if c.State == "active" && (digest && c.Digest || !digest && c.Instant) {
			list = append(list, c)
		}
	}
	works := func(c postgres.Channel) bool { return c.State == "active" || c.Kind == "email" }
	switch {
	case len(list) > 0:
		return list, nil
	case len(own) > 0 && slices.ContainsFunc(own, works):
		return nil, errNotTaken
	case d.mail == nil || d.mail.State != "active" || strings.HasPrefix(address, postgres.TeamAddress) || !strings.Contains(address, "@"):
		return nil, errNoChannel
	case d.roleOf(address) == repRole && !d.mail.Reps || d.roleOf(address) != repRole && !d.mail.Heads:
		return nil, errNoMail
	}
	return []postgres.Channel{{Address: address, Kind: "email", Target: address, Digest: true, Instant: true, State: "active"}}, nil
}

// Why nobody is told.
var (
	errNotTaken  = errors.New("no channel of this address takes it, or those that did are stopped")
	errNoChannel = errors.New("nothing leads to this address: it has no channel, and there is no mail server")
	errNoMail    = errors.New("the address has no channel, and mail to such addresses is not switched on")
)

// words are those of a channel's language.
func (d *desk) words(code string) *wording.Words {
	return wording.In(language.Of(cmp.Or(code, string(d.book.Language))), d.book)
}

// brokenWords says in a few words what is wrong by a rule.
func brokenWords(w *wording.Words, rule string) string {
	if text := w.Broken(rule); text != "" {
		return text
	}
	return w.Say(language.NotFulfilled, w.Quote(w.Rule(rule)))
}
