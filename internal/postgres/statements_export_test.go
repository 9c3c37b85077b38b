package postgres

// What statements are made of beside constants.
var (
	OwnedTables = ownedTables
	UpsertSQL   = upsertSQL
	PopulateSQL = populateSQL

	ViolationsOf = violationsOf
)

// Newer is the condition under which a sighting is taken.
func Newer(e string) string { return newer(e) }
