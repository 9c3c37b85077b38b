package language

// What people are told: the digest of the morning, and what is told at once.
var (
	DigestSubject    = Phrase{"Sales book: %s", "Książka sprzedaży: %s", "Книга продаж: %s", "Книга продажів: %s"}
	DigestForHead    = Phrase{"What is new since the last digest, what weighs most, and what waits for you.", "Co nowego od ostatniego podsumowania, co waży najwięcej i co czeka na Ciebie.", "Что нового с прошлой сводки, что важнее всего и что ждёт вас.", "Що нового від минулого зведення, що найважливіше і що чекає на вас."}
	DigestForRep     = Phrase{"Your deals and leads that are to be mended.", "Twoje szanse sprzedaży i leady do poprawy.", "Ваши сделки и лиды, которые нужно поправить.", "Ваші угоди й ліди, які треба виправити."}
	NewSince         = Phrase{"New since %s", "Nowe od: %s", "Новое с: %s", "Нове від: %s"}
	NewHere          = Phrase{"New", "Nowe", "Новое", "Нове"}
	TopDeals         = Phrase{"What weighs most", "Co waży najwięcej", "Самое весомое", "Найвагоміше"}
	ToMend           = Phrase{"To mend", "Do poprawy", "Нужно поправить", "Треба виправити"}
	WaitsForYou      = Phrase{"Waits for a decision", "Czeka na decyzję", "Ждёт решения", "Чекає на рішення"}
	WithoutOwner     = Phrase{"without an owner", "bez właściciela", "без ответственного", "без відповідального"}
	RuleCount        = Phrase{"%s: %s", "%s: %s", "%s: %s", "%s: %s"}
	SinceDay         = Phrase{"since %s", "od: %s", "с: %s", "від: %s"}
	LossToApprove    = Phrase{"A loss waits for somebody to agree: %s", "Przegrana czeka na zgodę: %s", "Проигрыш ждёт согласования: %s", "Програш чекає на погодження: %s"}
	WithReason       = Phrase{"reason: %s", "powód: %s", "причина: %s", "причина: %s"}
	WritingStopped   = Phrase{"Nothing is written to the CRM any more, connection %s: %s", "Nic już nie jest zapisywane w CRM, połączenie %s: %s", "В CRM больше ничего не записывается, подключение %s: %s", "До CRM більше нічого не записується, підключення %s: %s"}
	DealsUnnamed     = Phrase{"deal %s", "szansa sprzedaży %s", "сделка %s", "угода %s"}
	LeadsUnnamed     = Phrase{"lead %s", "lead %s", "лид %s", "лід %s"}
	WhyToldHead      = Phrase{"You get this because you lead a team in the sales book.", "Otrzymujesz to, ponieważ kierujesz zespołem w książce sprzedaży.", "Вы получаете это, потому что в книге продаж вы руководите командой.", "Ви отримуєте це, бо у книзі продажів ви керуєте командою."}
	WhyToldRep       = Phrase{"You get this because you are the owner in the CRM.", "Otrzymujesz to, ponieważ jesteś właścicielem w CRM.", "Вы получаете это, потому что вы ответственный в CRM.", "Ви отримуєте це, бо ви відповідальний у CRM."}
	WhyToldNamed     = Phrase{"You get this because the sales book names you.", "Otrzymujesz to, ponieważ wskazuje Cię książka sprzedaży.", "Вы получаете это, потому что вас называет книга продаж.", "Ви отримуєте це, бо вас називає книга продажів."}
	LeftOutOfMessage = Phrase{"The rest does not fit into this message.", "Reszta nie mieści się w tej wiadomości.", "Остальное не поместилось в это сообщение.", "Решта не вмістилася в це повідомлення."}

	OverwrittenNote = Phrase{"That change was written over. It is set back where the book allows it.", "Ta zmiana została nadpisana. Wraca, jeśli książka na to pozwala.", "То изменение было перезаписано. Оно возвращается, если книга это разрешает.", "Ту зміну було перезаписано. Вона повертається, якщо книга це дозволяє."}

	TestSubject = Phrase{"Sales book: a test message", "Książka sprzedaży: wiadomość testowa", "Книга продаж: проверочное сообщение", "Книга продажів: перевірне повідомлення"}
	TestBody    = Phrase{"If you read this, messages reach you here. There is nothing to do.", "Jeśli to czytasz, wiadomości tu docierają. Nie trzeba nic robić.", "Если вы это читаете, сообщения сюда доходят. Делать ничего не нужно.", "Якщо ви це читаєте, повідомлення сюди доходять. Робити нічого не треба."}
)

// What is told at once, as a heading above the deal or lead.
var occasions = map[string]Phrase{
	"overdue_lead": {"An inquiry has not been answered in time", "Na zapytanie nie odpowiedziano na czas", "На обращение не ответили вовремя", "На звернення не відповіли вчасно"},
	"large_deal":   {"A large deal hangs", "Duża szansa sprzedaży utknęła", "Зависла крупная сделка", "Зависла велика угода"},
	"escalation":   {"An inquiry still has no answer", "Zapytanie wciąż czeka na odpowiedź", "На обращение до сих пор нет ответа", "На звернення досі немає відповіді"},
	"past_limit":   {"A deal stands in its stage for too long", "Szansa sprzedaży zbyt długo stoi na etapie", "Сделка слишком долго стоит на этапе", "Угода надто довго стоїть на етапі"},
	"decision":     {"A loss waits for you to agree", "Przegrana czeka na Twoją zgodę", "Проигрыш ждёт вашего согласования", "Програш чекає на ваше погодження"},
	"repeated":     {"What was taken back was done again", "To, co cofnięto, zrobiono ponownie", "То, что отменили, сделали снова", "Те, що скасували, зробили знову"},
	"barred":       {"The CRM does not let this be taken back, so it stands", "CRM nie pozwala tego cofnąć, więc zostaje", "CRM не даёт это отменить, поэтому оно остаётся", "CRM не дає це скасувати, тож воно лишається"},
	"overwritten":  {"Somebody changed this at the same moment as salesbook", "Ktoś zmienił to w tej samej chwili co salesbook", "Кто-то изменил это в тот же миг, что и программа", "Хтось змінив це тієї ж миті, що й програма"},
}

// Occasion says why somebody is told at once; the word itself if there are no
// words for it.
func (l Language) Occasion(word string) string { return l.word(occasions, word) }

// What is counted in messages.
var (
	NewViolations = Plural{two{"%s new violation", "%s new violations"},
		three{"%s nowe naruszenie", "%s nowe naruszenia", "%s nowych naruszeń"},
		three{"%s новое нарушение", "%s новых нарушения", "%s новых нарушений"},
		three{"%s нове порушення", "%s нові порушення", "%s нових порушень"}}
	MoreViolations = Plural{two{"%s more violation on other deals and leads", "%s more violations on other deals and leads"},
		three{"jeszcze %s naruszenie w innych szansach i leadach", "jeszcze %s naruszenia w innych szansach i leadach", "jeszcze %s naruszeń w innych szansach i leadach"},
		three{"ещё %s нарушение в других сделках и лидах", "ещё %s нарушения в других сделках и лидах", "ещё %s нарушений в других сделках и лидах"},
		three{"ще %s порушення в інших угодах і лідах", "ще %s порушення в інших угодах і лідах", "ще %s порушень в інших угодах і лідах"}}
	MoreReps = Plural{two{"%s more rep", "%s more reps"},
		three{"jeszcze %s handlowiec", "jeszcze %s handlowców", "jeszcze %s handlowców"},
		three{"ещё %s менеджер", "ещё %s менеджера", "ещё %s менеджеров"},
		three{"ще %s менеджер", "ще %s менеджери", "ще %s менеджерів"}}
	MoreLosses = Plural{two{"%s more loss waits for somebody to agree", "%s more losses wait for somebody to agree"},
		three{"jeszcze %s przegrana czeka na zgodę", "jeszcze %s przegrane czekają na zgodę", "jeszcze %s przegranych czeka na zgodę"},
		three{"ещё %s проигрыш ждёт согласования", "ещё %s проигрыша ждут согласования", "ещё %s проигрышей ждут согласования"},
		three{"ще %s програш чекає на погодження", "ще %s програші чекають на погодження", "ще %s програшів чекають на погодження"}}
	AskedReverts = Plural{two{"%s change to the CRM waits for somebody to agree", "%s changes to the CRM wait for somebody to agree"},
		three{"%s zmiana w CRM czeka na zgodę", "%s zmiany w CRM czekają na zgodę", "%s zmian w CRM czeka na zgodę"},
		three{"%s изменение в CRM ждёт согласования", "%s изменения в CRM ждут согласования", "%s изменений в CRM ждут согласования"},
		three{"%s зміна в CRM чекає на погодження", "%s зміни в CRM чекають на погодження", "%s змін у CRM чекають на погодження"}}
	FailedDeliveries = Plural{two{"%s message or delivery failed", "%s messages or deliveries failed"},
		three{"%s wiadomość lub dostawa się nie powiodła", "%s wiadomości lub dostawy się nie powiodły", "%s wiadomości lub dostaw się nie powiodło"},
		three{"не доставлено: %s сообщение или уведомление", "не доставлено: %s сообщения или уведомления", "не доставлено: %s сообщений или уведомлений"},
		three{"не доставлено: %s повідомлення чи сповіщення", "не доставлено: %s повідомлення чи сповіщення", "не доставлено: %s повідомлень чи сповіщень"}}
	OldViolations = Plural{two{"Besides, %s violation is older than the book.", "Besides, %s violations are older than the book."},
		three{"Poza tym %s naruszenie jest starsze niż książka.", "Poza tym %s naruszenia są starsze niż książka.", "Poza tym %s naruszeń jest starszych niż książka."},
		three{"Кроме того, %s нарушение старше книги.", "Кроме того, %s нарушения старше книги.", "Кроме того, %s нарушений старше книги."},
		three{"Крім того, %s порушення старше за книгу.", "Крім того, %s порушення старші за книгу.", "Крім того, %s порушень старші за книгу."}}
	Told = Plural{two{"Sales book: %s thing that cannot wait", "Sales book: %s things that cannot wait"},
		three{"Książka sprzedaży: %s pilna sprawa", "Książka sprzedaży: %s pilne sprawy", "Książka sprzedaży: %s pilnych spraw"},
		three{"Книга продаж: %s срочное дело", "Книга продаж: %s срочных дела", "Книга продаж: %s срочных дел"},
		three{"Книга продажів: %s термінова справа", "Книга продажів: %s термінові справи", "Книга продажів: %s термінових справ"}}
)
