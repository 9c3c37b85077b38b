package zoho

import (
	"net/http"
	"slices"
)

func invalidModule() error {
	return bad("INVALID_MODULE", "the module name given seems to be invalid", object{"resource_path_index": 0})
}

// moduleParam is the module that the query names; the caller holds mu.
func (c *call) moduleParam() (*module, error) {
	name := c.query.Get("module")
	if name == "" {
		return nil, missingParam("module")
	}
	m := c.visible(name)
	if m == nil {
		return nil, bad("INVALID_MODULE", "the module name given seems to be invalid", object{"api_name": "module"})
	}
	return m, nil
}

// visible is a module that the account shows, nil where there is none. The caller
// holds mu.
func (s *Sim) visible(name string) *module {
	if slices.Contains(s.hidden, name) {
		return nil
	}
	return s.settings.module(name)
}

// getModules lists the modules (modules.json, the keys that matter here).
func getModules(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var list []object
	for i, m := range c.settings.Modules {
		if name := c.r.PathValue("id"); name == "" || name == m.APIName || name == idText(m.ID) {
			if c.visible(m.APIName) != nil {
				list = append(list, m.shown(i))
			}
		}
	}
	if list == nil {
		return empty(), nil
	}
	return jsonReply(http.StatusOK, object{"modules": list}), nil
}

func (m *module) shown(place int) object {
	generated := "default"
	if m.Custom {
		generated = "custom"
	}
	return object{
		"id": idText(m.ID), "api_name": m.APIName, "module_name": m.APIName, "singular_label": m.Singular, "plural_label": m.Plural,
		"generated_type": generated, "api_supported": true, "creatable": m.APIName != "DealHistory", "editable": m.APIName != "DealHistory",
		"deletable": m.APIName != "DealHistory", "viewable": true, "visible": true, "sequence_number": place + 1, "status": "visible",
		"show_as_tab": m.APIName != "DealHistory" && m.APIName != "Notes", "presence_sub_menu": true,
		"triggers_supported": true, "feeds_required": false, "profile_count": 2, "business_card_field_limit": 5,
		"modified_time": nil, "profiles": profilesShown(), "parent_module": object{}, "arguments": []object{},
		"isBlueprintSupported": m.APIName == "Deals", "quick_create": true, "convertable": m.APIName == "Leads", "inventory_template_supported": false,
		"has_more_profiles": false, "emailTemplate_support": true,
		"scoring_supported": true, "webform_supported": true, "visibility": 1,
	}
}

func profilesShown() []object {
	return []object{
		{"name": administratorProfile, "id": profileID(administratorProfile)}, {"name": standardProfile, "id": profileID(standardProfile)},
	}
}

// getFields lists the fields of a module (fields.json).
func getFields(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.moduleParam()
	if err != nil {
		return reply{}, err
	}
	var list []object
	for i, f := range m.Fields {
		if id := c.r.PathValue("id"); id == "" || id == idText(f.ID) || id == f.APIName {
			list = append(list, c.settings.fieldShown(m, f, i))
		}
	}
	if list == nil {
		return empty(), nil
	}
	return jsonReply(http.StatusOK, object{"fields": list}), nil
}

// fieldShown is the vendor's form of a field, without keys for what the simulator
// does not have.
func (c *settings) fieldShown(m *module, f *field, place int) object {
	editable := !f.ReadOnly
	out := object{
		"id": idText(f.ID), "api_name": f.APIName, "field_label": f.Label, "display_label": f.Label, "data_type": f.Type,
		"json_type": jsonType(f.Type), "custom_field": f.Custom, "system_mandatory": f.Mandatory, "read_only": f.ReadOnly,
		"field_read_only": f.ReadOnly, "length": max(f.Length, 1), "sequence_number": place + 1, "visible": true, "created_source": source(f.Custom),
		"operation_type": object{"web_update": editable, "api_create": editable, "web_create": editable, "api_update": editable},
		"view_type":      object{"view": true, "edit": editable, "quick_create": f.Mandatory, "create": editable},
		"lookup":         c.lookupShown(f), "pick_list_values": c.optionsShown(f), "formula": object{}, "currency": object{}, "unique": object{},
		"multiselectlookup": object{}, "multi_module_lookup": object{}, "auto_number": object{}, "rollup_summary": object{}, "subform": nil,
		"decimal_place": nil, "created_time": nil, "modified_time": nil,
		"type": "used", "webhook": true, "searchable": true, "sortable": true, "filterable": true, "virtual_field": false,
		"blueprint_supported": true, "businesscard_supported": true, "mass_update": editable, "separator": false, "display_field": f.APIName == m.Name,
		"enable_colour_code": false, "colour_code_enabled_by_system": false, "pick_list_values_sorted_lexically": false,
		"available_in_user_layout": true, "ui_type": 1, "display_type": -1, "show_type": 7, "category": 1,
		"column_name": f.APIName, "profiles": []object{},
		"email_parser":        object{"fields_update_supported": false, "record_operations_supported": false},
		"layout_associations": []object{{"name": "Standard", "id": idText(m.Layout), "api_name": "Standard"}},
	}
	if f.Formula != "" {
		out["formula"] = object{"return_type": "currency", "expression": "${" + f.Formula + "}"}
	}
	return out
}

func source(custom bool) string {
	if custom {
		return "default"
	}
	return "system"
}

func jsonType(kind string) string {
	switch kind {
	case "boolean":
		return "boolean"
	case "integer", "bigint":
		return "integer"
	case "currency", "double", "percent", "formula":
		return "double"
	case "lookup", "ownerlookup":
		return "jsonobject"
	case "multiselectpicklist":
		return "jsonarray"
	}
	return "string"
}

func (c *settings) lookupShown(f *field) object {
	target := c.module(f.Target)
	if f.Type != "lookup" || target == nil {
		return object{}
	}
	return object{
		"display_label": f.Label, "api_name": f.APIName, "id": idText(f.ID), "query_details": object{}, "revalidate_filter_during_edit": false,
		"module": object{"api_name": target.APIName, "id": idText(target.ID), "display_label": target.Singular},
	}
}

func (c *settings) optionsShown(f *field) []object {
	out := []object{}
	if f.Type == "picklist" && !f.Mandatory {
		// The vendor's first choice is none.
		out = append(out, object{"display_value": "-None-", "actual_value": "-None-", "sequence_number": 1, "id": idText(f.ID) + "0", "type": "used", "colour_code": nil, "reference_value": "-None-"})
	}
	for _, o := range f.Options {
		kind := "used"
		if o.Unused {
			kind = "unused"
		}
		shown := object{
			"display_value": o.Display, "actual_value": o.Actual, "reference_value": o.Actual, "sequence_number": len(out) + 1, "id": idText(o.ID),
			"type": kind, "colour_code": nil,
		}
		if st := c.stage(o.Actual); f.APIName == "Stage" && st != nil {
			shown["probability"], shown["forecast_type"] = st.Probability, st.Forecast
			shown["forecast_category"] = st.shown(0)["forecast_category"]
		}
		out = append(out, shown)
	}
	return out
}

// getLayouts lists the layouts of a module: one, and of deals those that were made
// besides (layouts.json).
func getLayouts(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.moduleParam()
	if err != nil {
		return reply{}, err
	}
	all := []layout{{m.Layout, "Standard"}}
	if m.APIName == "Deals" {
		all = append(all, c.settings.Layouts...)
	}
	var list []object
	for i, l := range all {
		if id := c.r.PathValue("id"); id == "" || id == idText(l.ID) {
			list = append(list, c.layoutShown(m, l, i == 0))
		}
	}
	if list == nil {
		return empty(), nil
	}
	return jsonReply(http.StatusOK, object{"layouts": list}), nil
}

func (c *call) layoutShown(m *module, l layout, standard bool) object {
	var fields []object
	for i, f := range m.Fields {
		shown := c.settings.fieldShown(m, f, i)
		shown["required"] = f.must() // only layouts tell
		fields = append(fields, shown)
	}
	generated := "custom"
	if standard {
		generated = "default"
	}
	return object{
		"id": idText(l.ID), "name": l.Name, "api_name": l.Name, "display_label": l.Name, "status": "active", "visible": true,
		"generated_type": generated, "display_type": 1, "source": "crm", "mode": "edit", "created_time": nil, "modified_time": nil,
		"profiles": []object{}, "actions_allowed": object{"edit": true, "rename": true, "clone": true, "downgrade": false, "delete": false, "deactivate": false, "set_layout_permissions": true},
		"sections": []object{{
			"display_label": m.Singular + " Information", "sequence_number": 1, "isSubformSection": false, "api_name": m.Singular,
			"column_count": 2, "name": m.Singular + " Information", "generated_type": "default", "type": "used", "fields": fields,
		}},
	}
}

// getRelatedLists tells where a deal's history is (related_lists.json).
func getRelatedLists(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.moduleParam()
	if err != nil {
		return reply{}, err
	}
	var list []object
	for i, rl := range relatedLists(m.APIName) {
		target, status := c.settings.module(rl.module), "visible"
		if slices.Contains(c.unlisted, m.APIName+"/"+rl.name) {
			status = "user_hidden"
		}
		list = append(list, object{
			"id": idText(firstID + 5000 + m.ID%1000*10 + int64(i)), "sequence_number": idText(int64(i + 1)), "display_label": rl.label, "api_name": rl.name,
			"name": rl.label, "module": object{"api_name": target.APIName, "id": idText(target.ID)}, "action": nil,
			"href": m.APIName + "/{ENTITYID}/" + rl.name, "type": "default", "status": status,
			"customize_sort": false, "customize_fields": false, "customize_display_label": false, "sort_order": nil,
		})
	}
	if list == nil {
		return empty(), nil
	}
	return jsonReply(http.StatusOK, object{"related_lists": list}), nil
}

// relatedList is a list of records that belong to another.
type relatedList struct{ name, label, module string }

func relatedLists(module string) []relatedList {
	common := []relatedList{{"Notes", "Notes", "Notes"}, {"Tasks", "Tasks", "Tasks"}, {"Events", "Meetings", "Events"}, {"Calls", "Calls", "Calls"}}
	switch module {
	case "Deals":
		return append(common, relatedList{"Stage_History", "Stage History", "DealHistory"})
	case "Accounts":
		return append(common, relatedList{"Contacts", "Contacts", "Contacts"}, relatedList{"Deals", "Deals", "Deals"})
	case "Contacts", "Leads":
		return common
	}
	return nil
}
