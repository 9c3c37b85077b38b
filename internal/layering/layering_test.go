package layering_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"salesbook.dev/internal/layering"
)

// TestTheSourceKeepsToTheDesign is the rule that CI enforces.
func TestTheSourceKeepsToTheDesign(t *testing.T) {
	t.Parallel()
	found, err := layering.Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// source makes a file of the package that its folder's name suggests, with
// the given imports and body.
func source(dir string, imports []string, body string) string {
	name := dir[strings.LastIndexByte(dir, '/')+1:]
	comment := "// Package " + name + " is here.\n"
	if strings.HasPrefix(dir, "cmd/") {
		name, comment = "main", "// Command "+name+" is here.\n"
	}
	var b strings.Builder
	b.WriteString(comment + "package " + name + "\n")
	for _, i := range imports {
		b.WriteString("import \"" + i + "\"\n")
	}
	return b.String() + body
}

// check returns the violations of a module that holds these files.
func check(t *testing.T, files map[string]string) []layering.Violation {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	found, err := layering.Check(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const our = layering.Module + "/"

// TestArrows names for each pair of folders whether one may import the other.
func TestArrows(t *testing.T) {
	t.Parallel()
	cases := []struct {
		from, to string
		reason   string // part of the message; empty: allowed
	}{
		{"cmd/salesbook", "jobs", ""},
		{"cmd/salesbook", "internal/sandbox/pipedrive", ""},
		{"internal/web", "jobs", ""},
		{"internal/web", "connectors/pipedrive", "web turns HTTP into calls"},
		{"internal/web", "internal/embedded", "web turns HTTP into calls"},
		{"jobs", "internal/postgres", ""},
		{"jobs", "internal/notify", ""},
		{"jobs", "internal/web", "calls nothing above itself"},
		{"jobs", "connectors/pipedrive", "jobs is the pipeline"},
		{"jobs", "cmd/salesbook", "commands are wiring"},
		{"mapping", "connectors", ""},
		{"mapping", "internal/sales", ""},
		{"mapping", "connectors/pipedrive", "never a vendor"},
		{"mapping", "internal/postgres", "mapping is meaning alone"},
		{"mapping", "jobs", "mapping is meaning alone"},
		{"mapping", "internal/rest", "mapping is meaning alone"},
		{"internal/book", "internal/sales", ""},
		{"internal/book", "connectors", "a function of facts"},
		{"internal/book", "mapping", "a function of facts"},
		{"internal/wording", "internal/language", ""},
		{"internal/wording", "internal/book", ""},
		{"internal/wording", "internal/handbook", "wording says what a book states"},
		{"internal/handbook", "internal/wording", ""},
		{"internal/handbook", "internal/postgres", "a page made of a book alone"},
		{"internal/web", "internal/handbook", ""},
		{"jobs", "internal/wording", ""},
		{"jobs", "internal/handbook", "jobs is the pipeline"},
		{"internal/book", "internal/language", "a function of facts"},
		{"internal/report", "internal/book", ""},
		{"internal/report", "internal/postgres", "one definition"},
		{"internal/notify", "internal/rest", ""},
		{"internal/notify", "internal/postgres", "notify decides"},
		{"internal/postgres", "internal/seal", ""},
		{"internal/postgres", "migrations", ""},
		{"internal/postgres", "mapping", "postgres stores"},
		{"internal/postgres", "jobs", "postgres stores"},
		{"internal/postgres/pgtest", "internal/embedded", ""},
		{"internal/postgres/pgtest", "jobs", "knows nothing of what they test"},
		{"connectors", "internal/rest", ""},
		{"connectors", "internal/postgres", "stands under everything"},
		{"connectors", "connectors/pipedrive", "stands under everything"},
		{"connectors/catalog", "connectors/pipedrive", ""},
		{"connectors/catalog", "internal/rest", "list of connectors"},
		{"connectors/connectortest", "connectors", ""},
		{"connectors/connectortest", "connectors/pipedrive", "knows none of them"},
		{"connectors/pipedrive", "connectors", ""},
		{"connectors/pipedrive", "internal/rest", ""},
		{"connectors/pipedrive", "internal/fault", ""},
		{"connectors/pipedrive", "connectors/zoho", "hangs off the contract"},
		{"connectors/pipedrive", "mapping", "hangs off the contract"},
		{"connectors/pipedrive", "internal/sales", "hangs off the contract"},
		{"connectors/pipedrive", "internal/postgres", "hangs off the contract"},
		{"internal/sandbox/pipedrive", "internal/sandbox", ""},
		{"internal/sandbox/pipedrive", "connectors", "shares our mistakes"},
		{"internal/sandbox/pipedrive", "mapping", "shares our mistakes"},
		{"internal/sandbox/pipedrive", "jobs", "shares our mistakes"},
		{"internal/sandbox/zoho", "internal/sandbox", ""},
		{"internal/sandbox/zoho", "connectors", "shares our mistakes"},
		{"cmd/salesbook", "internal/sandbox/zoho", ""},
		{"internal/sandbox", "connectors/pipedrive", "shares our mistakes"},
		{"internal/demo", "internal/sandbox/pipedrive", ""},
		{"internal/demo", "connectors/pipedrive", "no vendor's connector"},
		{"internal/demo", "internal/web", "the demo plays"},
		{"internal/rest", "internal/fault", ""},
		{"internal/rest", "internal/postgres", "interfaces that it declares"},
		{"internal/rest", "connectors", "interfaces that it declares"},
		{"internal/sales", "internal/fault", "the centre"},
		{"internal/fault", "internal/sales", "used by everything"},
		{"internal/language", "internal/sales", "words are data"},
		{"internal/embedded", "internal/postgres", "runs a PostgreSQL server"},
		{"internal/seal", "internal/postgres", "protects bytes"},
		{"internal/telemetry", "jobs", "defined where it is measured"},
		{"internal/config", "internal/postgres", "settings are values"},
		{"internal/layering", "internal/fault", "reads sources"},
		{"migrations", "internal/fault", "migrations are SQL"},
		{"internal/clever", "internal/fault", "no place in the design"},
		{"pkg/thing", "internal/fault", "no place in the design"},
	}
	excepted := map[string]string{"connectors/catalog": "var Connectors int", "internal/postgres/pgtest": "var shared int"}
	for _, tc := range cases {
		t.Run(tc.from+" imports "+tc.to, func(t *testing.T) {
			t.Parallel()
			found := check(t, map[string]string{tc.from + "/x.go": source(tc.from, []string{our + tc.to}, excepted[tc.from])})
			expect(t, found, tc.reason)
		})
	}
}

// expect wants one violation with this text, or none when it is empty.
func expect(t *testing.T, found []layering.Violation, text string) {
	t.Helper()
	switch {
	case text == "" && len(found) == 0:
	case text != "" && len(found) == 1 && strings.Contains(found[0].String(), text):
	default:
		t.Errorf("violations %v, want one with %q", found, text)
	}
}

// TestRules shows each of the other rules firing, and what they leave alone.
func TestRules(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file string // its folder decides the package
		imp  []string
		body string
		want string // empty: nothing
	}{
		"a test may import what its package may not": {"mapping/a_test.go", []string{our + "connectors/pipedrive"}, "", ""},
		"but no command":                            {"mapping/a_test.go", []string{our + "cmd/salesbook"}, "", "a_test.go:3: imports cmd/salesbook"},
		"a simulator's test stays apart":            {"internal/sandbox/pipedrive/a_test.go", []string{our + "connectors/pipedrive"}, "", "in its tests as well"},
		"a simulator's test may use other packages": {"internal/sandbox/pipedrive/a_test.go", []string{our + "internal/rest"}, "", ""},
		"files in a pure package":                   {"mapping/a.go", []string{"os"}, "", "a.go:3: mapping imports os: this package is pure"},
		"HTTP in a pure package":                    {"internal/book/a.go", []string{"net/http"}, "", "internal/book imports net/http"},
		"a database in a pure package":              {"internal/report/a.go", []string{"database/sql"}, "", "know that there is a database"},
		"chance in a pure package":                  {"internal/sales/a.go", []string{"math/rand/v2"}, "", "pure"},
		"logging in a pure package":                 {"mapping/a.go", []string{"log/slog"}, "", "pure"},
		"the clock in the handbook":                 {"internal/handbook/a.go", []string{"time"}, "func f() time.Time { return time.Now() }", "internal/handbook uses time.Now"},
		"parsing a URL is pure":                     {"mapping/a.go", []string{"net/url"}, "", ""},
		"a pure package's test reads files":         {"mapping/a_test.go", []string{"os"}, "", ""},
		"the clock in a pure package":               {"internal/book/a.go", []string{"time"}, "func f() time.Time { return time.Now() }", "internal/book uses time.Now"},
		"the clock as a value":                      {"internal/sales/a.go", []string{"time"}, "func f() func(time.Time) time.Duration { return time.Since }", "uses time.Since"},
		"durations are no clock":                    {"internal/book/a.go", []string{"time"}, "const d = 5 * time.Minute", ""},
		"the clock elsewhere":                       {"jobs/a.go", []string{"time"}, "func f() time.Time { return time.Now() }", ""},
		"a driver in a connector":                   {"connectors/pipedrive/a.go", []string{"github.com/jackc/pgx/v5"}, "", "know that there is a database"},
		"a driver in jobs":                          {"jobs/a.go", []string{"github.com/jackc/pgx/v5"}, "", ""},
		"a query outside postgres":                  {"jobs/a.go", nil, "const q = `\n SELECT id FROM deals WHERE id = $1`", "a.go:3: SQL outside internal/postgres"},
		"a write outside postgres":                  {"internal/web/a.go", nil, "const q = `insert into deals (id) values ($1)`", "SQL outside"},
		"an update outside postgres":                {"cmd/salesbook/a.go", nil, "const q = `UPDATE deals AS d SET value = 1`", "SQL outside"},
		"a with outside postgres":                   {"jobs/a.go", nil, "const q = `WITH due AS (SELECT 1) SELECT 1`", "SQL outside"},
		"a function call outside postgres":          {"jobs/a.go", nil, "const q = `select salesbook.tick($1)`", "SQL outside"},
		"a definition outside postgres":             {"jobs/a.go", nil, "const q = `CREATE UNIQUE INDEX x ON y (z)`", "SQL outside"},
		"a query in a test":                         {"jobs/a_test.go", nil, "const q = `SELECT id FROM deals`", ""},
		"a query at home":                           {"internal/postgres/a.go", nil, "const q = `SELECT id FROM deals`", ""},
		"a sentence with SQL's verbs":               {"internal/web/a.go", nil, "const s, u, d = `Select a deal from the list`, `Update from here`, `Delete from the list`", ""},
		"the testing package in the program":        {"jobs/a.go", []string{"testing"}, "", "outside a test"},
		"a suite in the program":                    {"cmd/salesbook/a.go", []string{our + "connectors/connectortest"}, "", "outside a test"},
		"the testing package in a suite":            {"connectors/connectortest/a.go", []string{"testing"}, "", ""},
		"an init function":                          {"jobs/a.go", nil, "func init() {}", "a.go:3: has an init function"},
		"an init function in a test":                {"jobs/a_test.go", nil, "func init() {}", "init function"},
		"a method named init":                       {"jobs/a.go", nil, "type t int\nfunc (t) init() {}", ""},
		"a variable without a value":                {"jobs/a.go", nil, "var count int", "the package variable count has no value"},
		"a mutex":                                   {"jobs/a.go", []string{"sync"}, "var mu sync.Mutex", "mu has no value"},
		"a value made by code":                      {"jobs/a.go", nil, "var c = load()\nfunc load() int { return 1 }", "c is made by code"},
		"a map made empty":                          {"jobs/a.go", nil, "var m = make(map[string]int)", "m is made by code"},
		"a pointer":                                 {"jobs/a.go", nil, "type t struct{}\nvar p = &t{}", "p is made by code"},
		"a replaceable function":                    {"jobs/a.go", []string{"time"}, "var now = time.Now", "now is made by code"},
		"one bad value among good ones":             {"jobs/a.go", nil, "var a, b = []int{1}, f()\nfunc f() int { return 1 }", "b is made by code"},
		"a table with a value made by code":         {"jobs/a.go", nil, "var a = []int{f()}\nfunc f() int { return 1 }", "a is made by code"},
		"an error":                                  {"jobs/a.go", []string{"errors"}, "var errX = errors.New(`x`)", ""},
		"a regular expression":                      {"jobs/a.go", []string{"regexp"}, "var re = regexp.MustCompile(`x`)", ""},
		"a table":                                   {"jobs/a.go", nil, "var t = map[string]func(int) int{`a`: func(i int) int { i++; return i }}", ""},
		"bytes":                                     {"jobs/a.go", nil, "var b = []byte(`x`)", ""},
		"an assertion":                              {"jobs/a.go", nil, "type t struct{}\nvar _ any = (*t)(nil)", ""},
		"an embedded file":                          {"migrations/a.go", []string{"embed"}, "//go:embed *.sql\nvar files embed.FS", ""},
		"a variable of a test":                      {"jobs/a_test.go", nil, "var update = new(bool)", ""},
		"a local variable of the same name":         {"jobs/a.go", nil, "var t = []int{1}\nfunc f() int { t := 2; return t }", ""},
		"a variable of a function":                  {"jobs/a.go", nil, "func f() { var n int; n++ }", ""},
		"an exception that is needed":               {"internal/postgres/pgtest/a.go", nil, "var shared struct{}", ""},
		"an exception that is not":                  {"internal/postgres/pgtest/a.go", nil, "", "no longer needed"},
		"a table that is written to":                {"jobs/a.go", nil, "var t = map[string]int{}\nfunc f() { t[`a`] = 1 }", "a.go:4: changes the package variable t"},
		"a table that grows":                        {"jobs/a.go", nil, "var t = []int{1}\nfunc f() { t = append(t, 2) }", "changes the package variable t"},
		"a field that is written to":                {"jobs/a.go", nil, "type s struct{ n int }\nvar t = s{1}\nfunc f() { t.n++ }", "changes the package variable t"},
		"a table that is emptied":                   {"jobs/a.go", nil, "var t = map[string]int{}\nfunc f() { delete(t, `a`) }", "changes the package variable t"},
		"a table given away by address":             {"jobs/a.go", nil, "var t = []int{1}\nfunc f() *[]int { return &t }", "changes the package variable t"},
		"a package named for nothing":               {"internal/sandbox/util/a.go", nil, "", "named for nothing"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tc.file[:strings.LastIndexByte(tc.file, '/')]
			expect(t, check(t, map[string]string{tc.file: source(dir, tc.imp, tc.body)}), tc.want)
		})
	}
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files map[string]string
		want  string
	}{
		"none":                {map[string]string{"jobs/a.go": "package jobs"}, "jobs: has no package comment"},
		"one that is no such": {map[string]string{"jobs/a.go": "// Licence.\npackage jobs"}, "has no package comment"},
		"one is enough":       {map[string]string{"jobs/a.go": "package jobs", "jobs/doc.go": "// Package jobs runs.\npackage jobs"}, ""},
		"a test's is none":    {map[string]string{"jobs/a.go": "package jobs", "jobs/a_test.go": "// Package jobs runs.\npackage jobs"}, "has no package comment"},
		"a command's":         {map[string]string{"cmd/salesbook/main.go": "// Command salesbook runs.\npackage main"}, ""},
		"a command without":   {map[string]string{"cmd/salesbook/main.go": "// Package main runs.\npackage main"}, "\"Command ...\""},
		"tests only":          {map[string]string{"test/e2e/a_test.go": "package e2e_test"}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, check(t, tc.files), tc.want)
		})
	}
}

func TestWhatIsNotOfTheModuleIsSkipped(t *testing.T) {
	t.Parallel()
	found := check(t, map[string]string{
		"tools/go.mod":               "module salesbook.dev/tools",
		"tools/a.go":                 "package tools\nfunc init() {}",
		"mapping/testdata/a.go":      "package broken (",
		".cache/mod/a.go":            "package a\nfunc init() {}",
		"test/x/node_modules/x/a.go": "package a\nfunc init() {}",
		"_old/a.go":                  "package a\nfunc init() {}",
		"docs/picture.txt":           "no source",
	})
	expect(t, found, "")
}

func TestAFileThatCannotBeParsedIsAnError(t *testing.T) {
	t.Parallel()
	_, err := layering.Check(fstest.MapFS{"jobs/a.go": {Data: []byte("package jobs; func {")}})
	if err == nil || !strings.Contains(err.Error(), "jobs/a.go:1") {
		t.Errorf("error = %v, want one that names the place", err)
	}
}
