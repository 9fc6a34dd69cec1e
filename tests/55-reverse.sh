#!/bin/sh
# Goal: reverse: what the server listens for is carried to the client's service; of several clients the oldest live one serves.
# Modes: native asan tsan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# reverse SERVICE [OPTION...]: sets LOCAL, where visitors go to.
reverse() {
	_to=$1
	shift
	adit server server 127.0.0.1 0 "$TOKEN" --listen 127.0.0.1:0 "$@"
	listening server
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --to "$_to" \
	    "$@"
	linked server client
	LOCAL=$(local_of server)
}

start_peer service serve echo
serving service
service=$(addr_of service)

check "one visitor, and a crowd with stalled ones"
reverse "$service" -v
expect_ok peer raw "connect=$LOCAL" text=hello gettext=hello fin end
expect_line server.err "stream 1 opened: 127\.0\.0\.1:[0-9]+ -> 127\.0\.0\.1:[0-9]+"
expect_line client.err "stream 1 opened: 127\.0\.0\.1:[0-9]+ -> $service"
# The client is asked for 64 at once at most: the next ones are refused if it is
# slow to begin with them.
expect_ok peer crowd "$LOCAL" $((CONNS * 3 / 10)) 100000 3
wait_for 10 back_to_baseline server
wait_for 10 back_to_baseline client

check "a reset is a reset, from either end"
start_peer source serve source 100000000
serving source
stop client
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
    --to "$(addr_of source)"
wait_line client.err '^connected to '
expect_ok peer resets "$LOCAL" 20
wait_for 20 has_lines 20 source.out '^(reset|end|wrong)'
expect_eq "$(count_lines source.out '^reset$')" 20
start_peer bad serve reset-after 100
serving bad
stop client
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
    --to "$(addr_of bad)"
wait_line client.err '^connected to '
expect_ok peer reset-by-service "$LOCAL" 20
stop client
stop bad 143
stop source 143

check "half-closed by the visitor: the whole answer comes"
start_peer digest serve digest
serving digest
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
    --to "$(addr_of digest)"
wait_line client.err '^connected to '
peer gen 1 3000000 >data
timeout 60 socat -t 60 - "TCP:$LOCAL" <data >answer || fail "socat exited $?"
expect_eq "$(cat answer)" "$(sha256sum <data | cut -d ' ' -f 1) 3000000"
stop client
stop digest 143

check "no client is there: a visitor waits 10 s, is reset, and it is said why"
expect_ok peer raw "connect=$LOCAL" reset after=9:18
wait_line server.err \
    "^no stream for 127\.0\.0\.1:[0-9]+: no client is there$"

check "one comes in time: the visitor is served"
start_peer early raw "connect=$LOCAL" say=up text=hi gettext=hi fin end
wait_line early.out '^up$'
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --to "$service"
expect_exit early 0
linked server client

check "the client's service is down: a reset, and said on both sides"
at=$NOBODY
stop client
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --to "$at"
wait_line client.err '^connected to '
expect_ok peer raw "connect=$LOCAL" reset
wait_line client.err "^cannot connect to $at: Connection refused \(is the service running\?\)$"
wait_line server.err "^no stream for 127\.0\.0\.1:[0-9]+: the service cannot be reached there: cannot connect to $at: Connection refused$"
stop client

check "--max-conns at the client: refused in words, and the others go on"
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --to "$service" \
    --max-conns 2
wait_line client.err '^connected to '
for i in 1 2; do
	start_peer "v$i" raw "connect=$LOCAL" text=a gettext=a say=up \
	    wait=go text=b gettext=b fin end
	wait_line "v$i.out" '^up$'
done
expect_ok peer raw "connect=$LOCAL" reset
wait_line server.err "^no stream for 127\.0\.0\.1:[0-9]+: full: it is at its limit of streams$"
: >go
expect_exit v1 0
expect_exit v2 0

check "the server is killed and comes back: so does the client"
port=$(port_of server)
kill_now server
adit server server 127.0.0.1 "$port" "$TOKEN" --listen 127.0.0.1:0
listening server
LOCAL=$(local_of server)
expect_ok peer raw "connect=$LOCAL" text=hi gettext=hi fin end
stop client
stop server

# Who serves is told by how much comes.
for n in 1000 2000 3000; do
	start_peer "source$n" serve source "$n"
	serving "source$n"
done
who() {
	timeout 60 socat -u "TCP:$LOCAL" - | wc -c | tr -d ' '
}
follow() {	# follow N: another client, whose service has N bytes
	adit "client$1" client 127.0.0.1 "$(port_of server)" "$TOKEN" \
	    --to "$(addr_of "source$1")"
	wait_line "client$1.err" '^connected to '
}
adit server server 127.0.0.1 0 "$TOKEN" --listen 127.0.0.1:0
listening server
LOCAL=$(local_of server)
check "three clients: the oldest serves"
for n in 1000 2000 3000; do
	follow "$n"
	wait_for 5 has_lines $((n / 1000)) server.err ' linked$'
	expect_eq "$(who)" 1000
done

check "it is stopped in order: the next one at once"
stop client1000
expect_eq "$(who)" 2000
expect_eq "$(who)" 2000

check "it is killed: the next one at once"
kill_now client2000
expect_eq "$(who)" 3000

check "it comes back: it stands behind the others"
follow 1000
expect_eq "$(who)" 3000

check "it is frozen: after 10 s the next one serves"
send_signal client3000 STOP
wait_line server.err ' gone: silent for 10 s$' 13
expect_eq "$(who)" 1000

check "it thaws: it stands by, and its turn comes again"
send_signal client3000 CONT
wait_for 10 has_lines 5 server.err ' linked$'
expect_eq "$(who)" 1000
kill_now client1000
expect_eq "$(who)" 3000
stop client3000
stop server

check "the client's stdin and stdout for the server's first visitor"
adit server server 127.0.0.1 0 "$TOKEN" --listen 127.0.0.1:0
listening server
LOCAL=$(local_of server)
printf 'from the client' >data
IN=data adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
wait_line client.err '^connected to '
expect_ok peer raw "connect=$LOCAL" "text=from the visitor" fin \
    "gettext=from the client" end
expect_exit client 0
expect_eq "$(cat client.out)" "from the visitor"
wait_line server.err ' gone: the other side stops$'
stop server

check "the server's stdin and stdout for the client's service"
start_peer digest serve digest
serving digest
peer gen 1 100000 >data
IN=data adit server server 127.0.0.1 0 "$TOKEN"
listening server
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
    --to "$(addr_of digest)"
expect_exit server 0
expect_eq "$(cat server.out)" "$(sha256sum <data | cut -d ' ' -f 1) 100000"
ended client && fail "the client has ended with it"
stop client

check "a drain at either side: what runs may finish, nobody new gets in"
for side in server client; do
	reverse "$service" --drain 30
	rm -f go
	start_peer visitor raw "connect=$LOCAL" text=one gettext=one say=up \
	    wait=go text=two gettext=two fin end
	wait_line visitor.out '^up$'
	send_signal "$side" TERM
	if [ "$side" = server ]; then
		wait_for 5 eval "! socat -u OPEN:/dev/null TCP:$LOCAL 2>/dev/null"
	else
		wait_line server.err ' gone: the other side stops$'
	fi
	: >go
	expect_exit visitor 0
	expect_exit "$side" 0 5
	other=server
	[ "$side" = client ] || other=client
	stop "$other"
done

check "UDP: every size comes back as one datagram, and in order"
start_peer udp udp-serve
serving udp
reverse "$(addr_of udp)" -u -v --udp-idle 2
expect_ok peer udp-ask "$LOCAL" 1 0 1 2 1472 1473 8192 16384 16385 65506 65507 0 1
expect_ok peer udp-order "$LOCAL" 500 1000
expect_ok peer udp-flows "$LOCAL" 30 10
wait_for 10 has_lines 32 server.err ' closed after '
wait_for 10 back_to_baseline client
expect_ok peer udp-ask "$LOCAL" 1 0 100
finish
