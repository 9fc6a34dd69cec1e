#!/bin/sh
# Goal: PostgreSQL works through the tunnel: sessions, big results, COPY, notifications, a broken connection.
# Modes: native relay
. "${0%/*}/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root can become the user of the database"
bin=
for d in /usr/lib/postgresql/*/bin; do
	[ ! -x "$d/initdb" ] || bin=$d
done
[ -n "$bin" ] || die "no initdb under /usr/lib/postgresql"
id postgres >/dev/null 2>&1 || die "no user postgres"

as_postgres() {
	setpriv --reuid postgres --regid postgres --init-groups "$@"
}

mkdir data
chown postgres data
as_postgres env LC_ALL=C "$bin/initdb" -D "$T/data" -A trust -N >initdb.out \
    2>&1 || die "initdb: $(cat initdb.out)"
at=$NOBODY
start postgres setpriv --reuid postgres --regid postgres --init-groups \
    "$bin/postgres" -D "$T/data" -p "${at##*:}" -c fsync=off \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories=
wait_line postgres.err 'ready to accept connections' 20
tunnel "$at"
sql() {
	"$bin/psql" -X -q -At -h 127.0.0.1 -p "${ENTRY##*:}" -U postgres \
	    -v ON_ERROR_STOP=1 "$@"
}

check "queries, and a result of 200000 lines"
expect_eq "$(sql -c 'select 6 * 7')" 42
sql -c "select i, md5(i::text) from generate_series(1, 200000) i" >rows ||
    fail "psql exited $?"
expect_eq "$(wc -l <rows)" 200000

check "COPY in and out"
sql -c 'create table t (i int, m text)'
sql -c "copy t from stdin with (delimiter '|')" <rows || fail "copy in: $?"
sql -c "copy (select * from t order by i) to stdout with (delimiter '|')" \
    >back || fail "copy out: $?"
cmp -s rows back || fail "other rows came back"

check "ten sessions at once"
for i in 1 2 3 4 5 6 7 8 9 10; do
	start "q$i" "$bin/psql" -X -At -h 127.0.0.1 -p "${ENTRY##*:}" \
	    -U postgres -c "select count(*), pg_sleep(0.3) from t"
done
for i in 1 2 3 4 5 6 7 8 9 10; do
	expect_exit "q$i" 0 20
	expect_eq "$(cat "q$i.out")" "200000|"
done

check "a killed session is noticed on both sides"
start q "$bin/psql" -X -At -h 127.0.0.1 -p "${ENTRY##*:}" -U postgres \
    -c "select pg_sleep(60)"
sleeper="from pg_stat_activity where query like '%pg_sleep(60)%'
    and pid <> pg_backend_pid()"
# shellcheck disable=SC2317 # wait_for calls it
sleeping() {
	[ "$(sql -c "select count(*) $sleeper")" = 1 ]
}
wait_for 10 sleeping
sql -c "select pg_terminate_backend(pid) $sleeper" >/dev/null
reap q
[ "$STATUS" -ne 0 ] || fail "psql did not notice"
send_signal postgres INT
expect_exit postgres 0 20
finish
