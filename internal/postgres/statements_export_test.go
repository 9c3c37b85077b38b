package postgres

// What statements are made of beside constants.
var (
	OwnedTables = ownedTables
	UpsertSQL   = upsertSQL
)
