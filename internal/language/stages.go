package language

// A funnel and its stages.
var (
	Funnel     = Phrase{"Funnel %s", "Lejek %s", "Воронка %s", "Воронка %s"}
	WhatIsSold = Phrase{"What is sold", "Co sprzedajemy", "Что продаём", "Що продаємо"}
	FunnelName = Phrase{"Funnel", "Lejek", "Воронка", "Воронка"}
	NoFunnel   = Phrase{"no funnel yet", "jeszcze bez lejka", "пока без воронки", "поки без воронки"}
	Product    = Phrase{"Product", "Produkt", "Продукт", "Продукт"}
	Segment    = Phrase{"Segment", "Segment", "Сегмент", "Сегмент"}
	InCRM      = Phrase{"In the CRM", "W CRM", "В CRM", "У CRM"}
	Pipeline   = Phrase{"pipeline %s", "lejek %s", "воронка %s", "воронка %s"}
	PipelineOf = Phrase{"pipeline %s, connection %s", "lejek %s, połączenie %s", "воронка %s, подключение %s", "воронка %s, підключення %s"}
	Numbered   = Phrase{"no. %s", "nr %s", "№ %s", "№ %s"}
	Passing    = Phrase{"Order", "Kolejność", "Порядок", "Порядок"}
	KeyStage   = Phrase{"Key stage", "Etap kluczowy", "Ключевой этап", "Ключовий етап"}
	KeyWhy     = Phrase{
		"%s: passing it tells best whether the client will pay.",
		"%s: po jego przejściu najlepiej widać, czy klient zapłaci.",
		"%s: по его прохождению лучше всего видно, заплатит ли клиент.",
		"%s: за його проходженням найкраще видно, чи заплатить клієнт."}

	Goal         = Phrase{"Goal", "Cel", "Цель", "Мета"}
	InCharge     = Phrase{"Whose work", "Kto odpowiada", "Кто отвечает", "Хто відповідає"}
	WhatToDo     = Phrase{"What to do", "Co zrobić", "Что сделать", "Що зробити"}
	MadeOnEntry  = Phrase{"Made in the CRM when a deal enters", "Powstaje w CRM, gdy szansa sprzedaży wchodzi na etap", "Создаётся в CRM, когда сделка приходит на этап", "Створюється в CRM, коли угода приходить на етап"}
	OnEntry      = Phrase{"To come here", "Na wejściu", "На входе", "На вході"}
	ToFill       = Phrase{"Fields to fill", "Pola do wypełnienia", "Заполнить поля", "Заповнити поля"}
	Result       = Phrase{"Result without which no deal moves on", "Wynik, bez którego nie idzie się dalej", "Результат, без которого дальше нельзя", "Результат, без якого далі не можна"}
	TimeAllowed  = Phrase{"Time", "Czas", "Срок", "Строк"}
	StageLimit   = Phrase{"A deal stands here for at most %s", "Szansa sprzedaży stoi tu najwyżej %s", "Сделка стоит здесь не дольше %g", "Угода стоїть тут не довше ніж %s"}
	StageNoTouch = Phrase{"No longer than %s without being in touch with the client", "Bez kontaktu z klientem najwyżej %s", "Без касания клиента не дольше %g", "Без контакту з клієнтом не довше ніж %s"}
	AsEverywhere = Phrase{"%s (as everywhere)", "%s (jak wszędzie)", "%s (как везде)", "%s (як скрізь)"}
	Chance       = Phrase{"Deals here that are won in the end", "Ile szans stąd kończy się wygraną", "Доля сделок отсюда, которые выигрывают", "Частка угод звідси, які виграють"}
	IfTooLong    = Phrase{"Told if it takes longer", "Kto się dowie, gdy trwa dłużej", "Кто узнает, если дольше", "Хто дізнається, якщо довше"}
	IfLostHere   = Phrase{"If clients are lost here", "Jeśli tu tracimy klientów", "Если здесь теряем клиентов", "Якщо тут втрачаємо клієнтів"}
)
