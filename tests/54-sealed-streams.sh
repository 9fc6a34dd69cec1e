#!/bin/sh
# Goal: sealed streams beside one link: bytes and ends are exact, a refusal is said on both sides, and the link outlives it all.
# Modes: native asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

one_link() {	# the two have had one link from the start
	expect_eq "$(count_lines server.err '^client [^ ]+ linked$')" 1
	expect_eq "$(count_lines client.err '^connected to ')" 1
	expect_no_line server.err ' gone: '
	expect_no_line client.err ' lost: '
}

start_peer service serve echo
serving service
service=$(addr_of service)

check "$CONNS connections at once, three stalled ones beside them"
tunnel "$service" -v
expect_ok peer crowd "$ENTRY" "$CONNS" 100000 3
expect_eq "$(cat last.out)" "$CONNS connections, 3 stalled"
all=$((CONNS + 3))
for side in server client; do
	wait_for 10 has_lines "$all" "$side.err" '^stream [0-9]+ closed after '
	expect_eq "$(count_lines "$side.err" ': done$')" "$all"
done

check "connections in a row, from no byte on to more than goes with a hello"
for n in 0 1 4095 4096 4097 100000; do
	expect_ok peer crowd "$ENTRY" 2 "$n" 0
done
one_link
stop client
stop server

check "eight connections at once, megabytes each way"
start_peer swap serve swap 3000000
serving swap
tunnel "$(addr_of swap)"
for i in 1 2 3 4 5 6 7 8; do
	start_peer "swap$i" swap "$ENTRY" 3000000
done
for i in 1 2 3 4 5 6 7 8; do
	expect_exit "swap$i" 0 30
done
wait_for 10 has_lines 8 swap.out '^end$'
expect_no_line swap.out '^(wrong|reset)'
one_link
stop client
stop server
stop swap 143

check "half-closed by the visitor: the whole answer comes after its end"
start_peer digest serve digest
serving digest
tunnel "$(addr_of digest)"
peer gen 1 1000000 >data
want="$(sha256sum <data | cut -d ' ' -f 1) 1000000"
timeout 60 socat -t 60 - "TCP:$ENTRY" <data >answer || fail "socat exited $?"
expect_eq "$(cat answer)" "$want"
want="$(printf '' | sha256sum | cut -d ' ' -f 1) 0"
timeout 60 socat -t 60 - "TCP:$ENTRY" </dev/null >answer ||
    fail "socat exited $?"
expect_eq "$(cat answer)" "$want"
one_link
stop client
stop server
stop digest 143

check "half-closed by the service: it still gets all"
start_peer source serve source 1000000
serving source
tunnel "$(addr_of source)"
expect_ok peer raw "connect=$ENTRY" end send=1000000 fin close
wait_line source.out '^end$'
expect_no_line source.out '^(wrong|reset)'
one_link
stop client
stop server
stop source 143

check "the service is down: a reset, one message on each side"
at=$NOBODY
tunnel "$at"
expect_ok peer raw "connect=$ENTRY" reset
wait_line server.err \
    "^cannot connect to $at: Connection refused \(is the service running\?\)$"
wait_line client.err "^no stream for 127\.0\.0\.1:[0-9]+: refused: the service \
cannot be reached there: cannot connect to $at: Connection refused$"
expect_eq "$(count_lines server.err 'cannot connect')" 1
expect_eq "$(count_lines client.err 'cannot connect')" 1

check "and so for one that has spoken already"
# The reset may come at any moment, also before all has been said.
cat >speak.py <<'END'
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
try:
    s = socket.create_connection((host, int(port)), 30)
    s.sendall(b"hello")
    sys.exit("%r instead of a reset" % s.recv(100))
except (ConnectionResetError, BrokenPipeError):
    pass
END
# shellcheck disable=SC2086 # several words
expect_ok timeout 60 $PYTHON speak.py "$ENTRY"
wait_for 10 has_lines 2 server.err 'cannot connect'
wait_for 10 has_lines 2 client.err 'cannot connect'

check "the link has not noticed, and the next stream works"
start_peer back serve echo 0 "$at"
serving back
expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
one_link
stop client
stop server
stop back 143

check "--max-conns at the server: the third is refused in words on both sides"
TOPT="--max-conns 2" COPT='' tunnel "$service"
for i in 1 2; do
	start_peer "v$i" raw "connect=$ENTRY" text=a gettext=a say=up \
	    wait=go1 text=b gettext=b fin end
	wait_line "v$i.out" '^up$'
done
expect_ok peer raw "connect=$ENTRY" reset
wait_line server.err \
    '^at the limit of 2 streams: 127\.0\.0\.1:[0-9]+ refused \(--max-conns\)$'
wait_line client.err "^no stream for 127\.0\.0\.1:[0-9]+: refused: full: it is \
at its limit of streams$"
expect_eq "$(count_lines server.err 'at the limit of')" 1
expect_eq "$(count_lines client.err '^no stream for ')" 1
: >go1
expect_exit v1 0
expect_exit v2 0
wait_for 10 back_to_baseline server
# Its place may be free only a moment after its descriptors.
wait_for 5 answered "$ENTRY"
one_link
stop client
stop server

check "--max-conns at the client: it says so, and asks the server nothing"
TOPT='' COPT="--max-conns 2" tunnel "$service" -v
for i in 1 2; do
	start_peer "v$i" raw "connect=$ENTRY" text=a gettext=a say=up \
	    wait=go2 text=b gettext=b fin end
	wait_line "v$i.out" '^up$'
done
expect_ok peer raw "connect=$ENTRY" reset
wait_line client.err \
    '^at the limit of 2 streams: 127\.0\.0\.1:[0-9]+ refused \(--max-conns\)$'
: >go2
expect_exit v1 0
expect_exit v2 0
wait_for 10 back_to_baseline client
wait_for 5 answered "$ENTRY"
wait_for 5 has_lines 3 server.err ' closed after .*: done$'
expect_eq "$(count_lines server.err ' opened: ')" 3
one_link
port=$(port_of server)
stop client
stop server

check "no server is up: a connection waits, and is served when one comes"
adit client client 127.0.0.1 "$port" "$TOKEN" --listen 0
listening client
ENTRY=$(addr_of client)
wait_line client.err \
    "^$(nobody "$port").*; trying again"
start_peer v1 raw "connect=$ENTRY" say=up text=hi gettext=hi fin end
start_peer v2 raw "connect=$ENTRY" say=up wait=go3 text=hi gettext=hi fin end
wait_line v1.out '^up$'
wait_line v2.out '^up$'
# They are still there a while later: that is what is tested.
sleep 2
ended v1 && fail "v1 ended without a server"
ended v2 && fail "v2 ended without a server"
adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
listening server
expect_exit v1 0
: >go3
expect_exit v2 0
linked server client
expect_no_line client.err '^no stream for '

check "none comes: reset after 10 s, with a message"
stop server
wait_line client.err '^link to .* lost: .*; dialling again$'
expect_ok peer raw "connect=$ENTRY" reset after=9:18
wait_line client.err \
    '^no stream for 127\.0\.0\.1:[0-9]+: no link to the server$'
expect_eq "$(count_lines client.err '^no stream for ')" 1

check "and when one is there again, the same client serves"
adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
listening server
expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
linked server client
finish
