package language

// When a deal hangs, and what is done about the rules.
var (
	Hangs         = Phrase{"A deal hangs if", "Szansa sprzedaży utknęła, gdy", "Сделка зависла, если", "Угода зависла, якщо"}
	HangsLimit    = Phrase{"it stands at a stage for longer than %s, where the stage says nothing else", "stoi na etapie dłużej niż %s, o ile etap nie mówi inaczej", "она стоит на этапе дольше %g, если у этапа не указано другое", "вона стоїть на етапі довше ніж %s, якщо в етапі не вказано інше"}
	HangsOwn      = Phrase{"it stands at a stage for longer than the stage allows", "stoi na etapie dłużej, niż etap pozwala", "она стоит на этапе дольше, чем этап позволяет", "вона стоїть на етапі довше, ніж етап дозволяє"}
	HangsTouch    = Phrase{"nobody has been in touch with the client for %s, where the stage says nothing else", "przez %s nikt nie miał kontaktu z klientem, o ile etap nie mówi inaczej", "касаний не было %s, если у этапа не указано другое", "з клієнтом не було контакту %s, якщо в етапі не вказано інше"}
	HangsOwnTouch = Phrase{"nobody has been in touch with the client for longer than the stage allows", "bez kontaktu z klientem jest dłużej, niż etap pozwala", "касаний не было дольше, чем этап позволяет", "з клієнтом не було контакту довше, ніж етап дозволяє"}
	HangsNoStep   = Phrase{"no next step is planned", "nie zaplanowano następnego kroku", "не запланирован следующий шаг", "не заплановано наступний крок"}
	HangsStep     = Phrase{"its next step is overdue for more than %s", "następny krok jest zaległy o więcej niż %s", "следующий шаг просрочен больше чем на %s", "наступний крок прострочено більше ніж на %s"}
	HangsStepNow  = Phrase{"its next step is overdue", "następny krok jest zaległy", "следующий шаг просрочен", "наступний крок прострочено"}
	HangsClose    = Phrase{"its expected close date has been past for more than %s", "przewidywana data zamknięcia minęła ponad %s temu", "ожидаемая дата закрытия прошла больше чем %s назад", "очікувана дата закриття минула більше ніж %s тому"}
	HangsPast     = Phrase{"its expected close date is past", "przewidywana data zamknięcia minęła", "ожидаемая дата закрытия прошла", "очікувана дата закриття минула"}
	LargeDeals    = Phrase{"Large deals", "Duże szanse sprzedaży", "Крупные сделки", "Великі угоди"}
	LargeAtOnce   = Phrase{"A hanging deal of %s or more is told at once", "O szansie sprzedaży od %s, która utknęła, mówimy od razu", "О зависшей сделке от %s сообщают сразу", "Про завислу угоду від %s повідомляють одразу"}
	Touch         = Phrase{"What counts as being in touch", "Co jest kontaktem z klientem", "Что считается касанием", "Що вважається контактом"}
	TouchUsual    = Phrase{"Every activity but a task, and a note", "Każde działanie oprócz zadania oraz notatka", "Любое действие, кроме задачи, и заметка", "Будь-яка дія, крім завдання, і нотатка"}
	TouchBy       = Phrase{"%s or a note", "%s lub notatka", "%s или заметка", "%s або нотатка"}
	GraceFor      = Phrase{"Time to fill in", "Czas na uzupełnienie", "Время на заполнение", "Час на заповнення"}
	GraceWithin   = Phrase{"What a stage or segment requires is filled in within %s", "To, czego wymaga etap lub segment, uzupełnia się w ciągu %g", "То, чего требует этап или сегмент, заполняют в течение %g", "Те, чого вимагає етап чи сегмент, заповнюють протягом %g"}
	GraceNone     = Phrase{"What a stage or segment requires is filled in at once", "To, czego wymaga etap lub segment, uzupełnia się od razu", "То, чего требует этап или сегмент, заполняют сразу", "Те, чого вимагає етап чи сегмент, заповнюють одразу"}

	Consequences = Phrase{"What follows when a rule is broken", "Co się dzieje po naruszeniu reguły", "Что следует за нарушением", "Що йде за порушенням"}
	RuleName     = Phrase{"Rule", "Reguła", "Правило", "Правило"}
	ModeName     = Phrase{"What is done", "Co się robi", "Что делается", "Що робиться"}
	FromDay      = Phrase{"From", "Od kiedy", "С какого дня", "З якого дня"}
	GraceName    = Phrase{"Grace", "Zwłoka", "Отсрочка", "Відстрочка"}
	EveryRule    = Phrase{"All rules", "Wszystkie reguły", "Все правила", "Усі правила"}
	AllRules     = Phrase{"All other rules", "Wszystkie inne reguły", "Все остальные правила", "Усі інші правила"}
	FromTheStart = Phrase{"from the start", "od początku", "с самого начала", "від самого початку"}
	NoGrace      = Phrase{"none", "bez zwłoki", "нет", "немає"}
)
