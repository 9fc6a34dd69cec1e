#!/bin/sh
# Goal: a flood of strangers keeps nobody with a generated token out for 2 s, costs bounded memory and log, and with a short token buys 20 guesses and one a second.
# Modes: native asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

total=10000 length=8
# Measured: 600 at once cost 10 MB; the rest is for other C libraries.
grow=$((24 * 1024))
if [ "$MODE" != native ]; then
	# The quarantine of a sanitizer is its own memory, not ours.
	total=2000 length=4 grow=1000000
fi

flood() {	# flood NAME ARG...: see flood.py
	_name=$1
	shift
	# shellcheck disable=SC2086 # $PYTHON is several words
	start "$_name" $PYTHON "$TESTS/flood.py" "$at" "$@"
}

status() {	# status NAME FIELD: a number of /proc/PID/status
	sed -n "s/^$2:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$(pid_of "$1")/status"
}

# shellcheck disable=SC2317 # wait_for calls it
crowded() {	# strangers wait at the server, as many as one source may
	[ "$(status server Threads)" -gt 16 ]
}

# login: a client with the right token, and how long it takes it.
login() {
	now
	_began=$NOW
	printf 'hello' >hello
	IN=hello adit client client 127.0.0.1 "${at##*:}" "$token"
	expect_exit client 0 30
	now
	expect_eq "$(cat client.out)" hello
	TOOK=$((NOW - _began))
	[ "$TOOK" -le "$slowest" ] || slowest=$TOOK
}

serve() {	# serve TOKEN
	token=$1 slowest=0
	adit server server 127.0.0.1 0 "$token" --to "$service"
	listening server
	at=$(addr_of server)
}

lasted() {	# seconds that the flood has lasted; more, if it had to wait
	sed -n 's/^seconds //p' flood.out
}

# answers STATUS: how many of this kind the flood has got
answers() {
	_n=$(sed -n "s/^answer $1 //p" flood.out)
	echo "${_n:-0}"
}

start_peer service serve echo
serving service
service=$(addr_of service)
sysctl -q -w net.ipv4.tcp_fin_timeout=3

serve "$STRONG"
adit tunnel client 127.0.0.1 "${at##*:}" "$token" --listen 0
listening tunnel
linked server tunnel
before=$(status server VmRSS)
threads=$(status server Threads)

check "$total of all kinds from eight sources: logins and streams beside them"
flood flood "$total" 600 8 silent garbage half point guess bad stream
wait_for 10 crowded
peak=0
while ! ended flood; do
	login
	now
	began=$NOW
	expect_ok peer raw "connect=$(addr_of tunnel)" text=hi gettext=hi fin end
	now
	[ $((NOW - began)) -le $((200 * SLOW)) ] ||
	    fail "a stream took $((NOW - began)) hundredths of a second"
	rss=$(status server VmRSS)
	[ "$rss" -le "$peak" ] || peak=$rss
done
expect_exit flood 0 60
expect_range "$slowest" 0 $((200 * SLOW))
expect_range $((peak - before)) -100000 "$grow"
expect_eq "$(sed -n 's/^connections //p' flood.out)" "$total"
# Some had an answer, or nothing was tested.
expect_range "$(answers 20)" 20 "$total"
echo "# slowest login 0.01 * $slowest s, $((peak - before)) KB more"

check "all of it is given back"
# shellcheck disable=SC2317 # wait_for calls it
quiet() {
	[ "$(status server Threads)" -eq "$threads" ]
}
wait_for 20 quiet
wait_for 10 back_to_baseline server
expect_range $(($(status server VmRSS) - before)) -100000 $((grow / 2))
# At most ten lines a second and level, and the rest is counted.
expect_range "$(wc -l <server.err)" 2 2000
has_line server.err '^refused 127\.0\.1\.[0-9]*:[0-9]*: .*(more messages|wrong token)' ||
    fail "nothing said about them: $(tail -n 5 server.err)"
stop tunnel
stop server

for sources in 4 100; do
	check "valid points and silence, from $sources sources: somebody new gets in"
	serve "$STRONG"
	flood flood "$((length + 4))s" 600 "$sources" point
	wait_for 10 crowded
	# Until every place is taken that can be.
	sleep 1.5
	login
	ended flood && fail "the flood was over too soon"
	expect_range "$TOOK" 0 $((200 * SLOW))
	echo "# login after 0.01 * $TOOK s"
	read -r stat <"/proc/$(pid_of server)/stat"
	ticks=$(echo "${stat##*) }" | awk '{ print $12 + $13 }')
	now
	began=$NOW
	expect_exit flood 0 $((length + 9))
	now
	read -r stat <"/proc/$(pid_of server)/stat"
	ticks=$(($(echo "${stat##*) }" | awk '{ print $12 + $13 }') - ticks))
	# One core does key exchanges; what the kernel does for us comes on top.
	echo "# $ticks ticks of processor time in 0.01 * $((NOW - began)) s"
	expect_range "$ticks" 0 $(((NOW - began) * 2 + 50))
	stop server
done

# A burst of 20 in total, then one a second; what comes at the end may still
# have been answered when the counting begins.
for kind in point guess; do
	check "a short token, $kind from 100 sources: so many answers and no more"
	serve short
	flood flood "${length}s" 600 100 "$kind"
	expect_exit flood 0 $((length + 10))
	expect_range "$(answers 20)" 20 $((20 + $(lasted) + 3))
	stop server

	check "and from one source: five, and one more each 10 s"
	serve short
	flood flood "${length}s" 600 1 "$kind"
	wait_for 10 crowded
	sleep 1
	login
	expect_range "$TOOK" 0 $((200 * SLOW))
	expect_exit flood 0 $((length + 10))
	expect_range "$(answers 20)" 5 $((6 + $(lasted) / 10))
	stop server
done
try_for 25 no_sockets || die "sockets left: $(ss -Htanp | head -n 20)"
finish
