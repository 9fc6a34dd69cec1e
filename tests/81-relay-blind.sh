#!/bin/sh
# Goal: a relay sees who meets whom, and when: neither data nor token nor target is in what passes it, in its memory or in its log.
# Modes: native asan tsan
. "${0%/*}/lib.sh"
sealed_only

token=open-sesame-4711
# Lines to look for, in a bulk of them, so that they also go by splice().
seq 1 20000 | sed 's/.*/a line that is easily recognized &/' >plain
size=$(wc -c <plain)

adit relay relay 127.0.0.1 0 -v
listening relay
# All that comes to the relay and goes from it, of everybody, is kept.
at=$NOBODY
start spy socat -r up.raw -R down.raw \
    "TCP-LISTEN:${at##*:},bind=127.0.0.1,reuseaddr,fork" \
    "TCP:$(addr_of relay)"
wait_for 5 eval "ss -Htln | grep -q ':${at##*:} '"
start_peer echo serve echo
serving echo
start_peer udp udp-serve
serving udp

server() {	# server ROOM OPTION...
	_r=$1
	shift
	adit server server 127.0.0.1 "${at##*:}" "$token" --room "$_r" "$@"
	listening server
}

client() {	# client ROOM OPTION...
	_r=$1
	shift
	adit client client 127.0.0.1 "${at##*:}" "$token" --room "$_r" "$@"
}

through() {	# through ENTRY: a stream, and its echo
	timeout 60 socat -t 20 - "TCP:$1" <plain >echoed || fail "socat: $?"
	cmp -s plain echoed || fail "not echoed"
}

blind() {	# blind WORD...: none of them has come to the relay
	for _w in "$@"; do
		if grep -aqF -- "$_w" up.raw down.raw; then
			fail "'$_w' passed the relay"
		fi
		if grep -aqF -- "$_w" relay.err relay.out; then
			fail "'$_w' is in the relay's log"
		fi
	done
	expect_eq "$(peer find "$(pid_of relay)" "$@")" ""
}

words="easily recognized sesame-4711"

check "a pipe, both ways"
IN=plain server pipe.room
IN=plain client pipe.room
expect_exit client 0 30
expect_exit server 0 30
cmp -s plain client.out || fail "server to client: other bytes"
cmp -s plain server.out || fail "client to server: other bytes"
# shellcheck disable=SC2086 # a list of words
blind $words

check "streams to a target; some are open while we look"
target=localhost:$(port_of echo)
server stream.room --to 127.0.0.1:9 --allow 'localhost:*'
client stream.room --target "$target" --listen 127.0.0.1:0
listening client
linked server client
through "$(addr_of client)"
start_peer visitor raw "connect=$(addr_of client)" "text=easily recognized" \
    "gettext=easily recognized" say=up wait=go fin end
wait_line visitor.out '^up$'
# shellcheck disable=SC2086
blind $words localhost
# The same eyes do see what is to be seen.
for file in up.raw relay.err; do
	grep -aqF stream.room $file || fail "no room in $file"
done
[ -n "$(peer find "$(pid_of relay)" stream.room)" ] ||
    fail "its memory is not to be read"
: >go
expect_exit visitor 0
stop client
stop server

check "a service at the client's side"
server back.room --listen 127.0.0.1:0
client back.room --to "$(addr_of echo)"
linked server client
through "$(local_of server)"
# shellcheck disable=SC2086
blind $words
stop client
stop server

check "datagrams"
server udp.room --to "$(addr_of udp)" -u
client udp.room -u --listen 127.0.0.1:0
listening client
cat >ask.py <<'END'
import socket, sys
host, _, port = sys.argv[1].rpartition(":")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(30)
s.connect((host, int(port)))
s.send(b"an easily recognized datagram")
sys.exit(s.recv(100) != b"an easily recognized datagram")
END
# shellcheck disable=SC2086 # $PYTHON is several words
expect_ok $PYTHON ask.py "$(addr_of client)"
# shellcheck disable=SC2086
blind $words datagram
stop client
stop server

check "share and ticket: the secret stays with the two"
adit server share "$(port_of echo)" --relay "$at"
wait_line server.out '^adit '
ticket=$(sed -n 's/^adit //p' server.out | tail -n 1)
secret=${ticket##*/} secret=${secret#*-}
adit client "$ticket" --listen 127.0.0.1:0
listening client
through "$(addr_of client)"
# shellcheck disable=SC2086
blind $words "$secret" "${secret#*-}" "${secret%-*}"
# A wrong guess says nothing about it, either.
IN=plain adit wrong client 127.0.0.1 "${at##*:}" another-sesame-4711 \
    --room "$(echo "${ticket#*/}" | cut -d - -f 1)"
expect_exit wrong 3
# shellcheck disable=SC2086
blind $words "$secret"
stop client
stop server

# All of the above did go through here: twice a pipe's, four echoes, and more.
expect_range "$(wc -c <up.raw)" $((size * 5)) $((size * 20))
expect_range "$(wc -c <down.raw)" $((size * 5)) $((size * 20))
stop spy 143
wait_for 10 back_to_baseline relay
finish
