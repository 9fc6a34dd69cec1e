#!/bin/sh
# Goal: somebody on the path who resets connections at random only costs time: the client comes back each time, and nothing cut off looks whole.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

. "$TESTS/networks.sh"
networks
peer_in far service serve echo
serving service
size=200000
# shellcheck disable=SC2086 # $PYTHON is several words
start_in far turns $PYTHON "$TESTS/70-net.py" turns "$size"
serving turns
adit_in far server server 10.77.2.2 0 "$TOKEN" -v \
    --to "$(addr_of service)" --to "$(addr_of turns)"
listening server
port=$(port_of server)
adit_in near client client 10.77.2.2 "$port" "$TOKEN" --listen 0 -v
listening client
linked server client
entry=$(addr_of client)
adit_in near caller client 10.77.2.2 "$port" "$TOKEN" --listen 0 -v \
    --target "$(addr_of turns)"
listening caller
linked server caller
# shellcheck disable=SC2154 # set by note_fds
fds_both=$fds_server

# shellcheck disable=SC2317 # wait_for calls it
has_new_link() {	# has_new_link N: the client has had more than N
	[ "$(count_lines client.err '^connected to ')" -gt "$1" ]
}

check "each link is reset as soon as one of its ends speaks, 6 times"
i=0 worst=0
while [ "$i" -lt 6 ]; do
	i=$((i + 1))
	had=$(count_lines client.err '^connected to ')
	for link in $(est near dst 10.77.2.2); do
		extra tcp sport "$link" reject with tcp reset
		extra tcp dport "$link" reject with tcp reset
	done
	wait_for 10 has_new_link "$had"
	extra
	now
	usable "$entry" "$NOW" 2 >/dev/null
	[ "$TOOK" -le "$worst" ] || worst=$TOOK
done
echo "# usable again after $(hundredths "$worst") s at most"

check "for 6 s every connection is reset"
extra ip protocol tcp reject with tcp reset
sleep 6
extra
now
usable "$entry" "$NOW" 2

# So that some get through and some do not.
reset_at_random() {	# reset_at_random PER-THOUSAND
	extra ip protocol tcp numgen random mod 1000 '<' "$1" \
	    reject with tcp reset
}

# brave NAME SECONDS: visitors of that client; each is whole, or reset
brave() {
	# shellcheck disable=SC2086 # $PYTHON is several words
	within near $PYTHON "$TESTS/70-net.py" brave "$(addr_of "$1")" \
	    "$size" "$2" >brave.out 2>brave.err || fail "$(cat brave.err)"
	echo "# $(cat brave.out)," \
	    "$(count_lines "$1.err" '^link to .* lost') links lost"
	expect_line brave.out '[1-9][0-9]* whole, [1-9][0-9]* reset'
	expect_no_line turns.out '^wrong'
}

# (Only one side hears of each: the other one by TCP's keepalives, after 30 s.)
check "resets at random: a stream is whole, or both its ends see a reset"
reset_at_random 10
brave caller 10
extra

check "somebody who ends connections in order: that is no end, either"
# shellcheck disable=SC2086 # $PYTHON is several words
start fickle $PYTHON "$TESTS/70-net.py" fickle 10.77.1.1:0 "10.77.2.2:$port" \
    800000
serving fickle
adit_in near cut client 10.77.1.1 "$(port_of fickle)" "$TOKEN" --listen 0 -v \
    --target "$(addr_of turns)"
listening cut
linked server cut
brave cut 5
stop cut
kill_now fickle

check "the same for pipes: exit 0 only when all was delivered"
reset_at_random 10
peer gen 3 100000 >data
i=0 whole=0
while [ "$i" -lt 30 ]; do
	i=$((i + 1))
	IN=data adit_in far pserver server 10.77.2.3 0 "$TOKEN"
	listening pserver
	IN=data adit_in near pclient client 10.77.2.3 "$(port_of pserver)" \
	    "$TOKEN"
	reap pclient 20
	client=$STATUS
	case $client in
	0|1|4)	;;
	*)	fail "the client exited $client: $(cat pclient.err)" ;;
	esac
	# It may not have heard of the client at all.
	if [ "$client" -eq 0 ] || grep -q accepted pserver.err; then
		reap pserver 20
		server=$STATUS
	else
		kill_now pserver
		server=4
	fi
	[ "$server" -eq 0 ] || [ "$server" -eq 4 ] ||
	    fail "the server exited $server: $(cat pserver.err)"
	# A last word, that all is there, may be what is lost: then one of the
	# two cannot know it, and says 4.
	if [ "$client" -eq 0 ] || [ "$server" -eq 0 ]; then
		whole=$((whole + 1))
		cmp -s data pclient.out || fail "0 without all that was sent"
		cmp -s data pserver.out || fail "0 without all that was sent"
	fi
done
echo "# $whole of 30 whole"
extra
now
usable "$entry" "$NOW" 2
# Streams and links of which only one side has heard end by keepalives.
fds_server=$fds_both
for name in server client caller; do
	wait_for 60 back_to_baseline "$name"
done
finish
