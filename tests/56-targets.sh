#!/bin/sh
# Goal: a client gets the service it names, if --to or --allow names it too, and is told in words if none does.
# Modes: native asan
. "${0%/*}/lib.sh"
sealed_only

# Three that can be told apart by what they log; c is on another host, and has
# a's port.
for i in a b; do
	start_peer "$i" serve echo
	serving "$i"
done
a=$(addr_of a) b=$(addr_of b)
aport=${a##*:} bport=${b##*:}
start_peer c serve echo 0 "127.0.0.2:$aport"
serving c
c=$(addr_of c)
start_peer free serve hold
serving free
down=$(addr_of free)
kill_now free

serve_with() {	# serve_with OPTION...: the server, and PORT
	adit server server 127.0.0.1 0 "$TOKEN" "$@"
	listening server
	PORT=$(port_of server)
}

# reaches NAME [OPTION...]: a client with these is joined to that service, with
# --listen and as a pipe.
reaches() {
	_service=$1
	shift
	_opened=$(count_lines "$_service.out" '^open$')
	_links=$(count_lines server.err ' linked$')
	adit client client 127.0.0.1 "$PORT" "$TOKEN" --listen 0 "$@"
	listening client
	wait_line client.err '^connected to '
	expect_ok peer raw "connect=$(addr_of client)" text=hi gettext=hi \
	    fin end
	stop client
	expect_eq "$(count_lines "$_service.out" '^open$')" $((_opened + 1))
	expect_eq "$(count_lines server.err ' linked$')" $((_links + 1))
	printf 'through a pipe' >data
	IN=data adit pclient client 127.0.0.1 "$PORT" "$TOKEN" "$@"
	expect_exit pclient 0
	expect_eq "$(cat pclient.out)" "through a pipe"
	expect_eq "$(count_lines "$_service.out" '^open$')" $((_opened + 2))
}

# refused TARGET: in words on both sides, whether it is for a pipe or for many.
refused() {
	_re="this target is not allowed there: $1\$"
	_said=$(count_lines server.err "^refused .*: $_re")
	adit pclient client 127.0.0.1 "$PORT" "$TOKEN" --target "$1"
	expect_exit pclient 1
	expect_line pclient.err "refused: $_re"
	expect_eq "$(cat pclient.out)" ""
	adit client client 127.0.0.1 "$PORT" "$TOKEN" --target "$1" --listen 0
	expect_exit client 1
	expect_line client.err "refused: $_re"
	expect_eq "$(count_lines client.err '^refused')" 1
	_re="^refused 127\.0\.0\.1:[0-9]+: $_re"
	wait_for 5 has_lines $((_said + 2)) server.err "$_re"
	expect_eq "$(count_lines server.err "$_re")" $((_said + 2))
}

check "--to twice: the first for those that name none, each by port or in full"
serve_with --to "$a" --to "$b"
reaches a
reaches a --target "$aport"
reaches a --target "$a"
reaches b --target "$bport"
reaches b --target "$b"

check "and nothing else, not even the same port of another host"
refused "$c"
refused 1
refused "127.0.0.1:1"
refused "localhost:$aport"

check "the server has noticed nothing: the next ones are served"
reaches b --target "$bport"
ADIT_TARGET=$bport
export ADIT_TARGET
reaches b
unset ADIT_TARGET
stop server

check "--to of several in the environment, with commas"
ADIT_TO=$b,$c
export ADIT_TO
adit server server 127.0.0.1 0 "$TOKEN"
unset ADIT_TO
listening server
PORT=$(port_of server)
reaches b
reaches c --target "$aport"
refused "$a"
stop server

check "--allow of one target: it and no other, and none without a name"
serve_with --allow "$a"
reaches a --target "$a"
reaches a --target "$aport"
refused "$b"
refused "$c"
adit pclient client 127.0.0.1 "$PORT" "$TOKEN"
expect_exit pclient 1
expect_line pclient.err 'refused: this target is not allowed there'
expect_line server.err \
    'refused a stream to no service by name: neither --to nor --allow names it'
adit client client 127.0.0.1 "$PORT" "$TOKEN" --listen 0
listening client
wait_line client.err '^connected to '
expect_ok peer raw "connect=$(addr_of client)" reset
wait_line client.err "^no stream for 127\.0\.0\.1:[0-9]+: refused: this target \
is not allowed there$"
wait_for 5 has_lines 2 server.err '^refused a stream to no service by name: '
stop client
stop server

check "--allow HOST:*: every port of that host, no other host"
serve_with --allow '127.0.0.1:*'
reaches a --target "$a"
reaches b --target "$b"
reaches b --target "$bport"
refused "$c"
refused "127.0.0.11:$bport"
stop server

check "--allow *:PORT: that port of every host, no other port"
serve_with --allow "*:$aport"
reaches a --target "$a"
reaches c --target "$c"
refused "$b"
refused "127.0.0.2:$bport"
stop server

check "--allow twice, beside --to: this one unless asked otherwise"
serve_with --to "$b" --allow "$c" --allow "127.0.0.3:*"
reaches b
reaches b --target "$bport"
reaches c --target "$c"
refused "$a"
refused "127.0.0.2:$bport"
stop server

check "allowed and not there: said on both sides, and nothing else is broken"
serve_with --to "$b" --allow '*:*'
adit pclient client 127.0.0.1 "$PORT" "$TOKEN" --target "$down"
expect_exit pclient 1
expect_line pclient.err "refused: the service cannot be reached there: cannot \
connect to $down: Connection refused"
wait_line server.err "^cannot connect to $down: Connection refused"
adit client client 127.0.0.1 "$PORT" "$TOKEN" --target "$down" --listen 0
listening client
wait_line client.err '^connected to '
expect_ok peer raw "connect=$(addr_of client)" reset
wait_line client.err "^no stream for .*: refused: the service cannot be reached \
there: cannot connect to $down: Connection refused$"
stop client
reaches a --target "$a"
reaches c --target "$c"
reaches b

check "four clients of one server, each with another service, at once"
for i in a b c; do
	eval "at=\$$i"
	# shellcheck disable=SC2154 # set by eval
	adit "client_$i" client 127.0.0.1 "$PORT" "$TOKEN" --target "$at" \
	    --listen 0
done
adit client_n client 127.0.0.1 "$PORT" "$TOKEN" --listen 0
for i in a b c n; do
	listening "client_$i"
	wait_line "client_$i.err" '^connected to '
	eval "before_$i=\$(count_lines \$i.out '^open\$' 2>/dev/null)"
done
for i in a b c n; do
	start_peer "crowd_$i" crowd "$(addr_of "client_$i")" 5 10000
done
for i in a b c n; do
	expect_exit "crowd_$i" 0 20
	stop "client_$i"
done
# shellcheck disable=SC2154 # set by eval
expect_eq "$(count_lines a.out '^open$')" $((before_a + 5))
# shellcheck disable=SC2154
expect_eq "$(count_lines b.out '^open$')" $((before_b + 10))
# shellcheck disable=SC2154
expect_eq "$(count_lines c.out '^open$')" $((before_c + 5))
stop server

check "a target of a server that has stdin and stdout only: refused, and it waits on"
printf 'for the next' >data
IN=data adit server server 127.0.0.1 0 "$TOKEN"
listening server
PORT=$(port_of server)
adit pclient client 127.0.0.1 "$PORT" "$TOKEN" --target "$a"
expect_exit pclient 1
expect_line pclient.err \
    "refused: this target is not allowed there: $a"
wait_line server.err "^refused .*: this target is not allowed there: $a$"
adit pclient client 127.0.0.1 "$PORT" "$TOKEN"
expect_exit pclient 0
expect_exit server 0
expect_eq "$(cat pclient.out)" "for the next"
finish
