package language

// How inquiries are met.
var (
	FirstAnswer    = Phrase{"First answer", "Pierwsza odpowiedź", "Первый ответ", "Перша відповідь"}
	AnswerWithin   = Phrase{"An inquiry is answered by a person within %s", "Na zapytanie odpowiada człowiek w ciągu %g", "На обращение отвечает человек в течение %g", "На звернення відповідає людина протягом %g"}
	EscalatedAfter = Phrase{"If there is still no answer %s after that, these are told: %s", "Jeśli przez kolejne %s nadal nie ma odpowiedzi, dowiadują się: %s", "Если ответа нет ещё %s, узнают: %s", "Якщо відповіді немає ще %s, дізнаються: %s"}
	CountsAsLead   = Phrase{"What is a lead", "Co jest leadem", "Что такое лид", "Що таке лід"}
	InboxLeads     = Phrase{"What lies in the CRM's lead inbox", "To, co leży w skrzynce leadów CRM", "То, что лежит во входящих лидах CRM", "Те, що лежить у вхідних лідах CRM"}
	DealsBelow     = Phrase{"A deal that has not come to the stage %s", "Szansa sprzedaży, która nie doszła do etapu %s", "Сделка, которая не дошла до этапа %s", "Угода, яка не дійшла до етапу %s"}

	AskAtOnce        = Phrase{"Ask at once", "Zapytać od razu", "Спросить сразу", "Запитати одразу"}
	PrimaryDemand    = Phrase{"Primary demand: what the client first asked for", "Pierwsze zapytanie: o co klient zapytał najpierw", "Первичный спрос: о чём клиент спросил сначала", "Первинний попит: про що клієнт спитав спершу"}
	ReasonForContact = Phrase{"Reason for contact: which result, why it matters, why now", "Powód kontaktu: jaki wynik, dlaczego ważny, dlaczego teraz", "Причина обращения: какой результат нужен, почему важен, почему сейчас", "Причина звернення: який результат потрібен, чому важливий, чому зараз"}
	Nuances          = Phrase{"Nuances: what else is known of the client", "Niuanse: co jeszcze wiadomo o kliencie", "Нюансы: что ещё известно о клиенте", "Нюанси: що ще відомо про клієнта"}

	MeetingLeads = Phrase{"How an inquiry is met", "Jak przyjmujemy zapytanie", "Как встречаем обращение", "Як зустрічаємо звернення"}
	Channels     = Phrase{"Channels", "Kanały", "Каналы", "Канали"}
	Channel      = Phrase{"Channel", "Kanał", "Канал", "Канал"}
	SourceInCRM  = Phrase{"Source in the CRM", "Źródło w CRM", "Источник в CRM", "Джерело в CRM"}
	Distribution = Phrase{"Who gets a lead", "Kto dostaje lead", "Кому достаётся лид", "Кому дістається лід"}
	FirstThatFit = Phrase{"The first line that fits decides.", "Decyduje pierwszy pasujący wiersz.", "Решает первая подходящая строка.", "Вирішує перший придатний рядок."}
	InTurn       = Phrase{"In turn: %s", "Po kolei: %s", "По очереди: %s", "По черзі: %s"}
	OfTeam       = Phrase{"team %s", "zespół %s", "команда %s", "команда %s"}
	OfRole       = Phrase{"role %s", "rola %s", "роль %s", "роль %s"}
	ForLeads     = Phrase{"For leads of which this holds", "Dla leadów, dla których", "Для лидов, у которых", "Для лідів, у яких"}
	TakeWithin   = Phrase{"A lead that nobody took within %s goes to the next", "Lead, którego nikt nie wziął w ciągu %g, przechodzi do następnej osoby", "Лид, который никто не взял в течение %g, переходит к следующему", "Лід, якого ніхто не взяв протягом %g, переходить до наступного"}

	Qualification      = Phrase{"Qualification", "Kwalifikacja", "Квалификация", "Кваліфікація"}
	AboutQualification = Phrase{
		"A client is qualified once everything is known that stands beside his segment; leads of a higher priority come first.",
		"Klient jest zakwalifikowany, gdy wiadomo wszystko, co stoi przy jego segmencie; najpierw obsługuje się wyższy priorytet.",
		"Клиент квалифицирован, когда известно всё, что записано у его сегмента; сначала идут лиды с высшим приоритетом.",
		"Клієнта кваліфіковано, коли відомо все, що записано біля його сегмента; спершу йдуть ліди з вищим пріоритетом."}
	PriorityOf   = Phrase{"Priority", "Priorytet", "Приоритет", "Пріоритет"}
	MustBeKnown  = Phrase{"What must be known", "Co trzeba wiedzieć", "Что нужно знать", "Що треба знати"}
	NothingAsked = Phrase{"nothing is asked for", "nic się nie wymaga", "ничего не требуется", "нічого не вимагається"}
)
