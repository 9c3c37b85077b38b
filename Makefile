# The two that matter: `make demo` shows salesbook at work, `make test` proves it. `make` lists all.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO       ?= go
FUZZTIME ?= 30s
ROUNDS   ?= 500
BENCH_ROUNDS ?= 5
SHARED   ?= $(or $(SALESBOOK_SHARED),../shared)

VERSION  ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown)

.PHONY: help demo up build test check bench bench/go chaos fuzz deps deps/demo tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z\/]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Look at it
demo: deps/demo build ## a simulated sales department, synced live; Ctrl-C ends it, again continues it
	@bin/salesbook demo

up: deps/demo build ## salesbook itself: web and worker in one process, with its own PostgreSQL
	@bin/salesbook up

build: ## bin/salesbook
	@$(GO) build -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/salesbook ./cmd/salesbook

##@ Prove it
test: ## everything: format, modules, vet, staticcheck, race tests, end to end, behind a pooler
	@test/run.sh

check: ## what is quick: format, vet, staticcheck, import rules
	@test/run.sh quick

bench: deps build ## beside the yardstick on one PostgreSQL: first load, re-sync, deliveries; Zoho beside Pipedrive; BENCH_ROUNDS=5
	@tools/need.sh wrk
	@$(GO) build -o bin/bench ./test/bench
	bin/bench sync -yardstick "$(SHARED)/yardstick" -rounds $(BENCH_ROUNDS)
	bin/bench deliveries -yardstick "$(SHARED)/yardstick" -rounds $(BENCH_ROUNDS) -deals 1000
	bin/bench zoho -yardstick "$(SHARED)/yardstick" -rounds $(BENCH_ROUNDS)

bench/go: deps ## Go benchmarks of the parts
	$(GO) test -run '^$$' -bench . -benchmem ./...

chaos: deps ## the tests named TestChaos...: kills and schedules of faults by ROUNDS=500 (`make test`: 20)
	SALESBOOK_CHAOS_ROUNDS=$(ROUNDS) $(GO) test -race -count=1 -timeout 3h -run '^TestChaos' ./...

fuzz: ## every fuzz target for FUZZTIME=30s
	@$(GO) test -list '^Fuzz' ./... | awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { while (n) print $$2, name[n--] }' | \
	while read -r package target; do \
		echo "== $$target in $$package"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$package" || exit 1; \
	done

##@ What they use
deps: ## programs that tests need: installs them as root by apt, else says what to run
	@tools/need.sh postgres pgbouncer node cc

deps/demo:
	@tools/need.sh postgres

tools: bin/staticcheck

bin/staticcheck: tools/go.mod tools/go.sum
	@GOBIN=$(CURDIR)/bin $(GO) -C tools install tool && touch $@

clean: ## removes what was built here (not data directories)
	rm -rf bin .cache coverage.out
