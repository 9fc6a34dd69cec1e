#!/bin/sh
# Goal: run.sh, answered at its prompts, ends up as a working server and client, and never shows a token it was given.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

run=$TOP/run.sh
secret=open-sesame-4711
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
expect_no_line client.out 4711
expect_no_line server.out 4711
rm over

check "wrong answers are asked again, an empty token is made and shown"
start_peer server pty 'expect=Mode.*: ' 'send=neither\n' \
    'expect=Mode.*: ' 'send=\n' \
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

check "^C at the token: the terminal echoes again, nothing is started"
peer pty 'expect=Mode.*: ' 'send=\n' 'expect=Address.*: ' 'send=\n' \
    'expect=Port.*: ' 'send=0\n' 'expect=Token.*: ' noecho 'send=\x03' echo \
    -- "$run" >cut.out
expect_range "$?" 1 255
expect_no_line cut.out 'listening on'

check "no answers: it does not hang"
status=0
timeout 60 "$run" </dev/null >none.out 2>none.err || status=$?
expect_eq "$status" 2
finish
