#!/bin/sh
# Goal: DNS over UDP works through the tunnel, many questions at once included, and DNS over TCP beside it.
# Modes: native
. "${0%/*}/lib.sh"

at=$NOBODY
start dns dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts \
    --port="${at##*:}" --listen-address=127.0.0.1 --bind-interfaces \
    --user=root --pid-file= --log-facility=- \
    --address=/one.test/10.1.1.1 --address=/six.test/fd00::1 \
    --txt-record=long.test,"$(printf 'a%0250d' 0)"
wait_for 10 eval "ss -Hulpn | grep -q ':${at##*:} '"
tunnel "$at" -u -v --udp-idle 2
port=${ENTRY##*:}
ask() {
	dig +short +tries=1 +time=20 @127.0.0.1 -p "$port" "$@"
}

check "questions and answers"
expect_eq "$(ask one.test A)" 10.1.1.1
expect_eq "$(ask six.test AAAA)" fd00::1
expect_eq "$(ask long.test TXT)" "\"$(printf 'a%0250d' 0)\""

check "100 questions at once, from a port each"
i=0
while [ "$i" -lt 100 ]; do
	i=$((i + 1))
	echo "n$i.one.test A"
done >questions
dig +short +tries=1 +time=20 @127.0.0.1 -p "$port" -f questions >answers ||
    fail "dig exited $?"
expect_eq "$(sort -u answers)" 10.1.1.1
expect_eq "$(wc -l <answers)" 100
i=0
while [ "$i" -lt 20 ]; do
	i=$((i + 1))
	start "dig$i" dig +short +tries=1 +time=20 @127.0.0.1 -p "$port" one.test
done
i=0
while [ "$i" -lt 20 ]; do
	i=$((i + 1))
	expect_exit "dig$i" 0 20
	expect_eq "$(cat "dig$i.out")" 10.1.1.1
done

check "the flows end when nobody asks any more"
wait_for 10 back_to_baseline client

check "the same server over TCP"
adit tserver server 127.0.0.1 0 "$TOKEN" --to "$at"
listening tserver
adit tclient client 127.0.0.1 "$(port_of tserver)" "$TOKEN" --listen 0
listening tclient
linked tserver tclient
port=$(port_of tclient)
expect_eq "$(ask +tcp one.test A)" 10.1.1.1
finish
