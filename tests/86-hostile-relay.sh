#!/bin/sh
# Goal: a relay that drops, swaps, replays, reflects, delays, changes, pairs the wrong rooms and talks nonsense: no wrong byte comes out, nothing twice, nobody crashes, spins or leaks, and all works again when it behaves.
# Modes: native asan tsan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# Each group has programs of its own; more of them are only slow beside each
# other under a sanitizer.
HOSTILE_JOBS=4 HOSTILE_TIME=1
[ "$MODE" = native ] || HOSTILE_JOBS=3 HOSTILE_TIME=0.5
export HOSTILE_JOBS HOSTILE_TIME
check "a hostile relay"
# shellcheck disable=SC2086 # $PYTHON is several words, and so may be $CASES
$PYTHON "$TESTS/hostile_relay.py" ${CASES:-} >cases 2>cases.err ||
    fail "$(cat cases.err)"
cat cases
grep '^not ok' cases >wrong && fail "$(cat wrong)"
has_line cases '^[0-9]+ of [0-9]+ cases$' || fail "$(tail -n 5 cases.err)"
finish
