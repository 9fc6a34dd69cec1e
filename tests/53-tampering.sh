#!/bin/sh
# Goal: sealed: whatever changes on the way, no wrong byte comes out, and somebody notices.
# Modes: native asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

middle tamper pipe streams
finish
