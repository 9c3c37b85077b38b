// Package language is the home of what salesbook says to people in English,
// Polish, Russian and Ukrainian: in the printed book, and in whatever tells,
// explains or shows something in a company's own language.
//
// It knows words, plurals, numbers, amounts and dates, and nothing of what they
// are about. A phrase is a literal with one text for each language and, where
// something is counted, one for each plural form of the language; one that lacks
// any does not compile. Texts are plain: whoever shows them escapes them.
package language
