package language

// Afterwards says what is to be done once the step by which a rule broke was
// taken back, as a sentence. Of rules of a book's own it says so in general.
func (l Language) Afterwards(id string) string {
	if p, ok := afterwards[id]; ok {
		return p.In(l)
	}
	return l.Say(doItAgain)
}

var doItAgain = Phrase{
	"See to it, then do this step again.",
	"Zadbaj o to, a potem wykonaj ten krok ponownie.",
	"Сделайте это, а затем повторите шаг.",
	"Зробіть це, а потім повторіть крок."}

var afterwards = map[string]Phrase{
	"skipped_stage": {
		"Bring the deal through the stage that was skipped first.",
		"Najpierw przeprowadź szansę sprzedaży przez pominięty etap.",
		"Сначала проведите сделку через пропущенный этап.",
		"Спочатку проведіть угоду через пропущений етап."},
	"moved_back": {
		"Go on from here, or close the deal with a reason.",
		"Pracuj dalej od tego miejsca albo zamknij szansę sprzedaży z podaniem powodu.",
		"Работайте дальше с этого места или закройте сделку с причиной.",
		"Працюйте далі з цього місця або закрийте угоду з причиною."},
	"entry_criteria": {
		"Record what the stage asks for on entry, then move the deal there again.",
		"Uzupełnij to, czego etap wymaga na wejściu, a potem przenieś tam szansę sprzedaży ponownie.",
		"Внесите то, чего этап требует на входе, а затем снова переведите туда сделку.",
		"Внесіть те, чого етап вимагає на вході, а потім знову переведіть туди угоду."},
	"exit_criteria": {
		"Bring about the result that this stage asks for, and record it; then move the deal on.",
		"Osiągnij wynik, którego wymaga ten etap, i zapisz go; potem przenieś szansę sprzedaży dalej.",
		"Добейтесь результата, которого требует этот этап, и запишите его; затем переведите сделку дальше.",
		"Досягніть результату, якого вимагає цей етап, і запишіть його; потім переведіть угоду далі."},
	"task_not_done": {
		"Do the task and record it; then move the deal on.",
		"Wykonaj zadanie i zapisz to; potem przenieś szansę sprzedaży dalej.",
		"Сделайте задачу и запишите это; затем переведите сделку дальше.",
		"Зробіть завдання й запишіть це; потім переведіть угоду далі."},
	"loss_without_reason": {
		"If the client does not buy, lose the deal with a reason.",
		"Jeśli klient nie kupuje, zamknij szansę sprzedaży jako przegraną z podaniem powodu.",
		"Если клиент не покупает, проиграйте сделку с причиной.",
		"Якщо клієнт не купує, програйте угоду з причиною."},
	"loss_reason_unknown": {
		"If the client does not buy, lose the deal with one of the book's reasons.",
		"Jeśli klient nie kupuje, zamknij szansę sprzedaży jako przegraną z jednym z powodów z książki.",
		"Если клиент не покупает, проиграйте сделку с одной из причин книги.",
		"Якщо клієнт не купує, програйте угоду з однією з причин книги."},
	"loss_reason_refused": {
		"Find out why the client really does not buy, and lose the deal with that reason.",
		"Ustal, dlaczego klient naprawdę nie kupuje, i zamknij szansę sprzedaży jako przegraną z tym powodem.",
		"Выясните, почему клиент на самом деле не покупает, и проиграйте сделку с этой причиной.",
		"З’ясуйте, чому клієнт насправді не купує, і програйте угоду з цією причиною."},
	"loss_too_early": {
		"Bring the deal to the stage from which on the reason may be used, or lose it with another reason.",
		"Doprowadź szansę sprzedaży do etapu, od którego wolno użyć tego powodu, albo zamknij ją z innym powodem.",
		"Доведите сделку до этапа, с которого эта причина допустима, или проиграйте её с другой причиной.",
		"Доведіть угоду до етапу, з якого ця причина припустима, або програйте її з іншою причиною."},
	"loss_criteria": {
		"Do what the reason asks for; then the deal may be lost.",
		"Zrób to, czego wymaga powód; potem można zamknąć szansę sprzedaży jako przegraną.",
		"Сделайте то, чего требует причина; после этого сделку можно проиграть.",
		"Зробіть те, чого вимагає причина; після цього угоду можна програти."},
	"loss_facts": {
		"Record the facts that belong to the reason; then the deal may be lost.",
		"Uzupełnij fakty, które należą do powodu; potem można zamknąć szansę sprzedaży jako przegraną.",
		"Внесите факты, которые относятся к причине; после этого сделку можно проиграть.",
		"Внесіть факти, які належать до причини; після цього угоду можна програти."},
	"loss_approval": {
		"Ask the head to agree to the loss first.",
		"Najpierw poproś kierownika o zgodę na przegraną.",
		"Сначала попросите руководителя согласовать проигрыш.",
		"Спочатку попросіть керівника погодити програш."},
	"won_criteria": {
		"Record what a won deal needs; then it may be won.",
		"Uzupełnij to, czego wymaga wygrana; potem można wygrać szansę sprzedaży.",
		"Внесите то, что нужно выигранной сделке; после этого её можно выиграть.",
		"Внесіть те, що потрібно виграній угоді; після цього її можна виграти."},
	"won_too_early": {
		"Bring the deal to the stage from which on it may be won.",
		"Doprowadź szansę sprzedaży do etapu, od którego można ją wygrać.",
		"Доведите сделку до этапа, с которого её можно выиграть.",
		"Доведіть угоду до етапу, з якого її можна виграти."},
	"won_without_amount": {
		"Enter the amount; then the deal may be won.",
		"Wpisz kwotę; potem można wygrać szansę sprzedaży.",
		"Укажите сумму; после этого сделку можно выиграть.",
		"Вкажіть суму; після цього угоду можна виграти."},
	"deleted_open": {
		"If the client does not buy, lose the deal with a reason instead.",
		"Jeśli klient nie kupuje, zamiast tego zamknij szansę sprzedaży jako przegraną z podaniem powodu.",
		"Если клиент не покупает, вместо этого проиграйте сделку с причиной.",
		"Якщо клієнт не купує, натомість програйте угоду з причиною."},
	"archived_open": {
		"Work on with it, or lose the deal with a reason.",
		"Pracuj z nią dalej albo zamknij szansę sprzedaży jako przegraną z podaniem powodu.",
		"Работайте с ней дальше или проиграйте сделку с причиной.",
		"Працюйте з нею далі або програйте угоду з причиною."},
}
