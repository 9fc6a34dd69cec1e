#!/bin/sh
# Goal: at a relay, a server that was killed, frozen or unplugged gets its room back in seconds, a live one never loses it to a second one, and a relay's restart or a minute without network heals by itself on both sides.
# Modes: native
# Slow: left out of tests/run --quick.
#
# Servers are in four networks: home, remote (a round trip of 0.1 s from all
# others) and twin, which the relay sees with one address, and away, with
# another.  Each case has a room of its own: a relay
# that has asked a room's owner does not ask for the same newcomer again for
# 30 s.  OUTAGE: how long the network is away, in seconds (15: longer than any
# silence that either side takes for life).
. "${0%/*}/lib.sh"
sealed_only
OUTAGE=${OUTAGE:-15}

. "$TESTS/networks.sh"
networks

another() {	# another NAME NET: one more namespace, 10.77.NET.2
	start "$1" unshare --net sleep 100000
	wait_for 5 entered "$1"
	ip link add "${1}0" type veth peer name eth0 netns "$(pid_of "$1")"
	ip addr add "10.77.$2.1/24" dev "${1}0"
	ip link set "${1}0" up
	within "$1" sh -c "
		ip link set lo up
		ip link set eth0 up
		ip addr add 10.77.$2.2/24 dev eth0
		ip route add default via 10.77.$2.1"
}
another home 3
another twin 4
another away 5
(: <>/dev/net/tun) 2>"$T/refused" || skip "no TUN: $(cat "$T/refused")"
start remote unshare --net sleep 100000
wait_for 5 entered remote
# shellcheck disable=SC2086 # $PYTHON is several words
start wire $PYTHON "$TESTS/70-net.py" wire remote0 remote1 50 0
wait_line wire.out '^up$'
ip link set remote1 netns "$(pid_of remote)"
ip addr add 10.77.6.1/24 dev remote0
ip link set remote0 up
within remote sh -c '
	ip link set lo up
	ip link set remote1 up
	ip addr add 10.77.6.2/24 dev remote1
	ip route add default via 10.77.6.1'
nft -f - 2>"$T/refused" <<-'END' || skip "no NAT: $(cat "$T/refused")"
	table ip one {
		chain behind {
			type nat hook postrouting priority 100;
			ip saddr { 10.77.3.2, 10.77.4.2, 10.77.6.2 } snat to 10.77.2.1
		}
	}
	END

port=7000
relay() {
	adit_in far relay relay 10.77.2.2 "$port" -v
	wait_line relay.err '^relay, listening on '
}
relay
peer_in far service serve echo 0 10.77.2.3:0
serving service
service=$(addr_of service)

serve() {	# serve NAMESPACE NAME ROOM: a server; AT says since when
	now
	AT=$NOW
	adit_in "$1" "$2" server 10.77.2.2 "$port" "$STRONG" --room "$3" \
	    --to "$service" -v
}

has_room() {	# has_room NAME
	wait_line "$1.err" '^waiting in room '
}

# in_room NAME SECONDS: it has its room not later than so long after AT.
in_room() {
	wait_line "$1.err" '^waiting in room ' $(($2 + 5))
	now
	echo "# $1 in its room after $(hundredths $((NOW - AT))) s"
	expect_range $((NOW - AT)) 0 $((($2 + SLOW - 1) * 100))
}

visit() {	# visit NAME ROOM: a client in that room
	adit_in near "$1" client 10.77.2.2 "$port" "$STRONG" --room "$2" \
	    --listen 0 -v
	listening "$1"
	wait_line "$1.err" '^connected to room '
}

kept() {	# kept NAME: it was never out of its room
	expect_no_line "$1.err" '^no longer in room '
}

refused() {	# refused NAME: it was told so, and had the room at no time
	wait_line "$1.err" 'room busy' 15
	expect_no_line "$1.err" '^waiting in room '
	stop "$1"
}

check "killed, and started again"
serve home killed k
has_room killed
visit kclient k
kill_now killed
serve home again k
in_room again 3
usable "$(addr_of kclient)" "$AT" 3
kept again
stop kclient
stop again

check "frozen: another one from its address, and from another"
serve home frozen1 f1
has_room frozen1
serve home frozen2 f2
has_room frozen2
send_signal frozen1 STOP
send_signal frozen2 STOP
serve home thaw1 f1
in_room thaw1 3
serve away thaw2 f2
in_room thaw2 12

check "what was frozen goes on: it is told, and the room stays its successor's"
visit fclient1 f1
visit fclient2 f2
send_signal frozen1 CONT
send_signal frozen2 CONT
for i in 1 2; do
	wait_line "frozen$i.err" '^no longer in room '
	wait_line "frozen$i.err" 'room busy'
done
stop frozen1
kill_now frozen2
now
for i in 1 2; do
	usable "$(addr_of "fclient$i")" "$NOW" 1
	kept "thaw$i"
	expect_no_line "fclient$i.err" ' lost'
	stop "fclient$i"
	stop "thaw$i"
done

check "unplugged: another one from its address, and from another"
serve home gone1 u1
has_room gone1
serve home gone2 u2
has_room gone2
visit uclient u1
link_down 10.77.3.2
serve twin new1 u1
in_room new1 3
# The client has to find its link silent for 5 s first.
usable "$(addr_of uclient)" "$AT" 9
serve away new2 u2
in_room new2 12
link_up 10.77.3.2
for i in 1 2; do
	wait_line "gone$i.err" '^no longer in room '
	wait_line "gone$i.err" 'room busy'
	stop "gone$i"
	kept "new$i"
done
now
usable "$(addr_of uclient)" "$NOW" 1
stop uclient
stop new1
stop new2

check "a live one: who comes second is told, wherever from"
serve home live l
has_room live
visit lclient l
# shellcheck disable=SC2086 # $PYTHON is several words
start_in near talk $PYTHON "$TESTS/70-net.py" talk "$(addr_of lclient)" \
    "$T/talk.stop" 0.05
wait_line talk.out '^up$'
serve twin second l
serve away third l
refused second
refused third

# What the relay asks is lost at first, and TCP takes its time.
check "a live one whose network is away for a second while others ask for it"
for i in 1 2 3 4 5 6; do
	serve home "live$i" "l$i"
	serve remote "remote$i" "r$i"
	has_room "live$i"
	has_room "remote$i"
done
nft -f - 2>"$T/refused" <<-'END' || skip "no timeouts: $(cat "$T/refused")"
	table ip way {
		set away { type ipv4_addr; flags timeout; }
		chain briefly {
			type filter hook forward priority 2;
			ip saddr @away drop
			ip daddr @away drop
		}
	}
	END

# hiccup: for a second from now on, however long what we do meanwhile takes and
# whoever gets a processor: the kernel itself ends it.
hiccup() {
	nft add element ip way away \
	    '{ 10.77.3.2 timeout 1s, 10.77.6.2 timeout 1s }'
}
hiccup
for i in 1 2 3 4 5; do
	serve twin "second$i" "l$i"
	serve twin "other$i" "r$i"
	sleep 0.15
done
for i in 1 2 3 4 5; do
	refused "second$i"
	refused "other$i"
done
hiccup
serve away second6 l6
serve away other6 r6
refused second6
refused other6
for i in 1 2 3 4 5 6; do
	kept "live$i"
	kept "remote$i"
	stop "live$i"
	stop "remote$i"
done
: >talk.stop
expect_exit talk 0
echo "# $(tail -n 1 talk.out)"
kept live

# out WHAT ADDR: it has no network for a while.
out() {
	check "no network for $OUTAGE s: $1"
	link_down "$2"
	sleep "$OUTAGE"
	link_up "$2"
	usable "$(addr_of lclient)" "$NOW" 2
}
out "the server" 10.77.3.2
out "the client" 10.77.1.2
out "the relay" 10.77.2.2

check "the relay is killed, and started again after 0, 2 and 12 s"
for i in 0 2 12; do
	kill_now relay
	sleep "$i"
	now
	AT=$NOW
	relay
	usable "$(addr_of lclient)" "$AT" 2
done
wait_line relay.err '^room l: server .* waits'
finish
