package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"salesbook.dev/jobs"
)

type doctorCmd struct{}

// Levels of findings.
const (
	levelOK   = "OK"
	levelWarn = "WARN"
	levelFail = "FAIL"
)

// finding is one thing that was looked at. Its JSON stays.
type finding struct {
	Level string `json:"level"`
	Check string `json:"check"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// doctor looks at an installation, part by part, and goes on after what is
// wrong as far as it can.
type doctor struct {
	*app
	findings []finding
}

func (d *doctor) ok(check, format string, args ...any) {
	d.findings = append(d.findings, finding{levelOK, check, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, text, do string) {
	d.findings = append(d.findings, finding{levelWarn, check, text, do})
}

func (d *doctor) fail(check, text, do string) {
	d.findings = append(d.findings, finding{levelFail, check, text, do})
}

// Run looks at everything and says what to mend.
func (c *doctorCmd) Run(ctx context.Context, g *globals) error {
	d := &doctor{app: &app{globals: g, log: g.quiet()}}
	defer d.shut()
	over := g.telling("looking at everything")
	err := d.examine(ctx)
	over()
	if err != nil {
		return err
	}
	if g.JSON {
		if err := g.printJSON(d.findings); err != nil {
			return err
		}
	} else {
		d.print()
	}
	failed := 0
	for _, f := range d.findings {
		if f.Level == levelFail {
			failed++
		}
	}
	if failed > 0 {
		return incomplete{fmt.Sprintf("%s must be mended", counted(int64(failed), "thing"))}
	}
	return nil
}

func (d *doctor) print() {
	t := newTable()
	for _, f := range d.findings {
		t.add(f.Level, f.Check, strings.ReplaceAll(f.Text, "\n", " "))
		if f.Do != "" {
			t.add("", "", "-> "+f.Do)
		}
	}
	fmt.Fprint(d.stdout, t.text(""))
}

func (d *doctor) examine(ctx context.Context) error {
	d.disk()
	riverURL, err := d.openDB(ctx)
	if err != nil {
		d.fail("database", err.Error(), "")
		return nil // nothing else can be looked at
	}
	d.ok("schema", "at the version this release needs")
	if err := d.server(ctx); err != nil {
		return err
	}
	d.workers(ctx)
	if err := d.openKeys(ctx); err != nil {
		d.fail("key", err.Error(), "")
		return nil
	}
	d.ok("key", "the key file fits this database")
	if err := d.openQueue(ctx, riverURL, need{}); err != nil {
		return err
	}
	if err := d.connections(ctx); err != nil {
		return err
	}
	if err := d.book(ctx); err != nil {
		return err
	}
	return d.tellingPeople(ctx)
}

// server looks at the database server.
func (d *doctor) server(ctx context.Context) error {
	before := time.Now()
	f, err := d.db.Facts(ctx)
	if err != nil {
		return err
	}
	where := "given by DATABASE_URL"
	if d.app.server != nil {
		where = "private"
	}
	d.ok("database", "PostgreSQL %s, %s", f.Version, where)
	d.ok("role", "%s, bound by row-level security", f.Role)
	d.clock(before, f.Now, time.Now())
	d.settings(f.Settings)
	d.pooler(f.Between)
	return nil
}

// maxSkew is how far clocks may be apart: leases and tokens go by the
// database's, logs and signatures by ours.
const maxSkew = 2 * time.Second

func (d *doctor) clock(before, theirs, after time.Time) {
	ours := before.Add(after.Sub(before) / 2)
	skew := theirs.Sub(ours).Abs()
	if skew > maxSkew+after.Sub(before)/2 {
		d.warn("clock", fmt.Sprintf("the database's clock and this machine's are %s apart", span(skew)), "let both follow NTP")
		return
	}
	d.ok("clock", "agrees with the database's")
}

func (d *doctor) settings(s map[string]string) {
	found := len(d.findings)
	if s["server_encoding"] != "UTF8" {
		d.fail("settings", "the database's encoding is "+s["server_encoding"], "make the database anew with ENCODING 'UTF8'")
	}
	for _, name := range []string{"fsync", "full_page_writes"} {
		if s[name] == "off" {
			d.fail("settings", name+" is off: a crash of the machine can destroy the database", "set it to on and reload PostgreSQL")
		}
	}
	if s["synchronous_commit"] == "off" {
		d.warn("settings", "synchronous_commit is off: a crash can lose deliveries that were answered", "set it to on")
	}
	if s["autovacuum"] == "off" {
		d.warn("settings", "autovacuum is off: tables grow and queries slow down", "set it to on")
	}
	if len(d.findings) == found {
		d.ok("settings", "safe; up to %s connections", s["max_connections"])
	}
}

func (d *doctor) pooler(between bool) {
	switch {
	case between && !d.Pooler:
		d.warn("pooler", "a pooler or proxy stands before the database", "if it pools transactions, set SALESBOOK_POOLER=1")
	case !between && d.Pooler:
		d.warn("pooler", "SALESBOOK_POOLER is set, but the database answers directly: jobs start later than they could", "unset it")
	case between:
		d.ok("pooler", "a pooler stands before the database, as SALESBOOK_POOLER says")
	}
}

func (d *doctor) workers(ctx context.Context) {
	alive, err := d.db.WorkersAlive(ctx)
	switch {
	case err != nil:
		d.fail("workers", err.Error(), "run `salesbook migrate`")
	case !alive:
		d.warn("workers", "no worker is running: nothing is pulled and deliveries wait", "start `salesbook up` or `salesbook work`")
	default:
		d.ok("workers", "running")
	}
}

// disk looks at the space beside the private database.
func (d *doctor) disk() {
	if d.DatabaseURL != "" {
		return
	}
	dir, err := d.dataDir()
	if err != nil {
		d.fail("data directory", err.Error(), "name one with --data")
		return
	}
	free, bytes, err := freeDisk(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return // made at the first start
	}
	if err != nil {
		d.warn("disk", fmt.Sprintf("%s: %v", dir, err), "")
		return
	}
	text := fmt.Sprintf("%s: %s free (%s)", dir, percent(free), size(bytes))
	switch {
	case free < jobs.LeastFree:
		d.fail("disk", text, "make room: until 5 % are free first loads, sweeps and the past of deals wait; deliveries and changes still come in")
	case free < 0.15:
		d.warn("disk", text, "make room soon")
	default:
		d.ok("disk", "%s", text)
	}
}
