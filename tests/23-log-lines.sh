#!/bin/sh
# Goal: every line on stderr is one of those that are documented, once where it belongs, and none when asked to be quiet.
# Modes: native
. "${0%/*}/lib.sh"

# only FILE: every line of FILE is a documented one.
only() {
	ip='(127\.0\.0\.1:[0-9]+|\[::1\]:[0-9]+)'
	grep -Evx "not encrypted: anybody on the path can read the token and the data|\
listening on $ip|connected to $ip|client $ip accepted|\
refused: wrong token, or busy|refused $ip: (wrong token|busy)|\
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
expect_eq "$(count_lines pserver.err '^not encrypted')" 1
expect_eq "$(count_lines pclient.err '^not encrypted')" 1

check "a forwarder without -v: nothing for each stream"
tunnel "$service"
expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
stop client
stop server
for side in client server; do
	only "$side.err"
	expect_eq "$(grep -c . "$side.err")" 2
done

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
	    'stream 1 closed after 0\.[0-9]+ s, 5 bytes sent, 5 received: done'
	expect_line "$side.err" \
	    'stream 2 closed after 0\.[0-9]+ s, 0 bytes sent, 0 received: done'
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
expect_ok peer raw "connect=$(addr_of server)" token=sesame gethex=01 fin end
wait_line server.err '^stream 1 opened: \[::1\]:[0-9]+ -> 127\.0\.0\.1:[0-9]+$'
stop server

check "a wrong token: loud on both sides, the local connection is reset"
adit server server 127.0.0.1 0 "$TOKEN" --to "$service"
listening server
adit client client 127.0.0.1 "$(port_of server)" other --listen 0
listening client
expect_ok peer raw "connect=$(addr_of client)" reset
wait_line server.err '^refused 127\.0\.0\.1:[0-9]+: wrong token$'
wait_line client.err '^refused: wrong token, or busy$'
expect_eq "$(count_lines client.err '^refused')" 1
only client.err
only server.err
stop client
stop server

check "-q: errors only"
start_peer free serve hold
serving free
at=$(addr_of free)
kill_now free
adit server server 127.0.0.1 "${at##*:}" "$TOKEN" --to "$service" -q
wait_for 5 eval "ss -Htln | grep -q ':${at##*:} '"
expect_ok peer raw "connect=$at" token=sesame gethex=01 fin end
expect_eq "$(cat server.err)" ""
adit pclient client 127.0.0.1 "${at##*:}" "$TOKEN" -q
expect_exit pclient 0
expect_eq "$(cat pclient.err)" ""
adit pclient client 127.0.0.1 "${at##*:}" wrong -q
expect_exit pclient 3
expect_eq "$(cat pclient.err)" "refused: wrong token, or busy"
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
