// Package catalog is the one list of connectors. To add a vendor, add a line.
package catalog

import (
	"salesbook.dev/connectors"
	"salesbook.dev/connectors/pipedrive"
	"salesbook.dev/connectors/zoho"
)

// Connectors are all vendors that salesbook can connect to. The list is never
// changed at run time.
var Connectors = []connectors.Spec{
	pipedrive.Spec(),
	zoho.Spec(),
}
