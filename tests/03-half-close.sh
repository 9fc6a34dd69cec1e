#!/bin/sh
# Goal: an end in one direction leaves the other direction going, both ways.
# Modes: native plain posix nobear m32 asan tsan relay
. "${0%/*}/lib.sh"

# pipe_with_open_ends: 3 holds the server's stdin open, 4 the client's.
pipe_with_open_ends() {
	rm -f up down
	mkfifo up down
	IN=down adit server server 127.0.0.1 0 "$TOKEN"
	exec 3<>down
	listening server
	IN=up adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
	exec 4<>up
	wait_line client.err '^connected to '
}

check "pipe: the client's stdin ends first, the server goes on"
pipe_with_open_ends
printf 'question' >&4
exec 4>&-
wait_line server.out '^question$'
# The client has nothing more to say.  That it is still there an age later is
# the point.
sleep 0.5
printf 'late answer' >&3
exec 3>&-
expect_exit client 0
expect_exit server 0
expect_eq "$(cat client.out)" "late answer"

check "pipe: the server's stdin ends first, the client goes on"
pipe_with_open_ends
printf 'greeting' >&3
exec 3>&-
wait_line client.out '^greeting$'
sleep 0.5
printf 'late reply' >&4
exec 4>&-
expect_exit client 0
expect_exit server 0
expect_eq "$(cat server.out)" "late reply"

check "service: the visitor ends first and gets the whole answer"
start_peer service serve digest
serving service
tunnel "$(addr_of service)"
peer gen 1 3000000 >data
want="$(sha256sum <data | cut -d ' ' -f 1) 3000000"
# socat passes the end on after the file and waits for the other end.
socat -t 60 - "TCP:$ENTRY" <data >answer || fail "socat exited $?"
expect_eq "$(cat answer)" "$want"
wait_line service.out '^end$'

check "service: the service ends first and still gets all"
start_peer source serve source 3000000
serving source
adit server2 server 127.0.0.1 0 "$TOKEN" --to "$(addr_of source)"
listening server2
adit client2 client 127.0.0.1 "$(port_of server2)" "$TOKEN" --listen 0
listening client2
linked server2 client2
expect_ok peer raw "connect=$(addr_of client2)" end send=3000000 fin close
wait_line source.out '^end$'

check "an end without any byte"
expect_ok peer raw "connect=$(addr_of client2)" fin end
expect_ok peer raw "connect=$ENTRY" fin end
finish
