#!/bin/sh
# Goal: a signal stops a forwarder for new visitors at once, lets streams finish for --drain seconds and resets the rest.
# Modes: native plain asan tsan valgrind relay
. "${0%/*}/lib.sh"

start_peer service serve echo
serving service
service=$(addr_of service)

check "idle forwarders end at once, either side, either signal"
for sig in INT TERM; do
	tunnel "$service"
	expect_ok peer raw "connect=$ENTRY" text=hi gettext=hi fin end
	for side in client server; do
		now
		before=$NOW
		send_signal "$side" "$sig"
		expect_exit "$side" 0
		now
		expect_range $((NOW - before)) 0 "$SOON"
	done
done

for side in server client; do
	check "a stream that ends within the drain of the $side: exit 0"
	tunnel "$service" --drain 30
	start_peer visitor raw "connect=$ENTRY" text=one gettext=one say=up \
	    wait=go text=two gettext=two fin end
	wait_line visitor.out '^up$'
	send_signal "$side" TERM
	# New visitors are not let in any more.
	at=$(addr_of "$side")
	wait_for 5 eval "! socat -u OPEN:/dev/null TCP:$at 2>/dev/null"
	: >go
	expect_exit visitor 0
	expect_exit "$side" 0 5
	rm go
	other=server
	[ "$side" = client ] || other=client
	stop "$other"
done

for side in server client; do
	check "streams that do not end within the drain of the $side: reset"
	tunnel "$service" --drain 1
	for i in 1 2 3; do
		start_peer "visitor$i" raw "connect=$ENTRY" text=one \
		    gettext=one say=up reset
		wait_line "visitor$i.out" '^up$'
	done
	now
	before=$NOW
	send_signal "$side" TERM
	expect_exit "$side" 1
	now
	expect_range $((NOW - before)) 90 $((250 + 50 * SLOW))
	expect_line "$side.err" \
	    '.*3.* within 1 s.*reset.*'
	for i in 1 2 3; do
		expect_exit "visitor$i" 0
	done
	wait_line service.out '^reset$'
	other=server
	[ "$side" = client ] || other=client
	stop "$other"
done

check "a second signal during the drain: at once, 128 + n"
tunnel "$service" --drain 60
start_peer visitor raw "connect=$ENTRY" text=one gettext=one say=up reset
wait_line visitor.out '^up$'
send_signal server TERM
wait_for 5 taken server
send_signal server INT
expect_exit server 130 2
expect_exit visitor 0
stop client

check "while the service is being dialled and does not answer"
start_peer hole blackhole
serving hole
tunnel "$(addr_of hole)" --drain 1
start_peer visitor raw "connect=$ENTRY" say=up reset
wait_line visitor.out '^up$'
wait_for 5 syn_sent 2
now
before=$NOW
send_signal server TERM
reap server 5
now
expect_range "$STATUS" 0 1
expect_range $((NOW - before)) 0 "$SOON"
expect_exit visitor 0
stop client
stop hole 143

check "while the server does not answer the handshake"
# shellcheck disable=SC2086
start_peer mute raw listen= $HEARD say=got gone
serving mute
adit client client 127.0.0.1 "$(port_of mute)" "$TOKEN" --listen 0 --drain 1
listening client
start_peer visitor raw "connect=$(addr_of client)" say=up reset
wait_line visitor.out '^up$'
wait_line mute.out '^got$'
now
before=$NOW
send_signal client TERM
reap client 5
now
expect_range "$STATUS" 0 1
expect_range $((NOW - before)) 0 "$SOON"
expect_exit visitor 0
reap mute
finish
