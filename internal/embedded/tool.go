package embedded

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// tool is a client program of PostgreSQL's.
type tool struct {
	path  string
	major int
}

// Tool returns the path of a client program such as psql, pg_dump or
// pg_restore: of the server's own version if there is one, else of another that
// can work with it. A pg_dump older than the server cannot, a psql can.
func (s *Server) Tool(name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	major, err := s.home.major()
	if err != nil {
		return "", err
	}
	var usable []tool
	for _, t := range s.tools(ctx, s.binDir, name) {
		if t.major == major {
			return t.path, nil
		}
		if t.major > major || name == "psql" {
			usable = append(usable, t)
		}
	}
	if len(usable) == 0 {
		return "", fmt.Errorf("no %s of PostgreSQL %d or newer found: run `apt-get install postgresql-client-%d`", name, major, major)
	}
	return usable[0].path, nil
}

// tools returns every program of that name that the system has. What Install
// fetched is left out: it is servers only, and root should not run programs
// from a directory that may belong to someone else.
func (h host) tools(ctx context.Context, binDir, name string) []tool {
	dirs := shipped(name)
	if binDir != "" {
		dirs = append([]string{binDir}, dirs...)
	}
	var found []tool
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if major, err := h.majorOf(ctx, path); err == nil {
			found = append(found, tool{path: path, major: major})
		}
	}
	return found
}
