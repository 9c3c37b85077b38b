package language

// People, and when they work.
var (
	Roles       = Phrase{"Roles", "Role", "Роли", "Ролі"}
	RoleName    = Phrase{"Role", "Rola", "Роль", "Роль"}
	WhoHasIt    = Phrase{"Who has it", "Kto ją ma", "У кого она", "У кого вона"}
	Teams       = Phrase{"Teams", "Zespoły", "Команды", "Команди"}
	HeadOf      = Phrase{"Head", "Kierownik", "Руководитель", "Керівник"}
	Reps        = Phrase{"Reps", "Handlowcy", "Менеджеры", "Менеджери"}
	CalendarOf  = Phrase{"Calendar", "Kalendarz", "Календарь", "Календар"}
	Nobody      = Phrase{"nobody yet", "jeszcze nikt", "пока никто", "поки ніхто"}
	Calendars   = Phrase{"Calendars", "Kalendarze", "Календари", "Календарі"}
	Everybodys  = Phrase{"For everybody who has no other", "Dla wszystkich, którzy nie mają innego", "Для всех, у кого нет другого", "Для всіх, у кого немає іншого"}
	OfficeHours = Phrase{"Monday–Friday, 09:00–18:00", "poniedziałek–piątek, 09:00–18:00", "понедельник–пятница, 09:00–18:00", "понеділок–п’ятниця, 09:00–18:00"}
	Hours       = Phrase{"Working hours", "Godziny pracy", "Рабочее время", "Робочий час"}
	Zone        = Phrase{"Time zone", "Strefa czasowa", "Часовой пояс", "Часовий пояс"}
	Holidays    = Phrase{"Holidays", "Święta", "Праздники", "Свята"}
	PublicOf    = Phrase{"The public holidays of this country: %s", "Święta państwowe kraju: %s", "Государственные праздники страны: %s", "Державні свята країни: %s"}
	AlsoFree    = Phrase{"Also free", "Wolne poza tym", "Кроме того, выходные", "Крім того, вихідні"}
	AlsoWorked  = Phrase{"Worked all the same", "Mimo to pracujemy", "Рабочие, хотя были бы выходными", "Робочі, хоча були б вихідними"}
)
