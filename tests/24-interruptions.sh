#!/bin/sh
# Goal: interrupted and short system calls change no byte and end nothing.
# Modes: native plain posix
. "${0%/*}/lib.sh"

strace -o /dev/null -e trace=none true 2>strace.log ||
    skip "no process may be traced here: $(head -n 1 strace.log)"

start_peer swap serve swap 2000000
serving swap

# traced NAME INJECT ARG...: adit with every call of these kinds disturbed.
# The tracer passes signals and the exit status on.
traced() {
	_n=$1 _inject=$2
	shift 2
	rm -f "$T/$_n.err"
	start "$_n" strace -f -qq -o "$T/$_n.trace" \
	    -e "trace=${_inject%%:*}" -e "inject=$_inject" "$ADIT" "$@"
}

rounds=0
swap() {
	expect_ok peer swap "$ENTRY" 2000000
	rounds=$((rounds + 1))
	wait_for 10 has_lines "$rounds" swap.out '^end$'
}

splice=
case $SEALED-$MODE in
0-posix)	;;
0-*)	splice=splice:error=EINTR:when=2+3 ;;
esac
for inject in \
    recvfrom:error=EINTR:when=3+5 sendto:error=EINTR:when=3+5 \
    recvfrom:error=EAGAIN:when=3+7 sendto:error=EAGAIN:when=3+7 \
    poll,ppoll:error=EINTR:when=2+3 accept,accept4:error=EINTR:when=1+2 \
    $splice
do
	check "$inject"
	traced server "$inject" server 127.0.0.1 0 "$TOKEN" \
	    --to "$(addr_of swap)"
	wait_line server.err '^listening on '
	traced client "$inject" client 127.0.0.1 "$(port_of server)" \
	    "$TOKEN" --listen 0
	wait_line client.err '^listening on '
	ENTRY=$(addr_of client)
	swap
	swap
	# Otherwise nothing was tested.
	has_line client.trace INJECTED || has_line server.trace INJECTED ||
	    fail "nothing was disturbed"
	for side in client server; do
		# The tracer's only child is adit.
		read -r child _ <"/proc/$(pid_of $side)/task/$(pid_of $side)/children"
		kill -s TERM "$child"
		expect_exit "$side" 0 15
	done
done

# Plain, the other side's end is read, then ours goes out, and all is over
# before the reader looks whether what it read really was an end.  (Sealed, an
# end is a record.)
if [ "$SEALED" = 0 ]; then
	check "an end is not taken for a reset, however slow the reader is"
	mkfifo slow
	IN=slow traced server getpeername:delay_enter=400000 \
	    server 127.0.0.1 0 "$TOKEN"
	exec 3<>slow
	wait_line server.err '^listening on '
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
	wait_line server.err ' accepted$'
	wait_for 5 eval "ss -Htn state close-wait | grep -q ."
	exec 3>&-
	expect_exit client 0
	expect_exit server 0
	has_line server.trace DELAYED || fail "nothing was delayed"
fi

# Every third poll, not every second: two in a loop, and it would always be
# the same one that never gets anywhere.
check "a pipe with every fourth read and write interrupted"
peer gen 1 1000000 >data
for inject in read:error=EINTR:when=9+4 write:error=EINTR:when=9+4 \
    poll,ppoll:error=EINTR:when=2+3; do
	IN=data traced server "$inject" server 127.0.0.1 0 "$TOKEN"
	wait_line server.err '^listening on '
	IN=data traced client "$inject" client 127.0.0.1 "$(port_of server)" \
	    "$TOKEN"
	expect_exit client 0
	expect_exit server 0
	has_line client.trace INJECTED || fail "$inject: nothing was disturbed"
	has_line server.trace INJECTED || fail "$inject: nothing was disturbed"
	cmp -s data client.out || fail "$inject: server to client: other bytes"
	cmp -s data server.out || fail "$inject: client to server: other bytes"
done

check "short writes: a pipe whose reader takes a byte or a few at a time"
mkfifo trickle
peer gen 1 200000 >data
IN=data adit server server 127.0.0.1 0 "$TOKEN"
listening server
OUT=trickle adit client client 127.0.0.1 "$(port_of server)" "$TOKEN"
dd if=trickle bs=7 of=got 2>/dev/null
expect_exit client 0
expect_exit server 0
cmp -s data got || fail "other bytes"
finish
