#!/bin/sh
# Goal: hundreds of connections at once, each byte right, and stalled ones beside them disturb nobody.
# Modes: native plain posix m32 asan tsan valgrind relay
. "${0%/*}/lib.sh"

start_peer service serve echo
serving service
tunnel "$(addr_of service)" -v

check "$CONNS connections at once, five stalled ones beside them"
expect_ok peer crowd "$ENTRY" "$CONNS" 200000 5
expect_eq "$(cat last.out)" "$CONNS connections, 5 stalled"

check "every stream is logged as opened and as done"
all=$((CONNS + 5))
for side in server client; do
	wait_for 10 has_lines "$all" "$side.err" '^stream [0-9]+ closed after '
	expect_eq "$(count_lines "$side.err" '^stream [0-9]+ opened: ')" "$all"
	expect_eq "$(count_lines "$side.err" ': done$')" "$all"
done

check "a second crowd finds everything as the first did"
expect_ok peer crowd "$ENTRY" "$CONNS" 1000 0
finish
