package layering

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
)

// sqlHomes may hold SQL: the store itself, its migrations and test databases,
// the launcher, which makes roles and databases on an empty server, and the
// benchmark, which looks at a server from outside as a superuser.
func sqlHomes(dir string) bool {
	return within(dir, "internal/postgres/...") || within(dir, "test/bench") || within(dir, "migrations") || within(dir, "internal/embedded/...")
}

// statement matches the beginning of an SQL statement as we write them, and
// filled whatever takes arguments of one. A sentence for people may begin with
// "Select" or "Delete from", but not in capitals and not with $1 in it.
var (
	statement = regexp.MustCompile(`(?s)^\s*(SELECT\s|INSERT INTO\s|UPDATE\s.*\sSET\s|DELETE FROM\s|MERGE INTO\s|WITH\s.*\sAS\s.*\(|` +
		`(CREATE|ALTER|DROP|TRUNCATE|LOCK|COPY|GRANT|REVOKE)\s|SET (LOCAL|SESSION)\s|(LISTEN|NOTIFY)\s)`)
	filled = regexp.MustCompile(`(?is)^\s*(select|insert|update|delete|merge|with|call)\s.*\$\d`)
)

// sql keeps statements where every one of them is prepared by a test against
// the migrated schema, and bound to a workspace.
func (r report) sql(p *pkg) {
	if sqlHomes(p.dir) {
		return
	}
	for _, f := range p.sources() {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && isStatement(lit) {
				r.at(f, lit.Pos(), "SQL outside internal/postgres: there every statement is bound to a workspace and prepared in a test on the migrated schema; give postgres a function with a name from the domain")
			}
			return true
		})
	}
}

func isStatement(lit *ast.BasicLit) bool {
	text, err := strconv.Unquote(lit.Value)
	return err == nil && (statement.MatchString(text) || filled.MatchString(text))
}

// drivers are the packages that talk to a database.
var drivers = []string{"database/sql/...", "github.com/jackc/..."}

// driverHomes may import them: besides the homes of SQL, jobs and web insert
// jobs in a transaction (river.Client[pgx.Tx]), and cmd opens the pools.
func driverHomes(dir string) bool {
	return sqlHomes(dir) || within(dir, "jobs/...") || within(dir, "internal/web/...") || within(dir, "internal/demo/...") || within(dir, "cmd/...") || within(dir, "test/...")
}

// databases keeps drivers out of what should not know that there is a database.
func (r report) databases(p *pkg) {
	if driverHomes(p.dir) {
		return
	}
	for _, f := range p.sources() {
		for _, spec := range f.ast.Imports {
			name := imported(spec)
			if slices.ContainsFunc(drivers, func(pattern string) bool { return within(name, pattern) }) {
				r.at(f, spec.Pos(), "%s imports %s: only the store, what enqueues jobs in its transactions, and cmd know that there is a database", p.dir, name)
			}
		}
	}
}
