package connectortest

import (
	"context"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"salesbook.dev/connectors"
)

func leaking(t *testing.T, b *bundle) {
	all(t, b, []statement{{"no goroutine is left behind", leavesNothing}})
}

// leavesNothing marks goroutines by a label, which those that they start
// inherit, and looks for the label when all is over.
func leavesNothing(t *testing.T, b *bundle) {
	mark := "connectortest-" + t.Name()
	w := b.open(t)
	p := w.puller(t)
	pprof.Do(t.Context(), pprof.Labels("of", mark), func(ctx context.Context) {
		for _, object := range b.pulled() {
			for range p.Pull(ctx, object, "") {
				break
			}
			short, cancel := context.WithCancel(ctx)
			for range p.Pull(short, object, "") {
				cancel()
			}
			cancel()
			if f, ok := w.Connector.(connectors.Fetcher); ok {
				_, _ = f.Fetch(ctx, object, []string{"1"}) // whatever comes of it
			}
		}
	})
	const patience = 10 * time.Second
	deadline := time.Now().Add(patience)
	for {
		w.close()
		left := labelled(t, mark)
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left %v after the walks ended:\n%s", patience, left)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the test ended first")
		}
	}
}

// labelled returns the stacks of goroutines with the label.
func labelled(t *testing.T, mark string) string {
	t.Helper()
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
