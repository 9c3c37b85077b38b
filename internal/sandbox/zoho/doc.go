// Package zoho simulates Zoho CRM, API v8: records of modules, COQL, Bulk Read,
// settings, OAuth with its data centres, credits and concurrency, Blueprint and
// notifications, over a company that is generated or written through the API
// itself.
//
// Shapes follow the vendor's OpenAPI documents (repository zoho/crm-oas,
// 2025-06-27), to which the tests hold every answer; what those leave open
// follows the vendor's pages and the behaviour seen in public connectors, and
// docs/simulator.md says where this simulator had to choose. It imports nothing
// of the project but its parent, so that it cannot drift towards what suits our
// connector.
package zoho
