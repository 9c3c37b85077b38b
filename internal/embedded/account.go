package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system's account that PostgreSQL runs as. other
// means that it is not our own and we, being root, have to switch to it.
type account struct {
	name     string
	uid, gid int
	other    bool
}

// accountFor decides who runs the server in h. PostgreSQL refuses to run as
// root, so root switches: to whoever owns the cluster, else to the owner of the
// directory, else to postgres. Never to nobody, whose files belong to everyone
// else who also thought of nobody.
func accountFor(h home) (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{name: currentName(uid), uid: uid, gid: os.Getegid()}, nil
	}
	return accountForRoot([]string{h.data(), string(h)}, user.Lookup, user.LookupId)
}

func accountForRoot(paths []string, byName, byID func(string) (*user.User, error)) (account, error) {
	for _, path := range paths {
		uid, ok := ownerOf(path)
		if !ok || uid == 0 {
			continue
		}
		// initdb needs a name: an id without an entry (a volume of another
		// machine) cannot run it.
		if u, err := byID(strconv.Itoa(uid)); err == nil && u.Username != "nobody" {
			return newAccount(u)
		}
	}
	u, err := byName("postgres")
	if err != nil {
		return account{}, errors.New("PostgreSQL does not run as root and there is no user postgres to run it: " +
			"apt-get install postgresql creates it, useradd --system --user-group postgres too; or run salesbook as an ordinary user")
	}
	return newAccount(u)
}

func newAccount(u *user.User) (account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user %s has the id %q: %w", u.Username, u.Uid, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("user %s has the group %q: %w", u.Username, u.Gid, err)
	}
	return account{name: u.Username, uid: uid, gid: gid, other: true}, nil
}

func currentName(uid int) string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}

// ownerOf returns the id of the user a path belongs to.
func ownerOf(path string) (uid int, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// closedTo names the first directory on the way to path that the account may
// not enter, going by the permission bits; empty when there is none.
func (a account) closedTo(path string) string {
	var way []string
	for dir := path; ; dir = filepath.Dir(dir) {
		way = append(way, dir)
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for i := len(way) - 1; i >= 0; i-- {
		if info, err := os.Stat(way[i]); err == nil && info.IsDir() && !a.mayEnter(info) {
			return way[i]
		}
	}
	return ""
}

func (a account) mayEnter(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	switch {
	case int(stat.Uid) == a.uid:
		return info.Mode()&0o100 != 0
	case int(stat.Gid) == a.gid:
		return info.Mode()&0o010 != 0
	default:
		return info.Mode()&0o001 != 0
	}
}

// ensurePrivate makes dir a directory that only the account can enter. One
// that belongs to someone else is refused, so that nobody can stand in for the
// server in a shared place such as /tmp.
func (a account) ensurePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return unusable(err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, _ := ownerOf(dir)
	if a.other && owner == 0 {
		if err := os.Lchown(dir, a.uid, a.gid); err != nil {
			return err
		}
		owner = a.uid
	}
	if !info.IsDir() || owner != a.uid {
		return fmt.Errorf("%s is not a directory of user %s: remove it", dir, a.name)
	}
	if info.Mode().Perm() != 0o700 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}
