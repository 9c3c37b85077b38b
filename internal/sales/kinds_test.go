package sales

import "testing"

// TestKinds holds the list together: what the store, the maps and the
// documentation all take for granted.
func TestKinds(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, k := range Kinds() {
		for _, name := range []string{k.Name, k.One} {
			if names[name] || name == "" {
				t.Errorf("the name %q stands twice or is empty", name)
			}
			names[name] = true
			if found, ok := KindByName(name); !ok || found != k {
				t.Errorf("KindByName(%q) does not find the kind", name)
			}
		}
		if k.Doc == "" {
			t.Errorf("%s has no documentation", k.Name)
		}
		for i := range k.Fields {
			checkField(t, k, i)
		}
	}
	if _, ok := KindByName("deel"); ok {
		t.Error("KindByName found a kind that is none")
	}
}

func checkField(t *testing.T, k *Kind, i int) {
	t.Helper()
	f := k.Fields[i]
	if k.Index(f.Name) != i {
		t.Errorf("%s: the field name %q stands twice", k.Name, f.Name)
	}
	if _, ok := KindByName(f.To); (f.Type == Ref) != ok {
		t.Errorf("%s.%s: a %s that points to %q", k.Name, f.Name, f.Type, f.To)
	}
	if f.Enum != nil && f.Type != Text {
		t.Errorf("%s.%s: a fixed list of values on a %s", k.Name, f.Name, f.Type)
	}
	if f.Name == "custom" && k.Custom {
		t.Errorf("%s: a field stands in the way of the custom document", k.Name)
	}
}

func TestIndexUnknown(t *testing.T) {
	t.Parallel()
	if i := Kinds()[0].Index("nobody"); i != -1 {
		t.Errorf("Index = %d, want -1", i)
	}
}
