// Package pipedrive is the connector for Pipedrive: API v2, and API v1 where v2
// has nothing (leads, notes, users, activity types, a deal's changelog,
// webhooks). It knows paging, authentication, costs and shapes; what a field
// means is decided in mapping.
//
// Vendor facts stand beside the code that follows from them, with their source:
// the OpenAPI documents are those published as openapi.yaml (v1) and
// openapi-v2.yaml (v2) on developers.pipedrive.com, as of 2026-08-18; "guide"
// is a page of pipedrive.readme.io; "public code" is what public connectors and
// their fixtures show, which the vendor does not promise.
//
// A first walk cuts an object's history into slices of update time, each walked
// by id, so that a place that is no longer accepted costs one slice. Later
// walks read what changed since shortly before the last one began. What v1
// offers by offset only is walked so that rows which vanish meanwhile make no
// gap: see start.go.
package pipedrive
