#!/bin/sh
# Goal: a reset arrives as a reset on the other side, never as a clean end.
# Modes: native plain posix m32 asan tsan valgrind relay
. "${0%/*}/lib.sh"

rounds=300
[ "$BIG" -gt 100000000 ] || rounds=40

check "visitor resets while data flows both ways"
start_peer source serve source 100000000
serving source
tunnel "$(addr_of source)"
expect_ok peer resets "$ENTRY" "$rounds"
wait_for 20 has_lines "$rounds" source.out '^(reset|end|wrong)'
expect_eq "$(count_lines source.out '^reset$')" "$rounds"
expect_eq "$(count_lines source.out '^open$')" "$rounds"
stop client
stop server

check "service resets while the visitor writes"
start_peer bad serve reset-after 100
serving bad
tunnel "$(addr_of bad)"
expect_ok peer reset-by-service "$ENTRY" "$rounds"
wait_for 20 has_lines "$rounds" bad.out '^sent reset$'
stop client
stop server

check "service resets at once, visitor only reads"
start_peer rude serve reset-after 0
serving rude
tunnel "$(addr_of rude)" -v
expect_ok peer raw "connect=$ENTRY" reset
# It can be so quick that even connecting to it fails.
wait_line server.err \
    '^stream 1 closed after .*: reset by |^cannot connect to .* reset by peer$'
wait_line client.err '^stream 1 closed after .*: reset by 127\.0\.0\.1:[0-9]+$|^no stream for .* refused: .* reset by peer$'

check "service not there: a reset, and one line that says so"
stop client
stop server
nobody=$NOBODY
tunnel "$nobody"
expect_ok peer raw "connect=$ENTRY" reset
wait_line server.err "^cannot connect to $nobody: Connection refused"
expect_eq "$(count_lines server.err 'cannot connect')" 1

check "pipe: the killed other side is a reset, exit 4"
for side in server client; do
	mkfifo "up_$side" "down_$side"
	IN=down_$side adit pserver server 127.0.0.1 0 "$TOKEN"
	exec 3<>"down_$side"
	listening pserver
	IN=up_$side adit pclient client 127.0.0.1 "$(port_of pserver)" "$TOKEN"
	exec 4<>"up_$side"
	wait_line pserver.err ' accepted$'
	wait_line pclient.err '^connected to '
	printf 'some' >&3
	wait_line pclient.out some
	kill_now "p$side"
	other=pclient
	[ "$side" = server ] || other=pserver
	expect_exit "$other" 4
	exec 3>&- 4>&-
done
finish
