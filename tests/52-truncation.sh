#!/bin/sh
# Goal: sealed: cut at every message and inside of it, by an end or a reset, half of something never looks whole.
# Modes: native asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

middle cuts pipe streams
finish
