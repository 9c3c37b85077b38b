package zoho

import (
	"slices"
	"strings"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// The objects. Modules have the vendor's API names; what the vendor calls
// settings, and has several operations for, has names of ours.
const (
	users         = "Users"
	pipelines     = "Pipelines"
	stages        = "Stages"
	stageOutcomes = "Stage_Outcomes"
	organization  = "Organization"
	accounts      = "Accounts"
	contacts      = "Contacts"
	products      = "Products"
	deals         = "Deals"
	leads         = "Leads"
	tasks         = "Tasks"
	events        = "Events"
	calls         = "Calls"
	notes         = "Notes"
	stageHistory  = "Stage_History"
)

// fieldsSuffix makes the name of the object that holds a module's field
// definitions.
const fieldsSuffix = "_Fields"

const (
	// idsLimit bounds ids= of a list (docs, get records).
	idsLimit = 100
	// loadLimit is how many records of a first walk are committed together: five
	// answers, some hundred kilobytes each.
	loadLimit = 5 * listLimit
	// listLimit is the most that a list gives at once (docs, get records).
	listLimit = 200
	// queryLimit bounds a query: up to 200 rows take one credit, and a page of them
	// is a unit of commit of a handy size.
	queryLimit = 200
	// queryMost is the most that a query gives at once, for three credits (docs,
	// COQL).
	queryMost = 2000
	// historyLimit bounds one Fetch of stage histories: so many ids stand in one
	// condition of a query (docs, COQL).
	historyLimit = 100
)

// way is how an object's records are found.
type way uint8

const (
	byQuery    way = iota // by the query language, then read by id
	byToken               // by a list, whose pages have tokens: the query language does not know it
	byUsers               // GET /users
	byFields              // GET /settings/fields
	byPipeline            // GET /settings/pipeline of each layout
	byOrg                 // GET /org
	attached              // with its parent
)

// source says where an object's records are found.
type source struct {
	connectors.Object
	way    way
	module string // API name of the module; of field definitions, of the one that they define
	key    string // the field that holds the id
	fixed  []string
}

// ownModules reads which modules of the account's own are to be read.
func ownModules(setting string) ([]string, error) {
	var out []string
	for _, name := range strings.Split(setting, ",") {
		name = trimmed(name)
		taken := slices.ContainsFunc(sources(out), func(src source) bool { return src.Name == name || src.Name == name+fieldsSuffix })
		switch {
		case name == "":
		case taken:
			return nil, fault.New(fault.Invalid, "zoho: %s names %q, which is read already", setModules, shortened(name))
		case !moduleName(name):
			return nil, fault.New(fault.Invalid, "zoho: %s holds %q, which is no API name of a module; it stands in Zoho under Setup > Developer Hub > APIs", setModules, shortened(name))
		default:
			out = append(out, name)
		}
	}
	return out, nil
}

// moduleName reports whether a text can be an API name: it becomes part of
// addresses and queries.
func moduleName(name string) bool {
	const longest = 100
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return len(name) <= longest
}

// sources lists the objects in the order in which they are pulled; own are modules
// of the account's own.
func sources(own []string) []source {
	out := []source{explaining(users, "Users", byUsers, users, "id")}
	for _, module := range append([]string{accounts, contacts, products, deals, leads, tasks, events, calls}, own...) {
		out = append(out, explaining(module+fieldsSuffix, "Fields of "+module, byFields, module, "api_name"))
	}
	out = append(out,
		explaining(pipelines, "Pipelines", byPipeline, deals, "actual_value"),
		source{Object: connectors.Object{Name: stages, Title: "Stages", Mode: connectors.Attached, Parent: pipelines, Dictionary: true}, way: attached, module: deals, key: "actual_value"},
		explaining(stageOutcomes, "Outcomes of stages", byPipeline, deals, "actual_value"),
		explaining(organization, "Organization", byOrg, deals, "id"),
		module(accounts, "Accounts", 30*time.Minute),
		module(contacts, "Contacts", 30*time.Minute),
		module(products, "Products", time.Hour),
		module(deals, "Deals", 15*time.Minute),
		module(leads, "Leads", 15*time.Minute),
		module(tasks, "Tasks", 15*time.Minute),
		module(events, "Meetings", 15*time.Minute),
		module(calls, "Calls", 15*time.Minute),
	)
	n := module(notes, "Notes", 30*time.Minute)
	n.way = byToken // not among the modules that queries know (docs, COQL, v8)
	// What a note holds (OpenAPI, notes); its fields have no definitions of the
	// account's own.
	n.fixed = []string{"Note_Title", "Note_Content", "Parent_Id", "Owner", "Created_By", "Modified_By", "Created_Time"}
	for _, name := range own {
		out = append(out, module(name, name, 30*time.Minute))
	}
	return append(out, n, source{
		Object: connectors.Object{Name: stageHistory, Title: "Stage history", Mode: connectors.Asked, Parent: deals, FetchMax: historyLimit},
		way:    attached, module: deals, key: "id",
	})
}

// explaining is an object that explains others and is read whole.
func explaining(name, title string, w way, module, key string) source {
	return source{Object: connectors.Object{Name: name, Title: title, Mode: connectors.Listed, Every: 2 * time.Hour, Dictionary: true}, way: w, module: module, key: key}
}

// module is an object with records that change. Deleted ones have a list of
// their own.
func module(name, title string, every time.Duration) source {
	return source{
		Object: connectors.Object{Name: name, Title: title, Mode: connectors.Windowed, Every: every, FetchMax: idsLimit},
		way:    byQuery, module: name, key: "id",
	}
}

func unknownObject(object string) error {
	return fault.New(fault.NotFound, "Zoho CRM has no object %q", object)
}

// standardFields are the vendor's own fields of a module (docs, modules and
// fields). All others, but those that begin with $ or end in __s, which only the
// vendor can make, are the account's.
func standardFields(module string) []string {
	common := []string{
		"id", "Owner", "Created_By", "Modified_By", "Created_Time", "Modified_Time", "Last_Activity_Time", "Tag", "Record_Image", "Layout", "Currency", "Exchange_Rate",
		"Description", "Locked", "Unsubscribed_Mode", "Unsubscribed_Time", "Email_Opt_Out", "Record_Status", "Name",
	}
	address := func(prefix string) []string {
		out := []string{}
		for _, part := range []string{"Street", "City", "State", "Code", "Zip", "Country"} {
			out = append(out, prefix+part)
		}
		return out
	}
	more := map[string][]string{
		accounts: slices.Concat([]string{"Account_Name", "Account_Number", "Account_Site", "Account_Type", "Annual_Revenue", "Employees", "Fax", "Industry", "Ownership", "Parent_Account", "Phone", "Rating", "SIC_Code", "Ticker_Symbol", "Website"}, address("Billing_"), address("Shipping_")),
		contacts: slices.Concat([]string{"Account_Name", "Assistant", "Asst_Phone", "Date_of_Birth", "Department", "Email", "Fax", "First_Name", "Full_Name", "Home_Phone", "Last_Name", "Lead_Source", "Mobile", "Other_Phone", "Phone", "Reporting_To", "Salutation", "Secondary_Email", "Skype_ID", "Title", "Twitter", "Vendor_Name"}, address("Mailing_"), address("Other_")),
		deals: {
			"Deal_Name", "Account_Name", "Contact_Name", "Amount", "Stage", "Pipeline", "Probability", "Closing_Date", "Expected_Revenue", "Lead_Source", "Campaign_Source", "Next_Step", "Type",
			"Stage_Modified_Time", "Lead_Conversion_Time", "Sales_Cycle_Duration", "Overall_Sales_Duration", "Closed_Time", "Deal_Category_Status", "Forecast_Category", "Forecast_Type",
		},
		leads: {
			"Annual_Revenue", "City", "Company", "Country", "Designation", "Email", "Fax", "First_Name", "Full_Name", "Industry", "Last_Name", "Lead_Source", "Lead_Status", "Mobile", "No_of_Employees",
			"Phone", "Rating", "Salutation", "Secondary_Email", "Skype_ID", "State", "Street", "Twitter", "Website", "Zip_Code", "Lead_Conversion_Time", "Converted_Date_Time", "Converted_Account", "Converted_Contact", "Converted_Deal", "Unsubscribed_Mode",
		},
		products: {"Product_Name", "Product_Code", "Product_Active", "Product_Category", "Manufacturer", "Vendor_Name", "Unit_Price", "Commission_Rate", "Tax", "Taxable", "Usage_Unit", "Qty_in_Stock", "Qty_in_Demand", "Qty_Ordered", "Reorder_Level", "Handler", "Sales_Start_Date", "Sales_End_Date", "Support_Start_Date", "Support_Expiry_Date"},
		tasks:    {"Subject", "Due_Date", "Priority", "Status", "What_Id", "Who_Id", "Closed_Time", "Remind_At", "Recurring_Activity", "Send_Notification_Email"},
		events:   {"Event_Title", "Start_DateTime", "End_DateTime", "All_day", "Venue", "What_Id", "Who_Id", "Participants", "Remind_At", "Recurring_Activity", "Check_In_Time", "Check_In_By", "Check_In_Comment", "Check_In_Sub_Locality", "Check_In_City", "Check_In_State", "Check_In_Country", "Check_In_Address", "Check_In_Status", "ZIP_Code", "Latitude", "Longitude"},
		calls:    {"Subject", "Call_Type", "Call_Purpose", "Call_Start_Time", "Call_Duration", "Call_Duration_in_seconds", "Call_Result", "Call_Status", "Call_Agenda", "What_Id", "Who_Id", "Outgoing_Call_Status", "Reminder", "Scheduled_In_CRM", "Dialled_Number", "Caller_ID", "CTI_Entry", "Voice_Recording__s"},
	}
	return append(common, more[module]...)
}

// lossFields are the names under which accounts have the reason of a loss: the
// vendor's own, and those of fields that accounts make (public code). They stand
// among the standard fields, so that one map fits all; another name is for the
// account's map.
func lossFields() []string {
	return []string{"Reason_For_Loss__s", "Lost_Reason", "Loss_Reason", "Reason_for_Loss", "Reason_For_Loss", "Closed_Lost_Reason", "Deal_Lost_Reason"}
}
