package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// settings are what the command line says.
type settings struct {
	binary    string // salesbook's own
	yardstick string // directory of the yardstick
	deals     int
	rounds    int
	seconds   int // of each run of deliveries
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	what := "sync"
	if len(args) > 0 && args[0][0] != '-' {
		what, args = args[0], args[1:]
	}
	var s settings
	flags := flag.NewFlagSet("bench "+what, flag.ExitOnError)
	from := flags.String("from", "", "vendor: the yardstick's vendor, whose records are served")
	flags.StringVar(&s.binary, "binary", "bin/salesbook", "salesbook's binary")
	flags.StringVar(&s.yardstick, "yardstick", filepath.Join("..", "shared", "yardstick"), "directory of the yardstick")
	flags.IntVar(&s.deals, "deals", 100_000, "deals of an account")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds; the median is told")
	flags.IntVar(&s.seconds, "seconds", 5, "length of each run of deliveries")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if what == "vendor" {
		return serveVendor(*from)
	}
	measures := map[string]func(context.Context, settings, *bench) error{"sync": measureSync, "deliveries": measureDeliveries, "memory": measureMemory, "scale": measureScale, "zoho": measureZoho}
	measure, ok := measures[what]
	if !ok {
		return fmt.Errorf("there is no benchmark %q; there are sync, deliveries, memory, scale, zoho", what)
	}
	b, err := prepare(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	return measure(ctx, s, b)
}
