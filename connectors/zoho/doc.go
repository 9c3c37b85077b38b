// Package zoho is the connector for Zoho CRM, API v8. It knows data centres,
// paging, costs and shapes; what a field means is decided in mapping.
//
// Vendor facts stand beside the code that follows from them, with their source:
// "OpenAPI" is the vendor's own documents for v8.0 (2025-06-27) and their newer
// generation (2026-08-22); "docs" is a page of the vendor's API documentation,
// read 2026-11; "public code" is what public connectors show, which the vendor
// does not promise.
//
// Records are found by a query language, which sorts by time of change and id and
// goes on behind any row, however many share a second. It tells which records
// there are; what they hold is then read by id, or, of all of them, from lists,
// which is the same operation, so that a record has the same bytes whichever way
// it came: see load.go. A module with more fields than one answer may hold
// is read in several answers, and the record's bytes are then the list of these
// parts: see columns.go.
package zoho
