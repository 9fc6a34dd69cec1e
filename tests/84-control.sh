#!/bin/sh
# Goal: a supervisor written for mtunnel drives adit: orders on stdin, events on stdout, each session told once.
# Modes: native asan tsan
. "${0%/*}/lib.sh"
sealed_only

start_peer echo serve echo
serving echo
adit relay relay 127.0.0.1 0
wait_line relay.err '^relay, listening on '
RELAY=$(sed -n 's/^relay, listening on //p' relay.err)
SERVICE=$(addr_of echo)
export ADIT RELAY SERVICE

check "a supervisor"
# shellcheck disable=SC2086 # $PYTHON is several words
start control $PYTHON "$TESTS/84-control.py"
expect_exit control 0 60
sed 's/^/# /' control.out
stop relay
finish
