package language

// Missing says in a few words what is missing where a rule of salesbook's own is
// broken, to stand in a list: names of stages, fields, tasks and reasons are
// filled in, as many as the phrase has. It is empty for every other id.
func (l Language) Missing(id string, names ...any) string {
	p, ok := missing[id]
	if !ok {
		return ""
	}
	return l.Say(p, names...)
}

var missing = map[string]Phrase{
	"no_owner":            {"no owner", "brak właściciela", "нет ответственного", "немає відповідального"},
	"owner_left":          {"the owner has left", "właściciel odszedł z firmy", "ответственный ушёл из компании", "відповідальний пішов із компанії"},
	"no_next_step":        {"no next step", "brak następnego kroku", "нет следующего шага", "немає наступного кроку"},
	"next_step_overdue":   {"the next step is overdue", "następny krok jest zaległy", "следующий шаг просрочен", "наступний крок прострочено"},
	"close_date_past":     {"the expected close date is past", "minęła przewidywana data zamknięcia", "ожидаемая дата закрытия прошла", "очікувана дата закриття минула"},
	"no_touch":            {"out of touch with the client at the stage %s", "brak kontaktu z klientem na etapie %s", "нет касаний клиента на этапе %s", "немає контакту з клієнтом на етапі %s"},
	"over_limit":          {"over the time limit of the stage %s", "przekroczony czas na etapie %s", "превышен срок этапа %s", "перевищено строк етапу %s"},
	"skipped_stage":       {"a stage was skipped: %s", "pominięto etap: %s", "пропущен этап: %s", "пропущено етап: %s"},
	"moved_back":          {"the deal went back: %s", "szansa sprzedaży się cofnęła: %s", "сделку вернули назад: %s", "угоду повернули назад: %s"},
	"entry_criteria":      {"not met on entry to the stage %s: %s", "nie spełniono na wejściu na etap %s: %s", "не выполнено на входе на этап %s: %s", "не виконано на вході на етап %s: %s"},
	"exit_criteria":       {"not met on leaving the stage %s: %s", "nie spełniono na wyjściu z etapu %s: %s", "не выполнено на выходе с этапа %s: %s", "не виконано на виході з етапу %s: %s"},
	"task_not_done":       {"not done at the stage %s: %s", "nie zrobiono na etapie %s: %s", "не сделано на этапе %s: %s", "не зроблено на етапі %s: %s"},
	"required_fields":     {"to fill at the stage %s: %s", "do wypełnienia na etapie %s: %s", "заполнить на этапе %s: %s", "заповнити на етапі %s: %s"},
	"wrong_role":          {"the stage %s is the work of another role: %s", "etap %s to praca innej roli: %s", "этап %s — работа другой роли: %s", "етап %s — робота іншої ролі: %s"},
	"loss_without_reason": {"no loss reason", "brak powodu przegranej", "нет причины проигрыша", "немає причини програшу"},
	"loss_reason_unknown": {"the loss reason is not in the book", "powodu przegranej nie ma w książce", "причины проигрыша нет в книге", "причини програшу немає у книзі"},
	"loss_reason_refused": {"what is given is no loss reason", "to, co podano, nie jest powodem przegranej", "указанное — не причина проигрыша", "вказане — не причина програшу"},
	"loss_too_early":      {"too early for the loss reason %s", "za wcześnie na powód przegranej %s", "слишком рано для причины проигрыша %s", "зарано для причини програшу %s"},
	"loss_criteria":       {"not met for the loss reason %s: %s", "nie spełniono dla powodu przegranej %s: %s", "не выполнено для причины проигрыша %s: %s", "не виконано для причини програшу %s: %s"},
	"loss_facts":          {"to fill for the loss reason %s: %s", "do wypełnienia przy powodzie przegranej %s: %s", "заполнить для причины проигрыша %s: %s", "заповнити для причини програшу %s: %s"},
	"loss_approval":       {"nobody has agreed to the loss: %s", "brak zgody na przegraną: %s", "проигрыш не согласован: %s", "програш не погоджено: %s"},
	"won_criteria":        {"not met for a won deal: %s", "nie spełniono dla wygranej: %s", "не выполнено для выигранной сделки: %s", "не виконано для виграної угоди: %s"},
	"won_too_early":       {"won too early", "wygrana za wcześnie", "выиграна слишком рано", "виграна зарано"},
	"won_without_amount":  {"won without an amount", "wygrana bez kwoty", "выиграна без суммы", "виграна без суми"},
	"deleted_open":        {"deleted while it was open", "usunięta, choć była otwarta", "удалена, хотя была открыта", "видалена, хоча була відкрита"},
	"archived_open":       {"archived while it was open", "zarchiwizowana, choć była otwarta", "убрана в архив, хотя была открыта", "прибрана в архів, хоча була відкрита"},
	"first_response":      {"nobody has answered in time", "nikt nie odpowiedział na czas", "никто не ответил вовремя", "ніхто не відповів вчасно"},
	"entry_data":          {"to ask for: %s", "zapytać o: %s", "спросить: %s", "запитати: %s"},
	"qualification":       {"to find out for the segment %s: %s", "do ustalenia dla segmentu %s: %s", "выяснить для сегмента %s: %s", "з’ясувати для сегмента %s: %s"},
	"primary_demand":      {"the first demand is not recorded: %s", "nie zapisano pierwszego zapytania: %s", "не записан первый запрос: %s", "не записано перший запит: %s"},
	"reason_for_contact":  {"not recorded why the client came: %s", "nie zapisano, dlaczego klient się zgłosił: %s", "не записано, почему клиент обратился: %s", "не записано, чому клієнт звернувся: %s"},
	"nuances":             {"not recorded of the client: %s", "nie zapisano o kliencie: %s", "не записано о клиенте: %s", "не записано про клієнта: %s"},
}

// What is written on a deal's card, in its task and in notes.
var (
	NotKept = Phrase{"not kept: %s", "nie dotrzymano: %s", "не соблюдено: %s", "не дотримано: %s"}
	AndMore = Plural{
		two{"and %s more", "and %s more"},
		three{"i jeszcze %s", "i jeszcze %s", "i jeszcze %s"},
		three{"и ещё %s", "и ещё %s", "и ещё %s"},
		three{"і ще %s", "і ще %s", "і ще %s"}}
	WhatIsMissing = Phrase{"What is missing", "Czego brakuje", "Чего не хватает", "Чого бракує"}
	AtStage       = Phrase{"The stage %s", "Etap %s", "Этап %s", "Етап %s"}
	ClosesItself  = Phrase{
		"This task closes by itself once nothing is missing.",
		"To zadanie zamknie się samo, gdy niczego nie będzie brakować.",
		"Эта задача закроется сама, когда всё будет на месте.",
		"Це завдання закриється саме, коли все буде на місці."}

	MoveTakenBack = Phrase{
		"The move to the stage %s was taken back; the deal is at the stage %s again.",
		"Przejście na etap %s zostało cofnięte; szansa sprzedaży jest znów na etapie %s.",
		"Переход на этап %s отменён; сделка снова на этапе %s.",
		"Перехід на етап %s скасовано; угода знову на етапі %s."}
	LossTakenBack = Phrase{
		"The loss was taken back; the deal is open again.",
		"Przegrana została cofnięta; szansa sprzedaży jest znów otwarta.",
		"Проигрыш отменён; сделка снова открыта.",
		"Програш скасовано; угода знову відкрита."}
	WinTakenBack = Phrase{
		"The win was taken back; the deal is open again.",
		"Wygrana została cofnięta; szansa sprzedaży jest znów otwarta.",
		"Выигрыш отменён; сделка снова открыта.",
		"Виграш скасовано; угода знову відкрита."}
	DeletionTakenBack = Phrase{
		"The deal was restored, and is open.",
		"Szansa sprzedaży została przywrócona i jest otwarta.",
		"Сделка восстановлена и открыта.",
		"Угоду відновлено, вона відкрита."}
	ArchivingTakenBack = Phrase{
		"The deal was taken out of the archive, and is open.",
		"Szansa sprzedaży została wyjęta z archiwum i jest otwarta.",
		"Сделка возвращена из архива и открыта.",
		"Угоду повернуто з архіву, вона відкрита."}
	WhyAndWhat = Phrase{"Why, and what to do", "Dlaczego i co zrobić", "Почему и что делать", "Чому і що робити"}
)
