#!/bin/sh
# Goal: plain: only the right token gets in, whatever its length, pace and pieces; every other opening gets its refusal or silence.
# Modes: plain nobear asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
speak_plain

start_peer service serve echo
serving service
adit server server 127.0.0.1 0 "$TOKEN" --to "$(addr_of service)"
listening server
at=$(addr_of server)

check "right token, in one piece, in pieces, with the data behind it"
expect_ok peer raw "connect=$at" token=sesame gethex=01 text=hello \
    gettext=hello fin end
expect_ok peer raw "connect=$at" slow=0.05:0006736573616d65 gethex=01 \
    text=hello gettext=hello fin end
expect_ok peer raw "connect=$at" hex=0006736573616d6568656c6c6f gethex=01 \
    gettext=hello fin end

check "wrong tokens: 00 after a second, then a clean end"
# Each comes from an address of its own, so that each one is delayed.
i=1
for wrong in sesamf Sesame sesam sesame1 sesamesesame s 'sesame ' x; do
	i=$((i + 1))
	in_time peer raw "connect=127.0.0.$i@$at" "token=$wrong" gethex=00 \
	    end after=0.9:2.5
	wait_line server.err \
	    "^refused 127\.0\.0\.$i:[0-9]+: wrong token\$"
done

check "one delayed answer for each source, further ones at once"
# shellcheck disable=SC2317 # one_of calls it
two_guesses() {
	rm -f now
	# So that starting it takes nothing of the first one's second.
	start_peer second raw say=ready wait=now \
	    "connect=127.0.0.99@$at" token=no gethex=00 end after=0:0.6
	wait_line second.out '^ready$'
	start_peer first raw "connect=127.0.0.99@$at" token=no say=sent \
	    gethex=00 end after=0.9:2.5
	wait_line first.out '^sent$'
	# The first one is sent, but the server need not have read it yet.
	sleep 0.2
	: >now
	reap second
	code=$STATUS
	reap first
	[ "$code$STATUS" = 00 ]
}
one_of 5 two_guesses || fail "$(cat first.err second.err)"

check "a sealed hello: one 00 at once"
in_time peer raw "connect=$at" hex=ad17 gethex=00 end after=0:0.6

check "every truncation of the right handshake, by end and by reset"
all=0006736573616d65
n=0
while [ "$n" -lt ${#all} ]; do
	part=
	[ "$n" -eq 0 ] || part=$(printf %s "$all" | cut -c "1-$n")
	expect_ok peer raw "connect=$at" "hex=$part" fin gone
	expect_ok peer raw "connect=$at" "hex=$part" rst
	n=$((n + 2))
done
expect_eq "$(count_lines service.out '^open$')" 3

check "what is no handshake gets silence until the deadline of 10 s"
# All at once: a length of 0, one too big, a token slower than the deadline
# at a byte a second (22 s, if each byte put it off), one that stops half-way,
# nothing at all.
slow=0014736573616d65736573616d65736573616d657373
start_peer zero raw "connect=127.0.1.1@$at" hex=0000 gone after=9.5:18
start_peer big raw "connect=127.0.1.2@$at" hex=0401 gone after=9.5:18
start_peer crawl raw "connect=127.0.1.3@$at" "slow=1:$slow" gone after=9.5:18
start_peer half raw "connect=127.0.1.4@$at" hex=00067365 gone after=9.5:18
start_peer mute raw "connect=127.0.1.5@$at" gone after=9.5:18
start_peer http raw "connect=127.0.1.6@$at" "text=GET / HTTP/1.1" gone \
    after=9.5:18
check "a good one beside them is not held up"
in_time peer raw "connect=$at" token=sesame gethex=01 fin end after=0:0.6
for name in zero big crawl half mute http; do
	expect_exit "$name" 0 20
done

check "lengths 1 and 1024 work, bytes of any value too"
long=$(peer gen 1 4096 | tr -dc '[:alnum:]' | head -c 1024)
for length in 1 1024; do
	t=$(printf %s "$long" | cut -c "1-$length")
	adit lserver server 127.0.0.1 0 "$t"
	listening lserver
	adit lclient client 127.0.0.1 "$(port_of lserver)" "$t"
	expect_exit lclient 0
	expect_exit lserver 0
done
printf '\377\001\n\200' >odd
printf 'data' >data
adit lserver server 127.0.0.1 0 @odd
listening lserver
IN=data adit lclient client 127.0.0.1 "$(port_of lserver)" @odd
expect_exit lclient 0
expect_exit lserver 0
expect_eq "$(cat lserver.out)" data
finish
