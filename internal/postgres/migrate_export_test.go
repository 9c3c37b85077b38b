package postgres

import (
	"context"
	"io/fs"
	"time"
)

// MigrateFiles is Migrate with other migrations, which are tried three times.
func MigrateFiles(ctx context.Context, adminURL string, files fs.FS, lockTimeout time.Duration) (Report, error) {
	m, err := newMigrator(adminURL, files, MigrateOptions{})
	if err != nil {
		return Report{}, err
	}
	m.lockTimeout, m.tries, m.pause = lockTimeout, 3, time.Millisecond
	return m.migrate(ctx)
}

// What tests look at from outside the package, which they must be for pgtest.
var (
	ScramVerifierWith = scramVerifierWith
	Patiently         = patiently
)
