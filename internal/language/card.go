package language

// CardField is what the field on a deal's card is called that shows what is
// missing.
var CardField = Phrase{"Sales Book: what is missing", "Książka sprzedaży: czego brakuje", "Книга продаж: чего не хватает", "Книга продажів: чого бракує"}
