#!/bin/sh
# Goal: a pipe carries nothing, one byte and any bytes, both ways, and exits 0.
# Modes: native plain nobear static m32 asan relay
. "${0%/*}/lib.sh"

# pipe UP DOWN: send file UP from client to server and DOWN the other way.
pipe() {
	IN=$2 adit server server 127.0.0.1 0 "$TOKEN"
	listening server
	IN=$1 adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
	expect_exit client 0
	expect_exit server 0
	cmp "$1" server.out || fail "client to server: other bytes"
	cmp "$2" client.out || fail "server to client: other bytes"
}

: >empty
printf x >one
peer gen 5 300000 >binary
# Every byte value, and what a terminal or a C string could trip over.
i=0
while [ "$i" -lt 256 ]; do
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %03o "$i")"
	i=$((i + 1))
done >values
expect_eq "$(wc -c <values)" 256

for up in empty one values binary; do
	for down in empty one binary; do
		check "$up to the server, $down to the client"
		pipe "$up" "$down"
	done
done

check "messages of a pipe"
way='(, direct [0-9]+ ms)?'
direct || way=' [0-9]+ ms'
expect_line client.err \
    "connected to (room [0-9]+, relay )?127\.0\.0\.1:[0-9]+$way"
expect_line server.err "client 127\.0\.0\.1:[0-9]+ accepted"
for side in server client; do
	if [ "$SEALED" = 1 ]; then
		expect_no_line "$side.err" "not encrypted"
	else
		expect_line "$side.err" \
		    "not encrypted: anybody on the path can read the token and the data"
	fi
done

check "the last byte of an interactive line is passed on at once"
mkfifo up down
IN=down adit server server 127.0.0.1 0 "$TOKEN"
exec 3<>down
listening server
IN=up adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
exec 4<>up
printf 'ping\n' >&4
wait_line server.out '^ping$'
printf 'pong\n' >&3
wait_line client.out '^pong$'
exec 3>&- 4>&-
expect_exit client 0
expect_exit server 0
finish
