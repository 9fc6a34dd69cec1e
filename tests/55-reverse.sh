#!/bin/sh
# Goal: a service beside the client is reached through the server, by one client after the other, and what comes too early waits.
# Modes: native asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# entry NAME: where visitors of a listening server go.
entry() {
	wait_line "$T/$1.err" "^for clients' services, listening on "
	sed -n "s/^for clients' services, listening on //p" "$T/$1.err"
}

# reverse SERVICE [OPTION...]: a server with --listen, a client with --to.
reverse() {
	_to=$1
	shift
	# shellcheck disable=SC2086 # options are words
	adit server server 127.0.0.1 0 "$TOKEN" --listen 0 "$@" ${TOPT:-}
	listening server
	ENTRY=$(entry server)
	# shellcheck disable=SC2086
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
	    --to "$_to" "$@" ${COPT:-}
	linked server client
}

start_peer service serve echo
serving service
service=$(addr_of service)

check "$CONNS connections at once, three stalled ones beside them"
reverse "$service" -v
expect_ok peer crowd "$ENTRY" "$CONNS" 100000 3
expect_eq "$(cat last.out)" "$CONNS connections, 3 stalled"
all=$((CONNS + 3))
for side in server client; do
	wait_for 10 has_lines "$all" "$side.err" '^stream [0-9]+ closed after '
	expect_eq "$(count_lines "$side.err" ': done$')" "$all"
done
expect_eq "$(count_lines server.err ' linked$')" 1
wait_for 10 back_to_baseline server
wait_for 10 back_to_baseline client
stop client
stop server

check "megabytes each way at once"
start_peer swap serve swap 20000000
serving swap
reverse "$(addr_of swap)"
expect_ok peer swap "$ENTRY" 20000000
wait_line swap.out '^end$'
stop client
stop server
stop swap 143

check "half-closed by the visitor: the whole answer comes after its end"
start_peer digest serve digest
serving digest
digest=$(addr_of digest)
reverse "$digest"
peer gen 1 1000000 >data
want="$(sha256sum <data | cut -d ' ' -f 1) 1000000"
timeout 60 socat -t 60 - "TCP:$ENTRY" <data >answer || fail "socat exited $?"
expect_eq "$(cat answer)" "$want"
stop client
stop server

check "half-closed by the service: it still gets all"
start_peer source serve source 1000000
serving source
reverse "$(addr_of source)"
expect_ok peer raw "connect=$ENTRY" end send=1000000 fin close
wait_line source.out '^end$'

check "a reset arrives as one, in either direction"
expect_ok peer raw "connect=$ENTRY" skip=1000 text=odd rst
wait_for 10 has_line source.out '^(reset|wrong)'
stop client
stop server
stop source 143
start_peer rude serve reset-after 10
serving rude
reverse "$(addr_of rude)"
expect_ok peer reset-by-service "$ENTRY" 3
stop client
stop server
stop rude 143

check "the service is down: a reset, one message on each side, then all is well"
start_peer gone serve echo
serving gone
at=$(addr_of gone)
kill_now gone
reverse "$at"
expect_ok peer raw "connect=$ENTRY" reset
wait_line client.err \
    "^cannot connect to $at: Connection refused \(is the service running\?\)$"
wait_line server.err "^no stream for 127\.0\.0\.1:[0-9]+: the service cannot be \
reached there: cannot connect to $at: Connection refused$"
expect_eq "$(count_lines client.err 'cannot connect')" 1
expect_eq "$(count_lines server.err 'cannot connect')" 1
start_peer back serve echo 0 "$at"
serving back
expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
expect_eq "$(count_lines client.err '^connected to ')" 1
stop client
stop server
stop back 143

for side in server client; do
	check "--max-conns 2 at the $side: the third is refused, the next one not"
	case $side in
	server)	TOPT="--max-conns 2" COPT='' ;;
	client)	TOPT='' COPT="--max-conns 2" ;;
	esac
	rm -f go
	reverse "$service"
	for i in 1 2; do
		start_peer "v$i" raw "connect=$ENTRY" text=a gettext=a say=up \
		    wait=go text=b gettext=b fin end
		wait_line "v$i.out" '^up$'
	done
	expect_ok peer raw "connect=$ENTRY" reset
	wait_line "$side.err" '^at the limit of 2 streams: .*refused \(--max-conns\)$'
	if [ "$side" = client ]; then
		wait_line server.err "^no stream for 127\.0\.0\.1:[0-9]+: full: \
it is at its limit of streams$"
	fi
	: >go
	expect_exit v1 0
	expect_exit v2 0
	wait_for 10 back_to_baseline "$side"
	expect_ok peer raw "connect=$ENTRY" text=a gettext=a fin end
	stop client
	stop server
done
unset TOPT COPT

# served_by NAME: a new visitor is served, and by that client.
served_by() {
	_before=$(count_lines "$1.err" '^stream [0-9]+ opened: ')
	expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
	expect_eq "$(count_lines "$1.err" '^stream [0-9]+ opened: ')" \
	    $((_before + 1))
}

# another NAME: one more client for the server, linked after the others.
another() {
	_links=$(count_lines server.err ' linked$')
	adit "$1" client 127.0.0.1 "$port" "$TOKEN" --to "$service" -v
	wait_for 10 has_lines $((_links + 1)) server.err ' linked$'
	wait_line "$1.err" '^connected to '
}

check "two clients: the first one serves, the other stands by"
adit server server 127.0.0.1 0 "$TOKEN" --listen 0 -v
listening server
port=$(port_of server)
ENTRY=$(entry server)
another one
another two
for i in 1 2 3 4 5; do
	served_by one
done
expect_no_line two.err '^stream '

check "the first is killed with -9: its streams are reset, the other takes over"
start_peer visitor raw "connect=$ENTRY" text=hi gettext=hi say=up reset
wait_line visitor.out '^up$'
kill_now one
served_by two
expect_exit visitor 0
wait_line server.err '^client .* gone: the connection was cut$'

check "that one is stopped in order: the next one takes over"
another three
served_by two
stop two
served_by three
wait_line server.err '^client .* gone: the other side stops$'

check "a client that is silent for 10 s is left, what waited for it is served"
another four
served_by three
send_signal three STOP
# Well within those 10 s, and not at their beginning: it waits 10 s itself.
sleep 3
start_peer visitor raw "connect=$ENTRY" text=hi gettext=hi fin end after=3:10
wait_line server.err '^client .* gone: silent for 10 s$' 20
expect_exit visitor 0
wait_for 5 has_lines 1 four.err '^stream 1 closed after .*: done$'
served_by four
send_signal three CONT
wait_line three.err '^link to .* lost: .*; dialling again$' 20
wait_for 10 has_lines 5 server.err ' linked$'
served_by four

check "the server goes and comes back: the clients come back too"
kill_now server
adit server server 127.0.0.1 "$port" "$TOKEN" --listen "$ENTRY" -v
listening server
wait_for 10 has_lines 2 server.err ' linked$'
expect_ok peer crowd "$ENTRY" 5 10000 0
stop three
stop four

check "no client is there: visitors wait, and are served when one comes"
wait_for 10 has_lines 2 server.err ' gone: '
start_peer early raw "connect=$ENTRY" text=early say=up gettext=early fin end \
    after=2:10
start_peer mute raw "connect=$ENTRY" say=up fin end after=2:10
wait_line early.out '^up$'
wait_line mute.out '^up$'
# They wait all the time: that is what is tested.
sleep 2
ended early && fail "early ended without a client"
another five
expect_exit early 0
expect_exit mute 0
expect_no_line server.err '^no stream for '
stop five

check "none comes: a reset after 10 s, and a message"
expect_ok peer raw "connect=$ENTRY" reset after=9:13
wait_line server.err \
    '^no stream for 127\.0\.0\.1:[0-9]+: no client is there$'
expect_eq "$(count_lines server.err '^no stream for ')" 1

check "a visitor that goes while it waits is nobody's business any more"
note_fds server
expect_ok peer raw "connect=$ENTRY" text=x rst
# It is noticed while nobody reads.
wait_for 5 back_to_baseline server
another six
served_by six
expect_no_line six.err 'stream 2 opened'
stop six
stop server

check "a client's stdin and stdout, for a visitor of the listening server"
adit server server 127.0.0.1 0 "$TOKEN" --listen 0
listening server
ENTRY=$(entry server)
port=$(port_of server)
peer gen 1 300000 >data
IN=data adit pclient client 127.0.0.1 "$port" "$TOKEN"
wait_line pclient.err '^connected to '
peer gen 2 200000 >back
timeout 60 socat -t 60 - "TCP:$ENTRY" <back >answer || fail "socat exited $?"
expect_exit pclient 0
cmp -s data answer || fail "other bytes for the visitor"
cmp -s back pclient.out || fail "other bytes for the client's stdout"

check "it has one pair only: a second visitor is refused in words"
mkfifo up
IN=up adit pclient client 127.0.0.1 "$port" "$TOKEN"
exec 4<>up
wait_line pclient.err '^connected to '
rm -f go
start_peer v1 raw "connect=$ENTRY" text=in say=up wait=go fin end
wait_line pclient.out '^in$'
expect_ok peer raw "connect=$ENTRY" reset
wait_line server.err '^no stream for .*: busy: it serves another client$'
: >go
exec 4>&-
expect_exit v1 0
expect_exit pclient 0

check "killed in the middle: the visitor is reset"
rm -f up
mkfifo up
IN=up adit pclient client 127.0.0.1 "$port" "$TOKEN"
exec 4<>up
wait_line pclient.err '^connected to '
start_peer v1 raw "connect=$ENTRY" text=in say=up reset
wait_line pclient.out '^in$'
kill_now pclient
exec 4>&-
expect_exit v1 0

check "and a visitor that resets: the client exits with 4"
rm -f up
mkfifo up
IN=up adit pclient client 127.0.0.1 "$port" "$TOKEN"
exec 4<>up
wait_line pclient.err '^connected to '
rm -f go
start_peer v1 raw "connect=$ENTRY" text=in wait=go rst
wait_line pclient.out '^in$'
: >go
expect_exit pclient 4
expect_exit v1 0
exec 4>&-
stop server

check "the server's stdin and stdout, for a service beside the client"
peer gen 1 1000000 >data
IN=data adit pserver server 127.0.0.1 0 "$TOKEN"
listening pserver
pport=$(port_of pserver)
adit client client 127.0.0.1 "$pport" "$TOKEN" --to "$digest"
expect_exit pserver 0
expect_eq "$(cat pserver.out)" "$(sha256sum <data | cut -d ' ' -f 1) 1000000"

check "that client goes on, and the next server is served"
for i in 1 2 3; do
	printf 'round %d' "$i" >data
	IN=data adit pserver server 127.0.0.1 "$pport" "$TOKEN"
	expect_exit pserver 0 15
	expect_eq "$(cat pserver.out)" \
	    "$(sha256sum <data | cut -d ' ' -f 1) $(wc -c <data)"
done

check "its service is down: that pipe is broken, and the next one is not"
kill_now digest
printf 'late' >data
IN=data adit pserver server 127.0.0.1 "$pport" "$TOKEN"
expect_exit pserver 4 15
expect_line pserver.err 'the connection did not end in order: .*'
wait_line client.err "^cannot connect to $digest: Connection refused \
\(is the service running\?\)$"
start_peer digest serve digest 0 "$digest"
serving digest
IN=data adit pserver server 127.0.0.1 "$pport" "$TOKEN"
expect_exit pserver 0 20
expect_eq "$(cat pserver.out)" \
    "$(sha256sum <data | cut -d ' ' -f 1) 4"
stop client
finish
