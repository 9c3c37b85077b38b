// Package tools pins the programs that check salesbook (go.mod's tool lines)
// and holds the check of docker-compose.yml, whose parser is likewise no
// business of the program's own go.mod.
package tools
