package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	// anyEvent are the keys of a fault that strikes single events.
	anyEvent = []string{"p", "after", "times", "path"}
	// anyCall are those of one that strikes single calls.
	anyCall = []string{"method", "p", "after", "times", "path"}
)

// faultKeys lists the keys each kind takes.
func faultKeys() map[Kind][]string {
	return map[Kind][]string{
		BurstLimit:     anyCall,
		DailyLimit:     anyCall,
		ServerError:    append([]string{"status", "after-commit"}, anyCall...),
		Refuse:         anyCall,
		Slow:           append([]string{"ms"}, anyCall...),
		Cut:            anyCall,
		HTML:           append([]string{"status"}, anyCall...),
		Empty:          anyCall,
		Ties:           {"n"},
		WebhookLost:    anyEvent,
		WebhookDouble:  anyEvent,
		WebhookReorder: anyEvent,
		Skew:           {"s"},
		CursorExpire:   {"after", "p", "times", "path"},
		TokenExpire:    anyEvent,
	}
}

// ParseFault reads a fault as the command line writes it:
//
//	kind[:key=value[,key=value]...]
//
// such as "429-burst:p=0.05", "5xx:p=0.1,after-commit" or
// "slow:ms=800,path=/deals". docs/simulator.md lists kinds and keys. The error
// names the part that is wrong and what would be right.
func ParseFault(spec string) (Fault, error) {
	name, args, _ := strings.Cut(spec, ":")
	f := defaults(Kind(name))
	allowed, ok := faultKeys()[f.Kind]
	if !ok {
		return Fault{}, fmt.Errorf("fault %q: no such kind; kinds are %s", spec, kinds())
	}
	for arg := range strings.SplitSeq(args, ",") {
		if arg == "" {
			continue
		}
		key, value, hasValue := strings.Cut(arg, "=")
		if !slices.Contains(allowed, key) {
			return Fault{}, fmt.Errorf("fault %q: %s takes no %q, only %s", spec, name, key, strings.Join(allowed, ", "))
		}
		if err := f.set(key, value, hasValue); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %s: %w", spec, key, err)
		}
	}
	return f, f.complete(spec)
}

func kinds() string {
	var names []string
	for _, k := range slices.Sorted(maps.Keys(faultKeys())) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func defaults(kind Kind) Fault {
	f := Fault{Kind: kind, P: 1}
	switch kind {
	case ServerError:
		f.Status = 500
	case HTML:
		f.Status = 502
	}
	return f
}

func (f *Fault) set(key, value string, hasValue bool) error {
	if key == "after-commit" {
		f.AfterCommit = true
		if hasValue {
			return fmt.Errorf("stands alone, without =%s", value)
		}
		return nil
	}
	switch key {
	case "p":
		return f.setProbability(value)
	case "path":
		f.Path = value
		return nil
	case "method":
		f.Method = value
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return fmt.Errorf("want a whole number, got %q", value)
	}
	return f.setNumber(key, n)
}

func (f *Fault) setProbability(value string) error {
	p, err := strconv.ParseFloat(value, 64)
	if err != nil || !(p > 0 && p <= 1) {
		return fmt.Errorf("want a probability above 0 and up to 1, got %q", value)
	}
	f.P = p
	return nil
}

func (f *Fault) setNumber(key string, n int) error {
	if n < 0 && key != "s" {
		return fmt.Errorf("want 0 or more, got %d", n)
	}
	switch key {
	case "after":
		if f.Kind == CursorExpire {
			f.Delay = time.Duration(n) * time.Second
			return nil
		}
		f.After = n
	case "times":
		f.Times = n
	case "n":
		f.N = n
	case "ms":
		f.Delay = time.Duration(n) * time.Millisecond
	case "s":
		f.Delay = time.Duration(n) * time.Second
	case "status":
		return f.setStatus(n)
	}
	return nil
}

func (f *Fault) setStatus(n int) error {
	if f.Kind == ServerError && (n < 500 || n > 599) {
		return fmt.Errorf("want 500 to 599, got %d", n)
	}
	if n < 200 || n > 599 {
		return fmt.Errorf("want an HTTP status from 200 to 599, got %d", n)
	}
	f.Status = n
	return nil
}

// complete refuses a fault that could do nothing.
func (f *Fault) complete(spec string) error {
	missing := map[Kind]string{Slow: "ms", Skew: "s"}
	if key, ok := missing[f.Kind]; ok && f.Delay == 0 {
		return fmt.Errorf("fault %q: say how much, as in %s:%s=500", spec, f.Kind, key)
	}
	if f.Kind == Ties && f.N == 0 {
		return fmt.Errorf("fault %q: say how many records, as in ties:n=5000", spec)
	}
	return nil
}
