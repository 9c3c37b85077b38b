package language

// Cases, told as stories.
var (
	DealMade       = Phrase{"A deal begins in the funnel %s", "Powstaje szansa sprzedaży w lejku %s", "Появилась сделка в воронке %s", "З’явилася угода у воронці %s"}
	LeadComes      = Phrase{"A lead comes", "Przychodzi lead", "Пришёл лид", "Прийшов лід"}
	Known          = Phrase{"What is known", "Co wiadomo", "Что известно", "Що відомо"}
	OwnerIs        = Phrase{"Owner: %s", "Właściciel: %s", "Ответственный: %s", "Відповідальний: %s"}
	NoOwner        = Phrase{"It has no owner", "Nie ma właściciela", "Ответственного нет", "Відповідального немає"}
	OwnerLeft      = Phrase{"The owner has left the company", "Właściciel odszedł z firmy", "Ответственный ушёл из компании", "Відповідальний пішов із компанії"}
	FieldHolds     = Phrase{"%s: %s", "%s: %s", "%s: %s", "%s: %s"}
	StageEntered   = Phrase{"It comes to the stage %s", "Wchodzi na etap %s", "Перешла на этап %s", "Перейшла на етап %s"}
	FieldSet       = Phrase{"The field %s is filled: %s", "Wypełniono pole %s: %s", "Заполнили поле %s: %s", "Заповнили поле %s: %s"}
	PlannedOn      = Phrase{"%s (written down on %s)", "%s (zapisano %s)", "%s (записано %s)", "%s (записано %s)"}
	NoteSays       = Phrase{"A note: %s", "Notatka: %s", "Заметка: %s", "Нотатка: %s"}
	LostFor        = Phrase{"Lost; the reason given: %s", "Przegrana; podany powód: %s", "Проиграна; указана причина: %s", "Програна; вказано причину: %s"}
	LostForNothing = Phrase{"Lost; no reason is given", "Przegrana; bez podania powodu", "Проиграна; причина не указана", "Програна; причину не вказано"}
	LossAgreed     = Phrase{"The head agrees to the loss", "Kierownik zgadza się na przegraną", "Руководитель согласует проигрыш", "Керівник погоджує програш"}
	Deleted        = Phrase{"Deleted", "Usunięta", "Удалена", "Видалена"}
	Archived       = Phrase{"Archived", "Zarchiwizowana", "Убрана в архив", "Прибрана в архів"}
	LookedAt       = Phrase{"We hold it against the book", "Sprawdzamy według książki", "Проверяем по книге", "Перевіряємо за книгою"}
	Breaks         = Phrase{"This is broken", "Naruszono", "Нарушено", "Порушено"}
	BreaksNothing  = Phrase{"Nothing is broken.", "Niczego nie naruszono.", "Ничего не нарушено.", "Нічого не порушено."}
)
