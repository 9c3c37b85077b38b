package web_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"salesbook.dev/jobs"
)

// BenchmarkDeliveries measures deliveries of 2.1 KB that were answered 2xx, over so
// many connections, and their 99th percentile. The database of tests does not wait
// for its disk: for a figure that is one, and to compare with the yardstick
// ("grouplean"), name a server as it comes by SALESBOOK_TEST_DATABASE_URL.
func BenchmarkDeliveries(b *testing.B) {
	template := hookJSON(b)
	v := setup(b, nil)
	h := v.connect(b, "acme")
	var events atomic.Int64
	for _, conns := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("connections=%d", conns), func(b *testing.B) {
			took := make([]time.Duration, b.N)
			commits := v.metric(b, "salesbook_deliveries_commit_size")
			var next atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for range conns {
				all.Go(func() {
					c := dial(b, v, h, template)
					defer c.Close()
					for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
						start := time.Now()
						if err := c.deliver(events.Add(1)); err != nil {
							b.Error(err)
							return
						}
						took[i] = time.Since(start)
					}
				})
			}
			all.Wait()
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "2xx/s")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(b.N)/(v.metric(b, "salesbook_deliveries_commit_size")-commits), "deliveries/commit")
		})
	}
	if n := v.metric(b, "salesbook_deliveries_total", "stored"); int64(n) != events.Load() {
		b.Errorf("%v of %d deliveries were stored", n, events.Load())
	}
}

// hookJSON is the yardstick's delivery, of the present time, with room for an
// event's id.
func hookJSON(b *testing.B) string {
	file := filepath.Join(cmp.Or(os.Getenv("SALESBOOK_SHARED"), filepath.Join("..", "..", "..", "shared")), "yardstick", "hook.json")
	text, err := os.ReadFile(file)
	if err != nil {
		b.Skipf("the yardstick is not there (set SALESBOOK_SHARED): %v", err)
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	return strings.NewReplacer("2026-11-21T10:00:00.000Z", now, "8f3c", noID).Replace(strings.TrimSpace(string(text)))
}

const noID = "0000000000000000"

// client sends deliveries over one connection. The library's client would take
// more of the machine than what is measured.
type client struct {
	net.Conn
	from    *bufio.Reader
	request []byte
	id      []byte // where the event's id stands in the request
}

func dial(b *testing.B, v *bundle, h hook, template string) *client {
	conn, err := net.Dial("tcp", strings.TrimPrefix(v.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	c := &client{Conn: conn, from: bufio.NewReader(conn)}
	c.request = fmt.Appendf(nil, "POST %s%s HTTP/1.1\r\nHost: salesbook\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		jobs.HookPath, h.Path, base64.StdEncoding.EncodeToString([]byte(h.User+":"+h.Password)), len(template), template)
	at := bytes.Index(c.request, []byte(noID))
	c.id = c.request[at : at+len(noID)]
	return c
}

// deliver sends one delivery and reads its answer, which has no body.
func (c *client) deliver(event int64) error {
	copy(c.id, fmt.Sprintf("%016d", event))
	if _, err := c.Write(c.request); err != nil {
		return err
	}
	status, err := c.from.ReadString('\n')
	for line := []byte(status); err == nil && len(line) > 2; {
		line, err = c.from.ReadSlice('\n')
	}
	if err == nil && !strings.Contains(status, " 200 ") {
		err = fmt.Errorf("answered %s", status)
	}
	return err
}
