#!/bin/sh
# Goal: a sealed pipe: both ways at once, half-closed, to a service, idle and stuck; whoever exits 0 knows that all was delivered.
# Modes: native m32 asan tsan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

size=20000000
[ "$BIG" -gt 100000000 ] || size=4000000
mkfifo up down slow stuck

# These two are looked at again at the very end, when they have been idle, and
# stuck, for longer than a dead peer is waited for.
mkfifo idle_up idle_down
IN=idle_down adit iserver server 127.0.0.1 0 "$TOKEN"
exec 5<>idle_down
listening iserver
IN=idle_up adit iclient client 127.0.0.1 "$(port_of iserver)" "$TOKEN"
exec 6<>idle_up
wait_line iclient.err '^connected to '
IN=/dev/zero adit sserver server 127.0.0.1 0 "$TOKEN"
listening sserver
OUT=stuck adit sclient client 127.0.0.1 "$(port_of sserver)" "$TOKEN"
exec 7<>stuck
wait_line sclient.err '^connected to '
wait_for 20 backed_up
now
since=$NOW

check "both directions at once, every byte compared"
peer gen 1 "$size" >up.data
peer gen 2 "$size" >down.data
IN=down.data adit server server 127.0.0.1 0 "$TOKEN"
listening server
IN=up.data adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
expect_exit client 0 60
expect_exit server 0
cmp -s up.data server.out || fail "client to server: other bytes"
cmp -s down.data client.out || fail "server to client: other bytes"

check "one end comes long before the other"
IN=down adit server server 127.0.0.1 0 "$TOKEN"
exec 3<>down
listening server
IN=up.data adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
wait_for 20 cmp -s up.data server.out
sleep 0.5
ended client && fail "the client did not wait for the other direction"
printf 'late' >&3
exec 3>&-
expect_exit client 0
expect_exit server 0
expect_eq "$(cat client.out)" late

check "the sender exits only when all is delivered"
head -c 400000 up.data >some
OUT=slow adit server server 127.0.0.1 0 "$TOKEN"
exec 3<>slow
listening server
IN=some adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
# More than this pipe holds waits in front of it, and nobody reads.
wait_line client.err '^connected to '
sleep 1.5
ended client && fail "the client is done, and nothing was read"
start taker sh -c 'cat <slow >taken'
wait_for 5 test -s taken
exec 3>&-
expect_exit client 0
expect_exit server 0
expect_exit taker 0
cmp -s some taken || fail "other bytes"

check "the receiver cannot deliver a few bytes: neither side exits 0"
printf 'some data' >few
IN=few adit server server 127.0.0.1 0 "$TOKEN"
listening server
# shellcheck disable=SC2016,SC2086 # for the inner shell; several words
start client sh -c 'exec "$@" >&-' sh $WRAP "$ADIT" client 127.0.0.1 \
    "$(port_of server)" "$TOKEN"
expect_exit client 1
expect_line client.err "cannot write to stdout: .*"
expect_exit server 4
expect_line server.err "the connection did not end in order: .*"

check "the receiver's reader goes away in the middle of it"
IN=/dev/zero adit server server 127.0.0.1 0 "$TOKEN"
listening server
mkfifo broken
OUT=broken adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
head -c 1000 broken >/dev/null
expect_exit client 1
expect_line client.err "cannot write to stdout: Broken pipe"
expect_exit server 4

check "a service at the server: its answer comes after our end"
start_peer service serve digest
serving service
adit server server 127.0.0.1 0 "$TOKEN" --to "$(addr_of service)"
listening server
want="$(sha256sum <up.data | cut -d ' ' -f 1) $size"
for _ in 1 2 3; do
	IN=up.data adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
	expect_exit client 0 30
	expect_eq "$(cat client.out)" "$want"
done
wait_for 5 has_lines 3 service.out '^end$'
wait_for 5 back_to_baseline server

check "many pipes to it at once"
for i in 1 2 3 4 5 6 7 8; do
	IN=some adit "many$i" client 127.0.0.1 "$(port_of server)" "$TOKEN"
done
want="$(sha256sum <some | cut -d ' ' -f 1) 400000"
for i in 1 2 3 4 5 6 7 8; do
	expect_exit "many$i" 0 30
	expect_eq "$(cat "many$i.out")" "$want"
done
stop server

check "a service that cannot be reached: said on both sides, exit 1, and the server stays"
at=$NOBODY
adit server server 127.0.0.1 0 "$TOKEN" --to "$at"
listening server
IN=few adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
expect_exit client 1
expect_line client.err "refused: the service cannot be reached there: cannot connect to $at: Connection refused"
expect_line server.err "cannot connect to $at: Connection refused \(is the service running\?\)"
start_peer back serve digest 0 "$at"
serving back
IN=few adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
expect_exit client 0
want="$(sha256sum <few | cut -d ' ' -f 1) 9"
expect_eq "$(cat client.out)" "$want"

check "a service that breaks off: the client's exit code says so"
stop back 143
start_peer bad serve reset-after 100 "$at"
serving bad
IN=some adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
expect_exit client 4
stop bad 143
stop server

check "a second client while the first one has the pipe: busy, exit 1"
IN=down adit server server 127.0.0.1 0 "$TOKEN"
exec 3<>down
listening server
IN=up adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
exec 4<>up
wait_line client.err '^connected to '
adit second client 127.0.0.1 "$(port_of server)" "$TOKEN"
expect_exit second 1
expect_line second.err "refused: busy: it serves another client"
wait_line server.err '^refused 127\.0\.0\.1:[0-9]+: busy: it serves another client$'
printf 'still' >&4
wait_line server.out still
exec 3>&- 4>&-
expect_exit client 0
expect_exit server 0

check "the killed other side: exit 4"
for side in server client; do
	IN=down adit server server 127.0.0.1 0 "$TOKEN"
	exec 3<>down
	listening server
	IN=up adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
	exec 4<>up
	wait_line client.err '^connected to '
	wait_line server.err ' accepted$'
	kill_now "$side"
	other=client
	[ "$side" = server ] || other=server
	expect_exit "$other" 4
	expect_line "$other.err" "the connection did not end in order: .*"
	exec 3>&- 4>&-
done

# shellcheck disable=SC2317 # wait_for calls it
waited() {	# it was longer than a dead peer is waited for
	now
	[ $((NOW - since)) -gt 1250 ]
}
check "idle for more than 12 s: still there"
wait_for 15 waited
for side in iserver iclient sserver sclient; do
	ended "$side" && fail "$side has ended: $(cat "$side.err")"
done
printf 'ping\n' >&6
wait_line iserver.out '^ping$'
printf 'pong\n' >&5
wait_line iclient.out '^pong$'
exec 5>&- 6>&-
expect_exit iclient 0
expect_exit iserver 0

check "stuck for as long: still there, and then it goes on"
start flow sh -c 'exec <stuck; : >open; head -c 3000000 | tr -d "\0" | wc -c'
wait_for 5 test -e open
exec 7>&-
expect_exit flow 0
expect_eq "$(tr -d ' ' <flow.out)" 0
expect_exit sclient 1
expect_exit sserver 4
finish
