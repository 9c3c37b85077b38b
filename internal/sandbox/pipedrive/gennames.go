package pipedrive

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func sortTimes(list []time.Time) { slices.SortFunc(list, time.Time.Compare) }

// A tongue is a language in which people and companies of the generated world
// are named.
type tongue struct {
	first, last, companies, forms, streets, cities []string
	country, prefix                                string
}

func tongues() []tongue { return []tongue{russian(), polish(), latin()} }

func russian() tongue {
	return tongue{
		first: strings.Fields(`Анна Мария Елена Ольга Наталья Екатерина Ирина Светлана Юлия Дарья Александр Сергей
			Дмитрий Андрей Алексей Максим Иван Михаил Николай Пётр Артём Фёдор`),
		last: strings.Fields(`Соколенко Кравчук Шевчук Бондарь Мельник Левченко Гончар Романюк Савчук Ткач Полищук
			Белоус Яковенко Щербак Журавель Ёлкин`),
		companies: strings.Fields(`Ромашка Вектор Горизонт Маяк Гранит Парус Север Кедр Меридиан Альтаир Заря Омега-Строй
			Техпром Стройинвест Квадрат`),
		forms: []string{`ООО «%s»`, `АО «%s»`, `ИП %s`}, country: "Україна", prefix: "+380 44 ",
		streets: []string{"ул. Садовая", "пр. Мира", "ул. Лесная"}, cities: []string{"Киев", "Одесса", "Днепр", "Харьков"},
	}
}

func polish() tongue {
	return tongue{
		first: strings.Fields(`Agnieszka Małgorzata Katarzyna Joanna Magdalena Zofia Paweł Łukasz Michał Grzegorz
			Wojciech Krzysztof Tomasz Piotr Stanisław Błażej`),
		last: strings.Fields(`Wiśniewski Wójcik Kamińska Zieliński Szymańska Woźniak Dąbrowski Kozłowska Jankowski
			Wróbel Piątek Źrebiec Ćwik Świątek Łapiński`),
		companies: strings.Fields(`Żagiel Źródło Wisła Tatry Bałtyk Jodła Orzeł Mostostal-Pol Granitex Łódka Słoneczko
			Budopol Drewnolux Mlekpol-X`),
		forms: []string{`%s Sp. z o.o.`, `%s S.A.`, `PHU %s`}, country: "Polska", prefix: "+48 ",
		streets: []string{"ul. Długa", "al. Jerozolimskie", "ul. Źródlana"}, cities: []string{"Warszawa", "Łódź", "Kraków", "Gdańsk"},
	}
}

func latin() tongue {
	return tongue{
		first: strings.Fields(`Emma Olivia Sophie Laura Hannah Julia Lukas Jonas David Thomas Martin Peter Jürgen Zoë`),
		last: strings.Fields(`Müller Schneider Novak Horvat Johnson O'Brien Andersson García Dubois Rossi Tamm
			Virtanen Kalniņš`),
		companies: strings.Fields(`Northwind Bluepeak Solaris Kestrel Alderwood Quantis Meridian Brightline Corvus Halden`),
		forms:     []string{`%s Ltd`, `%s GmbH`, `%s Inc.`}, country: "Deutschland", prefix: "+49 30 ",
		streets: []string{"Main Street", "Bahnhofstraße", "Park Lane"}, cities: []string{"Berlin", "Wien", "Tallinn", "Dublin"},
	}
}

// personName gives a name in one of the tongues.
func (g *generator) personName(t tongue) string { return pick(g, t.first) + " " + pick(g, t.last) }

func (g *generator) companyName(t tongue, n int) string {
	name := pick(g, t.companies)
	if n > len(t.companies) {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return fmt.Sprintf(pick(g, t.forms), name)
}

// phone is a number in one of the ways people write them.
func (g *generator) phone(t tongue) string {
	n := fmt.Sprintf("%09d", 100_000_000+g.rng.IntN(900_000_000))
	switch g.rng.IntN(4) {
	case 0:
		return t.prefix + n[:3] + " " + n[3:6] + " " + n[6:]
	case 1:
		return strings.ReplaceAll(t.prefix, " ", "") + n
	case 2:
		return "(" + n[:3] + ") " + n[3:6] + "-" + n[6:]
	}
	return n[:3] + "-" + n[3:6] + "-" + n[6:]
}

// email is an address that belongs to nobody.
func (g *generator) email(n int64) string {
	return fmt.Sprintf("%s%d@%s", pick(g, []string{"info", "biuro", "kontakt", "office", "person"}), n, pick(g, []string{"example.com", "example.org", "example.net"}))
}

// goodReasons are the options of lost_reason, the fixed list of the company.
func goodReasons() []string {
	return []string{
		"Не дозвонились", "Не решает или не платёжеспособен", "Бюджет ниже", "Выбрал конкурента", "Срок не подошёл",
		"Нет нужного продукта", "Дубль", "Отказ после договора", "Za drogo", "Wybrał konkurencję", "Brak budżetu",
	}
}

// badReasons are what reps write instead.
func badReasons() []string {
	return []string{
		"нет времени", "Нет времени", "другое", "Другое", "не взял трубку", "неинтересно", "выбрал конкурета", "бюджет нижe",
		"inne", "nie odbiera", "brak czasu", "za drogo!!", "???", "-", "не дозвонилсь", "Клиент думает, но скорее всего нет",
	}
}

func dealTitles() []string {
	return []string{
		"%s: квартира", "%s — офис", "Сделка %s", "Szansa: %s", "%s – wdrożenie", "Licencje dla %s", "%s deal", "Renewal %s",
	}
}

func noteTexts() []string {
	return []string{
		"<p>Клиент просит <b>рассрочку</b> на 12 месяцев, решает жена.</p>", "<p>Oferta wysłana, czekamy na decyzję zarządu.</p>",
		"<p>Call went well; wants a second visit &amp; a floor plan.</p>", "<p>Бюджет до 120&nbsp;000, срок — весна.</p>",
		"<p>Prosi o kontakt po urlopie.</p>", "<ul><li>первый взнос 30%</li><li>ипотека одобрена</li></ul>",
		"<p>Mówi, że konkurencja daje 10% rabatu.</p>", "<p>Не взял трубку, перезвонить завтра.</p>",
	}
}

func activitySubjects(kind string) []string {
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
