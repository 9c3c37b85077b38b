package zoho

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// addUser hires somebody.
func (t *tx) addUser(name, email, profile string) *row {
	first, last, ok := strings.Cut(name, " ")
	if !ok {
		first, last = "", name
	}
	at := utc(t.at)
	return t.add(usersTable, values{
		"first_name": first, "last_name": last, "full_name": name, "email": email, "profile": profile, "role": "CEO", "status": "active",
		"created_time": at, "Modified_Time": at,
	})
}

// userShown is the vendor's form of a user (users.json).
func (s *Sim) userShown(r *row) object {
	id := r.key()
	self := object{"name": r.values["full_name"], "id": id, "email": r.values["email"]}
	return object{
		"id": id, "full_name": r.values["full_name"], "first_name": r.values["first_name"], "last_name": r.values["last_name"],
		"email": r.values["email"], "status": r.values["status"], "confirm": r.text("status") == "active", "zuid": id[len(id)-9:],
		"profile":      object{"name": r.values["profile"], "id": profileID(r.text("profile"))},
		"role":         object{"name": r.values["role"], "id": roleID(r.text("role"))},
		"created_time": s.shown(r.text("created_time")), "Modified_Time": s.shown(r.text("Modified_Time")), "created_by": self,
		"Modified_By": object{"name": r.values["full_name"], "id": id, "first_name": r.values["first_name"], "last_name": r.values["last_name"]}, "language": "en_US", "locale": "en_US", "country_locale": "en_US",
		"time_zone": s.opt.Company.TimeZone, "offset": s.offset(), "category": "regular_user", "Isonline": false,
		"country": nil, "phone": nil, "mobile": nil,
	}
}

func (s *Sim) offset() int {
	_, seconds := s.Now().In(s.zone).Zone()
	return seconds * 1000
}

// The ids of profiles and roles are the simulator's own.
func profileID(name string) string {
	if name == administratorProfile {
		return "3652397000000000801"
	}
	return "3652397000000000802"
}

func roleID(name string) string {
	if i := slices.Index([]string{"CEO", "Sales A", "Sales B"}, name); i >= 0 {
		return idText(3652397000000000811 + int64(i))
	}
	return "3652397000000000819"
}

// getUsers lists users (fact sheet 2.2; users.json).
func getUsers(c *call) (reply, error) {
	page, err := c.number("page", 1, 1, 1<<30)
	if err != nil {
		return reply{}, err
	}
	per, err := c.number("per_page", 200, 1, 200)
	if err != nil {
		return reply{}, err
	}
	since, err := c.moment("If-Modified-Since")
	if err != nil {
		return reply{}, err
	}
	wanted, err := c.userFilter()
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var list []object
	older := false
	for _, r := range c.tables[usersTable].rows {
		if !wanted(r) {
			continue
		}
		if r.text("Modified_Time") <= since {
			older = true
			continue
		}
		list = append(list, c.userShown(r))
	}
	if len(list) == 0 && older {
		return unchanged(), nil
	}
	from := min((page-1)*per, len(list))
	shown := list[from:min(from+per, len(list))]
	if len(shown) == 0 {
		return empty(), nil
	}
	return jsonReply(200, object{"users": shown, "info": object{
		"per_page": per, "count": len(shown), "page": page, "more_records": from+per < len(list),
	}}), nil
}

func (c *call) userFilter() (func(*row) bool, error) {
	ids := names(cmp.Or(c.r.PathValue("id"), c.query.Get("ids")))
	active := func(r *row) bool { return r.text("status") == "active" }
	var kind func(*row) bool
	switch c.query.Get("type") {
	case "", "AllUsers", "ConfirmedUsers":
		kind = func(*row) bool { return true }
	case "ActiveUsers", "ActiveConfirmedUsers":
		kind = active
	case "DeactiveUsers":
		kind = func(r *row) bool { return !active(r) }
	case "CurrentUser":
		kind = func(r *row) bool { return r.key() == c.by }
	case "AdminUsers":
		kind = func(r *row) bool { return r.text("profile") == administratorProfile }
	default:
		return nil, invalidData("invalid data", object{"param_name": "type"})
	}
	return func(r *row) bool { return kind(r) && (len(ids) == 0 || slices.Contains(ids, r.key())) }, nil
}

// Hire adds a user who is no administrator, and returns the id.
func (s *Sim) Hire(name, email string) (id string, err error) {
	err = s.write("", func(t *tx) error {
		id = t.addUser(name, email, standardProfile).key()
		return nil
	})
	return id, err
}

// Fire makes a user one who has left.
func (s *Sim) Fire(user string) error {
	return s.editUser(user, values{"status": "disabled"})
}

func (s *Sim) editUser(user string, change values) error {
	return s.write("", func(t *tx) error {
		r := t.tables[usersTable].find(user)
		if r == nil {
			return invalidData("the id given seems to be invalid", object{"id": user})
		}
		change["Modified_Time"] = utc(t.at)
		t.put(usersTable, r, r.with(change))
		return nil
	})
}

// Currency is the organization's own.
func (s *Sim) Currency() string { return s.opt.Company.Currency }

// getOrg tells of the organization (org.json).
func getOrg(c *call) (reply, error) {
	o := c.opt.Company
	c.mu.RLock()
	defer c.mu.RUnlock()
	opened := c.at
	if first := c.tables[usersTable].rows; len(first) > 0 {
		opened, _ = time.Parse(time.RFC3339, first[0].text("created_time"))
	}
	expiry := opened.AddDate(1, 0, 0).In(c.zone).Format(time.RFC3339)
	return jsonReply(200, object{"org": []object{{
		"id": "3652397000000000777", "company_name": o.Name, "country_code": o.Country, "country": o.Country, "iso_code": o.Currency,
		"currency": o.Currency, "currency_symbol": o.Currency, "currency_locale": o.Country, "time_zone": o.TimeZone, "mc_status": !o.OneCurrency,
		"license_details": object{
			"paid": o.Edition != "free", "paid_type": o.Edition, "paid_expiry": expiry, "users_license_purchased": o.Seats,
			"trial_type": nil, "trial_expiry": nil, "trial_action": "none",
		},
		"primary_email": "anna.nowak@example.com", "domain_name": "org20077", "zgid": "20077", "ezgid": "a20077", "primary_zuid": "20078",
		"website": "https://example.com", "phone": "", "employee_count": "30", "max_per_page": 200, "type": "Production",
		"created_time": opened.In(c.zone).Format(time.RFC3339), "photo_id": nil, "city": nil, "description": nil, "street": nil,
		"alias": nil, "state": nil, "fax": nil, "zip": nil, "mobile": nil, "zia_portal_id": nil, "gapps_enabled": false,
		"translation_enabled": false, "deletable_org_account": false, "privacy_settings": false, "hipaa_compliance_enabled": false,
		"lite_users_enabled": false, "oauth_presence": true, "call_icon": "default", "zia_zgid": 20077,
		"hierarchy_preferences": object{"type": "Role_Hierarchy", "strictly_reporting": false},
		"checkin_preferences":   object{"restricted_event_types": nil},
	}}}), nil
}
