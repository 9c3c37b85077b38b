package pipedrive

import (
	"slices"
	"strings"
	"time"

	"salesbook.dev/internal/sandbox"
)

// funnel is a generated pipeline with what moves deals through it.
type funnel struct {
	pipeline int64
	stages   []int64
	currency []string // the first is the usual one
	median   float64  // deal value
	pace     time.Duration
	weight   int
}

// company makes users, pipelines, fields and labels.
func (g *generator) company() {
	founded := g.Now.AddDate(-2, 0, 0)
	g.hire(founded)
	g.replacePipelines(founded)
	g.inventFields()
	g.renameTypes()
}

// hire adds two teams of twelve, told apart by their role, and five people who left.
func (g *generator) hire(founded time.Time) {
	for i := range 29 {
		t := g.tongues[i%2]
		u := g.newUser(g.PersonName(t), "", false)
		u.Email = strings.ToLower(g.Email(u.ID))
		u.RoleID = int64(2 + i%2)
		u.Created = stampOf(founded.AddDate(0, g.Rng.IntN(12), g.Rng.IntN(28)))
		u.Modified, u.LastLogin = u.Created, stampOf(g.Past(g.Now.Add(-time.Duration(g.Rng.IntN(72))*time.Hour)))
		if i >= 24 {
			u.ActiveFlag = false
			u.LastLogin = stampOf(g.Now.AddDate(0, -2-g.Rng.IntN(6), 0))
			u.Modified = u.LastLogin
			g.leavers = append(g.leavers, u)
		} else {
			g.reps = append(g.reps, u)
		}
		g.users.save(g.tx, u)
	}
}

// replacePipelines takes the place of the pipeline that every new account has.
func (g *generator) replacePipelines(founded time.Time) {
	for _, r := range slices.Clone(g.stages.rows) {
		g.stages.drop(g.tx, r.id)
	}
	for _, r := range slices.Clone(g.pipelines.rows) {
		g.pipelines.drop(g.tx, r.id)
	}
	g.addFunnel(founded, "Жильё", funnel{currency: []string{"UAH", "USD"}, median: 2_400_000, pace: 6 * 24 * time.Hour, weight: 5},
		"Заявка", "Потребность", "Показ", "Бронь", "Договор", "Первый платёж", "Ключи")
	g.addFunnel(founded, "Инвесторы", funnel{currency: []string{"USD", "EUR", "RUB"}, median: 90_000, pace: 9 * 24 * time.Hour, weight: 2},
		"Заявка", "Цель и горизонт", "Расчёт доходности", "Встреча", "Бронь", "Договор", "Платёж")
	g.addFunnel(founded, "Oprogramowanie B2B", funnel{currency: []string{"PLN", "EUR"}, median: 18_000, pace: 7 * 24 * time.Hour, weight: 4},
		"Ocena klienta", "Przygotowanie do spotkania", "Prezentacja", "Oferta", "Oczekiwanie na decyzję", "Umowa", "Zapłata", "Zakończenie")
}

func (g *generator) addFunnel(founded time.Time, name string, f funnel, stages ...string) {
	p := g.newPipeline()
	p.Name, p.AddTime, p.UpdateTime = name, instantOf(founded), instantOf(founded)
	g.pipelines.save(g.tx, &p)
	f.pipeline = p.ID
	for i, stageName := range stages {
		st := g.newStage()
		st.Name, st.PipelineID, st.OrderNr = stageName, p.ID, int64(i+1)
		st.DealProbability = int64(100 * (i + 1) / (len(stages) + 1))
		st.AddTime, st.UpdateTime = p.AddTime, p.AddTime
		if i < 4 {
			days := int64(7 + 3*i)
			st.IsDealRotEnabled, st.DaysToRotten = true, &days
		}
		g.stages.save(g.tx, &st)
		f.stages = append(f.stages, st.ID)
	}
	g.funnels = append(g.funnels, f)
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

// inventFields adds custom fields of every type, in several languages, two of
// one name, and options that were deleted while records hold them.
func (g *generator) inventFields() {
	for _, def := range dealCustomFields() {
		g.inventField("deal", def)
	}
	for _, def := range [][]string{{"Мессенджер", "varchar"}, {"Data urodzenia", "date"}, {"Preferred language", "enum", "Русский", "Polski", "English"}} {
		g.inventField("person", def)
	}
	for _, def := range [][]string{{"NIP / ИНН", "varchar"}, {"Segment", "enum", "Strategiczny", "Kluczowy", "Zwykły"}, {"Rejestracja", "address"}} {
		g.inventField("organization", def)
	}
	g.inventField("product", []string{"Площадь, м²", "double"})
	g.replaceOptions("deal", "lost_reason", sandbox.GoodReasons())
	g.replaceOptions("deal", "label_ids", []string{"VIP", "Горячий", "Pilne", "Ипотека"})
	g.dealFields = slices.DeleteFunc(slices.Clone(g.catalogs["deal"].list), func(f *field) bool { return !f.IsCustomField })
}

// dealCustomFields are name, type and options; an option in brackets is deleted later.
func dealCustomFields() [][]string {
	return [][]string{
		{"Откуда узнал", "enum", "Сайт", "Реклама", "Рекомендация", "Выставка", "(Радио)"},
		{"Зачем именно это", "text"},
		{"Кто платит и решает", "people"},
		{"Бюджет", "monetary"},
		{"Срок", "date"},
		{"Доходность, %", "double"},
		{"Интересующие опции", "set", "Балкон", "Паркинг", "Кладовая", "Вид на парк", "(Сауна)"},
		{"Powód kontaktu", "varchar"},
		{"Źródło leada", "enum", "Strona www", "Targi", "Polecenie", "LinkedIn", "(Ulotka)"},
		{"Liczba użytkowników", "double"},
		{"Moduły", "set", "CRM", "Magazyn", "Faktury", "HR"},
		{"Telefon decydenta", "phone"},
		{"Okres wdrożenia", "daterange"},
		{"Godzina kontaktu", "time"},
		{"Okno dostawy", "timerange"},
		{"Adres dostawy", "address"},
		{"Firma powiązana", "org"},
		{"Opiekun techniczny", "user"},
		{"Numer umowy", "varchar_auto"},
		{"Campaign (UTM)", "varchar"},
		{"Priority", "enum", "High", "Medium", "Low"},
		{"Budget confirmed", "enum", "Yes", "No"},
		{"Комментарий", "text"},
		{"Комментарий", "varchar"},
		{"Margin", "monetary"},
		{"Area, m²", "double"},
	}
}

func (g *generator) inventField(object string, def []string) {
	f := &field{
		ID: g.fields[object].next, FieldCode: hexFrom(g.Rng, 40), FieldName: def[0], FieldType: def[1], IsCustomField: true,
	}
	f.Subfields = subfieldsOf(f.FieldCode, f.FieldName, f.FieldType)
	var retired []string
	for _, label := range def[2:] {
		name, gone := strings.CutPrefix(label, "(")
		name = strings.TrimSuffix(name, ")")
		f.addOptions(g.tx, []string{name})
		if gone {
			retired = append(retired, name)
		}
		g.saveField(object, f) // so that the next option gets the next id
	}
	for _, name := range retired {
		i := slices.IndexFunc(f.Options, func(o option) bool { return o.Label == name })
		f.retire(f.Options[i].ID.number())
	}
	f.describe(object)
	g.saveField(object, f)
}

func (g *generator) replaceOptions(object, code string, labels []string) {
	f := *g.field(object, code)
	f.Options = nil
	f.Options = f.addOptions(g.tx, labels)
	g.saveField(object, &f)
}

// renameTypes gives activity types names of the company, as people do.
func (g *generator) renameTypes() {
	next := g.activityTypes.next
	for i, ty := range [][2]string{{"Показ", "pokaz"}, {"Prezentacja online", "prezentacja_online"}} {
		g.activityTypes.save(g.tx, &activityType{
			ID: next + int64(i), OrderNr: next + int64(i), Name: ty[0], KeyString: ty[1], IconKey: "presentation", ActiveFlag: true,
			IsCustomFlag: true, AddTime: stampOf(g.Now.AddDate(-1, 0, 0)), UpdateTime: stampOf(g.Now.AddDate(-1, 0, 0)),
		})
	}
}
