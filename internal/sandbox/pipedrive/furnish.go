package pipedrive

import "fmt"

// furnish gives a new account what the vendor gives it: an administrator, a
// pipeline with stages, standard fields, activity types and lead labels.
func (s *Sim) furnish(t *tx) error {
	t.bulk = true
	t.furnishFields()
	t.furnishTypes()
	t.furnishLabels()
	t.users.save(t, t.newUser("Admin", "admin@example.com", true))
	t.furnishPipeline()
	return nil
}

func (t *tx) newUser(name, email string, admin bool) *user {
	id := t.users.next
	return &user{
		ID: id, Name: name, DefaultCurrency: t.opt.Company.Currency, Locale: "pl_PL", Lang: 12, Email: email, Activated: true,
		LastLogin: stampOf(t.at), Created: stampOf(t.at), Modified: stampOf(t.at), HasCreatedCompany: admin, ActiveFlag: true,
		Access: []access{
			{"sales", admin, t.ids.uuid()}, {"global", admin, t.ids.uuid()}, {"account_settings", admin, t.ids.uuid()},
		},
		TimezoneName: t.opt.Company.TimeZone, TimezoneOffset: t.at.In(t.zone).Format("-07:00"), RoleID: 1,
	}
}

func (t *tx) furnishPipeline() {
	p := t.newPipeline()
	p.Name = "Pipeline"
	t.pipelines.save(t, &p)
	names := []string{"Qualified", "Contact Made", "Demo Scheduled", "Proposal Made", "Negotiations Started"}
	for i, name := range names {
		st := t.newStage()
		st.Name, st.PipelineID, st.OrderNr = name, p.ID, int64(i+1)
		t.stages.save(t, &st)
	}
}

func (t *tx) furnishTypes() {
	for i, ty := range [][2]string{
		{"Call", "call"}, {"Meeting", "meeting"}, {"Task", "task"}, {"Deadline", "deadline"}, {"Email", "email"}, {"Lunch", "lunch"},
	} {
		t.activityTypes.save(t, &activityType{
			ID: int64(i + 1), OrderNr: int64(i + 1), Name: ty[0], KeyString: ty[1], IconKey: ty[1], ActiveFlag: true,
			AddTime: stampOf(t.at), UpdateTime: stampOf(t.at),
		})
	}
}

func (t *tx) furnishLabels() {
	for i, l := range [][2]string{{"Hot", "red"}, {"Warm", "yellow"}, {"Cold", "blue"}} {
		t.leadLabels.save(t, &leadLabel{
			ID: t.ids.uuid(), Row: int64(i + 1), Name: l[0], Color: l[1], AddTime: milliOf(t.at), UpdateTime: milliOf(t.at),
		})
	}
}

// standardFields are the vendor's own fields as code, name, type; a trailing
// "?" marks a field that answers hold only on request.
func standardFields(object string) [][3]string {
	switch object {
	case "deal":
		return dealStandardFields()
	case "person":
		return personStandardFields()
	case "organization":
		return organizationStandardFields()
	case "product":
		return productStandardFields()
	}
	return activityStandardFields()
}

func dealStandardFields() [][3]string {
	return [][3]string{
		{"id", "ID", "int"}, {"title", "Title", "varchar"}, {"creator_user_id", "Creator", "user"}, {"owner_id", "Owner", "user"},
		{"value", "Value", "monetary"}, {"person_id", "Contact person", "people"}, {"org_id", "Organization", "org"},
		{"pipeline_id", "Pipeline", "int"}, {"stage_id", "Stage", "stage"}, {"currency", "Currency", "varchar"},
		{"add_time", "Deal created", "date"}, {"update_time", "Update time", "date"}, {"stage_change_time", "Last stage change", "date"},
		{"archive_time", "Archive time", "date"}, {"is_archived", "Archived", "boolean"}, {"is_deleted", "Deleted", "boolean"},
		{"status", "Status", "status"}, {"probability", "Probability", "int"}, {"lost_reason", "Lost reason", "varchar_options"},
		{"visible_to", "Visible to", "visible_to"}, {"close_time", "Deal closed on", "date"}, {"won_time", "Won time", "date"},
		{"lost_time", "Lost time", "date"}, {"expected_close_date", "Expected close date", "date"}, {"label_ids", "Labels", "set"},
		{"origin", "Source origin", "varchar"}, {"origin_id", "Source origin ID", "varchar"}, {"channel", "Source channel", "enum"},
		{"channel_id", "Source channel ID", "varchar"}, {"acv", "ACV", "monetary"}, {"arr", "ARR", "monetary"}, {"mrr", "MRR", "monetary"},
		{"next_activity_id?", "Next activity", "activity"}, {"last_activity_id?", "Last activity", "activity"},
		{"first_won_time?", "First won time", "date"}, {"products_count?", "Number of products", "int"},
		{"activities_count?", "Total activities", "int"}, {"done_activities_count?", "Done activities", "int"},
		{"undone_activities_count?", "Activities to do", "int"}, {"notes_count?", "Notes", "int"},
		{"participants_count?", "Participants", "int"}, {"source_lead_id?", "Source lead", "lead"},
	}
}

func personStandardFields() [][3]string {
	return [][3]string{
		{"id", "ID", "int"}, {"name", "Name", "varchar"}, {"first_name", "First name", "varchar"}, {"last_name", "Last name", "varchar"},
		{"owner_id", "Owner", "user"}, {"org_id", "Organization", "org"}, {"add_time", "Person created", "date"},
		{"update_time", "Update time", "date"}, {"emails", "Email", "varchar"}, {"phones", "Phone", "phone"},
		{"is_deleted", "Deleted", "boolean"}, {"visible_to", "Visible to", "visible_to"}, {"label_ids", "Labels", "set"},
		{"picture_id", "Profile picture", "picture"}, {"open_deals_count?", "Open deals", "int"}, {"won_deals_count?", "Won deals", "int"},
		{"lost_deals_count?", "Lost deals", "int"}, {"closed_deals_count?", "Closed deals", "int"},
		{"next_activity_id?", "Next activity", "activity"}, {"last_activity_id?", "Last activity", "activity"},
		{"activities_count?", "Total activities", "int"},
	}
}

func organizationStandardFields() [][3]string {
	return [][3]string{
		{"id", "ID", "int"}, {"name", "Name", "varchar"}, {"owner_id", "Owner", "user"}, {"add_time", "Organization created", "date"},
		{"update_time", "Update time", "date"}, {"is_deleted", "Deleted", "boolean"}, {"visible_to", "Visible to", "visible_to"},
		{"address", "Address", "address"}, {"label_ids", "Labels", "set"}, {"website", "Website", "varchar"},
		{"linkedin", "LinkedIn profile", "varchar"}, {"industry", "Industry", "enum"}, {"annual_revenue", "Annual revenue", "int"},
		{"employee_count", "Number of employees", "int"}, {"people_count?", "People", "int"}, {"open_deals_count?", "Open deals", "int"},
		{"won_deals_count?", "Won deals", "int"}, {"lost_deals_count?", "Lost deals", "int"}, {"activities_count?", "Total activities", "int"},
	}
}

func productStandardFields() [][3]string {
	return [][3]string{
		{"id", "ID", "int"}, {"name", "Product name", "varchar"}, {"code", "Product code", "varchar"}, {"description", "Description", "text"},
		{"unit", "Unit", "varchar"}, {"tax", "Tax", "double"}, {"category", "Category", "enum"}, {"is_linkable", "Linkable", "boolean"},
		{"is_deleted", "Deleted", "boolean"}, {"visible_to", "Visible to", "visible_to"}, {"owner_id", "Owner", "user"},
		{"add_time", "Created at", "date"}, {"update_time", "Updated at", "date"}, {"prices", "Unit prices", "price_list"},
		{"billing_frequency", "Billing frequency", "billing_frequency"}, {"billing_frequency_cycles", "Billing cycles", "int"},
	}
}

func activityStandardFields() [][3]string {
	return [][3]string{
		{"id", "ID", "int"}, {"subject", "Subject", "varchar"}, {"type", "Type", "enum"}, {"owner_id", "Assigned to user", "user"},
		{"creator_user_id", "Creator", "user"}, {"is_deleted", "Deleted", "boolean"}, {"add_time", "Add time", "date"},
		{"update_time", "Update time", "date"}, {"deal_id", "Deal", "deal"}, {"lead_id", "Lead", "lead"},
		{"person_id", "Contact person", "people"}, {"org_id", "Organization", "org"}, {"project_id", "Project", "project"},
		{"due_date", "Due date", "date"}, {"due_time", "Due time", "time"}, {"duration", "Duration", "time"}, {"busy", "Busy", "boolean"},
		{"done", "Done", "boolean"}, {"marked_as_done_time", "Marked as done time", "date"}, {"location", "Location", "address"},
		{"participants", "Participants", "json"}, {"attendees?", "Attendees", "json"},
		{"public_description", "Public description", "text"}, {"priority", "Priority", "enum"}, {"note", "Note", "text"},
	}
}

func (t *tx) furnishFields() {
	for _, object := range fieldObjects() {
		t.recode(object)
	}
	for _, object := range fieldObjects() {
		for i, def := range standardFields(object) {
			code, optional := def[0], false
			if n := len(code) - 1; code[n] == '?' {
				code, optional = code[:n], true
			}
			f := &field{ID: int64(i + 1), FieldCode: code, FieldName: def[1], FieldType: def[2], IsOptional: optional}
			f.Subfields = subfieldsOf(code, def[1], def[2])
			f.Options = t.standardOptions(object, code)
			f.describe(object)
			t.saveField(object, f)
		}
	}
}

// standardOptions are the choices of the vendor's own fields.
func (t *tx) standardOptions(object, code string) []option {
	switch object + "." + code {
	case "deal.status":
		return []option{{ID: "open", Label: "Open"}, {ID: "won", Label: "Won"}, {ID: "lost", Label: "Lost"}, {ID: "deleted", Label: "Deleted"}}
	case "deal.lost_reason":
		return t.options("Price", "Competitor", "No response")
	case "deal.channel":
		return t.options("Web forms", "Phone", "Referral", "Trade fair", "Ads")
	case "deal.label_ids", "person.label_ids", "organization.label_ids":
		return t.options("Hot", "Warm", "Cold")
	case "organization.industry":
		return t.options("Construction", "Software", "Retail", "Manufacturing")
	case "product.category":
		return t.options("Retail", "Services")
	case "activity.priority":
		return t.options("High", "Medium", "Low")
	}
	return nil
}

// options makes options with the next free ids.
func (t *tx) options(labels ...string) []option {
	var f field
	return f.addOptions(t, labels)
}

// describe fills what include_fields shows.
func (f *field) describe(object string) {
	f.UIVisibility = map[string]any{"add_visible_flag": true, "details_visible_flag": true}
	if object == "product" || object == "activity" {
		return
	}
	f.Important = map[string]any{"enabled": false, "stage_ids": []int{}}
	f.Required = map[string]any{"enabled": false}
	switch object {
	case "deal":
		description := fmt.Sprintf("%s of the deal", f.FieldName)
		f.Description = &description
		f.UIVisibility["projects_detail_visible_flag"] = false
		f.UIVisibility["show_in_pipelines"] = map[string]any{"show_in_all": true, "pipeline_ids": []int{}}
		f.Required["stage_ids"], f.Required["statuses"] = []int{}, map[string]any{}
	case "organization":
		f.UIVisibility["org_detail_visible_flag"] = true
	}
}
