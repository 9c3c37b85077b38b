package language

// Rule says what a rule of salesbook's own asks for, as a sentence; empty for
// every other id.
func (l Language) Rule(id string) string { return rules[id].In(l) }

var rules = map[string]Phrase{
	"no_owner": {
		"Everything has an owner.",
		"Każdy lead i każda szansa sprzedaży ma właściciela.",
		"У каждого лида и каждой сделки есть ответственный.",
		"У кожного ліда й кожної угоди є відповідальний."},
	"owner_left": {
		"The owner is still with the company.",
		"Właściciel nadal pracuje w firmie.",
		"Ответственный по-прежнему работает в компании.",
		"Відповідальний і досі працює в компанії."},
	"no_next_step": {
		"A next step is planned.",
		"Następny krok jest zaplanowany.",
		"Следующий шаг запланирован.",
		"Наступний крок заплановано."},
	"next_step_overdue": {
		"The next step is not overdue.",
		"Następny krok nie jest zaległy.",
		"Следующий шаг не просрочен.",
		"Наступний крок не прострочено."},
	"close_date_past": {
		"The expected close date is not past.",
		"Przewidywana data zamknięcia jeszcze nie minęła.",
		"Ожидаемая дата закрытия ещё не прошла.",
		"Очікувана дата закриття ще не минула."},
	"no_touch": {
		"The client is called, met or written to often enough.",
		"Dość często dzwonimy do klienta, spotykamy się z nim lub do niego piszemy.",
		"Клиенту достаточно часто звонят, пишут или встречаются с ним.",
		"Клієнтові досить часто телефонують, пишуть або зустрічаються з ним."},
	"over_limit": {
		"A deal does not stand in a stage for longer than it may.",
		"Szansa sprzedaży nie stoi na etapie dłużej, niż wolno.",
		"Сделка не стоит на этапе дольше, чем можно.",
		"Угода не стоїть на етапі довше, ніж можна."},
	"skipped_stage": {
		"No stage is skipped.",
		"Żadnego etapu się nie pomija.",
		"Этапы не пропускают.",
		"Етапів не пропускають."},
	"moved_back": {
		"Deals do not go back.",
		"Szans sprzedaży się nie cofa.",
		"Сделки не возвращают назад.",
		"Угоди не повертають назад."},
	"entry_criteria": {
		"What a stage asks for on entry is there.",
		"Spełniono to, czego etap wymaga na wejściu.",
		"Есть всё, чего этап требует на входе.",
		"Є все, чого етап вимагає на вході."},
	"exit_criteria": {
		"The result of a stage exists before a deal moves on.",
		"Wynik etapu istnieje, zanim szansa sprzedaży przejdzie dalej.",
		"Результат этапа есть до того, как сделка идёт дальше.",
		"Результат етапу є до того, як угода йде далі."},
	"task_not_done": {
		"The tasks of a stage are done before a deal moves on.",
		"Zadania etapu są wykonane, zanim szansa sprzedaży przejdzie dalej.",
		"Задачи этапа сделаны до того, как сделка идёт дальше.",
		"Завдання етапу виконано до того, як угода йде далі."},
	"required_fields": {
		"The fields that a stage requires are filled.",
		"Pola, których wymaga etap, są wypełnione.",
		"Поля, которых требует этап, заполнены.",
		"Поля, яких вимагає етап, заповнено."},
	"wrong_role": {
		"A deal is with somebody of the role that its stage belongs to.",
		"Szansę sprzedaży prowadzi ktoś, do czyjej roli należy etap.",
		"Сделку ведёт тот, к чьей роли относится этап.",
		"Угоду веде той, до чиєї ролі належить етап."},
	"loss_without_reason": {
		"A loss has a reason.",
		"Przegrana szansa sprzedaży ma podany powód.",
		"У проигранной сделки указана причина.",
		"У програної угоди вказано причину."},
	"loss_reason_unknown": {
		"The reason is one of the book's.",
		"Powód jest jednym z tych, które są w książce.",
		"Причина — одна из тех, что есть в книге.",
		"Причина — одна з тих, що є у книзі."},
	"loss_reason_refused": {
		"The reason is none of those that the book refuses.",
		"Powód nie jest jednym z tych, których książka nie uznaje.",
		"Причина не из тех, которых книга не признаёт.",
		"Причина не з тих, яких книга не визнає."},
	"loss_too_early": {
		"The reason is used from the stage on that the book says.",
		"Powód podaje się najwcześniej na etapie, który wskazuje książka.",
		"Причину указывают не раньше этапа, который назван в книге.",
		"Причину вказують не раніше етапу, названого у книзі."},
	"loss_criteria": {
		"The criteria of the reason are met.",
		"Kryteria powodu są spełnione.",
		"Критерии причины выполнены.",
		"Критерії причини виконано."},
	"loss_facts": {
		"The facts that belong to the reason are recorded.",
		"Fakty, których wymaga powód, są zapisane.",
		"Факты, которых требует причина, записаны.",
		"Факти, яких вимагає причина, записано."},
	"loss_approval": {
		"The head has agreed to the loss.",
		"Kierownik zgodził się na przegraną.",
		"Руководитель согласовал проигрыш.",
		"Керівник погодив програш."},
	"won_criteria": {
		"What a won deal needs is there.",
		"Spełniono warunki wygranej szansy sprzedaży.",
		"Есть всё, что нужно для выигранной сделки.",
		"Є все, що потрібно для виграної угоди."},
	"won_too_early": {
		"A deal is won from the stage on that the book says.",
		"Szansę sprzedaży wygrywa się najwcześniej na etapie, który wskazuje książka.",
		"Сделку выигрывают не раньше этапа, который назван в книге.",
		"Угоду виграють не раніше етапу, названого у книзі."},
	"won_without_amount": {
		"A won deal has an amount.",
		"Wygrana szansa sprzedaży ma podaną wartość.",
		"У выигранной сделки указана сумма.",
		"У виграної угоди вказано суму."},
	"deleted_open": {
		"An open deal is lost with a reason, not deleted.",
		"Otwartą szansę sprzedaży zamyka się jako przegraną z powodem, a nie usuwa.",
		"Открытую сделку закрывают как проигранную с причиной, а не удаляют.",
		"Відкриту угоду закривають як програну з причиною, а не видаляють."},
	"archived_open": {
		"An open deal is not archived.",
		"Otwartej szansy sprzedaży się nie archiwizuje.",
		"Открытую сделку не убирают в архив.",
		"Відкриту угоду не прибирають в архів."},
	"first_response": {
		"An inquiry is answered in time.",
		"Na zapytanie odpowiadamy na czas.",
		"На обращение отвечают вовремя.",
		"На звернення відповідають вчасно."},
	"entry_data": {
		"What is asked of everybody is recorded.",
		"To, o co pytamy każdego, jest zapisane.",
		"То, о чём спрашивают каждого, записано.",
		"Те, про що питають кожного, записано."},
	"qualification": {
		"What qualifies a client of the segment is known.",
		"Wiadomo to, po czym kwalifikuje się klienta segmentu.",
		"Известно то, по чему квалифицируют клиента сегмента.",
		"Відомо те, за чим кваліфікують клієнта сегмента."},
	"primary_demand": {
		"What the client first asked for is recorded.",
		"Zapisane jest, o co klient zapytał najpierw.",
		"Записано, о чём клиент спросил сначала.",
		"Записано, про що клієнт спитав спершу."},
	"reason_for_contact": {
		"Why the client came is recorded.",
		"Zapisane jest, dlaczego klient się zgłosił.",
		"Записано, зачем клиент обратился.",
		"Записано, навіщо клієнт звернувся."},
	"nuances": {
		"What else is known of the client is recorded.",
		"Zapisane jest, co jeszcze wiadomo o kliencie.",
		"Записано, что ещё известно о клиенте.",
		"Записано, що ще відомо про клієнта."},
}
