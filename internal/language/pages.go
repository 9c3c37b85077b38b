package language

// The printed book: its cover, its parts and what introduces them.
var (
	SalesBook = Phrase{"Sales book", "Książka sprzedaży", "Книга продаж", "Книга продажів"}
	Contents  = Phrase{"Contents", "Spis treści", "Содержание", "Зміст"}
	InForce   = Phrase{"Version %s, in force since %s", "Wersja %s, obowiązuje od %s", "Версия %s, действует с %s", "Версія %s, чинна з %s"}
	PartOf    = Phrase{"Part %s", "Część %s", "Часть %s", "Частина %s"}
	Nothing   = Phrase{"Nothing is written here yet.", "Tu jeszcze nic nie zapisano.", "Здесь пока ничего не записано.", "Тут поки нічого не записано."}

	AboutTime = Phrase{
		"Minutes, hours and days that are called working pass only while people work, by the calendars of this book: nights, days off and holidays do not count. Other spans of time pass always.",
		"Minuty, godziny i dni nazwane roboczymi płyną tylko wtedy, gdy ludzie pracują, według kalendarzy tej książki: noce, dni wolne i święta się nie liczą. Inne odcinki czasu płyną zawsze.",
		"Рабочие минуты, часы и дни идут только тогда, когда люди работают, по календарям этой книги: ночи, выходные и праздники не считаются. Остальные сроки идут всегда.",
		"Робочі хвилини, години й дні йдуть лише тоді, коли люди працюють, за календарями цієї книги: ночі, вихідні та свята не рахуються. Решта строків іде завжди."}

	Standard      = Phrase{"The standard", "Standard", "Стандарт", "Стандарт"}
	AboutStandard = Phrase{
		"What always holds: for everybody, at every stage.",
		"To, co obowiązuje zawsze: każdego i na każdym etapie.",
		"То, что действует всегда: для каждого и на каждом этапе.",
		"Те, що діє завжди: для кожного й на кожному етапі."}
	ActiveStages = Phrase{"The active stages", "Etapy aktywne", "Активные этапы", "Активні етапи"}
	AboutStages  = Phrase{
		"The way of a deal, stage by stage. Each stage has one goal, its list of actions and a result without which the deal does not move on.",
		"Droga szansy sprzedaży, etap po etapie. Każdy etap ma jeden cel, swoją listę działań i wynik, bez którego szansa sprzedaży nie idzie dalej.",
		"Путь сделки, этап за этапом. У каждого этапа одна цель, свой список действий и результат, без которого сделка не идёт дальше.",
		"Шлях угоди, етап за етапом. Кожен етап має одну мету, свій перелік дій і результат, без якого угода не йде далі."}
	PassiveStatuses = Phrase{"The passive statuses", "Statusy pasywne", "Пассивные статусы", "Пасивні статуси"}
	AboutStatuses   = Phrase{
		"How a deal may end. It is won, or it is lost for one of the reasons below; there are no others.",
		"Jak może się skończyć szansa sprzedaży. Jest wygrana albo przegrana z jednego z poniższych powodów; innych nie ma.",
		"Чем может закончиться сделка. Она выиграна или проиграна по одной из причин ниже; других нет.",
		"Чим може закінчитися угода. Її виграно або програно з однієї з причин нижче; інших немає."}

	Leads      = Phrase{"Leads", "Leady", "Лиды", "Ліди"}
	AboutLeads = Phrase{
		"How an inquiry is met, who gets it, and what must be known of the client.",
		"Jak przyjmujemy zapytanie, kto je dostaje i co trzeba wiedzieć o kliencie.",
		"Как встречают обращение, кто его получает и что нужно знать о клиенте.",
		"Як зустрічають звернення, хто його отримує і що треба знати про клієнта."}
	Control      = Phrase{"Control", "Kontrola", "Контроль", "Контроль"}
	AboutControl = Phrase{
		"When a deal hangs, and what follows when a rule is broken.",
		"Kiedy szansa sprzedaży utknęła i co się dzieje po naruszeniu reguły.",
		"Когда сделка зависла и что следует за нарушением.",
		"Коли угода зависла і що йде за порушенням."}
	PeopleAndTime = Phrase{"People and time", "Ludzie i czas", "Люди и время", "Люди й час"}
	AboutPeople   = Phrase{
		"Who does what, in which team, and when we work.",
		"Kto co robi, w którym zespole i kiedy pracujemy.",
		"Кто чем занимается, в какой команде и когда мы работаем.",
		"Хто чим займається, у якій команді та коли ми працюємо."}
	Figures      = Phrase{"Figures and plans", "Wskaźniki i plany", "Показатели и планы", "Показники і плани"}
	AboutFigures = Phrase{
		"What is counted, and what is to be sold.",
		"Co liczymy i co mamy sprzedać.",
		"Что считаем и сколько нужно продать.",
		"Що рахуємо і скільки треба продати."}
	Examples      = Phrase{"Worked examples", "Przykłady", "Примеры", "Приклади"}
	AboutExamples = Phrase{
		"Made-up deals and leads, and what the book says of each.",
		"Wymyślone szanse sprzedaży i leady oraz to, co mówi o nich książka.",
		"Придуманные сделки и лиды и то, что о них говорит книга.",
		"Вигадані угоди й ліди та те, що про них каже книга."}
)

// OfEvery introduces what holds of every deal and lead, though no book writes it
// down.
var OfEvery = Phrase{"Of every deal and lead", "Dla każdego leada i każdej szansy sprzedaży", "Для каждой сделки и каждого лида", "Для кожної угоди й кожного ліда"}

// What stands before a commandment's or task's instructions and conditions.
var (
	How       = Phrase{"How", "Jak", "Как", "Як"}
	HoldsIn   = Phrase{"Funnels", "Lejki", "Воронки", "Воронки"}
	HoldsIf   = Phrase{"Holds if", "Obowiązuje, gdy", "Действует, если", "Діє, якщо"}
	CheckedBy = Phrase{"What is checked", "Co się sprawdza", "Что проверяется", "Що перевіряється"}
	DoneIf    = Phrase{"Counts as done if", "Uznaje się za zrobione, gdy", "Считается сделанным, если", "Вважається зробленим, якщо"}
)
