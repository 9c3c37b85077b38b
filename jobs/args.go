package jobs

import (
	"encoding/json"

	"github.com/riverqueue/river"
)

// The queue's argument types carry ids only: they are stored for days and
// shown to operators. Kinds are stored names and never change.

// TickArgs asks for a look at what is due.
type TickArgs struct{}

// Kind is the stored name of the job.
func (TickArgs) Kind() string { return "tick" }

// PullArgs asks for a look at what a connection's vendor has changed.
type PullArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
	Force      bool  `json:"force,omitempty"` // also at objects that are not due yet: a person asked
}

// Kind is the stored name of the job.
func (PullArgs) Kind() string { return "pull" }

// ReceiveArgs asks for a look at a connection's inbox.
type ReceiveArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
}

// Kind is the stored name of the job.
func (ReceiveArgs) Kind() string { return "receive" }

// HistoryArgs asks for deals' past to be read as far as the quota allows.
type HistoryArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
}

// Kind is the stored name of the job.
func (HistoryArgs) Kind() string { return "history" }

// WatchArgs asks for a look at a connection's subscriptions at the vendor.
type WatchArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
}

// Kind is the stored name of the job.
func (WatchArgs) Kind() string { return "watch" }

// ReplayArgs asks for canonical rows to be made anew from raw records.
type ReplayArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
	// Where to go on, under the map with this number.
	Version int64  `json:"version,omitempty"`
	Object  string `json:"object,omitempty"`
	After   string `json:"after,omitempty"`
}

// Kind is the stored name of the job.
func (ReplayArgs) Kind() string { return "replay" }

// SweepArgs asks for what is due to be compared with a connection's vendor.
type SweepArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
}

// Kind is the stored name of the job.
func (SweepArgs) Kind() string { return "sweep" }

// PushArgs asks for edits that wait for their turn to be made at a connection's
// vendor.
type PushArgs struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
}

// Kind is the stored name of the job.
func (PushArgs) Kind() string { return "push" }

// RetainArgs asks for a workspace's old rows to be deleted.
type RetainArgs struct {
	Workspace int64 `json:"workspace_id"`
}

// Kind is the stored name of the job.
func (RetainArgs) Kind() string { return "retain" }

// EvaluateArgs asks for what is dirty to be judged by the workspace's book.
type EvaluateArgs struct {
	Workspace int64 `json:"workspace_id"`
}

// Kind is the stored name of the job.
func (EvaluateArgs) Kind() string { return "evaluate" }

// NotifyArgs asks for people to be told what waits.
type NotifyArgs struct {
	Workspace int64 `json:"workspace_id"`
}

// Kind is the stored name of the job.
func (NotifyArgs) Kind() string { return "notify" }

// StartArgs asks for a look at whether a workspace can have a starter book.
type StartArgs struct {
	Workspace int64 `json:"workspace_id"`
}

// Kind is the stored name of the job.
func (StartArgs) Kind() string { return "start" }

// InsertOpts puts the job among those that take long.
func (StartArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: bulk} }

// bulk is the queue of work that takes long, so that short work is never
// kept waiting by it.
const bulk = "bulk"

// InsertOpts puts the job among those that take long.
func (PullArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: bulk} }

// InsertOpts puts the job among those that take long.
func (HistoryArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: bulk} }

// InsertOpts puts the job among those that take long.
func (ReplayArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: bulk} }

// InsertOpts puts the job among those that take long.
func (SweepArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: bulk} }

// argsOf makes the arguments of a scheduled kind, or nil for a kind that this
// release does not know.
func argsOf(kind string, workspace, connection int64) river.JobArgs {
	switch kind {
	case PullArgs{}.Kind():
		return PullArgs{Workspace: workspace, Connection: connection}
	case HistoryArgs{}.Kind():
		return HistoryArgs{workspace, connection}
	case WatchArgs{}.Kind():
		return WatchArgs{workspace, connection}
	case SweepArgs{}.Kind():
		return SweepArgs{workspace, connection}
	case PushArgs{}.Kind():
		return PushArgs{workspace, connection}
	case RetainArgs{}.Kind():
		return RetainArgs{workspace}
	case EvaluateArgs{}.Kind():
		return EvaluateArgs{workspace}
	case StartArgs{}.Kind():
		return StartArgs{workspace}
	case NotifyArgs{}.Kind():
		return NotifyArgs{workspace}
	}
	return nil
}

// jobScope is what every job's arguments may hold.
type jobScope struct {
	Workspace  int64 `json:"workspace_id"`
	Connection int64 `json:"connection_id"`
}

// scopeOf reads whose job it is from stored arguments.
func scopeOf(args []byte) (s jobScope, err error) {
	return s, json.Unmarshal(args, &s)
}
