#!/bin/sh
# Goal: sealed datagrams go through whole and in order, in both directions, and a flow that was idle ends and may begin anew.
# Modes: native asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# ways DIRECTION SERVICE [OPTION...]: the two, with the service beside the server
# (forward) or beside the client (reverse); sets ENTRY.
ways() {
	_way=$1 _to=$2
	shift 2
	if [ "$_way" = forward ]; then
		tunnel "$_to" -u -v "$@"
		return
	fi
	adit server server 127.0.0.1 0 "$TOKEN" -u -v --listen 0 "$@"
	listening server
	wait_line server.err "^for clients' services, listening on "
	ENTRY=$(sed -n "s/^for clients' services, listening on //p" server.err)
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" -u -v \
	    --to "$_to" "$@"
	linked server client
}

flows() {	# flows N: both have opened so many in all
	for _side in server client; do
		wait_for 10 has_lines "$1" "$_side.err" '^stream [0-9]+ opened: '
		expect_eq "$(count_lines "$_side.err" \
		    '^stream [0-9]+ opened: ')" "$1"
	done
}

# 1000 datagrams on their way at once, up to 20 at a time, each with its number
# in it and of another length: they come back in this order, and each once.
cat >order.py <<'END'
import socket, struct, sys
host, port = sys.argv[1].rsplit(":", 1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect((host, int(port)))
def body(i):
    return struct.pack(">I", i) + bytes([i % 251]) * (i * 37 % 1400)
sent = 0
for i in range(1000):
    while sent < 1000 and sent < i + 20:
        s.send(body(sent))
        sent += 1
    got = s.recv(70000)
    if got != body(i):
        sys.exit("number %d has %d bytes, wanted %d with %d" % (
            struct.unpack(">I", got[:4])[0], len(got), i, len(body(i))))
END

start_peer service udp-serve
serving service
service=$(addr_of service)
start_peer namer udp-serve name
serving namer
namer=$(addr_of namer)

for way in forward reverse; do
	check "$way: every size comes back as one datagram"
	ways "$way" "$service"
	expect_ok peer udp-ask "$ENTRY" 0 1 1400 65507
	expect_ok peer udp-ask "$ENTRY" 65507 1400 1 0 0 2 1471 1472 1473 8191 \
	    8192 8193 16383 16384 16385 32768 65506 65507 65507 0 1
	flows 2

	check "$way: the first one of a flow may be of any size"
	for n in 0 1 1400 65507; do
		expect_ok peer udp-ask "$ENTRY" "$n"
	done
	flows 6

	check "$way: many on their way at once come in order"
	# shellcheck disable=SC2086 # several words
	expect_ok timeout 60 $PYTHON order.py "$ENTRY"
	flows 7

	check "$way: 20 askers at once, each gets its own answers"
	expect_ok peer udp-flows "$ENTRY" 20 20
	flows 27
	expect_no_line server.err '^stream [0-9]+ closed '
	stop client
	stop server

	check "$way: an idle flow ends at both sides, and the same source begins anew"
	ways "$way" "$namer" --udp-idle 2
	first=$(peer udp-name "$ENTRY" 40001 20)
	for side in server client; do
		wait_line "$side.err" '^stream 1 closed after [23456].*: (idle|done)' 12
		eval "wait_for 10 back_to_baseline $side"
	done
	second=$(peer udp-name "$ENTRY" 40001 20)
	if [ -z "$first" ] || [ -z "$second" ] || [ "$second" = "$first" ]; then
		fail "flow '$second' after the end of '$first'"
	fi
	flows 2

	check "$way: one that is used does not end, one beside it does"
	first=$(peer udp-name "$ENTRY" 40002 20)
	other=$(peer udp-name "$ENTRY" 40003 20)
	i=0
	while [ "$i" -lt 8 ]; do
		i=$((i + 1))
		# For longer than --udp-idle, but never silent for so long.
		sleep 0.5
		expect_eq "$(peer udp-name "$ENTRY" 40002 20)" "$first"
	done
	wait_line client.err '^stream 4 closed after '
	again=$(peer udp-name "$ENTRY" 40003 20)
	if [ -z "$again" ] || [ "$again" = "$other" ]; then
		fail "flow '$again' after the end of '$other'"
	fi
	stop client
	stop server
done

check "no server is there: the flow waits for the link, as connections do"
adit server server 127.0.0.1 0 "$TOKEN" -u --to "$namer"
listening server
port=$(port_of server)
stop server
adit client client 127.0.0.1 "$port" "$TOKEN" -u --listen 0
listening client
ENTRY=$(addr_of client)
peer udp-name "$ENTRY" 40004 2 2>/dev/null && fail "answered by nobody"
adit server server 127.0.0.1 "$port" "$TOKEN" -u --to "$namer"
listening server
expect_ok peer udp-name "$ENTRY" 40004 40
stop client
stop server

check "one side carries UDP, the other TCP: refused in words on both sides"
adit server server 127.0.0.1 0 "$TOKEN" -u --to "$namer"
listening server
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --listen 0
expect_exit client 1
why='the two sides do not fit together: one side carries UDP \(-u\), the other TCP'
expect_line client.err "refused: $why"
expect_line server.err "refused 127\.0\.0\.1:[0-9]+: $why"
finish
