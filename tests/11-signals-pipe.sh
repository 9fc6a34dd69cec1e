#!/bin/sh
# Goal: a signal ends a pipe in an orderly and bounded way at every stage, and a second one at once.
# Modes: native plain asan relay
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

# quick NAME SIGNAL STATUS...: it ends within a second, with one of these.
quick() {
	_who=$1
	send_signal "$1" "$2"
	shift 2
	now
	_before=$NOW
	reap "$_who" 10
	now
	expect_range $((NOW - _before)) 0 $((50 * SLOW))
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

# cut_short NAME: its peer was stopped.  Plain, it cannot tell that from the
# end of the peer's input; sealed, it is told.
cut_short() {
	expect_exit "$1" "$cut" 5
	[ "$SEALED" = 0 ] || expect_line "$1.err" \
	    "the other side was stopped before its input ended"
}
cut=0
[ "$SEALED" = 0 ] || cut=4

check "idle, stdin a pipe: the end is passed on, the stopped side exits 0"
UP=/dev/null pair
send_signal server TERM
expect_exit server 0 5
cut_short client
hang_up
DOWN=/dev/null pair
send_signal client INT
expect_exit client 0 5
cut_short server
hang_up

check "idle, the other side does not end: reset after a quiet second"
pair
now
before=$NOW
send_signal server TERM
expect_exit server 1 5
now
expect_range $((NOW - before)) 80 $((150 * SLOW))
expect_line server.err '.*(not stopped|stopped|not over).*'
expect_exit client 4
hang_up

check "what is written during the drain still arrives"
pair
send_signal server TERM
wait_line server.err '.'
i=0
while [ "$i" -lt 4 ]; do
	# Less than a second apart, so that the drain goes on.
	sleep 0.5
	printf 'late%s ' "$i" >&4
	i=$((i + 1))
done
exec 4>&-
expect_exit server 0 5
cut_short client
expect_eq "$(cat server.out)" "late0 late1 late2 late3 "
hang_up

check "bulk from the signalled side: what was read arrives whole"
mkfifo flow
DOWN=flow UP=/dev/null
IN=$DOWN adit server server 127.0.0.1 0 "$TOKEN"
IN=/dev/null OUT=flow start_peer gen gen 1 100000000000
listening server
IN=$UP adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
wait_for 10 bigger client.out 3000000
send_signal server TERM
expect_exit server 0 7
cut_short client
reap gen
peer verify 1 "$(wc -c <client.out)" <client.out || fail "other bytes"
unset DOWN UP

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
		# The end that is passed on shows that the first one was taken.
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
	DOWN=/dev/null
	IN=$DOWN adit server server 127.0.0.1 0 "$TOKEN"
	unset DOWN
	listening server
	# What the terminal shows is its own echo; that it was read shows at
	# the other side.
	# shellcheck disable=SC2086
	expect_ok peer pty "expect=connected to" 'send=typed\n' \
	    full=server.out "$how" echo -- \
	    $WRAP "$ADIT" client 127.0.0.1 "$(port_of server)" "$TOKEN"
	cut_short server
	expect_eq "$(cat server.out)" typed
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
