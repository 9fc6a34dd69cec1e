#!/bin/sh
# Goal: without descriptors new connections are refused with a log line, old ones go on, and all is well again afterwards.
# Modes: native asan
. "${0%/*}/lib.sh"

start_peer service serve echo
serving service
service=$(addr_of service)

# limited NAME N ARG...: adit with so many descriptors, soft and hard limit.
limited() {
	_n=$1 _limit=$2
	shift 2
	rm -f "$T/$_n.err"
	# shellcheck disable=SC2016,SC2086 # for the inner shell; several words
	start "$_n" sh -c 'ulimit -n "$1" && shift && exec "$@"' sh "$_limit" \
	    $WRAP "$ADIT" "$@"
	ADITS="$ADITS $_n"
}

# two SIDE LIMIT: a tunnel whose SIDE may have so many descriptors.
two() {
	if [ "$1" = server ]; then
		limited server "$2" server 127.0.0.1 0 "$TOKEN" --to "$service"
	else
		adit server server 127.0.0.1 0 "$TOKEN" --to "$service"
	fi
	listening server
	_port=$(port_of server)
	if [ "$1" = client ]; then
		limited client "$2" client 127.0.0.1 "$_port" "$TOKEN" \
		    --listen 0
	else
		adit client client 127.0.0.1 "$_port" "$TOKEN" --listen 0
	fi
	listening client
	linked server client
	entry=$(addr_of client)
	rm -f go
	start_peer old raw "connect=$entry" text=a gettext=a say=up wait=go \
	    text=b gettext=b fin end
	wait_line old.out '^up$'
}

# well_again SIDE: the old stream has noticed nothing, new ones are fine.
well_again() {
	: >go
	expect_exit old 0
	exec 3>&-
	expect_exit many 0
	wait_for 10 back_to_baseline "$1"
	expect_ok peer crowd "$entry" 5 10000
	stop client
	stop server
}

mkfifo ask
for side in server client; do
	check "the $side may have 100 descriptors: its cap fits, and is said"
	two "$side" 100
	cap=$(sed -n 's/^at most \([0-9]*\) streams, not 1024: .*/\1/p' \
	    "$side.err")
	expect_range "${cap:-0}" 5 50
	IN=ask start_peer many silent "$entry" 127.0.0.1:70
	exec 3<>ask
	wait_line many.out '^done$' 30
	expect_tally many "127\.0\.0\.1 open=$((cap - 1)) reset=$((71 - cap))"
	wait_line "$side.err" ' refused|^refused '
	expect_no_line "$side.err" 'Too many open files'
	well_again "$side"

	check "all descriptors of the $side are gone from one moment to the next"
	two "$side" 200
	prlimit --pid "$(pid_of "$side")" \
	    "--nofile=$(($(fd_count "$side") + 3)):"
	IN=ask start_peer many silent "$entry" 127.0.0.1:20
	exec 3<>ask
	wait_line many.out '^done$' 30
	wait_line "$side.err" 'Too many open files|[Dd]escriptor'
	# It waits for better times instead of trying all the time.
	read -r stat <"/proc/$(pid_of "$side")/stat"
	before=$(echo "${stat##*) }" | awk '{ print $12 + $13 }')
	sleep 2
	read -r stat <"/proc/$(pid_of "$side")/stat"
	after=$(echo "${stat##*) }" | awk '{ print $12 + $13 }')
	expect_range $((after - before)) 0 50
	prlimit --pid "$(pid_of "$side")" --nofile=200:
	well_again "$side"
done

check "the soft limit is raised to the hard one"
# shellcheck disable=SC2016,SC2086
start server sh -c 'ulimit -S -n 30 && exec "$@"' sh \
    $WRAP "$ADIT" server 127.0.0.1 0 "$TOKEN" --to "$service"
ADITS="$ADITS server"
listening server
hard=$(awk '/Max open files/ { print $5 }' "/proc/$(pid_of server)/limits")
soft=$(awk '/Max open files/ { print $4 }' "/proc/$(pid_of server)/limits")
expect_eq "$soft" "$hard"
adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --listen 0
listening client
linked server client
expect_ok peer crowd "$(addr_of client)" 30 10000
finish
