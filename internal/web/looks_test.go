package web

import (
	"log/slog"
	"testing"
)

// TestWhereNothingIsDueNobodyIsAsked: two that wake it may find that one look was
// asked for both.
func TestWhereNothingIsDueNobodyIsAsked(t *testing.T) {
	t.Parallel()
	newLooks(nil, slog.New(slog.DiscardHandler)).ask(t.Context()) // a queue that is none cannot be asked
}
