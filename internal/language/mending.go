package language

// Mends says what mends a violation of a rule of salesbook's own, as a
// sentence; empty for every other id.
func (l Language) Mends(id string) string { return mending[id].In(l) }

var mending = map[string]Phrase{
	"no_owner": {
		"Give it an owner.",
		"Przypisz właściciela.",
		"Назначьте ответственного.",
		"Призначте відповідального."},
	"owner_left": {
		"Hand it over to somebody who is with the company.",
		"Przekaż ją komuś, kto pracuje w firmie.",
		"Передайте её тому, кто работает в компании.",
		"Передайте її тому, хто працює в компанії."},
	"no_next_step": {
		"Plan an activity with a date, or close the deal with a reason.",
		"Zaplanuj działanie z datą albo zamknij szansę sprzedaży z podaniem powodu.",
		"Запланируйте дело с датой или закройте сделку с причиной.",
		"Заплануйте справу з датою або закрийте угоду з причиною."},
	"next_step_overdue": {
		"Do the step and mark it as done, or give it a day to come.",
		"Wykonaj krok i oznacz go jako wykonany albo wyznacz nowy dzień.",
		"Сделайте шаг и отметьте его выполненным или назначьте новый день.",
		"Зробіть крок і позначте його виконаним або призначте новий день."},
	"close_date_past": {
		"Agree on a new date with the client and write it down, or close the deal.",
		"Uzgodnij z klientem nową datę i zapisz ją albo zamknij szansę sprzedaży.",
		"Согласуйте с клиентом новую дату и запишите её или закройте сделку.",
		"Узгодьте з клієнтом нову дату й запишіть її або закрийте угоду."},
	"no_touch": {
		"Call, meet or write to the client, and record it.",
		"Zadzwoń do klienta, spotkaj się z nim lub napisz do niego i zapisz to.",
		"Позвоните клиенту, встретьтесь с ним или напишите ему и запишите это.",
		"Зателефонуйте клієнтові, зустріньтеся з ним або напишіть йому й запишіть це."},
	"over_limit": {
		"Bring the deal to the next stage, or close it with a reason.",
		"Doprowadź szansę sprzedaży do następnego etapu albo zamknij ją z podaniem powodu.",
		"Доведите сделку до следующего этапа или закройте её с причиной.",
		"Доведіть угоду до наступного етапу або закрийте її з причиною."},
	"skipped_stage": {
		"Go back to the stage that was skipped and do what it asks for.",
		"Wróć do pominiętego etapu i zrób to, czego wymaga.",
		"Вернитесь к пропущенному этапу и сделайте то, чего он требует.",
		"Поверніться до пропущеного етапу й зробіть те, чого він вимагає."},
	"moved_back": {
		"Bring the deal forward again, or close it with a reason.",
		"Doprowadź szansę sprzedaży z powrotem do dalszego etapu albo zamknij ją z podaniem powodu.",
		"Снова доведите сделку до прежнего этапа или закройте её с причиной.",
		"Знову доведіть угоду до попереднього етапу або закрийте її з причиною."},
	"entry_criteria": {
		"Record what the stage asks for on entry.",
		"Uzupełnij to, czego etap wymaga na wejściu.",
		"Внесите то, чего этап требует на входе.",
		"Внесіть те, чого етап вимагає на вході."},
	"exit_criteria": {
		"Bring about the result that the former stage asks for, and record it.",
		"Osiągnij wynik, którego wymagał poprzedni etap, i zapisz go.",
		"Добейтесь результата, которого требовал прежний этап, и запишите его.",
		"Досягніть результату, якого вимагав попередній етап, і запишіть його."},
	"task_not_done": {
		"Do the task and record it.",
		"Wykonaj zadanie i zapisz to.",
		"Сделайте задачу и запишите это.",
		"Зробіть завдання й запишіть це."},
	"required_fields": {
		"Fill the fields.",
		"Wypełnij pola.",
		"Заполните поля.",
		"Заповніть поля."},
	"wrong_role": {
		"Hand the deal over to somebody of the role that the stage belongs to.",
		"Przekaż szansę sprzedaży komuś z roli, do której należy etap.",
		"Передайте сделку тому, к чьей роли относится этап.",
		"Передайте угоду тому, до чиєї ролі належить етап."},
	"loss_without_reason": {
		"Choose the reason of the loss.",
		"Wybierz powód przegranej.",
		"Выберите причину проигрыша.",
		"Виберіть причину програшу."},
	"loss_reason_unknown": {
		"Choose one of the book's reasons.",
		"Wybierz jeden z powodów z książki.",
		"Выберите одну из причин книги.",
		"Виберіть одну з причин книги."},
	"loss_reason_refused": {
		"Find out why the client really did not buy, and choose that reason.",
		"Ustal, dlaczego klient naprawdę nie kupił, i wybierz ten powód.",
		"Выясните, почему клиент на самом деле не купил, и выберите эту причину.",
		"З’ясуйте, чому клієнт насправді не купив, і виберіть цю причину."},
	"loss_too_early": {
		"Open the deal again and bring it to the stage from which on the reason may be used, or choose another reason.",
		"Otwórz szansę sprzedaży ponownie i doprowadź ją do etapu, od którego wolno użyć tego powodu, albo wybierz inny powód.",
		"Откройте сделку снова и доведите её до этапа, с которого эта причина допустима, или выберите другую причину.",
		"Відкрийте угоду знову й доведіть її до етапу, з якого ця причина припустима, або виберіть іншу причину."},
	"loss_criteria": {
		"Open the deal again and do what the reason asks for, or choose another reason.",
		"Otwórz szansę sprzedaży ponownie i zrób to, czego wymaga powód, albo wybierz inny powód.",
		"Откройте сделку снова и сделайте то, чего требует причина, или выберите другую причину.",
		"Відкрийте угоду знову й зробіть те, чого вимагає причина, або виберіть іншу причину."},
	"loss_facts": {
		"Record the facts that belong to the reason.",
		"Uzupełnij fakty, które należą do powodu.",
		"Внесите факты, которые относятся к причине.",
		"Внесіть факти, які належать до причини."},
	"loss_approval": {
		"Ask the head to agree to the loss, or open the deal again.",
		"Poproś kierownika o zgodę na przegraną albo otwórz szansę sprzedaży ponownie.",
		"Попросите руководителя согласовать проигрыш или откройте сделку снова.",
		"Попросіть керівника погодити програш або відкрийте угоду знову."},
	"won_criteria": {
		"Record what a won deal needs, or open the deal again.",
		"Uzupełnij to, czego wymaga wygrana, albo otwórz szansę sprzedaży ponownie.",
		"Внесите то, что нужно выигранной сделке, или откройте её снова.",
		"Внесіть те, що потрібно виграній угоді, або відкрийте її знову."},
	"won_too_early": {
		"Open the deal again and bring it to the stage from which on it may be won.",
		"Otwórz szansę sprzedaży ponownie i doprowadź ją do etapu, od którego można ją wygrać.",
		"Откройте сделку снова и доведите её до этапа, с которого её можно выиграть.",
		"Відкрийте угоду знову й доведіть її до етапу, з якого її можна виграти."},
	"won_without_amount": {
		"Enter the amount.",
		"Wpisz kwotę.",
		"Укажите сумму.",
		"Вкажіть суму."},
	"deleted_open": {
		"Restore the deal and lose it with a reason.",
		"Przywróć szansę sprzedaży i zamknij ją jako przegraną z podaniem powodu.",
		"Восстановите сделку и проиграйте её с причиной.",
		"Відновіть угоду й програйте її з причиною."},
	"archived_open": {
		"Take the deal out of the archive, or lose it with a reason.",
		"Wyjmij szansę sprzedaży z archiwum albo zamknij ją jako przegraną z podaniem powodu.",
		"Верните сделку из архива или проиграйте её с причиной.",
		"Поверніть угоду з архіву або програйте її з причиною."},
	"first_response": {
		"Call, meet or write to the client, and record it. That it was late stays on record.",
		"Zadzwoń do klienta, spotkaj się z nim lub napisz do niego i zapisz to. Spóźnienie pozostaje odnotowane.",
		"Позвоните клиенту, встретьтесь с ним или напишите ему и запишите это. Опоздание останется в истории.",
		"Зателефонуйте клієнтові, зустріньтеся з ним або напишіть йому й запишіть це. Запізнення залишиться в історії."},
	"entry_data": {
		"Ask for it and fill the fields.",
		"Zapytaj o to i wypełnij pola.",
		"Спросите об этом и заполните поля.",
		"Запитайте про це й заповніть поля."},
	"qualification": {
		"Find out what qualifies a client of the segment, and fill the fields.",
		"Ustal, co kwalifikuje klienta segmentu, i wypełnij pola.",
		"Выясните то, что квалифицирует клиента сегмента, и заполните поля.",
		"З’ясуйте те, що кваліфікує клієнта сегмента, і заповніть поля."},
	"primary_demand": {
		"Record what the client first asked for.",
		"Zapisz, o co klient zapytał najpierw.",
		"Запишите, о чём клиент спросил первым.",
		"Запишіть, про що клієнт запитав насамперед."},
	"reason_for_contact": {
		"Ask why the client came, and record it.",
		"Zapytaj, dlaczego klient się zgłosił, i zapisz to.",
		"Спросите, почему клиент пришёл, и запишите это.",
		"Запитайте, чому клієнт прийшов, і запишіть це."},
	"nuances": {
		"Record what else is known of the client.",
		"Zapisz, co jeszcze wiadomo o kliencie.",
		"Запишите, что ещё известно о клиенте.",
		"Запишіть, що ще відомо про клієнта."},
}
