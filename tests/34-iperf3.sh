#!/bin/sh
# Goal: iperf3 with a control connection and four data connections works, both ways and both at once.
# Modes: native
. "${0%/*}/lib.sh"

at=$NOBODY
start iperf iperf3 -s --forceflush -B 127.0.0.1 -p "${at##*:}"
wait_for 10 eval "ss -Htln | grep -q ':${at##*:} '"
tunnel "$at" -v

tests=0
for flag in '' -R --bidir; do
	check "iperf3 -P 4 $flag"
	# Until it says that, it is busy with the one before.
	tests=$((tests + 1))
	wait_for 10 has_lines "$tests" iperf.out '^Server listening on '
	# shellcheck disable=SC2086 # one word or none
	expect_ok iperf3 -c 127.0.0.1 -p "${ENTRY##*:}" -P 4 -t 2 -f M $flag
	got=$(sed -n 's/.*SUM.* \([0-9]*\)[.0-9]* MBytes\/sec.*receiver.*/\1/p' \
	    last.out | head -n 1)
	expect_range "${got:-0}" 10 1000000
done
wait_for 10 has_lines 19 client.err '^stream [0-9]+ closed after '
wait_for 10 back_to_baseline server
finish
