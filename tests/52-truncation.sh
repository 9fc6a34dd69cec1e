#!/bin/sh
# Goal: sealed: cut at every message and inside of it, by an end or a reset, half of something never looks whole.
# Modes: native asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# In a slow build every third or so will do: which ones, changes nothing.
[ "$MODE" = native ] || export MIDDLE_STEP=3

check "pipes"
# shellcheck disable=SC2086 # $PYTHON is several words, here and below
$PYTHON "$TESTS/middle.py" cuts pipe >pipe.out || FAILED=1
cat pipe.out
grep -Eqx '[1-9][0-9]* of [1-9][0-9]* cases' pipe.out || fail "no summary"

check "streams"
# shellcheck disable=SC2086
$PYTHON "$TESTS/middle.py" cuts streams >streams.out || FAILED=1
cat streams.out
grep -Eqx '[1-9][0-9]* of [1-9][0-9]* cases' streams.out || fail "no summary"
finish
