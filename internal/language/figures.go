package language

// What is counted, and what is to be sold.
var (
	KPIs      = Phrase{"Figures", "Wskaźniki", "Показатели", "Показники"}
	Figure    = Phrase{"Figure", "Wskaźnik", "Показатель", "Показник"}
	Target    = Phrase{"Target", "Cel", "Цель", "Ціль"}
	OwnMedian = Phrase{"own median", "własna mediana", "своя медиана", "власна медіана"}
	HowOften  = Phrase{"How often", "Jak często", "Как часто", "Як часто"}
	ForWhom   = Phrase{"For whom", "Dla kogo", "Для кого", "Для кого"}
	Everybody = Phrase{"everybody", "wszyscy", "все", "усі"}
	PartDays  = Phrase{"%s days", "%s dnia", "%s дня", "%s дня"}
	Days      = Plural{two{"%s day", "%s days"}, three{"%s dzień", "%s dni", "%s dni"}, three{"%s день", "%s дня", "%s дней"}, three{"%s день", "%s дні", "%s днів"}}

	Plans      = Phrase{"Plans", "Plany", "Планы", "Плани"}
	PlanOf     = Phrase{"Plan for %s: the whole company", "Plan na rok %s: cała firma", "План на %s год: вся компания", "План на %s рік: уся компанія"}
	PlanOfPart = Phrase{"Plan for %s: %s", "Plan na rok %s: %s", "План на %s год: %s", "План на %s рік: %s"}
	CountedIn  = Phrase{"What counts", "Co się liczy", "Что считается", "Що рахується"}
	ForTheYear = Phrase{"Target for the year", "Cel na rok", "Цель на год", "Ціль на рік"}
	Quarter    = Phrase{"Q%[1]s", "%[2]s kwartał", "%[2]s квартал", "%[2]s квартал"}
	WorkBehind = Phrase{"Work behind it", "Praca, która za tym stoi", "Сколько за этим работы", "Скільки за цим роботи"}
	EachRep    = Phrase{"Every rep, every month: %s", "Każdy handlowiec co miesiąc: %s", "Каждый менеджер каждый месяц: %s", "Кожен менеджер щомісяця: %s"}
)

// What other currencies are worth.
var (
	Rates      = Phrase{"What other currencies are worth", "Kursy innych walut", "Курсы других валют", "Курси інших валют"}
	RateOf     = Phrase{"One unit", "Jedna jednostka", "Одна единица", "Одна одиниця"}
	RateIs     = Phrase{"Is worth", "Jest warta", "Стоит", "Коштує"}
	RateFrom   = Phrase{"From", "Od", "Начиная с", "Починаючи з"}
	RateAlways = Phrase{"the beginning", "początku", "самого начала", "самого початку"}
)
