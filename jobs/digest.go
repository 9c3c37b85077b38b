package jobs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/wording"
)

const (
	digestPage   = 500 // violations that are read at once
	digestReps   = 15  // reps of which a head is told one by one
	digestDeals  = 10  // deals of which a head is told
	digestOwn    = 20  // deals of which a rep is told
	digestLosses = 5
	digestTold   = 20 // deals of which somebody is told by name
)

// toldSince is since when people are told of a violation; false if they are not
// told of it.
func (d *desk) toldSince(v *postgres.Violation) (time.Time, bool) {
	policy := *d.policy
	policy.Read = d.read[v.Subject.Connection]
	since, told := policy.Told(book.Rule(v.Rule), v.Opened, v.Owner, d.now)
	if v.NoticedAt.After(since) {
		since = v.NoticedAt
	}
	return since, told && v.Cannot == nil
}

// digestMaker puts the digest of one person together.
type digestMaker struct {
	*desk
	address string
	head    bool
	zone    *time.Location
	words   *wording.Words
	since   time.Time // of the last digest
	until   time.Time // of this one; it may go out later, and the next begins here
	owners  []string  // whose violations he is told of
	news    map[string]map[string]int
	said    map[string]bool // violations that are told by name
	pile    pile
}

// digest puts together what somebody is told in the morning, and of what waited for
// it.
func (d *desk) digest(ctx context.Context, tx pgx.Tx, address, lang string, since, until time.Time, waited []postgres.Notification) (notify.Digest, error) {
	role := d.roleOf(address)
	m := &digestMaker{desk: d, address: address, head: role == headRole, zone: d.habits(address).Zone, words: d.words(lang), since: since, until: until, news: map[string]map[string]int{}}
	out := notify.Digest{Day: d.now, Zone: m.zone, Head: m.head, Named: role == outsider}
	if err := m.byName(ctx, tx, waited, lang, &out); err != nil || role == outsider {
		return out, err
	}
	if err := d.decide(ctx, tx); err != nil {
		return out, err
	}
	m.owners = m.whose()
	m.pile = pile{dearest: m.head, most: digestOwn, words: m.words, names: d.names}
	if m.head {
		m.pile.most = digestDeals
	}
	if err := m.gather(ctx, tx); err != nil {
		return out, err
	}
	out.Top, out.More = m.pile.deals()
	m.countNews(&out)
	if !m.head {
		return out, nil
	}
	if err := m.losses(ctx, tx, &out); err != nil {
		return out, err
	}
	return out, m.undecided(ctx, tx, &out)
}

// byName tells of what waited for the morning: what happened first, and no more than
// one reads. Of a loss to agree to a head is told with all the others.
func (m *digestMaker) byName(ctx context.Context, tx pgx.Tx, waited []postgres.Notification, lang string, out *notify.Digest) (err error) {
	rank := []enforce.Occasion{enforce.Overwritten, enforce.Repeated, enforce.Barred, enforce.Decision, enforce.PastLimit}
	waited = slices.DeleteFunc(slices.Clone(waited), func(n postgres.Notification) bool {
		return m.head && n.Occasion == string(enforce.Decision)
	})
	slices.SortStableFunc(waited, func(a, b postgres.Notification) int {
		return cmp.Compare(slices.Index(rank, enforce.Occasion(a.Occasion)), slices.Index(rank, enforce.Occasion(b.Occasion)))
	})
	out.Told, m.said, err = m.tellAll(ctx, tx, waited, lang)
	shown := min(len(out.Told), digestTold)
	out.Told, out.MoreTold = out.Told[:shown], len(out.Told)-shown
	return err
}

// whose lists the owners of whose violations somebody is told: he himself, and
// of a head his teams, whoever is in no team that has a head, and nobody.
func (m *digestMaker) whose() []string {
	if !m.head {
		return withCases(m.desk.owners, func(o string) bool { return strings.EqualFold(o, m.address) })
	}
	mine, led := map[string]bool{}, map[string]bool{}
	for i := range m.book.Teams {
		for _, rep := range m.book.Teams[i].Reps {
			led[strings.ToLower(rep)] = led[strings.ToLower(rep)] || len(m.book.Teams[i].Heads) > 0
		}
	}
	for _, t := range m.teams(m.address) {
		for _, rep := range append(slices.Clone(t.Reps), t.Heads...) {
			mine[strings.ToLower(rep)] = true
		}
	}
	return append(withCases(m.desk.owners, func(o string) bool { return mine[strings.ToLower(o)] || !led[strings.ToLower(o)] }), "")
}

func withCases(owners []string, keep func(string) bool) []string {
	out := []string{} // not nil: nobody is not everybody
	for _, o := range owners {
		if keep(o) {
			out = append(out, o)
		}
	}
	return out
}

// rules are those of whose violations people may be told today.
func (m *digestMaker) rules() []string {
	out := []string{}
	for _, name := range m.book.RuleNames() {
		if m.head && name == string(book.LossApproval) {
			continue // it waits for a decision, which is told apart
		}
		if m.policy.Book.Enforced(book.Rule(name), m.now).Mode.AtLeast(book.Tell) {
			out = append(out, name)
		}
	}
	return out
}

func (m *digestMaker) filter(backlog bool) postgres.ViolationFilter {
	return postgres.ViolationFilter{Rules: m.rules(), Owners: m.owners, Backlog: &backlog, Now: m.now, Most: digestPage}
}

// gather walks over the open violations, a page at a time.
func (m *digestMaker) gather(ctx context.Context, tx pgx.Tx) error {
	return m.eachPage(ctx, tx, m.filter(false), func(page []postgres.Violation) error {
		var told []postgres.Violation
		var keys []postgres.SubjectKey
		for i := range page {
			v := &page[i]
			since, yes := m.toldSince(v)
			if !yes {
				continue
			}
			if since.After(m.since) && !since.After(m.until) {
				m.count(v)
			}
			if m.said[causeText(v.Subject, v.Rule, v.Detail, v.Opened)] {
				continue
			}
			told, keys = append(told, *v), append(keys, v.Subject)
		}
		subjects, err := postgres.SubjectsByKey(ctx, tx, m.workspace, keys)
		for i := range told {
			m.pile.add(&told[i], subjects[told[i].Subject])
		}
		return err
	})
}

func (m *digestMaker) eachPage(ctx context.Context, tx pgx.Tx, f postgres.ViolationFilter, do func([]postgres.Violation) error) error {
	for {
		page, err := postgres.OpenViolations(ctx, tx, m.workspace, f)
		if err != nil {
			return err
		}
		if err := do(page); err != nil || len(page) < f.Most {
			return err
		}
		f.After = page[len(page)-1].ID
	}
}

func (m *digestMaker) count(v *postgres.Violation) {
	if m.news[v.Owner] == nil {
		m.news[v.Owner] = map[string]int{}
	}
	m.news[v.Owner][v.Rule]++
}

// countNews puts the counts into the digest, whoever has most first.
func (m *digestMaker) countNews(out *notify.Digest) {
	sums := map[string]int{}
	for owner, rules := range m.news {
		for _, n := range rules {
			sums[owner] += n
		}
		out.New += sums[owner]
	}
	for _, owner := range mostFirst(sums) {
		if len(out.News) == digestReps {
			out.MoreReps++
			continue
		}
		r := notify.RepNews{Rep: owner}
		for _, rule := range mostFirst(m.news[owner]) {
			r.Rules = append(r.Rules, notify.Count{Rule: brokenWords(m.words, rule), N: m.news[owner][rule]})
		}
		out.News = append(out.News, r)
	}
}

// mostFirst are the keys of counts, the largest count first.
func mostFirst(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
}

// losses finds the losses that wait for this head to agree.
func (m *digestMaker) losses(ctx context.Context, tx pgx.Tx, out *notify.Digest) error {
	f := m.filter(false)
	f.Rules, f.Owners = []string{string(book.LossApproval)}, nil
	waiting := pile{most: digestLosses, words: m.words, names: m.names}
	notes := map[postgres.SubjectKey]string{}
	err := m.eachPage(ctx, tx, f, func(page []postgres.Violation) error {
		var mine []postgres.Violation
		var keys []postgres.SubjectKey
		for i := range page {
			if v := &page[i]; v.Cannot == nil && m.decides(v) {
				mine, keys = append(mine, *v), append(keys, v.Subject)
			}
		}
		subjects, err := postgres.SubjectsByKey(ctx, tx, m.workspace, keys)
		for i := range mine {
			v := &mine[i]
			if r := m.book.LossReason(v.Detail); r != nil && len(notes) < digestLosses {
				notes[v.Subject] = m.words.Say(language.WithReason, m.words.Quote(r.Name))
			}
			waiting.add(v, subjects[v.Subject])
		}
		return err
	})
	for _, w := range waiting.inOrder() {
		w.deal.Note, w.deal.Broken = notes[w.key], nil
		out.Losses = append(out.Losses, w.deal)
	}
	out.MoreLost = waiting.more
	return err
}

// decides tells whether it is for this head to agree to a loss.
func (m *digestMaker) decides(v *postgres.Violation) bool {
	r := m.book.LossReason(v.Detail)
	if r == nil {
		return true
	}
	approvers := m.book.Approvers(r, v.Owner)
	return len(approvers) == 0 || slices.ContainsFunc(m.heads(m.address), func(h string) bool { return has(approvers, h) })
}

// undecided adds what else waits for somebody, and what is old.
func (m *digestMaker) undecided(ctx context.Context, tx pgx.Tx, out *notify.Digest) error {
	u, err := postgres.UndecidedOf(ctx, tx, m.workspace)
	if err != nil {
		return err
	}
	out.Asked, out.Failed = int(u.Asked), int(u.Failed)
	for _, s := range u.Stopped {
		out.Stopped = append(out.Stopped, notify.Stopped{Connection: s.Connection, Why: s.Why})
	}
	old, err := postgres.CountViolations(ctx, tx, m.workspace, m.filter(true))
	out.Old = int(old)
	return err
}

// pile keeps few of many deals with what they break: the dearest of each
// currency, since amounts of two cannot be compared, or else the first.
type pile struct {
	dearest bool
	most    int
	words   *wording.Words
	names   map[int64]string

	more  int                   // violations of deals that were not kept
	kept  map[string][]*weighed // by currency, in order
	seen  map[string]int        // violations, by currency
	known map[postgres.SubjectKey]*weighed
}

// weighed is a deal on a pile.
type weighed struct {
	key      postgres.SubjectKey
	currency string
	amount   decimal.Decimal
	deal     notify.Deal
}

// add adds a violation of a deal or lead.
func (p *pile) add(v *postgres.Violation, s postgres.Subject) {
	if p.known == nil {
		p.known, p.kept, p.seen = map[postgres.SubjectKey]*weighed{}, map[string][]*weighed{}, map[string]int{}
	}
	w := p.known[v.Subject]
	if w == nil {
		w = &weighed{key: v.Subject, deal: dealOf(p.words, p.names, v.Subject, s, v.Place, v.Owner)}
		if p.dearest && s.Amount != nil && s.Currency != nil {
			w.currency, w.amount = *s.Currency, *s.Amount
		}
		if !p.keep(w) {
			p.seen[w.currency]++
			p.more++
			return
		}
	}
	p.seen[w.currency]++
	w.deal.Broken = append(w.deal.Broken, notify.Broken{What: brokenWords(p.words, v.Rule), Mends: p.words.Mends(v.Rule), Since: v.Opened})
}

// keep puts a deal among those of its currency, unless enough are dearer.
func (p *pile) keep(w *weighed) bool {
	list := p.kept[w.currency]
	at, _ := slices.BinarySearchFunc(list, w, func(a, b *weighed) int {
		return cmp.Or(b.amount.Cmp(a.amount), -1) // after its equals
	})
	if at >= p.most {
		return false
	}
	list = slices.Insert(list, at, w)
	p.known[w.key] = w
	if len(list) > p.most {
		p.letGo(list[p.most])
		list = list[:p.most]
	}
	p.kept[w.currency] = list
	return true
}

func (p *pile) letGo(w *weighed) {
	p.more += len(w.deal.Broken)
	delete(p.known, w.key)
}

// inOrder takes from each currency in turn, beginning with the one that has most,
// and then what has no amount, until there are enough. The others are counted.
func (p *pile) inOrder() (out []*weighed) {
	take := func(w *weighed) {
		if len(out) == p.most {
			p.letGo(w)
			return
		}
		out = append(out, w)
	}
	currencies := mostFirst(p.seen)
	for n := range p.most {
		for _, c := range currencies {
			if c != "" && n < len(p.kept[c]) {
				take(p.kept[c][n])
			}
		}
	}
	for _, w := range p.kept[""] {
		take(w)
	}
	return out
}

// deals are those that are told, and how many violations the others have.
func (p *pile) deals() (out []notify.Deal, more int) {
	for _, w := range p.inOrder() {
		if p.dearest {
			for i := range w.deal.Broken {
				w.deal.Broken[i].Mends = "" // a head is told what is wrong
			}
		}
		out = append(out, w.deal)
	}
	return out, p.more
}

// dealOf is a deal or lead as messages have it.
func dealOf(w *wording.Words, names map[int64]string, key postgres.SubjectKey, s postgres.Subject, place, owner string) notify.Deal {
	d := notify.Deal{About: notify.About{Connection: names[key.Connection], Kind: strings.TrimSuffix(key.Kind, "s"), ID: key.ID}, Title: s.Title, Owner: owner}
	if s.Amount != nil && s.Currency != nil {
		d.Amount, d.Currency = s.Amount, *s.Currency
	}
	if place != "" {
		d.Stage = w.Stage(place)
	}
	if len(names) > 1 {
		d.CRM = d.About.Connection
	}
	return d
}
