package sandbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestManualClockRunsTimersInOrderAtTheirTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
	c := NewManual(start)
	var got []string
	note := func(name string) func() {
		return func() { got = append(got, name+" "+c.Now().Format(time.TimeOnly)) }
	}
	c.AfterFunc(3*time.Second, note("late"))
	c.AfterFunc(time.Second, note("early"))
	c.AfterFunc(time.Hour, note("never"))
	stop := c.AfterFunc(2*time.Second, note("stopped"))
	if !stop() || stop() {
		t.Error("stop must report once that it kept the function from running")
	}
	c.AfterFunc(time.Second, func() { c.AfterFunc(time.Second, note("nested")) })

	c.Advance(10 * time.Second)

	want := []string{"early 00:30:01", "nested 00:30:02", "late 00:30:03"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timers (-want +got):\n%s", diff)
	}
	if want := start.Add(10 * time.Second); !c.Now().Equal(want) {
		t.Errorf("the clock stands at %s, want %s", c.Now(), want)
	}
}
