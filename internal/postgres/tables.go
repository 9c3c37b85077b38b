package postgres

import "salesbook.dev/internal/sales"

// ownedTables lists the tables whose rows belong to a connection and go with
// it. Those with a foreign key to connections go by themselves.
func ownedTables() []string {
	tables := []string{"inbox", "records", "dictionaries", "parents_read", "changes", "dirty", "judgements", "violations", "snoozes", "approvals", "book_bindings", "edits", "notifications", "deal_stages", "team_reps", "failures", "runs", "schedules"}
	for _, k := range sales.Kinds() {
		tables = append(tables, k.Name)
	}
	return tables
}
