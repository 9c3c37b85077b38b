package language

// What can be checked of a deal or lead. Each says that it holds, as an item of
// a list, so none ends with a stop.
var (
	FieldFilled  = Phrase{"The field %s is filled", "Pole %s jest wypełnione", "Заполнено поле %s", "Заповнено поле %s"}
	FieldsFilled = Phrase{"These fields are filled: %s", "Wypełnione są pola: %s", "Заполнены поля: %s", "Заповнено поля: %s"}

	// A number of attempts, and the types that count.
	Attempts = Plural{
		two{"%s attempt to reach the client (%s)", "%s attempts to reach the client (%s)"},
		three{"%s próba kontaktu z klientem (%s)", "%s próby kontaktu z klientem (%s)", "%s prób kontaktu z klientem (%s)"},
		three{"%s попытка связаться с клиентом (%s)", "%s попытки связаться с клиентом (%s)", "%s попыток связаться с клиентом (%s)"},
		three{"%s спроба зв’язатися з клієнтом (%s)", "%s спроби зв’язатися з клієнтом (%s)", "%s спроб зв’язатися з клієнтом (%s)"}}
	OnDays = Plural{
		two{"on %s day", "on %s different days"},
		three{"w %s dniu", "w %s różnych dniach", "w %s różnych dniach"},
		three{"в %s разный день", "в %s разных дня", "в %s разных дней"},
		three{"у %s різний день", "у %s різні дні", "у %s різних днів"}}

	ActivityDone    = Phrase{"Done: %s", "Wykonano: %s", "Сделано: %s", "Зроблено: %s"}
	ActivityPlanned = Phrase{"Planned: %s", "Zaplanowano: %s", "Запланировано: %s", "Заплановано: %s"}
	AnyActivity     = Phrase{"any activity", "dowolne działanie", "любое действие", "будь-яка дія"}
	Meeting         = Phrase{"A meeting took place", "Spotkanie się odbyło", "Встреча состоялась", "Зустріч відбулася"}
	MeetingAs       = Phrase{"A meeting took place (%s)", "Spotkanie się odbyło (%s)", "Встреча состоялась (%s)", "Зустріч відбулася (%s)"}
	DocumentSent    = Phrase{"The document was sent: %s", "Dokument wysłano: %s", "Документ отправлен: %s", "Документ надіслано: %s"}
	SentByField     = Phrase{"the field %s is filled", "pole %s jest wypełnione", "заполнено поле %s", "заповнено поле %s"}
	NoteWritten     = Phrase{"There is a note", "Jest notatka", "Есть заметка", "Є нотатка"}
	NoteLength      = Plural{
		two{"at least %s character long", "at least %s characters long"},
		three{"co najmniej %s znak", "co najmniej %s znaki", "co najmniej %s znaków"},
		three{"не короче %s знака", "не короче %s знаков", "не короче %s знаков"},
		three{"щонайменше %s знак", "щонайменше %s знаки", "щонайменше %s знаків"}}
	NextStep   = Phrase{"A next step with a date is planned", "Zaplanowano następny krok z datą", "Запланирован следующий шаг с датой", "Заплановано наступний крок із датою"}
	NextStepAs = Phrase{"A next step with a date is planned: %s", "Zaplanowano następny krok z datą: %s", "Запланирован следующий шаг с датой: %s", "Заплановано наступний крок із датою: %s"}

	AmountAtLeast = Phrase{"The deal's amount is at least %s", "Wartość szansy sprzedaży to co najmniej %s", "Сумма сделки — не меньше %s", "Сума угоди — щонайменше %s"}
	Products      = Plural{
		two{"The deal lists at least %s product", "The deal lists at least %s products"},
		three{"W szansie sprzedaży jest co najmniej %s produkt", "W szansie sprzedaży są co najmniej %s produkty", "W szansie sprzedaży jest co najmniej %s produktów"},
		three{"В сделке указано не меньше %s товара", "В сделке указано не меньше %s товаров", "В сделке указано не меньше %s товаров"},
		three{"В угоді вказано щонайменше %s товар", "В угоді вказано щонайменше %s товари", "В угоді вказано щонайменше %s товарів"}}

	FieldIs = Phrase{"The field %s holds %s", "W polu %s jest %s", "В поле %s — %s", "У полі %s — %s"}
	// The field, what it does not hold joined by or, and joined by and.
	FieldIsNot   = Phrase{"The field %[1]s is filled, with anything but %[2]s", "Pole %[1]s jest wypełnione czymś innym niż %[2]s", "Поле %[1]s заполнено чем угодно, кроме %[3]s", "Поле %[1]s заповнено чим завгодно, крім %[3]s"}
	FieldAtLeast = Phrase{"The field %s holds at least %s", "W polu %s jest co najmniej %s", "В поле %s — не меньше %s", "У полі %s — щонайменше %s"}
	FieldAtMost  = Phrase{"The field %s holds at most %s", "W polu %s jest najwyżej %s", "В поле %s — не больше %s", "У полі %s — щонайбільше %s"}
	FieldAhead   = Phrase{"The field %s holds a day that is still to come, no more than %s ahead", "W polu %s jest dzień, który dopiero nadejdzie, nie później niż za %s", "В поле %s — день, который ещё впереди, не позже чем через %s", "У полі %s — день, який ще попереду, не пізніше ніж через %s"}
	FieldPast    = Phrase{"The field %s holds a day that is over, no more than %s ago", "W polu %s jest dzień, który już minął, nie dawniej niż %s temu", "В поле %s — день, который уже прошёл, не раньше чем %s назад", "У полі %s — день, який уже минув, не раніше ніж %s тому"}

	StagePassed  = Phrase{"The deal has stood at the stage %s", "Szansa sprzedaży była już na etapie %s", "Сделка уже была на этапе %s", "Угода вже була на етапі %s"}
	InvoicePaid  = Phrase{"The invoice is paid in full", "Faktura jest zapłacona w całości", "Счёт оплачен полностью", "Рахунок сплачено повністю"}
	InvoiceShare = Phrase{"At least %s of the deal's amount is paid", "Zapłacono co najmniej %s wartości szansy sprzedaży", "Оплачено не меньше %s суммы сделки", "Сплачено щонайменше %s суми угоди"}

	// What stands below them follows.
	AnyOf      = Phrase{"At least one of these:", "Przynajmniej jedno z tego:", "Хотя бы одно из этого:", "Хоча б одне з цього:"}
	AllOf      = Phrase{"All of these:", "Wszystko to:", "Всё это:", "Усе це:"}
	NotSo      = Phrase{"It is not so that:", "Nieprawda, że:", "Неверно, что:", "Неправда, що:"}
	Expression = Phrase{"This expression holds:", "Spełnione jest wyrażenie:", "Выполняется выражение:", "Виконується вираз:"}
)

// What conditions are narrowed by, after a comma.
var (
	SubjectHolds = Phrase{"with %s in its subject", "w temacie jest %s", "в теме есть %s", "у темі є %s"}
	NotLongAgo   = Phrase{"no more than %s ago", "nie dawniej niż %s temu", "не раньше чем %s назад", "не раніше ніж %s тому"}
	NotFarAhead  = Phrase{"no more than %s ahead", "nie później niż za %s", "не позже чем через %s", "не пізніше ніж через %s"}
	AtThisStage  = Phrase{"while at this stage", "już na tym etapie", "уже на этом этапе", "уже на цьому етапі"}
)

// StageOf is a stage with its funnel.
var StageOf = Phrase{"%s (funnel %s)", "%s (lejek %s)", "%s (воронка %s)", "%s (воронка %s)"}
