// Package mapping decides what a vendor's fields mean: it turns the plain
// values of a record (connectors.Values) into a canonical row (sales.Row).
//
// A map is data. The default map of each vendor is embedded as YAML; a
// connection may override single fields of it. A map is read once (Parse,
// Merge), checked once against the canonical kinds and the account's field
// definitions (Compile), and then applied to any number of records by any
// number of goroutines (ObjectMap.Row). docs/mapping.md explains the form of
// a map to the people who write one.
//
// The package is pure: no I/O and no clock. A record that cannot be mapped
// gives a *Problem; its caller puts the record into quarantine and goes on.
package mapping
