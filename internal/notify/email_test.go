package notify_test

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/notify"
	"salesbook.dev/internal/notify/notifytest"
)

const password = "hunter2-hunter2"

func serverOf(s *notifytest.MailServer, tls string) notify.Server {
	return notify.Server{Host: s.Host, Port: s.Port, From: "Sales book <book@firma.example>", TLS: tls, Roots: s.Roots}
}

func TestMailsArriveWhole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		server notifytest.Options
		tls    string
	}{
		"a relay":  {notifytest.Options{}, notify.NoTLS},
		"starttls": {notifytest.Options{StartTLS: true, Password: password}, notify.StartTLS},
		"tls":      {notifytest.Options{TLS: true, Password: password}, notify.TLS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := notifytest.NewMailServer(t, tc.server)
			e := &notify.Email{Server: serverOf(s, tc.tls), To: "ewa@example.com"}
			if tc.server.Password != "" {
				e.Server.User, e.Server.Password = "book", password
			}
			m := everyMessage(t, language.Ukrainian)["head"]
			m.Subject += "\r\nBcc: thief@example.com"
			for range 2 {
				if _, err := e.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			mails := s.Mails()
			if len(mails) != 2 {
				t.Fatalf("%d mails arrived", len(mails))
			}
			got := mails[0]
			want := map[string]string{"from": "book@firma.example", "to": "ewa@example.com", "id": "<sb-1@firma.example>", "again": "<sb-1@firma.example>", "bcc": "",
				"auto": "auto-generated", "text": notify.Plain(m), "html": notify.HTML(m), "secure": fmt.Sprint(tc.tls != notify.NoTLS), "user": e.Server.User,
				"subject": "Книга продажів: 27 листопада 2026 р. – 14 нових порушень Bcc: thief@example.com"}
			is := map[string]string{"from": got.From, "to": got.To, "id": got.Header.Get("Message-Id"), "again": mails[1].Header.Get("Message-Id"), "bcc": got.Header.Get("Bcc"),
				"auto": got.Header.Get("Auto-Submitted"), "text": got.Text, "html": got.HTML, "secure": fmt.Sprint(got.Secure), "user": got.User,
				"subject": strings.ReplaceAll(got.Subject(), "\u00a0", " ")}
			if d := cmp.Diff(want, is); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestLongSubjectsAreShortened: a line of a mail holds 998 bytes, and a word of
// plain letters cannot be folded.
func TestLongSubjectsAreShortened(t *testing.T) {
	t.Parallel()
	s := notifytest.NewMailServer(t, notifytest.Options{})
	e := &notify.Email{Server: serverOf(s, notify.NoTLS), To: "ewa@example.com"}
	for i, word := range []string{"x", "Ж", "😀"} {
		m := notify.Test(language.English, "sb-1", "ewa@example.com", time.Now())
		m.Subject = strings.Repeat(word, 3000)
		if _, err := e.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		got := s.Mails()[i]
		if want := strings.Repeat(word, 199) + "…"; got.Subject() != want {
			t.Errorf("the subject has %d bytes and begins so: %.20q", len(got.Subject()), got.Subject())
		}
	}
}

// TestWhatMailServersSay: what a server says decides whether the mail is tried
// again, and whether the mailbox is written to again.
func TestWhatMailServersSay(t *testing.T) {
	t.Parallel()
	at := func(begins, says string) func(string) string {
		return func(command string) string {
			if strings.HasPrefix(command, begins) {
				return says
			}
			return ""
		}
	}
	for name, tc := range map[string]struct {
		answer  func(string) string
		kind    fault.Kind
		says    string
		arrives int
	}{
		"no such mailbox":             {at("RCPT", "550 5.1.1 no such user here"), fault.Gone, "no such user here", 0},
		"mailbox closed":              {at("RCPT", "550 5.2.1 disabled"), fault.Gone, "correct the address", 0},
		"no such mailbox, told late":  {at(".", "550 5.1.1 no such user here"), fault.Gone, "no such user", 0},
		"relaying denied":             {at("RCPT", "550 5.7.1 relaying denied"), fault.Invalid, "relaying denied", 0},
		"sender refused":              {at("MAIL", "550 5.1.8 bad sender"), fault.Invalid, "bad sender", 0},
		"looks like spam":             {at(".", "554 5.7.1 spam"), fault.Invalid, "its admin knows why", 0},
		"grey list":                   {at("RCPT", "451 4.7.1 come back later"), fault.Limited, "come back later", 0},
		"full for now":                {at(".", "452 4.2.2 mailbox full"), fault.Limited, "mailbox full", 0},
		"another log-in":              {at("MAIL", "530 5.7.0 authenticate"), fault.Auth, "notify smtp", 0},
		"hung up":                     {at("MAIL", "HANGUP"), fault.Temporary, "did not take the mail", 0},
		"hung up after the mail":      {at(".", "HANGUP"), fault.Temporary, "did not take the mail", 0},
		"taken, and the answer lost":  {at(".", "LOST"), fault.Temporary, "did not take the mail", 1},
		"taken, and no goodbye":       {at("QUIT", "HANGUP"), fault.Unknown, "", 1},
		"an odd goodbye":              {at("QUIT", "500 5.5.1 what"), fault.Unknown, "", 1},
		"closed for now":              {at("MAIL", "421 4.3.2 closing"), fault.Temporary, "closing", 0},
		"repeats what it should hide": {at("MAIL", "550 5.7.1 "+password), fault.Invalid, "[redacted]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := notifytest.NewMailServer(t, notifytest.Options{})
			s.Answer(tc.answer)
			e := &notify.Email{Server: serverOf(s, notify.NoTLS), To: "ewa@example.com"}
			e.Server.Password = password // not used without a user
			_, err := e.Send(t.Context(), notify.Test(language.English, "sb-1", "ewa@example.com", time.Now()))
			if fault.KindOf(err) != tc.kind || err == nil != (tc.kind == fault.Unknown) || tc.says != "" && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v: %v", fault.KindOf(err), err)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error holds the password: %v", err)
			}
			if unsure := strings.Contains(name, "lost") || strings.Contains(name, "after the mail"); notify.Unsure(err) != unsure {
				t.Errorf("nobody knows: %v, want %v: %v", notify.Unsure(err), unsure, err)
			}
			if n := len(s.Mails()); n != tc.arrives {
				t.Errorf("%d mails arrived", n)
			}
		})
	}
}

func TestMailServersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	plain := notifytest.NewMailServer(t, notifytest.Options{Password: password})
	secure := notifytest.NewMailServer(t, notifytest.Options{TLS: true, Password: password})
	for name, tc := range map[string]struct {
		server notify.Server
		kind   fault.Kind
		says   string
	}{
		"a wrong password":       {with(serverOf(secure, notify.TLS), func(s *notify.Server) { s.User, s.Password = "book", "not-this-one" }), fault.Auth, "refuses the user and password"},
		"no encryption":          {serverOf(plain, notify.StartTLS), fault.Temporary, "STARTTLS"},
		"nobody answers":         {with(serverOf(plain, notify.NoTLS), func(s *notify.Server) { s.Port = 1 }), fault.Temporary, "did not take the mail"},
		"an unknown certificate": {with(serverOf(secure, notify.TLS), func(s *notify.Server) { s.Roots = x509.NewCertPool() }), fault.Temporary, "is not trusted"},
		"another's certificate":  {with(serverOf(secure, notify.TLS), func(s *notify.Server) { s.Host = "localhost" }), fault.Temporary, "is not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &notify.Email{Server: tc.server, To: "ewa@example.com"}
			_, err := e.Send(t.Context(), notify.Test(language.English, "sb-1", "ewa@example.com", time.Now()))
			if fault.KindOf(err) != tc.kind || !strings.Contains(fmt.Sprint(err), tc.says) || strings.Contains(fmt.Sprint(err), "not-this-one") {
				t.Errorf("%v: %v", fault.KindOf(err), err)
			}
		})
	}
}

// TestAServerThatRepeatsALogIn is quoted without the password, also as it goes over
// the wire.
func TestAServerThatRepeatsALogIn(t *testing.T) {
	t.Parallel()
	s := notifytest.NewMailServer(t, notifytest.Options{TLS: true, Password: password})
	e := &notify.Email{Server: with(serverOf(s, notify.TLS), func(s *notify.Server) { s.User, s.Password = "book", password }), To: "ewa@example.com"}
	s.Answer(func(command string) string {
		if strings.HasPrefix(command, "AUTH") {
			return "500 5.5.1 what is " + command + ", and " + base64.StdEncoding.EncodeToString([]byte(password))
		}
		return ""
	})
	_, err := e.Send(t.Context(), notify.Test(language.English, "sb-1", "ewa@example.com", time.Now()))
	for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("\x00book\x00" + password))} {
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "[redacted]") {
			t.Errorf("the error holds the password as %s: %v", secret, err)
		}
	}
}

func with(s notify.Server, change func(*notify.Server)) notify.Server {
	change(&s)
	return s
}

func TestSettingsOfAMailServer(t *testing.T) {
	t.Parallel()
	good := notify.Server{Host: "mail.example.com", Port: 587, From: "book@example.com", TLS: notify.StartTLS}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for says, s := range map[string]notify.Server{
		"no name of a mail server": with(good, func(s *notify.Server) { s.Host = "https://mail.example.com" }),
		"no port":                  with(good, func(s *notify.Server) { s.Port = 0 }),
		"starttls, tls or none":    with(good, func(s *notify.Server) { s.TLS = "ssl" }),
		"own network":              with(good, func(s *notify.Server) { s.TLS = notify.NoTLS }),
		"no address":               with(good, func(s *notify.Server) { s.From = "book" }),
		"needs a password":         with(good, func(s *notify.Server) { s.User = "book" }),
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want an error with %q, got %v", says, err)
		}
	}
}
