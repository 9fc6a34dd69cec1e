#!/bin/sh
# Goal: either side can be killed and started again on the same port at once, any number of times.
# Modes: native plain asan relay
. "${0%/*}/lib.sh"

# Each time somebody has to come back to the room.
rounds=20
direct || rounds=5
start_peer service serve echo
serving service
service=$(addr_of service)

# A port of its own for this scenario: the first server's choice is kept.
adit server server 127.0.0.1 0 "$TOKEN" --to "$service"
listening server
port=$(port_of server)
adit client client 127.0.0.1 "$port" "$TOKEN" --listen 0
listening client
linked server client
entry=$(addr_of client)

good() {
	expect_ok peer raw "connect=$entry" text=hi gettext=hi fin end
}

check "the server is killed $rounds times with a stream open"
i=0
while [ "$i" -lt "$rounds" ]; do
	i=$((i + 1))
	start_peer visitor raw "connect=$entry" text=hi gettext=hi say=up reset
	wait_line visitor.out '^up$'
	kill_now server
	expect_exit visitor 0
	adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
	listening server
	good
done

check "without a server: the visitor is reset, the client goes on"
kill_now server
expect_ok peer raw "connect=$entry" reset
wait_line client.err "^$(nobody "$port")"
adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
listening server
good

check "the client is killed $rounds times with a stream open"
i=0
while [ "$i" -lt "$rounds" ]; do
	i=$((i + 1))
	start_peer visitor raw "connect=$entry" text=hi gettext=hi say=up reset
	wait_line visitor.out '^up$'
	kill_now client
	expect_exit visitor 0
	adit client client 127.0.0.1 "$port" "$TOKEN" --listen "$entry"
	listening client
	good
done
wait_for 10 has_lines "$rounds" service.out '^reset$'

check "the server is stopped in order and started $rounds times"
i=0
while [ "$i" -lt "$rounds" ]; do
	i=$((i + 1))
	good
	stop server
	adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
	listening server
done
good
linked server client

check "pipes: $rounds in a row on one port"
i=0
while [ "$i" -lt "$rounds" ]; do
	i=$((i + 1))
	printf 'round %d' "$i" >data
	IN=data adit pserver server 127.0.0.1 "${pport:-0}" "$TOKEN"
	listening pserver
	pport=$(port_of pserver)
	adit pclient client 127.0.0.1 "$pport" "$TOKEN"
	expect_exit pclient 0
	expect_exit pserver 0
	expect_eq "$(cat pclient.out)" "round $i"
done
finish
