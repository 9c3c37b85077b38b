package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"salesbook.dev/internal/fault"
)

// How a mail server is spoken to.
const (
	StartTLS = "starttls" // encrypted after a greeting, or not at all
	TLS      = "tls"      // encrypted from the first byte on
	NoTLS    = "none"     // for a relay on the same machine or network
)

// Server is the mail server by which a company's messages go out.
type Server struct {
	Host     string
	Port     int
	User     string // empty: the server asks for none
	Password string
	From     string // an address, with or without a name
	TLS      string
	Roots    *x509.CertPool // whom to trust; nil: those that the system trusts
}

// Check finds what is wrong with the settings. It never dials.
func (s *Server) Check() error {
	_, err := mail.ParseAddress(s.From)
	switch {
	case s.Host == "" || strings.ContainsAny(s.Host, " /:@") && net.ParseIP(s.Host) == nil:
		return fault.New(fault.Invalid, "%q is no name of a mail server", s.Host)
	case s.Port < 1 || s.Port > 65535:
		return fault.New(fault.Invalid, "%d is no port; they go from 1 to 65535", s.Port)
	case !slices.Contains([]string{StartTLS, TLS, NoTLS}, s.TLS):
		return fault.New(fault.Invalid, "the mail server is spoken to by %s, %s or %s, not %q", StartTLS, TLS, NoTLS, s.TLS)
	case s.TLS == NoTLS && !near(s.Host):
		return fault.New(fault.Invalid, "%s must be spoken to by %s or %s: mail goes unencrypted only within the company's own network", s.Host, StartTLS, TLS)
	case err != nil:
		return fault.New(fault.Invalid, "the sender %q is no address, as in Sales book <book@example.com>", s.From)
	case s.User != "" && s.Password == "":
		return fault.New(fault.Invalid, "a user of the mail server needs a password")
	}
	return nil
}

// Email is a mailbox, reached by a company's mail server.
type Email struct {
	Server Server
	To     string
}

// Send implements Channel. A mail that is sent again has the same Message-ID, so
// that mail programs and people can tell.
func (e *Email) Send(ctx context.Context, m Message) (string, error) {
	msg, err := e.letter(m)
	if err != nil {
		return "", err
	}
	client, err := e.client()
	if err != nil {
		return "", fault.New(fault.Invalid, "the settings of the mail server %s cannot be used: %s", e.Server.Host, quote(err.Error(), e.Server.secrets()...))
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // what fails after that is the goodbye
		return msg.GetMessageID(), nil
	}
	return "", e.Server.refusal(ctx, err)
}

// subjectLetters bounds a subject: a line of a mail has no more than 998 bytes
// (RFC 5322, 2.1.1), and a word of plain letters is on one.
const subjectLetters = 200

// letter makes the mail.
func (e *Email) letter(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(e.Server.From); err != nil {
		return nil, fault.New(fault.Invalid, "the sender %q is no address", e.Server.From)
	}
	if err := msg.To(e.To); err != nil {
		return nil, fault.New(fault.Gone, "%q is no e-mail address", e.To)
	}
	msg.Subject(cutRunes(line(m.Subject), subjectLetters))
	msg.SetMessageIDWithValue(m.ID + "@" + domainOf(e.Server.From))
	msg.SetDateWithValue(m.Made)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no absence notes, RFC 3834
	msg.SetGenHeader("Content-Language", string(m.Language))
	msg.SetBodyString(gomail.TypeTextPlain, Plain(m))
	msg.AddAlternativeString(gomail.TypeTextHTML, HTML(m))
	return msg, nil
}

func domainOf(from string) string {
	address, err := mail.ParseAddress(from)
	if err != nil {
		return "salesbook.invalid"
	}
	return address.Address[strings.LastIndexByte(address.Address, '@')+1:]
}

func (e *Email) client() (*gomail.Client, error) {
	s := &e.Server
	options := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(sendTimeout), gomail.WithTLSConfig(s.tlsConfig()), gomail.WithoutNoop()}
	switch s.TLS {
	case TLS:
		options = append(options, gomail.WithSSL())
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	return gomail.NewClient(s.Host, options...)
}

// tlsConfig is that of connections to the server.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// secrets are the password, bare and as log-ins have it on the wire, which some
// servers repeat.
func (s *Server) secrets() []string {
	if s.Password == "" {
		return nil
	}
	encoded := base64.StdEncoding.EncodeToString
	return []string{encoded([]byte("\x00" + s.User + "\x00" + s.Password)), encoded([]byte(s.Password)), s.Password}
}

// refusal is the error of a mail that was not taken.
func (s *Server) refusal(ctx context.Context, err error) error {
	said := quote(err.Error(), s.secrets()...)
	const closing = 421 // whoever the mail is for
	refused, isSend := errors.AsType[*gomail.SendError](err)
	if isSend && refused.ErrorCode() != 0 && refused.ErrorCode() != closing {
		if refused.ErrorCode() >= 500 {
			return s.permanent(refused, said)
		}
		return fault.New(fault.Limited, "the mail server %s does not take this mail now: %s", s.Host, said)
	}
	var certificate *tls.CertificateVerificationError
	answer, answered := errors.AsType[*textproto.Error](err)
	switch {
	case ctx.Err() != nil:
		return fault.New(fault.Temporary, "the mail to %s was given up: %w", s.Host, ctx.Err())
	case answered && answer.Code/10 == 53:
		return fault.New(fault.Auth, "the mail server %s refuses the user and password (%s); `salesbook notify smtp` sets others", s.Host, said)
	case errors.As(err, &certificate):
		return fault.New(fault.Temporary, "the certificate of the mail server %s is not trusted (%s); check its name, the clock and the installed authorities", s.Host, said)
	}
	hint := ""
	if strings.Contains(said, "does not support STARTTLS") { // the library has no error of its own for it
		hint = "; it offers no STARTTLS: `salesbook notify smtp` with --tls tls, or with --tls none within your own network"
	}
	err = fault.New(fault.Temporary, "the mail server %s did not take the mail: %s%s", s.Host, said, hint)
	if isSend && refused.Reason == gomail.ErrSMTPDataClose && refused.ErrorCode() == 0 {
		return unsure(err) // it had all of the mail
	}
	return err
}

// permanent is the error of a mail that the server will never take. What is
// wrong with the recipient alone stops the channel; that the server takes nothing
// from us, for whomever, does not.
func (s *Server) permanent(refused *gomail.SendError, said string) error {
	status := refused.EnhancedStatusCode()
	mailbox := strings.HasPrefix(status, "5.1.") || strings.HasPrefix(status, "5.2.") || status == "" && refused.Reason == gomail.ErrSMTPRcptTo
	sender := status == "5.1.7" || status == "5.1.8"
	switch {
	case mailbox && !sender && refused.Reason != gomail.ErrSMTPMailFrom:
		return fault.New(fault.Gone, "the mail server %s says that the mailbox cannot be reached (%s); correct the address", s.Host, said)
	case refused.ErrorCode()/10 == 53:
		return fault.New(fault.Auth, "the mail server %s takes no mail without another log-in (%s); `salesbook notify smtp` sets it", s.Host, said)
	}
	return fault.New(fault.Invalid, "the mail server %s refuses the mail for good (%s); its admin knows why", s.Host, said)
}

// String names the server, without a secret.
func (s *Server) String() string { return fmt.Sprintf("%s:%d", s.Host, s.Port) }

// CheckMailbox finds what is wrong with an e-mail address.
func CheckMailbox(to string) error {
	if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
		return fault.New(fault.Invalid, "%q is no e-mail address", to)
	}
	return nil
}
