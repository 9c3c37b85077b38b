package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"path/filepath"

	"salesbook.dev/internal/embedded"
	"salesbook.dev/internal/telemetry"
)

// globals are the settings every command shares, from flags and environment.
type globals struct {
	Data      string `env:"SALESBOOK_DATA" placeholder:"DIR" help:"Data directory: the private database and the key file. Default: /var/lib/salesbook as root, else the user's data directory."`
	Workspace string `env:"SALESBOOK_WORKSPACE" default:"default" placeholder:"NAME" help:"Company to work in."`
	JSON      bool   `name:"json" help:"Print JSON."`
	Verbose   bool   `short:"v" help:"Log every request."`

	DatabaseURL string `env:"DATABASE_URL" hidden:"" help:"PostgreSQL to use, as role salesbook_app. Without it a private server is started."`
	DirectURL   string `env:"DATABASE_DIRECT_URL" hidden:"" help:"The same database as an admin role and not through a pooler, for migrate and db."`
	RiverURL    string `env:"DATABASE_RIVER_URL" hidden:"" help:"The same database as role salesbook_river; default DATABASE_URL."`
	Pooler      bool   `env:"SALESBOOK_POOLER" hidden:"" help:"A transaction pooler stands before the database."`
	PostgresBin string `env:"SALESBOOK_PG_BIN" hidden:"" help:"Directory of PostgreSQL's binaries for the private server."`
	KeyFile     string `env:"SALESBOOK_KEY_FILE" hidden:"" help:"Key file that seals credentials; default DIR/key."`
	PublicURL   string `env:"SALESBOOK_PUBLIC_URL" hidden:"" help:"Where vendors reach this installation for deliveries."`

	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	keys   *keyboard // made at the first question
}

// dataDir is the data directory, made if it is missing.
func (g *globals) dataDir() (string, error) {
	if g.Data != "" {
		return filepath.Abs(g.Data)
	}
	return embedded.DefaultDir()
}

// keyFile is where the key lies.
func (g *globals) keyFile() (string, error) {
	if g.KeyFile != "" {
		return g.KeyFile, nil
	}
	dir, err := g.dataDir()
	return filepath.Join(dir, "key"), err
}

// log writes to standard error: text for people, JSON otherwise.
func (g *globals) log() *slog.Logger {
	level := slog.LevelInfo
	if g.Verbose {
		level = slog.LevelDebug
	}
	return telemetry.NewLogger(g.stderr, level, telemetry.Auto)
}

// quiet is the log of commands that talk to a person: only what needs a look.
func (g *globals) quiet() *slog.Logger {
	if g.Verbose {
		return g.log()
	}
	return telemetry.NewLogger(g.stderr, slog.LevelWarn, telemetry.Text)
}

// printJSON writes v as indented JSON.
func (g *globals) printJSON(v any) error {
	e := json.NewEncoder(g.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
