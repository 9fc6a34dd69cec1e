#!/bin/sh
# Goal: a process that is stopped for a while (a lid closed, Ctrl-Z) goes on where it was, or is linked again in seconds; nobody takes its own sleep for the other's death.
# Modes: native
# Slow: left out of tests/run --quick.
#
# Five pairs sleep at once: 2 has its client stopped for 20 s, 3 its server, 4
# both; 5 its client for 5 s; 6 is a pipe of which both are stopped for 20 s.
# (That the wall clock jumps, which a real suspend makes it do, cannot be had
# for one test alone.)
. "${0%/*}/lib.sh"
sealed_only

. "$TESTS/networks.sh"
networks
service_in far
pairs "$service" 2 3 4 5
for i in 2 3 4 5; do
	eval "link$i=$(est near dst "10.77.2.$i")"
	# shellcheck disable=SC2086 # $PYTHON is several words
	start_in near "talk$i" $PYTHON "$TESTS/70-net.py" talk \
	    "$(addr_of "client$i")" "$T/talk.stop"
	wait_line "talk$i.out" '^up$'
done
size=$((100 << 20))
peer gen 3 "$size" >data
mkfifo out
exec 3<>out
OUT=out adit_in far pserver server 10.77.2.6 0 "$TOKEN"
listening pserver
IN=data adit_in near pclient client 10.77.2.6 "$(port_of pserver)" "$TOKEN"
wait_line pclient.err '^connected to '

all() {	# all SIGNAL NAME...
	_signal=$1
	shift
	for _n in "$@"; do
		send_signal "$_n" "$_signal"
	done
}

now
began=$NOW
all STOP client2 server3 client4 server4 client5 pserver pclient

check "the client for 5 s: the link stays, for all that came meanwhile is read first"
sleep 5
all CONT client5
now
usable "$(addr_of client5)" "$NOW" 1
sleep 4
# shellcheck disable=SC2154 # set by eval
expect_eq "$(est near dst 10.77.2.5 | grep -x "$link5")" "$link5"
for i in client5 server5; do
	expect_no_line "$i.err" ' lost| gone|silent'
done

check "20 s: the side that is awake lets go of the link"
until_s "$began" 16
wait_line server2.err '^client .* gone: silent for 10 s$'
wait_line client3.err '^link to .* lost: silent for 10 s; dialling again$'
until_s "$began" 20

check "both slept for 20 s: nobody is dead"
all CONT client4 server4
now
usable "$(addr_of client4)" "$NOW" 1
sleep 4
for i in client4 server4; do
	expect_no_line "$i.err" ' lost| gone: silent'
done

check "the client slept for 20 s"
all CONT client2
now
usable "$(addr_of client2)" "$NOW" 2

check "the server slept for 20 s"
all CONT server3
now
usable "$(addr_of client3)" "$NOW" 2

check "a pipe whose two sides slept for as long"
all CONT pserver pclient
IN=out start_peer take verify 3 "$size"
exec 3>&-
expect_exit pclient 0 30
expect_exit pserver 0
expect_exit take 0

check "streams have slept with their sides, and go on"
: >talk.stop
for i in 2 3 4 5; do
	expect_exit "talk$i" 0
	echo "# $(tail -n 1 "talk$i.out")"
done
finish
