#!/bin/sh
# Goal: a reader that pauses for 30 s with 100 MB behind it loses nothing, closes nothing and costs no memory.
# Modes: native plain asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

size=100000000
pause=30
grow=2048	# sealed: two halves of 256 KiB, and as much again while it is bulk
if [ "$MODE" = plain ]; then
	pause=7
elif [ "$MODE" != native ]; then
	# The quarantine of a sanitizer is its own memory, not ours.
	size=16000000 pause=7 grow=65536
fi
start_peer service serve source "$size"
serving service
tunnel "$(addr_of service)"

check "visitor pauses for $pause s"
for side in server client; do
	start_peer "pause_$side" pause "$ENTRY" "$size" "$pause" \
	    "$(pid_of "$side")"
done
for side in server client; do
	expect_exit "pause_$side" 0 $((pause + 30))
	grew=$(sed -n 's/^grew \(.*\) KB/\1/p' "pause_$side.out")
	expect_range "${grew:-999999}" -999999 "$grow"
done

check "a pipe whose reader pauses"
mkfifo from_client
peer gen 3 "$size" >data
IN=data adit pserver server 127.0.0.1 0 "$TOKEN"
listening pserver
OUT=from_client adit pclient client 127.0.0.1 "$(port_of pserver)" "$TOKEN"
# Nothing is read; the descriptor only keeps the pipe open.
exec 3<>from_client
wait_line pclient.err '^connected to '
before=$(grep VmRSS "/proc/$(pid_of pserver)/status" | tr -dc 0-9)
sleep 7
after=$(grep VmRSS "/proc/$(pid_of pserver)/status" | tr -dc 0-9)
expect_range $((after - before)) -999999 "$grow"
IN=from_client OUT='' start_peer take verify 3 "$size"
exec 3>&-
expect_exit pclient 0 30
expect_exit pserver 0
expect_exit take 0
finish
