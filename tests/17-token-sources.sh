#!/bin/sh
# Goal: the token can be given in four ways, and none leaves it where others can see it.
# Modes: native asan
. "${0%/*}/lib.sh"

secret=open-sesame-xyzzy
printf '%s\n' "$secret" >file
printf '%s' "$secret" >bare

# hidden NAME: nothing in /proc shows the token of this process.
hidden() {
	pid=$(pid_of "$1")
	unseen "$1" xyzzy
	# shellcheck disable=SC2009 # ps is what is tested
	if ps -ww -e -o args | grep -v grep | grep -q xyzzy; then
		fail "ps shows the token"
	fi
	grep -aq server "/proc/$pid/cmdline" ||
	    grep -aq client "/proc/$pid/cmdline" ||
	    fail "cmdline of $1 shows nothing at all"
}

# give NAME HOW ARG...: start it with the token given in this way.
give() {
	_who=$1 _how=$2
	shift 2
	case $_how in
	argument)
		adit "$_who" "$@" "$secret" ;;
	middle)	# options may stand before and behind it
		adit "$_who" "$1" --drain 5 "$2" "$3" "$secret" --verbose ;;
	file)
		adit "$_who" "$@" @file ;;
	bare)
		adit "$_who" "$@" "@$T/bare" ;;
	environment)
		# One process, not the whole scenario, has it.
		ADIT_TOKEN=$secret
		export ADIT_TOKEN
		adit "$_who" "$@"
		unset ADIT_TOKEN ;;
	both)	# the command line wins
		ADIT_TOKEN=wrong-$secret
		export ADIT_TOKEN
		adit "$_who" "$@" "$secret"
		unset ADIT_TOKEN ;;
	esac
}

mkfifo down
for how in argument middle file bare environment both; do
	check "token by $how"
	IN=down give server "$how" server 127.0.0.1 0
	exec 3<>down
	listening server
	hidden server
	# The other side always has it from the file: what is compared is
	# what the server took it for.
	IN=/dev/null give client "$how" client 127.0.0.1 "$(port_of server)"
	wait_line client.err '^connected to '
	hidden client
	exec 3>&-
	expect_exit client 0
	expect_exit server 0
	adit server server 127.0.0.1 0 @file
	listening server
	IN=/dev/null give client "$how" client 127.0.0.1 "$(port_of server)"
	expect_exit client 0
	expect_exit server 0
	expect_no_line server.err xyzzy
	expect_no_line client.err xyzzy
done

check "only one newline is stripped"
printf '%s\n\n' "$secret" >two
adit server server 127.0.0.1 0 "$secret
"
listening server
adit client client 127.0.0.1 "$(port_of server)" @two
expect_exit client 0
expect_exit server 0

check "a token that begins with a dash comes after --"
adit server server 127.0.0.1 0 -- "-$secret"
listening server
hidden server
adit client client -- 127.0.0.1 "$(port_of server)" "-$secret"
expect_exit client 0
expect_exit server 0

check "- asks on the terminal, without echo, and leaves the echo on"
adit server server 127.0.0.1 0 "$secret"
listening server
asked server "$secret"
expect_no_line tty.out xyzzy
expect_exit server 0

check "- asks the terminal although stdin is data"
adit server server 127.0.0.1 0 "$secret"
listening server
printf 'data' >data
# shellcheck disable=SC2016,SC2086
peer pty noecho "send=$secret\n" echo -- sh -c 'exec "$@" <data' sh \
    $WRAP "$ADIT" client 127.0.0.1 "$(port_of server)" - >tty.out ||
    fail "exit $?"
expect_exit server 0
expect_eq "$(cat server.out)" data

check "^C at the question: the echo is on again"
# shellcheck disable=SC2086
peer pty noecho 'send=\x03' echo -- \
    $WRAP "$ADIT" client 127.0.0.1 7000 - >tty.out && fail "exit 0"

check "- without a terminal: exit 2"
# shellcheck disable=SC2086
start client setsid -w $WRAP "$ADIT" client 127.0.0.1 7000 -
expect_exit client 2
expect_eq "$(grep -c . client.err)" 1

check "a file that is not there, is empty, or is too long: one line, exit 2"
: >empty
printf '\n' >newline
# A newline at the end would be stripped, and the rest would fit.
peer gen 1 1024 >long
printf xx >>long
for file in missing empty newline long /; do
	adit client client 127.0.0.1 7000 "@$file"
	expect_exit client 2
	expect_eq "$(grep -c . client.err)" 1
done
finish
