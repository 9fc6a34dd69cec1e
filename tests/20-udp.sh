#!/bin/sh
# Goal: datagrams go through whole, from 0 to 65507 bytes, to the right asker, and flows come and go.
# Modes: native plain m32 asan tsan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

check "every size comes back as one datagram"
start_peer service udp-serve
serving service
tunnel "$(addr_of service)" -u -v
expect_ok peer udp-ask "$ENTRY" 1 0 1 2 3 100 1471 1472 1473 8191 8192 8193 \
    65506 65507 0 0 65507 1
expect_eq "$(count_lines server.err '^stream [0-9]+ opened: ')" 1

check "50 askers at once, each gets its own answers"
expect_ok peer udp-flows "$ENTRY" 50 20
expect_eq "$(count_lines client.err '^stream [0-9]+ opened: ')" 51
stop client
stop server

check "an idle flow ends, one that is used stays, and asking opens it again"
start_peer namer udp-serve name
serving namer
tunnel "$(addr_of namer)" -u -v --udp-idle 4
cat >keep.sh <<'END'
# Asking often in each idle time, from one port, keeps that flow.
i=0
while [ "$i" -lt 16 ]; do
	$PYTHON "$TESTS/peer.py" udp-name "$1" 20001 40 || exit 1
	sleep 0.5
	i=$((i + 1))
done
END
export PYTHON TESTS
start keep sh keep.sh "$ENTRY"
first=$(peer udp-name "$ENTRY" 20002 40)
wait_line client.err '^stream [0-9]+ closed after .*: (idle|done)' 10
wait_line server.err '^stream [0-9]+ closed after ' 5
expect_exit keep 0 60
expect_eq "$(sort -u keep.out | wc -l)" 1
second=$(peer udp-name "$ENTRY" 20002 40)
if [ -z "$second" ] || [ "$second" = "$first" ]; then
	fail "flow $second after the end of $first"
fi
wait_for 10 back_to_baseline server
stop client
stop server

check "a service that is not there yet: refused for now, later all is well"
at=$NOBODY
tunnel "$at" -u
peer udp-name "$ENTRY" 20003 2 2>/dev/null && fail "answered by nobody"
start_peer back udp-serve name "$at"
serving back
expect_ok peer udp-name "$ENTRY" 20003 40
expect_ok peer udp-name "$ENTRY" 20004 40

check "a service that goes and comes back"
kill_now back
peer udp-name "$ENTRY" 20003 2 2>/dev/null && fail "answered by nobody"
start_peer back udp-serve name "$at"
serving back
expect_ok peer udp-name "$ENTRY" 20003 40
stop client
stop server
stop back 143

check "the server goes and comes back"
start_peer back udp-serve name "$at"
serving back
tunnel "$at" -u
expect_ok peer udp-name "$ENTRY" 20005 40
port=$(port_of server)
kill_now server
peer udp-name "$ENTRY" 20005 2 2>/dev/null && fail "answered by nobody"
adit server server 127.0.0.1 "$port" "$TOKEN" --to "$at" -u
listening server
expect_ok peer udp-name "$ENTRY" 20005 40
expect_ok peer udp-name "$ENTRY" 20006 40
stop client
stop server

check "plain: a blocked flow loses its own datagrams and stalls no other"
start_peer hand udp-hand-server
serving hand
adit client client 127.0.0.1 "$(port_of hand)" "$TOKEN" -u --listen 0 --drain 0 \
    --plain
listening client
entry=$(addr_of client)
start_peer flood udp-flood "$entry" 2000
wait_line hand.out '^blocked$'
i=0
while [ "$i" -lt 10 ]; do
	i=$((i + 1))
	expect_ok peer udp-alive "$entry" 1 1000 60000
done
expect_exit flood 0 30
expect_ok peer udp-alive "$entry" 1 1000 60000
send_signal client TERM
reap client
kill_now hand

check "on the plain wire: a length and a datagram, in whatever pieces they come"
adit server server 127.0.0.1 0 "$TOKEN" --to "$(addr_of service)" -u --plain
listening server
expect_ok peer raw "connect=$(addr_of server)" token=sesame gethex=01 \
    hex=000568656c6c6f gethex=000568656c6c6f hex=0000 gethex=0000 \
    slow=0.02:000568656c6c6f gethex=000568656c6c6f \
    hex=000161000162000163 gethex=000161000162000163 fin gone

check "a length that no datagram has breaks that stream only"
expect_ok peer raw "connect=$(addr_of server)" token=sesame gethex=01 \
    hex=ffe4 gone
expect_ok peer raw "connect=$(addr_of server)" token=sesame gethex=01 \
    hex=000161 gethex=000161 fin gone
finish
