package jobs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/seal"
	"salesbook.dev/internal/web"
	"salesbook.dev/jobs"
)

// childEnv holds, for a re-executed test binary, what it is to do.
const childEnv = "SALESBOOK_JOBS_CHILD"

// childWork is a process's share of a test.
type childWork struct {
	Do                 string // a key of childDeeds
	URL, RiverURL, Key string
	Workspace, Conn    int64
	Listen             string // only serve
	TokenURL           string // only token
	Limit              time.Duration
	Since              time.Time     // only sweep and watch
	Email              string        // only erase
	Ahead              time.Duration // of the machine's clock
	Die                boundary
}

// The exit statuses of a child, besides 0 and that of a death.
const (
	childFailed  = 1
	childNoQuota = 3 // the day's budget is spent
	childOverdue = 6 // did not come to an end, and was killed for it
)

// deed is what a child does.
type deed func(ctx context.Context, p *jobs.Pipeline, w childWork) error

func childDeeds() map[string]deed {
	return map[string]deed{
		"pull": pullToTheEnd, "receive": emptyInbox, "history": readHistory, "watch": watchOnce, "replay": replayToTheEnd,
		"erase": erasePerson, "sweep": sweepToTheEnd, "token": renewToken, "serve": serveDeliveries, "work": workUntilTerm,
		"evaluate": judgeToTheEnd, "push": pushToTheEnd, "push once": pushOnce,
	}
}

// child is a process of its own that works on a test's database.
func child() int {
	var w childWork
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &w); err != nil {
		return complain(err)
	}
	ctx := context.Background()
	m := newMortal(w.Die)
	db, err := postgres.Open(ctx, w.URL, postgres.Options{Tracer: m})
	if err != nil {
		return complain(err)
	}
	keys, err := seal.Open(w.Key)
	if err != nil {
		return complain(err)
	}
	p, _, err := assemble(ctx, db, keys, w.RiverURL, os.Stderr)
	if err != nil {
		return complain(err)
	}
	p.LeaseTTL, p.Transport = shortLease, m
	p.Now = func() time.Time { return time.Now().Add(w.Ahead) }
	err = childDeeds()[w.Do](ctx, p, w)
	if err != nil {
		return complain(err)
	}
	return 0
}

// shortLease lets a killed child's lease end soon. The tests' own process keeps
// leases of usual length: it is not killed, but may stand still for a while.
const shortLease = 300 * time.Millisecond

// lookEvery is how often a process looks whether another's lease has ended.
const lookEvery = 10 * time.Millisecond

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.Limited && e.Daily {
		return childNoQuota
	}
	return childFailed
}

// insist repeats work until it is done, as long as what is in the way passes:
// a lease that a killed process held, a quota that fills again.
func insist(ctx context.Context, work func() (done bool, err error)) error {
	for {
		done, err := work()
		if done {
			return nil
		}
		wait := lookEvery
		switch e, _ := errors.AsType[*fault.Error](err); {
		case err == nil || e != nil && e.Kind == fault.Lost:
		case e != nil && e.Kind == fault.Limited && !e.Daily && e.RetryAfter < 10*time.Second:
			wait = e.RetryAfter
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

func pullToTheEnd(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return insist(ctx, func() (bool, error) {
		return p.Pull(ctx, w.Workspace, w.Conn, jobs.PullOptions{Force: true})
	})
}

func emptyInbox(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return insist(ctx, func() (empty bool, err error) {
		if err := p.Receive(ctx, w.Workspace, w.Conn); err != nil {
			return false, err
		}
		err = p.DB.In(ctx, w.Workspace, func(tx pgx.Tx) error {
			waiting, err := postgres.AnyWaiting(ctx, tx, w.Workspace, w.Conn)
			empty = !waiting
			return err
		})
		return empty, err
	})
}

// pushToTheEnd makes edits until none waits, also of those that wait for an
// instant.
func pushToTheEnd(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return insist(ctx, func() (over bool, err error) {
		if _, err := p.Push(ctx, w.Workspace, w.Conn); err != nil {
			return false, err
		}
		err = p.DB.In(ctx, w.Workspace, func(tx pgx.Tx) error {
			list, err := postgres.Edits(ctx, tx, w.Workspace, postgres.EditFilter{States: []string{"ready", "sent"}, Most: 1})
			if over = len(list) == 0; err != nil || !over {
				return err
			}
			list, err = postgres.UncheckedEdits(ctx, tx, w.Workspace, w.Conn, 1)
			over = len(list) == 0
			return err
		})
		return over, err
	})
}

// pushOnce makes the edits that have their turn.
func pushOnce(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	_, err := p.Push(ctx, w.Workspace, w.Conn)
	return err
}

func readHistory(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	s, err := p.Open(ctx, w.Workspace, w.Conn)
	if err != nil {
		return err
	}
	asked := slices.IndexFunc(s.Spec.Objects, func(o connectors.Object) bool { return o.Mode == connectors.Asked })
	return insist(ctx, func() (all bool, err error) {
		if err := p.History(ctx, w.Workspace, w.Conn); err != nil {
			return false, err
		}
		err = p.DB.In(ctx, w.Workspace, func(tx pgx.Tx) error {
			left, err := postgres.DealsWithoutHistory(ctx, tx, w.Workspace, w.Conn, s.Spec.Objects[asked].Name, 1)
			all = len(left) == 0
			return err
		})
		return all, err
	})
}

// watchOnce watches until a run has come to its end: while a process that was
// killed holds the lease, there is none.
func watchOnce(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return insist(ctx, func() (done bool, err error) {
		if err := p.Watch(ctx, w.Workspace, w.Conn); err != nil {
			return false, err
		}
		err = p.DB.In(ctx, w.Workspace, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM runs WHERE connection_id = $1 AND kind = 'watch' AND outcome = 'done' AND started_at >= $2)`, w.Conn, w.Since).Scan(&done)
		})
		return done, err
	})
}

func replayToTheEnd(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return insist(ctx, func() (bool, error) {
		r, err := p.Replay(ctx, w.Workspace, w.Conn)
		return r.Complete, err
	})
}

func erasePerson(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	_, err := p.Erase(ctx, w.Workspace, postgres.Wanted{Email: w.Email}, "test", false)
	return err
}

// renewToken prints, for each line that it is given, the access token that it
// gets, or the kind of failure.
func renewToken(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	fmt.Println("ready")
	for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
		source := &postgres.Tokens{ // of a job of its own, which has none in hand
			Ctx: context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: p.Transport}), DB: p.DB, Vault: p.Vault, Workspace: w.Workspace, Connection: w.Conn,
			Config: oauthClient(w.TokenURL), Holder: p.Holder, Now: time.Now, Limit: w.Limit,
		}
		token, err := source.Token()
		if err != nil {
			fmt.Println(fault.KindOf(err))
			continue
		}
		fmt.Println(token.AccessToken)
	}
	return nil
}

// serveDeliveries stores deliveries until it is told to end.
func serveDeliveries(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", w.Listen)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	s := &web.Server{DB: p.DB, Pipeline: p, Metrics: prometheus.NewRegistry(), Log: p.Log}
	return s.Serve(ctx, l)
}

// workUntilTerm works off jobs until it is told to end.
func workUntilTerm(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	p.LeaseTTL = time.Second
	pool, err := pgxpool.New(ctx, w.RiverURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	client, err := jobs.NewClient(p, pool, jobs.ClientOptions{Workers: 4, PollEvery: 100 * time.Millisecond, Log: p.Log})
	if err != nil {
		return err
	}
	p.Queue = client
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	fmt.Println("ready")
	<-ctx.Done()
	late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return client.StopAndCancel(late)
}
