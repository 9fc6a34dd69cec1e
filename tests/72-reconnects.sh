#!/bin/sh
# Goal: a server killed and started again 20 times, and a link cut 200 times, are usable again by themselves, and leave no descriptor and no thread.
# Modes: native asan tsan
. "${0%/*}/lib.sh"
sealed_only

cuts=200
[ "$MODE" = native ] || cuts=40
. "$TESTS/networks.sh"
networks
service_in far

serve() {	# serve PORT
	adit_in far server server 10.77.2.2 "$1" "$TOKEN" --to "$service" -v
	listening server
}

serve 0
port=$(port_of server)
adit_in near client client 10.77.2.2 "$port" "$TOKEN" --listen 0 -v
listening client
linked server client
entry=$(addr_of client)

threads() {	# threads NAME
	# shellcheck disable=SC2012,SC2317 # names are numbers; see settled()
	ls "/proc/$(pid_of "$1")/task" | wc -l
}

# What client and server hold when nothing moves.
# shellcheck disable=SC2317 # wait_for calls it
settled() {	# settled NAME THREADS: no more than then, and its descriptors
	[ "$(threads "$1")" -le "$2" ] && back_to_baseline "$1"
}

# shellcheck disable=SC2317 # wait_for calls it
links() {	# links N: the client has got so many by now
	[ "$(count_lines client.err '^connected to ')" -ge "$1" ]
}

rss() {	# rss NAME: in KB
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(pid_of "$1")/status"
}

# A first round warms up: what is allocated once is there before the count.
now
usable "$entry" "$NOW" 2
wait_for 5 back_to_baseline client
wait_for 5 back_to_baseline server
# A thread outlives its descriptors by a little: none may go for a second.
client_threads=0 server_threads=0
# shellcheck disable=SC2317 # wait_for calls it
at_rest() {
	_was="$client_threads $server_threads"
	client_threads=$(threads client)
	server_threads=$(threads server)
	[ "$_was" = "$client_threads $server_threads" ] || { sleep 1; return 1; }
}
wait_for 10 at_rest
echo "# client: $client_threads threads, server: $server_threads"

check "the server is killed and started again 20 times"
i=0 worst=0
while [ "$i" -lt 20 ]; do
	i=$((i + 1))
	kill_now server
	# A while without any server, shorter and longer.
	sleep "$(hundredths $((i * 7 % 100)))"
	serve "$port"
	now
	usable "$entry" "$NOW" 2 >/dev/null
	[ "$TOOK" -le "$worst" ] || worst=$TOOK
done
echo "# usable again after $(hundredths "$worst") s at most"
linked server client
wait_for 10 settled client "$client_threads"
wait_for 10 settled server "$server_threads"

# Either side's socket of the link in turn; where the kernel cannot do that
# (CONFIG_INET_DIAG_DESTROY), the server ends and comes back.
cut_link() {	# cut_link NUMBER
	if [ "$tool" = restart ]; then
		kill_now server
		serve "$port"
	elif [ $(($1 % 2)) -eq 0 ]; then
		within near ss -Kt state established dst 10.77.2.2
	else
		within far ss -Kt state established src 10.77.2.2
	fi >ss.out 2>ss.err
}

check "the link is cut $cuts times"
i=0
had=$(count_lines client.err '^connected to ')
tool=ss
cut_link 1
if ! try_for 4 links $((had + 1)); then
	tool=restart
	echo "# no ss -K here: the server is restarted instead"
fi
had=$(count_lines client.err '^connected to ')
memory=$(rss client)
now
began=$NOW
while [ "$i" -lt "$cuts" ]; do
	i=$((i + 1))
	cut_link "$i"
	wait_for 4 links $((had + i))
done
now
echo "# $cuts links in $(hundredths $((NOW - began))) s"
usable "$entry" "$NOW" 2
wait_for 10 settled client "$client_threads"
wait_for 10 settled server "$server_threads"
[ "$MODE" != native ] ||
    expect_range $(($(rss client) - memory)) -99999 512

check "neither side is left with more than one connection"
expect_eq "$(est near dst 10.77.2.2 | wc -l)" 1
expect_eq "$(est far src 10.77.2.2 | wc -l)" 1
finish
