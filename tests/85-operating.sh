#!/bin/sh
# Goal: a relay can be operated: who may open rooms, how many and how fast, what it shows of itself, how it stops, and whom it becomes.
# Modes: native asan tsan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only

secret=open-the-4711-rooms
other=closed-4712-rooms

# relay OPTION...: one named relay; sets AT, its address, and PORT.
relay() {
	adit relay relay 127.0.0.1 0 "$@"
	wait_line relay.err '^relay, listening on '
	AT=$(sed -n 's/^relay, listening on //p' relay.err)
	PORT=${AT##*:}
	note_fds relay
}

# room SERVER NAME OPTION...: a server waits in this room, or will want to.
room() {
	_server=$1 _room=$2
	shift 2
	adit "$_server" server 127.0.0.1 "$PORT" "$STRONG" --room "$_room" \
	    --to "${SERVICE:-127.0.0.1:9}" "$@"
}

waits() {	# waits SERVER: it has its room
	wait_line "$1.err" '^waiting in room '
}

# visit CLIENT NAME: a client of this room; sets ENTRY.
visit() {
	adit "$1" client 127.0.0.1 "$PORT" "$STRONG" --room "$2" \
	    --listen 127.0.0.1:0
	listening "$1"
	wait_line "$1.err" '^connected to room '
	ENTRY=$(addr_of "$1")
}

# ask PATH: what the relay says to that; sets HTTP, its status.
ask() {
	# From where nobody else comes: who asks may have to wait itself.
	HTTP=$(curl -s -m $((5 * SLOW)) --interface 127.0.0.250 -o ask.out \
	    -w '%{http_code}' "http://$AT$1") || HTTP=none
}

# metric NAME: its value now.
metric() {
	ask /metrics
	awk -v name="$1" '$1 == name { print $2 }' ask.out
}

refusals() {	# refusals REASON: so many
	metric "adit_relay_refused_total{reason=\"$1\"}"
}

# shellcheck disable=SC2317 # wait_for calls it
listens() {	# listens PORT
	[ -n "$(ss -Hltn src "127.0.0.1:$1")" ]
}

# shellcheck disable=SC2317 # wait_for calls it
no_pairs() {
	[ "$(metric adit_relay_pairs)" = 0 ]
}

# shellcheck disable=SC2317 # wait_for calls it
carried() {	# carried N: so many pairs
	[ "$(metric adit_relay_pairs)" = "$1" ]
}

# shellcheck disable=SC2317 # wait_for calls it
parked() {	# parked N: so many connections of servers
	[ "$(metric adit_relay_parked)" = "$1" ]
}

# shellcheck disable=SC2317 # wait_for calls it
so_many_wait() {	# so_many_wait N: at the gate
	[ "$(metric adit_relay_waiting)" = "$1" ]
}

# shellcheck disable=SC2317 # wait_for calls it
someone_waits() {
	[ "$(metric adit_relay_waiting)" -gt 0 ]
}

# shellcheck disable=SC2317 # wait_for calls it
bytes_grow() {	# bytes_grow N: there were more than that to clients
	[ "$(metric 'adit_relay_bytes_total{direction="to_client"}')" -gt "$1" ]
}

helper() {	# helper ARG...: in the foreground
	# shellcheck disable=SC2086 # $PYTHON is several words
	$PYTHON "$TESTS/85-operating.py" "$@"
}

start_helper() {	# start_helper NAME ARG...: in the background
	_name=$1
	shift
	rm -f "$T/$_name.out"
	# shellcheck disable=SC2086 # $PYTHON is several words
	IN=${IN_FROM:-/dev/null} start "$_name" $PYTHON \
	    "$TESTS/85-operating.py" "$@"
}

# shellcheck disable=SC2317 # wait_for calls it
counted() {	# counted REASON: there were some
	[ "$(refusals "$1")" -ge 1 ]
}

# refused REASON SENTENCE: counted, logged with -v, and in the events.
refused() {
	wait_line relay.err "^refused 127\.0\.0\.[0-9]+:[0-9]+: $2$"
	wait_line relay.out "\"event\":\"refused\".*\"reason\":\"$2\"\}$"
	wait_for 5 counted "$1"
}

# hidden: neither secret can be seen from outside of the relay and server s.
hidden() {
	for _n in relay s; do
		for _f in cmdline environ; do
			if tr '\0' '\n' <"/proc/$(pid_of "$_n")/$_f" |
			    grep -q -- '471[12]-rooms'; then
				fail "$_f of $_n shows the secret"
			fi
		done
		expect_no_line "$_n.err" '471[12]-rooms'
	done
	# shellcheck disable=SC2009 # ps is what is tested
	if ps -ww -e -o args | grep -v grep | grep -q -- '471[12]-rooms'; then
		fail "ps shows the secret"
	fi
}

# Who may open rooms ----------------------------------------------------------

printf '%s\n' "$secret" >auth
for how in argument file environment; do
	check "--auth by $how, at the relay and at the server"
	case $how in
	argument)	set -- --auth "$secret" ;;
	file)		set -- "--auth=@auth" ;;
	environment)	set --
			ADIT_AUTH=$secret
			export ADIT_AUTH ;;
	esac
	relay "$@"
	room s one "$@"
	unset ADIT_AUTH
	waits s
	hidden
	stop s
	stop relay
done

check "what the command line wins over is wiped, too"
ADIT_AUTH=$other
export ADIT_AUTH
relay --auth @auth
room s one --auth @auth
unset ADIT_AUTH
waits s
hidden
stop s
stop relay

check "the wrong secret, or none, opens no room, and each is told so"
relay --auth @auth -v --json
room wrong one --auth "$other"
wait_line wrong.err '^the relay wants another secret \(--auth\); trying again$'
refused auth 'another secret \(--auth\), or it gave up'
room none one
wait_line none.err \
    '^refused: the relay wants a secret \(--auth\); trying again$'
refused auth_missing 'it has no secret \(--auth\)'
expect_eq "$(metric adit_relay_rooms)" 0
stop wrong
stop none

check "a client needs no secret; what passes does not show it"
command -v socat >/dev/null || skip "no socat"
start_peer service serve echo
serving service
SERVICE=$(addr_of service)
# What the server says to the relay, and what it hears, goes through here.
start tap socat -r tap.up -R tap.down TCP-LISTEN:7001,bind=127.0.0.1,fork \
    "TCP:$AT"
wait_for 5 listens 7001
direct=$PORT
PORT=7001 room s kept --auth "$secret"
waits s
PORT=$direct
visit c kept
expect_ok peer crowd "$ENTRY" 1 20000
stop c
stop s
# The tap sees all there is: a room's name, where nobody asks for a secret.
for dump in tap.up tap.down; do
	[ -s "$dump" ] || fail "nothing in $dump"
	if grep -aq -e 4711-rooms -e "$(printf '%s' "$secret" | base64)" "$dump"; then
		fail "$dump shows the secret"
	fi
done
stop relay
relay -v --json
kill "$(pid_of tap)"
reap tap
start tap socat -r tap.plain TCP-LISTEN:7002,bind=127.0.0.1,fork "TCP:$AT"
wait_for 5 listens 7002
direct=$PORT
PORT=7002 room s in_the_clear
waits s
PORT=$direct
wait_for 5 grep -aq in_the_clear tap.plain
stop s
kill "$(pid_of tap)"
reap tap

check "a secret that nobody wants: said on both sides"
room s one --auth "$secret"
wait_line s.err \
    '^the relay asks for no secret \(leave out --auth\); trying again$'
refused auth_needless 'it has a secret, and none is asked for'
stop s

check "SIGHUP without a file: nothing to read, nothing ends"
send_signal relay HUP
wait_line relay.err '^SIGHUP: nothing to read again: no --auth @FILE$'
ask /healthz
expect_eq "$HTTP" 200
stop relay

check "SIGHUP reads the file again; rooms that are open stay"
relay --auth @auth -v --json
room old one --auth "$secret"
waits old
printf '%s' "$other" >auth
send_signal relay HUP
wait_line relay.err '^SIGHUP: read the secret of --auth again from auth$'
wait_line relay.out '"event":"reload".*"what":"auth","done":true\}$'
room new two --auth "$other"
waits new
room late three --auth "$secret"
wait_line late.err '^the relay wants another secret '
expect_eq "$(metric adit_relay_rooms)" 2
stop late

check "a file that is no good leaves the secret as it was"
: >auth
send_signal relay HUP
wait_line relay.err '^SIGHUP: the secret of --auth stays as it was: the token in auth must have 1 to 1024 bytes$'
wait_line relay.out '"event":"reload".*"done":false,"reason":"the token in auth'
rm auth
send_signal relay HUP
wait_line relay.err '^SIGHUP: .*: cannot read the token from auth: No such '
room third three --auth "$other"
waits third
expect_no_line relay.err '471[12]-rooms'
for n in old new third; do
	expect_eq "$(count_lines "$n.err" 'no longer')" 0
	stop "$n"
done
stop relay

# Limits ------------------------------------------------------------------------

check "--max-rooms: one more is refused, and told why"
relay --max-rooms 2 -v --json
for n in 1 2; do
	room "s$n" "room$n"
	waits "s$n"
done
room s3 room3
wait_line s3.err '^refused: the relay is full: at the limit of 2 rooms \(--max-rooms\); trying again$'
refused rooms_full 'at the limit of 2 rooms \(--max-rooms\)'
expect_eq "$(refusals source_rooms_full)" 0

check "a room that is taken"
room again room1
wait_line again.err '^refused: room busy: another server has it; trying again$'
refused busy 'room busy: another server has it'
stop again
stop s1
check "there is room again"
# It asks again after 1, 2, 4 ... 30 s.
wait_line s3.err '^waiting in room ' 35
stop s2
stop s3
stop relay

check "--max-per-source: rooms, and pairs, from one address"
relay --max-per-source 2 -v --json
for n in 1 2; do
	SERVICE=$(addr_of service) room "s$n" "room$n"
	waits "s$n"
done
room s3 room3
wait_line s3.err '^refused: the relay is full: at the limit of 2 rooms from one address \(--max-per-source\); trying again$'
refused source_rooms_full \
    'at the limit of 2 rooms from one address \(--max-per-source\)'
expect_eq "$(refusals rooms_full)" 0
stop s3
visit c room1				# its link is a pair
mkfifo held
IN_FROM=held start_helper one hold "$ENTRY" 5
exec 4>held
wait_line one.out '^back$'
# The third from there: a status of 32, full.
expect_eq "$(helper dial "$AT" 127.0.0.1 room1)" 32
refused source_full \
    'at the limit of 2 pairs from one address \(--max-per-source\)'
# Another address has its own two.
expect_eq "$(helper dial "$AT" 127.0.0.9 room1)" 30
expect_eq "$(refusals source_full)" 1
exec 4>&-
expect_exit one 0
stop c
wait_for 5 no_pairs
for n in s1 s2 relay; do
	stop $n
done

check "--max-conns: so many pairs in total"
relay --max-conns 1 -v --json
SERVICE=$(addr_of service) room s room1
waits s
visit c room1
expect_eq "$(helper dial "$AT" 127.0.0.9 room1)" 32
refused full 'at the limit of 1 pairs \(--max-conns\)'

check "other refusals"
stop c
wait_for 5 no_pairs
expect_eq "$(helper dial "$AT" 127.0.0.1 nobody)" 31
refused no_room 'nobody waits in this room'
expect_eq "$(helper say "$AT" 127.0.0.1 \
    "ad170105$(printf '%032d' 0)")" 35
refused no_ticket 'a ticket that is not good \(any more\)'
expect_eq "$(helper say "$AT" 127.0.0.1 ad170201)" 21
refused version 'it speaks another version of the protocol'
# No answer, and no haste: only the start of a silence is waited for.
start_helper silence say "$AT" 127.0.0.1 1603010200
refused nonsense 'this is no adit'
wait_for 5 someone_waits
start_helper mute say "$AT" 127.0.0.1 ad
refused timeout 'no whole handshake in 10 s'
for n in silence mute; do
	reap $n 20
done
expect_range "$(metric adit_relay_waiting)" 0 1
stop s
stop relay

check "the gate: who keeps it waiting must go for others of the same source"
relay -v --json
# By one helper: after 10 s they are given up, and who starts 16 programs where
# all is slow may need that long.
mkfifo slow
IN_FROM=slow start_helper sixteen keep "$AT" 127.0.0.1 ad 16
exec 4>slow
wait_for 5 so_many_wait 16
sleep 1.2		# GATE_GRACE_MS
start_helper g17 say "$AT" 127.0.0.1 ad
refused crowded 'too many keep us waiting'
expect_eq "$(refusals crowded)" 1
exec 4>&-
expect_exit sixteen 0
kill "$(pid_of g17)" 2>/dev/null
reap g17
stop relay

# How fast ------------------------------------------------------------------------

check "--rate: bytes a second in a room, all its pairs together"
BYTES=6000000
start_peer source serve source $BYTES
serving source
relay --rate 1000K -v --drain 1
SERVICE=$(addr_of source) room s room1
SERVICE=$(addr_of source) room t room2
waits s
waits t
visit c room1
one=$ENTRY
visit d room2
two=$ENTRY
# 1024000, within a fifth.  Records add less than one in a hundred.
start_helper alone speed "$two" $BYTES
before=$(metric 'adit_relay_bytes_total{direction="to_client"}')
start_helper half speed "$one" $BYTES
start_helper other speed "$one" $BYTES
wait_for 5 carried 5
wait_for 5 bytes_grow "$before"
check "bytes are counted while they pass"
now=$(metric 'adit_relay_bytes_total{direction="to_client"}')
wait_for 5 bytes_grow "$now"
for n in alone half other; do
	reap $n 60
	expect_eq "$STATUS" 0
done
check "a room on its own has it all; two pairs in a room share it"
# (What was waited for is counted as the program's, what the machine let no
# helper do, as the machine's: see `speed`.)
read -r low high <alone.out
read -r low1 high1 <half.out
read -r low2 high2 <other.out
echo "# alone $high to $low, two $high1 to $low1 and $high2 to $low2 bytes/s"
expect_range "$low" 820000 99999999
expect_range "$high" 0 1230000
expect_range $((low1 + low2)) 820000 99999999
expect_range $((high1 + high2)) 0 1330000

check "a stop does not wait for what is slow"
start_helper cut speed "$one" $BYTES
wait_for 5 has_lines 6 relay.err '^stream [0-9]+ opened'
send_signal relay TERM
wait_line relay.err '^[1-3] not over within 1 s \(--drain\): reset$'
expect_exit relay 0
reap cut
[ "$STATUS" -ne 0 ] || fail "a stream that was cut looked whole"
for n in c d s t; do
	stop $n
done

# What it shows -----------------------------------------------------------------

check "status: of a relay, of nothing, of something else"
# What is looked at while it stops may take longer than 5 s.
relay -v --drain $((30 * SLOW))
expect_ok "$ADIT" status "$AT"
expect_line last.out \
    "$AT: adit [0-9.]+, up [0-9]+ s, 0 rooms, 0 pairs, [0-9]+ ms away"
SERVICE=$(addr_of service) room s room1
waits s
visit c room1
expect_ok "$ADIT" status "$AT"
expect_line last.out ".*, 1 rooms, 1 pairs, .*"
status() {	# status ADDR: its exit code, into STATUS
	STATUS=0
	timeout $((10 * SLOW)) "$ADIT" status "$1" >status.out 2>status.err ||
	    STATUS=$?
	expect_eq "$(cat status.out)" ""
	expect_eq "$(wc -l <status.err)" 1
}
status 127.0.0.1:9
expect_eq "$STATUS" 1
expect_line status.err '.*127\.0\.0\.1:9.*Connection refused.*'
start_peer web serve who
serving web
status "$(addr_of web)"
expect_eq "$STATUS" 4
expect_line status.err 'no status of 127\.0\.0\.1:[0-9]+: this is no adit relay'
start_peer mute serve hold
serving mute
status "$(addr_of mute)"
expect_eq "$STATUS" 1
expect_line status.err 'no status of .*: no answer within 5 s'

check "healthz and metrics, as the tools of others read them"
ask /healthz
expect_eq "$HTTP" 200
expect_eq "$(cat ask.out)" ok
ask /metrics
expect_eq "$HTTP" 200
sh "$TESTS/check-metrics.sh" <ask.out >last.out
expect_line last.out 'ok metrics .*|skipped metrics: .*'
expect_eq "$(metric adit_relay_rooms)" 1
expect_eq "$(metric adit_relay_pairs)" 1
wait_for 5 parked 2
# Its own connection is one more; the last one's may not be closed yet.
# shellcheck disable=SC2317 # wait_for calls it
fds_agree() {
	[ "$(metric process_open_fds)" -eq $(($(fd_count relay) + 1)) ]
}
wait_for 5 fds_agree
expect_line relay.err "up to [0-9]+ rooms and [0-9]+ pairs(, less than asked for)? \(ulimit -n $(metric process_max_fds)\)"
# It was raised to the hard limit.
expect_eq "$(metric process_max_fds)" \
    "$(awk '/^Max open files/ { print $5 }' "/proc/$(pid_of relay)/limits")"
expect_eq "$(curl -s -I -m 5 "http://$AT/metrics" |
    sed -n 's/^Content-Type: \(.*\)\r$/\1/p')" \
    'text/plain; version=0.0.4; charset=utf-8'

check "requests that are none"
ask /nothing
expect_eq "$HTTP" 404
expect_eq "$(curl -s -m 5 -o /dev/null -w '%{http_code}' -X POST \
    "http://$AT/metrics")" 405
expect_eq "$(curl -s -m 5 -o /dev/null -w '%{http_code}' -X POST -d x \
    "http://$AT/healthz")" 405
expect_eq "$(curl -s -m 5 -o /dev/null -w '%{http_code}' \
    -H "X: $(printf '%08192d' 0)" "http://$AT/healthz")" 431
for request in 'GET /healthz\r\n\r\n' 'GET /healthz HTTP/1.1\n\n' \
    'GET /healthz HTTP/1.1\r\n\r\n' 'GET /healthz HTTP/2.0\r\n\r\n' \
    'GET healthz HTTP/1.0\r\n\r\n' 'GE\0 /healthz HTTP/1.0\r\n\r\n'; do
	# shellcheck disable=SC2059 # the escapes are meant
	printf "$request" >request
	answer=$(helper say "$AT" 127.0.0.1 "$(od -An -tx1 -v request |
	    tr -d ' \n')" 12)
	# HTTP/1.1 400
	expect_eq "$answer" 485454502f312e3120343030
done
ask /healthz
expect_eq "$HTTP" 200
stop c

# How it stops ------------------------------------------------------------------

check "a stop: pairs finish, nobody else is let in, and healthz says 503"
visit c room1
mkfifo draining
IN_FROM=draining start_helper final hold "$ENTRY" 100000
exec 4>draining
wait_line final.out '^back$'
wait_for 5 carried 2
send_signal relay TERM
wait_line s.err '^no longer in room room1 at relay .*: the other side stops$'
ask /healthz
expect_eq "$HTTP" 503
expect_eq "$(cat ask.out)" stopping
expect_eq "$(metric adit_relay_pairs)" 2
expect_eq "$(helper dial "$AT" 127.0.0.1 room1)" 34
expect_ok "$ADIT" status "$AT"
expect_line last.out ".*, 0 rooms, 2 pairs, .*"
wait_line s.err '^refused: the other side stops; trying again$'
wait_line relay.err '^refused 127\.0\.0\.1:[0-9]+: the relay is about to stop$'
wait_for 5 counted draining
exec 4>&-
expect_exit final 0
expect_line final.out end
stop c
expect_exit relay 0
check "and then nobody is there"
ask /healthz
expect_eq "$HTTP" none
status "$AT"
expect_eq "$STATUS" 1
stop s

# Whom it becomes -----------------------------------------------------------------

check "no new privileges, in any thread"
relay
for task in "/proc/$(pid_of relay)/task"/*; do
	# Threads may end while they are looked at.
	cat "$task/status" >seen 2>last.err || continue
	expect_line seen 'NoNewPrivs:.1'
done
wait_line relay.err '^running as root: --user USER gives that up'
stop relay

check "--user: users that are none"
for user in no_such_user root 0 0:5 nobody:0 nobody: 65534:x ''; do
	STATUS=0
	# shellcheck disable=SC2086 # $WRAP is several words
	timeout $((5 * SLOW)) $WRAP "$ADIT" relay 127.0.0.1 0 --user "$user" \
	    >last.out 2>last.err || STATUS=$?
	expect_eq "$STATUS" 2
	expect_line last.err '--user.*'
done

# In a namespace with one user there is nobody to become.
if [ "$(awk '{ n += $3 } END { print (n > 65535) }' /proc/self/uid_map)" = 1 ]
then
	check "--user: root is gone, in all threads, and port 80 is not"
	printf '%s' "$secret" >auth
	chmod 600 auth
	for user in nobody 65533:65532; do
		adit relay relay 127.0.0.1 80 --user $user --auth @auth --json
		wait_line relay.err '^relay, listening on 127.0.0.1:80$'
		AT=127.0.0.1:80 PORT=80
		uid=65534 gid=$(id -g nobody)
		[ "$user" = nobody ] || uid=65533 gid=65532
		room s one --auth "$secret"
		waits s
		# Threads may end while they are looked at.
		seen=0
		for task in "/proc/$(pid_of relay)/task"/*; do
			cat "$task/status" >seen 2>last.err || continue
			seen=$((seen + 1))
			expect_line seen "Uid:(.$uid){4}"
			expect_line seen "Gid:(.$gid){4}"
			expect_line seen 'Groups:[[:space:]]*'
			expect_line seen 'NoNewPrivs:.1'
			expect_line seen 'CapPrm:.0+'
			expect_line seen 'CapEff:.0+'
		done
		[ "$seen" -ge 2 ] || fail "$seen threads are few"
		expect_no_line relay.err 'as root'
		check "a file that this user may not read leaves the secret"
		send_signal relay HUP
		wait_line relay.err '^SIGHUP: .* stays as it was: .*auth: Permission denied$'
		stop s
		stop relay
	done
else
	echo "# --user: only one user is here, and it stays"
fi

finish
