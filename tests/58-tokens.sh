#!/bin/sh
# Goal: `adit token` makes tokens that are good, any token works, and none is to be found where it should not be: arguments, environment, logs, memory, core files.
# Modes: native asan relay
. "${0%/*}/lib.sh"
sealed_only

word='[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]'

# fits SERVER-TOKEN CLIENT-TOKEN: the two are the same for a pipe.
fits() {
	printf 'through' >data
	IN=data adit server server 127.0.0.1 0 "$1"
	listening server
	adit client client 127.0.0.1 "$(port_of server)" "$2"
	expect_exit client 0
	expect_exit server 0
	expect_eq "$(cat client.out)" through
}

# differs SERVER-TOKEN CLIENT-TOKEN: they are not; exit 3, said on both sides.
differs() {
	adit server server 127.0.0.1 0 "$1"
	listening server
	adit client client 127.0.0.1 "$(port_of server)" "$2"
	expect_exit client 3
	expect_line client.err "refused: wrong token \(or somebody in between\)"
	wait_line server.err \
	    '^refused 127\.0\.0\.1:[0-9]+: wrong token, or it gave up$'
	stop server
}

check "adit token: five words, nothing else, another one each time"
i=0
while [ "$i" -lt 20 ]; do
	i=$((i + 1))
	# shellcheck disable=SC2086 # $WRAP is several words
	$WRAP "$ADIT" token >one.out 2>one.err || fail "exit $?"
	expect_line one.out "$word(-$word){4}"
	expect_eq "$(wc -l <one.out)" 1
	expect_eq "$(cat one.err)" ""
	cat one.out >>all.out
done
expect_eq "$(sort -u all.out | wc -l)" 20

check "--bits: so many more words"
while read -r bits words; do
	expect_ok "$ADIT" token --bits "$bits"
	expect_line last.out "$word(-$word){$((words - 1))}"
done <<'END'
48 4
64 5
65 6
80 6
96 7
128 9
END

check "both sides take it, and give no advice"
made=$(head -n 1 all.out)
fits "$made" "$made"
expect_no_line server.err short
expect_no_line client.err short

check "mistyped, it is refused like any other"
last=$(printf %s "$made" | tail -c 1)
other=b
[ "$last" != b ] || other=d
differs "$made" "${made%?}$other"
differs "${made%?}$other" "$made"

check "what looks like one, but is none, is a token like any other"
fits "${made%?}$other" "${made%?}$other"
differs "$made" "$(printf %s "$made" | tr '[:lower:]' '[:upper:]')"

check "a short one: one line of advice on each side, and it works"
fits short short
for side in server client; do
	expect_eq "$(grep -c 'a short token can be guessed; "adit token" makes a good one' \
	    "$side.err")" 1
done
fits 0123456789a 0123456789a
expect_line server.err 'a short token .*'
fits 0123456789ab 0123456789ab
expect_no_line server.err 'short'
fits x x

check "one that is long, has any bytes, comes from a file"
long=$(peer gen 1 4096 | tr -dc '[:alnum:]' | head -c 1024)
fits "$long" "$long"
printf '%s' "$long" >file
fits "$long" @file
differs "$long" "${long%?}"
printf '\377\001\n\200' >odd
fits @odd @odd
printf '%s\n' "$made" >line
fits @line "$made"
printf '%s\n\n' "$made" >two
differs @two "$made"
fits "$made
" @two
fits "a b  c" "a b  c"
differs "a b  c" "a b c"

check "one in use is nowhere to be found any more"
secret=open-sesame-xyzzy
printf '%s\n' "$secret" >file
hidden() {	# hidden NAME: neither /proc nor its memory shows its token
	pid=$(pid_of "$1")
	unseen "$1" xyzzy
	expect_line "/proc/$pid/limits" 'Max core file size +0 +0 +bytes *'
	expect_no_line "$1.err" xyzzy
	# Freed memory of a sanitizer's is kept for a while, as it was.
	if [ "$MODE" = native ]; then
		expect_eq "$(peer find "$pid" sesame-xyzzy)" ""
	fi
}
mkfifo down up
# Whatever was allowed before.
prlimit --core=unlimited --pid $$ 2>/dev/null
for how in argument file environment unused; do
	case $how in
	argument)	token=$secret ;;
	file)		token=@file ;;
	environment)	ADIT_TOKEN=$secret token= ;;
	unused)		ADIT_TOKEN=another-sesame-xyzzy token=$secret ;;
	esac
	[ -z "${ADIT_TOKEN:-}" ] || export ADIT_TOKEN
	IN=down adit server server 127.0.0.1 0 ${token:+"$token"}
	exec 3<>down
	listening server
	hidden server
	IN=up adit client client 127.0.0.1 "$(port_of server)" \
	    ${token:+"$token"} --json-fd 2
	unset ADIT_TOKEN
	exec 4<>up
	wait_line client.err '^connected to '
	hidden client
	printf x >&3
	wait_line client.out x
	hidden server
	exec 3>&- 4>&-
	expect_exit client 0
	expect_exit server 0
	expect_no_line server.err xyzzy
	expect_no_line client.err xyzzy
done

check "asked for on the terminal"
adit server server 127.0.0.1 0 "$secret"
listening server
asked server "$secret"
expect_no_line tty.out xyzzy
expect_exit server 0
finish
