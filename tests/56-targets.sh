#!/bin/sh
# Goal: a client gets the service it asks for among those the server allows, and no other; what it asks for is not seen on the way.
# Modes: native asan relay
. "${0%/*}/lib.sh"
sealed_only

# Who was reached is told by how much comes.
for n in 100 200 300; do
	start_peer "source$n" serve source "$n"
	serving "source$n"
done
a=$(addr_of source100)
b=$(addr_of source200)
c=$(addr_of source300)

serve() {	# serve OPTION...
	[ -z "${pid_server:-}" ] || stop server
	adit server server 127.0.0.1 0 "$TOKEN" "$@"
	listening server
	port=$(port_of server)
}

# gets BYTES OPTION...: a pipe with these options gets so much.
gets() {
	_n=$1
	shift
	adit client client 127.0.0.1 "$port" "$TOKEN" "$@"
	expect_exit client 0
	expect_eq "$(wc -c <client.out | tr -d ' ')" "$_n"
}

# not TARGET OPTION...: it is told no, in words on both sides.
not() {
	_t=$1
	shift
	adit client client 127.0.0.1 "$port" "$TOKEN" "$@"
	expect_exit client 1
	expect_line client.err "refused: this target is not allowed there: $_t"
	wait_line server.err \
	    "^refused 127\\.0\\.0\\.1:[0-9]+: this target is not allowed there: $_t\$"
}

check "--to twice: the first is the default, the second by port or by name"
serve --to "$a" --to "$b"
gets 100
gets 200 --target "${b##*:}"
gets 200 --target "$b"
gets 100 --target "$a"
gets 100 --target="${a##*:}"
ADIT_TARGET=$b
export ADIT_TARGET
gets 200
gets 100 --target "$a"
unset ADIT_TARGET

check "others are refused"
not "${c##*:}" --target "${c##*:}"
not "$c" --target "$c"
not "localhost:${b##*:}" --target "localhost:${b##*:}"
not "127\.0\.0\.2:${b##*:}" --target "127.0.0.2:${b##*:}"
not "\[::1\]:${b##*:}" --target "[::1]:${b##*:}"

check "--allow: a host, any of its ports"
serve --to "$a" --allow "127.0.0.1:*"
gets 100
gets 200 --target "$b"
gets 300 --target "${c##*:}"
not "127\.0\.0\.2:${b##*:}" --target "127.0.0.2:${b##*:}"
not "localhost:${b##*:}" --target "localhost:${b##*:}"

check "--allow: a port, at any host"
serve --to "$a" --allow "*:${b##*:}"
gets 200 --target "${b##*:}"
gets 200 --target "localhost:${b##*:}"
not "$c" --target "$c"

check "--allow: one name and port; and several of them"
serve --to "$a" --allow "localhost:${b##*:}" --allow "$c"
gets 200 --target "localhost:${b##*:}"
gets 300 --target "$c"
not "$b" --target "$b"

check "--allow *:* alone: everything, but there is no default"
serve --allow "*:*"
gets 300 --target "$c"
gets 100 --target "localhost:${a##*:}"
adit client client 127.0.0.1 "$port" "$TOKEN"
expect_exit client 1
expect_line client.err "refused: .*"
wait_line server.err '^refused '

check "lists in the environment; those on the command line take their place"
stop server
pid_server=
serve_listed() {	# it alone has them
	ADIT_TO=$a,$b ADIT_ALLOW="127.0.0.9:*,$c"
	export ADIT_TO ADIT_ALLOW
	serve "$@"
	unset ADIT_TO ADIT_ALLOW
}
serve_listed
gets 100
gets 200 --target "$b"
gets 300 --target "$c"
serve_listed --to "$b"
gets 200
gets 300 --target "$c"
not "$a" --target "$a"
serve_listed --to "$b" --allow "$a"
gets 100 --target "$a"
stop server
pid_server=

check "with --listen: each client has its own target"
serve --to "$a" --to "$b" -v
adit first client 127.0.0.1 "$port" "$TOKEN" --listen 0
adit second client 127.0.0.1 "$port" "$TOKEN" --listen 0 --target "${b##*:}"
listening first
listening second
linked server first
linked server second
for i in 1 2 3; do
	expect_eq "$(timeout 30 socat -u "TCP:$(addr_of first)" - | wc -c |
	    tr -d ' ')" 100
	expect_eq "$(timeout 30 socat -u "TCP:$(addr_of second)" - | wc -c |
	    tr -d ' ')" 200
done
expect_line server.err "stream [0-9]+ opened: 127\.0\.0\.1:[0-9]+ -> $b"
stop first
stop second

check "and one that is refused ends, before anybody comes"
not "$c" --target "$c" --listen 0
stop server
pid_server=
expect_no_line source300.out '^wrong'

# With a relay on the way: 81.
direct || finish

check "neither the target nor the data is seen on the way"
start_peer echo serve echo
serving echo
adit server server 127.0.0.1 0 "$TOKEN" --to "$a" --allow "localhost:*"
listening server
at=$NOBODY
# After one direction has ended, socat waits for the other for so long.
start spy socat -t 20 -r up.raw -R down.raw \
    "TCP-LISTEN:${at##*:},bind=127.0.0.1,reuseaddr,fork" \
    "TCP:$(addr_of server)"
wait_for 5 eval "ss -Htln | grep -q ':${at##*:} '"
for i in 1 2 3 4 5 6 7 8 9; do
	echo "a line that is easily recognized $i"
done >plain
target=localhost:$(port_of echo)
IN=plain adit client client 127.0.0.1 "${at##*:}" "$TOKEN" --target "$target"
expect_exit client 0
cmp -s plain client.out || fail "not echoed"
adit client client 127.0.0.1 "${at##*:}" "$TOKEN" --target "$target" --listen 0
listening client
wait_line client.err '^connected to '
timeout 30 socat -t 20 - "TCP:$(addr_of client)" <plain >echoed ||
    fail "socat exited $?"
cmp -s plain echoed || fail "not echoed"
stop client
stop spy 143
# Link, stream's connection and pipe went through here.
expect_range "$(($(wc -c <up.raw) + $(wc -c <down.raw)))" 1500 100000
for word in easily localhost recognized "$TOKEN"; do
	if grep -aq "$word" up.raw down.raw; then
		fail "'$word' is there for all to see"
	fi
done
finish
