package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	port = 5432

	// longestSocket is the longest path we give a socket. sun_path has 108
	// bytes on Linux and 104 on macOS, with the final zero.
	longestSocket = 100
)

// socketDir returns the directory of the socket, making it if need be: run, or
// where that is too deep for a socket a short directory under the temporary
// one. The link "socket" then tells every process the same place, even one with
// another TMPDIR.
func socketDir(h home, who account) (string, error) {
	dir := h.run()
	if !fits(dir) {
		var err error
		if dir, err = shortSocketDir(h); err != nil {
			return "", err
		}
	}
	if err := who.ensurePrivate(dir); err != nil {
		return "", fmt.Errorf("directory of the database socket: %w", err)
	}
	return dir, nil
}

func fits(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(port))) <= longestSocket
}

func shortSocketDir(h home) (string, error) {
	sum := sha256.Sum256([]byte(h))
	name := "salesbook-" + hex.EncodeToString(sum[:6])
	dir := filepath.Join(shortTemp(), name)
	err := os.Symlink(dir, h.socketLink())
	if err == nil || !errors.Is(err, os.ErrExist) {
		return dir, err
	}
	known, err := os.Readlink(h.socketLink())
	if err != nil {
		return "", fmt.Errorf("directory of the database socket: %w: remove it", err)
	}
	if filepath.Base(known) == name {
		return known, nil
	}
	// The directory was copied or moved here together with its link.
	if err := os.Remove(h.socketLink()); err != nil {
		return "", err
	}
	return shortSocketDir(h)
}

// shortTemp is the temporary directory, or /tmp where TMPDIR is itself too deep.
func shortTemp() string {
	if dir := os.TempDir(); fits(filepath.Join(dir, "salesbook-0123456789ab")) {
		return dir
	}
	return "/tmp"
}

// address is where one server listens.
type address struct {
	dir  string
	port int
}

// url returns a connection string that pgx, libpq and their tools all read.
func (a address) url(user, database string) string {
	// libpq does not read "+" as a space. A socket has no TLS, but a PGSSLMODE
	// in the environment may ask for certificates that are not there.
	host := strings.ReplaceAll(url.QueryEscape(a.dir), "+", "%20")
	return fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=%s&sslmode=disable",
		url.PathEscape(database), host, a.port, url.PathEscape(user))
}
