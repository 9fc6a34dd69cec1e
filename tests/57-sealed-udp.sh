#!/bin/sh
# Goal: sealed UDP, forward and reverse: every size whole, in order, each flow its own; flows end, come again, and outlive nothing they should not.
# Modes: native m32 asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# udp WAY SERVICE [OPTION...]: sets ENTRY.
udp() {
	way=$1 to=$2
	shift 2
	if [ "$way" = forward ]; then
		tunnel "$to" -u "$@"
	else
		adit server server 127.0.0.1 0 "$TOKEN" --listen 127.0.0.1:0 \
		    -u "$@"
		listening server
		adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
		    --to "$to" -u "$@"
		linked server client
		ENTRY=$(local_of server)
	fi
}

flows() {	# flows SIDE: how many streams it has opened
	count_lines "$1.err" '^stream [0-9]+ opened: '
}

for way in forward reverse; do
	check "$way: every size comes back as one datagram, through one flow"
	start_peer service udp-serve
	serving service
	udp "$way" "$(addr_of service)" -v
	expect_ok peer udp-ask "$ENTRY" 0 1 2 3 100 1471 1472 1473 4095 4096 \
	    4097 8192 16383 16384 16385 32768 65000 65506 65507 0 0 65507 1
	expect_eq "$(flows server)" 1
	expect_eq "$(flows client)" 1

	check "$way: each once, and in the order they were sent"
	for n in 1 1000 20000; do
		expect_ok peer udp-order "$ENTRY" 300 "$n"
	done

	check "$way: 60 askers at once, each gets its own answers"
	expect_ok peer udp-flows "$ENTRY" 60 10
	expect_eq "$(flows server)" 64
	stop client
	stop server
	stop service 143

	check "$way: an idle flow ends on both sides, and asking opens another"
	start_peer namer udp-serve name
	serving namer
	at=$(addr_of namer)
	udp "$way" "$at" -v --udp-idle 1
	first=$(peer udp-name "$ENTRY" 20001 40)
	for side in server client; do
		wait_line "$side.err" '^stream 1 closed after .*: (idle|done)' 10
	done
	second=$(peer udp-name "$ENTRY" 20001 40)
	if [ -z "$second" ] || [ "$second" = "$first" ]; then
		fail "flow $second after the end of $first"
	fi
	wait_for 10 back_to_baseline server
	wait_for 10 back_to_baseline client

	check "$way: the service goes and comes back"
	kill_now namer
	peer udp-name "$ENTRY" 20002 2 2>/dev/null && fail "answered by nobody"
	start_peer namer udp-serve name "$at"
	serving namer
	expect_ok peer udp-name "$ENTRY" 20002 40

	check "$way: the side that does not listen is killed and comes back"
	port=$(port_of server)
	if [ "$way" = forward ]; then
		kill_now server
		adit server server 127.0.0.1 "$port" "$TOKEN" --to "$at" -u
		listening server
	else
		kill_now client
		adit client client 127.0.0.1 "$port" "$TOKEN" --to "$at" -u
	fi
	expect_ok peer udp-name "$ENTRY" 20002 40
	expect_ok peer udp-name "$ENTRY" 20003 40

	check "$way: a stop ends the flows at once"
	for side in client server; do
		now
		before=$NOW
		stop "$side"
		now
		expect_range $((NOW - before)) 0 "$SOON"
	done
	stop namer 143
done

check "--max-conns: one flow too many is dropped with a line, the others go on"
start_peer service udp-serve
serving service
udp forward "$(addr_of service)" --max-conns 3
cat >askers.py <<'END'
import socket, sys
host, _, port = sys.argv[1].rpartition(":")
socks = []
for i in range(5):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((host, int(port)))
    # Each of the first three has its answer, whenever that comes.
    s.settimeout((20 if i < 3 else 0.5) * float(sys.argv[2]))
    socks.append(s)
answered = 0
for i, s in enumerate(socks):
    s.send(b"x%d" % i)
    try:
        answered += s.recv(100) == b"x%d" % i
    except TimeoutError:
        pass
print(answered)
END
# shellcheck disable=SC2086 # $PYTHON is several words
expect_eq "$($PYTHON askers.py "$ENTRY" "$SLOW")" 3
# shellcheck disable=SC2317 # wait_for calls it
limit_said() {
	cat client.err server.err >both.err
	has_line both.err '^at the limit of 3 streams: '
}
wait_for 5 limit_said
stop client
stop server
finish
