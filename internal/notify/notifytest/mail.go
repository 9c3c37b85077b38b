// Package notifytest gives tests a mail server that speaks SMTP over a socket
// and keeps what it is sent.
package notifytest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// Mail is a mail that was taken.
type Mail struct {
	From, To string // of the envelope
	Secure   bool
	User     string // who had logged in; empty: nobody
	Header   mail.Header
	Text     string
	HTML     string
}

// Subject is the subject of a mail.
func (m *Mail) Subject() string {
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err.Error()
	}
	return s
}

// MailServer is a mail server for tests.
type MailServer struct {
	Host  string
	Port  int
	Roots *x509.CertPool // who vouches for its certificate

	tls      *tls.Config
	implicit bool
	starts   bool
	password string

	mu     sync.Mutex
	mails  []Mail
	answer func(command string) string
	conns  map[net.Conn]bool
}

// Options say how a mail server behaves.
type Options struct {
	TLS      bool   // from the first byte on
	StartTLS bool   // after a greeting
	Password string // what everybody has to log in with; empty: nobody has to
}

// NewMailServer starts a mail server that ends with the test.
func NewMailServer(t testing.TB, o Options) *MailServer {
	t.Helper()
	s := &MailServer{implicit: o.TLS, starts: o.StartTLS, password: o.Password, conns: map[net.Conn]bool{}}
	s.certify(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Host, s.Port = "127.0.0.1", l.Addr().(*net.TCPAddr).Port
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.note(c, true)
			all.Go(func() { s.serve(c); s.note(c, false) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		all.Wait()
	})
	return s
}

func (s *MailServer) note(c net.Conn, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if open {
		s.conns[c] = true
		return
	}
	delete(s.conns, c)
	_ = c.Close()
}

// Answer has the server answer commands so; empty: as it should. HANGUP ends
// the connection.
func (s *MailServer) Answer(f func(command string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// Mails are the mails that were taken.
func (s *MailServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

func (s *MailServer) says(command string) string {
	s.mu.Lock()
	f := s.answer
	s.mu.Unlock()
	if f == nil {
		return ""
	}
	return f(command)
}

// session is one connection.
type session struct {
	s    *MailServer
	conn net.Conn
	r    *bufio.Reader
	mail Mail
}

func (s *MailServer) serve(c net.Conn) {
	if s.implicit {
		c = tls.Server(c, s.tls)
	}
	x := &session{s: s, conn: c, r: bufio.NewReader(c)}
	x.mail.Secure = s.implicit
	x.say("220 test ready")
	for x.step() {
	}
}

func (x *session) say(line string) bool {
	_, err := io.WriteString(x.conn, line+"\r\n")
	return err == nil
}

func (x *session) line() (string, bool) {
	line, err := x.r.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err == nil
}

// step answers one command.
func (x *session) step() bool {
	line, ok := x.line()
	if !ok {
		return false
	}
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	if odd := x.s.says(line); odd == "HANGUP" {
		return false
	} else if odd != "" {
		return x.say(odd)
	}
	switch verb {
	case "EHLO", "HELO":
		return x.hello()
	case "STARTTLS":
		return x.startTLS()
	case "AUTH":
		return x.auth(rest)
	case "MAIL":
		if x.s.password != "" && x.mail.User == "" {
			return x.say("530 5.7.0 log in first")
		}
		x.mail.From = between(rest)
	case "RCPT":
		x.mail.To = between(rest)
	case "DATA":
		return x.data()
	case "QUIT":
		x.say("221 bye")
		return false
	}
	return x.say("250 2.0.0 ok")
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

func (x *session) hello() bool {
	lines := []string{"250-test", "250-ENHANCEDSTATUSCODES", "250-8BITMIME"}
	if x.s.starts && !x.mail.Secure {
		lines = append(lines, "250-STARTTLS")
	}
	if x.s.password != "" {
		lines = append(lines, "250-AUTH PLAIN LOGIN")
	}
	return x.say(strings.Join(append(lines, "250 SMTPUTF8"), "\r\n"))
}

func (x *session) startTLS() bool {
	if !x.s.starts || !x.say("220 go on") {
		return false
	}
	c := tls.Server(x.conn, x.s.tls)
	if c.Handshake() != nil {
		return false
	}
	x.conn, x.r, x.mail.Secure = c, bufio.NewReader(c), true
	return true
}

func (x *session) auth(rest string) bool {
	_, given, _ := strings.Cut(rest, " ")
	plain, err := base64.StdEncoding.DecodeString(given)
	parts := bytes.Split(plain, []byte{0})
	if err != nil || len(parts) != 3 || string(parts[2]) != x.s.password {
		return x.say("535 5.7.8 wrong password")
	}
	x.mail.User = string(parts[1])
	return x.say("235 2.7.0 welcome")
}

func (x *session) data() bool {
	if !x.say("354 go on") {
		return false
	}
	var raw bytes.Buffer
	for {
		line, ok := x.line()
		if !ok {
			return false
		}
		if line == "." {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
	}
	if odd := x.s.says("."); odd != "" && odd != "LOST" {
		return odd != "HANGUP" && x.say(odd)
	}
	if err := x.mail.read(raw.Bytes()); err != nil {
		return x.say("554 5.6.0 " + err.Error())
	}
	x.s.mu.Lock()
	x.s.mails = append(x.s.mails, x.mail)
	x.s.mu.Unlock()
	if x.s.says(".") == "LOST" {
		return false // it was taken, and nobody is told
	}
	return x.say("250 2.0.0 taken")
}

// read takes a mail apart.
func (m *Mail) read(raw []byte) error {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	m.Header = msg.Header
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := decoded(p, p.Header)
		if err != nil {
			return err
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			m.HTML = text
		} else {
			m.Text = text
		}
	}
}

func decoded(body io.Reader, h textproto.MIMEHeader) (string, error) {
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	return strings.ReplaceAll(string(b), "\r\n", "\n"), err
}

// certify makes a certificate for 127.0.0.1.
func (s *MailServer) certify(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(cert)
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
