package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

// tool is a client program of PostgreSQL's, such as psql.
type tool string

// tool finds the program that goes with the database's server.
func (a *app) tool(name string) (tool, error) {
	if a.server != nil {
		path, err := a.server.Tool(name)
		return tool(path), err
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: run `apt-get install postgresql-client`", name)
	}
	return tool(path), nil
}

// command prepares the program to work on a database. The password goes by the
// environment: arguments can be read by every user of the machine.
func (t tool) command(ctx context.Context, database string, args ...string) (*exec.Cmd, error) {
	open, password, err := withoutPassword(database)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, string(t), append([]string{"--dbname=" + open}, args...)...)
	cmd.Env = os.Environ()
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd, nil
}

// withoutPassword takes the password out of a connection string.
func withoutPassword(database string) (open, password string, err error) {
	u, err := url.Parse(database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		if strings.Contains(database, "password") {
			return "", "", errors.New("for PostgreSQL's programs write the database as a URL, postgres://user:password@host/name (its text is not shown, it may hold a password)")
		}
		return database, "", nil
	}
	if u.User != nil {
		password, _ = u.User.Password()
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	if p := q.Get("password"); p != "" {
		password = p
		q.Del("password")
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // libpq reads + as itself
	}
	return u.String(), password, nil
}

// passing runs a program that talks to the person itself. A request to end is
// passed on to it.
func passing(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it has ended if this fails
		case err := <-ended:
			return failed(cmd, err)
		}
	}
}

// failed words how a program ended, which has told the reason itself.
func failed(cmd *exec.Cmd, err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%s ended with %s", cmd.Path, exit.ProcessState)
	}
	return err
}
