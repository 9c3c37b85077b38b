package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/wording"
)

const (
	// sendingTakes is for how long nobody else takes a message that is being sent.
	sendingTakes = 10 * time.Minute
	// mostAttempts are those of one message, over about a day.
	mostAttempts = 10
	// mostUnsure is how often a message is sent again though it may have arrived.
	mostUnsure = 1
)

// retryAfter is the wait before the attempt after n: a minute, and four times as
// long each time, up to four hours.
func retryAfter(n int, asked time.Duration) time.Duration {
	const first, last = time.Minute, 4 * time.Hour
	wait := last
	if n < 5 {
		wait = min(first<<(2*(n-1)), last)
	}
	return max(wait, asked)
}

// sending sends messages, and knows whom to leave alone.
type sending struct {
	*desk
	butKinds    []string
	butChannels []int64
}

// next sends the message whose turn it is; false if there is none. What is about
// to be done is written down before, and what came of it after: a process that
// ends in between leaves a message of which nobody knows whether it arrived. That
// is sent once more, and known by its mark, and so is one that the other side had
// whole without saying what came of it.
func (s *sending) next(ctx context.Context) (more bool, err error) {
	var m *postgres.OutMessage
	now := s.p.Now()
	err = s.p.DB.In(ctx, s.workspace, func(tx pgx.Tx) error {
		m, err = postgres.ClaimMessage(ctx, tx, s.workspace, now, sendingTakes, s.butKinds, s.butChannels)
		return err
	})
	if err != nil || m == nil {
		return false, err
	}
	if m.Unsure > mostUnsure {
		return true, s.giveUp(ctx, m, errUnsure)
	}
	if at := s.habits(m.Address).NotBefore(now); at.After(now) {
		return true, s.later(ctx, m, at, "it waits for the end of the quiet hours")
	}
	out, err := s.prepare(ctx, m)
	switch {
	case err != nil && fault.KindOf(err) == fault.Unknown && m.Attempts < mostAttempts: // ours, or the database's: nothing was sent
		at := s.habits(m.Address).NotBefore(now.Add(retryAfter(m.Attempts, 0)))
		return false, errors.Join(err, s.later(context.WithoutCancel(ctx), m, at, "it could not be made ready"))
	case err != nil:
		return true, s.refused(ctx, m, err)
	case out.needless != "":
		return true, s.drop(ctx, m, out)
	}
	return s.send(ctx, m, out)
}

// send hands a message over and writes down what came of it. If this job is ended
// while it waits for the answer, nobody knows.
func (s *sending) send(ctx context.Context, m *postgres.OutMessage, out outgoing) (more bool, err error) {
	vendor, err := out.channel.Send(ctx, out.message)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return true, s.refused(ctx, m, err)
	}
	ctx = context.WithoutCancel(ctx)
	return true, s.p.DB.In(ctx, s.workspace, func(tx pgx.Tx) error { return postgres.SentMessage(ctx, tx, s.workspace, m, vendor, s.p.Now()) })
}

var errUnsure = errors.New("it was handed over twice, and both times nobody said what came of it: it may have arrived, and is not sent again by itself")

// outgoing is a message ready to be sent.
type outgoing struct {
	channel  notify.Channel
	message  notify.Message
	needless string // why there is nothing to send any more; empty: there is
	late     bool   // since the day of the digest is over
}

// prepare finds the channel and the words.
func (s *sending) prepare(ctx context.Context, m *postgres.OutMessage) (out outgoing, err error) {
	err = s.p.DB.In(ctx, s.workspace, func(tx pgx.Tx) error {
		c := postgres.Channel{Address: m.Address, Kind: m.Kind, Target: m.Address, State: "active"}
		if m.Channel != 0 {
			c, err = postgres.ChannelByID(ctx, tx, s.workspace, m.Channel)
			if fault.KindOf(err) == fault.NotFound {
				out.needless = "the channel was removed"
				return nil
			}
			if err != nil {
				return err
			}
		}
		if c.State != "active" {
			return fault.New(fault.Invalid, "the channel is stopped: %s", c.Why)
		}
		if err = s.render(ctx, tx, m, c.Language, &out); err != nil || out.needless != "" {
			return err
		}
		out.channel, err = s.p.openChannel(ctx, tx, s.workspace, c, s.mail, s.mailErr)
		return err
	})
	return out, err
}

// openChannel makes a channel ready to send.
func (p *Pipeline) openChannel(ctx context.Context, tx pgx.Tx, workspace int64, c postgres.Channel, mail *postgres.MailServer, mailErr error) (notify.Channel, error) {
	if c.Kind == "email" {
		switch {
		case mailErr != nil:
			return nil, mailErr
		case mail == nil:
			return nil, fault.New(fault.Invalid, "there is no mail server; `salesbook notify smtp` sets one")
		case mail.State != "active":
			return nil, fault.New(fault.Invalid, "the mail server is stopped (%s); `salesbook notify smtp` sets it again", mail.Why)
		}
		return &notify.Email{Server: serverOf(mail), To: c.Target}, nil
	}
	secret, err := p.Vault.ChannelSecretOf(ctx, tx, workspace, c.ID)
	if err != nil {
		return nil, err
	}
	hc := notify.NewHTTPClient(p.Transport)
	switch c.Kind {
	case "slack":
		return &notify.Slack{HTTP: hc, URL: secret.URL, Now: p.Now}, nil
	case "telegram":
		return &notify.Telegram{HTTP: hc, Base: secret.Server, Token: secret.Token, Chat: c.Target, Now: p.Now}, nil
	}
	return &notify.Webhook{HTTP: hc, URL: secret.URL, Secret: secret.Secret, Now: p.Now}, nil
}

func serverOf(m *postgres.MailServer) notify.Server {
	return notify.Server{Host: m.Host, Port: m.Port, User: m.User, Password: m.Password, From: m.From, TLS: m.TLS}
}

// render puts a message into words, or says why there is nothing to say any more.
func (s *sending) render(ctx context.Context, tx pgx.Tx, m *postgres.OutMessage, lang string, out *outgoing) error {
	list, err := postgres.NotificationsByID(ctx, tx, s.workspace, m.About)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, isDigest) {
		return s.renderDigest(ctx, tx, m, list, lang, out)
	}
	told, _, err := s.tellAll(ctx, tx, list, lang)
	if err != nil {
		return err
	}
	if len(told) == 0 {
		out.needless = "it was mended before anybody had to be told"
		return nil
	}
	out.message = notify.AtOnce(s.words(lang).Language, markOf(m), m.Address, m.MadeAt, s.habits(m.Address).Zone, told)
	return nil
}

func isDigest(n postgres.Notification) bool { return n.Occasion == postgres.DigestOccasion }

// renderDigest puts the digest of a day into words, and what waited for it.
func (s *sending) renderDigest(ctx context.Context, tx pgx.Tx, m *postgres.OutMessage, list []postgres.Notification, lang string, out *outgoing) error {
	n := list[slices.IndexFunc(list, isDigest)]
	zone := s.habits(m.Address).Zone
	if digestKey(s.p.Now().In(zone).Format(time.DateOnly)) != n.Key {
		out.needless, out.late = "its day is over: the next digest says it", true
		return nil
	}
	since, err := postgres.LastDigest(ctx, tx, s.workspace, m.Address, n.MadeAt)
	if err != nil {
		return err
	}
	d, err := s.digest(ctx, tx, m.Address, lang, orZero(since), n.MadeAt, slices.DeleteFunc(list, isDigest))
	if err != nil {
		return err
	}
	if d.Empty() {
		out.needless = "there was nothing to say"
		return nil
	}
	d.Day = n.MadeAt
	out.message = d.Message(s.words(lang).Language, markOf(m), m.Address)
	return nil
}

// tellAll puts what people are told by name into words, without what was mended
// meanwhile, and says which violations it is about. One that is told for two
// reasons is told once: a large deal may be over its stage's limit, too.
func (d *desk) tellAll(ctx context.Context, tx pgx.Tx, list []postgres.Notification, lang string) (told []notify.Told, said map[string]bool, err error) {
	said = map[string]bool{}
	for i := range list {
		cause := causeOf(&list[i])
		if cause != "" && said[cause] {
			continue
		}
		one, still, err := d.told(ctx, tx, &list[i], lang)
		if err != nil {
			return nil, nil, err
		}
		if still {
			told, said[cause] = append(told, one), true
		}
	}
	return told, said, nil
}

// told puts one thing that is told by name into words; false if it was mended
// meanwhile, or what it is about is gone.
func (d *desk) told(ctx context.Context, tx pgx.Tx, n *postgres.Notification, lang string) (t notify.Told, still bool, err error) {
	v := &postgres.Violation{}
	if n.Rule != "" {
		found, err := postgres.OpenViolationOf(ctx, tx, d.workspace, n)
		happened := n.Occasion == string(enforce.Repeated) || n.Occasion == string(enforce.Overwritten)
		if err != nil || found == nil && !happened {
			return t, false, err
		}
		if found != nil {
			v = found
		}
	}
	subjects, err := postgres.SubjectsByKey(ctx, tx, d.workspace, []postgres.SubjectKey{n.Subject})
	if err != nil {
		return t, false, err
	}
	subject, there := subjects[n.Subject]
	if !there || subject.DeletedWhy != nil && *subject.DeletedWhy == "erased" {
		return t, false, nil
	}
	w := d.words(lang)
	t = notify.Told{Occasion: n.Occasion, Deal: dealOf(w, d.names, n.Subject, subject, v.Place, v.Owner)}
	if n.Rule != "" && n.Opened != nil {
		t.Deal.Broken = []notify.Broken{{What: brokenWords(w, n.Rule), Mends: mendsFor(w, n), Since: *n.Opened}}
	}
	switch r := d.book.LossReason(n.Detail); {
	case r != nil && n.Occasion == string(enforce.Decision):
		t.Deal.Note = w.Say(language.WithReason, w.Quote(r.Name))
	case n.Occasion == string(enforce.Overwritten):
		t.Deal.Note = w.Say(language.OverwrittenNote)
	}
	return t, true, nil
}

// mendsFor is what whoever is told can do. A head who is to agree does not ask
// himself to, and what was done again or stands is the rep's to mend, who has a task.
func mendsFor(w *wording.Words, n *postgres.Notification) string {
	switch n.Occasion {
	case string(enforce.Decision):
		by := n.Address
		if strings.HasPrefix(by, postgres.TeamAddress) {
			by = "ADDRESS"
		}
		return fmt.Sprintf("salesbook approve deal %s --by %s --reason-note TEXT", n.Subject.ID, by)
	case string(enforce.Repeated), string(enforce.Barred):
		return ""
	}
	return w.Mends(n.Rule)
}

// causeOf names the violation that a notification is about; empty if there is none.
func causeOf(n *postgres.Notification) string {
	if n.Rule == "" || n.Opened == nil {
		return ""
	}
	return causeText(n.Subject, n.Rule, n.Detail, *n.Opened)
}

func causeText(subject postgres.SubjectKey, rule, detail string, opened time.Time) string {
	return fmt.Sprint(subject, rule, "|", detail, "|", opened.UnixMicro())
}

// markOf is what a message is known by, however often it is sent.
func markOf(m *postgres.OutMessage) string { return "sb-" + m.Mark }

func messageKey(id int64) string { return strconv.FormatInt(id, 10) }

func messageOf(f postgres.Failure) (int64, error) { return strconv.ParseInt(f.ExternalID, 10, 64) }

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// refused decides what becomes of a message that did not go out.
func (s *sending) refused(ctx context.Context, m *postgres.OutMessage, err error) error {
	kind := fault.KindOf(err)
	if notify.Unsure(err) {
		if m.Unsure++; m.Unsure > mostUnsure {
			return s.giveUp(ctx, m, fmt.Errorf("%w (%w)", errUnsure, err))
		}
	}
	if !notify.Passes(err) && kind != fault.Auth || m.Attempts >= mostAttempts {
		return s.giveUp(ctx, m, err)
	}
	if m.Kind == "email" && kind != fault.Limited {
		s.butKinds = append(s.butKinds, m.Kind) // the server is the same for all of them
	} else if m.Kind != "email" {
		s.butChannels = append(s.butChannels, m.Channel)
	}
	now := s.p.Now()
	at := s.habits(m.Address).NotBefore(now.Add(retryAfter(m.Attempts, fault.RetryAfter(err))))
	return s.later(ctx, m, at, err.Error())
}

func (s *sending) later(ctx context.Context, m *postgres.OutMessage, at time.Time, why string) error {
	return s.p.DB.In(ctx, s.workspace, func(tx pgx.Tx) error { return postgres.RetryMessage(ctx, tx, s.workspace, m, at, why) })
}

// drop ends a message that is not needed. What waited for a digest whose day is
// over waits for the next.
func (s *sending) drop(ctx context.Context, m *postgres.OutMessage, out outgoing) error {
	return s.p.DB.In(ctx, s.workspace, func(tx pgx.Tx) error {
		mine, err := postgres.EndMessage(ctx, tx, s.workspace, m, "dropped", out.needless, s.p.Now())
		if err != nil || !mine || !out.late {
			return err
		}
		return postgres.WaitAgain(ctx, tx, s.workspace, m.About)
	})
}

// giveUp ends a message that reached nobody, lists it, and stops a channel that
// leads nowhere.
func (s *sending) giveUp(ctx context.Context, m *postgres.OutMessage, why error) error {
	s.p.Log.WarnContext(ctx, "a message was given up", "workspace", s.workspace, "channel", m.Channel, "kind", m.Kind, "message", m.ID, "why", why)
	return s.p.DB.In(ctx, s.workspace, func(tx pgx.Tx) error {
		mine, err := postgres.EndMessage(ctx, tx, s.workspace, m, "failed", why.Error(), s.p.Now())
		if err != nil || !mine {
			return err
		}
		if notify.Stops(why) {
			if err := s.stop(ctx, tx, m, why.Error()); err != nil {
				return err
			}
		}
		return postgres.AddFailures(ctx, tx, s.workspace, []postgres.Failure{undeliverable(m, why)})
	})
}

// stop stops the channel of a message. An address without a channel is given one
// that is stopped, so that it is not written to again.
func (s *sending) stop(ctx context.Context, tx pgx.Tx, m *postgres.OutMessage, why string) error {
	id := m.Channel
	for _, c := range s.channels[m.Address] {
		if id == 0 && c.Kind == "email" && strings.EqualFold(c.Target, m.Address) {
			id = c.ID // by another message, or since this one was made
		}
	}
	if id != 0 {
		return postgres.SetChannelState(ctx, tx, s.workspace, id, why)
	}
	c := postgres.Channel{Address: m.Address, Kind: "email", Target: m.Address, Digest: true, Instant: true, State: "stopped", Why: why, MadeBy: "salesbook"}
	h := s.habits(m.Address)
	c.QuietFrom, c.QuietTo = h.QuietFrom, h.QuietTo
	var err error
	c.ID, err = s.p.Vault.AddChannel(ctx, tx, s.workspace, c, postgres.ChannelSecret{})
	s.channels[m.Address] = append(s.channels[m.Address], c)
	return err
}
