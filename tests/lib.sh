# shellcheck shell=sh
# lib.sh - what every scenario shares; sourced first by tests/NN-name.sh.
#
# A scenario runs in namespaces of its own (network, processes, mounts), so
# that scenarios run side by side, every process in /proc is one of ours, and
# the kernel ends whatever is left when the scenario's shell is gone.  It may
# count on: $T, an empty directory; lo up with 127.0.0.0/8 and ::1; no ADIT_*
# variable set.  Nothing waits by sleeping for luck: wait_for polls a condition
# until a deadline.  A plain sleep stands only where a length of time is itself
# what is tested.
#
# Sealed or plain: every adit is sealed unless the mode is one that cannot be
# or is there for the plain handshake; then SEALED is 0 and ADIT_PLAIN=1 is in
# the environment of them all.  A scenario that is about the plain handshake
# itself says so with speak_plain.
#
# Direct or through a relay: in the mode relay a port of 127.0.0.1 at which a
# sealed server would listen stands for a room of one relay, the scenario's own
# (via_relay).  Clients of other ports dial them as ever.
#
# Environment: ADIT (the binary, default ../adit), MODE (native, plain, relay,
# posix, nobear, m32, clang, static, asan, tsan, valgrind), KEEP=1 (leave $T for
# a look).

TESTS=$(cd "${0%/*}" && pwd) || exit 1
TOP=${TESTS%/*}
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
MODE=${MODE:-native}
PYTHON="python3 -B -S"
ADIT=${ADIT:-$TOP/adit}
export PATH MODE

if [ -z "${TEST_INNER:-}" ]; then
	case $ADIT in
	/*)	;;
	*)	ADIT=$PWD/$ADIT ;;
	esac
	[ -x "$ADIT" ] || { echo "no binary at $ADIT; run make" >&2; exit 1; }
	T=$(mktemp -d "${TMPDIR:-/tmp}/adit-test.XXXXXX") || exit 1
	chmod 755 "$T"
	TEST_INNER=1
	export ADIT T TEST_INNER
	user=
	[ "$(id -u)" -eq 0 ] || user=--map-root-user
	job=
	trap '[ "${KEEP:-0}" = 1 ] || rm -rf "$T"' EXIT
	trap '[ -z "$job" ] || kill -KILL "$job"; exit 143' HUP INT TERM
	# shellcheck disable=SC2086 # $user is one word or none
	unshare $user --net --pid --fork --mount-proc --kill-child \
	    sh "$0" "$@" </dev/null &
	job=$!
	wait "$job"
	exit
fi

for name in TO LISTEN ALLOW TARGET UDP PLAIN ONCE DRAIN IDLE LINGER UDP_IDLE \
    MAX_CONNS VERBOSE JSON JSON_FD QUIET TOKEN PROXY_PROTOCOL \
    SOURCE_BY_CLIENT RELAY ROOM AUTH PUBLISH MAX_ROOMS MAX_PER_SOURCE RATE \
    USER; do
	unset "ADIT_$name"
done
cd "$T" || exit 1
ip link set lo up
# What a program has ended and not closed before it went, and its peer has
# reset, the kernel keeps as nobody's for that long, in seconds; finish() waits
# for it to be gone.
echo 3 2>/dev/null >/proc/sys/net/ipv4/tcp_fin_timeout || :

# How long things may take and how big they are.  SLOW multiplies deadlines:
# they only end a test that has failed already, so they can be generous.
# SOON is what `at once' is on a machine that has other work, in hundredths of a
# second: less than the 5 s of a drain, or of a link that is silent.
WRAP=
SLOW=2
SOON=450
BIG=$((1 << 30))
CONNS=200
case $MODE in
asan|tsan|valgrind)
	BIG=$((16 << 20))
	CONNS=40
	SLOW=6 ;;
esac
case $MODE in
posix|m32|relay)
	# The path is another one, the size is not the point any more.
	BIG=$((1 << 28)) ;;
tsan)
	# The kernel's wider address randomisation does not fit TSan's map.
	WRAP="setarch -R" ;;
valgrind)
	SLOW=12
	SOON=600
	WRAP="valgrind -q --fair-sched=yes --error-exitcode=99
	    --track-fds=yes --leak-check=full --vgdb=no
	    --show-leak-kinds=definite
	    --errors-for-leak-kinds=definite --log-file=$T/report.%p" ;;
esac
export SLOW SOON WRAP BIG CONNS
export ASAN_OPTIONS="log_path=$T/report:exitcode=99:detect_leaks=1"
# What the C library's resolver holds for a thread looks lost while that thread
# is just ending, as one may when the whole process does.
if [ "$MODE" = asan ]; then
	echo leak:__res_context_send >"$T/suppressions"
	export LSAN_OPTIONS="suppressions=$T/suppressions:print_suppressions=0"
fi
export UBSAN_OPTIONS="log_path=$T/report:print_stacktrace=1:halt_on_error=0"
export TSAN_OPTIONS="log_path=$T/report:exitcode=99"

# How what is between the two sides is written.  HEARD are the steps of `peer
# raw` that read all a client says before it has an answer.
speak_plain() {
	SEALED=0
	HEARD="gethex=0006736573616d65"
	ADIT_PLAIN=1
	export ADIT_PLAIN
}
sealed_only() {	# for scenarios that have no plain form
	[ "$SEALED" = 1 ] || skip "this build cannot encrypt"
}
SEALED=1
HEARD="gethex=ad170101 skip=66"
case $MODE in
plain|posix|nobear)
	# What POSIX=1 leaves out is splice, which only plain streams have.
	speak_plain ;;
*)
	# shellcheck disable=SC2086 # several words or none
	case $(${WRAP%%valgrind*} "$ADIT" --version) in
	*WITHOUT*)	speak_plain ;;
	esac ;;
esac

# Where nobody is until the scenario says so.  The system chooses higher ports:
# it never becomes somebody's by chance.
NOBODY=127.0.0.1:6999
TOKEN=sesame
# Made by `adit token`: with such a one nobody counts guesses.
STRONG=korav-gilit-kuvar-rihat-hugus
export TOKEN STRONG SEALED HEARD NOBODY
GOAL=$(sed -n 's/^# Goal: //p' "$TESTS/${0##*/}" | head -n 1)
STEP=start
FAILED=0
PROCS=		# names of all running processes started by start
ADITS=		# those among them that are adit
ABRUPT=		# pids of those that a second signal ended at once

# Output and verdicts ----------------------------------------------------

check() {	# check DESC: what the expectations that follow are about
	STEP=$1
	echo "# $1"
}

fail() {	# fail TEXT: the scenario has failed, but goes on
	FAILED=1
	echo "not ok: $STEP: $1"
}

die() {		# die TEXT: the scenario has failed and cannot go on
	fail "$1"
	verdict
}

skip() {	# skip REASON: a condition that makes the scenario impossible
	echo "skipped: $1"
	exit 77
}

verdict() {
	if [ "$FAILED" -eq 0 ]; then
		echo "ok: $GOAL"
		exit 0
	fi
	for _f in "$T"/*.err "$T"/report*; do
		[ -s "$_f" ] || continue
		echo "--- ${_f##*/}"
		head -c 6000 "$_f"
	done
	echo "not ok: $GOAL"
	exit 1
}

expect_eq() {	# expect_eq GOT WANTED
	[ "$1" = "$2" ] || fail "got '$1', expected '$2'"
}

expect_line() {	# expect_line FILE REGEX: some whole line matches
	grep -Eqx -- "$2" "$1" || fail "no line '$2' in ${1##*/}: $(cat "$1")"
}

expect_no_line() {	# expect_no_line FILE REGEX
	if grep -Eq -- "$2" "$1"; then
		fail "'$2' in ${1##*/}: $(cat "$1")"
	fi
}

expect_range() {	# expect_range GOT LOW HIGH, integers
	if [ "$1" -lt "$2" ] || [ "$1" -gt "$3" ]; then
		fail "got $1, expected $2 to $3"
	fi
}

expect_ok() {	# expect_ok COMMAND...: it exits 0; its output is kept
	"$@" >"$T/last.out" 2>"$T/last.err" ||
	    fail "'$*' exited $?: $(tail -n 3 "$T/last.out" "$T/last.err")"
}

# one_of N COMMAND...: one time of so many it succeeds.  For what a busy machine
# can spoil, but does not spoil each time.
one_of() {
	_times=$1
	shift
	until "$@"; do
		_times=$((_times - 1))
		[ "$_times" -gt 0 ] || return 1
	done
}

late_or_over() {	# late_or_over COMMAND...: it did not end as too late
	_rc=0
	"$@" >"$T/last.out" 2>"$T/last.err" || _rc=$?
	[ "$_rc" -ne 75 ]
}

# in_time COMMAND...: as expect_ok, where time is measured (`peer raw after`).
in_time() {
	one_of 5 late_or_over "$@"
	[ "$_rc" -eq 0 ] ||
	    fail "'$*' exited $_rc: $(tail -n 3 "$T/last.out" "$T/last.err")"
}

# Waiting ------------------------------------------------------------------

now() {		# set NOW to a monotonic time in hundredths of a second
	read -r NOW _ </proc/uptime
	NOW=${NOW%.*}${NOW#*.}
}

hundredths() {	# hundredths N: as seconds
	printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}

try_for() {	# try_for SECONDS COMMAND...: poll it; fails at the deadline
	now
	_end=$((NOW + $1 * SLOW * 100))
	shift
	until "$@"; do
		now
		[ "$NOW" -lt "$_end" ] || return 1
		sleep 0.02
	done
}

wait_for() {	# wait_for SECONDS COMMAND...: the same, and dies
	try_for "$@" || die "waited in vain for: $*"
}

has_line() {
	grep -Eq -- "$2" "$1" 2>/dev/null
}

wait_line() {	# wait_line FILE REGEX [SECONDS]
	try_for "${3:-10}" has_line "$1" "$2" ||
	    die "waited in vain for '$2' in ${1##*/}: $(cat "$1" 2>&1)"
}

count_lines() {	# count_lines FILE REGEX: print how many match
	grep -Ec -- "$2" "$1" || :
}

has_lines() {	# has_lines N FILE REGEX
	[ "$(count_lines "$2" "$3")" -ge "$1" ]
}

# Processes ----------------------------------------------------------------

# start NAME COMMAND...: run it in the background.  stdin is $IN or nothing,
# stdout $OUT or NAME.out, stderr NAME.err.  Descriptors 3 to 9 are for the
# scenario itself and are not inherited, so no end of a pipe stays open.
start() {
	_name=$1
	shift
	# Otherwise the lines of a predecessor could be taken for its own.
	rm -f "$T/$_name.err" "$T/$_name.out"
	: >"$T/$_name.err"
	: >"$T/$_name.out"
	"$@" <"${IN:-/dev/null}" >"${OUT:-$T/$_name.out}" 2>"$T/$_name.err" \
	    3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
	eval "pid_$_name=\$!; fds_$_name="
	PROCS="$PROCS $_name"
}

adit() {	# adit NAME ARG...: the binary under test, in the background
	_name=$1
	shift
	# shellcheck disable=SC2086 # $WRAP is several words
	start "$_name" $WRAP "$ADIT" "$@"
	ADITS="$ADITS $_name"
}

peer() {	# peer ARG...: the helper, in the foreground
	# shellcheck disable=SC2086 # $PYTHON is several words
	$PYTHON "$TESTS/peer.py" "$@"
}

start_peer() {	# start_peer NAME ARG...: the helper, in the background
	_name=$1
	shift
	# shellcheck disable=SC2086 # $PYTHON is several words
	start "$_name" $PYTHON "$TESTS/peer.py" "$@"
}

pid_of() {
	eval "echo \$pid_$1"
}

ended() {	# ended NAME: the process is over, waited for or not
	_pid=$(pid_of "$1")
	read -r _stat 2>/dev/null <"/proc/$_pid/stat" || return 0
	case ${_stat##*) } in
	Z*|X*)	return 0 ;;
	esac
	return 1
}

without() {	# without WORD WORD...: print the rest without the first
	_w=$1
	shift
	for _x in "$@"; do
		[ "$_x" = "$_w" ] || printf ' %s' "$_x"
	done
}

reap() {	# reap NAME [SECONDS]: wait for its end, set STATUS
	if ! try_for "${2:-10}" ended "$1"; then
		cat "$T/$1.err"
		die "$1 has not ended"
	fi
	eval "_pid=\$pid_$1"
	STATUS=0
	wait "$_pid" || STATUS=$?
	[ "$STATUS" -lt 128 ] || ABRUPT="$ABRUPT $_pid"
	# shellcheck disable=SC2086 # lists of names
	PROCS=$(without "$1" $PROCS) ADITS=$(without "$1" $ADITS)
}

expect_exit() {	# expect_exit NAME STATUS [SECONDS]
	reap "$1" "${3:-10}"
	[ "$STATUS" -eq "$2" ] ||
	    fail "$1 exited $STATUS, expected $2: $(cat "$T/$1.err")"
}

send_signal() {	# send_signal NAME SIGNAL
	kill -s "$2" "$(pid_of "$1")" || die "no process $1 for SIG$2"
}

taken() {	# taken NAME: no signal waits for it any more, it has taken all
	! grep -Eq '^(Sig|Shd)Pnd:.*[1-9a-f]' "/proc/$(pid_of "$1")/status" \
	    2>/dev/null
}

stop() {	# stop NAME [STATUS]: SIGTERM, and the status it ends with
	send_signal "$1" TERM
	expect_exit "$1" "${2:-0}" 15
}

kill_now() {	# kill_now NAME: kill -9 and wait
	send_signal "$1" KILL
	reap "$1"
}

# addr_of NAME: ADDR:PORT of its last listening line; or what stands for it.
addr_of() {
	sed -n 's/^relay, listening on //p; s/^listening on //p
	    s/^waiting in room \([0-9]*\) at relay .*/127.0.0.1:\1/p' \
	    "$T/$1.err" "$T/$1.out" 2>/dev/null | tail -n 1
}

local_of() {	# local_of NAME: where a server listens for clients' services
	sed -n "s/^for clients' services, listening on //p" "$T/$1.err" |
	    tail -n 1
}

port_of() {
	_addr=$(addr_of "$1")
	echo "${_addr##*:}"
}

fd_count() {	# fd_count NAME: descriptors it has open
	# shellcheck disable=SC2012 # names of descriptors are numbers
	ls "/proc/$(pid_of "$1")/fd" | wc -l
}

note_fds() {	# note_fds NAME: how many it has when nothing happens
	_was=
	_fds=$(fd_count "$1")
	# One that comes and goes must not count.
	while [ "$_fds" != "$_was" ]; do
		_was=$_fds
		sleep 0.02
		_fds=$(fd_count "$1")
	done
	eval "fds_$1=$_fds"
}

# unseen NAME SECRET: neither its command line nor its environment shows that.
unseen() {
	for _file in cmdline environ; do
		! tr '\0' '\n' <"/proc/$(pid_of "$1")/$_file" |
		    grep -q -e "$2" || fail "$_file of $1 shows the token"
	done
}

# asked SERVER TOKEN: a client that asks for it on a terminal gets in.
asked() {
	# shellcheck disable=SC2086 # $WRAP is several words
	peer pty noecho "send=$2\n" "expect=connected to" 'send=\x04' echo -- \
	    $WRAP "$ADIT" client 127.0.0.1 "$(port_of "$1")" - >tty.out ||
	    fail "exit $?"
}

# middle ATTACK WHAT...: the attacker in the middle of pipes, or of streams.
# In a slow build every third of what it does will do: which ones, changes
# nothing.
middle() {
	[ "$MODE" = native ] || export MIDDLE_STEP=3
	_attack=$1
	shift
	for _what in "$@"; do
		check "$_what"
		# shellcheck disable=SC2086 # $PYTHON is several words
		$PYTHON "$TESTS/middle.py" "$_attack" "$_what" \
		    >"$_what.out" || FAILED=1
		cat "$_what.out"
		grep -Eqx '[1-9][0-9]* of [1-9][0-9]* cases' "$_what.out" ||
		    fail "no summary"
	done
}

answered() {	# answered ADDR: so is a visitor there
	peer raw "connect=$1" text=a gettext=a fin end 2>"$T/last.err"
}

listening() {	# listening NAME: it is ready; note its descriptors
	wait_line "$T/$1.err" '^(relay, )?listening on |^waiting in room '
	note_fds "$1"
}

# linked SERVER CLIENT: their link is up, if they have one; note the descriptors
# of both, of which one is the link's.  SERVER's log has to be a fresh one.
linked() {
	if [ "$SEALED" = 1 ]; then
		wait_line "$T/$1.err" '^client [^ ]+ linked$'
		wait_line "$T/$2.err" '^connected to '
	fi
	note_fds "$1"
	note_fds "$2"
}

serving() {	# serving NAME: a helper is ready
	wait_line "$T/$1.out" '^listening on '
}

syn_sent() {	# syn_sent N: so many connections wait for an answer
	[ "$(ss -Htan state syn-sent | wc -l)" -ge "$1" ]
}

bigger() {	# bigger FILE N
	[ "$(wc -c <"$1")" -gt "$2" ]
}

back_to_baseline() {	# back_to_baseline NAME: nothing is open that was not
	eval "_fds=\$((\$(fd_count $1) - \$fds_$1))"
	# One that came and went may have been noted, where all is slow.  In a
	# room it depends on whether those it has parked are all there.
	if direct; then
		[ "$_fds" -le 0 ]
	else
		[ "$_fds" -le 2 ]
	fi
}

# tunnel SERVICE [OPTION...]: server and client joined to SERVICE (host:port);
# sets ENTRY, the address visitors go to.  TOPT and COPT: options of one side.
tunnel() {
	_to=$1
	shift
	# shellcheck disable=SC2086 # options are words
	adit server server 127.0.0.1 0 "$TOKEN" --to "$_to" "$@" ${TOPT:-}
	listening server
	# shellcheck disable=SC2086
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" \
	    --listen 127.0.0.1:0 "$@" ${COPT:-}
	listening client
	linked server client
	# shellcheck disable=SC2034 # for the scenario
	ENTRY=$(addr_of client)
}

# via_relay: start the relay, and put a program in adit's place that gives each
# server a room there: of the number that its port is, or its own if that is 0.
# A client goes to the room if there is one of this number.
via_relay() {
	start the_relay "$ADIT" relay 127.0.0.1 0
	listening the_relay
	RELAY=$(addr_of the_relay)
	export RELAY
	mkdir "$T/rooms"
	cat >"$T/via" <<-END
	#!/bin/sh
	adit=$ADIT relay=${RELAY##*:} rooms=$T/rooms
	END
	cat >>"$T/via" <<-'END'
	role=${1:-} port= last=
	case " ${ADIT_PLAIN:-0} $* " in
	" 1 "*|*" --plain "*)	role= ;;
	esac
	for arg in "$@"; do
		[ "$last" != 127.0.0.1 ] || port=$arg
		last=$arg
	done
	case $role-$port in
	*[!0-9a-z-]*|*-|*-*[!0-9]*)	exec "$adit" "$@" ;;
	server-0)	port=$$; : >"$rooms/$port" ;;
	server-*)	: >"$rooms/$port" ;;
	client-*)	[ -e "$rooms/$port" ] || exec "$adit" "$@" ;;
	*)		exec "$adit" "$@" ;;
	esac
	n=$# last=
	while [ "$n" -gt 0 ]; do
		arg=$1
		shift
		[ "$last" = 127.0.0.1 ] && set -- "$@" "$relay" ||
		    set -- "$@" "$arg"
		last=$arg
		n=$((n - 1))
	done
	shift
	exec "$adit" "$role" --room "$port" "$@"
	END
	chmod 755 "$T/via"
	ADIT=$T/via
}

direct() {	# servers listen, and do not wait in rooms
	[ "$MODE" != relay ]
}

meet_at() {	# meet_at PORT: it will be a server's, so that clients may be first
	direct || : >"$T/rooms/$1"
}

nobody() {	# nobody PORT: what a client says if no server is there (regex)
	if direct; then
		echo "cannot connect to 127\.0\.0\.1:$1: Connection refused"
	else
		echo "no tunnel through 127\.0\.0\.1:${RELAY##*:}, room $1: nobody waits in this room"
	fi
}

# backed_up: over a million bytes wait in some socket and have not moved for a
# second, so a writer somewhere is really stuck.
backed_up() {
	_one=$(ss -Htn)
	echo "$_one" | awk '$3 > 1000000 { n++ } END { exit n == 0 }' ||
	    return 1
	sleep 1
	[ "$_one" = "$(ss -Htn)" ]
}

no_sockets() {	# no TCP connection in this namespace, TIME_WAIT aside
	! ss -Htan | grep -Eqv '^(LISTEN|TIME-WAIT)'
}

# tallied NAME REGEX: what `peer silent`, whose stdin is descriptor 3, counted
# last, when things were quiet, has this line.  If not, it counts again.
tallied() {
	awk '/^done$/ { last = block; block = ""; next }
	    { block = block $0 "\n" }
	    END { printf "%s", last }' "$T/$1.out" >"$T/tally"
	! grep -Eqx -- "$2" "$T/tally" || return 0
	_n=$(($(count_lines "$T/$1.out" '^done$') + 1))
	echo >&3
	until has_lines "$_n" "$T/$1.out" '^done$' || ended "$1"; do
		sleep 0.02
	done
	return 1
}

expect_tally() {	# expect_tally NAME REGEX: it does before long
	try_for 10 tallied "$1" "$2" || fail "no '$2': $(cat "$T/tally")"
}

others() {	# print every process of the scenario that should not be there
	for _d in /proc/[0-9]*; do
		[ "${_d#/proc/}" -ne "$$" ] || continue
		read -r _stat 2>/dev/null <"$_d/stat" || continue
		case ${_stat##*) } in
		Z*|X*)	continue ;;
		esac
		echo "$_stat" | cut -d ' ' -f 1-3
	done
}

alone() {	# nobody else is left
	_left=
	# The subshell that lists is gone by now; look again at what it saw.
	for _p in $(others | cut -d ' ' -f 1); do
		read -r _stat 2>/dev/null <"/proc/$_p/stat" || continue
		case ${_stat##*) } in
		Z*|X*)	;;
		*)	_left="$_left $_stat" ;;
		esac
	done
	[ -z "$_left" ]
}

# What valgrind reports: with -q only errors and open descriptors.  Those that
# were inherited, and 0 to 2, are not leaks; neither is the source of
# randomness, which is never closed, nor what a process held that was not given
# the time to close it.
valgrind_reports() {
	for _f in "$T"/report.*; do
		[ -s "$_f" ] || continue
		_abrupt=0
		case " $ABRUPT " in
		*" ${_f##*.} "*)	_abrupt=1 ;;
		esac
		awk -v abrupt="$_abrupt" '
		/FILE DESCRIPTORS:/ { next }
		/Open .*descriptor [0-9]+: \/dev\/urandom$/ {
			fd = 0; held = $0; next
		}
		/Open .*(descriptor|socket) [0-9]+:/ {
			fd = $0; sub(/:.*/, "", fd); sub(/.* /, "", fd)
			held = $0; next
		}
		/<inherited from parent>/ { held = ""; next }
		/^==[0-9]+== *$/ { if (held != "" && fd > 2 && !abrupt)
				print held
			held = ""; next }
		held == "" { print }
		END { if (held != "" && fd > 2 && !abrupt) print held }' "$_f" >"$T/leaks"
		if [ -s "$T/leaks" ]; then
			fail "valgrind: $(head -n 40 "$T/leaks")"
		fi
	done
}

# finish: stop what still runs, then fail on anything left behind.
finish() {
	STEP=finish
	for _n in $ADITS; do
		! ended "$_n" || { fail "$_n ended by itself"; continue; }
		eval "_base=\$fds_$_n"
		[ -n "$_base" ] || continue
		try_for 7 back_to_baseline "$_n" || fail "$_n leaks descriptors, not $_base:
$(ls -l "/proc/$(pid_of "$_n")/fd")"
	done
	# The waiting side first: what connects sees an orderly end either way.
	for _n in $ADITS; do
		ended "$_n" || send_signal "$_n" TERM
		expect_exit "$_n" 0 15
	done
	# Now nobody uses it any more.
	case " $PROCS " in
	*" the_relay "*)
		try_for 7 back_to_baseline the_relay ||
		    fail "the relay leaks descriptors:
$(ls -l "/proc/$(pid_of the_relay)/fd")"
		has_line the_relay.err '^room [0-9]+: server [^ ]+ waits$' ||
		    fail "nothing went through the relay"
		stop the_relay ;;
	esac
	for _n in $PROCS; do
		ended "$_n" || kill -s TERM "$(pid_of "$_n")"
		reap "$_n"
	done
	try_for 5 no_sockets || fail "sockets left: $(ss -Htan)"
	# What a helper has started may take a little longer than the helper.
	try_for 5 alone || fail "process left: $_left"
	if [ "$MODE" = valgrind ]; then
		valgrind_reports
	else
		for _f in "$T"/report*; do
			[ -s "$_f" ] || continue
			# Ended at once, it had no time to join its threads.
			case " $ABRUPT " in
			*" ${_f##*.} "*)
				grep '^WARNING: ' "$_f" |
				    grep -qv 'thread leak' || continue ;;
			esac
			fail "sanitizer: $_f"
		done
	fi
	for _f in "$T"/*.err; do
		[ -e "$_f" ] || continue
		expect_no_line "$_f" 'runtime error:|Sanitizer|Segmentation'
	done
	verdict
}

direct || via_relay
