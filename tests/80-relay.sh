#!/bin/sh
# Goal: share prints a command that works as it is pasted; tickets and rooms lead where they should and nowhere else, and all heals when a relay or a server comes back.
# Modes: native asan tsan
. "${0%/*}/lib.sh"
sealed_only

# Where starting them takes seconds: fewer of what is done again and again.
rounds=5
[ "$MODE" = native ] || rounds=1
word='[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]'

# What a user has: adit in the PATH, and a line to paste.
mkdir bin
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$WRAP" "$ADIT" >bin/adit
chmod 755 bin/adit
PATH=$T/bin:$PATH

relay() {	# relay [PORT]: sets RELAY
	adit relay relay 127.0.0.1 "${1:-0}" --drain 1
	listening relay
	RELAY=$(addr_of relay)
}

# share ARG...: sets LINE, which is the one to paste, and TICKET and ROOM.
share() {
	adit share share "$@" --relay "$RELAY"
	_said=share.out
	case " $* " in	# where stdout is for the data
	*" - "*)	_said=share.err ;;
	esac
	wait_line "$_said" '^adit '
	LINE=$(tail -n 1 "$_said")
	TICKET=${LINE#adit } TICKET=${TICKET%% *}
	ROOM=${TICKET#*/} SECRET=${ROOM#*-} ROOM=${ROOM%%-*}
	note_fds share
}

# paste NAME LINE: as a shell takes it, which then is not there any more.
paste() {
	rm -f "$1.err" "$1.out"
	echo "exec $2" >"$1.line"
	start "$1" sh "$1.line"
	ADITS="$ADITS $1"
}

come() {	# come NAME ARG...: with the ticket
	_n=$1
	shift
	adit "$_n" "$TICKET" "$@"
	wait_line "$_n.err" '^connected to room '
}

good() {	# good ENTRY: a visitor there is answered
	expect_ok peer raw "connect=$1" text=hello gettext=hello fin end
}

# good_again ENTRY: the same, now; sets TOOK, in hundredths of a second, less
# what it takes when all is well, which is seen next.
good_again() {
	now
	_began=$NOW
	good "$1"
	now
	TOOK=$((NOW - _began)) _began=$NOW
	good "$1"
	now
	TOOK=$((TOOK - (NOW - _began)))
}

# gone NAME...: these stop; when all servers have, the relay is as it was.
gone() {
	for _g in "$@"; do
		stop "$_g"
	done
	case " $ADITS " in
	*" s"*)	;;
	*)	wait_for 20 back_to_baseline relay ;;
	esac
}

metric() {	# metric NAME: what the relay counts under it
	curl -sSf "http://$RELAY/metrics" | sed -n "s/^adit_relay_$1 //p"
}

# shellcheck disable=SC2317 # wait_for calls it
counts() {	# counts NAME VALUE: it is so, in a moment
	[ "$(metric "$1")" = "$2" ]
}

relay
start_peer service serve echo 0 127.0.0.2:0
serving service
service=$(addr_of service)
port=${service##*:}

check "the last line on stdout is a command; pasted, it listens on the same port"
share "$service"
expect_line share.out "adit $RELAY/[1-9][0-9]{0,3}-$word(-$word){3}"
expect_eq "$(wc -l <share.out)" 1
expect_line share.err "waiting in room $ROOM at relay $RELAY"
paste user "$LINE"
listening user
expect_eq "$(addr_of user)" "127.0.0.1:$port"
expect_line user.err "connected to room $ROOM, relay $RELAY [0-9]+ ms"
good "127.0.0.1:$port"

check "that port is taken by now: another one, and it says which"
paste second "$LINE"
listening second
[ "$(port_of second)" != "$port" ] || fail "the same port twice"
good "$(addr_of second)"
good "127.0.0.1:$port"

check "the secret is not to be seen: arguments, environment, logs"
for name in relay share user second; do
	pid=$(pid_of "$name")
	for file in cmdline environ; do
		if tr '\0' '\n' <"/proc/$pid/$file" | grep -Fq "$SECRET"; then
			fail "$file of $name shows the secret"
		fi
	done
	expect_no_line "$name.err" "$SECRET"
done
# shellcheck disable=SC2009 # ps is what is tested
if ps -ww -e -o args | grep -v grep | grep -Fq "$SECRET"; then
	fail "ps shows the secret"
fi
# Freed memory of a sanitizer's is kept for a while, as it was.
if [ "$MODE" = native ]; then
	for name in relay user second; do
		expect_eq "$(peer find "$(pid_of "$name")" "$SECRET")" ""
	done
fi
gone user second

check "adit TICKET - joins stdin and stdout to the service, and ends with it"
peer gen 1 3000000 >data
IN=data start user sh -c "$LINE -"
expect_exit user 0 30
cmp -s data user.out || fail "not echoed"

check "--listen, upper case letters, several clients at once"
come first --listen 127.0.0.1:0
upper=$(printf %s "$ROOM-$SECRET" | tr '[:lower:]' '[:upper:]')
adit loud "$RELAY/$upper" --listen 127.0.0.3:0
for i in 1 2 3; do
	come "more$i" --listen 0
done
for name in first loud more1 more2 more3; do
	listening "$name"
	start_peer "crowd_$name" crowd "$(addr_of "$name")" $((CONNS / 10)) 5000
done
for name in first loud more1 more2 more3; do
	expect_exit "crowd_$name" 0 30
done
expect_line loud.err 'listening on 127\.0\.0\.3:[0-9]+'
# Seven; and where all is slow, links that took the place of others.
# shellcheck disable=SC2317 # wait_for calls it
seven_linked() {
	[ $(($(count_lines share.err '^client 127\.0\.0\.1:[0-9]+ linked$') -
	    $(count_lines share.err ' gone: replaced by a newer link$'))) -eq 7 ]
}
wait_for 5 seven_linked

check "a wrong token in the right room: exit 3, and the others do not notice"
IN=data adit wrong client 127.0.0.1 "${RELAY##*:}" wrong --room "$ROOM"
expect_exit wrong 3
expect_line wrong.err 'refused: wrong token \(or somebody in between\)'
expect_eq "$(cat wrong.out)" ""
wait_line share.err '^refused 127\.0\.0\.1:[0-9]+: wrong token, or it gave up$'
good "$(addr_of first)"
gone first loud more1 more2 more3 share

check "what the relay counts: rooms, pairs, streams; and that it forgets"
share "$service"
come user --listen 0
listening user
wait_for 5 counts pairs 1
wait_for 5 counts rooms 1
pairs=$(metric pairs_total)
start_peer visitor raw "connect=$(addr_of user)" text=a gettext=a say=up \
    wait=go text=b gettext=b fin end
wait_line visitor.out '^up$'
wait_for 5 counts pairs 2
expect_ok "$ADIT" status "$RELAY"
expect_line last.out "$RELAY: adit [0-9.]+, up [0-9]+ s, 1 rooms, 2 pairs, [0-9]+ ms away"
: >go
expect_exit visitor 0
wait_for 5 counts pairs 1
good "$(addr_of user)"
expect_eq "$(metric pairs_total)" $((pairs + 2))
gone user share
wait_for 5 counts rooms 0
wait_for 5 counts pairs 0

check "share -: the ticket is on stderr, and a pipe goes both ways"
mkfifo up down
IN=down adit share share - --relay "$RELAY"
exec 3<>down
wait_line share.err '^adit '
TICKET=$(sed -n 's/^adit \([^ ]*\).*/\1/p' share.err)
IN=up adit user "$TICKET" -
exec 4<>up
wait_line user.err '^connected to '
printf 'ping\n' >&4
wait_line share.out '^ping$'
printf 'pong\n' >&3
wait_line user.out '^pong$'
exec 3>&- 4>&-
expect_exit user 0
expect_exit share 0
expect_eq "$(cat share.out user.out)" "ping
pong"

check "UDP, a target of several, and the other way round"
start_peer udp udp-serve
serving udp
share "$(port_of udp)" -u
come user -u --listen 0
listening user
expect_ok peer udp-ask "$(addr_of user)" 1 0 1472 8192 65507
gone user share
start_peer hundred serve source 100
serving hundred
share "$service" --allow "$(addr_of hundred)"
adit user "$TICKET" --target "$(port_of hundred)"
listening user
expect_eq "$(addr_of user)" "127.0.0.1:$(port_of user)"
expect_eq "$(timeout 30 socat -u "TCP:$(addr_of user)" - | wc -c)" 100
IN=data adit other "$TICKET" - --target 127.0.0.9:9
expect_exit other 1
expect_line other.err 'refused: this target is not allowed there: 127\.0\.0\.9:9'
gone user share
share --listen 127.0.0.1:0
come user --to "$service"
wait_line share.err '^client [^ ]+ linked$'
good "$(local_of share)"
gone user share

check "a ticket that is not right: one line, exit 2, and nobody is dialled"
share "$service"
start_peer trap serve hold
serving trap
first=${SECRET%%-*} rest=${SECRET#*-}
digit=$(((${ROOM%"${ROOM#?}"} + 1) % 10))${ROOM#?}
letter=b
[ "${SECRET%b}" = "$SECRET" ] || letter=d
for wrong in "$ROOM-${SECRET%?}$letter" "$ROOM-$rest" "$ROOM-${SECRET%-*}" \
    "$ROOM-$first-$SECRET" "$ROOM-${SECRET%?}" "$ROOM-${SECRET}x" \
    "$digit-$SECRET" "$ROOM-" "$ROOM" "-$SECRET" ""; do
	adit user "$(addr_of trap)/$wrong"
	expect_exit user 2
	expect_eq "$(grep -c . user.err)" 1
	expect_eq "$(cat user.out)" ""
	expect_no_line user.err "$rest|${SECRET%-*}"
done
adit user "$(addr_of trap)/$ROOM-$first-$rest-" -
expect_exit user 2
expect_no_line trap.out open
# Or it would have been: the right one is no good there either, but dials.
adit user "$(addr_of trap)/$ROOM-$SECRET" --listen 0
wait_line trap.out '^open$'
stop user
gone share
stop trap 143

check "nobody is in the room: exit 1; with --listen it waits, and is served"
nobody="no tunnel through $RELAY, room empty\.1: nobody waits in this room"
IN=data adit user client 127.0.0.1 "${RELAY##*:}" "$STRONG" --room empty.1
expect_exit user 1
expect_line user.err "$nobody"
adit user client 127.0.0.1 "${RELAY##*:}" "$STRONG" --room empty.1 --listen 0
listening user
wait_line user.err "^$nobody; trying again"
start_peer visitor raw "connect=$(addr_of user)" say=up text=hi gettext=hi \
    fin end
wait_line visitor.out '^up$'
adit server server 127.0.0.1 "${RELAY##*:}" "$STRONG" --room empty.1 \
    --to "$service"
expect_exit visitor 0

check "the server is killed and comes back: so does its client, within 2 s"
for i in $(seq "$rounds"); do
	kill_now server
	# Before that the first bytes of a visitor could be lost with the link.
	wait_for 10 has_lines "$i" user.err '^link to .* lost: '
	adit server server 127.0.0.1 "${RELAY##*:}" "$STRONG" --room empty.1 \
	    --to "$service"
	wait_line server.err '^waiting in room '
	good_again "$(addr_of user)"
	expect_range "$TOOK" -9999 $((200 * SLOW))
done
gone user server

check "two rooms with one token: each client gets its own server, by either way"
start_peer more serve source 200
serving more
for room in 1 2; do
	source="hundred"
	[ "$room" = 1 ] || source="more"
	adit "server$room" server 127.0.0.1 "${RELAY##*:}" "$STRONG" \
	    --room "r$room" --to "$(addr_of "$source")"
	listening "server$room"
	adit "user$room" client 127.0.0.1 "${RELAY##*:}" "$STRONG" \
	    --room "r$room" --listen 0
	listening "user$room"
	linked "server$room" "user$room"
done
for _ in $(seq "$rounds"); do
	for room in 1 2; do
		adit pipe client 127.0.0.1 "${RELAY##*:}" "$STRONG" \
		    --room "r$room"
		expect_exit pipe 0
		expect_eq "$(wc -c <pipe.out)" "${room}00"
		expect_eq "$(timeout 30 socat -u \
		    "TCP:$(addr_of "user$room")" - | wc -c)" "${room}00"
	done
done
gone user1 user2 server1 server2

check "the relay is killed: what runs is reset; it is back: so is all, within 2 s"
share "$service"
come user --listen 0
listening user
at=$(addr_of user)
slowest=0
for i in $(seq "$rounds"); do
	start_peer visitor raw "connect=$at" text=a gettext=a say=up reset
	wait_line visitor.out '^up$'
	lost=$(count_lines user.err '^link to .* lost: ')
	kill_now relay
	expect_exit visitor 0
	wait_for 10 has_lines $((lost + 1)) user.err '^link to .* lost: '
	# So that waits have grown as far as they do.
	[ "$i" -lt 4 ] || sleep 2
	relay "${RELAY##*:}"
	good_again "$at"
	[ "$TOOK" -ge 0 ] || TOOK=0
	echo "# good again after $(hundredths "$TOOK") s"
	[ "$TOOK" -le "$slowest" ] || slowest=$TOOK
done
expect_range "$slowest" 0 $((200 * SLOW))
wait_line share.err "^no longer in room $ROOM at relay $RELAY: "
expect_eq "$(wc -l <share.out)" 1

check "it is stopped in order: the same"
lost=$(count_lines user.err '^link to .* lost: ')
send_signal relay TERM
reap relay 15
wait_for 10 has_lines $((lost + 1)) user.err '^link to .* lost: '
relay "${RELAY##*:}"
good_again "$at"
expect_range "$TOOK" -9999 $((200 * SLOW))
stop user
stop share
wait_for 10 counts rooms 0
stop relay
finish
