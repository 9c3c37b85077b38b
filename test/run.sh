#!/usr/bin/env bash
# Everything that must hold before a change lands (`make test`), or only what takes seconds
# (`run.sh quick`, `make check`). Steps go on after a failure, so that one run shows all of them;
# the table at the end and the exit status tell the outcome.
set -uo pipefail
cd "$(dirname "$0")/.."

names=() results=() failed=0

step() { # NAME COMMAND...
	local name=$1 start=$SECONDS
	shift
	printf '\n== %s\n' "$name"
	if "$@"; then results+=("ok"); else results+=("FAILED") && failed=1; fi
	names+=("$name ($((SECONDS - start)) s)")
}

summary() {
	printf '\n'
	for i in "${!names[@]}"; do printf '%-8s%s\n' "${results[i]}" "${names[i]}"; done
	((failed)) && printf '\nnot good: see the steps marked FAILED above (%d s)\n' $SECONDS && exit 1
	printf '\nall good (%d s)\n' $SECONDS
}

formatted() {
	local files
	files=$(gofmt -l .) || return
	[[ -z $files ]] || { printf 'run gofmt -w on:\n%s\n' "$files" && false; }
}

# What was downloaded is what go.sum names; asks nothing of the network that the build did not.
modules() { go mod verify && go -C tools mod verify; }

vetted() { go vet ./... && go -C tools vet ./...; }

# -count=1: a green line means that it ran now, against the PostgreSQL that is here now. GOGC
# trades memory for time. Many tests wait for what other processes do, so that more of them run
# at once than there are processors.
tests() { GOGC=400 bin/gotestsum --format standard-quiet --format-hide-empty-pkg -- -count=1 -timeout 20m -parallel 4 "$@"; }

# Some tests have nothing in which the race detector could find anything, and it makes them
# five times slower: those named TestLarge... go over much data, one thing after the other;
# TestConformance asks a connector one thing after the other; TestScripts runs the command as
# it is shipped, as processes of its own.
readonly alone='^(TestLarge|TestConformance$|TestScripts$)'

# checkptr, which -race switches on, looks for misuse of unsafe: here in our own code alone.
raced() {
	tests -race -gcflags=all=-d=checkptr=0 -gcflags=salesbook.dev/...=-d=checkptr=1 -skip "$alone" "$@"
}

pooled() { SALESBOOK_TEST_POOLER=1 raced ./internal/postgres/...; }

[[ ${1:-} == quick ]] || tools/need.sh postgres pgbouncer node python3 cc || exit
step "tools" make tools
step "format" formatted
step "vet" vetted
step "staticcheck" bin/staticcheck ./...
if [[ ${1:-} == quick ]]; then
	step "import rules" go test -count=1 ./internal/layering
	summary
	exit
fi
step "modules" modules
# The longest first, so that no processor is idle at the end.
step "tests, race detector on" raced ./jobs ./connectors/pipedrive ./cmd/salesbook ./...
step "tests without it" tests -run "$alone" ./cmd/salesbook ./jobs ./...
step "database tests behind a transaction pooler" pooled
step "compose file" go -C tools test -count=1 ./...
summary
