#!/bin/sh
# Goal: visitors without adit reach a service through a port of the relay, by TCP and UDP, as if they were there; who must not, does not.
# Modes: native asan tsan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

adit relay relay 127.0.0.1 0 --publish 42000-42009 --max-per-source 300 -v
listening relay
relay=$(port_of relay)

# publish SERVICE [OPTION...]: sets ENTRY, where visitors go.
publish() {
	to=$1
	shift
	adit server server 127.0.0.1 "$relay" "$TOKEN" --room box --to "$to" \
	    --publish -v "$@"
	listening server
	wait_line server.err '^visitors come to 127\.0\.0\.1, (TCP|UDP) port [0-9]+: '
	ENTRY=127.0.0.1:$(sed -n 's/^visitors come to .* port \([0-9]*\): .*/\1/p' \
	    server.err)
}

# shellcheck disable=SC2317 # wait_for calls it
nobody_at() {	# nobody_at PORT: the relay hears a little later of a stop
	[ -z "$(ss -Hltn "sport = :$1")" ]
}

start_peer echo serve echo
serving echo
start_peer digest serve digest
serving digest
start_peer source serve source 100000000
serving source
start_peer rude serve reset-after 100
serving rude
start_peer swap serve swap 20000000
serving swap

check "a crowd, and some that stall"
publish "$(addr_of echo)"
expect_range "${ENTRY##*:}" 42000 42009
expect_line server.err 'visitors come to .* not encrypted, the relay can read it'
expect_ok peer crowd "$ENTRY" $((CONNS / 2)) 100000 3
expect_line server.err "stream 1 opened: 127\.0\.0\.1:[0-9]+ -> $(addr_of echo)"
wait_for 10 has_lines $((CONNS / 2 + 3)) relay.err '^stream [0-9]+ closed '
first=$ENTRY

check "the same room, the same port; and adit clients beside visitors"
stop server
wait_for 5 nobody_at "${first##*:}"
publish "$(addr_of echo)"
expect_eq "$ENTRY" "$first"
adit client client 127.0.0.1 "$relay" "$TOKEN" --room box --listen 0
listening client
expect_ok peer raw "connect=$(addr_of client)" text=one gettext=one fin end
expect_ok peer raw "connect=$ENTRY" text=two gettext=two fin end
stop client
stop server

check "half-closed: the whole answer comes after the end"
publish "$(addr_of digest)"
peer gen 1 3000000 >data
timeout 60 socat -t 60 - "TCP:$ENTRY" <data >answer || fail "socat exited $?"
expect_eq "$(cat answer)" "$(sha256sum <data | cut -d ' ' -f 1) 3000000"
# Its end comes with its first bytes.
printf x | timeout 60 socat -t 60 - "TCP:$ENTRY" >answer || fail "socat exited $?"
expect_eq "$(cut -d ' ' -f 2 answer)" 1
stop server

check "megabytes each way at once"
publish "$(addr_of swap)"
expect_ok peer swap "$ENTRY" 20000000
stop server

check "a reset is a reset, from either end"
publish "$(addr_of source)"
expect_ok peer resets "$ENTRY" 20
wait_for 20 has_lines 20 source.out '^(reset|end|wrong)'
expect_eq "$(count_lines source.out '^reset$')" 20
stop server
publish "$(addr_of rude)"
expect_ok peer reset-by-service "$ENTRY" 20
stop server

check "the service is not there, or the server: a reset"
at=$NOBODY
publish "$at"
expect_ok peer raw "connect=$ENTRY" reset
wait_line server.err "^cannot connect to $at: Connection refused"
stop server
wait_for 5 nobody_at "${ENTRY##*:}"
peer raw "connect=$ENTRY" reset >last.out 2>&1 && fail "somebody listens"

check "who comes is told to the service, if that is wanted"
start_peer who serve who
serving who
publish "$(addr_of who)" --source-by-client
timeout 60 socat -t 20 - "TCP:$ENTRY" </dev/null >seen || fail "socat exited $?"
expect_line seen '.*127\.[0-9]+\.[0-9]+\.[0-9]+.*'
expect_no_line seen '127\.0\.0\.1:'
stop server

check "UDP: every size whole and in order, many at once"
start_peer udp udp-serve
serving udp
publish "$(addr_of udp)" -u
expect_ok peer udp-ask "$ENTRY" 0 1 100 1472 1473 16384 65000 65507 0 1
expect_ok peer udp-order "$ENTRY" 300 1000
expect_ok peer udp-flows "$ENTRY" 30 10
stop server

check "what the relay does not have, it does not give"
adit no server 127.0.0.1 "$relay" "$TOKEN" --room no --to "$(addr_of echo)" \
    --publish 99 --once
expect_exit no 1
expect_line no.err "refused: not published: this relay's ports for visitors are 42000 to 42009"
adit a server 127.0.0.1 "$relay" "$TOKEN" --room a --to "$(addr_of echo)" \
    --publish 42005
listening a
adit b server 127.0.0.1 "$relay" "$TOKEN" --room b --to "$(addr_of echo)" \
    --publish 42005 --once
expect_exit b 1
expect_line b.err "refused: not published: port 42005 of the relay: .*"
stop a
adit share share "$(port_of echo)" --relay "127.0.0.1:$relay" --publish 99
expect_exit share 1
expect_eq "$(cat share.out)" ""

check "the relay goes and comes back: so does the port"
publish "$(addr_of echo)"
expect_ok peer raw "connect=$ENTRY" text=one gettext=one fin end
kill_now relay
adit relay relay 127.0.0.1 "$relay" --publish 42000-42009
wait_line relay.err '^relay, listening on '
wait_for 10 has_lines 2 server.err '^visitors come to '
expect_ok peer raw "connect=$ENTRY" text=two gettext=two fin end
stop server
finish
