package jobs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Schema is where River keeps its tables.
const Schema = "river"

// ClientOptions tune a queue client.
type ClientOptions struct {
	Workers  int  // short jobs at once in this process, and half as many long ones; 0: a client that only inserts
	PollOnly bool // behind a transaction pooler, which has no LISTEN
	// How often it looks for jobs that nobody announced, such as one that goes on
	// after a time slice; a second unless set.
	PollEvery time.Duration
	Reindex   bool // the pool's role owns River's tables
	Plugins   []rivertype.Plugin
	Log       *slog.Logger
}

// NewClient returns a River client on its own pool. With workers it serves
// every kind of job once started, and ticks while it leads.
func NewClient(p *Pipeline, pool *pgxpool.Pool, o ClientOptions) (*river.Client[pgx.Tx], error) {
	cfg := &river.Config{
		Schema: Schema, Logger: o.Log, PollOnly: o.PollOnly, MaxAttempts: 5,
		JobTimeout: 5 * time.Minute, RescueStuckJobsAfter: 10 * time.Minute,
		FetchCooldown: 10 * time.Millisecond, FetchPollInterval: cmp.Or(o.PollEvery, time.Second), Plugins: o.Plugins,
	}
	if !o.Reindex {
		cfg.ReindexerSchedule = river.NeverSchedule()
	}
	if o.Workers > 0 {
		cfg.Workers = workers(p)
		cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}, bulk: {MaxWorkers: max(1, o.Workers/2)}}
		cfg.PeriodicJobs = []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(tickEvery),
			func() (river.JobArgs, *river.InsertOpts) { return TickArgs{}, &river.InsertOpts{MaxAttempts: 1} }, &river.PeriodicJobOpts{RunOnStart: true})}
		cfg.ErrorHandler = deadLetters{p}
	}
	c, err := river.NewClient(riverpgxv5.New(pool), cfg)
	if err != nil {
		return nil, fmt.Errorf("queue client: %w", err)
	}
	return c, nil
}

// tickEvery bounds how late a schedule can be.
const tickEvery = 5 * time.Second

// workers registers every kind: a leader that does not know a stuck job's kind
// would discard it.
func workers(p *Pipeline) *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[TickArgs]) error { return p.Tick(ctx) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[PullArgs]) error {
		return p.pulling(ctx, j.Args)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[ReceiveArgs]) error {
		return p.calling(ctx, "receive", j.Args.Workspace, j.Args.Connection, func() error {
			return p.outcome(ctx, "receive", j.Args.Workspace, j.Args.Connection, p.Receive(ctx, j.Args.Workspace, j.Args.Connection))
		})
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[HistoryArgs]) error {
		return p.calling(ctx, "history", j.Args.Workspace, j.Args.Connection, func() error {
			return p.outcome(ctx, "history", j.Args.Workspace, j.Args.Connection, p.History(ctx, j.Args.Workspace, j.Args.Connection))
		})
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[WatchArgs]) error {
		return p.calling(ctx, "watch", j.Args.Workspace, j.Args.Connection, func() error {
			return p.outcome(ctx, "watch", j.Args.Workspace, j.Args.Connection, p.Watch(ctx, j.Args.Workspace, j.Args.Connection))
		})
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[ReplayArgs]) error {
		return p.replayJob(ctx, j.Args)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[SweepArgs]) error {
		return p.calling(ctx, j.Args.Kind(), j.Args.Workspace, j.Args.Connection, func() error { return p.sweepJob(ctx, j.Args) })
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[PushArgs]) error {
		return p.calling(ctx, j.Args.Kind(), j.Args.Workspace, j.Args.Connection, func() error { return p.pushJob(ctx, j.Args) })
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[RetainArgs]) error { return p.Retain(ctx, j.Args.Workspace) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[EvaluateArgs]) error { return p.evaluateJob(ctx, j.Args) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[NotifyArgs]) error { return p.notifyJob(ctx, j.Args) }))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[StartArgs]) error { return p.Start(ctx, j.Args.Workspace) }))
	return w
}

// pullJob pulls for one time slice and, if there is more, asks to go on.
func (p *Pipeline) pullJob(ctx context.Context, a PullArgs) error {
	complete, err := p.Pull(ctx, a.Workspace, a.Connection, PullOptions{Force: a.Force})
	if again := fault.KindOf(err) == fault.Lost || err == nil && !complete; a.Force && again {
		return river.JobSnooze(5 * time.Second) // what was asked for outlives the slice, and another's pull
	}
	if err != nil || complete {
		return p.outcome(ctx, "pull", a.Workspace, a.Connection, err)
	}
	if ctx.Err() != nil {
		return river.JobSnooze(0)
	}
	return p.postpone(ctx, "pull", a.Workspace, a.Connection, 0)
}

// deadLetters copies jobs that the queue gives up to our own list, before the
// queue forgets them.
type deadLetters struct{ p *Pipeline }

// HandleError lists a job whose last attempt failed.
func (d deadLetters) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	d.p.Log.ErrorContext(ctx, "a job failed", "job", job.Kind, "id", job.ID, "attempt", job.Attempt, "why", err)
	if job.Attempt >= job.MaxAttempts {
		d.add(ctx, job, err.Error(), "")
	}
	return nil
}

// HandlePanic lists a job that panicked for the last time.
func (d deadLetters) HandlePanic(ctx context.Context, job *rivertype.JobRow, panicVal any, trace string) *river.ErrorHandlerResult {
	d.p.Log.ErrorContext(ctx, "a job panicked", "job", job.Kind, "id", job.ID, "panic", panicVal, "trace", trace)
	if job.Attempt >= job.MaxAttempts {
		d.add(ctx, job, fmt.Sprint("panic: ", panicVal), "this is a fault of salesbook: please report it with the log")
	}
	return nil
}

func (d deadLetters) add(ctx context.Context, job *rivertype.JobRow, reason, hint string) {
	args, err := scopeOf(job.EncodedArgs)
	if err != nil || args.Workspace == 0 {
		return // a tick: the next one does its work
	}
	f := postgres.Failure{ConnectionID: args.Connection, Kind: "job", Object: job.Kind, ExternalID: fmt.Sprint(args.Connection), Reason: reason, Hint: hint, Args: job.EncodedArgs}
	if f.Hint == "" {
		f.Hint = "see the log for its cause; `salesbook failures retry` runs it again"
	}
	err = d.p.DB.In(ctx, args.Workspace, func(tx pgx.Tx) error {
		return postgres.AddFailures(ctx, tx, args.Workspace, []postgres.Failure{f})
	})
	if err != nil {
		d.p.Log.ErrorContext(ctx, "a given-up job could not be listed", "job", job.Kind, "id", job.ID, "why", err)
	}
}
