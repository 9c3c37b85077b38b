package postgres

import (
	"errors"
	"io"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unreachable tells failures of the way to the server, which pass by when it
// is back: it could not be reached, or ended the session because it stops.
func Unreachable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	for _, cut := range []error{io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, cut) {
			return true
		}
	}
	switch code(err) {
	case "57P01", "57P02", "57P03": // shut down by its admin, after a crash, still starting
		return true
	}
	return false
}
