#!/bin/sh
# Goal: every bad argument gets one clear line and exit 2, and nothing is started.
# Modes: native nobear asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

# bad ARG...: these arguments are refused.
bad() {
	check "adit $(printf '%s ' "$@" | cut -c 1-70)"
	status=0
	# A program that starts instead of refusing is ended by timeout.
	# shellcheck disable=SC2086 # $WRAP is several words
	timeout $((5 * SLOW)) $WRAP "$ADIT" "$@" </dev/null >bad.out \
	    2>bad.err || status=$?
	expect_eq "$status" 2
	expect_eq "$(wc -l <bad.err)" 1
	expect_eq "$(cat bad.out)" ""
	expect_no_line bad.err '^listening|^not encrypted'
	expect_no_line bad.err "$TOKEN"
}

# good ARG...: refused neither for its arguments nor otherwise.
good() {
	check "adit $*"
	adit good "$@"
	listening good
	stop good
}

t=$TOKEN
bad nonsense
bad serve 127.0.0.1 7000 "$t"
bad token more
bad token --bits
for bits in 0 47 x -1 '' 1000; do
	bad token --bits "$bits"
done
bad server
bad server 127.0.0.1
bad client 127.0.0.1
bad server 127.0.0.1 7000
bad client 127.0.0.1 7000
bad server 127.0.0.1 7000 "$t" more
bad client 127.0.0.1 7000 "$t" more
bad server 127.0.0.1 7000 ''
bad client 127.0.0.1 7000 ''
bad server 127.0.0.1 7000 "$(printf 'a%01024d' 0)"
bad client 127.0.0.1 7000 "$(printf 'a%01024d' 0)"
bad client 127.0.0.1 0 "$t"
for port in 65536 80x x80 -1 +80 '' ' 80' '80 ' 99999999999999999999 0x50 8.0 \
    http; do
	bad server 127.0.0.1 "$port" "$t"
	bad client 127.0.0.1 "$port" "$t"
done
bad server '' 7000 "$t"
bad client '' 7000 "$t"
for to in 127.0.0.1 5432 :5432 127.0.0.1: 127.0.0.1:0 127.0.0.1:65536 \
    127.0.0.1:x ::1:5432 '[::1]' '[::1]5432' '[::1:5432' ''; do
	bad server 127.0.0.1 7000 "$t" --to "$to"
	bad server 127.0.0.1 7000 "$t" "--to=$to"
done
for listen in 65536 x 127.0.0.1: :x 127.0.0.1:65536 '[::1]' '' 127.0.0.1:-1; do
	bad client 127.0.0.1 7000 "$t" --listen "$listen"
done
for allow in 127.0.0.1 '*' 5432 '*:' ':*' '*:0' '*:65536' '*:x' '10.0.*:22' \
    'a*:22' '::1:*' ''; do
	bad server 127.0.0.1 7000 "$t" --allow "$allow"
done
for target in x 0 65536 '*:22' 127.0.0.1: :22 127.0.0.1:0 ''; do
	bad client 127.0.0.1 7000 "$t" --listen 0 --target "$target"
done
# What only the other side has, and what excludes each other.
bad server 127.0.0.1 7000 "$t" --once
bad server 127.0.0.1 7000 "$t" --target 22
bad client 127.0.0.1 7000 "$t" --allow '*:*'
for end in "--to 127.0.0.1:5000" "--allow *:*"; do
	# shellcheck disable=SC2086 # two words
	bad server 127.0.0.1 7000 "$t" --listen 5000 $end
done
bad client 127.0.0.1 7000 "$t" --listen 5000 --to 127.0.0.1:5000
bad client 127.0.0.1 7000 "$t" --to 127.0.0.1:5000 --target 22
bad client 127.0.0.1 7000 "$t" --json
bad server 127.0.0.1 7000 "$t" --json
bad server 127.0.0.1 7000 "$t" -q -v
for fd in 0 -1 x '' 65536 77; do
	bad client 127.0.0.1 7000 "$t" --json-fd "$fd"
done
# Who comes is told to a TCP service beside the server.
for version in 0 3 12 v v0 v3 V1 1v vv1 ' 1' ''; do
	bad server 127.0.0.1 7000 "$t" --to 127.0.0.1:5000 \
	    --proxy-protocol "$version"
done
bad server 127.0.0.1 7000 "$t" --to 127.0.0.1:5000 --source-by-client=1
for option in --proxy-protocol=1 --source-by-client; do
	bad client 127.0.0.1 7000 "$t" --listen 0 $option
	bad server 127.0.0.1 7000 "$t" $option
	bad server 127.0.0.1 7000 "$t" --listen 5000 $option
	bad server 127.0.0.1 7000 "$t" -u --to 127.0.0.1:5000 $option
done
# What cannot go without encryption.
bad server 127.0.0.1 7000 "$t" --plain --listen 5000
bad server 127.0.0.1 7000 "$t" --plain --to 127.0.0.1:5000 --to 127.0.0.1:5001
bad server 127.0.0.1 7000 "$t" --plain --allow '*:*'
bad client 127.0.0.1 7000 "$t" --plain --to 127.0.0.1:5000
bad client 127.0.0.1 7000 "$t" --plain --listen 0 --target 22
bad client 127.0.0.1 7000 "$t" --plain --listen 0 --once
# UDP without an end that can carry it.
bad server 127.0.0.1 7000 "$t" -u
bad client 127.0.0.1 7000 "$t" -u
bad server 127.0.0.1 7000 "$t" --udp
for flag in --nonsense -x --to --listen --drain --verbos --verbose=1 -- -uz \
    --; do
	bad server 127.0.0.1 7000 "$flag"
	bad client 127.0.0.1 7000 "$flag"
done
bad server 127.0.0.1 7000 "$t" --nonsense
bad server 127.0.0.1 7000 "$t" --to
bad client 127.0.0.1 7000 "$t" --listen
bad server 127.0.0.1 7000 "$t" --verbose=1
for number in -1 x 1x '' 1.5 86401 99999999999999999999; do
	bad server 127.0.0.1 7000 "$t" --drain "$number"
	bad client 127.0.0.1 7000 "$t" --idle "$number"
	bad client 127.0.0.1 7000 "$t" --linger "$number"
	bad server 127.0.0.1 7000 "$t" --udp-idle "$number"
done
bad server 127.0.0.1 7000 "$t" --udp-idle 0
for number in 0 -1 65536 x ''; do
	bad server 127.0.0.1 7000 "$t" --max-conns "$number"
done

# A relay has no token, and options of its own.
bad relay
bad relay 127.0.0.1
bad relay 127.0.0.1 7000 "$t"
bad relay 127.0.0.1 7000 --to 127.0.0.1:5000
bad relay 127.0.0.1 7000 --room a
bad relay 127.0.0.1 7000 --auth ''
bad server 127.0.0.1 7000 "$t" --auth x
bad server 127.0.0.1 7000 "$t" --rate 1M
bad client 127.0.0.1 7000 "$t" --user nobody
for number in 0 -1 1000001 x ''; do
	bad relay 127.0.0.1 7000 --max-rooms "$number"
	bad relay 127.0.0.1 7000 --max-per-source "$number"
done
for rate in -1 x '' 1 1023 4294967296 4096M 1G 1k K; do
	bad relay 127.0.0.1 7000 --rate "$rate"
done
for user in '' 0 root no_such_user 5: 5:x 5:0; do
	bad relay 127.0.0.1 7000 --user "$user"
done
bad status
bad status 127.0.0.1:0
bad status 127.0.0.1:1 more

# The environment is checked as strictly, and its name is what is blamed.
for setting in ADIT_DRAIN=x ADIT_TO=127.0.0.1 ADIT_MAX_CONNS=0 ADIT_IDLE=-1 \
    ADIT_LINGER=1x ADIT_UDP_IDLE=0 ADIT_UDP=maybe ADIT_VERBOSE=maybe \
    ADIT_PROXY_PROTOCOL=3 ADIT_SOURCE_BY_CLIENT=x \
    ADIT_PLAIN=yes ADIT_ALLOW=22 ADIT_TO=127.0.0.1:1,x ADIT_JSON_FD=0; do
	# shellcheck disable=SC2163 # the name is in the variable
	export "$setting"
	bad server 127.0.0.1 7000 "$t"
	expect_line bad.err ".*${setting%%=*}.*"
	unset "${setting%%=*}"
done
[ "$SEALED" = 1 ] || speak_plain	# unset above

check "no arguments at all: the usage, on stderr"
status=0
# shellcheck disable=SC2086
$WRAP "$ADIT" >bad.out 2>bad.err || status=$?
expect_eq "$status" 2
expect_eq "$(cat bad.out)" ""
has_line bad.err '^usage: ' || fail "no usage in: $(cat bad.err)"

good server 127.0.0.1 0 "$t"
good server --plain 127.0.0.1 --drain=0 0 --verbose -- "$t"
good server 127.0.0.1 0 "$t" --to=127.0.0.1:9 --udp --udp-idle 1 --idle 86400 \
    --linger 0 --max-conns 65535
good server 127.0.0.1 0 "$t" --to=127.0.0.1:9 --proxy-protocol v1
good server 127.0.0.1 0 "$t" --to=127.0.0.1:9 --proxy-protocol=2 \
    --source-by-client
good client 127.0.0.1 1 "$t" --listen=0 -v
good client 127.0.0.1 1 "$t" -u --listen 127.0.0.1:0

check "options by environment do what the options do"
ADIT_TO=127.0.0.1:9 ADIT_UDP=1 ADIT_VERBOSE=1 ADIT_DRAIN=0
export ADIT_TO ADIT_UDP ADIT_VERBOSE ADIT_DRAIN
good server 127.0.0.1 0 "$t"
unset ADIT_TO ADIT_UDP ADIT_VERBOSE ADIT_DRAIN
ADIT_LISTEN=127.0.0.2:0
export ADIT_LISTEN
good client 127.0.0.1 1 "$t"
expect_line good.err 'listening on 127\.0\.0\.2:[0-9]+'
unset ADIT_LISTEN

check "the names server and client"
for name in server client; do
	ln -s "$ADIT" "$name"
	./"$name" --help >help.out 2>help.err || fail "exit $?"
	[ -s help.out ] || fail "no help"
	status=0
	./"$name" >bad.out 2>bad.err || status=$?
	expect_eq "$status" 2
done
start linked ./server 127.0.0.1 0 "$t"
listening linked
./client 127.0.0.1 "$(port_of linked)" "$t" </dev/null 2>client.err ||
    fail "client exited $?: $(cat client.err)"
expect_exit linked 0
finish
