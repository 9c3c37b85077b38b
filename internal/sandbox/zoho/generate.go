package zoho

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"salesbook.dev/internal/sandbox"
)

// Scale says how large a generated company is. Fields that are zero give none
// of that module; users, pipelines and fields are always there.
type Scale struct {
	Deals, Contacts, Accounts, Activities, Notes, Leads, Products int
}

// ScaleOf returns a company with that many deals and everything else in
// proportion. 5,000 deals are a year of two teams of twelve.
func ScaleOf(deals int) Scale {
	part := func(perThousand int) int { return (deals*perThousand + 999) / 1000 }
	return Scale{
		Deals: deals, Contacts: part(800), Accounts: part(400), Activities: part(3000), Notes: part(1200), Leads: part(160),
		Products: min(60, max(5, deals/50)),
	}
}

// FullScale is the company that the demo shows.
const FullScale = 5000

// Generate fills the account with a company and its last year. The same seed,
// scale and clock give the same company. It keeps what is there already, so it
// belongs into an empty account; no notification tells of it.
func (s *Sim) Generate(seed uint64, sc Scale) error {
	err := s.importing(func(t *tx) error {
		g := &generator{
			tx: t, Inventor: sandbox.Inventor{Rng: rand.New(rand.NewPCG(seed, 0xc0de)), Now: t.at, Zone: t.zone}, scale: sc,
			tongues: sandbox.Tongues(), titles: sandbox.DealTitles(), remarks: sandbox.NoteTexts(), good: sandbox.GoodReasons(),
		}
		g.hire()
		t.configure(g.setUp)
		g.makeAccounts()
		g.makeContacts()
		g.makeProducts()
		g.makeDeals()
		g.makeLeads()
		return nil
	})
	if err != nil {
		return fmt.Errorf("generate a company of %d deals: %w", sc.Deals, err)
	}
	return s.tieAll(s.opt.Faults)
}

// generator makes up a company. It writes records directly, as history that
// nobody watched.
type generator struct {
	*tx
	sandbox.Inventor
	scale Scale

	tongues               []sandbox.Tongue
	titles, remarks, good []string

	reps     []*row // who sell today
	leavers  []*row // who sold and left
	funnels  []funnel
	accounts []*row
	contacts []*row
	custom   []*field // of deals, that records may hold
}

// funnel is a generated pipeline with what moves deals through it.
type funnel struct {
	*pipeline
	open      []step
	won, lost step
	currency  []string
	median    float64 // amount
	pace      time.Duration
	weight    int
}

// hire adds two teams of twelve, told apart by their role, and five people who left.
func (g *generator) hire() {
	for i := range 29 {
		name := g.PersonName(g.tongues[i%2])
		u := g.addUser(name, strings.ToLower(g.Email(int64(i+1))), standardProfile)
		role := "Sales A"
		if i%2 == 1 {
			role = "Sales B"
		}
		change := values{"role": role, "created_time": utc(g.Now.AddDate(-2, g.Rng.IntN(12), g.Rng.IntN(28)))}
		left := i >= 24
		if left {
			change["status"] = "disabled"
		}
		next := u.with(change)
		g.put(usersTable, u, next)
		if left {
			g.leavers = append(g.leavers, next)
		} else {
			g.reps = append(g.reps, next)
		}
	}
}

// setUp gives the company pipelines, fields and a module of its own.
func (g *generator) setUp(c *settings) {
	open := func(names ...string) []draft {
		var out []draft
		for i, n := range names {
			out = append(out, draft{n, forecastOpen, 100 * (i + 1) / (len(names) + 1)})
		}
		return out
	}
	closed := func(stages []draft, won, lost string) []draft {
		return append(stages, draft{won, forecastWon, 100}, draft{lost, forecastLost, 0})
	}
	home := g.opt.Company.Currency
	g.addFunnel(c, "Жильё", funnel{currency: []string{"UAH", "USD"}, median: 2_400_000, pace: 6 * 24 * time.Hour, weight: 5},
		closed(open("Заявка", "Потребность", "Показ", "Бронь", "Договор", "Первый платёж"), "Ключи", "Отказ"))
	g.addFunnel(c, "Инвесторы", funnel{currency: []string{"USD", "EUR"}, median: 90_000, pace: 9 * 24 * time.Hour, weight: 2},
		closed(open("Заявка", "Цель и горизонт", "Расчёт доходности", "Встреча", "Договор"), "Платёж", "Отказ"))
	g.addFunnel(c, "Oprogramowanie B2B", funnel{currency: []string{"PLN", "EUR"}, median: 18_000, pace: 7 * 24 * time.Hour, weight: 4},
		closed(open("Ocena klienta", "Prezentacja", "Oferta", "Oczekiwanie na decyzję", "Umowa"), "Zapłata", "Przegrana"))
	g.funnels = append(g.funnels, funnelOf(c.pipeline(""), funnel{currency: []string{home}, median: 25_000, pace: 8 * 24 * time.Hour, weight: 1}))
	deals := c.module("Deals")
	reasons := deals.field("Reason_For_Loss__s")
	for _, r := range append(sandbox.GoodReasons(), badReasons()...) {
		reasons.Options = append(reasons.Options, option{ID: g.newID(), Actual: r, Display: r})
	}
	for _, line := range dealCustomFields() {
		f := g.fieldOf(line)
		f.Custom = true
		deals.Fields = append(deals.Fields, f)
		g.custom = append(g.custom, f)
	}
	g.addModule(c, standardModule{"Contracts", "Umowa", "Name", "Deal", `Name|Contract Name|text !
Deal|Deal|lookup Deals
Value|Value|currency
Signed|Signed|date`}, true)
}

// badReasons are values of the picklist that say nothing.
func badReasons() []string {
	return []string{"Другое", "нет времени", "inne", "brak czasu", "???"}
}

// dealCustomFields are more than the fifty that one list call shows, together
// with the standard ones, in several languages.
func dealCustomFields() []string {
	out := []string{
		"Source_1|Откуда узнал|picklist Сайт;Реклама;Рекомендация;Выставка", "Why|Зачем именно это|textarea", "Decider|Кто платит и решает|text",
		"Budget|Бюджет|currency", "Deadline|Срок|date", "Yield|Доходность, %|percent", "Options|Интересующие опции|multiselectpicklist Балкон;Паркинг;Кладовая;Вид на парк",
		"Powod_kontaktu|Powód kontaktu|text", "Zrodlo|Źródło leada|picklist Strona www;Targi;Polecenie;LinkedIn", "Users_Count|Liczba użytkowników|integer",
		"Modules|Moduły|multiselectpicklist CRM;Magazyn;Faktury;HR", "Decider_Phone|Telefon decydenta|phone", "Contact_At|Godzina kontaktu|datetime",
		"Campaign_UTM|Campaign (UTM)|text", "Priority|Priority|picklist High;Medium;Low", "Budget_OK|Budget confirmed|boolean", "Comment_1|Комментарий|textarea",
		"Comment_2|Комментарий|text", "Margin|Margin|currency", "Area|Area, m²|double", "Tender|Tender page|website", "Decider_Mail|E-mail decydenta|email",
	}
	for n := range 14 {
		out = append(out, fmt.Sprintf("Answer_%d|Анкета, вопрос %d|text", n+1, n+1))
	}
	return out
}

func (g *generator) addFunnel(c *settings, name string, f funnel, stages []draft) {
	g.funnels = append(g.funnels, funnelOf(g.addPipeline(c, name, false, stages), f))
}

func funnelOf(p *pipeline, f funnel) funnel {
	f.pipeline = p
	for _, st := range p.Maps {
		switch {
		case st.Forecast == forecastOpen:
			f.open = append(f.open, st)
		case st.Forecast == forecastWon:
			f.won = st
		case f.lost.Actual == "":
			f.lost = st
		}
	}
	return f
}

// chooseFunnel picks a funnel by weight.
func (g *generator) chooseFunnel() funnel {
	total := 0
	for _, f := range g.funnels {
		total += f.weight
	}
	n := g.Rng.IntN(total)
	for _, f := range g.funnels {
		if n -= f.weight; n < 0 {
			return f
		}
	}
	return g.funnels[0]
}

// owner sold at that time: some of the records are of people who have left.
func (g *generator) owner(at time.Time) string {
	if g.Now.Sub(at) > 120*24*time.Hour && g.Chance(0.25) {
		return sandbox.Pick(&g.Inventor, g.leavers).key()
	}
	return sandbox.Pick(&g.Inventor, g.reps).key()
}

// write stores a record as it came to be at one time and was changed last at another.
func (g *generator) write(module, owner string, made, changed time.Time, v values) *row {
	v["Owner"], v["Created_By"], v["Modified_By"] = owner, owner, owner
	v["Created_Time"], v["Modified_Time"] = utc(made), utc(changed)
	if g.settings.module(module).field("Last_Activity_Time") != nil {
		v["Last_Activity_Time"] = utc(changed)
	}
	return g.add(module, v)
}

// later is a last change somewhere between a record's birth and now.
func (g *generator) later(at time.Time) time.Time {
	if g.Chance(0.5) {
		return at
	}
	return g.Past(at.Add(time.Duration(g.Rng.Float64() * float64(g.Now.Sub(at)))))
}

// spared is up to which number accounts, contacts and deals are never deleted, so
// that whoever speaks of the third deal finds it.
const spared = 12

// end deletes a record some days ago.
func (g *generator) end(module string, r *row) {
	at := g.Past(g.Now.AddDate(0, 0, -g.Rng.IntN(28)))
	g.bury(module, r, passing{Kind: "recycle", By: r.text("Owner"), At: utc(at)})
}

func whole(n int64) json.Number { return json.Number(fmt.Sprint(n)) }

func (g *generator) makeAccounts() {
	for i, at := range g.Births(g.scale.Accounts) {
		t := g.tongues[i%3]
		v := values{"Account_Name": g.CompanyName(t, i/3), "Billing_City": sandbox.Pick(&g.Inventor, t.Cities), "Billing_Country": t.Country, "Billing_Street": fmt.Sprintf("%s %d", sandbox.Pick(&g.Inventor, t.Streets), 1+g.Rng.IntN(120))}
		if g.Chance(0.5) {
			v["Website"], v["Employees"] = fmt.Sprintf("https://firma%d.example.com", i+1), whole(g.Lognormal(40, 1))
			v["Annual_Revenue"] = whole(g.Lognormal(4_000_000, 1000))
		}
		r := g.write("Accounts", g.owner(at), at, g.later(at), v)
		if i >= spared && g.Chance(0.01) {
			g.end("Accounts", r)
			continue
		}
		g.accounts = append(g.accounts, r)
	}
}

// makeContacts makes people, some of them twice: the same human again under
// another spelling, with the phone written otherwise.
func (g *generator) makeContacts() {
	for i, at := range g.Births(g.scale.Contacts) {
		t := g.tongues[i%3]
		first, last, _ := strings.Cut(g.PersonName(t), " ")
		v := values{"First_Name": first, "Last_Name": last, "Phone": g.Phone(t), "Email": g.Email(int64(i + 1)), "Email_Opt_Out": g.Chance(0.1)}
		if n := len(g.contacts); n > 0 && g.Chance(0.04) {
			same := g.contacts[n-1]
			v["First_Name"], v["Last_Name"] = same.values["First_Name"], strings.ToUpper(same.text("Last_Name"))
			v["Phone"] = strings.ReplaceAll(same.text("Phone"), " ", "")
		}
		if len(g.accounts) > 0 && g.Chance(0.8) {
			v["Account_Name"] = sandbox.Pick(&g.Inventor, g.accounts).key()
		}
		v["Full_Name"] = fmt.Sprint(v["First_Name"], " ", v["Last_Name"])
		r := g.write("Contacts", g.owner(at), at, g.later(at), v)
		if i >= spared && g.Chance(0.01) {
			g.end("Contacts", r)
			continue
		}
		g.contacts = append(g.contacts, r)
	}
}

func (g *generator) makeProducts() {
	for i := range g.scale.Products {
		at := g.Now.AddDate(-1, 0, g.Rng.IntN(60))
		g.write("Products", g.reps[0].key(), at, at, values{
			"Product_Name": fmt.Sprintf("Licencja %d", i+1), "Product_Code": fmt.Sprintf("L-%03d", i+1), "Product_Active": true,
			"Unit_Price": whole(g.Lognormal(1200, 10)),
		})
	}
}

// makeLeads fills the leads; a fifth has been converted.
func (g *generator) makeLeads() {
	states := g.settings.module("Leads").field("Lead_Status").Options
	for i, at := range g.Births(g.scale.Leads) {
		t := g.tongues[i%3]
		first, last, _ := strings.Cut(g.PersonName(t), " ")
		v := values{
			"First_Name": first, "Last_Name": last, "Full_Name": first + " " + last, "Company": g.CompanyName(t, i/3), "Phone": g.Phone(t),
			"Email": g.Email(int64(10_000 + i)), "Lead_Status": sandbox.Pick(&g.Inventor, states).Actual, "Converted__s": false,
		}
		if len(g.contacts) > 0 && g.Chance(0.2) {
			to := sandbox.Pick(&g.Inventor, g.contacts)
			v["Converted__s"], v["Converted_Contact"], v["Converted_Date_Time"] = true, to.key(), utc(at)
			if a := to.text("Account_Name"); a != "" {
				v["Converted_Account"] = a
			}
		}
		g.write("Leads", g.owner(at), at, at, v)
	}
}

// customValues fills some of a deal's own fields.
func (g *generator) customValues(v values, at time.Time, share float64) {
	for _, f := range g.custom {
		if !g.Chance(share) {
			continue
		}
		switch f.Type {
		case "picklist":
			v[f.APIName] = sandbox.Pick(&g.Inventor, f.Options).Actual
		case "multiselectpicklist":
			v[f.APIName] = []any{sandbox.Pick(&g.Inventor, f.Options).Actual}
		case "currency":
			v[f.APIName] = whole(g.Lognormal(50_000, 10))
		case "integer", "double", "percent":
			v[f.APIName] = whole(int64(1 + g.Rng.IntN(90)))
		case "date":
			v[f.APIName] = at.AddDate(0, 0, 10+g.Rng.IntN(200)).Format(time.DateOnly)
		case "datetime":
			v[f.APIName] = utc(g.OfficeHours(at.AddDate(0, 0, 3)).Truncate(time.Second))
		case "boolean":
			v[f.APIName] = g.Chance(0.5)
		case "phone":
			v[f.APIName] = g.Phone(g.tongues[0])
		case "email":
			v[f.APIName] = "decydent@example.org"
		case "website":
			v[f.APIName] = "https://tender.example.net"
		default:
			v[f.APIName] = cmp.Or(sandbox.Pick(&g.Inventor, []string{"жена", "zarząd", "CFO", "не знает", "да, срочно"}), "-")
		}
	}
}
