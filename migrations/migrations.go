// Package migrations holds the schema's history as SQL files, in the order in
// which they run. README.md says how to write one; internal/postgres runs them.
package migrations

import "embed"

// FS holds the migrations: files named NNNN_what.sql in goose's format.
//
//go:embed *.sql
var FS embed.FS
