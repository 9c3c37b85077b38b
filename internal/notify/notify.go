// Package notify tells people: it puts what they are to know into messages, says
// when they may be disturbed, and hands messages to e-mail, Slack, Telegram or a
// webhook.
//
// A message is plain data in the words of one language; each channel renders it
// as it can show it, and escapes what came from outside. Which messages there
// are, who gets them and what became of each is the business of jobs.
package notify

import (
	"context"
	"errors"
	"time"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
)

// Message is what somebody is told. Its texts are plain.
type Message struct {
	ID       string // the same however often the message is sent
	To       string // whom it is for, see Channel
	Occasion string // digest, test, or why it is sent at once
	Made     time.Time
	Language language.Language
	Subject  string
	Intro    string
	Sections []Section
	Closing  string
}

// Section is a part of a message.
type Section struct {
	Heading string
	Items   []Item
	More    string // what is left out; empty: nothing is
}

// Item is one thing that is told.
type Item struct {
	About About
	Title string
	Lines []string
}

// About is the deal or lead that an item is about; Kind empty: it is about none.
type About struct {
	Connection string `json:"connection,omitempty"`
	Kind       string `json:"kind,omitempty"` // deal or lead
	ID         string `json:"id,omitempty"`
}

// Channel takes messages to one person or team.
//
// Send returns what the other side calls the message, or nothing if it says
// nothing. Of its errors Temporary and Limited go away by themselves, Gone stays:
// nothing sent here will ever arrive until somebody changes the channel. Any
// other is about this message, or about settings that are not the channel's own.
// Of which it is not known whether the message arrived, see Unsure. No error holds
// a secret.
type Channel interface {
	Send(ctx context.Context, m Message) (id string, err error)
}

// Passes tells whether a failure goes away by itself.
func Passes(err error) bool {
	switch fault.KindOf(err) {
	case fault.Temporary, fault.Limited:
		return true
	}
	return false
}

// Stops tells whether a failure ends its channel until somebody changes it.
func Stops(err error) bool { return fault.KindOf(err) == fault.Gone }

// Unsure tells whether a message may have arrived though it could not be sent: the
// other side had all of it, and ended before it said what came of it.
func Unsure(err error) bool { return errors.Is(err, errUnsure) }

var errUnsure = errors.New("nobody knows whether the message arrived")

func unsure(err error) error { return fault.New(fault.KindOf(err), "%w: %w", err, errUnsure) }

// Test is a message that tells nothing but that it arrived.
func Test(l language.Language, id, to string, now time.Time) Message {
	return Message{ID: id, To: to, Occasion: "test", Made: now, Language: l, Subject: l.Say(language.TestSubject), Intro: l.Say(language.TestBody)}
}
