package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// touched is the share of deals that is changed for the third reading: one of so
// many.
const touched = 100

// crm is a side of the comparison.
type crm struct {
	title, vendor, object, prefix string
}

// byteFigures are figures by the megabyte of the vendor's answers.
type byteFigures struct {
	rate float64 // MB a second
	own  float64 // processor time of the worker, ms a MB
	pg   float64 // and of PostgreSQL
	size float64 // bytes of answers, a deal
}

// measureZoho loads and re-reads accounts of Pipedrive and of Zoho CRM that hold the
// same deals, in turns: at once, unchanged, and with one in a hundred changed. Zoho's
// deals come in one part, and in two.
func measureZoho(ctx context.Context, s settings, b *bench) error {
	fmt.Println(b.machine(ctx))
	sides := []crm{
		{"Pipedrive", "pipedrive", "deals", "p"}, {"Zoho CRM", "zoho", "Deals", "z"}, {"Zoho CRM, two parts", "zoho", "Deals", "wide"},
	}
	got := map[string][]byteFigures{}
	for round := range s.rounds {
		for _, side := range sides {
			if err := b.readAccount(ctx, s, side, fmt.Sprintf("%s%d", side.prefix, round), func(what string, f byteFigures) {
				name := side.title + ", " + what
				got[name] = append(got[name], f)
				fmt.Printf("  round %d  %-36s %6.1f MB/s  %5.1f and %5.1f ms a MB\n", round+1, name, f.rate, f.own, f.pg)
			}); err != nil {
				return err
			}
		}
		slices.Reverse(sides)
	}
	fmt.Printf("\n%d deals, the best of %d rounds\n%-36s %10s %10s %12s %8s %10s %10s\n", s.deals, s.rounds, "", "bytes", "MB/s", "own ms/MB", "pg", "by rate", "by time")
	for _, what := range []string{"first load", "unchanged", "1 % changed"} {
		base := best(got["Pipedrive, "+what])
		for _, title := range []string{"Pipedrive", "Zoho CRM", "Zoho CRM, two parts"} {
			f := best(got[title+", "+what])
			fmt.Printf("%-36s %10.0f %10.1f %12.1f %8.1f %10.2f %10.2f\n", title+", "+what, f.size, f.rate, f.own, f.pg, f.rate/base.rate, (base.own+base.pg)/(f.own+f.pg))
		}
	}
	return nil
}

// best takes the best of each figure: whoever else is at work only takes away.
func best(all []byteFigures) byteFigures {
	out := all[0]
	for _, f := range all {
		out.rate, out.own, out.pg = max(out.rate, f.rate), min(out.own, f.own), min(out.pg, f.pg)
	}
	return out
}

// readAccount reads a new account three times.
func (b *bench) readAccount(ctx context.Context, s settings, side crm, name string, tell func(what string, f byteFigures)) error {
	if err := b.exec(ctx, "TRUNCATE salesbook.records, salesbook.deals, salesbook.dirty"); err != nil {
		return err
	}
	if err := b.join(ctx, side, name); err != nil {
		return err
	}
	of := reading{connection: name, object: side.object, wanted: s.deals}
	one := func(what string, begin func() (*process, error)) error {
		if of.worker != nil {
			if err := b.rest(ctx); err != nil {
				return err
			}
		}
		before, err := b.ask(ctx, "/served")
		if err != nil {
			return err
		}
		f, err := b.walk(ctx, s, of, begin)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", side.title, what, err)
		}
		after, err := b.ask(ctx, "/served")
		if err != nil {
			return err
		}
		size := (number(after) - number(before)) / float64(s.deals)
		tell(what, byteFigures{rate: f.rate * size / 1e6, own: f.own / size * 1e3, pg: f.pg / size * 1e3, size: size})
		return b.vacuum(ctx, b.direct, "salesbook.records", "salesbook.deals")
	}
	err := one("first load", func() (p *process, err error) {
		of.worker, err = start(ctx, b.env, b.binary, "work")
		return of.worker, err
	})
	if of.worker != nil {
		defer of.worker.stop()
	}
	again := func() (*process, error) {
		_, err := b.salesbook(ctx, "sync", name, "--full", "--object", side.object)
		return of.worker, err
	}
	if of.wanted = 0; err == nil {
		err = one("unchanged", again)
	}
	if err == nil {
		_, err = b.ask(ctx, fmt.Sprintf("/touch?every=%d", touched))
	}
	if of.wanted = (s.deals + touched - 1) / touched; err == nil {
		err = one("1 % changed", again)
	}
	return errors.Join(err, b.idle(ctx, name))
}

// rest waits until nothing is left to do: once an account is loaded, its deals are
// judged.
func (b *bench) rest(ctx context.Context) error {
	for {
		var busy bool
		err := b.db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river.river_job WHERE state = 'running' OR state IN ('available', 'retryable', 'scheduled') AND scheduled_at < now())`).Scan(&busy)
		if err != nil || !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// join makes a connection. How many calls a second Zoho takes would be measured
// otherwise: 25 pages of 200 deals, at most.
func (b *bench) join(ctx context.Context, side crm, name string) error {
	if side.vendor == "pipedrive" {
		return b.connect(ctx, name)
	}
	secret := filepath.Join(b.dir, "token")
	if err := os.WriteFile(secret, []byte("token"), 0o600); err != nil {
		return err
	}
	if err := b.connectTo(ctx, side.vendor, name, "--set", "client_id=bench", "--secret", "client_secret=@"+secret, "--secret", "refresh_token=@"+secret); err != nil {
		return err
	}
	return b.exec(ctx, "UPDATE salesbook.vendor_accounts SET burst = 1000000, daily = 1000000000, daily_left = 1000000000 WHERE vendor = 'zoho'")
}

// ask asks the vendor's process for something that no vendor knows.
func (b *bench) ask(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.vendorURL+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
