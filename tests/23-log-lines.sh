#!/bin/sh
# Goal: every line on stderr is one of those that are documented, once where it belongs, and none when asked to be quiet.
# Modes: native plain
. "${0%/*}/lib.sh"

# first: what is said before anything else.
if [ "$SEALED" = 1 ]; then
	first='a short token can be guessed; "adit token" makes a good one'
	wrong='wrong token, or it gave up'
	refused='refused: wrong token \(or somebody in between\)'
else
	first='not encrypted: anybody on the path can read the token and the data'
	wrong='wrong token'
	refused='refused: wrong token, busy, or the server encrypts \(leave out --plain\)'
fi

# only FILE: every line of FILE is a documented one.
only() {
	ip='(127\.0\.0\.1:[0-9]+|\[::1\]:[0-9]+)'
	grep -Evx "$first|\
listening on $ip|connected to $ip(, direct [0-9]+ ms)?|client $ip (accepted|linked|gone: the other side stops)|\
link to $ip ended: stopped|\
$refused|refused $ip: ($wrong|busy)|\
stream [0-9]+ opened: $ip -> $ip|\
stream [0-9]+ closed after [0-9]+\.[0-9]+ s, [0-9]+ bytes sent, [0-9]+ received: [a-z].*|\
cannot connect to $ip: Connection refused.*" "$1" >odd.lines &&
	    fail "in $1: $(cat odd.lines)"
	rm -f odd.lines
}

start_peer service serve echo
serving service
service=$(addr_of service)

check "a pipe: three lines on each side, the warning first"
printf 'hello' >data
IN=data adit pserver server 127.0.0.1 0 "$TOKEN"
listening pserver
adit pclient client 127.0.0.1 "$(port_of pserver)" "$TOKEN"
expect_exit pclient 0
expect_exit pserver 0
only pserver.err
only pclient.err
expect_eq "$(grep -c . pserver.err)" 3
expect_eq "$(grep -c . pclient.err)" 2
expect_eq "$(count_lines pserver.err "$first")" 1
expect_eq "$(head -n 1 pserver.err)" "$first"
expect_eq "$(count_lines pclient.err "$first")" 1
expect_eq "$(head -n 1 pclient.err)" "$first"

check "a forwarder without -v: nothing for each stream"
tunnel "$service"
expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
stop client
# Stopped before it has read that, it would not say so.
[ "$SEALED" = 0 ] || wait_line server.err ' gone: the other side stops$'
stop server
only client.err
only server.err
# Sealed, there is the link: up at the client, up and gone at the server.
expect_eq "$(grep -c . client.err)" $((2 + SEALED))
expect_eq "$(grep -c . server.err)" $((2 + 2 * SEALED))
if [ "$SEALED" = 1 ]; then
	expect_eq "$(tail -n 1 client.err | cut -d ' ' -f 1,2)" "connected to"
	expect_line server.err "client 127\.0\.0\.1:[0-9]+ gone: the other side stops"
fi

check "-v: two lines for each stream, with addresses and bytes of both ways"
tunnel "$service" -v
expect_ok peer raw "connect=$ENTRY" text=hello gettext=hello fin end
expect_ok peer raw "connect=$ENTRY" fin end
wait_for 5 has_lines 2 server.err ' closed after '
wait_for 5 has_lines 2 client.err ' closed after '
stop client
stop server
only client.err
only server.err
for side in client server; do
	expect_eq "$(count_lines "$side.err" '^stream 1 opened: ')" 1
	expect_line "$side.err" \
	    'stream 1 closed after [0-9]\.[0-9]+ s, 5 bytes sent, 5 received: done'
	expect_line "$side.err" \
	    'stream 2 closed after [0-9]\.[0-9]+ s, 0 bytes sent, 0 received: done'
done
expect_line server.err "stream 1 opened: 127\.0\.0\.1:[0-9]+ -> $service"

check "sent and received are told from the local end"
printf '1234567' >seven
start_peer source serve source 1000
serving source
tunnel "$(addr_of source)" -v
expect_ok peer raw "connect=$ENTRY" end fin
wait_line client.err 'stream 1 closed after .*, 0 bytes sent, 1000 received: '
wait_line server.err 'stream 1 closed after .*, 1000 bytes sent, 0 received: '
stop client
stop server

check "-v over IPv6: addresses in brackets"
adit server server ::1 0 "$TOKEN" --to "$service" -v
listening server
adit pclient client ::1 "$(port_of server)" "$TOKEN"
expect_exit pclient 0
expect_line pclient.err 'connected to \[::1\]:[0-9]+(, direct [0-9]+ ms)?'
wait_line server.err '^stream 1 opened: \[::1\]:[0-9]+ -> 127\.0\.0\.1:[0-9]+$'
stop server

check "a wrong token: loud on both sides; plain, the local connection is reset"
adit server server 127.0.0.1 0 "$TOKEN" --to "$service"
listening server
adit client client 127.0.0.1 "$(port_of server)" other --listen 0
listening client
[ "$SEALED" = 1 ] || expect_ok peer raw "connect=$(addr_of client)" reset
wait_line server.err "^refused 127\\.0\\.0\\.1:[0-9]+: $wrong\$"
wait_line client.err "^$refused\$"
# Sealed, it knows that by itself, and at once.
if [ "$SEALED" = 1 ]; then
	expect_exit client 3
else
	stop client
fi
expect_eq "$(count_lines client.err '^refused')" 1
only client.err
only server.err
stop server

check "-q: errors only"
at=$NOBODY
adit server server 127.0.0.1 "${at##*:}" "$TOKEN" --to "$service" -q
wait_for 5 eval "ss -Htln | grep -q ':${at##*:} '"
adit pclient client 127.0.0.1 "${at##*:}" "$TOKEN" -q
expect_exit pclient 0
expect_eq "$(cat server.err)" ""
expect_eq "$(cat pclient.err)" ""
adit pclient client 127.0.0.1 "${at##*:}" wrong -q
expect_exit pclient 3
expect_line pclient.err "$refused"
expect_eq "$(grep -c . pclient.err)" 1
stop server

check "no line is longer than a line, and none holds control bytes"
status=0
"$ADIT" client "$(printf 'no\033[31m\nsuch\177')" 7000 "$TOKEN" 2>odd.err \
    </dev/null || status=$?
expect_range "$status" 1 2
expect_eq "$(wc -l <odd.err)" "$(grep -c . odd.err)"
LC_ALL=C tr -d '\n -~' <odd.err >odd.bytes
expect_eq "$(wc -c <odd.bytes)" 0
finish
