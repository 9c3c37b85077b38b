// Package book is the sales book: a company's written standard of selling as
// data. It is parsed (Parse), checked (Check), compiled for judging (Compile)
// and held against the facts of a deal or lead (Judge).
//
// The package is pure. It reads no table, calls nobody and never asks the
// clock: the same book, facts, calendars and instant give the same verdicts,
// today and in a rehearsal of last year.
package book
