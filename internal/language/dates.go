package language

import (
	"strconv"
	"time"
)

// Date writes a day: 20 November 2026, 20 ноября 2026 г.
func (l Language) Date(year int, month time.Month, day int) string {
	y, d := strconv.Itoa(year), strconv.Itoa(day)
	return l.Say(dayOfYear, d, months[month-1].In(l), y)
}

// Weekday writes a day of the week as it stands in a list.
func (l Language) Weekday(d time.Weekday) string { return weekdays[d].In(l) }

var dayOfYear = Phrase{"%s %s %s", "%s %s %s", "%s %s %s" + nbsp + "г.", "%s %s %s" + nbsp + "р."}

// months are in the case that a date wants, January first.
var months = [12]Phrase{
	{"January", "stycznia", "января", "січня"},
	{"February", "lutego", "февраля", "лютого"},
	{"March", "marca", "марта", "березня"},
	{"April", "kwietnia", "апреля", "квітня"},
	{"May", "maja", "мая", "травня"},
	{"June", "czerwca", "июня", "червня"},
	{"July", "lipca", "июля", "липня"},
	{"August", "sierpnia", "августа", "серпня"},
	{"September", "września", "сентября", "вересня"},
	{"October", "października", "октября", "жовтня"},
	{"November", "listopada", "ноября", "листопада"},
	{"December", "grudnia", "декабря", "грудня"},
}

// weekdays begin with Sunday, as time.Weekday does.
var weekdays = [7]Phrase{
	{"Sunday", "niedziela", "воскресенье", "неділя"},
	{"Monday", "poniedziałek", "понедельник", "понеділок"},
	{"Tuesday", "wtorek", "вторник", "вівторок"},
	{"Wednesday", "środa", "среда", "середа"},
	{"Thursday", "czwartek", "четверг", "четвер"},
	{"Friday", "piątek", "пятница", "п’ятниця"},
	{"Saturday", "sobota", "суббота", "субота"},
}
