package embedded

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// lockPoll is how often an attached process looks whether the owner is
	// gone: one system call each time.
	lockPoll = 50 * time.Millisecond

	// A server that keeps dying is started again restarts times, after 100 ms
	// and then twice as long each time. One that lived for steady starts anew.
	restarts   = 6
	firstDelay = 100 * time.Millisecond
	steady     = time.Minute

	pruneEvery = time.Hour
)

// Server is a process's hold on the private PostgreSQL of one directory, either
// as its owner or attached to another's. It is safe for concurrent use.
type Server struct {
	host
	at       address
	binDir   string
	settings map[string]string

	owner atomic.Bool
	stop  context.CancelFunc
	ended chan struct{} // supervise has returned
	done  chan struct{} // closed on failure; err is set then
	err   error
}

// Start returns when the private PostgreSQL of the directory answers and has
// the database "salesbook": it creates the cluster and starts the server where
// need be, or attaches to the server that another process owns. ctx limits only
// the wait. On a machine that crashed, recovery can take minutes; give it time.
//
// Errors say what to do; errors.Is tells ErrNoBinaries and ErrWrongVersion.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	up := make(chan error, 2)
	go s.supervise(life, up)
	select {
	case err := <-up:
		if err != nil {
			stop()
			<-s.ended
			return nil, err
		}
		return s, nil
	case <-ctx.Done():
		stop()
		<-s.ended
		return nil, fmt.Errorf("start the private PostgreSQL in %s: %w", s.home, context.Cause(ctx))
	}
}

func newServer(cfg Config) (*Server, error) {
	if err := checkSettings(cfg.Settings); err != nil {
		return nil, err
	}
	h, err := newHost(cfg)
	if err != nil {
		return nil, err
	}
	dir, err := socketDir(h.home, h.who)
	if err != nil {
		return nil, err
	}
	return &Server{
		host: h, at: address{dir: dir, port: port}, binDir: cfg.BinDir, settings: cfg.Settings,
		ended: make(chan struct{}), done: make(chan struct{}),
	}, nil
}

// checkSettings refuses what would take the server from under our own feet.
func checkSettings(settings map[string]string) error {
	for _, name := range []string{"port", "listen_addresses", "unix_socket_directories", "data_directory", "log_directory"} {
		if _, ok := settings[name]; ok {
			return fmt.Errorf("the setting %s of the private PostgreSQL is salesbook's own: use DATABASE_URL with a server of yours", name)
		}
	}
	return nil
}

// URL returns a connection string for a role and a database that pgx, libpq and
// its tools accept. It stays valid across restarts and changes of the owner.
// The superuser is "salesbook_admin", our database "salesbook".
func (s *Server) URL(user, database string) string { return s.at.url(user, database) }

// Owner reports whether this process runs the server. It becomes true when an
// attached process takes over.
func (s *Server) Owner() bool { return s.owner.Load() }

// Done is closed when the server died and could not be brought back by this
// process; Err then tells why. Stop does not close it.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns nil until Done is closed.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop ends this process's hold: an owner shuts the server down (fast: open
// sessions are ended) and waits, whereupon an attached process, if there is
// one, takes over; an attached process only lets go. When ctx ends first, the
// shutdown goes on by itself. Stop may be called again.
func (s *Server) Stop(ctx context.Context) error {
	s.stop()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("PostgreSQL in %s is still shutting down, and goes on doing so: %w", s.home, context.Cause(ctx))
	}
}

// supervise is the life of a Server: wait for ownership, then keep the server
// running until ctx ends. It keeps to one thread because the kernel ties the
// server's life to the thread that started it. Each report to up says whether
// the server can be used; only the first is read.
func (s *Server) supervise(ctx context.Context, up chan<- error) {
	defer close(s.ended)
	runtime.LockOSThread()
	lock, attached, err := s.awaitOwnership(ctx, up)
	if err != nil {
		if ctx.Err() == nil {
			s.fail(err)
		}
		up <- err
		return
	}
	defer lock.Close()
	defer s.owner.Store(false)
	s.owner.Store(true)
	if err := s.keepRunning(ctx, up, attached); err != nil {
		s.fail(err)
	}
}

func (s *Server) fail(err error) {
	s.err = err
	close(s.done)
}

// awaitOwnership returns the owner's lock. While another process has it, it
// reports to up as soon as that one's server answers.
func (s *Server) awaitOwnership(ctx context.Context, up chan<- error) (lock *os.File, attached bool, err error) {
	lock, err = openPrivate(s.home.ownerLock(), s.who, 0)
	if err != nil {
		return nil, false, err
	}
	for {
		mine, err := tryLock(lock)
		if mine {
			return lock, attached, nil
		}
		if err == nil && !attached && ping(ctx, s.URL(adminRole, database)) == nil {
			attached = true
			s.log.Info("attached to the private PostgreSQL of another process")
			up <- nil
		}
		if err == nil && !pause(ctx, lockPoll) {
			err = context.Cause(ctx)
		}
		if err != nil {
			lock.Close()
			return nil, false, err
		}
	}
}

// keepRunning starts the server and starts it again when it dies, until ctx
// ends (nil) or it has died too often. A failure of the very first start is
// reported to up and not tried again: someone waits for it.
func (s *Server) keepRunning(ctx context.Context, up chan<- error, attached bool) error {
	serving := attached
	for failures := 0; ; failures++ {
		p, err := s.bringUp(ctx)
		if err == nil {
			if !serving {
				serving = true
				up <- nil
			}
			var long bool
			if long, err = s.watch(ctx, p); long {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if !serving {
			up <- err
			return err
		}
		if failures == restarts {
			return fmt.Errorf("the private PostgreSQL in %s died %d times: %w", s.home, failures+1, err)
		}
		s.log.Error("the private PostgreSQL died, starting it again", "error", err, "attempt", failures+1)
		pause(ctx, firstDelay<<failures)
	}
}

// bringUp makes the cluster if there is none, and starts the server.
func (s *Server) bringUp(ctx context.Context) (*postmaster, error) {
	begun := time.Now()
	lock, err := s.awaitPredecessor(ctx)
	if err != nil {
		return nil, err
	}
	// Our own copy: from here on the server's processes hold it.
	defer lock.Close()
	bin, err := s.ensureCluster(ctx, s.binDir, lock, s.settings["fsync"] != "off")
	if err != nil {
		return nil, err
	}
	if err := s.who.ensurePrivate(s.home.logs()); err != nil {
		return nil, err
	}
	p, err := s.startPostmaster(launch{bin: bin, data: s.home.data(), at: s.at, lock: lock, settings: s.settings})
	if err != nil {
		return nil, err
	}
	err = s.awaitReady(ctx, p, s.at)
	if err == nil {
		err = ensureDatabase(ctx, s.at)
	}
	if err != nil {
		_ = p.stop() // the error that matters is why it is of no use
		return nil, err
	}
	s.log.Info("the private PostgreSQL is up", "version", bin.major, "binaries", bin.dir,
		"user", s.who.name, "took", time.Since(begun).Round(time.Millisecond))
	return p, nil
}

// watch waits until the server dies (the error says how) or ctx ends, when it
// stops the server. long tells that the server lived long enough for its death
// to be news rather than one of a series.
func (s *Server) watch(ctx context.Context, p *postmaster) (long bool, err error) {
	settled := time.After(steady)
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		if err := s.pruneLogs(); err != nil {
			s.log.Warn("old logs of PostgreSQL could not be removed", "error", err)
		}
		select {
		case <-prune.C:
		case <-settled:
			long = true
		case <-p.exited:
			return long, s.explain("PostgreSQL ended by itself", p.cmd.Path, p.err, s.lastWords())
		case <-ctx.Done():
			return long, s.shutDown(p)
		}
	}
}

// shutDown stops the server and waits until its last process, the one that
// writes the log, has ended too.
func (s *Server) shutDown(p *postmaster) error {
	if err := p.stop(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	lock, err := s.awaitPredecessor(ctx)
	if err != nil {
		return err
	}
	return lock.Close()
}
