package embedded

import "context"

// FindAmong looks for binaries in one directory as Start does on a machine that
// has nothing else.
func FindAmong(ctx context.Context, dir string) (string, error) {
	b, err := choose(home(dir), host{}.search(ctx, []string{dir}), 0)
	return b.dir, err
}
