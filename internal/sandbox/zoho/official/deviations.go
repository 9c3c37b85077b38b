package official

import "salesbook.dev/internal/sandbox/openapi"

// Deviations are the ways in which real answers, and so the simulator's, differ
// from the documents, listed one by one. One that no answer of the simulator
// needs any more fails its test.
func Deviations() []openapi.Deviation {
	const (
		everyKey = "the document marks every key of every variant as required, of requests and answers alike; its own examples leave them out"
		toldBy   = "the documents of the second generation (2026-08) list it"
		noNull   = "null when there is none: the first page has no page before it, the last none after it (fact sheet 2.2)"
		example  = "the document's pattern describes a sample, not the value: names and addresses are of any form"
	)
	return []openapi.Deviation{
		{Path: `^\w+ (fields|layouts|modules|related_lists|pipeline|notifications|blueprint|find_and_merge) \S+ (body )?/`, Kind: "required", Reason: everyKey},
		{Path: `^\w+ bulk_read \S+ (body )?/(data/\d+/)?(query|result|callback)(/|$)`, Kind: "required", Reason: everyKey},
		{Path: `^GET (record|related_records) \S+ /info/(next_page_token|previous_page_token|page_token_expiry)$`, Kind: "null", Reason: noNull},
		{Path: `^POST record /crm/v8/{module_api_name} 201$`, Kind: "status", Reason: toldBy},
		{Path: `^(POST|PUT) record \S+ 400$`, Kind: "status", Reason: toldBy},
		{Path: `^(POST|PUT) record \S+ 207$`, Kind: "status", Reason: "some records were taken and some not (fact sheet 2.6)"},
		{Path: `^GET users \S+ /users/\d+/(email|first_name|last_name)$`, Kind: "pattern", Reason: example},
		{Path: ` 401$`, Kind: "status", Reason: "no good token (fact sheet 2.1); no document of the first generation lists it"},
		{Path: ` 429$`, Kind: "status", Reason: "over a limit (fact sheet 2.7); no document of the first generation lists it"},
		{Path: `^PUT record \S+ 412$`, Kind: "status", Reason: toldBy},
		{Path: `^PUT record \S+ header If-Modified-Since$`, Kind: "extra", Reason: "the condition that 412 answers to (fact sheet 2.6); the documents describe the answer alone"},
		{Path: `^GET record \S+ (204|400)$`, Kind: "status", Reason: toldBy},
		{Path: `^GET blueprint \S+ /blueprint/(transitions/\d+/id|process_info/field_id)$`, Kind: "type", Reason: "called a number; all ids of 64 bits come as texts (fact sheet 2.3)"},
		{Path: `^(GET related_records|PUT blueprint) \S+ 400$`, Kind: "status", Reason: "the document has the refusal under 200"},
		{Path: `^GET users \S+ \?type$`, Kind: "enum", Reason: "the document forgot AllUsers, of which the vendor's page of users tells (fact sheet 2.2)"},
		{Path: `^GET users \S+ /users/\d+/time_zone$`, Kind: "type", Reason: "the document calls it an object, live answers have the IANA name"},
		{Path: `^POST notifications \S+ 207$`, Kind: "status", Reason: toldBy},
		{Path: `^POST notifications \S+ /watch/\d+/code$`, Kind: "enum", Reason: "NO_PERMISSION: " + toldBy},
		{Path: `^\w+ notifications \S+ (body )?/watch/\d+/notify_url$`, Kind: "pattern", Reason: example},
		{Path: `^\w+ notifications \S+ (body )?/watch/\d+/channel_id$`, Kind: "type", Reason: "called an object; a number of 64 bits, sent as a text (README of the documents)"},
	}
}
