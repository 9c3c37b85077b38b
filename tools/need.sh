#!/usr/bin/env bash
# Makes sure that programs are on this machine: need.sh postgres pgbouncer node cc wrk
# What is missing is installed when root asks and apt-get is at hand; otherwise one line says
# what to run. A program that is there already, from wherever, is left alone. No service is
# started and no database cluster is made: salesbook runs servers of its own.
set -euo pipefail

have() {
	case $1 in
	postgres) have_postgres ;;
	pgbouncer) [[ -x /usr/sbin/pgbouncer ]] || command -v pgbouncer ;; # sbin is on root's PATH only
	node) command -v node && command -v npm ;;
	cc) { command -v gcc || command -v cc; } && echo '#include <stdlib.h>' | "${CC:-cc}" -E - ;;
	*) command -v "$1" ;;
	esac &>/dev/null
}

# The places in which salesbook looks itself, see docs/embedded-postgres.md.
have_postgres() {
	local dir
	for dir in ${SALESBOOK_PG_BIN:+"$SALESBOOK_PG_BIN"} ${PATH//:/ } /usr/lib/postgresql/1[4-8]/bin \
		/usr/pgsql-1[4-8]/bin /opt/homebrew/opt/postgresql@1[4-8]/bin /usr/local/opt/postgresql@1[4-8]/bin; do
		[[ -x $dir/postgres && -x $dir/initdb ]] && return
	done
	return 1
}

packages() {
	case $1 in
	postgres) echo postgresql ;;
	node) { command -v node >/dev/null || echo nodejs; } && echo npm ;;
	cc) echo gcc libc6-dev ;;
	*) echo "$1" ;;
	esac
}

install() {
	export DEBIAN_FRONTEND=noninteractive
	local lock=(-o DPkg::Lock::Timeout=300)
	quiet apt-get "${lock[@]}" update
	quiet apt-get "${lock[@]}" install -y --no-install-recommends "$@"
	# Debian would start a pooler nobody asked for at the next boot.
	if [[ " $* " == *" pgbouncer "* ]]; then update-rc.d pgbouncer disable || true; fi
}

quiet() {
	"$@" >"$log" 2>&1 || { cat "$log" >&2 && echo "need.sh: '$*' failed, see above" >&2 && exit 1; }
}

# hold_services keeps the packages from making a cluster and starting services while they are
# installed; release_services takes both files away again.
hold_services() {
	log=$(mktemp)
	held=("$log" /etc/postgresql-common/createcluster.d/salesbook.conf)
	trap release_services EXIT
	mkdir -p /etc/postgresql-common/createcluster.d
	echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/salesbook.conf
	if [[ ! -e /usr/sbin/policy-rc.d ]]; then
		held+=(/usr/sbin/policy-rc.d)
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
	fi
}

release_services() { rm -f "${held[@]}"; }

missing=() wanted=()
for program in "$@"; do
	have "$program" || { missing+=("$program") && read -ra names <<<"$(packages "$program" | xargs)" && wanted+=("${names[@]}"); }
done
((${#missing[@]})) || exit 0

line="apt-get install -y --no-install-recommends ${wanted[*]}"
if ! command -v apt-get >/dev/null; then
	echo "missing on this machine: ${missing[*]} (Debian's packages ${wanted[*]}; install what your system calls them)" >&2
	exit 1
elif ((EUID != 0)); then
	echo "missing on this machine: ${missing[*]}. Run as root:  $line" >&2
	exit 1
fi
echo "installing: ${wanted[*]}"
hold_services
install "${wanted[@]}"
for program in "${missing[@]}"; do
	have "$program" || { echo "$program is still missing after: $line" >&2 && exit 1; }
done
