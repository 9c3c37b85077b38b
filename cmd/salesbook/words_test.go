package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sales"
)

func TestNumbersAreReadable(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -12345: "-12,345", 9876543210: "9,876,543,210"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	tests := []struct {
		n          int64
		noun, want string
	}{
		{1, "record", "1 record"}, {0, "record", "0 records"}, {2500, "record", "2,500 records"}, {2, "company", "2 companies"}, {1, "old key", "1 old key"},
	}
	for _, tt := range tests {
		if got := counted(tt.n, tt.noun); got != tt.want {
			t.Errorf("counted(%d, %q) = %q, want %q", tt.n, tt.noun, got, tt.want)
		}
	}
}

func TestSpansAreReadable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0 s"}, {140 * time.Millisecond, "0.1 s"}, {9940 * time.Millisecond, "9.9 s"}, {12 * time.Second, "12 s"},
		{99 * time.Second, "99 s"}, {3*time.Minute + 40*time.Second, "4 min"}, {time.Hour, "1 h"}, {2*time.Hour + 5*time.Minute, "2 h 5 min"},
		{26 * time.Hour, "26 h"}, {100 * time.Hour, "4 d"},
	}
	for _, tt := range tests {
		if got := span(tt.d); got != tt.want {
			t.Errorf("span(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestOnlyAllOfItIsAHundredPercent(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0 %", 0.451: "45 %", 0.99999: "99 %", 1: "100 %"} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) = %q, want %q", share, got, want)
		}
	}
}

func TestShortenCountsCharactersAndKeepsOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"короткий": "короткий", "две\nстроки": "две строки", "Zażółć gęślą jaźń": "Zażółć gę…",
	} {
		if got := shorten(text, 10); got != want {
			t.Errorf("shorten(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestColumnsLineUpInEveryAlphabet(t *testing.T) {
	t.Parallel()
	table := newTable("NAME", ">RECORDS", "STATE")
	table.add("Анна", "5", "loaded")
	table.add("Łukasz Żak", "12,345", "")
	want := []string{
		"  NAME        RECORDS  STATE",
		"  Анна              5  loaded",
		"  Łukasz Żak   12,345",
	}
	if diff := cmp.Diff(want, table.lines("  ")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestFreeSpaceIsWhatTheSystemSays(t *testing.T) {
	t.Parallel()
	share, bytes, err := freeDisk(t.TempDir())
	if err != nil || share <= 0 || share > 1 || bytes <= 0 {
		t.Errorf("freeDisk: %v, %d, %v; want a share and some bytes", share, bytes, err)
	}
	if _, _, err := freeDisk(t.TempDir() + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("freeDisk of nothing: %v, want fs.ErrNotExist", err)
	}
}

// TestNamesCannotSteerTheTerminal: anybody who fills in a form writes what is
// shown to an operator.
func TestNamesCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Łukasz\tŻak, Анна":        "Łukasz Żak, Анна",
		"\x1b[2J\x1b]0;root\x07ok": "�[2J�]0;root�ok",
		"abc\r\x08\x7f\u0085":      "abc����",
		"invoice\u202efdp.exe":     "invoice�fdp.exe",
		"עברית\u200e and العربية":  "עברית� and العربية",
	} {
		table := newTable()
		table.add(text)
		if got := table.lines("")[0]; got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	v := recordView{Fields: map[string]json.RawMessage{"title": json.RawMessage(`"a\u001b[31m\nthrough nobody"`)}, Zone: "UTC"}
	kind, _ := sales.KindByName("deals")
	if got := v.text(kind); strings.Contains(got, "\x1b") || strings.Contains(got, "\nthrough nobody") {
		t.Errorf("a title steers the terminal: %q", got)
	}
}

func TestWhatIsSaidOfAQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	soon, later := now.Add(20*time.Minute), now.Add(5*time.Hour)
	tests := []struct {
		quota quotaStatus
		want  string
	}{
		{quotaStatus{}, "quota: none is known"},
		{quotaStatus{Daily: new(30_000), DailyLeft: new(1200)}, "quota today: 1,200 of 30,000 left"},
		{quotaStatus{Daily: new(52_500), DailyLeft: new(52_500), Rolling: true, AtOnce: new(10), UnderWay: new(0)}, "quota of the last 24 hours: 52,500 of 52,500 left; calls under way: 0 of 10"},
		{quotaStatus{Daily: new(52_500), DailyLeft: new(12), Rolling: true, BackAt: &later, Back: new(3000), AtOnce: new(10), UnderWay: new(7), ParkedUntil: &soon},
			"quota of the last 24 hours: 12 of 52,500 left; 3,000 come back within 5 h; calls under way: 7 of 10; refused by the vendor until 09:20:00 UTC (20 min)"},
		{quotaStatus{Daily: new(5000), DailyLeft: new(4000), Rolling: true, BackAt: new(now.Add(24*time.Hour + 23*time.Minute)), Back: new(1000)}, "quota of the last 24 hours: 4,000 of 5,000 left; 1,000 come back within 24 h"},
		{quotaStatus{Daily: new(5000), DailyLeft: new(4000), Rolling: true, BackAt: new(now.Add(3*time.Hour + 10*time.Minute)), Back: new(1000)}, "quota of the last 24 hours: 4,000 of 5,000 left; 1,000 come back within 4 h"},
		{quotaStatus{Daily: new(5000), DailyLeft: new(4000), Rolling: true, BackAt: &soon, Back: new(1000)}, "quota of the last 24 hours: 4,000 of 5,000 left; 1,000 come back within 1 h"},
	}
	for _, tt := range tests {
		if got := tt.quota.words(now); got != tt.want {
			t.Errorf("says %q, want %q", got, tt.want)
		}
	}
}
