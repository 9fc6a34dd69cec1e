#!/bin/sh
# Goal: without threads a connection is refused with a log line, the others go on, and all is well again afterwards.
# Modes: native
. "${0%/*}/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "only root can become the user whose limit counts"
cp "$ADIT" "$T/adit"
chmod 755 "$T/adit"
# Nobody's, so that nobody else's processes count.
uid=$((100000 + $(od -An -N3 -tu4 /dev/urandom)))

# limited NAME N ARG...: adit as a user who may have N tasks.  Root's limit
# would not count, and neither would one with CAP_SYS_RESOURCE.
limited() {
	_n=$1 _limit=$2
	shift 2
	rm -f "$T/$_n.err"
	start "$_n" prlimit "--nproc=$_limit" setpriv --reuid "$uid" \
	    --regid "$uid" --clear-groups --inh-caps -all \
	    --bounding-set -all "$T/adit" "$@"
	ADITS="$ADITS $_n"
}

start_peer service serve echo
serving service
service=$(addr_of service)

for side in server client; do
	check "the $side may have 20 threads, 40 visitors come"
	if [ "$side" = server ]; then
		limited server 20 server 127.0.0.1 0 "$TOKEN" --to "$service"
	else
		adit server server 127.0.0.1 0 "$TOKEN" --to "$service"
	fi
	listening server
	port=$(port_of server)
	if [ "$side" = client ]; then
		limited client 20 client 127.0.0.1 "$port" "$TOKEN" --listen 0
	else
		adit client client 127.0.0.1 "$port" "$TOKEN" --listen 0
	fi
	listening client
	linked server client
	entry=$(addr_of client)
	start_peer old raw "connect=$entry" text=a gettext=a say=up wait=go \
	    text=b gettext=b fin end
	wait_line old.out '^up$'
	mkfifo "ask$side"
	IN=ask$side start_peer many silent "$entry" 127.0.0.1:40
	exec 3<>"ask$side"
	wait_line many.out '^done$' 30
	expect_tally many '127\.0\.0\.1 open=([3-9]|1[0-8]) reset=[0-9]+'
	wait_line "$side.err" '[Tt]hread|Resource temporarily unavailable'
	: >go
	expect_exit old 0
	exec 3>&-
	expect_exit many 0
	rm go
	wait_for 10 back_to_baseline "$side"
	expect_ok peer crowd "$entry" 4 10000
	stop client
	stop server
done

check "not even the first threads can be had: one line, exit 1"
limited server 1 server 127.0.0.1 0 "$TOKEN" --to "$service"
expect_exit server 1
expect_eq "$(grep -Evc '^(not encrypted: |a short token )' server.err)" 1
finish
