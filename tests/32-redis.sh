#!/bin/sh
# Goal: Redis works through the tunnel: commands, a pipeline, 50 clients, a subscription.
# Modes: native relay
. "${0%/*}/lib.sh"

at=$NOBODY
start redis redis-server --port "${at##*:}" --bind 127.0.0.1 --save '' \
    --appendonly no --dir "$T"
wait_for 10 eval "ss -Htln | grep -q ':${at##*:} '"
tunnel "$at"
cli() {
	redis-cli -h 127.0.0.1 -p "${ENTRY##*:}" "$@"
}

check "commands and a value of 20 MB"
expect_eq "$(cli set key value)" OK
expect_eq "$(cli get key)" value
peer gen 1 20000000 | tr '\0\n' 'xy' >big
# shellcheck disable=SC2094 # the second one is the key's name
cli -x set big <big >/dev/null || fail "redis-cli exited $?"
# redis-cli ends what it prints with a newline of its own.
cli --raw get big | head -c 20000000 >back
cmp -s big back || fail "other bytes"

check "a pipeline of 100000 commands"
seq 1 100000 | sed 's/.*/INCR counter/' | cli --pipe >pipe.out ||
    fail "redis-cli --pipe exited $?"
has_line pipe.out 'errors: 0, replies: 100000' || fail "$(cat pipe.out)"
expect_eq "$(cli get counter)" 100000

check "a subscriber, and the message it waits for"
start sub redis-cli -h 127.0.0.1 -p "${ENTRY##*:}" subscribe news
wait_line sub.out '^subscribe$'
expect_eq "$(cli publish news hello)" 1
wait_line sub.out '^hello$'
kill_now sub

check "redis-benchmark with 50 clients"
redis-benchmark -h 127.0.0.1 -p "${ENTRY##*:}" -q -n 20000 -c 50 -t set,get \
    >bench.out 2>&1 || fail "redis-benchmark exited $?: $(cat bench.out)"
tr '\r' '\n' <bench.out | grep -Eq 'GET: .*requests per second' ||
    fail "no result: $(cat bench.out)"
wait_for 10 back_to_baseline server
finish
