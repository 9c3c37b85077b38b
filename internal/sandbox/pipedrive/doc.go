// Package pipedrive simulates Pipedrive: API v2, the part of v1 that v2 does
// not replace, OAuth, token costs, rate limits and webhooks v2, over a company
// that is generated, seeded from a file or written through the API itself.
//
// Shapes follow the vendor's OpenAPI documents of 2026-08-18, to which the
// tests hold every answer; what those leave open follows the guides and the
// behaviour seen in public connectors, and docs/simulator.md says where this
// simulator had to choose. It imports nothing of the project but its parent,
// so that it cannot drift towards what suits our connector.
package pipedrive
