package jobs_test

import (
	"net"
	"testing"
	"time"

	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// TestChaosReceiverKilled kills the process that stores deliveries around its
// commit. The vendor, which got no answer, delivers again; stored is one.
func TestChaosReceiverKilled(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		die    boundary
		stored int // when it was killed
	}{
		"before the COMMIT":                    {boundary{"commit", "INSERT INTO inbox", 1}, 0},
		"between the COMMIT and the answer":    {boundary{"committed", "INSERT INTO inbox", 1}, 1},
		"while the delivery was being written": {boundary{"statement", "INSERT INTO inbox", 1}, 0},
	}
	clock := sandbox.NewManual(time.Now())
	b := setup(t, 30, pipedrive.Options{Clock: clock})
	address := freeAddress(t)
	b.receiveAt(t, "http://"+address)
	b.finish(t)
	serve := b.work("serve")
	serve.Listen = address
	for name, tc := range cases {
		dying := serve
		dying.Die = tc.die
		p := start(t, dying)
		p.ready(t)
		pilesUpAt(t, b, "1")
		if status := p.wait(); status >= 0 {
			t.Fatalf("%s: the boundary was not reached, exit status %d: %s", name, status, p.errors())
		}
		if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != tc.stored {
			t.Errorf("%s: %d deliveries are stored, want %d", name, n, tc.stored)
		}
		p = start(t, serve)
		p.ready(t)
		clock.Advance(time.Minute) // the vendor tries again
		if err := b.sim.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != 1 {
			t.Errorf("%s: after the vendor's second try %d deliveries are stored", name, n)
		}
		p.kill(t)
		b.finish(t)
	}
	b.sound(t)
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
