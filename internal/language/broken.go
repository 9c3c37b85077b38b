package language

// Broken says in a few words what is wrong with a deal or lead that breaks a
// rule of salesbook's own; empty for every other id. It begins in small letters:
// several stand in one line.
func (l Language) Broken(id string) string { return broken[id].In(l) }

// NotFulfilled stands before what a rule of the book's own asks for.
var NotFulfilled = Phrase{"not so: %s", "niespełnione: %s", "не выполнено: %s", "не виконано: %s"}

var broken = map[string]Phrase{
	"no_owner":            {"has no owner", "brak właściciela", "нет ответственного", "немає відповідального"},
	"owner_left":          {"its owner has left the company", "właściciel odszedł z firmy", "ответственный ушёл из компании", "відповідальний пішов із компанії"},
	"no_next_step":        {"no next step is planned", "brak zaplanowanego następnego kroku", "следующий шаг не запланирован", "наступний крок не заплановано"},
	"next_step_overdue":   {"the next step is overdue", "następny krok jest zaległy", "следующий шаг просрочен", "наступний крок прострочено"},
	"close_date_past":     {"the expected close date is past", "minęła przewidywana data zamknięcia", "ожидаемая дата закрытия прошла", "очікувана дата закриття минула"},
	"no_touch":            {"nobody has spoken to the client for too long", "zbyt długo nikt nie kontaktował się z klientem", "с клиентом слишком давно не общались", "з клієнтом надто довго не спілкувалися"},
	"over_limit":          {"stands in its stage for too long", "zbyt długo stoi na etapie", "слишком долго стоит на этапе", "надто довго стоїть на етапі"},
	"skipped_stage":       {"a stage was skipped", "pominięto etap", "этап пропущен", "етап пропущено"},
	"moved_back":          {"it was moved back", "cofnięto ją", "возвращена назад", "повернуто назад"},
	"entry_criteria":      {"what the stage asks for on entry is missing", "brakuje tego, czego etap wymaga na wejściu", "нет того, чего этап требует на входе", "немає того, чого етап вимагає на вході"},
	"exit_criteria":       {"the result of the former stage is missing", "brakuje wyniku poprzedniego etapu", "нет результата прежнего этапа", "немає результату попереднього етапу"},
	"task_not_done":       {"a task of the stage was not done", "nie wykonano zadania etapu", "не сделана задача этапа", "не зроблено завдання етапу"},
	"required_fields":     {"fields of the stage are empty", "puste pola wymagane na etapie", "не заполнены поля этапа", "не заповнено поля етапу"},
	"wrong_role":          {"it is with somebody of another role", "prowadzi ją ktoś o innej roli", "ведёт сотрудник с другой ролью", "веде працівник з іншою роллю"},
	"loss_without_reason": {"lost without a reason", "przegrana bez powodu", "проиграна без причины", "програна без причини"},
	"loss_reason_unknown": {"lost for a reason that is not in the book", "przegrana z powodu, którego nie ma w książce", "проиграна по причине, которой нет в книге", "програна з причини, якої немає у книзі"},
	"loss_reason_refused": {"lost for what is no reason", "przegrana z powodu, którego książka nie uznaje", "проиграна по причине, которую книга не признаёт", "програна з причини, якої книга не визнає"},
	"loss_too_early":      {"lost too early for this reason", "za wcześnie na ten powód przegranej", "для этой причины проиграна слишком рано", "для цієї причини програна зарано"},
	"loss_criteria":       {"the criteria of the loss reason are not met", "niespełnione kryteria powodu przegranej", "критерии причины проигрыша не выполнены", "критерії причини програшу не виконано"},
	"loss_facts":          {"facts of the loss reason are missing", "brakuje faktów do powodu przegranej", "нет фактов к причине проигрыша", "немає фактів до причини програшу"},
	"loss_approval":       {"nobody has agreed to the loss", "nikt nie zgodził się na przegraną", "проигрыш не согласован", "програш не погоджено"},
	"won_criteria":        {"what a won deal needs is missing", "niespełnione warunki wygranej", "нет того, что нужно выигранной сделке", "немає того, що потрібно виграній угоді"},
	"won_too_early":       {"won too early", "wygrana za wcześnie", "выиграна слишком рано", "виграна зарано"},
	"won_without_amount":  {"won without an amount", "wygrana bez kwoty", "выиграна без суммы", "виграна без суми"},
	"deleted_open":        {"deleted while it was open", "usunięta, choć była otwarta", "удалена открытой", "видалена відкритою"},
	"archived_open":       {"archived while it was open", "zarchiwizowana, choć była otwarta", "отправлена в архив открытой", "відправлена в архів відкритою"},
	"first_response":      {"nobody answered in time", "nikt nie odpowiedział na czas", "никто не ответил вовремя", "ніхто не відповів вчасно"},
	"entry_data":          {"what must be asked for at once is missing", "brakuje danych, o które pyta się od razu", "нет данных, о которых спрашивают сразу", "немає даних, про які питають одразу"},
	"qualification":       {"it is not known whether the client qualifies", "nie wiadomo, czy klient się kwalifikuje", "неизвестно, подходит ли клиент", "невідомо, чи підходить клієнт"},
	"primary_demand":      {"what the client first asked for is missing", "nie zapisano, o co klient zapytał najpierw", "не записано, о чём клиент спросил первым", "не записано, про що клієнт запитав насамперед"},
	"reason_for_contact":  {"why the client came is missing", "nie zapisano, dlaczego klient się zgłosił", "не записано, почему клиент пришёл", "не записано, чому клієнт прийшов"},
	"nuances":             {"what else is known of the client is missing", "nie zapisano, co jeszcze wiadomo o kliencie", "не записано, что ещё известно о клиенте", "не записано, що ще відомо про клієнта"},
}
