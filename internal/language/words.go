package language

// Mode says what is done about a rule in a mode.
func (l Language) Mode(word string) string { return l.word(modes, word) }

var modes = map[string]Phrase{
	"off":     {"It is not checked", "Nie sprawdza się", "Не проверяется", "Не перевіряється"},
	"observe": {"It is shown", "Widać w zestawieniach", "Видно в отчётах", "Видно у звітах"},
	"tell":    {"Those in charge are told", "Dowiadują się odpowiedzialni", "Узнают ответственные", "Дізнаються відповідальні"},
	"task":    {"The rep gets a task", "Handlowiec dostaje zadanie", "Менеджер получает задачу", "Менеджер отримує завдання"},
	"revert":  {"It is taken back", "Zostaje to cofnięte", "Это отменяется", "Це скасовується"},
}

// Order says in a sentence how the stages of a funnel are passed.
func (l Language) Order(word string) string { return l.word(orders, word) }

var orders = map[string]Phrase{
	"strict": {
		"The stages are passed strictly in this order: none is skipped, and no deal goes back.",
		"Etapy przechodzi się ściśle w tej kolejności: żadnego się nie pomija i żadna szansa sprzedaży się nie cofa.",
		"Этапы проходят строго в этом порядке: ни одного не пропускают, и сделки не возвращают назад.",
		"Етапи проходять строго в цьому порядку: жодного не пропускають, і угоди не повертають назад."},
	"free": {
		"The stages stand in this order; one that a deal does not need may be skipped.",
		"Etapy stoją w tej kolejności; ten, którego szansa sprzedaży nie potrzebuje, wolno pominąć.",
		"Этапы идут в этом порядке; тот, который сделке не нужен, можно пропустить.",
		"Етапи йдуть у цьому порядку; той, що угоді не потрібен, можна пропустити."},
	"none": {
		"The stages have no order: a deal may go to any of them.",
		"Etapy nie mają kolejności: szansa sprzedaży może trafić na każdy z nich.",
		"У этапов нет порядка: сделка может перейти на любой из них.",
		"Етапи не мають порядку: угода може перейти на будь-який із них."},
}

// Priority is the place of a segment in the work queue.
func (l Language) Priority(word string) string { return l.word(priorities, word) }

var priorities = map[string]Phrase{
	"high":   {"high", "wysoki", "высокий", "високий"},
	"normal": {"normal", "zwykły", "обычный", "звичайний"},
	"low":    {"low", "niski", "низкий", "низький"},
}

// Period is how often a figure is reckoned.
func (l Language) Period(word string) string { return l.word(periods, word) }

var periods = map[string]Phrase{
	"week":    {"every week", "co tydzień", "каждую неделю", "щотижня"},
	"month":   {"every month", "co miesiąc", "каждый месяц", "щомісяця"},
	"quarter": {"every quarter", "co kwartał", "каждый квартал", "щокварталу"},
	"year":    {"every year", "co rok", "каждый год", "щороку"},
}

// PlanUnit says what a plan counts.
func (l Language) PlanUnit(word string) string { return l.word(planUnits, word) }

var planUnits = map[string]Phrase{
	"money":  {"won money", "wartość wygranych transakcji", "деньги выигранных сделок", "гроші виграних угод"},
	"units":  {"sold units", "sprzedane jednostki", "проданные единицы", "продані одиниці"},
	"margin": {"margin", "marża", "маржа", "маржа"},
}

// KPI names a figure of the catalogue.
func (l Language) KPI(word string) string { return l.word(kpis, word) }

var kpis = map[string]Phrase{
	"lead_to_client":         {"Leads that become clients", "Leady, które stają się klientami", "Лиды, ставшие клиентами", "Ліди, що стали клієнтами"},
	"key_stage_passage":      {"Passage of the key stage", "Przejście etapu kluczowego", "Прохождение ключевого этапа", "Проходження ключового етапу"},
	"first_response_in_time": {"First response in time", "Pierwsza odpowiedź na czas", "Первый ответ вовремя", "Перша відповідь вчасно"},
	"sales_cycle":            {"Sales cycle", "Cykl sprzedaży", "Цикл сделки", "Цикл угоди"},
	"won_against_plan":       {"Sales against plan", "Sprzedaż względem planu", "Выполнение плана", "Виконання плану"},
	"average_check":          {"Average check", "Średnia wartość transakcji", "Средний чек", "Середній чек"},
	"repeat_share":           {"Share of repeat sales", "Udział sprzedaży powtórnej", "Доля повторных продаж", "Частка повторних продажів"},
	"new_client_share":       {"Share of new clients", "Udział nowych klientów", "Доля новых клиентов", "Частка нових клієнтів"},
	"overdue_receivables":    {"Overdue receivables", "Należności przeterminowane", "Просроченная дебиторская задолженность", "Прострочена дебіторська заборгованість"},
	"violations_per_rep":     {"Violations per rep", "Naruszenia na handlowca", "Нарушения на одного менеджера", "Порушення на одного менеджера"},
}

// Who names somebody who is told: the owner, the head, or whoever has the
// address.
func (l Language) Who(word string) string { return l.word(whos, word) }

var whos = map[string]Phrase{
	"owner": {"the owner", "właściciel", "ответственный", "відповідальний"},
	"head":  {"the head of the team", "kierownik zespołu", "руководитель команды", "керівник команди"},
}

// Field is the name of a field: one of salesbook's own in words, another as the
// CRM calls it.
func (l Language) Field(name string) string { return l.word(fields, name) }

var fields = map[string]Phrase{
	"amount":         {"Amount", "Wartość", "Сумма", "Сума"},
	"currency":       {"Currency", "Waluta", "Валюта", "Валюта"},
	"expected_close": {"Expected close date", "Przewidywana data zamknięcia", "Ожидаемая дата закрытия", "Очікувана дата закриття"},
	"owner":          {"Owner", "Właściciel", "Ответственный", "Відповідальний"},
	"source":         {"Source", "Źródło", "Источник", "Джерело"},
	"person":         {"Contact person", "Osoba kontaktowa", "Контактное лицо", "Контактна особа"},
	"company":        {"Company", "Firma", "Компания", "Компанія"},
	"title":          {"Title", "Nazwa", "Название", "Назва"},
}

// ActivityType is a type of activity that CRMs have in common in words, or
// another as it is called there.
func (l Language) ActivityType(code string) string {
	if t, ok := activityTypes[code]; ok {
		return t.one.In(l)
	}
	return code
}

// Activities counts activities of a type.
func (l Language) Activities(code string, n int) string {
	if t, ok := activityTypes[code]; ok {
		return l.Count(t.some, n)
	}
	return code + ": " + l.Number(n)
}

type activityType struct {
	one  Phrase
	some Plural
}

var activityTypes = map[string]activityType{
	"call": {Phrase{"call", "telefon", "звонок", "дзвінок"}, Plural{two{"%s call", "%s calls"},
		three{"%s telefon", "%s telefony", "%s telefonów"}, three{"%s звонок", "%s звонка", "%s звонков"}, three{"%s дзвінок", "%s дзвінки", "%s дзвінків"}}},
	"meeting": {Phrase{"meeting", "spotkanie", "встреча", "зустріч"}, Plural{two{"%s meeting", "%s meetings"},
		three{"%s spotkanie", "%s spotkania", "%s spotkań"}, three{"%s встреча", "%s встречи", "%s встреч"}, three{"%s зустріч", "%s зустрічі", "%s зустрічей"}}},
	"email": {Phrase{"mail", "e-mail", "письмо", "лист"}, Plural{two{"%s mail", "%s mails"},
		three{"%s e-mail", "%s e-maile", "%s e-maili"}, three{"%s письмо", "%s письма", "%s писем"}, three{"%s лист", "%s листи", "%s листів"}}},
	"task": {Phrase{"task", "zadanie", "задача", "завдання"}, Plural{two{"%s task", "%s tasks"},
		three{"%s zadanie", "%s zadania", "%s zadań"}, three{"%s задача", "%s задачи", "%s задач"}, three{"%s завдання", "%s завдання", "%s завдань"}}},
	"deadline": {Phrase{"deadline", "termin", "срок", "строк"}, Plural{two{"%s deadline", "%s deadlines"},
		three{"%s termin", "%s terminy", "%s terminów"}, three{"%s срок", "%s срока", "%s сроков"}, three{"%s строк", "%s строки", "%s строків"}}},
	"lunch": {Phrase{"lunch", "lunch", "обед", "обід"}, Plural{two{"%s lunch", "%s lunches"},
		three{"%s lunch", "%s lunche", "%s lunchów"}, three{"%s обед", "%s обеда", "%s обедов"}, three{"%s обід", "%s обіди", "%s обідів"}}},
}
