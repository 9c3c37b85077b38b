package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"salesbook.dev/internal/web"
	"salesbook.dev/jobs"
)

// TestEverythingAnsweredBeforeTheEndIsStored stops the server while clients
// deliver as fast as they can.
func TestEverythingAnsweredBeforeTheEndIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	var mu sync.Mutex
	taken := map[string]bool{}
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d", client, n)
				a, err := b.send(t.Context(), http.MethodPost, h, strings.NewReader(event(id)))
				if err != nil || a.status != 200 {
					return // the server has gone
				}
				mu.Lock()
				taken[id] = true
				mu.Unlock()
			}
		})
	}
	await(t, "some are taken", func() bool { return b.metric(t, "salesbook_deliveries_total", "stored") > 50 })
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	all.Wait()
	stored := b.stored(t, h.workspace)
	for id := range taken {
		if stored[id] != 1 {
			t.Errorf("%s was answered 200 and is stored %d times", id, stored[id])
		}
	}
}

// TestWhatWaitsForItsCommitIsServedToTheEnd stops the server while deliveries
// are under way.
func TestWhatWaitsForItsCommitIsServedToTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	release := b.holdInbox(t)
	var all sync.WaitGroup
	deliver := func(id string) {
		all.Go(func() {
			if a := b.deliver(t, h, event(id)); a.status != 200 {
				t.Errorf("%s: want 200, got %d", id, a.status)
			}
		})
	}
	deliver("in the commit")
	b.awaitHeld(t)
	deliver("queued")
	await(t, "the second delivery waits", func() bool { return b.metric(t, "salesbook_deliveries_queued") == 1 })
	stopped := make(chan error, 1)
	go func() { stopped <- b.stop() }()
	await(t, "nobody is let in any more", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	release()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	all.Wait()
	if n := len(b.stored(t, h.workspace)); n != 2 {
		t.Errorf("%d of 2 deliveries are stored", n)
	}
}

// TestASlowClientIsCutOff: a client that never finishes its request does not
// keep the server from ending.
func TestASlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s%s HTTP/1.1\r\nHost: salesbook\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", jobs.HookPath, h.Path)
	from := bufio.NewReader(conn)
	if line, err := from.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("want to be asked for the body, got %q, %v", line, err)
	}
	start := time.Now()
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the server took %v to end", took)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(from); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still open")
	}
}

func TestTheServerReportsWhyItCannotGoOn(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := &web.Server{DB: b.DB, Pipeline: b.pipeline, Metrics: prometheus.NewRegistry(), Log: b.pipeline.Log}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Serve(ctx, l); err == nil {
		t.Error("want an error when the listener fails")
	}
}
