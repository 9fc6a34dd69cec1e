#!/bin/sh
# Goal: the commands of README's "The first minute" do what it says, taken from there as they stand.
# Modes: native
. "${0%/*}/lib.sh"
sealed_only

# Each machine of README's is a network of its own, with its own 127.0.0.1, so
# that addresses and ports are used as they are written.  What is put in the
# place of what stands there is all in this table:
#
#	README			here
#	a$			run in the namespace far (10.77.2.2)
#	b$, c$			run in the namespace near (10.77.1.2)
#	r$			run in the scenario's own, the router
#	relay.example		10.77.1.1, by /etc/hosts
#	a.example		10.77.2.2, by /etc/hosts
#	adit			the binary under test, by PATH
#	RELAY/ROOM-SECRET	the ticket that share has printed just before,
#	TICKET			... and so is this
#	TOKEN			what "adit token" has printed,
#	@token			... and what is in that file
#	photos			a directory on a
#	ports 8080, 6379, 5432,	services on a's 127.0.0.1; 3000 on b's; what
#	22, 53, 3000		they answer is looked at
#	psql, ssh		stand-ins, below: one asks port 5432, the other
#				talks through its ProxyCommand
#
# Every command has to be run, and every line that README shows as an answer
# has to be given: what is left over at the end fails.
for program in curl dig dnsmasq; do
	command -v "$program" >/dev/null || skip "no $program"
done
. "$TESTS/networks.sh"
networks

awk '
/^## / { inside = $0 == "## The first minute"; next }
!inside { next }
match($0, /^\*\*[^*]+\*\*/) {
	title = substr($0, 3, RLENGTH - 4)
	sub(/[.:]$/, "", title)
}
/^    [abcr]\$ / { print title "\t" substr($0, 5, 1) "\t" substr($0, 8); next }
/^    / { print title "\t-\t" substr($0, 5) }
' "$TOP/README.md" >lines
[ -s lines ] || die "no commands in README"

# next TITLE MACHINE: set LINE to the first line there of this machine ("-":
# an answer) that has not been used.
next() {
	LINE=$(awk -F '\t' -v t="$1" -v m="$2" '
	$1 == t && $2 == m { print $3; exit }' lines)
	[ -n "$LINE" ] || die "README has no (further) line of '$2' in '$1'"
	awk -F '\t' -v t="$1" -v m="$2" '
	!gone && $1 == t && $2 == m { gone = 1; next }
	{ print }' lines >lines.new
	mv lines.new lines
}

# substitute: LINE becomes CMD, by the table.
substitute() {
	CMD=$(printf '%s\n' "$LINE" | sed \
	    -e "s|relay\.example/[0-9]*\(-[a-z]\{5\}\)\{4\}|${ticket:-none}|" \
	    -e "s|TICKET|${ticket:-none}|" -e "s|TOKEN|${token:-none}|")
}

place() {	# place MACHINE: a command's first words, to run it there
	case $1 in
	a)	echo "nsenter -t $(pid_of far) -n --wd=$T/a --" ;;
	b|c)	echo "nsenter -t $(pid_of near) -n --wd=$T/b --" ;;
	r)	echo "env -C $T/b" ;;
	esac
}

# begin NAME TITLE MACHINE: run the next command there in the background.
begin() {
	next "$2" "$3"
	substitute
	rm -f "$1.out" "$1.err"
	# A lone command gets the signals itself.
	case $CMD in
	*'|'*)	;;
	*)	CMD="exec $CMD" ;;
	esac
	# shellcheck disable=SC2046 # words
	start "$1" $(place "$3") sh -c "$CMD"
}

# shown TITLE NAME: NAME has said, or says soon, what README shows next.
shown() {
	next "$1" -
	# shellcheck disable=SC2016 # a dollar sign
	_said=$(printf '%s\n' "$LINE" | sed \
	    -e 's|[].[*^$()+?{|]|\\&|g' \
	    -e 's|/[0-9]*\(-[a-z]\{5\}\)\{4\}$|/[1-9][0-9]{0,5}(-[a-z]{5}){4}|' \
	    -e 's|^[a-z]\{5\}\(-[a-z]\{5\}\)\{4\}$|[a-z]{5}(-[a-z]{5}){4}|')
	try_for 10 says "$2" "^$_said\$" ||
	    die "'$LINE' is not what $2 says: $(cat "$2.out" "$2.err")"
}

# shellcheck disable=SC2317 # called by try_for
says() {	# says NAME REGEX
	grep -Eqhs -- "$2" "$1.out" "$1.err"
}

shares() {	# shares NAME: it has printed its ticket
	try_for 10 says "$1" '^adit ' || die "no ticket: $(cat "$1.err")"
	ticket=$(sed -n 's/^adit \([^ ]*\).*/\1/p' "$1.out" "$1.err")
}

finishes() {	# finishes TITLE MACHINE WANTED: it ends well, having said that
	begin command "$1" "$2"
	expect_exit command 0 20
	grep -Fq -- "$3" command.out || fail "'$CMD' says: $(cat command.out)"
}

speaks() {	# speaks MACHINE ADDRESS TEXT: what answers there is an echo
	# shellcheck disable=SC2046,SC2086 # words
	expect_ok $(place "$1") $PYTHON "$TESTS/peer.py" raw "connect=$2" \
	    "text=$3" "gettext=$3" fin end
}

# The machines ---------------------------------------------------------------

mkdir a b bin www a/photos
echo "a page" >www/index.html
peer gen 7 3000000 >a/photos/one.jpeg
echo two >a/photos/two.jpeg
printf '127.0.0.1 localhost\n10.77.1.1 relay.example\n10.77.2.2 a.example\n' \
    >hosts
mount --bind hosts /etc/hosts 2>last.err ||
    skip "no /etc/hosts of our own: $(cat last.err)"
ln -s "$ADIT" bin/adit
cat >bin/psql <<END
#!/bin/sh
[ "\$1" = -h ] || exit 2
$PYTHON "$TESTS/peer.py" raw "connect=\$2:5432" text=select gettext=select \
    fin end && echo one row
END
cat >bin/ssh <<'END'
#!/bin/sh
command=${2#ProxyCommand=}
[ "$1" = -o ] && [ "$command" != "$2" ] && [ "$3" = me@a ] || exit 2
echo SSH-2.0-test | sh -c "$command"
END
chmod +x bin/psql bin/ssh
PATH=$T/bin:$PATH

# service NAME MACHINE ADDRESS: an echo.
service() {
	# shellcheck disable=SC2046,SC2086 # words
	start "$1" $(place "$2") $PYTHON "$TESTS/peer.py" serve echo 0 "$3"
	serving "$1"
}
service redis a 127.0.0.1:6379
service postgres a 127.0.0.1:5432
service sshd a 127.0.0.1:22
service other b 127.0.0.1:3000
# shellcheck disable=SC2046,SC2086 # words
start web $(place a) $PYTHON -m http.server 8080 --bind 127.0.0.1 \
    --directory "$T/www"
# shellcheck disable=SC2046 # words
start dns $(place a) dnsmasq --no-daemon --conf-file=/dev/null --no-resolv \
    --no-hosts --port=53 --listen-address=127.0.0.1 --bind-interfaces \
    --user=root --pid-file= --log-facility=- --address=/www.example/10.1.1.1
# shellcheck disable=SC2317 # called by wait_for
listens() {	# listens OPTIONS PORT: something does, on a
	within far ss -Hn "$1" | grep -q ":$2 "
}
wait_for 10 listens -tl 8080
wait_for 10 listens -ul 53

# README ---------------------------------------------------------------------

start_relay() {	# start_relay TITLE
	begin relay "$1" r
	wait_line relay.err '^relay, listening on '
}

title='The relay'
check "$title"
start_relay "$title"

title='A service, from behind NAT to behind NAT'
check "$title"
begin share "$title" a
shown "$title" share
shares share
begin ticket "$title" b
shown "$title" ticket
finishes "$title" b "a page"
stop ticket
stop share

# pipe TITLE: photos go from a to b.
pipe() {
	rm -rf b/photos
	begin left "$1" a
	case $LINE in
	*share*)	shares left ;;
	*)		wait_line left.err '^listening on ' ;;
	esac
	begin right "$1" b
	expect_exit right 0 20
	expect_exit left 0
	diff -r a/photos b/photos >last.out || fail "$(cat last.out)"
}

# reverse TITLE: port 9000 of a leads to port 3000 of b.
reverse() {
	begin left "$1" a
	wait_line left.err "^for clients' services, listening on "
	case $LINE in
	*share*)	shares left ;;
	esac
	begin right "$1" b
	wait_line left.err ' linked$'
	speaks r 10.77.2.2:9000 reverse
	stop right
	stop left
}

# forward TITLE: a port of b's that leads to a.
forward() {
	begin left "$1" a
	case $LINE in
	*share*)	shares left ;;
	*--room*)	wait_line left.err '^waiting in room ' ;;
	*)		wait_line left.err '^listening on ' ;;
	esac
	begin right "$1" b
	wait_line right.err '^listening on '
	wait_line right.err '^connected to '
}

forward_ends() {
	stop right
	stop left
}

title='A pipe'
check "$title"
pipe "$title"

title='The other direction'
check "$title"
reverse "$title"

title='Several services, and UDP'
check "$title"
forward "$title"
speaks b 127.0.0.1:6379 redis
forward_ends
forward "$title"
finishes "$title" b 10.1.1.1
forward_ends
stop relay

title='Visitors who have no adit'
check "$title"
start_relay "$title"
begin share "$title" a
shown "$title" share
finishes "$title" c "a page"
stop share
stop relay

title='A room that stays'
check "$title"
begin mint "$title" a
expect_exit mint 0
shown "$title" mint
token=$(cat mint.out)
cp mint.out a/token
cp mint.out b/token
# shellcheck disable=SC2046 # words
start relay $(place r) adit relay :: 443
wait_line relay.err '^relay, listening on '
forward "$title"
finishes "$title" b "one row"
forward_ends
stop relay

title='Without a relay'
check "$title: a service"
forward "$title"
finishes "$title" b "one row"
forward_ends
check "$title: the other direction"
reverse "$title"
check "$title: a pipe"
pipe "$title"
check "$title: UDP"
forward "$title"
finishes "$title" b 10.1.1.1
forward_ends

title='ssh through it'
check "$title"
begin left "$title" a
wait_line left.err '^listening on '
finishes "$title" b SSH-2.0-test
stop left

check "nothing of it was left out"
[ ! -s lines ] || fail "not tried: $(cat lines)"
finish
