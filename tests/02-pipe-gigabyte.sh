#!/bin/sh
# Goal: a gigabyte goes through a pipe each way at once, and every byte is right.
# Modes: native plain posix m32 asan tsan valgrind relay
. "${0%/*}/lib.sh"

mkfifo up down from_server from_client
IN=down OUT=from_server adit server server 127.0.0.1 0 "$TOKEN"
IN=/dev/null OUT=down start_peer feed_down gen 2 "$BIG"
IN=from_server OUT='' start_peer take_up verify 1 "$BIG"
listening server
IN=up OUT=from_client adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
IN=/dev/null OUT=up start_peer feed_up gen 1 "$BIG"
IN=from_client OUT='' start_peer take_down verify 2 "$BIG"

check "both directions, every byte compared where it arrives"
expect_exit client 0 120
expect_exit server 0 10
for name in feed_up feed_down take_up take_down; do
	expect_exit "$name" 0 10
done
finish
