package main

import (
	"testing"

	"salesbook.dev/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
