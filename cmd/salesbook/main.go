// Command salesbook keeps a sales department's systems in one book. This
// package only wires: one file per command, no logic of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"salesbook.dev/internal/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// version is set by the linker.
var version = "dev"

// Exit codes, documented in docs/operate.md.
const (
	exitOK         = 0
	exitFailed     = 1 // it did not work; the message says what to do
	exitUsage      = 2 // the command line is wrong
	exitIncomplete = 3 // it worked, but something is missing or differs
	exitConsent    = 4 // a person must give consent again
)

// incomplete is the error of a command whose answer is "not all of it".
type incomplete struct{ text string }

func (e incomplete) Error() string { return e.text }

// cli is the whole command line.
type cli struct {
	globals

	Up      upCmd      `cmd:"" help:"Everything in one process: database, workers, web."`
	Serve   serveCmd   `cmd:"" help:"Answer deliveries and operators' requests over HTTP."`
	Work    workCmd    `cmd:"" help:"Work off jobs."`
	Migrate migrateCmd `cmd:"" help:"Bring the database schema up to this release."`

	Connect     connectCmd     `cmd:"" help:"Connect an account of a vendor."`
	Connections connectionsCmd `cmd:"" help:"List, show, pause, resume and remove connections."`
	Sync        syncCmd        `cmd:"" help:"Pull what changed at a connection's vendor."`
	Prove       proveCmd       `cmd:"" help:"Compare everything with a connection's vendor now, repair what differs, and show both sides."`
	Status      statusCmd      `cmd:"" help:"How far every connection is."`
	Runs        runsCmd        `cmd:"" help:"What the last runs did."`
	Failures    failuresCmd    `cmd:"" help:"List, show and retry what was given up."`
	Mapping     mappingCmd     `cmd:"" help:"Show, check, preview and apply a connection's field map."`
	Overview    overviewCmd    `cmd:"" help:"What a head of sales sees first: what hangs, what is lost, who waits for an answer."`
	Explain     explainCmd     `cmd:"" help:"Say what the book says of a deal or lead, and why."`
	Stale       staleCmd       `cmd:"" help:"List deals that hang, and why."`
	Leads       leadsCmd       `cmd:"" help:"List leads that are not handled as the book says."`
	Snooze      snoozeCmd      `cmd:"" help:"Let a deal or lead wait until a day."`
	Excuse      excuseCmd      `cmd:"" help:"Let a violation pass until a day."`
	Acknowledge acknowledgeCmd `cmd:"" help:"Say that you have seen a violation and take it on."`
	Approve     approveCmd     `cmd:"" help:"Agree to the loss of a deal."`
	Approvals   approvalsCmd   `cmd:"" help:"List losses that wait for somebody to agree."`
	Spellings   spellingsCmd   `cmd:"" help:"List what reps write as loss reasons, and decide what it means."`
	Violations  violationsCmd  `cmd:"" help:"List rules of the book that are broken now."`
	Backlog     backlogCmd     `cmd:"" help:"List deals and leads with violations from before the book, the dearest first."`
	Edits       editsCmd       `cmd:"" help:"What is written back to the CRM: list, show, approve, cancel and undo edits; let them be made, or stop them."`
	Book        bookCmd        `cmd:"" help:"Check and test a sales book."`
	Notify      notifyCmd      `cmd:"" help:"Who is told what, and by what: channels, the mail server, digests."`
	Replay      replayCmd      `cmd:"" help:"Make canonical rows anew from stored raw records."`
	Show        showCmd        `cmd:"" help:"Show one canonical record with its history."`

	Erase     eraseCmd     `cmd:"" help:"Erase what is known of a person."`
	Retention retentionCmd `cmd:"" help:"Show and set how long what is kept."`

	Demo    demoCmd    `cmd:"" help:"Watch a simulated sales department being synced."`
	Sandbox sandboxCmd `cmd:"" help:"Run a vendor's simulator."`

	Key     keyCmd     `cmd:"" help:"Keys that seal credentials."`
	DB      dbCmd      `cmd:"" name:"db" help:"The database: url, psql, dump, restore, upgrade, install."`
	Doctor  doctorCmd  `cmd:"" help:"Check the installation and say what to mend."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// run parses the command line, does what it says and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("salesbook"), kong.Description("The sales book that works by itself."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { panic(exited{}) }), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(stderr, "salesbook:", err)
		return exitFailed
	}
	kctx, code, ok := parse(parser, args, stderr)
	if !ok {
		return code
	}
	c.stdin, c.stdout, c.stderr = stdin, stdout, stderr
	kctx.BindTo(ctx, (*context.Context)(nil))
	err = kctx.Run(&c.globals)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		if err = nil; !endless(kctx.Selected()) {
			err = incomplete{"interrupted; run the command again to go on"}
		}
	}
	return report(err, stderr)
}

// endless tells commands that an interruption ends as it should.
func endless(n *kong.Node) bool {
	return n != nil && slices.Contains([]string{"up", "serve", "work", "demo", "sandbox", "status"}, n.Name)
}

// exited is what kong panics with in place of leaving the process, after it
// has printed help.
type exited struct{}

func parse(parser *kong.Kong, args []string, stderr io.Writer) (kctx *kong.Context, code int, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, help := r.(exited); !help {
				panic(r)
			}
			kctx, code, ok = nil, exitOK, false
		}
	}()
	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "salesbook: %v\nRun 'salesbook --help' for what there is.\n", err)
		return nil, exitUsage, false
	}
	return kctx, exitOK, true
}

// report prints an error and returns the exit code that belongs to it.
func report(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "salesbook:", harmless(err.Error()))
	if _, ok := errors.AsType[incomplete](err); ok {
		return exitIncomplete
	}
	if fault.KindOf(err) == fault.Auth {
		return exitConsent
	}
	return exitFailed
}
