#!/bin/sh
# Goal: --json and --json-fd tell all that happens, in lines that any JSON reader takes, and disturb nothing.
# Modes: native asan relay
. "${0%/*}/lib.sh"
sealed_only

addr='127\.0\.0\.1:[0-9]+'

# told NAME ARG...: as adit, with --json-fd 3 to the file NAME.json, or to $TO.
# shellcheck disable=SC2016 # $TO is the inner shell's
echo 'exec "$@" 3>>"$EVENTS"' >fd3.sh
told() {
	_wrap=$WRAP
	rm -f "$1.json"
	EVENTS=${TO:-$T/$1.json}
	export EVENTS
	WRAP="sh $T/fd3.sh $WRAP"
	adit "$@" --json-fd 3
	WRAP=$_wrap
}

# events NAME [FILE [part]]: all lines so far are good ones; in short in NAME.ev.
events() {
	# shellcheck disable=SC2086 # $PYTHON is several words
	$PYTHON "$TESTS/59-json.py" "${3:-read}" "${2:-$1.json}" >"$1.ev" 2>"$T/why" ||
	    fail "$1: $(cat "$T/why")"
}

# order NAME: the kinds of its events, in order, in one line; but for those of
# a room, which only some servers have.
order() {
	sed -E '/^room /d; s/^(link|stream) ([a-z]+).*/\1 \2,/; t; s/ .*//; s/$/,/' \
	    "$1.ev" | tr '\n' ' ' | sed 's/, $//'
}

# Where a server listens, and whom its clients know.
if direct; then
	server_at() {
		echo " listen=127\.0\.0\.1:$port"
	}
	known_at() {
		echo "127\.0\.0\.1:$port"
	}
else
	server_at() {
		:
	}
	known_at() {
		echo "127\.0\.0\.1:${RELAY##*:}"
	}
fi

threads() {
	_n=0
	for _d in "/proc/$(pid_of "$1")/task"/*; do
		_n=$((_n + 1))
	done
	echo $_n
}

# idle: the client has no thread left that would tell of a stream.
# shellcheck disable=SC2317 # called by wait_for
idle() {
	[ "$(threads client)" -le "$IDLE" ]
}

start_peer echo serve echo
serving echo
start_peer source serve source 1000
serving source

check "ready, link, streams with their bytes, stop: on both sides"
adit server server 127.0.0.1 0 "$STRONG" --to "$(addr_of echo)" --json
listening server
port=$(port_of server)
told client client 127.0.0.1 "$port" "$STRONG" --listen 0
listening client
linked server client
IDLE=$(threads client)
entry=$(addr_of client)
expect_ok peer raw "connect=$entry" text=hello gettext=hello fin end
wait_for 10 has_lines 1 client.json '"state":"closed"'
wait_for 10 has_lines 1 server.out '"state":"closed"'
start_peer visitor raw "connect=$entry" text=abcdefg gettext=abcdefg \
    say=up wait=go rst
wait_line visitor.out '^up$'
wait_for 10 has_lines 2 client.json '"state":"opened"'
: >go
expect_exit visitor 0
wait_for 10 has_lines 2 client.json '"state":"closed"'
wait_for 10 has_lines 2 server.out '"state":"closed"'
stop client
wait_for 10 has_lines 1 server.out '"state":"down"'
stop server
events client
events server server.out
same="stream opened, stream closed, stream opened, stream closed"
expect_eq "$(order client)" "ready, link up, $same, link down, end"
expect_eq "$(order server)" "ready, link up, $same, link down, end"
expect_line client.ev "ready role=client local=$entry"
expect_line server.ev "ready role=server$(server_at)"
expect_line client.ev "link up peer=$(known_at)"
expect_line server.ev "link up peer=$addr"
for side in client server; do
	expect_line $side.ev "stream opened id=1 from=$addr to=$addr"
	expect_line $side.ev \
	    'stream closed id=1 ms=[0-9]+ sent=5 received=5 whole=true reason=[a-z].*'
	expect_line $side.ev \
	    'stream closed id=2 ms=[0-9]+ sent=7 received=7 whole=false reason=[a-z].*'
	expect_line $side.ev 'end code=0'
	expect_line $side.ev \
	    "link down peer=$addr reason=[a-z].* lost=false( rtt_ms=[0-9]+)?"
done
expect_line client.ev "stream opened id=1 from=$addr to=$(known_at)"
expect_line server.ev "stream opened id=1 from=$addr to=$(addr_of echo)"

check "sent and received are each side's own"
adit server server 127.0.0.1 0 "$STRONG" --to "$(addr_of source)" --json
listening server
port=$(port_of server)
told client client 127.0.0.1 "$port" "$STRONG" --listen 0
listening client
linked server client
expect_ok peer raw "connect=$(addr_of client)" send=77 skip=1000 fin end
wait_for 10 has_lines 1 client.json '"state":"closed"'
wait_for 10 has_lines 1 server.out '"state":"closed"'
events client
events server server.out
expect_line client.ev 'stream closed id=1 .* sent=77 received=1000 whole=true .*'
expect_line server.ev 'stream closed id=1 .* sent=1000 received=77 whole=true .*'

check "wrong tokens: refused at the server, a failed attempt at the client"
told wrong client 127.0.0.1 "$port" "wrong-$STRONG" --listen 0
expect_exit wrong 3
wait_for 10 has_lines 1 server.out '"event":"refused"'
events wrong
expect_eq "$(order wrong)" "ready, link failed, error, end"
expect_line wrong.ev 'error error=refused: wrong token .*'
expect_line wrong.ev \
    'link failed reason=refused: wrong token \(or somebody in between\) refused=true'
expect_line wrong.ev 'end code=3'
events server server.out
expect_eq "$(count_lines server.ev '^refused')" 1
expect_line server.ev "refused peer=$addr reason=wrong token, or it gave up"

check "a target that is not allowed"
told wrong client 127.0.0.1 "$port" "$STRONG" --target 127.0.0.1:1 --listen 0
expect_exit wrong 1
wait_for 10 has_lines 2 server.out '"event":"refused"'
events wrong
expect_eq "$(order wrong)" "ready, link failed, error, end"
expect_line wrong.ev 'link failed reason=refused: this target .* refused=true'
events server server.out
expect_line server.ev "refused peer=$addr reason=this target is not allowed there"

check "the server is killed: link down, failed attempts; and up again"
kill_now server
wait_for 10 has_lines 1 client.json '"state":"down"'
wait_for 20 has_lines 3 client.json '"state":"failed"'
adit server server 127.0.0.1 "$port" "$STRONG" --to "$(addr_of echo)" \
    --max-conns 1 --json
listening server
wait_for 20 has_lines 2 client.json '"state":"up"'
linked server client
events client
expect_line client.ev \
    "link down peer=$(known_at) reason=[A-Za-z].* lost=true( rtt_ms=[0-9]+)?"
expect_line client.ev "link failed reason=$(nobody "$port").* refused=false"
expect_no_line client.ev 'refused=true'

check "--max-conns: refused"
entry=$(addr_of client)
rm -f go
start_peer visitor raw "connect=$entry" text=a gettext=a say=up wait=go fin end
wait_line visitor.out '^up$'
expect_ok peer raw "connect=$entry" reset
wait_for 10 has_lines 1 server.out '"event":"refused"'
: >go
expect_exit visitor 0
events server server.out
expect_line server.ev "refused peer=$addr reason=at the limit of streams"

check "the server is stopped: the link goes down in order, and both end"
stop server
wait_for 10 has_lines 2 client.json '"state":"down"'
stop client
events server server.out
events client
expect_line server.ev "link down peer=$addr reason=[a-z].* lost=false.*"
expect_eq "$(count_lines client.ev '^link down .* lost=false')" 1
for side in client server; do
	expect_eq "$(tail -n 1 $side.ev)" "end code=0"
done

check "a pipe: link up, one stream, link down"
printf 'twelve bytes' >data
IN=data told pserver server 127.0.0.1 0 "$STRONG"
listening pserver
port=$(port_of pserver)
told pclient client 127.0.0.1 "$port" "$STRONG"
expect_exit pclient 0
expect_exit pserver 0
expect_eq "$(cat pclient.out)" "twelve bytes"
for side in pclient pserver; do
	events $side
	expect_eq "$(order $side)" "ready, link up, stream opened, stream closed, link down, end"
	expect_line $side.ev 'stream opened id=1 .*(from|to)=stdin/stdout.*'
	expect_line $side.ev 'end code=0'
done
expect_line pclient.ev 'ready role=client'
expect_line pserver.ev "ready role=server$(server_at)"
expect_line pclient.ev 'stream closed id=1 .* sent=0 received=12 whole=true .*'
expect_line pserver.ev 'stream closed id=1 .* sent=12 received=0 whole=true .*'

check "a listening server: both addresses; and its streams"
told server server 127.0.0.1 0 "$STRONG" --listen 127.0.0.1:0
listening server
adit client client 127.0.0.1 "$(port_of server)" "$STRONG" \
    --to "$(addr_of echo)" --json
linked server client
events server
local=$(sed -n 's/^ready .* local=//p' server.ev)
port=$(port_of server)
expect_line server.ev "ready role=server$(server_at) local=$addr"
expect_ok peer raw "connect=$local" text=hi gettext=hi fin end
wait_for 10 has_lines 1 server.json '"state":"closed"'
wait_for 10 has_lines 1 client.out '"state":"closed"'
stop client
stop server
events server
events client client.out
for side in client server; do
	expect_line $side.ev 'stream closed id=1 .* sent=2 received=2 whole=true .*'
	expect_eq "$(tail -n 1 $side.ev)" "end code=0"
done

check "a server that cannot listen: not ready, and the end"
told server server 192.0.2.1 7000 "$STRONG" --to 127.0.0.1:1
expect_exit server 1
events server
expect_eq "$(order server)" "error, end"
expect_line server.ev 'error error=cannot listen on 192\.0\.2\.1:7000: .*'
expect_line server.ev 'end code=1'

check "$CONNS streams at once: every line is whole, every byte is counted"
told server server 127.0.0.1 0 "$STRONG" --to "$(addr_of echo)"
listening server
told client client 127.0.0.1 "$(port_of server)" "$STRONG" --listen 0
listening client
linked server client
expect_ok peer crowd "$(addr_of client)" "$CONNS" 3000
wait_for 10 has_lines "$CONNS" client.json '"state":"closed"'
wait_for 10 has_lines "$CONNS" server.json '"state":"closed"'
stop client
stop server
total=$((CONNS * 3000 + CONNS * (CONNS - 1) / 2))
for side in client server; do
	events $side
	expect_eq "$(count_lines $side.ev '^stream opened')" "$CONNS"
	expect_eq "$(count_lines $side.ev '^stream closed.* whole=true')" "$CONNS"
	for way in sent received; do
		expect_eq "$(sed -n "s/^stream closed.* $way=\([0-9]*\) .*/\1/p" \
		    $side.ev | awk '{ n += $1 } END { print n + 0 }')" "$total"
	done
done

check "what cannot be: one line, exit 2"
no() {
	adit no "$@"
	expect_exit no 2
	expect_eq "$(grep -c . no.err)" 1
	expect_eq "$(cat no.out)" ""
}
no client 127.0.0.1 7000 "$STRONG" --json
no server 127.0.0.1 0 "$STRONG" --json
no client 127.0.0.1 7000 "$STRONG" --json-fd 1
no server 127.0.0.1 0 "$STRONG" --json-fd 1
for fd in 9 1000 65535 0 65536 -1 x ''; do
	no server 127.0.0.1 0 "$STRONG" --to 127.0.0.1:1 --json-fd "$fd"
	no client 127.0.0.1 7000 "$STRONG" --json-fd "$fd"
done
expect_line no.err '.*the number of an open descriptor.*'
no server 127.0.0.1 0 "$STRONG" --json-fd 9
expect_line no.err '.*--json-fd wants an open descriptor, and 9 is none'
ADIT_JSON_FD=9
export ADIT_JSON_FD
no server 127.0.0.1 0 "$STRONG"
unset ADIT_JSON_FD
ADIT_JSON=1
export ADIT_JSON
no server 127.0.0.1 0 "$STRONG"
unset ADIT_JSON

# Streams, a link that ends and comes back, an orderly stop.
goes_on() {
	port=$(port_of server)
	for _i in 1 2 3; do
		expect_ok peer raw "connect=$(addr_of client)" text=hi \
		    gettext=hi fin end
	done
	stop client
	adit client client 127.0.0.1 "$port" "$STRONG" --listen 0
	listening client
	wait_line client.err '^connected to '
	expect_ok peer raw "connect=$(addr_of client)" text=hi gettext=hi \
	    fin end
	stop client
	stop server
}

check "a reader that goes away ends nothing"
mkfifo one two
start first head -n 1 one
start second head -n 1 two
OUT=one adit server server 127.0.0.1 0 "$STRONG" --to "$(addr_of echo)" --json
wait_line server.err '^(listening on|waiting in room) '
TO=$T/two told client client 127.0.0.1 "$(port_of server)" "$STRONG" --listen 0
wait_line client.err '^listening on '
expect_exit first 0
expect_exit second 0
wait_line client.err '^connected to '
for who in first second; do
	events $who $who.out
	expect_eq "$(order $who)" ready
done
goes_on

check "neither does one that does not read; the next lines are whole again"
exec 4<>two
# shellcheck disable=SC2086 # $PYTHON is several words
$PYTHON "$TESTS/59-json.py" fill two
adit server server 127.0.0.1 0 "$STRONG" --to "$(addr_of echo)"
wait_line server.err '^(listening on|waiting in room) '
TO=$T/two told client client 127.0.0.1 "$(port_of server)" "$STRONG" --listen 0
wait_line client.err '^connected to '
for _i in 1 2 3; do
	expect_ok peer raw "connect=$(addr_of client)" text=hi gettext=hi \
	    fin end after=0:8
done
# What is lost is lost once it has been waited for.
wait_for 10 idle
# shellcheck disable=SC2086
$PYTHON "$TESTS/59-json.py" drain two >lost
expect_eq "$(cat lost)" ""
expect_ok peer raw "connect=$(addr_of client)" text=hi gettext=hi fin end
stop client
# shellcheck disable=SC2086
$PYTHON "$TESTS/59-json.py" drain two >late
events late late part
expect_line late.ev 'stream closed id=4 .* sent=2 received=2 whole=true .*'
expect_eq "$(tail -n 1 late.ev)" "end code=0"
stop server
exec 4>&-
finish
