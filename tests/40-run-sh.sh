#!/bin/sh
# Goal: run.sh, answered at its prompts, ends up as a working server and client, share, ticket and relay, and never shows a token it was given.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

run=$TOP/run.sh
secret=open-sesame-xyzzy
start_peer service serve echo
serving service
service=$(addr_of service)

check "a server and a client for a service, all questions answered"
start_peer server pty 'expect=Mode.*: ' 'send=server\n' \
    'expect=Address.*: ' 'send=127.0.0.1\n' 'expect=Port.*: ' 'send=0\n' \
    'expect=Token.*: ' noecho "send=$secret\n" echo \
    'expect=Service.*: ' "send=$service\n" \
    'expect=listening on ([0-9.:]+)' wait=over sig=TERM -- "$run"
wait_line server.out 'listening on 127' 60
port=$(port_of server)
start_peer client pty 'expect=Mode.*: ' 'send=c\n' \
    'expect=Address.*: ' 'send=127.0.0.1\n' 'expect=Port.*: ' "send=$port\n" \
    'expect=Token.*: ' noecho "send=$secret\n" echo \
    'expect=Local port.*: ' 'send=0\n' \
    'expect=listening on ([0-9.:]+)' wait=over sig=TERM -- "$run"
wait_line client.out 'listening on 127' 60
expect_ok peer raw "connect=$(addr_of client)" text=hello gettext=hello fin end
: >over
expect_exit client 0
expect_exit server 0
expect_no_line client.out xyzzy
expect_no_line server.out xyzzy
rm over

check "wrong answers are asked again, an empty token is made and shown"
start_peer server pty 'expect=Mode.*: ' 'send=neither\n' \
    'expect=Mode.*: ' 'send=server\n' \
    'expect=Address.*: ' 'send=127.0.0.1\n' 'expect=Port.*: ' 'send=80x\n' \
    'expect=Port.*: ' 'send=65536\n' 'expect=Port.*: ' 'send=0\n' \
    'expect=Token.*: ' noecho 'send=\n' echo \
    'expect=Service.*: ' 'send=nonsense\n' 'expect=Service.*: ' \
    "send=$service\n" 'expect=/run.sh client [^\n]*\n' \
    'expect=listening on ([0-9.:]+)' wait=over sig=TERM -- "$run"
wait_line server.out 'listening on 127' 60
port=$(port_of server)

check "the line that is shown works when it is pasted"
line=$(sed -n 's/.*run\.sh \(client .*\)/\1/p' server.out)
# The port was the system's choice, and its place is named PORT.  The local
# port may be taken; any other does.
line=$(printf %s "$line" | sed "s/PORT/$port/; s/--listen [0-9]*/--listen 0/")
# shellcheck disable=SC2086 # the words of the line
start client "$run" $line
listening client
expect_ok peer raw "connect=$(addr_of client)" text=hello gettext=hello fin end
stop client
: >over
expect_exit server 0
rm over

check "run.sh server and run.sh client skip the questions, from any directory"
mkdir elsewhere
cd elsewhere || exit 1
printf 'through' >data
IN=data start server "$run" server 127.0.0.1 0 "$secret"
listening server
expect_eq "$("$run" client 127.0.0.1 "$(port_of server)" "$secret" \
    </dev/null 2>"$T/client.err")" through
expect_exit server 0
cd "$T" || exit 1

relay_of() {	# relay_of NAME: where it listens
	sed -n 's/^relay, listening on //p' "$T/$1.err" "$T/$1.out" 2>/dev/null
}

if [ "$SEALED" = 1 ]; then
	check "a relay, a share and a ticket, all questions answered"
	start_peer relay pty 'expect=Mode.*: ' 'send=relay\n' \
	    'expect=Address.*: ' 'send=127.0.0.1\n' 'expect=Port.*: ' \
	    'send=0\n' 'expect=listening on ([0-9.:]+)' wait=over sig=TERM \
	    -- "$run"
	wait_line relay.out '^relay, listening on 127' 60
	relay=$(relay_of relay)
	start_peer share pty 'expect=Mode.*share.*: ' 'send=\n' \
	    'expect=Service.*: ' 'send=nonsense\n' 'expect=Service.*: ' \
	    "send=$service\n" 'expect=Relay.*: ' 'send=\n' \
	    'expect=Relay.*: ' 'send=a/b\n' 'expect=Relay.*: ' \
	    "send=$relay\n" 'expect=\nadit [^\n]*\n' wait=over sig=TERM \
	    -- "$run"
	wait_line share.out "^adit $relay/" 60
	line=$(grep "^adit $relay/" share.out)
	start_peer ticket pty 'expect=Mode.*: ' 'send=t\n' \
	    'expect=Ticket.*: ' 'send=8442\n' 'expect=Ticket.*: ' \
	    "send=$line\n" 'expect=Local port.*: ' 'send=x\n' \
	    'expect=Local port.*: ' 'send=0\n' \
	    'expect=listening on ([0-9.:]+)' wait=over sig=TERM -- "$run"
	wait_line ticket.out '^listening on 127' 60
	expect_ok peer raw "connect=$(addr_of ticket)" text=hello \
	    gettext=hello fin end

	check "the service's own port is the default, a pipe goes as well"
	start_peer more pty 'expect=Mode.*: ' 'send=ticket\n' \
	    'expect=Ticket.*: ' "send=${line#adit }\n" \
	    'expect=Local port.*: ' 'send=\n' \
	    'expect=listening on ([0-9.:]+)' wait=over sig=TERM -- "$run"
	wait_line more.out '^listening on 127' 60
	expect_ok peer raw "connect=$(addr_of more)" text=hello \
	    gettext=hello fin end
	printf 'ticket\n%s\nstdin/stdout\necho this' "$line" >answers
	"$run" <answers >piped.out 2>piped.err || fail "run.sh exited $?"
	expect_eq "$(cat piped.out)" "echo this"
	# As for a pipe the line ends in a dash, which decides the default.
	printf 'ticket\n%s -\n\necho that' "$line" >answers
	"$run" <answers >piped.out 2>piped.err || fail "run.sh exited $?"
	expect_eq "$(cat piped.out)" "echo that"
	: >over
	for name in more ticket share relay; do
		expect_exit "$name" 0
	done
	rm over

	check "run.sh relay, share and TICKET skip the questions"
	start relay "$run" relay 127.0.0.1 0
	wait_line relay.err '^relay, listening on '
	relay=$(relay_of relay)
	start share "$run" share "$service" --relay "$relay"
	wait_line share.out '^adit '
	start ticket "$run" "$(sed -n 's/^adit //p' share.out)" --listen 0
	listening ticket
	expect_ok peer raw "connect=$(addr_of ticket)" text=hello \
	    gettext=hello fin end
	"$run" status "$relay" >status.out 2>last.err || fail "status: $?"
	expect_line status.out ".* 1 rooms, .*"
	stop ticket
	stop share
	stop relay
fi

check "words that are none of these"
for word in nonsense -x ./adit @file ''; do
	status=0
	timeout 60 "$run" "$word" </dev/null >none.out 2>none.err || status=$?
	expect_eq "$status" 2
done

check "^C at the token: the terminal echoes again, nothing is started"
peer pty 'expect=Mode.*: ' 'send=server\n' 'expect=Address.*: ' 'send=\n' \
    'expect=Port.*: ' 'send=0\n' 'expect=Token.*: ' noecho 'send=\x03' echo \
    -- "$run" >cut.out 2>cut.err
expect_eq "$?" 130
expect_no_line cut.out 'listening on'

check "no answers: it does not hang"
status=0
timeout 60 "$run" </dev/null >none.out 2>none.err || status=$?
expect_eq "$status" 2
finish
