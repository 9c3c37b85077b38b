// Package starter makes a company's first sales book out of what its CRM
// already holds, so that nobody has to write one before seeing what it is good
// for. Each number of the book stands there with its source and with how many
// deals it comes from.
//
// What is made is the text of a book. In force at once are the rules that hold
// in every department and time limits for stages; all of them only observe.
// What a person has to decide (fields to require, loss reasons, the key stage)
// is proposed behind a "# ", which takes effect once that is removed. Remarks
// stand behind "## ".
//
// The package does no I/O: Account holds what was counted.
package starter
