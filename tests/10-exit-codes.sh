#!/bin/sh
# Goal: every way a pipe can end has its exit code and one line that names the thing.
# Modes: native plain asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

calm="not encrypted: |a short token can be guessed|listening on |connected to |waiting in room |no longer in room "

# said NAME REGEX: apart from warnings, it said just this one line.
said() {
	expect_line "$1.err" "$2"
	expect_eq "$(grep -Evc "^($calm)" "$1.err")" 1
}

check "0: --help and --version, on stdout"
for side in '' server client; do
	for flag in --help -h --version -V; do
		# shellcheck disable=SC2086 # one word or none
		expect_ok "$ADIT" $side $flag
		expect_eq "$(cat last.err)" ""
		[ -s last.out ] || fail "adit $side $flag says nothing"
	done
done
expect_ok "$ADIT" --version
grep -Eq '^adit [0-9]+\.[0-9]+\.[0-9]+' last.out || fail "no version in: $(cat last.out)"

check "1: nobody listens"
port=${NOBODY##*:}
adit client client 127.0.0.1 "$port" "$TOKEN"
expect_exit client 1
said client "cannot connect to 127\.0\.0\.1:$port: Connection refused \(is the server running\?\)"

check "1: a name that does not exist"
adit client client nosuch.invalid 7000 "$TOKEN"
expect_exit client 1 30
said client "cannot resolve nosuch\.invalid: .*"

check "1: a port that is taken, an address that is not here, no right to it"
start_peer taken serve hold
serving taken
if direct; then
	adit server server 127.0.0.1 "$(port_of taken)" "$TOKEN"
	expect_exit server 1
	said server "cannot listen on $(addr_of taken): Address already in use \(another program has this port; take another, or 0 for any free one\)"
fi
adit server server 192.0.2.1 0 "$TOKEN"
expect_exit server 1
said server "cannot listen on 192\.0\.2\.1:0: Cannot assign requested address.*"
adit client client 127.0.0.1 7000 "$TOKEN" --listen "$(port_of taken)"
expect_exit client 1
said client "cannot listen on $(addr_of taken): Address already in use .*"
if [ "$(id -u)" -eq 0 ] && [ "$MODE" = native ]; then
	adit_as_nobody=$T/adit
	cp "$ADIT" "$adit_as_nobody"
	start low setpriv --reuid 65534 --regid 65534 --clear-groups \
	    --bounding-set -all "$adit_as_nobody" server 0.0.0.0 443 "$TOKEN"
	# The namespace may let everybody use all ports.
	if [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 443 ]
	then
		expect_exit low 1
		said low "cannot listen on 0\.0\.0\.0:443: Permission denied \(ports below 1024 need root or CAP_NET_BIND_SERVICE\)"
	else
		stop low
	fi
fi

check "1: the handshake never gets an answer"
# shellcheck disable=SC2086 # several words, here and below
start_peer mute raw listen= $HEARD reset after=9.5:18
serving mute
adit client client 127.0.0.1 "$(port_of mute)" "$TOKEN"
expect_exit client 1 15
said client '.*127\.0\.0\.1:[0-9]+.*'
expect_exit mute 0

check "3: refused"
adit server server 127.0.0.1 0 "$TOKEN"
listening server
adit wrong client 127.0.0.1 "$(port_of server)" wrong
expect_exit wrong 3
if [ "$SEALED" = 1 ]; then
	said wrong "refused: wrong token \(or somebody in between\)"
else
	said wrong "refused: wrong token, busy, or the server encrypts .*"
fi
stop server

check "4: the server closes, resets, or answers nonsense in the handshake"
# shellcheck disable=SC2086
start_peer closer raw listen= $HEARD fin gone
serving closer
adit c1 client 127.0.0.1 "$(port_of closer)" "$TOKEN"
expect_exit c1 4
# shellcheck disable=SC2086
start_peer resetter raw listen= $HEARD rst
serving resetter
adit c2 client 127.0.0.1 "$(port_of resetter)" "$TOKEN"
expect_exit c2 4
for answer in 02 ff 48; do
	# shellcheck disable=SC2086
	start_peer nonsense raw listen= $HEARD "hex=$answer" gone
	serving nonsense
	adit c3 client 127.0.0.1 "$(port_of nonsense)" "$TOKEN"
	expect_exit c3 4
	said c3 '.+'
	reap nonsense
done

if [ "$SEALED" = 0 ]; then	# sealed: 52
	check "4: the peer resets in mid-stream"
	start_peer resetter raw listen= gethex=0006736573616d65 hex=01 \
	    text=some rst
	serving resetter
	adit c4 client 127.0.0.1 "$(port_of resetter)" "$TOKEN"
	expect_exit c4 4
fi

check "0 and 1: stdout"
adit server server 127.0.0.1 0 "$TOKEN"
listening server
mkfifo broken
OUT=broken adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
exec 3<>broken
expect_exit client 0
expect_exit server 0
exec 3>&-

check "1: the reader of stdout goes away, SIGPIPE does not kill"
# More than any buffer on the way can hold, so that the loss is noticed.
IN=/dev/zero adit server server 127.0.0.1 0 "$TOKEN"
listening server
OUT=broken adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
head -c 1000 broken >/dev/null
expect_exit client 1
said client "cannot write to stdout: Broken pipe"
expect_exit server 4

# From here on some have no stdin or stdout at all, which valgrind, having
# descriptors of its own, does not hand on as it is.
[ "$MODE" != valgrind ] || finish

check "1: stdout is closed from the start"
printf 'some data' >data
IN=data adit server server 127.0.0.1 0 "$TOKEN"
listening server
# shellcheck disable=SC2016,SC2086 # for the inner shell; several words
start client sh -c 'exec "$@" >&-' sh $WRAP "$ADIT" client 127.0.0.1 \
    "$(port_of server)" "$TOKEN"
expect_exit client 1
said client "cannot write to stdout: .*"
reap server

check "0: stdin is closed from the start"
# shellcheck disable=SC2016,SC2086
start server sh -c 'exec "$@" <&-' sh $WRAP "$ADIT" server 127.0.0.1 0 "$TOKEN"
listening server
# shellcheck disable=SC2016,SC2086
start client sh -c 'exec "$@" <&-' sh $WRAP "$ADIT" client 127.0.0.1 \
    "$(port_of server)" "$TOKEN"
expect_exit client 0
expect_exit server 0
finish
