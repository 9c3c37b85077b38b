package layering

import (
	"slices"
	"strings"
)

// row says what the packages of a folder may import of ours.
type row struct {
	folder string   // "x" is the folder, "x/..." the folder and all below it
	may    []string // patterns of the same form
	why    string   // the reason, as a sentence that follows what happened
}

// foundations are what many rows may import: kinds of failure, the canonical
// model, and the reader of what people write by hand.
const (
	faults = "internal/fault"
	model  = "internal/sales"
	papers = "internal/strictyaml"
)

// table is the design's arrows: cmd -> web -> jobs -> {mapping, book, report,
// notify, postgres} -> {connectors, rest, sales, fault}. The first row that
// fits a folder holds. A new folder needs a row.
func table() []row {
	return []row{
		{"cmd/...", []string{"..."}, "cmd wires everything together"},
		{"test/...", []string{"..."}, "tests of the whole program may use every part of it"},

		{"internal/web/...", []string{"internal/web/...", "jobs", "mapping", "internal/book", "internal/report", "internal/notify", "internal/postgres", "connectors", "connectors/catalog", "internal/rest", "internal/language", "internal/wording", "internal/handbook", model, faults},
			"web turns HTTP into calls of jobs and postgres and stands under cmd alone; what it wants from cmd is passed to it"},
		{"internal/demo/...", []string{"internal/demo/...", "internal/sandbox/...", "jobs", "mapping", "internal/postgres", "internal/embedded", "connectors", "connectors/catalog", "internal/rest", "internal/language", "internal/seal", "internal/telemetry", "internal/config", model, faults},
			"the demo plays a scenario with the real jobs against a simulator, and knows no vendor's connector by name"},
		{"jobs/...", []string{"jobs/...", "mapping", "internal/book/...", "internal/enforce", "internal/provision", "internal/report", "internal/notify", "internal/postgres", "connectors", "connectors/catalog", "internal/rest", "internal/language", "internal/wording", papers, model, faults},
			"jobs is the pipeline: it decides order, retry and schedule, and calls nothing above itself"},

		{"mapping/...", []string{"mapping/...", "connectors", papers, model, faults},
			"mapping is meaning alone: plain values of the contract to canonical ones and back, never a vendor, a table or a job"},
		{"internal/book/...", []string{"internal/book/...", papers, model, faults}, "a verdict is a function of facts, so the book sees the canonical model and nothing else"},
		{"internal/enforce/...", []string{"internal/enforce/...", "internal/book", "internal/language", "internal/wording"}, "what is to be done follows from a book, facts and verdicts alone; doing it is the business of jobs"},
		{"internal/provision/...", []string{"internal/provision/...", "internal/book", "internal/language", model}, "what a CRM lacks follows from a book and the CRM's definitions alone; making it is the business of jobs"},
		{"internal/wording/...", []string{"internal/wording/...", "internal/book", "internal/language"}, "wording says what a book states in the words of a language, and knows nothing of whom it is said to"},
		{"internal/handbook/...", []string{"internal/handbook/...", "internal/book", "internal/language", "internal/wording"}, "the handbook is a page made of a book alone, the same whoever asks for it"},
		{"internal/report/...", []string{"internal/report/...", "internal/book", model, faults}, "a figure has one definition for page, API and export, so it knows neither tables nor pages"},
		{"internal/notify/notifytest", nil, "notifytest is a mail server for tests, and holds what we send to the protocol and not to our code"},
		{"internal/notify/...", []string{"internal/notify/...", "internal/rest", "internal/language", model, faults}, "notify decides what is said to whom and when; stored notifications are the business of postgres and jobs"},
		{"internal/postgres/pgtest", []string{"internal/postgres", "internal/embedded", faults}, "pgtest gives tests a database and knows nothing of what they test"},
		{"internal/postgres/...", []string{"internal/postgres/...", "migrations", "connectors", "internal/rest", "internal/seal", model, faults},
			"postgres stores and implements what rest declares; who calls it and why is not its business"},

		{"connectors/catalog", []string{"connectors/..."}, "the catalog is the list of connectors"},
		{"connectors/connectortest", []string{"connectors", "internal/rest", faults}, "the conformance suite holds every vendor to the contract, so it knows none of them"},
		{"connectors", []string{"internal/rest", faults}, "the contract stands under everything that speaks of vendors"},
		{"connectors/answers", []string{"connectors"}, "what takes JSON apart for every connector knows none of them"},
		{"connectors/...", []string{"connectors", "connectors/answers", "internal/rest", faults},
			"a vendor's connector is transport and dialect, and hangs off the contract alone: removing its folder must touch one line of the catalog"},

		{"internal/sandbox/...", []string{"internal/sandbox/..."},
			"a simulator that shares our code shares our mistakes: it is held to the vendor's document, and imports nothing of ours"},
		{"internal/rest", []string{faults}, "rest is one HTTP client under every connector; quotas and tokens reach it through interfaces that it declares"},
		{model, nil, "sales is the centre: everything may depend on it because it depends on nothing of ours"},
		{faults, nil, "fault is used by everything, so it depends on nothing of ours"},
		{papers, nil, "strictyaml reads any document and knows none"},
		{"internal/language/...", []string{"internal/language/..."}, "words are data"},
		{"internal/embedded/...", []string{"internal/embedded/...", faults}, "embedded runs a PostgreSQL server and knows nothing of what is stored in it"},
		{"internal/seal", []string{faults}, "seal protects bytes and knows nothing of what they are"},
		{"internal/telemetry", []string{faults}, "telemetry sets up log, traces and registry; what is measured is defined where it is measured"},
		{"internal/config", []string{faults}, "settings are values; cmd carries them to whoever needs them"},
		{"internal/layering", nil, "layering reads sources and needs none of them"},
		{"migrations", nil, "migrations are SQL, embedded"},
	}
}

// rowOf returns the row that holds for a folder.
func rowOf(dir string) (row, bool) {
	rows := table()
	if i := slices.IndexFunc(rows, func(r row) bool { return within(dir, r.folder) }); i >= 0 {
		return rows[i], true
	}
	return row{}, false
}

// allows reports whether packages of the row may import dir.
func (r row) allows(dir string) bool {
	return slices.ContainsFunc(r.may, func(pattern string) bool { return pattern == "..." || within(dir, pattern) })
}

// list names what the row allows.
func (r row) list() string {
	if len(r.may) == 0 {
		return "nothing of ours"
	}
	return strings.Join(r.may, ", ")
}
