#!/bin/sh
# Goal: a signal ends a pipe in an orderly and bounded way at every stage, and a second one at once.
# Modes: native plain asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

# quick NAME SIGNAL STATUS...: it ends at once, with one of these.
quick() {
	_who=$1
	send_signal "$1" "$2"
	shift 2
	now
	_before=$NOW
	reap "$_who" 10
	now
	expect_range $((NOW - _before)) 0 "$SOON"
	case " $* " in
	*" $STATUS "*)	;;
	*)	fail "$_who exited $STATUS, expected $*: $(cat "$_who.err")" ;;
	esac
}

# pair: server and client, with 3 and 4 holding open what they read.
pair() {
	rm -f down up
	mkfifo down up
	# shellcheck disable=SC2086 # options are words
	IN=${DOWN:-down} adit server server 127.0.0.1 0 "$TOKEN" ${SOPT:-}
	exec 3<>down
	listening server
	# shellcheck disable=SC2086
	IN=${UP:-up} adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
	    ${COPT:-}
	exec 4<>up
	wait_line client.err '^connected to '
	wait_line server.err ' accepted$'
}

hang_up() {
	exec 3>&- 4>&-
}

# Plain, the answer to it takes a second; sealed, this is half of a hello.
wrong=token=no
[ "$SEALED" = 0 ] || wrong=hex=ad170101
for sig in INT TERM; do
	check "SIG$sig while listening"
	adit server server 127.0.0.1 0 "$TOKEN"
	listening server
	quick server "$sig" 0

	if direct; then	# for these it has to listen
		check "SIG$sig while a stranger is silent, and one has a wrong token"
		mkfifo "ask$sig"
		adit server server 127.0.0.1 0 "$TOKEN"
		listening server
		IN=ask$sig start_peer mute silent "$(addr_of server)" 127.0.0.1:3
		exec 3<>"ask$sig"
		start_peer wrong raw "connect=127.0.0.2@$(addr_of server)" \
		    "$wrong" say=sent gone
		wait_line mute.out '^done$'
		wait_line wrong.out '^sent$'
		quick server "$sig" 0
		exec 3>&-
		expect_exit mute 0
		reap wrong
	fi

	check "SIG$sig in a client that waits for the answer"
	# shellcheck disable=SC2086
	start_peer silent raw listen= $HEARD say=got gone
	serving silent
	adit client client 127.0.0.1 "$(port_of silent)" "$TOKEN"
	wait_line silent.out '^got$'
	quick client "$sig" 0 1
	reap silent

	check "SIG$sig in a client whose SYN nobody answers"
	start_peer hole blackhole
	serving hole
	adit client client 127.0.0.1 "$(port_of hole)" "$TOKEN"
	# The helper's own last attempt is one of them; ours is the other.
	wait_for 5 syn_sent 2
	quick client "$sig" 0 1
	stop hole 143
done

# What a side exits with if its peer was stopped.  Plain, it cannot tell that
# from the end of the peer's input; sealed, it is told.
cut=0
[ "$SEALED" = 0 ] || cut=4

check "idle, stdin a pipe: the end is passed on, the stopped side exits 0"
# A second without a byte ends a drain; where the other side gets no processor
# for so long, an orderly end does not come in time.
# shellcheck disable=SC2317 # one_of calls it
orderly() {	# orderly SIDE OTHER SIGNAL
	pair
	send_signal "$1" "$3"
	reap "$1" 5
	code=$STATUS
	reap "$2" 5
	hang_up
	[ "$code $STATUS" = "0 $cut" ]
}

# orderly_end SIDE OTHER: that is what became of them at last.
orderly_end() {
	[ "$code $STATUS" = "0 $cut" ] || fail "$1 exited $code, $2 $STATUS: \
$(cat "$1.err" "$2.err")"
	[ "$SEALED" = 0 ] || expect_line "$2.err" \
	    "the other side was stopped before its input ended"
}

UP=/dev/null
one_of 3 orderly server client TERM
orderly_end server client
unset UP
DOWN=/dev/null
one_of 3 orderly client server INT
orderly_end client server
unset DOWN

check "idle, the other side does not end: reset after a quiet second"
pair
now
before=$NOW
send_signal server TERM
expect_exit server 1 5
now
expect_range $((NOW - before)) 80 $((250 + 50 * SLOW))
expect_line server.err '.*(not stopped|stopped|not over).*'
expect_exit client 4
hang_up

check "what is written during the drain still arrives"
# shellcheck disable=SC2317 # one_of calls it
late_words() {
	pair
	send_signal server TERM
	wait_for 5 taken server
	i=0
	while [ "$i" -lt 4 ]; do
		# Less than a second apart, so that the drain goes on, if the
		# machine is not too slow for that.
		sleep 0.5
		printf 'late%s ' "$i" >&4
		i=$((i + 1))
	done
	exec 4>&-
	reap server 5
	code=$STATUS
	reap client
	hang_up
	[ "$code $STATUS $(cat server.out)" = \
	    "0 $cut late0 late1 late2 late3 " ]
}
one_of 5 late_words || fail "server $code, client $STATUS, and at the server \
'$(cat server.out)': $(cat server.err client.err)"
[ "$SEALED" = 0 ] || expect_line client.err \
    "the other side was stopped before its input ended"

check "bulk from the signalled side: what was read arrives whole"
mkfifo flow
# shellcheck disable=SC2317 # one_of calls it
orderly_bulk() {
	IN=flow adit server server 127.0.0.1 0 "$TOKEN"
	IN=/dev/null OUT=flow start_peer gen gen 1 100000000000
	listening server
	IN=/dev/null adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
	wait_for 10 bigger client.out 3000000
	send_signal server TERM
	reap server 7
	code=$STATUS
	reap gen
	reap client 5
	peer verify 1 "$(wc -c <client.out)" <client.out || fail "other bytes"
	[ "$code $STATUS" = "0 $cut" ]
}
one_of 3 orderly_bulk
orderly_end server client

check "bulk towards the signalled side: the drain runs out"
IN=/dev/null adit server server 127.0.0.1 0 "$TOKEN" --drain 2
listening server
IN=flow adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
IN=/dev/null OUT=flow start_peer gen gen 1 100000000000
wait_for 10 bigger server.out 3000000
now
before=$NOW
send_signal server TERM
expect_exit server 1 9
now
expect_range $((NOW - before)) 180 $((300 * SLOW))
expect_line server.err '.*within 2 s.*reset.*'
expect_exit client 4
reap gen
peer verify 1 "$(wc -c <server.out)" <server.out || fail "other bytes"

check "the peer does not read: over after a second, not never"
mkfifo stuck
IN=/dev/zero adit server server 127.0.0.1 0 "$TOKEN"
listening server
OUT=stuck adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
exec 3<>stuck
wait_line client.err '^connected to '
wait_for 20 backed_up
send_signal server TERM
expect_exit server 1 7
check "nobody reads our stdout: the same"
expect_exit client 4
IN=/dev/zero adit server server 127.0.0.1 0 "$TOKEN"
listening server
OUT=stuck adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
wait_line client.err '^connected to '
wait_for 20 backed_up
send_signal client TERM
expect_exit client 1 7
expect_exit server 4
exec 3>&-

check "a second signal ends at once with 128 + n"
for pair in INT:INT:130 TERM:TERM:143 INT:TERM:143 TERM:INT:130; do
	first=${pair%%:*}
	second=${pair#*:}
	for side in server client; do
		other=client
		[ "$side" = server ] || other=server
		SOPT="--drain 60" COPT="--drain 60" pair
		send_signal "$side" "$first"
		# Two that wait at the same time would come in any order, or be
		# one.
		wait_for 5 taken "$side"
		printf x >&3
		printf x >&4
		sleep 0.2
		quick "$side" "${second%:*}" "${second#*:}"
		expect_exit "$other" 4
		hang_up
	done
done

check "stdin a terminal: idle, signals and ^C end it, the terminal stays sane"
ready="listening on"
direct || ready="waiting in room"
for how in sig=TERM sig=INT 'send=\x03'; do
	# shellcheck disable=SC2086 # several words
	expect_ok peer pty "expect=$ready" "$how" -- \
	    $WRAP "$ADIT" server 127.0.0.1 0 "$TOKEN"
	# What the terminal shows is its own echo; that it was read shows at
	# the other side.
	# shellcheck disable=SC2317 # one_of calls it
	orderly_tty() {
		IN=/dev/null adit server server 127.0.0.1 0 "$TOKEN"
		listening server
		code=0
		# shellcheck disable=SC2086
		peer pty "expect=connected to" 'send=typed\n' \
		    full=server.out "$how" echo -- $WRAP "$ADIT" client \
		    127.0.0.1 "$(port_of server)" "$TOKEN" \
		    >tty.out 2>client.err || code=$?
		reap server 5
		expect_eq "$(cat server.out)" typed
		[ "$code $STATUS" = "0 $cut" ]
	}
	one_of 3 orderly_tty
	[ "$code" -eq 0 ] || cat tty.out
	orderly_end client server
done

check "^D on a terminal is an end, and no signal"
IN=/dev/null adit server server 127.0.0.1 0 "$TOKEN"
listening server
# shellcheck disable=SC2086
expect_ok peer pty "expect=connected to" 'send=typed\n' 'send=\x04' -- \
    $WRAP "$ADIT" client 127.0.0.1 "$(port_of server)" "$TOKEN"
expect_exit server 0
expect_eq "$(cat server.out)" typed
finish
