package zoho

import "slices"

// The profile that may set things up, and the other one.
const (
	administratorProfile = "Administrator"
	standardProfile      = "Standard"
)

// furnish gives a new account what every account has: the standard modules, the
// standard pipeline and the person who opened it.
func (s *Sim) furnish(t *tx) error {
	t.configure(func(c *settings) {
		for _, sm := range standardModules() {
			t.addModule(c, sm, false)
		}
		c.index()
		deals := c.module("Deals")
		for _, code := range currencies(s.opt.Company.Currency) {
			addOption(deals.field("Currency"), option{ID: t.newID(), Actual: code, Display: code})
		}
		if s.opt.Company.OneCurrency {
			deals.Fields = slices.DeleteFunc(deals.Fields, func(f *field) bool { return f.APIName == "Currency" || f.APIName == "Exchange_Rate" })
		}
		// A field of the customer's that shows a value of another record: when
		// that changes, the deal's Modified_Time does not (fact sheet 2.3).
		deals.Fields = append(deals.Fields, &field{
			ID: t.newID(), APIName: "Customer_Revenue", Label: "Customer revenue", Type: "formula", Custom: true, ReadOnly: true,
			Formula: "Account_Name.Annual_Revenue",
		})
		t.addPipeline(c, "Standard (Standard)", true, standardStages())
	})
	t.addUser("Anna Nowak", "anna.nowak@example.com", administratorProfile)
	if s.opt.RefreshToken != "" {
		t.Sim.grants = []*grant{{User: t.administrator(), Refresh: s.opt.RefreshToken, Offline: true}}
	}
	return nil
}

func currencies(home string) []string {
	out := []string{home}
	for _, code := range []string{"EUR", "USD", "PLN", "UAH", "GBP"} {
		if code != home {
			out = append(out, code)
		}
	}
	return out
}

// standardStages are those of the vendor's standard pipeline.
func standardStages() []draft {
	return []draft{
		{"Qualification", forecastOpen, 10}, {"Needs Analysis", forecastOpen, 20}, {"Value Proposition", forecastOpen, 40},
		{"Identify Decision Makers", forecastOpen, 60}, {"Proposal/Price Quote", forecastOpen, 75}, {"Negotiation/Review", forecastOpen, 90},
		{"Closed Won", forecastWon, 100}, {"Closed Lost", forecastLost, 0}, {"Closed Lost to Competition", forecastLost, 0},
	}
}
