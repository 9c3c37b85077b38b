package pipedrive

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// user is a person with access to the account, as v1 lists it.
type user struct {
	ID                int64    `json:"id"`
	Name              string   `json:"name"`
	DefaultCurrency   string   `json:"default_currency"`
	Locale            string   `json:"locale"`
	Lang              int64    `json:"lang"`
	Email             string   `json:"email"`
	Phone             text     `json:"phone"`
	Activated         bool     `json:"activated"`
	LastLogin         stamp    `json:"last_login"`
	Created           stamp    `json:"created"`
	Modified          stamp    `json:"modified"`
	HasCreatedCompany bool     `json:"has_created_company"`
	Access            []access `json:"access"`
	ActiveFlag        bool     `json:"active_flag"`
	TimezoneName      string   `json:"timezone_name"`
	TimezoneOffset    string   `json:"timezone_offset"`
	RoleID            int64    `json:"role_id"`
	IconURL           text     `json:"icon_url"`
	IsYou             bool     `json:"is_you"`
	IsDeleted         bool     `json:"is_deleted"`
}

type access struct {
	App             string `json:"app"`
	Admin           bool   `json:"admin"`
	PermissionSetID string `json:"permission_set_id"`
}

func (u *user) isAdmin() bool {
	return slices.ContainsFunc(u.Access, func(a access) bool { return a.App == "global" && a.Admin })
}

func indexUser(u *user) row {
	r := row{id: u.ID, added: int64(u.Created) * 1000, updated: int64(u.Modified) * 1000}
	if u.isAdmin() {
		r.flags |= flagAdmin
	}
	if !u.ActiveFlag {
		r.flags |= flagInactive
	}
	return r
}

func (s *Sim) userRoutes() []route {
	return []route{
		{"GET", 1, "/users", 20, "users:read", (*call).listUsers},
		{"GET", 1, "/users/me", 2, "base", (*call).getMe},
		{"GET", 1, "/users/{id}", 2, "users:read", (*call).getUser},
	}
}

func (c *call) listUsers() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]*user, len(c.users.rows))
	for i, r := range c.users.rows {
		list[i] = c.users.load(r)
		list[i].IsYou = r.id == c.by.user
	}
	return answer(list), nil
}

func (c *call) getUser() (reply, error) {
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	u := c.users.find(id)
	if u == nil {
		return reply{}, (&refusal{status: http.StatusNotFound}).plain("User not found or not accessible.")
	}
	u.IsYou = u.ID == c.by.user
	return answer(u), nil
}

// plain replaces the usual error body by one with nothing but the message.
func (e *refusal) plain(msg string) *refusal {
	e.body = struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
	}{Error: msg}
	return e
}

func (c *call) getMe() (reply, error) {
	type language struct {
		Language string `json:"language_code"`
		Country  string `json:"country_code"`
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	u := c.users.find(c.by.user)
	u.IsYou = true
	lang, country, _ := strings.Cut(u.Locale, "_")
	co := c.opt.Company
	return answer(struct {
		user
		CompanyID       int64    `json:"company_id"`
		CompanyName     string   `json:"company_name"`
		CompanyDomain   string   `json:"company_domain"`
		CompanyCountry  string   `json:"company_country"`
		CompanyIndustry string   `json:"company_industry"`
		Language        language `json:"language"`
	}{*u, co.ID, co.Name, co.Domain, co.Country, "Real estate", language{lang, country}}), nil
}

// webUser is the part of a user that notes show.
type webUser struct {
	Email   string `json:"email"`
	IconURL text   `json:"icon_url"`
	IsYou   bool   `json:"is_you"`
	Name    string `json:"name"`
}

// activityType is a kind of activity, as v1 lists it.
type activityType struct {
	ID           int64  `json:"id"`
	OrderNr      int64  `json:"order_nr"`
	Name         string `json:"name"`
	KeyString    string `json:"key_string"`
	IconKey      string `json:"icon_key"`
	ActiveFlag   bool   `json:"active_flag"`
	Color        text   `json:"color"`
	IsCustomFlag bool   `json:"is_custom_flag"`
	AddTime      stamp  `json:"add_time"`
	UpdateTime   stamp  `json:"update_time"`
}

func indexActivityType(a *activityType) row {
	return row{id: a.ID, key: a.KeyString, added: int64(a.AddTime) * 1000, updated: int64(a.UpdateTime) * 1000, order: a.OrderNr}
}

// activityName is the name of a type by its key, "" when there is no such type.
func (s *store) activityName(key string) string {
	r := s.activityTypes.byCode(key)
	if r == nil {
		return ""
	}
	return r.name()
}

type currency struct {
	ID            int64  `json:"id"`
	Code          string `json:"code"`
	Name          string `json:"name"`
	DecimalPoints int64  `json:"decimal_points"`
	Symbol        string `json:"symbol"`
	ActiveFlag    bool   `json:"active_flag"`
	IsCustomFlag  bool   `json:"is_custom_flag"`
}

func currencies() []currency {
	return []currency{
		{1, "EUR", "Euro", 2, "€", true, false},
		{2, "USD", "US Dollar", 2, "$", true, false},
		{3, "PLN", "Polish Złoty", 2, "zł", true, false},
		{4, "RUB", "Russian Ruble", 2, "₽", true, false},
		{5, "UAH", "Ukrainian Hryvnia", 2, "₴", true, false},
		{6, "GBP", "British Pound", 2, "£", true, false},
		{7, "CZK", "Czech Koruna", 2, "Kč", true, false},
		{8, "KZT", "Kazakhstani Tenge", 2, "₸", true, false},
		{9, "BYN", "Belarusian Ruble", 2, "Br", true, false},
		{10, "JPY", "Japanese Yen", 0, "¥", true, false},
		{11, "CHF", "Swiss Franc", 2, "CHF", true, false},
		{12, "BRL", "Brazilian Real", 2, "R$", true, false},
	}
}

func validCurrency(code string) bool {
	return slices.ContainsFunc(currencies(), func(c currency) bool { return c.Code == code })
}

func leadSources() []string {
	return []string{
		"Manually created", "Deal", "Web forms", "Prospector", "Leadbooster", "Live chat", "Import",
		"Website visitors", "Workflow automation", "API",
	}
}

// plainRoutes are the small lists without paging.
func (s *Sim) plainRoutes() []route {
	return []route{
		{"GET", 1, "/activityTypes", 20, "activities:read activities:full admin", (*call).listActivityTypes},
		{"GET", 1, "/currencies", 20, "base", (*call).listCurrencies},
		{"GET", 1, "/leadSources", 2, "leads:read leads:full", (*call).listLeadSources},
	}
}

func (c *call) listActivityTypes() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return answer(rawRows(c.activityTypes.rows)), nil
}

func rawRows(rows []*row) []json.RawMessage {
	out := make([]json.RawMessage, len(rows))
	for i, r := range rows {
		out[i] = r.json
	}
	return out
}

func (c *call) listCurrencies() (reply, error) {
	term := strings.ToLower(c.query.Get("term"))
	list := slices.DeleteFunc(currencies(), func(cu currency) bool {
		return !strings.Contains(strings.ToLower(cu.Code+" "+cu.Name), term)
	})
	return answer(list), nil
}

func (c *call) listLeadSources() (reply, error) {
	type source struct {
		Name string `json:"name"`
	}
	var list []source
	for _, name := range leadSources() {
		list = append(list, source{name})
	}
	return answer(list), nil
}
