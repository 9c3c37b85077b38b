package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Upgraded tells what Upgrade did. From equals To when there was nothing to do.
type Upgraded struct {
	From, To int    // major versions
	Kept     string // where the old cluster is now; empty when nothing was done
}

// upgrade is one move of a cluster to another major version.
type upgrade struct {
	host
	from, to binaries
	tools    clients
	lock     *os.File
}

// Upgrade moves the cluster of a directory to a newer major version: that of
// cfg.BinDir, or without it the newest installed. Both versions' servers and
// the client programs (pg_dump and its kin) of the old version or one between
// must be there, and no process may be using the directory. The new cluster is
// built beside the old one, takes its place only when it is whole and on disk,
// and the old one stays as data.old-<major> for the operator to delete.
// Settings that the operator changed are not carried over. An interrupted
// upgrade is completed by the next start if the new cluster was whole, else the
// old cluster is as it was.
func Upgrade(ctx context.Context, cfg Config) (Upgraded, error) {
	h, err := newHost(cfg)
	if err != nil {
		return Upgraded{}, err
	}
	owner, err := h.claim()
	if err != nil {
		return Upgraded{}, err
	}
	defer owner.Close()
	// The servers' lives are tied to the thread that starts them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	lock, err := h.awaitPredecessor(ctx)
	if err != nil {
		return Upgraded{}, err
	}
	defer lock.Close()
	if err := h.finishUpgrade(); err != nil {
		return Upgraded{}, err
	}
	u, err := h.planUpgrade(ctx, cfg.BinDir)
	if err != nil || u.from.major == u.to.major {
		return Upgraded{From: u.from.major, To: u.to.major}, err
	}
	u.lock = lock
	if err := u.build(ctx); err != nil {
		return Upgraded{}, fmt.Errorf("upgrade from PostgreSQL %d to %d failed and left the database as it was: %w", u.from.major, u.to.major, err)
	}
	if err := h.finishUpgrade(); err != nil {
		return Upgraded{}, fmt.Errorf("the next start completes the upgrade from PostgreSQL %d to %d: %w", u.from.major, u.to.major, err)
	}
	return Upgraded{From: u.from.major, To: u.to.major, Kept: h.home.kept(u.from.major)}, nil
}

// claim takes the owner's lock or says who is in the way.
func (h host) claim() (*os.File, error) {
	owner, err := openPrivate(h.home.ownerLock(), h.who, 0)
	if err != nil {
		return nil, err
	}
	free, err := tryLock(owner)
	if err == nil && !free {
		err = fmt.Errorf("the database in %s is in use: stop every salesbook process on it first", h.home)
	}
	if err != nil {
		return nil, errors.Join(err, owner.Close())
	}
	return owner, nil
}

// planUpgrade finds everything that is needed before anything is touched.
func (h host) planUpgrade(ctx context.Context, binDir string) (u upgrade, err error) {
	major, err := h.home.major()
	if err != nil {
		return u, err
	}
	if major == 0 {
		return u, fmt.Errorf("there is no database in %s to upgrade", h.home)
	}
	u.host = h
	if u.to, err = h.newestServer(ctx, binDir); err != nil {
		return u, err
	}
	if u.to.major < major {
		return u, fmt.Errorf("the database in %s was made by PostgreSQL %d, the newest found is %d: going back is not possible", h.home, major, u.to.major)
	}
	if u.to.major == major {
		u.from = u.to
		return u, nil
	}
	if _, err := os.Lstat(h.home.kept(major)); err == nil {
		return u, fmt.Errorf("%s is there from an earlier upgrade: move it away or delete it first", h.home.kept(major))
	}
	for _, b := range h.search(ctx, candidates(h.home)) {
		if b.major == major {
			u.from = b
			u.tools, err = h.findClients(ctx, binDir, major, u.to.major)
			return u, err
		}
	}
	return u, fmt.Errorf("%w: to upgrade the database in %s its own PostgreSQL %d must be installed beside the new one (apt-get install postgresql-%d)",
		ErrWrongVersion, h.home, major, major)
}

// newestServer is the version to upgrade to.
func (h host) newestServer(ctx context.Context, binDir string) (newest binaries, err error) {
	found, err := h.installed(ctx, binDir)
	if err != nil {
		return newest, err
	}
	for _, b := range found {
		if b.major > newest.major {
			newest = b
		}
	}
	if newest.major == 0 {
		_, err = h.findServer(ctx, binDir, 0)
	}
	return newest, err
}

// build makes the new cluster and declares it whole, by its name.
func (u upgrade) build(ctx context.Context) error {
	staging := u.home.staging()
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := u.makeWritable(staging); err != nil {
		return err
	}
	if err := u.fill(ctx, staging); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	// Nothing was synced on the way, for speed.
	out, err := u.command(ctx, u.lock, syscall.SIGKILL, u.to.path("initdb"), "--sync-only", "--pgdata", staging).CombinedOutput()
	if err != nil {
		return u.explain("write the new database to disk", u.to.path("initdb"), err, complaint(string(out)))
	}
	// From this rename on the new cluster counts; finishUpgrade does the rest,
	// now or at the next start.
	if err := os.Rename(staging, u.home.upgraded()); err != nil {
		return err
	}
	return syncDir(string(u.home))
}

// fill makes the new cluster and copies everything into it, the two servers
// running side by side on sockets of their own.
func (u upgrade) fill(ctx context.Context, staging string) (err error) {
	if err := u.initdb(ctx, u.to, staging, u.lock, false); err != nil {
		return err
	}
	sockets, err := os.MkdirTemp(shortTemp(), "salesbook-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(sockets)) }()
	if err := u.who.ensurePrivate(sockets); err != nil {
		return err
	}
	source, target := address{sockets, port}, address{sockets, port + 1}
	stopSource, err := u.serve(ctx, launch{bin: u.from, data: u.home.data(), at: source, lock: u.lock})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopSource()) }()
	stopTarget, err := u.serve(ctx, launch{bin: u.to, data: staging, at: target, lock: u.lock,
		settings: map[string]string{"fsync": "off", "autovacuum": "off"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopTarget()) }()
	return u.copyAll(ctx, source, target)
}

// serve starts a server and returns how to stop it.
func (u upgrade) serve(ctx context.Context, l launch) (stop func() error, err error) {
	if err := u.who.ensurePrivate(u.home.logs()); err != nil {
		return nil, err
	}
	p, err := u.startPostmaster(l)
	if err != nil {
		return nil, err
	}
	if err := u.awaitReady(ctx, p, l.at); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p.stop, nil
}

// finishUpgrade completes an upgrade whose new cluster was whole and on disk
// when it was interrupted between the renames.
func (h host) finishUpgrade() error {
	_, err := os.Stat(filepath.Join(h.home.upgraded(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	major, err := h.home.major()
	if err != nil {
		return err
	}
	if major != 0 {
		if err := os.Rename(h.home.data(), h.home.kept(major)); err != nil {
			return fmt.Errorf("put the old database aside: %w", err)
		}
	}
	if err := os.Rename(h.home.upgraded(), h.home.data()); err != nil {
		return fmt.Errorf("put the upgraded database in place: %w", err)
	}
	return syncDir(string(h.home))
}
