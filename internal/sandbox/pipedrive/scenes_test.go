package pipedrive

import "fmt"

// scenes exercises every operation once or more on a generated company. Ids
// that the scenes create are known beforehand: they follow the present ones.
func scenes(b *bundle) []scene {
	deal, person, org := b.deals.next, b.persons.next, b.organizations.next
	lead := b.leads.rows[0].key
	enum := b.choiceField("deal")
	var out []scene
	add := func(method, path string, body any) { out = append(out, scene{method, path, body}) }

	for _, path := range []string{
		"/api/v2/deals?limit=500", "/api/v2/deals?status=open,won,lost,deleted&limit=30&sort_by=update_time&sort_direction=desc",
		"/api/v2/deals/archived", "/api/v2/deals/1", "/api/v2/deals/1/products", "/api/v2/deals/products?deal_ids=1,2,3,4,5,6,7,8",
		"/api/v2/persons", "/api/v2/persons/1", "/api/v2/organizations", "/api/v2/organizations/1", "/api/v2/activities?limit=300",
		"/api/v2/activities/1", "/api/v2/products", "/api/v2/products/1", "/api/v2/pipelines", "/api/v2/stages",
		"/v1/users", "/v1/users/me", "/v1/users/3", "/v1/leads", "/v1/leads/archived", "/v1/leads/" + lead, "/v1/leadLabels",
		"/v1/leadFields", "/v1/leadSources", "/v1/notes", "/v1/notes/1", "/v1/noteFields", "/v1/activityTypes", "/v1/currencies",
		"/v1/deals/1/changelog?limit=2", "/v1/deals/1/flow?all_changes=1", "/v1/webhooks",
		fmt.Sprintf("/api/v2/pipelines/%d", b.pipelines.rows[0].id), fmt.Sprintf("/api/v2/stages/%d", b.stages.rows[0].id),
	} {
		add("GET", path, nil)
	}
	for _, o := range fieldObjects() {
		add("GET", "/api/v2/"+o+"Fields?limit=500", nil)
		add("GET", "/api/v2/"+o+"Fields/id", nil)
	}
	add("POST", "/api/v2/organizations", object{"name": "Źródło"})
	add("POST", "/api/v2/organizations", object{"name": "Zwei", "address": object{"value": "Park Lane 1"}})
	add("PATCH", fmt.Sprintf("/api/v2/organizations/%d", org), object{"website": "https://example.com"})
	add("POST", "/api/v2/persons", object{"name": "Ёлкин"})
	add("POST", "/api/v2/persons", object{"name": "Ёлкин Фёдор", "emails": []object{{"value": "a@example.com", "primary": true, "label": "work"}}})
	add("PATCH", fmt.Sprintf("/api/v2/persons/%d", person), object{"org_id": org})
	add("POST", "/api/v2/deals", object{"title": "A"})
	add("POST", "/api/v2/deals", object{"title": "B", "person_id": person, "value": 12.5, "currency": "EUR"})
	add("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), object{"status": "lost", "lost_reason": "Price"})
	add("POST", "/api/v2/products", object{"name": "Pencil", "prices": []object{{"price": 5, "currency": "EUR"}}})
	add("PATCH", "/api/v2/products/1", object{"code": "X"})
	item := b.items.next
	add("POST", fmt.Sprintf("/api/v2/deals/%d/products", deal), object{"product_id": 1, "item_price": 10, "quantity": 2})
	add("POST", fmt.Sprintf("/api/v2/deals/%d/products/bulk", deal), object{"data": []object{{"product_id": 1, "item_price": 10, "quantity": 2}}})
	add("PATCH", fmt.Sprintf("/api/v2/deals/%d/products/%d", deal, item), object{"quantity": 3})
	add("DELETE", fmt.Sprintf("/api/v2/deals/%d/products/%d", deal, item), nil)
	activity := b.activities.next
	add("POST", "/api/v2/activities", object{"subject": "Call", "type": "call", "deal_id": deal, "participants": []object{{"person_id": person, "primary": true}}})
	add("PATCH", fmt.Sprintf("/api/v2/activities/%d", activity), object{"done": true, "location": object{"value": "Office"}})
	add("DELETE", fmt.Sprintf("/api/v2/activities/%d", activity), nil)
	pipe, stg := b.pipelines.next, b.stages.next
	add("POST", "/api/v2/pipelines", object{"name": "New"})
	add("PATCH", fmt.Sprintf("/api/v2/pipelines/%d", pipe), object{"name": "Newer"})
	add("POST", "/api/v2/stages", object{"name": "First", "pipeline_id": pipe, "is_deal_rot_enabled": true, "days_to_rotten": 3})
	add("PATCH", fmt.Sprintf("/api/v2/stages/%d", stg), object{"deal_probability": 40})
	add("DELETE", fmt.Sprintf("/api/v2/stages/%d", stg), nil)
	add("DELETE", fmt.Sprintf("/api/v2/pipelines/%d", pipe), nil)
	for _, o := range []string{"deal", "person", "organization", "product"} {
		code := b.choiceField(o)
		if code == "" {
			code = "label_ids"
		}
		if o == "product" {
			code = "category"
		}
		first := b.field(o, code).Options[0].ID
		add("POST", "/api/v2/"+o+"Fields", object{"field_name": "Neu", "field_type": "enum", "options": []object{{"label": "Да"}}})
		add("PATCH", "/api/v2/"+o+"Fields/"+code, object{"field_name": "Renamed"})
		add("POST", "/api/v2/"+o+"Fields/"+code+"/options", []object{{"label": "Nowa"}})
		add("PATCH", "/api/v2/"+o+"Fields/"+code+"/options", []object{{"id": first, "label": "Inna"}})
		add("DELETE", "/api/v2/"+o+"Fields/"+code+"/options", []object{{"id": first}})
		last := b.catalogs[o].codes
		add("DELETE", "/api/v2/"+o+"Fields/"+last[len(last)-1], nil)
	}
	add("POST", "/v1/leads", object{"title": "L", "person_id": person, "value": object{"amount": 5, "currency": "EUR"}})
	add("PATCH", "/v1/leads/"+lead, object{"was_seen": true})
	note := b.notes.next
	add("POST", "/v1/notes", object{"content": "<p>x</p>", "deal_id": deal, "pinned_to_deal_flag": 1})
	add("PUT", fmt.Sprintf("/v1/notes/%d", note), object{"content": "<p>y</p>"})
	add("DELETE", fmt.Sprintf("/v1/notes/%d", note), nil)
	add("POST", "/v1/leadLabels", object{"name": "VIP", "color": "green"})
	label := b.leadLabels.rows[0].key
	add("PATCH", "/v1/leadLabels/"+label, object{"name": "Sehr heiß"})
	add("DELETE", "/v1/leadLabels/"+label, nil)
	add("PUT", fmt.Sprintf("/v1/deals/%d/merge", deal), object{"merge_with_id": deal + 1})
	add("PUT", fmt.Sprintf("/v1/persons/%d/merge", person), object{"merge_with_id": person + 1})
	add("PUT", fmt.Sprintf("/v1/organizations/%d/merge", org), object{"merge_with_id": org + 1})
	add("DELETE", fmt.Sprintf("/api/v2/deals/%d", deal+1), nil)
	add("DELETE", fmt.Sprintf("/api/v2/persons/%d", person+1), nil)
	add("DELETE", fmt.Sprintf("/api/v2/organizations/%d", org+1), nil)
	add("DELETE", "/api/v2/products/2", nil)
	hook := b.webhooks.next
	add("POST", "/v1/webhooks", object{"subscription_url": "https://hooks.example.com/x", "event_action": "*", "event_object": "deal", "name": "n", "version": "2.0"})
	add("GET", "/v1/webhooks", nil)
	add("DELETE", fmt.Sprintf("/v1/webhooks/%d", hook), nil)
	other := b.leads.rows[1].key
	add("POST", "/api/v2/leads/"+other+"/convert/deal", nil)
	add("GET", "/api/v2/leads/"+other+"/convert/status/{conversion}", nil)
	add("DELETE", "/v1/leads/"+lead, nil)
	add("GET", "/api/v2/deals?custom_fields="+enum+"&include_option_labels=true&limit=5", nil)
	return out
}

// choiceField is the code of a custom single-option field.
func (b *bundle) choiceField(object string) string {
	for _, f := range b.catalogs[object].list {
		if f.IsCustomField && f.FieldType == "enum" {
			return f.FieldCode
		}
	}
	return ""
}
