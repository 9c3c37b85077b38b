package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wire is what wrk runs: the yardstick's body, with an id of its own in each
// delivery and the agreed user and password.
const wire = `
local n = 0
local f = io.open(os.getenv("HOOK_BODY")); local body = f:read("*a"); f:close()
local at = body:find('"8f3c"', 1, true)
local head, tail = body:sub(1, at), body:sub(at + 5)
local seed = tostring(os.time())
local path, auth = os.getenv("HOOK_PATH"), os.getenv("HOOK_AUTH")
function request()
  n = n + 1
  local id = seed .. "-" .. n
  return wrk.format("POST", path, {["Content-Type"]="application/json", ["X-Event-Id"]=id, ["Authorization"]=auth}, head .. id .. tail)
end
function done(s, l, r)
  io.write(string.format("RES %.0f %d %d\n", s.requests/(s.duration/1e6), l:percentile(99), s.errors.status + s.errors.read + s.errors.write + s.errors.timeout))
end
`

// stream is what one run of deliveries measured.
type stream struct {
	rate float64
	p99  float64 // ms
}

// receiver is a server that takes deliveries.
type receiver struct{ base, path, auth string }

// measureDeliveries sends to salesbook's own server and to the yardstick's, in
// turns.
func measureDeliveries(ctx context.Context, s settings, b *bench) error {
	fmt.Println(b.machine(ctx))
	ours, stop, err := b.receiver(ctx)
	if err != nil {
		return err
	}
	defer stop()
	got := map[string][]stream{}
	for round := range s.rounds {
		for _, conns := range []int{64, 1} {
			sides := []string{"salesbook", map[int]string{64: "grouplean", 1: "single"}[conns]}
			if round%2 == 1 {
				slices.Reverse(sides)
			}
			for _, side := range sides {
				one, err := b.side(ctx, s, side, ours, conns)
				if err != nil {
					return err
				}
				key := fmt.Sprintf("%s at %d", side, conns)
				got[key] = append(got[key], one)
			}
		}
	}
	fmt.Printf("%-22s %10s %10s\n", "", "2xx/s", "p99 ms")
	for _, key := range []string{"salesbook at 64", "grouplean at 64", "salesbook at 1", "single at 1"} {
		fmt.Printf("%-22s %10.0f %10.1f\n", key, middle(got[key], func(x stream) float64 { return x.rate }), middle(got[key], func(x stream) float64 { return x.p99 }))
	}
	for _, pair := range [][2]string{{"salesbook at 64", "grouplean at 64"}, {"salesbook at 1", "single at 1"}} {
		ratios := make([]stream, s.rounds)
		for i := range ratios {
			ratios[i].rate = got[pair[0]][i].rate / got[pair[1]][i].rate
		}
		fmt.Printf("ratio %s to %s: %.2f\n", pair[0], pair[1], middle(ratios, func(x stream) float64 { return x.rate }))
	}
	return nil
}

func middle(all []stream, of func(stream) float64) float64 {
	values := make([]float64, len(all))
	for i := range all {
		values[i] = of(all[i])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// side runs wrk against one of the servers; the yardstick's is started for it.
func (b *bench) side(ctx context.Context, s settings, side string, ours receiver, conns int) (stream, error) {
	if side == "salesbook" {
		if err := b.exec(ctx, "TRUNCATE salesbook.inbox, river.river_job", "CHECKPOINT"); err != nil {
			return stream{}, err
		}
		return b.wrk(ctx, s, ours, conns)
	}
	at, err := freeAddress()
	if err != nil {
		return stream{}, err
	}
	p, err := start(ctx, []string{"YARDSTICK_DSN=" + b.yardstick, "PERF_POOL=16"}, filepath.Join(b.tools, "hook"), side, at)
	if err != nil {
		return stream{}, err
	}
	defer p.stop()
	if err := await(ctx, at); err != nil {
		return stream{}, err
	}
	return b.wrk(ctx, s, receiver{base: "http://" + at, path: "/hook"}, conns)
}

func (b *bench) wrk(ctx context.Context, s settings, to receiver, conns int) (stream, error) {
	script, body := filepath.Join(b.dir, "wire.lua"), filepath.Join(b.dir, "hook.json")
	text, err := os.ReadFile(filepath.Join(s.yardstick, "hook.json"))
	if err != nil {
		return stream{}, err
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	delivery := strings.ReplaceAll(strings.TrimSpace(string(text)), "2026-11-21T10:00:00.000Z", now)
	if err := errors.Join(os.WriteFile(script, []byte(wire), 0o644), os.WriteFile(body, []byte(delivery), 0o644)); err != nil {
		return stream{}, err
	}
	p, err := start(ctx, []string{"HOOK_BODY=" + body, "HOOK_PATH=" + to.path, "HOOK_AUTH=" + cmp.Or(to.auth, "none")},
		"wrk", "-t1", fmt.Sprintf("-c%d", conns), fmt.Sprintf("-d%ds", s.seconds), "--latency", "-s", script, to.base+to.path)
	if err != nil {
		return stream{}, err
	}
	out, err := p.wait()
	if err != nil {
		return stream{}, err
	}
	_, rest, _ := strings.Cut(string(out), "RES ")
	f := strings.Fields(rest)
	if len(f) != 3 || f[2] != "0" {
		return stream{}, fmt.Errorf("not every delivery was taken: %s", out)
	}
	rate, _ := strconv.ParseFloat(f[0], 64)
	p99, err := strconv.ParseFloat(f[1], 64)
	return stream{rate, p99 / 1000}, err
}

// receiver starts `salesbook serve` and, for a moment, a worker, which registers
// a webhook at the vendor: from it the address and the password are known.
func (b *bench) receiver(ctx context.Context) (receiver, func(), error) {
	at, err := freeAddress()
	if err != nil {
		return receiver{}, nil, err
	}
	if err := b.connect(ctx, "hooked", "--hook-url", "http://"+at); err != nil {
		return receiver{}, nil, err
	}
	work, err := start(ctx, b.env, b.binary, "work")
	if err != nil {
		return receiver{}, nil, err
	}
	h, err := b.registered(ctx)
	work.stop()
	if err != nil {
		return receiver{}, nil, err
	}
	u, err := url.Parse(h.URL)
	if err != nil {
		return receiver{}, nil, err
	}
	serve, err := start(ctx, b.env, b.binary, "serve", "--listen", at)
	if err != nil {
		return receiver{}, nil, err
	}
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte(h.User+":"+h.Password))
	return receiver{"http://" + at, u.Path, auth}, serve.stop, await(ctx, at)
}

// registered waits until the vendor was given a webhook.
func (b *bench) registered(ctx context.Context) (hook, error) {
	for range 600 {
		var hooks []hook
		resp, err := http.Get(b.vendorURL + "/hooks")
		if err != nil {
			return hook{}, err
		}
		err = json.NewDecoder(resp.Body).Decode(&hooks)
		resp.Body.Close()
		if err != nil || len(hooks) > 0 {
			return append(hooks, hook{})[0], err
		}
		select {
		case <-ctx.Done():
			return hook{}, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return hook{}, errors.New("no webhook was registered")
}
