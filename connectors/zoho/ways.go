package zoho

import (
	"slices"
	"strings"

	"salesbook.dev/connectors"
)

// scope is a right that is asked for, why, and what is lost without it.
type scope struct{ name, why, cost string }

// scopeList are the least scopes (OpenAPI, security of the operations; docs).
func scopeList() []scope {
	return []scope{
		{"ZohoCRM.modules.ALL", "to read records and to write corrections, tasks and notes", "records may be neither read nor written"},
		{"ZohoCRM.settings.ALL", "to read fields, layouts and pipelines, to make the field on the deal's card and to set the account up", "stages, outcomes and custom fields are not understood"},
		{"ZohoCRM.users.READ", "to know who owns what", "nobody is known who owns a deal"},
		{"ZohoCRM.org.READ", "to know the account, its edition and its currency", "nothing works: it is not known whose account this is"},
		{"ZohoCRM.coql.READ", "to find what changed", "nothing works: what changed cannot be found"},
		{"ZohoCRM.notifications.ALL", "to hear of changes at once", "changes are seen by the next pull only"},
	}
}

func scopes() string {
	var names []string
	for _, s := range scopeList() {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

// lacking compares the scopes that the vendor says it granted, with spaces or
// commas between (docs, OAuth), with those that are needed.
func lacking(granted string) []connectors.Lack {
	has := strings.FieldsFunc(granted, func(r rune) bool { return r == ' ' || r == ',' })
	var out []connectors.Lack
	lacks := func(name, words string) { out = append(out, connectors.Lack{Scope: name, Words: words}) }
	for _, s := range scopeList() {
		family, _ := strings.CutSuffix(s.name, ".ALL")
		switch {
		case slices.Contains(has, s.name):
		case slices.Contains(has, family+".READ"):
			lacks(s.name, "The consent holds "+family+".READ in place of "+s.name+": everything is read, and nothing can be written there. If salesbook shall write, connect again with "+s.name+".")
		case slices.ContainsFunc(has, func(name string) bool { return strings.HasPrefix(name, family+".") }):
			lacks(s.name, "The consent holds only parts of "+s.name+": what is outside of them can be neither read nor written. Connect again with "+s.name+".")
		default:
			lacks(s.name, "The consent lacks the scope "+s.name+": "+s.cost+". Connect again with it.")
		}
	}
	return out
}

// ways are the ways to get access (docs, OAuth: self client, server-based
// applications). Screens and fields by their names in the vendor's pages on client
// registration and self clients, read 2026-11-27.
func ways() []connectors.Way {
	return []connectors.Way{
		{
			Title: "Self client: you make a code in Zoho's API console and paste it here",
			First: []string{setCentre},
			Steps: func(settings map[string]string, _ string) []string {
				return []string{
					"Log in to Zoho as the administrator whose access salesbook is to use, and open " + console(settings) + ".",
					"Choose Self Client (GET STARTED first; ADD CLIENT if you have clients already), and press CREATE.",
					"Tab \"Client Secret\": Client ID and Client Secret stand there.",
					"Tab \"Generate Code\": paste as Scope, in one line:\n\n" + scopes() + "\n\n" + scopeTable() +
						"\n\nTo read only, ZohoCRM.modules.READ and ZohoCRM.settings.READ do instead of the first two.",
					"Time Duration: 10 minutes. Scope Description: salesbook. Press CREATE; if you are asked, choose CRM and the organization (production, not a sandbox); CREATE again, and copy the code.",
				}
			},
			Asks: []string{setClientID, setSecret},
			Code: true,
		},
		{
			Title: "Consent in the browser: a server-based application, whose access you allow on a page of Zoho's",
			First: []string{setCentre},
			Steps: func(settings map[string]string, callback string) []string {
				return []string{
					"Open " + console(settings) + " and choose Server-based Applications (GET STARTED first; ADD CLIENT if you have clients already).",
					"Client Name: salesbook. Homepage URL: any address of yours. Authorized Redirect URIs: " + callback + ". Press CREATE.",
					"Tab \"Client Secret\": Client ID and Client Secret stand there. If the account lives in another data centre than the client, switch that one on in the tab \"Settings\", with the same OAuth credentials for all data centers.",
					"Zoho will ask the administrator who allows it for these scopes:\n\n" + scopeTable(),
				}
			},
			Asks: []string{setClientID, setSecret},
		},
	}
}

// console is the address of the API console of the account's data centre.
func console(settings map[string]string) string {
	in, err := centreOf(settings)
	if err != nil {
		in = centres()[0]
	}
	return strings.Replace(in.accounts, "//accounts.", "//api-console.", 1)
}

func scopeTable() string {
	var lines []string
	for _, s := range scopeList() {
		lines = append(lines, s.name+strings.Repeat(" ", max(1, 28-len(s.name)))+s.why)
	}
	return strings.Join(lines, "\n")
}

// centreChoices are the data centres, by the addresses at which an account's users
// see their CRM.
func centreChoices() []connectors.Choice {
	var out []connectors.Choice
	for _, c := range centres() {
		out = append(out, connectors.Choice{Value: c.name, Help: strings.Replace(c.accounts, "https://accounts.", "crm.", 1)})
	}
	return out
}
