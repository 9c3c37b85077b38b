package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// posts are what one run of deliveries measured.
type posts struct {
	rate     float64 // stored and answered a second
	p50, p99 float64 // ms
	own, pg  float64 // processor time of the receiver and of PostgreSQL, us a delivery
	together float64 // deliveries a transaction, whatever the transactions were for
}

// contest is the same number of connections to both sides.
type contest struct {
	connections int
	against     string // the yardstick's mode
}

// measureDeliveries sends deliveries to the real receiver and to the
// yardstick's in turns. No worker runs: what is measured is the way to 2xx.
func measureDeliveries(ctx context.Context, s settings, b *bench) error {
	fmt.Println(b.machine(ctx))
	to, err := b.subscribe(ctx)
	if err != nil {
		return err
	}
	contests := []contest{{64, "grouplean"}, {1, "single"}}
	ours, theirs := map[contest][]posts{}, map[contest][]posts{}
	for round := range s.rounds {
		for _, c := range contests {
			var mine, yard posts
			sides := []func() error{
				func() (err error) { mine, err = b.ourPosts(ctx, s, to, c); return err },
				func() (err error) { yard, err = b.yardstickPosts(ctx, s, c); return err },
			}
			if round%2 == 1 {
				slices.Reverse(sides)
			}
			for _, side := range sides {
				if err := side(); err != nil {
					return err
				}
			}
			ours[c], theirs[c] = append(ours[c], mine), append(theirs[c], yard)
			fmt.Printf("  round %d  %2d connections  salesbook %6.0f/s p99 %5.1f ms   %s %6.0f/s p99 %5.1f ms\n", round+1, c.connections, mine.rate, mine.p99, c.against, yard.rate, yard.p99)
		}
	}
	tellPosts(s, contests, ours, theirs)
	return nil
}

func tellPosts(s settings, contests []contest, ours, theirs map[contest][]posts) {
	fmt.Printf("\nmedians of %d rounds of %d s\n%-34s %10s %8s %8s %8s %8s %8s\n", s.rounds, s.seconds, "", "2xx/s", "p50 ms", "p99 ms", "own us", "pg us", "together")
	for _, c := range contests {
		for _, side := range []struct {
			name string
			got  []posts
		}{{"salesbook", ours[c]}, {"yardstick " + c.against, theirs[c]}} {
			of := func(f func(posts) float64) float64 { return middle(side.got, f) }
			fmt.Printf("%2d connections, %-18s %10.0f %8.2f %8.2f %8.1f %8.1f %8.1f\n", c.connections, side.name, of(func(p posts) float64 { return p.rate }),
				of(func(p posts) float64 { return p.p50 }), of(func(p posts) float64 { return p.p99 }), of(func(p posts) float64 { return p.own }), of(func(p posts) float64 { return p.pg }),
				of(func(p posts) float64 { return p.together }))
		}
	}
	for _, c := range contests {
		all := make([]float64, s.rounds)
		for i := range all {
			all[i] = ours[c][i].rate / theirs[c][i].rate
		}
		fmt.Printf("ratio at %d connections to %s: %.2f\n", c.connections, c.against, middle(all, func(v float64) float64 { return v }))
	}
}

// target is where the vendor sends a connection's deliveries.
type target struct {
	listen string // address that our receiver listens on
	hook
}

// subscribe connects an account and has a worker order its deliveries.
func (b *bench) subscribe(ctx context.Context) (target, error) {
	var to target
	var err error
	if to.listen, err = freeAddress(); err != nil {
		return to, err
	}
	if err := b.connect(ctx, "posts", "--hook-url", "http://"+to.listen); err != nil {
		return to, err
	}
	worker, err := start(ctx, b.env, b.binary, "work")
	if err != nil {
		return to, err
	}
	defer worker.stop()
	for range 300 {
		var hooks []hook
		if err := getJSON(ctx, b.vendorURL+"/hooks", &hooks); err != nil {
			return to, err
		}
		if len(hooks) > 0 {
			to.hook = hooks[0]
			return to, nil
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return to, err
		}
	}
	return to, fmt.Errorf("no webhook was ordered within 30 s: %s", worker.errs.String())
}

func (b *bench) ourPosts(ctx context.Context, s settings, to target, c contest) (posts, error) {
	if err := b.exec(ctx, "TRUNCATE salesbook.inbox, river.river_job", "CHECKPOINT"); err != nil {
		return posts{}, err
	}
	p, err := start(ctx, b.env, b.binary, "serve", "--listen", to.listen)
	if err != nil {
		return posts{}, err
	}
	defer p.stop()
	if err := await(ctx, to.listen); err != nil {
		return posts{}, err
	}
	script, err := b.script(s)
	if err != nil {
		return posts{}, err
	}
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte(to.User+":"+to.Password))
	got, n, err := b.posted(ctx, s, p, script, to.URL, c.connections, "HOOK_AUTH="+auth, "HOOK_BODY="+filepath.Join(b.dir, "hook.json"))
	if err != nil {
		return got, err
	}
	var stored int
	if err := b.db.QueryRow(ctx, "SELECT count(*) FROM salesbook.inbox").Scan(&stored); err != nil {
		return got, err
	}
	if stored < n {
		return got, fmt.Errorf("%d deliveries were answered with 2xx, %d are stored", n, stored)
	}
	return got, nil
}

// yardstickPosts is what the yardstick's script does.
func (b *bench) yardstickPosts(ctx context.Context, s settings, c contest) (posts, error) {
	listen, err := freeAddress()
	if err != nil {
		return posts{}, err
	}
	body, err := filepath.Abs(filepath.Join(s.yardstick, "hook.json"))
	if err != nil {
		return posts{}, err
	}
	env := []string{"YARDSTICK_DSN=" + b.yardstick, "HOOK_BODY=" + body, "PERF_POOL=16"}
	p, err := start(ctx, env, filepath.Join(b.tools, "hook"), c.against, listen)
	if err != nil {
		return posts{}, err
	}
	defer p.stop()
	if err := await(ctx, listen); err != nil {
		return posts{}, err
	}
	got, _, err := b.posted(ctx, s, p, filepath.Join(s.yardstick, "post.lua"), "http://"+listen+"/hook", c.connections, env...)
	return got, err
}

// posted lets wrk send for so many seconds, and returns what was measured and
// how many deliveries were answered with 2xx.
func (b *bench) posted(ctx context.Context, s settings, receiver *process, script, url string, connections int, env ...string) (posts, int, error) {
	wrk := func(seconds int) (string, error) {
		cmd := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", seconds), "--latency", "-s", script, url)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("wrk: %w\n%s", err, out)
		}
		return string(out), err
	}
	if _, err := wrk(1); err != nil { // both sides prepare statements and compile decoders first
		return posts{}, 0, err
	}
	pid := receiver.cmd.Process.Pid
	_, own0, _, _ := stat(pid)
	pg0 := treeTime(b.server)
	commits0, err := b.commits(ctx)
	if err != nil {
		return posts{}, 0, err
	}
	text, err := wrk(s.seconds)
	if err != nil {
		return posts{}, 0, err
	}
	commits1, err := b.commits(ctx)
	if err != nil {
		return posts{}, 0, err
	}
	_, own1, _, _ := stat(pid)
	pg1 := treeTime(b.server)
	n := int(field(text, " requests in"))
	if n == 0 || field(text, "non2xx=") != 0 || strings.Contains(text, "Socket errors") {
		return posts{}, 0, fmt.Errorf("not every delivery was answered with 2xx:\n%s\n%s", text, receiver.errs.String())
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	return posts{rate: field(text, "rps="), p50: field(text, "p50us=") / 1000, p99: field(text, "p99us=") / 1000, own: per(own1 - own0), pg: per(pg1 - pg0),
		together: float64(n) / max(commits1-commits0, 1)}, n, nil
}

// commits counts the server's transactions so far.
func (b *bench) commits(ctx context.Context) (n float64, err error) {
	err = b.db.QueryRow(ctx, "SELECT sum(xact_commit)::float8 FROM pg_stat_database").Scan(&n)
	return n, err
}

// field reads the number behind a name that ends in "=", or before other words.
func field(text, name string) float64 {
	before, after, ok := strings.Cut(text, name)
	if !ok {
		return 0
	}
	words := strings.Fields(after + " none")
	if !strings.HasSuffix(name, "=") {
		words = strings.Fields(before)
		words = words[len(words)-1:]
	}
	v, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0
	}
	return v
}

// lua sends deliveries that differ in their event's id, as the yardstick's
// script does. What it measures it prints in the same words.
const lua = `local f = io.open(os.getenv("HOOK_BODY")); local body = f:read("*a"); f:close()
local before, after = body:match("^(.*)EVENT(.*)$")
local headers = {["Content-Type"]="application/json", ["Authorization"]=os.getenv("HOOK_AUTH")}
local n, seed = 0, os.time()
function request()
  n = n + 1
  return wrk.format("POST", nil, headers, before .. seed .. "-" .. n .. after)
end
function done(s, l, r)
  io.write(string.format("RES rps=%.0f p50us=%d p99us=%d maxus=%d non2xx=%d\n", s.requests/(s.duration/1e6), l:percentile(50), l:percentile(99), l.max, s.errors.status))
end
`

// script writes the script for wrk and the yardstick's delivery, of the present
// time and with a place for the event's id.
func (b *bench) script(s settings) (string, error) {
	body, err := os.ReadFile(filepath.Join(s.yardstick, "hook.json"))
	if err != nil {
		return "", err
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	text := strings.NewReplacer("2026-11-21T10:00:00.000Z", now, "8f3c", "EVENT").Replace(strings.TrimSpace(string(body)))
	if strings.Count(text, "EVENT") != 1 {
		return "", fmt.Errorf("the yardstick's hook.json has no id of the event")
	}
	if err := os.WriteFile(filepath.Join(b.dir, "hook.json"), []byte(text), 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, "post.lua")
	return path, os.WriteFile(path, []byte(lua), 0o600)
}

func getJSON(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
