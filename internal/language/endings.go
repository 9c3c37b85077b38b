package language

// How deals end.
var (
	WonDeals  = Phrase{"Won deals", "Wygrane szanse sprzedaży", "Выигранные сделки", "Виграні угоди"}
	Won       = Phrase{"Won", "Wygrana", "Выиграна", "Виграна"}
	WonIf     = Phrase{"A deal may be called won if", "Szansę sprzedaży wolno uznać za wygraną, gdy", "Сделку можно считать выигранной, если", "Угоду можна вважати виграною, якщо"}
	HasAmount = Phrase{"The deal has an amount", "Szansa sprzedaży ma podaną wartość", "У сделки указана сумма", "В угоді вказано суму"}
	NotBefore = Phrase{"The deal has come at least to the stage %s", "Szansa sprzedaży doszła co najmniej do etapu %s", "Сделка дошла как минимум до этапа %s", "Угода дійшла щонайменше до етапу %s"}

	LossReasons = Phrase{"Loss reasons", "Powody przegranej", "Причины проигрыша", "Причини програшу"}
	AnyReason   = Phrase{"The book has no list of reasons yet; any will do.", "Książka nie ma jeszcze listy powodów; przyjmuje każdy.", "В книге пока нет списка причин; подходит любая.", "У книзі поки немає переліку причин; підходить будь-яка."}
	ReasonIf    = Phrase{"May be given if", "Wolno podać, gdy", "Можно указать, если", "Можна вказати, якщо"}
	AnyTime     = Phrase{"At any time; it needs no criteria", "Zawsze; nie wymaga kryteriów", "В любое время; критерии не нужны", "Будь-коли; критерії не потрібні"}
	NoCriteria  = Phrase{"It needs no criteria", "Nie wymaga kryteriów", "Критерии не нужны", "Критерії не потрібні"}
	Facts       = Phrase{"Record with it", "Zapisać przy tym", "Записать вместе с ней", "Записати разом із нею"}
	Consent     = Phrase{"Consent", "Zgoda", "Согласование", "Погодження"}
	ConsentAll  = Phrase{"Needed for every such loss; decides: %s", "Potrzebna przy każdej takiej przegranej; decyduje: %s", "Нужно для каждого такого проигрыша; решает: %s", "Потрібне для кожного такого програшу; вирішує: %s"}
	ConsentOver = Phrase{"Needed for deals of more than %s; decides: %s", "Potrzebna przy wartości powyżej %s; decyduje: %s", "Нужно для сделок дороже %s; решает: %s", "Потрібне для угод на суму понад %s; вирішує: %s"}
	ComingBack  = Phrase{"Coming back", "Powrót", "Возвращение", "Повернення"}
	BackAfter   = Phrase{"We come back to the client %s later", "Wracamy do klienta za %s", "Возвращаемся к клиенту через %s", "Повертаємося до клієнта через %s"}
	BackOn      = Phrase{"We come back to the client on the day in the field %s", "Wracamy do klienta w dniu z pola %s", "Возвращаемся к клиенту в день из поля %s", "Повертаємося до клієнта в день із поля %s"}
	TaskMade    = Phrase{"A task is made", "Powstaje zadanie", "Создаётся задача", "Створюється завдання"}
	Later       = Phrase{"%s later", "za %s", "через %s", "через %s"}
	OnDayOf     = Phrase{"on the day in the field %s", "w dniu z pola %s", "в день из поля %s", "в день із поля %s"}
	AtOnce      = Phrase{"at once", "od razu", "сразу", "одразу"}
	AlsoWritten = Phrase{"Also written", "Inne zapisy", "Как ещё пишут", "Як ще пишуть"}

	NoReasons      = Phrase{"These are no reasons", "To nie są powody", "Это не причины", "Це не причини"}
	AboutNoReasons = Phrase{
		"They say nothing of the client. A deal that is closed with one of them is not lost by the book.",
		"Nie mówią nic o kliencie. Szansa sprzedaży zamknięta z takim tekstem nie jest przegrana zgodnie z książką.",
		"Они ничего не говорят о клиенте. Сделка, закрытая с таким текстом, не считается проигранной по книге.",
		"Вони нічого не кажуть про клієнта. Угода, закрита з таким текстом, не вважається програною за книгою."}
	WhatIsWritten = Phrase{"What is written", "Co się pisze", "Что пишут", "Що пишуть"}
	WhyNoReason   = Phrase{"Why it is no reason", "Dlaczego to nie powód", "Почему это не причина", "Чому це не причина"}
)
