#!/bin/sh
# Goal: a minute (half of one in slow builds) of churn over 200 rooms with kills of every part: every byte right, all comes back, nothing is left of it.
# Modes: native asan tsan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

# By hand: SOAK_SECONDS=1800 tests/88-soak.sh
seconds=${SOAK_SECONDS:-60}
[ "$MODE" = native ] || seconds=$((seconds / 2))
sysctl -q -w net.ipv4.tcp_fin_timeout=3
# What is bound again at once must not be somebody's other end by chance.
sysctl -q -w net.ipv4.ip_local_port_range="20000 60000"
check "$seconds s of churn"
# shellcheck disable=SC2086 # $PYTHON is several words
$PYTHON "$TESTS/soak.py" 7990 "$seconds" ${SOAK_SEED:-} >soak 2>soak.err ||
    fail "$(tail -n 5 soak.err)"
cat soak
grep '^not ok' soak >wrong && fail "$(head -n 20 wrong)"
has_line soak '^0 faults$' || fail "$(cat soak.err)"
# A report of one that was killed does not say anything about it.
finish
