#!/bin/sh
# Goal: a relay's name with several addresses: a server waits at two relays of its own, a client finds it, and the end of any one relay is made good in seconds.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

. "$TESTS/networks.sh"
networks
service_in near

named relay.test 10.77.2.2 10.77.2.3 10.77.2.4

port=7000
relay() {	# relay NUMBER: at 10.77.2.NUMBER
	adit_in far "relay$1" relay "10.77.2.$1" "$port" -v
	wait_line "relay$1.err" '^relay, listening on '
}

# places NAME: the numbers of the relays at which it waits.
places() {
	awk '/^waiting in room / { at[$NF] = 1 }
	/^no longer in room / { sub(/:$/, "", $8); delete at[$8] }
	END { for (a in at) print a }' "$T/$1.err" |
	    sed 's/^10\.77\.2\.\(.*\):.*/\1/' | sort | xargs
}

# at_two NAME: it is at two relays, or still at one more that it has left for
# a better one.
# shellcheck disable=SC2317 # wait_for calls it
at_two() {
	case $(places "$1") in
	?' '?*)	return 0 ;;
	esac
	return 1
}

# not_at NAME NUMBER: it does not wait there (any more)
# shellcheck disable=SC2317 # wait_for calls it
not_at() {
	case " $(places "$1") " in
	*" $2 "*)	return 1 ;;
	esac
}

# at_best NAME: the places that it would choose are among its own.  Until it
# leaves the third, which takes 10 min, it may have three.
# shellcheck disable=SC2317 # wait_for calls it
at_best() {
	_n=0
	for _p in $(places "$1"); do
		case " $home " in
		*" $_p "*)	_n=$((_n + 1)) ;;
		esac
	done
	[ "$_n" -eq 2 ]
}

# where NAME: the number of the relay through which its last link goes.
where() {
	sed -n 's/^connected to room .* relay 10\.77\.2\.\(.\):.*/\1/p' \
	    "$T/$1.err" | tail -n 1
}

join() {	# join NAME ROOM: a client, linked
	adit_in near "$1" client relay.test "$port" "$STRONG" --room "$2" \
	    --listen 0 -v
	listening "$1"
	wait_line "$1.err" '^connected to room '
}

serve() {	# serve NAME ROOM
	adit_in near "$1" server relay.test "$port" "$STRONG" --room "$2" \
	    --to "$service" -v
}

for i in 2 3 4; do
	relay $i
done

check "the server waits at two, the client comes through the first of them"
serve server r
wait_for 5 at_two server
join client r
entry=$(addr_of client)
now
usable "$entry" "$NOW" 1
home=$(places server)
echo "# server at $home, client through $(where client)"

check "a second server has no place anywhere, not even at the third relay"
serve second r
wait_line second.err 'room busy' 15
sleep 3
expect_no_line second.err '^waiting'
stop second

check "each of the relays is killed, and started again"
for i in 2 3 4; do
	_was=$(where client)
	kill_now "relay$i"
	now
	usable "$entry" "$NOW" 3
	wait_for 5 not_at server "$i"
	wait_for 5 at_two server
	now
	echo "# $i killed, client was at $_was, now at $(where client);" \
	    "server at $(places server)"
	relay $i
	wait_for 5 at_two server
done

# If it is the client's, its link has to be silent for 5 s before another one
# is dialled, beside which 2 s are spent on the dead relay.
check "each of them is unplugged for 14 s"
for i in 2 3 4; do
	_was=$(where client)
	link_down "10.77.2.$i"
	now
	usable "$entry" "$NOW" "$([ "$i" = "$_was" ] && echo 7 || echo 1)"
	now
	echo "# $i unplugged, client was at $_was, now at $(where client);" \
	    "server at $(places server)"
	sleep 14
	wait_for 5 not_at server "$i"
	wait_for 5 at_two server
	link_up "10.77.2.$i"
done
stop client

# Who is up elsewhere looks for the dead one every 30 s.
check "the better relay comes back: so do the server and the next client"
wait_for 35 at_best server
join client r
best=$(where client)
kill_now "relay$best"
usable "$(addr_of client)" "$NOW" 3
sleep 3
now
AT=$NOW
relay "$best"
wait_for 35 at_best server
now
echo "# the server is there after $(hundredths $((NOW - AT))) s"
join late r
expect_eq "$(where late)" "$best"
usable "$(addr_of late)" "$NOW" 1
stop late
stop client
stop server

check "two addresses that are one relay count once, and the room is held still"
adit_in far both relay 0.0.0.0 7001 -v
wait_line both.err '^relay, listening on '
move_name 10.77.2.5 10.77.2.6
port=7001
serve server a
join client a
# shellcheck disable=SC2086 # $PYTHON is several words
start_in near talk $PYTHON "$TESTS/70-net.py" talk "$(addr_of client)" \
    "$T/talk.stop"
wait_line talk.out '^up$'
# It comes to rest: nothing changes for 7 s.
# shellcheck disable=SC2317 # wait_for calls it
at_rest() {
	_was=$(count_lines server.err '^waiting')
	[ "$_was" -gt 0 ] && sleep 7 &&
	    [ "$(count_lines server.err '^waiting')" -eq "$_was" ]
}
wait_for 10 at_rest
: >talk.stop
expect_exit talk 0
echo "# $(count_lines server.err '^waiting') times in the room," \
    "$(count_lines server.err '^no longer') times out of it"
expect_range "$(count_lines server.err '^waiting')" 1 3
case $(places server) in
*' '*)	fail "at one relay twice" ;;
esac
stop server
stop client
stop both
finish
