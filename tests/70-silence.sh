#!/bin/sh
# Goal: after 5, 20 and 60 s of a silent network all is usable again by itself; no half of a link is left over; streams outlive their link.
# Modes: native
# Slow: left out of tests/run --quick.
#
# The three silences begin at once, each for a pair of its own (2, 3, 4); the
# last pair (5) loses its links alone meanwhile.
. "${0%/*}/lib.sh"
sealed_only

# shellcheck disable=SC2317 # wait_for calls it
one_est() {	# one_est ADDR: the client there has one connection
	[ "$(est near dst "$1" | wc -l)" -eq 1 ]
}

. "$TESTS/networks.sh"
networks
service_in far
pairs "$service" 2 3 4 5
for i in 2 3 4 5; do
	# Where all is slow a second link may be on its way: then that counts.
	wait_for 5 one_est "10.77.2.$i"
	eval "link$i=$(est near dst "10.77.2.$i")"
done

# talk NAME CLIENT SECONDS: a stream that says a line so often, until the file
# NAME.stop is there
talk() {
	# shellcheck disable=SC2086 # $PYTHON is several words
	start_in near "$1" $PYTHON "$TESTS/70-net.py" talk "$(addr_of "$2")" \
	    "$T/$1.stop" "$3"
	wait_line "$1.out" '^up$'
}

hang_up() {	# hang_up NAME: all was answered, and it ends in order
	: >"$1.stop"
	expect_exit "$1" 0 30
	echo "# $(tail -n 1 "$1.out")"
}

# In the background: how long after $began had either side given up the link?
watch_halves() {	# watch_halves NUMBER PORT
	try_for 20 none_est near dst "10.77.2.$1" and sport = ":$2"
	now
	_near=$NOW
	try_for 20 none_est far src "10.77.2.$1" and dport = ":$2"
	now
	echo "$((_near - began)) $((NOW - began))" >"halves$1"
}

expect_no_halves() {	# expect_no_halves NUMBER
	wait_for 20 [ -s "halves$1" ]
	read -r near far <"halves$1"
	echo "# the client gave up after $(hundredths "$near") s," \
	    "the server after $(hundredths "$far") s"
	expect_range "$near" 500 1500
	expect_range "$far" 500 1500
}

talk quiet3 client3 30		# one line, and then none
talk talk5 client5 0.25
stream5=$(sed -n 's/^stream 1 opened: .*:\([0-9]*\) -> .*/\1/p' server5.err)
now
began=$NOW
for i in 2 3 4; do
	link_down "10.77.2.$i"
done
# shellcheck disable=SC2154 # set by eval
watch_halves 3 "$link3" &
# shellcheck disable=SC2154
watch_halves 4 "$link4" &

check "5 s of silence"
until_s "$began" 5
link_up 10.77.2.2
usable "$(addr_of client2)" "$NOW" 2

check "20 s of silence; no half of a link stays for more than 15 s"
until_s "$began" 20
link_up 10.77.2.3
usable "$(addr_of client3)" "$NOW" 2
# shellcheck disable=SC2034 # for eval
stalled3=$(cat last.err)
expect_no_halves 3

check "a stream that had nothing to say for as long goes on"
hang_up quiet3

# Meanwhile: who comes to pair 4 now, waits 10 s for a link, and is refused.
peer_in near late raw "connect=$(addr_of client4)" text=hi reset after=9:14

check "the link alone falls silent: it is replaced, and a stream goes on"
# shellcheck disable=SC2154 # set by eval
extra tcp sport "$link5" drop
extra tcp dport "$link5" drop
now
at=$NOW
wait_line server5.err '^client .* gone: replaced by a newer link'
now
echo "# replaced after $(hundredths $((NOW - at))) s"
expect_range $((NOW - at)) 100 $((350 * SLOW))
try_for 2 none_est far dport = ":$link5" || fail "the server keeps the old link"
now
usable "$(addr_of client5)" "$NOW" 1
extra

check "no link at all for 12 s: the stream goes on"
extra ip daddr 10.77.2.5 tcp sport != "$stream5" drop
extra ip saddr 10.77.2.5 tcp dport != "$stream5" drop
sleep 12
wait_for 5 has_lines 1 client5.err \
    '^link to .* lost: silent for 10 s; dialling again'
wait_for 5 has_lines 1 server5.err '^client .* gone: silent for 10 s'
expect_no_line talk5.err .
extra
now
usable "$(addr_of client5)" "$NOW" 2
hang_up talk5

check "60 s of silence; a visitor meanwhile waits for 10 s"
expect_exit late 0 20
until_s "$began" 60
link_up 10.77.2.4
usable "$(addr_of client4)" "$NOW" 2
# shellcheck disable=SC2034 # for eval
stalled4=$(cat last.err)
expect_no_halves 4

check "of all that was dialled in the silence, one link came"
for i in 3 4; do
	eval "stalled=\$stalled$i"
	# Who has said hello, and has no answer for 1.5 s, is not waited for:
	# that must not be the machine's fault.
	# shellcheck disable=SC2154 # set by eval
	if [ "$stalled" -ge 100 ]; then
		echo "# pair $i: $(hundredths "$stalled") s of that were" \
		    "the machine's, so there may be more"
		expect_range "$(count_lines "server$i.err" ' linked$')" 2 4
		continue
	fi
	expect_eq "$(count_lines "server$i.err" ' linked$')" 2
	expect_no_line "client$i.err" 'replaced'
done
finish
