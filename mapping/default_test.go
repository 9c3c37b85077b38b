package mapping

import "testing"

func compileDefault(t testing.TB, d *Dictionary) *Map {
	t.Helper()
	text, err := Default("pipedrive")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("pipedrive.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(f, d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDefaultCompiles(t *testing.T) {
	t.Parallel()
	m := compileDefault(t, nil)
	t.Log(m.Version())
}
