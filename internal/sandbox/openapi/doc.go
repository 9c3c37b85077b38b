// Package openapi holds exchanges over HTTP to a vendor's official OpenAPI
// documents: what a connector asks and what a simulator answers. Only tests use
// it. Where real requests and answers differ from the documents, each difference
// is a Deviation with its reason; what is neither documented nor listed is
// reported, and so is a deviation that nothing needs any more.
package openapi
