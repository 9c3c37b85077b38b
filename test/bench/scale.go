package main

import (
	"context"
	"fmt"
	"time"
)

// accounts is how many connections are loaded side by side.
const accounts = 8

// measureMemory loads a fresh account and tells the worker's peak: run it with
// -deals 100000 and with -deals 1000000.
func measureMemory(ctx context.Context, s settings, b *bench) error {
	fmt.Println(b.machine(ctx))
	got, err := b.ourSync(ctx, s, 0)
	if err != nil {
		return err
	}
	f := got["salesbook first load"]
	fmt.Printf("%d deals: %.0f/s, peak of the worker %.1f MB\n", s.deals, f.rate, f.rss)
	return nil
}

// measureScale loads eight accounts with one worker and with four, in turns.
func measureScale(ctx context.Context, s settings, b *bench) error {
	fmt.Println(b.machine(ctx))
	for round := range s.rounds {
		for _, workers := range []int{1, 4} {
			if err := b.scaled(ctx, s, fmt.Sprintf("s%d-%d", round, workers), workers); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) scaled(ctx context.Context, s settings, name string, workers int) error {
	if err := b.exec(ctx, "TRUNCATE salesbook.records, salesbook.deals, salesbook.dirty", "CHECKPOINT"); err != nil {
		return err
	}
	for i := range accounts {
		if err := b.connect(ctx, fmt.Sprintf("%s-%d", name, i)); err != nil {
			return err
		}
	}
	pg0, began := treeTime(b.server), time.Now()
	var all []*process
	for range workers {
		p, err := start(ctx, b.env, b.binary, "work")
		if err != nil {
			return err
		}
		defer p.stop()
		all = append(all, p)
	}
	for i := range accounts {
		if _, err := b.finished(ctx, s, reading{connection: fmt.Sprintf("%s-%d", name, i), object: "deals", wanted: s.deals}, 0, all[0]); err != nil {
			return err
		}
	}
	took := time.Since(began)
	var own time.Duration
	for _, p := range all {
		_, t, _, _ := stat(p.cmd.Process.Pid)
		own += t
	}
	records := float64(accounts * s.deals)
	fmt.Printf("%d workers: %.0f/s; processor time of workers %.1f us, of PostgreSQL %.1f us a record; %.0f %% of one processor\n", workers, records/took.Seconds(),
		float64(own.Microseconds())/records, float64((treeTime(b.server)-pg0).Microseconds())/records, 100*(own+treeTime(b.server)-pg0).Seconds()/took.Seconds())
	for i := range accounts {
		if err := b.idle(ctx, fmt.Sprintf("%s-%d", name, i)); err != nil {
			return err
		}
	}
	return nil
}
