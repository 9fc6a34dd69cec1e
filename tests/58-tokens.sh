#!/bin/sh
# Goal: adit token makes a token that is good on both sides and recognised as such; no token shows anywhere.
# Modes: native asan
. "${0%/*}/lib.sh"
sealed_only

advice='a short token can be guessed; "adit token" makes a good one'
word='[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]'

# mint WORDS [OPTION...]: make one; TEXT is what it prints, one line of so many
# words, and nothing is said beside it.
mint() {
	_words=$1
	shift
	adit minted token "$@"
	expect_exit minted 0
	expect_eq "$(cat minted.err)" ""
	expect_eq "$(wc -l <minted.out)" 1
	TEXT=$(cat minted.out)
	# No byte beside those of the line, which ends with a newline.
	expect_eq "$(wc -c <minted.out)" $((_words * 6))
	echo "$TEXT" | grep -Eqx "$word(-$word){$((_words - 1))}" ||
	    fail "not $_words words: $TEXT"
}

# hidden NAME: nothing in /proc shows any token of this scenario.
hidden() {
	pid=$(pid_of "$1")
	for _what in cmdline environ; do
		for _t in $SECRETS; do
			if grep -aqF -- "$_t" "/proc/$pid/$_what"; then
				fail "$_what of $1 shows the token"
			fi
		done
	done
	grep -Eaq 'server|client' "/proc/$pid/cmdline" ||
	    fail "cmdline of $1 shows nothing at all"
}

unsaid() {	# unsaid NAME: neither do its output and its messages
	for _t in $SECRETS; do
		if grep -aqF -- "$_t" "$1.err" "$1.out"; then
			fail "$1 says the token"
		fi
	done
}

no_core() {	# no_core NAME: soft and hard
	expect_eq "$(sed -n 's/^Max core file size *//p' \
	    "/proc/$(pid_of "$1")/limits" | tr -s ' ')" "0 0 bytes "
}

# works SERVER-TOKEN CLIENT-TOKEN: a pipe with these, looked at while it runs;
# an empty one goes through the environment.  ADVISED lines of advice on each
# side.
mkfifo down
works() {
	if [ -n "$1" ]; then
		IN=down adit server server 127.0.0.1 0 -- "$1"
	else
		export ADIT_TOKEN="$SECRET"
		IN=down adit server server 127.0.0.1 0
		unset ADIT_TOKEN
	fi
	exec 3<>down
	listening server
	if [ -n "$2" ]; then
		adit client client 127.0.0.1 "$(port_of server)" -- "$2"
	else
		export ADIT_TOKEN="$SECRET"
		adit client client 127.0.0.1 "$(port_of server)"
		unset ADIT_TOKEN
	fi
	wait_line client.err '^connected to '
	for _side in server client; do
		hidden "$_side"
		no_core "$_side"
	done
	printf 'through' >&3
	wait_line client.out '^through$'
	exec 3>&-
	expect_exit client 0
	expect_exit server 0
	for _side in server client; do
		unsaid "$_side"
		expect_eq "$(count_lines "$_side.err" "^$advice\$")" "$ADVISED"
		expect_eq "$(count_lines "$_side.err" 'guess|short|advice')" \
		    "$ADVISED"
	done
}

# differs TOKEN OTHER: the client with the other one is refused as with any
# wrong one.
differs() {
	adit server server 127.0.0.1 0 -- "$1"
	listening server
	adit client client 127.0.0.1 "$(port_of server)" -- "$2"
	expect_exit client 3
	expect_line client.err \
	    'refused: wrong token \(or somebody in between\)'
	expect_eq "$(cat client.out)" ""
	wait_line server.err \
	    '^refused 127\.0\.0\.1:[0-9]+: wrong token, or it gave up$'
	unsaid client
	unsaid server
	stop server
}

check "five words, or as many as --bits wants, and no two are alike"
mint 5
first=$TEXT
mint 5
second=$TEXT
[ "$first" != "$second" ] || fail "twice the same: $first"
mint 9 --bits 128
long=$TEXT
mint 5 --bits 64
mint 4 --bits 48
least=$TEXT
mint 5 --bits 49		# rounded up to whole words
mint 33 --bits 512
most=$TEXT
i=0
while [ "$i" -lt 20 ]; do
	i=$((i + 1))
	mint 5
	echo "$TEXT" >>many
done
expect_eq "$(sort -u many | wc -l)" 20
SECRETS="$first $second $long $least $most"

check "wrong --bits: one line, exit 2, no token"
for bits in 47 513 0 -1 64.0 64x '' ' 64' 1e2 99999999999999999999; do
	adit minted token --bits "$bits"
	expect_exit minted 2
	expect_eq "$(wc -l <minted.err)" 1
	expect_eq "$(cat minted.out)" ""
done
for args in --bits '--bits 64 64' '--bit 64' 64 '--bits 64 --bits' \
    '--listen 0'; do
	# shellcheck disable=SC2086 # words
	adit minted token $args
	expect_exit minted 2
	expect_eq "$(wc -l <minted.err)" 1
	expect_eq "$(cat minted.out)" ""
done

check "a standard output that takes nothing is an error"
OUT=/dev/full adit minted token
expect_exit minted 1

check "generated ones are good on both sides, hidden, and without advice"
ADVISED=0
for SECRET in "$first" "$long" "$least" "$most"; do
	works "$SECRET" "$SECRET"
done
SECRET=$first
printf '%s\n' "$SECRET" >file
works @file "$SECRET"
works "$SECRET" "@$T/file"
works '' "$SECRET"
works @file ''

check "one letter changed, or left out, or one more: as wrong as any"
# Another letter of the same kind, so that it looks like a token still; the
# check word sees that it is none, and so does the server.
head=${first%?}
tail=${first#"$head"}
case $tail in
b)	other=d ;;
*)	other=b ;;
esac
at_start=$(echo "$first" | sed 's/^b/x/; t; s/^./b/' | tr x d)
for wrong in "$head$other" "$at_start" "$head" "${first}b" "$second" \
    "$(echo "$first" | tr -d -)" \
    "$(echo "$first" | tr '[:lower:]' '[:upper:]')"; do
	[ "$wrong" != "$first" ] || fail "nothing was changed: $wrong"
	SECRETS="$first $wrong"
	differs "$first" "$wrong"
done
differs "$second" "$first"

check "a short one is as good, and gets one line of advice"
ADVISED=1
for SECRET in s3same short-toke; do	# up to 11 bytes
	SECRETS=$SECRET
	works "$SECRET" "$SECRET"
done
SECRET=elevenbytes
SECRETS=$SECRET
works "$SECRET" ''

check "one of 12 bytes gets none, even if it is not a generated one"
ADVISED=0
SECRET=twelve-bytes
SECRETS=$SECRET
works "$SECRET" "$SECRET"

check "with -q there is no advice"
SECRETS=s3same
adit server server 127.0.0.1 0 s3same --to 127.0.0.1:1 -q
wait_for 10 eval "ss -Htln | grep -q LISTEN"
expect_eq "$(cat server.err)" ""
stop server
finish
