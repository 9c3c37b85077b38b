package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"salesbook.dev/internal/telemetry"
)

const secret = "s3cr3t-value"

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	whole, err := url.Parse("https://user:" + secret + "@api.example.com/deals?api_token=" + secret + "#" + secret)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]slog.Attr{
		"api_token":       slog.String("api_token", secret),
		"AccessToken":     slog.String("AccessToken", secret),
		"client-secret":   slog.String("client-secret", secret),
		"password":        slog.Any("password", []byte(secret)),
		"DATABASE_URL":    slog.String("DATABASE_URL", "postgres://x:"+secret+"@h/d"),
		"in a group":      slog.Group("connection", slog.String("token", secret)),
		"a secret group":  slog.Group("credentials", slog.String("value", secret)),
		"a header":        slog.Any("header", http.Header{"X-Api-Token": {secret}, "Content-Type": {"application/json"}}),
		"a URL":           slog.Any("url", whole),
		"a URL by value":  slog.Any("url", *whole),
		"a network error": slog.Any("error", fmt.Errorf("pull: %w", &url.Error{Op: "Get", URL: whole.String(), Err: errors.New("EOF")})),
	}
	for name, attr := range cases {
		for _, format := range []telemetry.Format{telemetry.Text, telemetry.JSON} {
			t.Run(name+" as "+string(format), func(t *testing.T) {
				t.Parallel()
				var out strings.Builder
				log := telemetry.NewLogger(&out, slog.LevelInfo, format)
				log.Info("here", attr)
				log.With(attr).WithGroup("g").Info("bound", attr)
				if strings.Contains(out.String(), secret) || !strings.Contains(out.String(), "here") {
					t.Errorf("log = %s, want lines without the secret", out.String())
				}
			})
		}
	}
}

func TestWhatIsNoSecretIsShown(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		attr slog.Attr
		want string
	}{
		"a quota in tokens": {slog.Int("tokens_left", 29000), `"tokens_left":29000`},
		"a price":           {slog.Int("token_cost", 20), `"token_cost":20`},
		"a path":            {slog.Any("url", &url.URL{Scheme: "https", Host: "api.example.com", Path: "/deals", RawQuery: "a=b"}), `"url":"https://api.example.com/deals"`},
		"no URL":            {slog.Any("url", (*url.URL)(nil)), `"url":null`},
		"an error":          {slog.Any("error", errors.New("дело не найдено")), `"error":"дело не найдено"`},
		"a harmless header": {slog.Any("header", http.Header{"Retry-After": {"9"}}), `"Retry-After":["9"]`},
		"an error's host":   {slog.Any("error", &url.Error{Op: "Get", URL: "https://h.example/p?q=1", Err: errors.New("EOF")}), `Get \"https://h.example/p\": EOF`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			telemetry.NewLogger(&out, slog.LevelInfo, telemetry.JSON).Info("here", tc.attr)
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("log = %s, want %s", out.String(), tc.want)
			}
		})
	}
}

func TestFormatsAndLevels(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	log := telemetry.NewLogger(file, slog.LevelWarn, telemetry.Auto)
	log.Info("too low")
	log.Warn("high enough")
	file.Close()
	written, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	var line struct{ Level, Msg string }
	if err := json.Unmarshal(written, &line); err != nil || line.Level != "WARN" || line.Msg != "high enough" {
		t.Errorf("a file holds %q, want the warning alone, as JSON: %v", written, err)
	}
	var out strings.Builder
	telemetry.NewLogger(&out, slog.LevelInfo, telemetry.Text).Info("for people")
	if !strings.Contains(out.String(), `msg="for people"`) {
		t.Errorf("text = %q", out.String())
	}
}

func TestLinesNameTheirSpan(t *testing.T) {
	t.Parallel()
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	var out strings.Builder
	log := telemetry.NewLogger(&out, slog.LevelInfo, telemetry.JSON)
	log.InfoContext(trace.ContextWithSpanContext(context.Background(), span), "inside")
	log.Info("outside")
	inside, outside, _ := strings.Cut(out.String(), "\n")
	out.Reset()
	log.With("a", 1).WithGroup("g").InfoContext(trace.ContextWithSpanContext(context.Background(), span), "bound")
	if !strings.Contains(out.String(), `"trace_id"`) {
		t.Errorf("a derived logger wrote %s, want the ids, too", out.String())
	}
	if !strings.Contains(inside, `"trace_id":"`+span.TraceID().String()+`","span_id":"`+span.SpanID().String()+`"`) || strings.Contains(outside, "trace_id") {
		t.Errorf("lines:\n%s\n%s\nwant ids inside the span only", inside, outside)
	}
}
