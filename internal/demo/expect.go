package demo

// expectation says, independently of the field map, how a record of the vendor
// must look as a canonical row. It is what the drift check compares.
type expectation struct {
	object string // the simulator's name
	kind   string // canonical kind
	prefix string // of the canonical id
	id     string // path of the rest of it in the vendor's record; empty: it is the record's id
	custom bool   // custom fields are compared too
	fields []pair
	lists  []pair // of texts here, of objects with a value at the vendor
}

// pair names a canonical column and the path of its value in the vendor's record. A
// bar between paths joins what they lead to.
type pair struct{ column, path string }

func expectationsOf(vendor string) []expectation {
	return map[string][]expectation{"pipedrive": ofPipedrive(), "zoho": ofZoho()}[vendor]
}

func ofPipedrive() []expectation {
	return []expectation{
		{object: "users", kind: "reps", fields: []pair{{"name", "name"}, {"email", "email"}, {"active", "active_flag"}}},
		{object: "dealFields", kind: "fields", prefix: "deals.", fields: []pair{{"code", "field_code"}, {"name", "field_name"}, {"type", "field_type"}}},
		{object: "personFields", kind: "fields", prefix: "people.", fields: []pair{{"code", "field_code"}, {"name", "field_name"}}},
		{object: "organizationFields", kind: "fields", prefix: "companies.", fields: []pair{{"code", "field_code"}, {"name", "field_name"}}},
		{object: "productFields", kind: "fields", prefix: "products.", fields: []pair{{"code", "field_code"}, {"name", "field_name"}}},
		{object: "activityFields", kind: "fields", prefix: "activities.", fields: []pair{{"code", "field_code"}, {"name", "field_name"}}},
		{object: "activityTypes", kind: "activity_types", fields: []pair{{"code", "key_string"}, {"name", "name"}}},
		{object: "pipelines", kind: "pipelines", fields: []pair{{"name", "name"}, {"position", "order_nr"}}},
		{object: "stages", kind: "stages", fields: []pair{{"name", "name"}, {"pipeline_id", "pipeline_id"}, {"position", "order_nr"}, {"probability", "deal_probability"}}},
		{object: "organizations", kind: "companies", custom: true, fields: []pair{{"name", "name"}, {"owner_id", "owner_id"}, {"added_at", "add_time"}, {"updated_at", "update_time"}}},
		{object: "persons", kind: "people", custom: true, fields: []pair{{"name", "name"}, {"owner_id", "owner_id"}, {"company_id", "org_id"}, {"added_at", "add_time"}, {"updated_at", "update_time"}},
			lists: []pair{{"emails", "emails"}, {"phones_written", "phones"}}},
		{object: "products", kind: "products", custom: true, fields: []pair{{"name", "name"}, {"code", "code"}, {"tax", "tax"}, {"updated_at", "update_time"}}},
		{object: "deals", kind: "deals", custom: true, fields: []pair{
			{"title", "title"}, {"status", "status"}, {"pipeline_id", "pipeline_id"}, {"stage_id", "stage_id"}, {"owner_id", "owner_id"},
			{"person_id", "person_id"}, {"company_id", "org_id"}, {"amount", "value"}, {"currency", "currency"}, {"probability", "probability"},
			{"lost_reason", "lost_reason"}, {"archived", "is_archived"}, {"stage_entered_at", "stage_change_time"}, {"added_at", "add_time"},
			{"updated_at", "update_time"}, {"closed_at", "close_time"}, {"won_at", "won_time"}, {"lost_at", "lost_time"}, {"expected_close", "expected_close_date"}}},
		{object: "dealProducts", kind: "deal_items", fields: []pair{{"deal_id", "deal_id"}, {"product_id", "product_id"}, {"quantity", "quantity"}, {"price", "item_price"}, {"amount", "sum"}, {"currency", "currency"}}},
		{object: "leads", kind: "leads", fields: []pair{{"title", "title"}, {"owner_id", "owner_id"}, {"person_id", "person_id"}, {"company_id", "organization_id"},
			{"amount", "value.amount"}, {"currency", "value.currency"}, {"archived", "is_archived"}, {"added_at", "add_time"}, {"updated_at", "update_time"}}},
		{object: "activities", kind: "activities", fields: []pair{{"subject", "subject"}, {"type", "type"}, {"owner_id", "owner_id"}, {"deal_id", "deal_id"},
			{"person_id", "person_id"}, {"due_on", "due_date"}, {"done", "done"}, {"done_at", "marked_as_done_time"}, {"note", "note"}, {"updated_at", "update_time"}}},
		{object: "notes", kind: "notes", fields: []pair{{"content", "content"}, {"author_id", "user_id"}, {"deal_id", "deal_id"}, {"person_id", "person_id"}, {"updated_at", "update_time"}}},
	}
}

func ofZoho() []expectation {
	times := []pair{{"added_at", "Created_Time"}, {"updated_at", "Modified_Time"}}
	owned := append([]pair{{"owner_id", "Owner.id"}}, times...)
	deed := append([]pair{{"subject", "Subject"}}, owned...)
	return []expectation{
		{object: "users", kind: "reps", fields: []pair{{"name", "full_name"}, {"email", "email"}}},
		{object: "pipelines", kind: "pipelines", id: "actual_value", fields: []pair{{"name", "display_value"}}},
		{object: "open stages", kind: "stages", id: "pipeline.actual_value|actual_value", fields: []pair{{"name", "display_value"}, {"pipeline_id", "pipeline.actual_value"}, {"position", "sequence_number"}}},
		{object: "Accounts", kind: "companies", fields: append([]pair{{"name", "Account_Name"}, {"address", "Billing_Street"}}, owned...)},
		{object: "Contacts", kind: "people", fields: append([]pair{{"name", "Full_Name"}, {"company_id", "Account_Name.id"}}, owned...), lists: []pair{{"emails", "Email"}}},
		{object: "Products", kind: "products", fields: append([]pair{{"name", "Product_Name"}, {"code", "Product_Code"}}, owned...)},
		{object: "Deals", kind: "deals", fields: append([]pair{
			{"title", "Deal_Name"}, {"status", dealStatus}, {"pipeline_id", "Pipeline"}, {"stage_id", dealStage}, {"person_id", "Contact_Name.id"}, {"company_id", "Account_Name.id"},
			{"amount", "Amount"}, {"currency", dealCurrency}, {"lost_reason", "Reason_For_Loss__s"}, {"expected_close", "Closing_Date"},
			{"custom.Answer_14", "Answer_14"}, {"custom.Comment_1", "Comment_1"}, {"custom.Margin", "Margin"}}, owned...)},
		{object: "Leads", kind: "leads", fields: append([]pair{{"title", "Full_Name"}, {"source", "Lead_Source"}, {"archived", "Converted__s"}}, owned...)},
		{object: "Tasks", kind: "activities", fields: append([]pair{{"due_on", "Due_Date"}, {"done_at", "Closed_Time"}}, deed...)},
		{object: "Events", kind: "activities", prefix: "meeting.", fields: append([]pair{{"subject", "Event_Title"}, {"due_at", "Start_DateTime"}}, owned...)},
		{object: "Calls", kind: "activities", prefix: "call.", fields: append([]pair{{"due_at", "Call_Start_Time"}}, deed...)},
		{object: "Notes", kind: "notes", fields: append([]pair{{"content", "Note_Content"}}, times...)},
	}
}

// Where ZohoTruth puts what the stage of a deal says of it; the stage in which a
// deal stands, null where it has ended, since then only its history tells; and the
// currency of its amount, the account's own where it names none.
const (
	dealStatus   = "$status"
	dealStage    = "$stage"
	dealCurrency = "$currency"
)
