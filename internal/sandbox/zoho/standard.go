package zoho

import "strings"

// A standard module: name, singular, the field that names its records, the
// field by which related lists find them, and its fields, one a line:
// api name, label, type[ target or options], with ! mandatory and # read-only.
type standardModule struct {
	name, singular, naming, parent, fields string
}

// ownFields are in every module.
const ownFields = `Owner|Owner|ownerlookup
Created_By|Created By|ownerlookup #
Modified_By|Modified By|ownerlookup #
Created_Time|Created Time|datetime #
Modified_Time|Modified Time|datetime #
`

// standardModules are those of a fresh account, with the fields that sales
// needs (names: the vendor's "Modules" and "Fields" pages as the fact sheet has
// them, 2026-11-21).
func standardModules() []standardModule {
	return []standardModule{
		{"Leads", "Lead", "Full_Name", "", `First_Name|First Name|text
Last_Name|Last Name|text !
Full_Name|Full Name|text #
Company|Company|text !
Email|Email|email
Phone|Phone|phone
Mobile|Mobile|phone
Designation|Title|text
Lead_Status|Lead Status|picklist Not Contacted;Attempted to Contact;Contacted;Pre-Qualified;Lost Lead;Junk Lead
Lead_Source|Lead Source|picklist Advertisement;Cold Call;Employee Referral;Web Download;Trade Show
Annual_Revenue|Annual Revenue|currency
Description|Description|textarea
Converted__s|Is Converted|boolean #
Converted_Date_Time|Converted Date Time|datetime #
Converted_Account|Converted Account|lookup Accounts #
Converted_Contact|Converted Contact|lookup Contacts #
Converted_Deal|Converted Deal|lookup Deals #
Last_Activity_Time|Last Activity Time|datetime #`},
		{"Accounts", "Account", "Account_Name", "", `Account_Name|Account Name|text !
Phone|Phone|phone
Website|Website|website
Industry|Industry|picklist Construction;Finance;Retail;Software
Annual_Revenue|Annual Revenue|currency
Employees|Employees|integer
Account_Type|Account Type|picklist Customer;Partner;Prospect
Parent_Account|Parent Account|lookup Accounts
Billing_Street|Billing Street|text
Billing_City|Billing City|text
Billing_Code|Billing Code|text
Billing_Country|Billing Country|text
Description|Description|textarea
Last_Activity_Time|Last Activity Time|datetime #`},
		{"Contacts", "Contact", "Full_Name", "Account_Name", `First_Name|First Name|text
Last_Name|Last Name|text !
Full_Name|Full Name|text #
Account_Name|Account Name|lookup Accounts
Email|Email|email
Secondary_Email|Secondary Email|email
Phone|Phone|phone
Mobile|Mobile|phone
Title|Title|text
Department|Department|text
Date_of_Birth|Date of Birth|date
Email_Opt_Out|Email Opt Out|boolean
Lead_Source|Lead Source|picklist Advertisement;Cold Call;Employee Referral;Web Download;Trade Show
Mailing_City|Mailing City|text
Mailing_Country|Mailing Country|text
Description|Description|textarea
Last_Activity_Time|Last Activity Time|datetime #`},
		{"Deals", "Deal", "Deal_Name", "Account_Name", `Deal_Name|Deal Name|text !
Account_Name|Account Name|lookup Accounts
Contact_Name|Contact Name|lookup Contacts
Pipeline|Pipeline|picklist
Stage|Stage|picklist !
Amount|Amount|currency
Closing_Date|Closing Date|date
Probability|Probability (%)|integer
Expected_Revenue|Expected Revenue|currency #
Reason_For_Loss__s|Reason For Loss|picklist Expectation Mismatch;Price;Unqualified Customer;Lack of response;Missed Follow Ups;Wrong Target;Competition;Future Interest;Other
Type|Type|picklist Existing Business;New Business
Lead_Source|Lead Source|picklist Advertisement;Cold Call;Employee Referral;Web Download;Trade Show
Next_Step|Next Step|text
Description|Description|textarea
Currency|Currency|picklist
Exchange_Rate|Exchange Rate|double
Stage_Modified_Time|Stage Modified Time|datetime #
Last_Activity_Time|Last Activity Time|datetime #`},
		{"Tasks", "Task", "Subject", "What_Id", `Subject|Subject|text !
Due_Date|Due Date|date
Status|Status|picklist Not Started;Deferred;In Progress;Completed;Waiting for input
Priority|Priority|picklist High;Highest;Low;Lowest;Normal
Who_Id|Contact Name|lookup Contacts
What_Id|Related To|lookup *
Closed_Time|Closed Time|datetime #
Description|Description|textarea`},
		{"Events", "Meeting", "Event_Title", "What_Id", `Event_Title|Title|text !
Start_DateTime|From|datetime !
End_DateTime|To|datetime !
All_day|All day|boolean
Venue|Location|text
Who_Id|Contact Name|lookup Contacts
What_Id|Related To|lookup *
Description|Description|textarea`},
		{"Calls", "Call", "Subject", "What_Id", `Subject|Subject|text !
Call_Type|Call Type|picklist Outbound;Inbound;Missed !
Call_Start_Time|Call Start Time|datetime !
Call_Duration|Call Duration|text
Call_Duration_in_seconds|Call Duration (in seconds)|integer #
Call_Purpose|Call Purpose|picklist Administrative;Demo;Desk;Negotiation;Project;Prospecting
Call_Result|Call Result|text
Outgoing_Call_Status|Outgoing Call Status|picklist Scheduled;Completed;Overdue;Cancelled
Who_Id|Contact Name|lookup Contacts
What_Id|Related To|lookup *
Description|Description|textarea`},
		{"Products", "Product", "Product_Name", "", `Product_Name|Product Name|text !
Product_Code|Product Code|text
Product_Active|Product Active|boolean
Product_Category|Product Category|picklist Hardware;Software;Services
Unit_Price|Unit Price|currency
Description|Description|textarea`},
		{"Notes", "Note", "Note_Title", "Parent_Id", `Note_Title|Note Title|text
Note_Content|Note Content|textarea !
Parent_Id|Parent|lookup * !`},
		{"DealHistory", "Deal History", "Stage", "Potential_Name", `Potential_Name|Deal Name|lookup Deals #
Stage|Stage|text #
Amount|Amount|currency #
Probability|Probability (%)|integer #
Expected_Revenue|Expected Revenue|currency #
Closing_Date|Closing Date|date #
Moved_To__s|Moved To|text #
Duration_Days|Duration (Days)|integer #`},
	}
}

// lengths of text types where the vendor has a limit of its own.
func lengthOf(kind, name string) int {
	switch {
	case name == "Note_Title", name == "Deal_Name":
		return 120
	case kind == "textarea":
		return 32000
	case kind == "email":
		return 100
	case kind == "phone":
		return 30
	case kind == "text", kind == "website":
		return 255
	}
	return 0
}

// addModule puts a module into the settings.
func (t *tx) addModule(c *settings, sm standardModule, custom bool) *module {
	m := &module{
		ID: t.newID(), APIName: sm.name, Singular: sm.singular, Plural: sm.singular + "s", Custom: custom, Layout: t.newID(),
		Name: sm.naming, Parent: sm.parent,
	}
	for line := range strings.SplitSeq(ownFields+sm.fields, "\n") {
		m.Fields = append(m.Fields, t.fieldOf(line))
	}
	c.Modules = append(c.Modules, m)
	return m
}

func (t *tx) fieldOf(line string) *field {
	part := strings.SplitN(line, "|", 3)
	spec := part[2]
	f := &field{ID: t.newID(), APIName: part[0], Label: part[1]}
	f.Mandatory = strings.HasSuffix(spec, " !")
	f.ReadOnly = strings.HasSuffix(spec, " #")
	spec = strings.TrimSuffix(strings.TrimSuffix(spec, " !"), " #")
	kind, rest, _ := strings.Cut(spec, " ")
	f.Type, f.Length = kind, lengthOf(kind, f.APIName)
	switch {
	case kind == "lookup":
		f.Target = rest
	case rest != "":
		for o := range strings.SplitSeq(rest, ";") {
			f.Options = append(f.Options, option{ID: t.newID(), Actual: o, Display: o})
		}
	}
	return f
}
