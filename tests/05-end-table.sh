#!/bin/sh
# Goal: fin, reset, kill and pause at each of the four endpoints, idle, in bulk and half-closed, have exactly the effect they should.
# Modes: native plain posix asan tsan relay
. "${0%/*}/lib.sh"

check "the table of ends"
# Where starting them takes seconds: only what all states have in common.
[ "$MODE" != tsan ] || set -- bulk
# shellcheck disable=SC2086 # $PYTHON is several words
$PYTHON "$TESTS/table.py" run "$@" >table.out || FAILED=1
grep -v '^ok' table.out
grep -Eq '^[1-9][0-9]* of [1-9][0-9]* cases$' table.out || fail "no summary"
finish
