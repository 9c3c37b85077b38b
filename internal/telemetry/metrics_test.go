package telemetry_test

import (
	"testing"

	"salesbook.dev/internal/telemetry"
)

func TestRegistryTellsOfTheProcess(t *testing.T) {
	t.Parallel()
	families, err := telemetry.NewRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range families {
		found[f.GetName()] = true
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "go_build_info"} {
		if !found[name] {
			t.Errorf("the registry lacks %s", name)
		}
	}
}
