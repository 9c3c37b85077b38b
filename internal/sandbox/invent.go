package sandbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Inventor makes up what a vendor's generated company needs and no vendor owns:
// names, texts, hours and seasons. The same dice give the same company.
type Inventor struct {
	Rng  *rand.Rand
	Now  time.Time
	Zone *time.Location // of the company
}

// Chance is true with probability p.
func (g *Inventor) Chance(p float64) bool { return g.Rng.Float64() < p }

// Pick picks any member.
func Pick[T any](g *Inventor, list []T) T { return list[g.Rng.IntN(len(list))] }

// Skewed picks early members more often than late ones.
func Skewed[T any](g *Inventor, list []T) T {
	x := g.Rng.Float64()
	return list[int(x*x*float64(len(list)))]
}

// Around is a duration with that median and a long tail.
func (g *Inventor) Around(median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(g.Rng.NormFloat64()*0.8))
}

// OfficeHours moves an instant into working hours of the company's zone; one in
// twenty-five stays where it is, because some people work at night.
func (g *Inventor) OfficeHours(at time.Time) time.Time {
	if g.Chance(0.04) {
		return at.Truncate(time.Second)
	}
	local := at.In(g.Zone)
	for local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
		local = local.AddDate(0, 0, 1)
	}
	hour := 9 + g.Rng.IntN(9)
	local = time.Date(local.Year(), local.Month(), local.Day(), hour, g.Rng.IntN(60), g.Rng.IntN(60), 0, g.Zone)
	return local.UTC()
}

// Past is OfficeHours that never lies in the future.
func (g *Inventor) Past(at time.Time) time.Time {
	at = g.OfficeHours(at)
	if at.After(g.Now) {
		return g.Now.Add(-time.Duration(g.Rng.IntN(3600)) * time.Second)
	}
	return at
}

// season is how busy a month is: quiet in summer and at the turn of the year.
func season(m time.Month) float64 {
	return [...]float64{0, 0.7, 0.9, 1.15, 1.1, 1.05, 0.9, 0.6, 0.65, 1.1, 1.25, 1.2, 0.8}[m]
}

// Birth is when a record of the past year came to be.
func (g *Inventor) Birth() time.Time {
	const year = 365 * 24 * time.Hour
	for {
		at := g.Now.Add(-time.Duration(g.Rng.Int64N(int64(year))))
		if g.Rng.Float64()*1.25 < season(at.Month()) {
			return g.Past(at)
		}
	}
}

// Births returns n such instants in rising order.
func (g *Inventor) Births(n int) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = g.Birth()
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// Lognormal is a number of that median with a long tail, rounded to step.
func (g *Inventor) Lognormal(median float64, step int64) int64 {
	n := int64(median * math.Exp(g.Rng.NormFloat64()*0.7))
	return max(step, n/step*step)
}

// A Tongue is a language in which people and companies of the generated world
// are named.
type Tongue struct {
	First, Last      []string // of people
	Companies, Forms []string // a form has a place for the company's name
	Streets, Cities  []string
	Country, Prefix  string // the latter of phone numbers
}

// Tongues are the languages of the generated world.
func Tongues() []Tongue { return []Tongue{russian(), polish(), latin()} }

func russian() Tongue {
	return Tongue{
		First: strings.Fields(`Анна Мария Елена Ольга Наталья Екатерина Ирина Светлана Юлия Дарья Александр Сергей
			Дмитрий Андрей Алексей Максим Иван Михаил Николай Пётр Артём Фёдор`),
		Last: strings.Fields(`Соколенко Кравчук Шевчук Бондарь Мельник Левченко Гончар Романюк Савчук Ткач Полищук
			Белоус Яковенко Щербак Журавель Ёлкин`),
		Companies: strings.Fields(`Ромашка Вектор Горизонт Маяк Гранит Парус Север Кедр Меридиан Альтаир Заря Омега-Строй
			Техпром Стройинвест Квадрат`),
		Forms: []string{`ООО «%s»`, `АО «%s»`, `ИП %s`}, Country: "Україна", Prefix: "+380 44 ",
		Streets: []string{"ул. Садовая", "пр. Мира", "ул. Лесная"}, Cities: []string{"Киев", "Одесса", "Днепр", "Харьков"},
	}
}

func polish() Tongue {
	return Tongue{
		First: strings.Fields(`Agnieszka Małgorzata Katarzyna Joanna Magdalena Zofia Paweł Łukasz Michał Grzegorz
			Wojciech Krzysztof Tomasz Piotr Stanisław Błażej`),
		Last: strings.Fields(`Wiśniewski Wójcik Kamińska Zieliński Szymańska Woźniak Dąbrowski Kozłowska Jankowski
			Wróbel Piątek Źrebiec Ćwik Świątek Łapiński`),
		Companies: strings.Fields(`Żagiel Źródło Wisła Tatry Bałtyk Jodła Orzeł Mostostal-Pol Granitex Łódka Słoneczko
			Budopol Drewnolux Mlekpol-X`),
		Forms: []string{`%s Sp. z o.o.`, `%s S.A.`, `PHU %s`}, Country: "Polska", Prefix: "+48 ",
		Streets: []string{"ul. Długa", "al. Jerozolimskie", "ul. Źródlana"}, Cities: []string{"Warszawa", "Łódź", "Kraków", "Gdańsk"},
	}
}

func latin() Tongue {
	return Tongue{
		First: strings.Fields(`Emma Olivia Sophie Laura Hannah Julia Lukas Jonas David Thomas Martin Peter Jürgen Zoë`),
		Last: strings.Fields(`Müller Schneider Novak Horvat Johnson O'Brien Andersson García Dubois Rossi Tamm
			Virtanen Kalniņš`),
		Companies: strings.Fields(`Northwind Bluepeak Solaris Kestrel Alderwood Quantis Meridian Brightline Corvus Halden`),
		Forms:     []string{`%s Ltd`, `%s GmbH`, `%s Inc.`}, Country: "Deutschland", Prefix: "+49 30 ",
		Streets: []string{"Main Street", "Bahnhofstraße", "Park Lane"}, Cities: []string{"Berlin", "Wien", "Tallinn", "Dublin"},
	}
}

// PersonName gives a first and a last name in one of the tongues.
func (g *Inventor) PersonName(t Tongue) string { return Pick(g, t.First) + " " + Pick(g, t.Last) }

// CompanyName gives the nth company a name in one of the tongues.
func (g *Inventor) CompanyName(t Tongue, n int) string {
	name := Pick(g, t.Companies)
	if n > len(t.Companies) {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return fmt.Sprintf(Pick(g, t.Forms), name)
}

// Phone is a number in one of the ways people write them.
func (g *Inventor) Phone(t Tongue) string {
	n := fmt.Sprintf("%09d", 100_000_000+g.Rng.IntN(900_000_000))
	switch g.Rng.IntN(4) {
	case 0:
		return t.Prefix + n[:3] + " " + n[3:6] + " " + n[6:]
	case 1:
		return strings.ReplaceAll(t.Prefix, " ", "") + n
	case 2:
		return "(" + n[:3] + ") " + n[3:6] + "-" + n[6:]
	}
	return n[:3] + "-" + n[3:6] + "-" + n[6:]
}

// Email is an address that belongs to nobody.
func (g *Inventor) Email(n int64) string {
	return fmt.Sprintf("%s%d@%s", Pick(g, []string{"info", "biuro", "kontakt", "office", "person"}), n, Pick(g, []string{"example.com", "example.org", "example.net"}))
}

// GoodReasons are the options of lost_reason, the fixed list of the company.
func GoodReasons() []string {
	return []string{
		"Не дозвонились", "Не решает или не платёжеспособен", "Бюджет ниже", "Выбрал конкурента", "Срок не подошёл",
		"Нет нужного продукта", "Дубль", "Отказ после договора", "Za drogo", "Wybrał konkurencję", "Brak budżetu",
	}
}

// BadReasons are what reps write instead.
func BadReasons() []string {
	return []string{
		"нет времени", "Нет времени", "другое", "Другое", "не взял трубку", "неинтересно", "выбрал конкурета", "бюджет нижe",
		"inne", "nie odbiera", "brak czasu", "za drogo!!", "???", "-", "не дозвонилсь", "Клиент думает, но скорее всего нет",
	}
}

// DealTitles are forms with a place for the customer.
func DealTitles() []string {
	return []string{
		"%s: квартира", "%s — офис", "Сделка %s", "Szansa: %s", "%s – wdrożenie", "Licencje dla %s", "%s deal", "Renewal %s",
	}
}

// NoteTexts are what reps write down, in HTML.
func NoteTexts() []string {
	return []string{
		"<p>Клиент просит <b>рассрочку</b> на 12 месяцев, решает жена.</p>", "<p>Oferta wysłana, czekamy na decyzję zarządu.</p>",
		"<p>Call went well; wants a second visit &amp; a floor plan.</p>", "<p>Бюджет до 120&nbsp;000, срок — весна.</p>",
		"<p>Prosi o kontakt po urlopie.</p>", "<ul><li>первый взнос 30%</li><li>ипотека одобрена</li></ul>",
		"<p>Mówi, że konkurencja daje 10% rabatu.</p>", "<p>Не взял трубку, перезвонить завтра.</p>",
	}
}

// Subjects are what reps call an activity of a kind: call, meeting, email or another.
func Subjects(kind string) []string {
	switch kind {
	case "call":
		return []string{"Позвонить", "Telefon do klienta", "Follow-up call", "Уточнить бюджет"}
	case "meeting":
		return []string{"Показ", "Prezentacja", "Meeting on site", "Встреча в офисе"}
	case "email":
		return []string{"Отправить КП", "Wysłać ofertę", "Send contract draft"}
	}
	return []string{"Подготовить договор", "Przygotować umowę", "Check the payment"}
}
