#!/bin/sh
# Goal: strangers who guess rooms, squat, stall, drip, flood and talk nonsense at a relay neither slow a good pair down nor keep anything of it.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

TOTAL=10000 AT_ONCE=1500 PER_SOURCE=16 SECONDS=3 GROW=65536
if [ "$MODE" != native ]; then
	# The quarantine of a sanitizer is its own memory, not ours.
	TOTAL=1500 AT_ONCE=300 SECONDS=2 GROW=1000000
fi
export TOTAL AT_ONCE PER_SOURCE SECONDS GROW
sysctl -q -w net.ipv4.tcp_fin_timeout=3

start_peer service serve echo
serving service
# shellcheck disable=SC2153 # not a misspelling
adit relay relay 127.0.0.1 0 --max-per-source "$PER_SOURCE"
wait_line relay.err '^relay, listening on '
note_fds relay
at=$(sed -n 's/^relay, listening on //p' relay.err)
port=${at##*:}
adit server server 127.0.0.1 "$port" "$STRONG" --room good \
    --to "$(addr_of service)"
wait_line server.err '^waiting in room good '
adit client client 127.0.0.1 "$port" "$STRONG" --room good --listen 127.0.0.1:0
wait_line client.err '^connected to room good, '
listening client
note_fds server

check "strangers at the relay"
# shellcheck disable=SC2086 # $PYTHON is several words, and so may be $CASES
$PYTHON "$TESTS/hostile_clients.py" "$at" "$(addr_of client)" \
    "$(pid_of relay)" good ${CASES:-} >cases 2>cases.err ||
    fail "$(tail -n 5 cases.err)"
cat cases
grep '^not ok' cases >wrong && fail "$(cat wrong)"
has_line cases '^-?[0-9]+ KB more in the end$' || fail "$(cat cases.err)"
stop client
stop server
# Ten lines a second and level, and the rest is counted.
expect_range "$(wc -l <relay.err)" 1 5000
finish
