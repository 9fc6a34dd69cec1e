#!/bin/sh
# Goal: with --once a client ends at the first failure, without it it comes back by itself, within 2 s and at once on SIGHUP, and loses nothing on the way.
# Modes: native asan relay
# Slow: left out of tests/run --quick.
#
# Networks that go silent, and hundreds of reconnects: 70 and 72.
. "${0%/*}/lib.sh"
sealed_only

start_peer service serve echo
serving service
service=$(addr_of service)
port=${NOBODY##*:}
meet_at "$port"
none=$(nobody "$port")
! direct || none="$none \(is the server running\?\)"

# quick NAME STATUS: it ends by itself, soon, and does not say that it tries
# again.
quick() {
	now
	began=$NOW
	expect_exit "$1" "$2" 10
	now
	expect_range $((NOW - began)) 0 "$SOON"
	expect_no_line "$1.err" 'again'
}

for end in "--listen 0" "--to $service"; do
	check "--once, $end: no server, no such name, a wrong token, a misfit"
	# shellcheck disable=SC2086 # options are words, here and below
	adit client client 127.0.0.1 "$port" "$TOKEN" $end --once
	quick client 1
	expect_line client.err "$none"
	# shellcheck disable=SC2086
	adit client client nosuch.invalid "$port" "$TOKEN" $end --once
	expect_exit client 1 30
	expect_line client.err "cannot resolve nosuch\.invalid: .*"
	side="--listen 0"
	[ "$end" != "--listen 0" ] || side="--to $service"
	# shellcheck disable=SC2086
	adit server server 127.0.0.1 0 "$TOKEN" $side
	listening server
	# shellcheck disable=SC2086
	adit client client 127.0.0.1 "$(port_of server)" wrong $end --once
	quick client 3
	# shellcheck disable=SC2086
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" $end -u --once
	quick client 1

	check "--once, $end: works until the link is lost, then exit 4"
	for how in KILL TERM; do
		# shellcheck disable=SC2086
		adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
		    $end --once
		linked server client
		at=$(local_of server)
		[ -n "$at" ] || at=$(addr_of client)
		expect_ok peer raw "connect=$at" text=hi gettext=hi fin end
		if [ "$how" = KILL ]; then
			kill_now server
			quick client 4
			# shellcheck disable=SC2086
			adit server server 127.0.0.1 0 "$TOKEN" $side
			listening server
		else
			stop server
			quick client 4
		fi
		expect_line client.err "link to 127\.0\.0\.1:[0-9]+ lost: .*"
	done
done
ADIT_ONCE=1
export ADIT_ONCE
adit client client 127.0.0.1 "$port" "$TOKEN" --listen 0
quick client 1
unset ADIT_ONCE

check "without it: it waits for the first server, and has the link within 2 s"
adit client client 127.0.0.1 "$port" "$TOKEN" --listen 127.0.0.1:0
listening client
entry=$(addr_of client)
wait_line client.err "^$none; trying again"
sleep 2		# so that waits have grown as far as they do
adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
listening server
now
began=$NOW
wait_line server.err '^client 127\.0\.0\.1:[0-9]+ linked$'
now
expect_range $((NOW - began)) 0 $((200 * SLOW))
linked server client

check "SIGHUP: another link at once, in the place of the old one; streams go on"
start_peer visitor raw "connect=$entry" text=one gettext=one say=up wait=go \
    text=two gettext=two fin end
wait_line visitor.out '^up$'
for i in 1 2 3; do
	send_signal client HUP
	wait_for 5 has_lines $((i + 1)) server.err ' linked$'
	wait_for 5 has_lines "$i" server.err ' gone: replaced by a newer link$'
	wait_for 5 has_lines $((i + 1)) client.err '^connected to '
	expect_ok peer raw "connect=$entry" text=hi gettext=hi fin end
done
expect_eq "$(count_lines client.err '^SIGHUP: dialling now$')" 3
expect_no_line client.err ' lost: '
: >go
expect_exit visitor 0
wait_for 20 back_to_baseline server
wait_for 20 back_to_baseline client

check "SIGHUP ends what keeps no link"
mkfifo down
IN=down adit pserver server 127.0.0.1 0 "$TOKEN"
exec 3<>down
listening pserver
adit pclient client 127.0.0.1 "$(port_of pserver)" "$TOKEN"
wait_line pclient.err '^connected to '
send_signal pclient HUP
expect_exit pclient 129
expect_exit pserver 4
exec 3>&-

check "killed and started again, again and again: the visitor waits, and is served"
i=0
while [ "$i" -lt 5 ]; do
	i=$((i + 1))
	kill_now server
	start_peer visitor raw "connect=$entry" say=up text=hi gettext=hi fin end
	wait_line visitor.out '^up$'
	adit server server 127.0.0.1 "$port" "$TOKEN" --to "$service"
	listening server
	now
	began=$NOW
	expect_exit visitor 0
	now
	expect_range $((NOW - began)) 0 $((200 * SLOW))
done
linked server client

check "two clients in turn have one local port, and the server keeps neither"
stop client
wait_line server.err ' gone: the other side stops$'
adit client client 127.0.0.1 "$port" "$TOKEN" --listen "$entry"
listening client
expect_ok peer raw "connect=$entry" text=hi gettext=hi fin end
linked server client
finish
