package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

func dial(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
}

// figures are what one run measured.
type figures struct {
	rate    float64 // records a second
	own, pg float64 // processor time of the worker and of PostgreSQL, us a record
	vendor  float64 // of the vendor
	rss     float64 // MB, the worker's peak
	wal     float64 // bytes a record
}

// measureSync runs both sides in turns and tells medians and ratios.
func measureSync(ctx context.Context, s settings, b *bench) error {
	fmt.Println(b.machine(ctx))
	got := map[string][]figures{}
	for round := range s.rounds {
		steps := []func(context.Context, settings, int) (map[string]figures, error){b.yardstickSync, b.ourSync}
		if round%2 == 1 {
			slices.Reverse(steps)
		}
		for _, step := range steps {
			one, err := step(ctx, s, round)
			if err != nil {
				return err
			}
			for name, f := range one {
				got[name] = append(got[name], f)
				fmt.Printf("  round %d  %-22s %8.0f/s\n", round+1, name, f.rate)
			}
		}
	}
	fmt.Printf("\n%d deals, medians of %d rounds\n%-22s %10s %10s %10s %10s %8s %8s\n", s.deals, s.rounds, "", "records/s", "own us", "pg us", "vendor us", "RSS MB", "WAL B")
	for _, name := range []string{"yardstick first load", "salesbook first load", "yardstick unchanged", "salesbook unchanged"} {
		m := median(got[name])
		fmt.Printf("%-22s %10.0f %10.1f %10.1f %10.1f %8.0f %8.1f\n", name, m.rate, m.own, m.pg, m.vendor, m.rss, m.wal)
	}
	for _, what := range []string{"first load", "unchanged"} {
		fmt.Printf("ratio %s: %.2f by rate, %.2f by processor time\n", what, ratio(got["salesbook "+what], got["yardstick "+what], func(f figures) float64 { return f.rate }),
			ratio(got["yardstick "+what], got["salesbook "+what], func(f figures) float64 { return f.own + f.pg + f.vendor }))
	}
	return nil
}

// ratio is the median of the rounds' ratios: neighbours in time are compared.
func ratio(ours, theirs []figures, of func(figures) float64) float64 {
	all := make([]float64, len(ours))
	for i := range ours {
		all[i] = of(ours[i]) / of(theirs[i])
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func median(all []figures) figures {
	of := func(f func(figures) float64) float64 {
		values := make([]float64, len(all))
		for i := range all {
			values[i] = f(all[i])
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return figures{rate: of(func(f figures) float64 { return f.rate }), own: of(func(f figures) float64 { return f.own }), pg: of(func(f figures) float64 { return f.pg }),
		vendor: of(func(f figures) float64 { return f.vendor }), rss: of(func(f figures) float64 { return f.rss }), wal: of(func(f figures) float64 { return f.wal })}
}

// worker is what a run tells of itself.
type worker struct {
	rate  float64
	spent time.Duration
	peak  int64 // kB
}

// measured runs f between two readings of clocks and WAL.
func (b *bench) measured(ctx context.Context, vendor, records int, f func() (worker, error)) (figures, error) {
	if err := b.exec(ctx, "CHECKPOINT"); err != nil {
		return figures{}, err
	}
	var from, to float64
	const position = "SELECT (pg_current_wal_lsn() - '0/0')::float8"
	if err := b.db.QueryRow(ctx, position).Scan(&from); err != nil {
		return figures{}, err
	}
	_, vendor0, _, _ := stat(vendor)
	pg0 := treeTime(b.server)
	w, err := f()
	if err != nil {
		return figures{}, err
	}
	pg := treeTime(b.server) - pg0
	_, vendor1, _, _ := stat(vendor)
	if err := b.db.QueryRow(ctx, position).Scan(&to); err != nil {
		return figures{}, err
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(records) }
	return figures{rate: w.rate, own: per(w.spent), pg: per(pg), vendor: per(vendor1 - vendor0), rss: float64(w.peak) / 1024, wal: (to - from) / float64(records)}, nil
}

// yardstickSync is what the yardstick's script does.
func (b *bench) yardstickSync(ctx context.Context, s settings, _ int) (map[string]figures, error) {
	load, err := b.pipe(ctx, s, []string{"-lib", "sonic", "-method", "unnest", "-writers", "2"})
	if err != nil {
		return nil, err
	}
	if err := b.vacuum(ctx, b.yardstick, "deal"); err != nil {
		return nil, err
	}
	again, err := b.pipe(ctx, s, []string{"-keep", "-lazy", "-lib", "sonic", "-method", "filter+unnest", "-writers", "1"})
	return map[string]figures{"yardstick first load": load, "yardstick unchanged": again}, err
}

func (b *bench) pipe(ctx context.Context, s settings, args []string) (figures, error) {
	env := []string{"YARDSTICK_DSN=" + b.yardstick, "PERF_STRIP=1", "PERF_TTT=8160", fmt.Sprintf("FAKE_PID=%d", b.source.cmd.Process.Pid)}
	return b.measured(ctx, b.source.cmd.Process.Pid, s.deals, func() (worker, error) {
		p, err := start(ctx, env, filepath.Join(b.tools, "pipe"), append(args, "-url", b.sourceURL)...)
		if err != nil {
			return worker{}, err
		}
		text, err := p.wait()
		if err != nil {
			return worker{}, err
		}
		_, rest, _ := strings.Cut(string(text), "rps=")
		rate, err := strconv.ParseFloat(strings.Fields(rest + " none")[0], 64)
		return worker{rate, p.spent(), p.peak.Load()}, err
	})
}

// ourSync loads a connection that is new, into empty tables, and then reads it
// again. The worker is one process that lives through both.
func (b *bench) ourSync(ctx context.Context, s settings, round int) (_ map[string]figures, err error) {
	name := fmt.Sprintf("r%d", round)
	if err := b.exec(ctx, "TRUNCATE salesbook.records, salesbook.deals, salesbook.dirty"); err != nil {
		return nil, err
	}
	if err := b.connect(ctx, name); err != nil {
		return nil, err
	}
	var p *process
	load, err := b.walk(ctx, s, reading{connection: name, object: "deals", wanted: s.deals}, func() (*process, error) {
		p, err = start(ctx, b.env, b.binary, "work")
		return p, err
	})
	if p != nil {
		defer p.stop()
	}
	if err != nil {
		return nil, err
	}
	if err := b.vacuum(ctx, b.direct, "salesbook.records", "salesbook.deals"); err != nil {
		return nil, err
	}
	again, err := b.walk(ctx, s, reading{connection: name, object: "deals", worker: p}, func() (*process, error) {
		_, err := b.salesbook(ctx, "sync", name, "--full", "--object", "deals")
		return p, err
	})
	return map[string]figures{"salesbook first load": load, "salesbook unchanged": again}, errors.Join(err, b.idle(ctx, name))
}

// idle takes a connection out of the worker's way.
func (b *bench) idle(ctx context.Context, name string) error {
	_, err := b.salesbook(ctx, "connections", "pause", name)
	return err
}

// reading is a walk over a connection's deals.
type reading struct {
	connection string
	object     string   // what the vendor calls deals
	wanted     int      // how many are to be written
	worker     *process // nil: it begins with the walk
}

// walk sets a walk over a connection's deals going, waits for its end, and
// makes sure that it read every deal and wrote as many as wanted.
func (b *bench) walk(ctx context.Context, s settings, of reading, begin func() (*process, error)) (figures, error) {
	return b.measured(ctx, b.vendor.Process.Pid, s.deals, func() (worker, error) {
		var last int64
		if err := b.db.QueryRow(ctx, "SELECT COALESCE(max(id), 0) FROM salesbook.runs").Scan(&last); err != nil {
			return worker{}, err
		}
		var before time.Duration
		if of.worker != nil {
			_, before, _, _ = stat(of.worker.cmd.Process.Pid)
		}
		p, err := begin()
		if err != nil {
			return worker{}, err
		}
		rate, err := b.finished(ctx, s, of, last, p)
		_, after, _, _ := stat(p.cmd.Process.Pid)
		return worker{rate, after - before, p.peak.Load()}, err
	})
}

// finished waits for the run over deals that began after the given one.
func (b *bench) finished(ctx context.Context, s settings, of reading, last int64, p *process) (float64, error) {
	for {
		var seconds float64
		var seen, written, aside int
		var ended bool
		err := b.db.QueryRow(ctx, `
			SELECT COALESCE(sum(extract(epoch FROM r.finished_at - r.started_at)), 0)::float8, COALESCE(sum(r.seen), 0), COALESCE(sum(r.written), 0), COALESCE(sum(r.quarantined), 0),
				COALESCE(bool_and(r.finished_at IS NOT NULL AND k.cursor <> '' AND k.progress = 1), false)
			FROM salesbook.runs r JOIN salesbook.connections c ON c.id = r.connection_id JOIN salesbook.cursors k ON k.connection_id = c.id AND k.object = $3
			WHERE r.id > $1 AND r.kind = 'pull' AND r.object = $3 AND c.name = $2`, last, of.connection, of.object).Scan(&seconds, &seen, &written, &aside, &ended)
		switch {
		case err != nil:
			return 0, err
		case ended && (seen < s.deals || written != of.wanted || aside > 0):
			return 0, fmt.Errorf("%d seen, %d written, %d put aside instead of %d, %d, 0", seen, written, aside, s.deals, of.wanted)
		case ended:
			return float64(s.deals) / seconds, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-p.exited:
			return 0, fmt.Errorf("the worker has ended: %w\n%s", p.err, p.errs.Bytes())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// vacuum does at once what autovacuum does soon after a load: statistics, and
// hint bits, which with checksums on would otherwise be written by the first
// reader, and logged.
func (b *bench) vacuum(ctx context.Context, database string, tables ...string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "VACUUM ANALYZE "+strings.Join(tables, ", "))
	return err
}
