#!/bin/sh
# Goal: the server moves to another address and its name follows: the client finds it by itself, whether the old place refuses or is silent.
# Modes: native
. "${0%/*}/lib.sh"
sealed_only

. "$TESTS/networks.sh"
networks
service_in far

named server.test 10.77.2.2

port=7000
serve() {	# serve ADDR
	adit_in far server server "$1" "$port" "$TOKEN" --to "$service" -v
	listening server
}

serve 10.77.2.2
adit_in near client client server.test "$port" "$TOKEN" --listen 0 -v
listening client
linked server client
entry=$(addr_of client)
now
usable "$entry" "$NOW" 2

check "the old machine stands, but the server there is gone: refused"
kill_now server
serve 10.77.2.3
move_name 10.77.2.3
now
usable "$entry" "$NOW" 2
wait_line server.err '^client .* linked'

check "the old machine is gone with all that was there: silence"
link_down 10.77.2.3
kill_now server
serve 10.77.2.4
move_name 10.77.2.4
now
# The old link has to be silent for 5 s before another is dialled.
usable "$entry" "$NOW" 7
wait_line server.err '^client .* linked'
expect_no_line server.err 'gone'

check "nobody knows the name for 6 s: the client asks on"
kill_now server
move_name
sleep 6
wait_line client.err '^cannot resolve server\.test: .*; trying again$'
serve 10.77.2.5
move_name 10.77.2.5
now
usable "$entry" "$NOW" 2

check "the name server itself is silent for 12 s"
kill_now server
move_name 10.77.2.6
serve 10.77.2.6
nft add chain ip way here '{ type filter hook input priority 0; }'
nft add rule ip way here udp dport 53 drop
send_signal client HUP
sleep 12
nft flush chain ip way here
now
usable "$entry" "$NOW" 2

check "two addresses, of which the first is silent"
kill_now server
link_down 10.77.2.2
move_name 10.77.2.2 10.77.2.4
serve 10.77.2.4
now
usable "$entry" "$NOW" 7
linked server client
finish
