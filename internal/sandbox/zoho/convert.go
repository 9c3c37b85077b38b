package zoho

import "net/http"

// convertLead makes an account and a contact of a lead, and a deal where one is
// described (convert_lead.json). A converted lead is in no ordinary list.
func convertLead(c *call) (reply, error) {
	list, _, err := c.elements("data", 1)
	if err != nil {
		return reply{}, err
	}
	if err := c.convertible(); err != nil {
		return reply{}, err
	}
	deal, _ := list[0]["Deals"].(map[string]any)
	return c.elementwise(list, http.StatusOK, func(t *tx, _ object, _ int) (object, error) {
		made, err := t.convert(t.tables["Leads"].find(c.r.PathValue("id")), deal)
		if err != nil {
			return nil, err
		}
		details := object{}
		for module, r := range made {
			details[module] = object{"id": r.key(), "name": r.values[t.settings.module(module).Name]}
		}
		return object{"code": "SUCCESS", "status": "success", "message": "The record has been converted successfully", "details": details}, nil
	})
}

// convertible tells why the path's lead cannot be converted.
func (c *call) convertible() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	lead := c.tables["Leads"].find(c.r.PathValue("id"))
	if lead == nil {
		return invalidData("invalid data", object{"resource_path_index": 1})
	}
	if lead.values["Converted__s"] == true {
		return bad("ID_ALREADY_CONVERTED", "id already converted", object{"resource_path_index": 1})
	}
	return nil
}

// convert makes the records of a lead, by module, and marks it. The lead is nil
// when it went in the meantime.
func (t *tx) convert(lead *row, deal object) (map[string]*row, error) {
	if lead == nil {
		return nil, invalidData("invalid data", object{"resource_path_index": 1})
	}
	made := map[string]*row{}
	add := func(module string, in object) (id object, err error) {
		r, err := t.insert(t.settings.module(module), in, 0)
		if err != nil {
			return nil, err
		}
		made[module] = r
		return object{"id": r.key()}, nil
	}
	// The lead's owner owns what comes of it, if they work there still.
	owner := lead.values["Owner"]
	if u := t.tables[usersTable].find(lead.text("Owner")); u == nil || u.text("status") != "active" {
		owner = nil
	}
	with := func(in object) object {
		if owner != nil {
			in["Owner"] = owner
		}
		return in
	}
	change := values{"Converted__s": true, "Converted_Date_Time": utc(t.at)}
	account, err := add("Accounts", with(object{"Account_Name": lead.values["Company"]}))
	if err != nil {
		return nil, err
	}
	contact, err := add("Contacts", with(object{
		"First_Name": lead.values["First_Name"], "Last_Name": lead.values["Last_Name"], "Email": lead.values["Email"], "Phone": lead.values["Phone"],
		"Account_Name": account,
	}))
	if err != nil {
		return nil, err
	}
	change["Converted_Account"], change["Converted_Contact"] = account["id"], contact["id"]
	if deal != nil {
		deal["Account_Name"], deal["Contact_Name"] = account, contact
		id, err := add("Deals", with(deal))
		if err != nil {
			return nil, err
		}
		change["Converted_Deal"] = id["id"]
	}
	_, err = t.apply(t.settings.module("Leads"), lead, change, 0)
	return made, err
}
