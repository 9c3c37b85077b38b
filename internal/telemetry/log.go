package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/term"
)

// Format is the form of log lines.
type Format string

// The formats. Auto is text on a terminal and JSON elsewhere.
const (
	Auto Format = "auto"
	Text Format = "text"
	JSON Format = "json"
)

// Hidden stands where a secret was logged.
const Hidden = "[redacted]"

// NewLogger returns a logger that writes lines of at least the given level to
// w. Attributes named like secrets are hidden; within a span its trace and
// span ids are added.
func NewLogger(w io.Writer, level slog.Leveler, format Format) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: hide}
	var h slog.Handler = slog.NewJSONHandler(w, options)
	if format == Text || format != JSON && isTerminal(w) {
		h = slog.NewTextHandler(w, options)
	}
	return slog.New(correlating{h})
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// secretName matches names whose values are secrets: the end of the name
// decides, so that token_cost and tokens_left are shown.
var secretName = regexp.MustCompile(`(?i)(token|secret|secrets|passw(or)?d|passphrase|authorization|api[_-]?key|private[_-]?key|cookie|credentials?|signature|dsn|database_url)$`)

// hide replaces what must not be read in a log. It sees every attribute, those
// inside groups included.
func hide(groups []string, a slog.Attr) slog.Attr {
	if secretName.MatchString(a.Key) || slices.ContainsFunc(groups, secretName.MatchString) {
		return slog.String(a.Key, Hidden)
	}
	switch v := a.Value.Any().(type) {
	case http.Header:
		return slog.Any(a.Key, withoutSecrets(v))
	case *url.URL:
		if v != nil {
			return slog.String(a.Key, plain(*v))
		}
	case url.URL:
		return slog.String(a.Key, plain(v))
	case error:
		return slog.String(a.Key, withoutURL(v))
	}
	return a
}

// withoutURL is an error's text; that of net/http shows whole URLs.
func withoutURL(err error) string {
	text := err.Error()
	if failed, ok := errors.AsType[*url.Error](err); ok {
		shown := "a URL that cannot be shown"
		if u, err := url.Parse(failed.URL); err == nil {
			shown = plain(*u)
		}
		text = strings.ReplaceAll(text, failed.URL, shown)
	}
	return text
}

// withoutSecrets hides all headers but those known to be harmless: every
// vendor has a header of its own for tokens.
func withoutSecrets(h http.Header) map[string][]string {
	harmless := []string{"Accept", "Content-Length", "Content-Type", "Date", "Retry-After", "User-Agent"}
	shown := make(map[string][]string, len(h))
	for name, values := range h {
		if slices.Contains(harmless, http.CanonicalHeaderKey(name)) {
			shown[name] = values
		} else {
			shown[name] = []string{Hidden}
		}
	}
	return shown
}

// plain is a URL without the parts that may hold a secret.
func plain(u url.URL) string {
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// correlating adds the ids of the present span, by which a line is found from
// its trace and the other way round.
type correlating struct{ slog.Handler }

// Handle implements slog.Handler.
func (h correlating) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h correlating) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlating{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h correlating) WithGroup(name string) slog.Handler {
	return correlating{h.Handler.WithGroup(name)}
}
