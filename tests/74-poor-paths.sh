#!/bin/sh
# Goal: a path that loses packets, a slow one with megabytes queued, and readers that pause for 15 s: each byte arrives, and no link is taken for dead; one that is silent one way is.
# Modes: native
# Slow: left out of tests/run --quick.
#
# All of it at once: the time it takes is mostly waiting.
. "${0%/*}/lib.sh"
sealed_only

if ! (: <>/dev/net/tun) 2>"$T/refused"; then
	skip "no TUN: $(cat "$T/refused")"
fi
. "$TESTS/networks.sh"
networks

# wire NAME NET DELAY LOSS [KBIT QUEUE]: a way from near to far beside the
# router, 10.77.NET.1 to 10.77.NET.2
wire() {
	_wire=$1 _net=$2
	shift 2
	# shellcheck disable=SC2086 # $PYTHON is several words
	start "$_wire" $PYTHON "$TESTS/70-net.py" wire \
	    "${_wire}0" "${_wire}1" "$@"
	wait_line "$_wire.out" '^up$'
	ip link set "${_wire}0" netns "$(pid_of near)"
	ip link set "${_wire}1" netns "$(pid_of far)"
	within near ip addr add "10.77.$_net.1/24" dev "${_wire}0"
	within far ip addr add "10.77.$_net.2/24" dev "${_wire}1"
	within near ip link set "${_wire}0" up
	within far ip link set "${_wire}1" up
}

# A round trip of 0.1 s and 2 % of all packets lost, each way; and 1 Mbit/s,
# where half a second's worth of packets may wait.
wire lossy 3 50 20
wire slow 4 5 0 1000 60000

swapped=1000000
peer_in far echo serve echo
peer_in far swap serve swap "$swapped"
serving echo
serving swap

pair() {	# pair NAME ADDR SERVICE: a forwarded service
	adit_in far "server_$1" server "$2" 0 "$TOKEN" --to "$3" -v
	listening "server_$1"
	adit_in near "client_$1" client "$2" "$(port_of "server_$1")" \
	    "$TOKEN" --listen 0 -v
	listening "client_$1"
	linked "server_$1" "client_$1"
}

# pipe NAME ADDR N M: a pipe with N bytes from near to far and M back; what
# comes out can be read from NAME_far and NAME_near, fifos; descriptors 3 and 4
# hold them open.
pipe() {
	mkfifo "$1_near" "$1_far"
	peer gen 3 "$3" >"$1_from_near"
	peer gen 4 "$4" >"$1_from_far"
	exec 3<>"$1_near" 4<>"$1_far"
	OUT=$1_far IN=$1_from_far adit_in far "server_$1" server "$2" 0 \
	    "$TOKEN"
	listening "server_$1"
	OUT=$1_near IN=$1_from_near adit_in near "client_$1" client "$2" \
	    "$(port_of "server_$1")" "$TOKEN"
	wait_line "client_$1.err" '^connected to '
}

read_pipe() {	# read_pipe NAME N M: from now on what comes is read
	IN=$1_near start_peer "take_$1_near" verify 4 "$3"
	IN=$1_far start_peer "take_$1_far" verify 3 "$2"
	exec 3>&- 4>&-
}

said_when() {
	now
	echo "# over by $(hundredths $((NOW - began))) s"
}

pipe_over() {	# pipe_over NAME SECONDS: all has come, in order
	expect_exit "take_$1_near" 0 "$2"
	expect_exit "take_$1_far" 0 "$2"
	expect_exit "client_$1" 0
	expect_exit "server_$1" 0
	said_when
}

now
began=$NOW
pair lossy 10.77.3.2 "$(addr_of echo)"
peer_in near crowd crowd "$(addr_of client_lossy)" 10 40000
pipe plossy 10.77.3.2 1000000 1000000
read_pipe plossy 1000000 1000000

pair slow 10.77.4.2 "$(addr_of swap)"
for i in 1 2; do
	peer_in near "swap$i" swap "$(addr_of client_slow)" "$swapped"
done
pipe pslow 10.77.4.2 1500000 1500000
read_pipe pslow 1500000 1500000

# stuck NAMESPACE: much waits in a socket to or from the path without faults
stuck() {
	within "$1" ss -Htn '( src 10.77.2.2 or dst 10.77.2.2 )' |
	    awk '$2 > 100000 || $3 > 100000 { n++ } END { exit n == 0 }'
}

# Meanwhile the path of another pair lets nothing through one way.  Either side
# has to see it: that which hears nothing, and by its reset the other one.
pair way 10.77.2.3 "$(addr_of echo)"
one_way() {	# one_way saddr|daddr TIMES: so often by then
	extra ip "$1" 10.77.2.3 drop
	sleep 13
	wait_for 5 has_lines "$2" client_way.err '^link to .* lost'
	wait_for 5 has_lines "$2" server_way.err '^client .* gone'
	# A line may be there before its socket is closed.
	wait_for 5 none_est near dst 10.77.2.3
	wait_for 5 none_est far src 10.77.2.3
	extra
	now
	usable "$(addr_of client_way)" "$NOW" 2
}

# More than all buffers on the way hold, so that it stands still.
check "both readers of a pipe pause for 15 s; nothing comes from another's server"
pipe both 10.77.2.2 30000000 30000000
one_way saddr 1
sleep 2
stuck near || fail "no bytes wait for the readers"
read_pipe both 30000000 30000000
pipe_over both 40

check "the only reader of a pipe pauses for 15 s, the other way has ended; nothing goes to another's server"
pipe one 10.77.2.2 0 30000000
one_way daddr 2
sleep 2
stuck far || fail "no bytes wait for the reader"
read_pipe one 0 30000000
pipe_over one 40

check "2 % loss: a pipe, and ten streams"
pipe_over plossy 40
expect_exit crowd 0 40
said_when

check "1 Mbit/s, kept full both ways for half a minute by a pipe and two streams"
pipe_over pslow 60
for i in 1 2; do
	expect_exit "swap$i" 0 60
done
said_when

check "the links have lived through all of it"
for i in lossy slow; do
	expect_no_line "client_$i.err" ' lost'
	expect_no_line "server_$i.err" ' gone: silent'
done
finish
