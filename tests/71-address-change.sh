#!/bin/sh
# Goal: a client whose address changes, or whose network goes and comes back, is linked again by itself, and the server drops its old link at once.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

. "$TESTS/networks.sh"
networks
service_in far
adit_in far server server 10.77.2.2 0 "$TOKEN" --to "$service" -v
listening server
adit_in near client client 10.77.2.2 "$(port_of server)" "$TOKEN" \
    --listen 0 -v
listening client
linked server client
entry=$(addr_of client)

# The other way: the service is the client's, the server has the entry.
peer_in near rservice serve echo
serving rservice
adit_in far rserver server 10.77.2.3 0 "$TOKEN" --listen 0 -v
listening rserver
adit_in near rclient client 10.77.2.3 "$(port_of rserver)" "$TOKEN" \
    --to "$(addr_of rservice)" -v
linked rserver rclient
rentry=$(sed -n 's/^for clients. services, listening on //p' rserver.err)

leave() {	# leave ADDR: the client's machine loses it, and all routes
	within near ip addr del "$1/24" dev eth0
}

enter() {	# enter ADDR: and gets this one; NOW says when
	within near ip addr add "$1/24" dev eth0
	within near ip route add default via 10.77.1.1
	now
}

# expect_replaced SERVER OLD NEW FROM LIMIT: its client is there from NEW, and
# the link from OLD was ended for that, within so many seconds after FROM.
expect_replaced() {
	wait_line "$1.err" "^client ${3}:[0-9]+ linked" $(($5 + 5))
	now
	_new=$NOW
	wait_line "$1.err" "^client ${2}:[0-9]+ gone: replaced by a newer link"
	now
	echo "# linked from the new address after $(hundredths $((_new - $4)))" \
	    "s, the old link dropped $(hundredths $((NOW - _new))) s later"
	expect_range $((_new - $4)) 0 $(($5 * 100))
	expect_range $((NOW - _new)) 0 $((50 * SLOW))
}

now
began=$NOW
check "streams from the old address cannot live on: both ends will be told"
peer_in near old raw "connect=$entry" text=hi gettext=hi say=up \
    wait="$T/over" reset
wait_line old.out '^up$'
# An acknowledgement may be late by 200 ms.  What is not acknowledged when the
# path dies is sent again for a quarter of an hour, which is not tested here.
sleep 1

# Silence of 5 s makes a client dial beside its link, and a network has 2 s
# more; under load twice as much.
check "another address"
leave 10.77.1.2
enter 10.77.1.3
at=$NOW
usable "$entry" "$at" 2
expect_replaced server '10\.77\.1\.2' '10\.77\.1\.3' "$at" $((5 + 2 * SLOW))

check "another address, and the server asks over the old link"
expect_replaced rserver '10\.77\.1\.2' '10\.77\.1\.3' "$at" $((5 + 2 * SLOW))
leave 10.77.1.3
enter 10.77.1.4
at=$NOW
# shellcheck disable=SC2086 # $PYTHON is several words
within far $PYTHON "$TESTS/peer.py" raw "connect=$rentry" text=hi gettext=hi \
    fin end || fail "the visitor was not served"
now
echo "# served after $(hundredths $((NOW - at))) s"
expect_range $((NOW - at)) 0 $((100 * (5 + 2 * SLOW)))
expect_replaced rserver '10\.77\.1\.3' '10\.77\.1\.4' "$at" $((5 + 2 * SLOW))
expect_replaced server '10\.77\.1\.3' '10\.77\.1\.4' "$at" $((5 + 2 * SLOW))

check "SIGHUP: now"
leave 10.77.1.4
enter 10.77.1.5
at=$NOW
send_signal client HUP
send_signal rclient HUP
expect_replaced server '10\.77\.1\.4' '10\.77\.1\.5' "$at" $((1 * SLOW))
expect_replaced rserver '10\.77\.1\.4' '10\.77\.1\.5' "$at" $((1 * SLOW))

check "no address at all for 14 s, then another"
leave 10.77.1.5
sleep 14
wait_line client.err '^link to .* lost: silent for 10 s; dialling again'
wait_line server.err '^client 10\.77\.1\.5:[0-9]+ gone: silent for 10 s'
enter 10.77.1.6
usable "$entry" "$NOW" 2

check "the cable is pulled for 14 s, and the same address comes back"
ip link set near0 down
sleep 14
ip link set near0 up
now
usable "$entry" "$NOW" 2

# TCP's own keepalives: 30 s, then three in 10 s each.
check "what was open at the old address is over on both sides"
: >over
expect_exit old 0 60
wait_for 60 none_est far dst 10.77.1.2
wait_line service.out '^reset$'
now
echo "# all over after $(hundredths $((NOW - began))) s"
finish
