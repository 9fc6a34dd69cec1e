#!/bin/sh
# Goal: the static binary needs nothing around it but /dev/urandom: it runs in a directory as its root that has only that.
# Modes: static
. "${0%/*}/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "chroot needs root"
check "small and static"
# musl is 68 KB of it, BearSSL 26 KB.
expect_range "$(wc -c <"$ADIT")" 1 245760
if ldd "$ADIT" >ldd.out 2>&1 && grep -q '=>' ldd.out; then
	fail "not static: $(cat ldd.out)"
fi

mkdir root
cp "$ADIT" root/adit

check "without randomness: nothing is sealed, and one line says what is missing"
start server chroot root /adit server 127.0.0.1 0 "$STRONG"
expect_exit server 1
expect_eq "$(grep -c . server.err)" 1
expect_line server.err '.*/dev/urandom.*'
mkdir root/dev
: >root/dev/urandom
mount --bind /dev/urandom root/dev/urandom || die "cannot bind /dev/urandom"

printf 'from the server' >down
printf 'from the client' >up

check "a pipe"
IN=down start server chroot root /adit server 127.0.0.1 0 "$TOKEN"
listening server
IN=up start client chroot root /adit client localhost "$(port_of server)" \
    "$TOKEN"
expect_exit client 0
expect_exit server 0
expect_eq "$(cat server.out)" "from the client"
expect_eq "$(cat client.out)" "from the server"

check "a service, with a crowd"
start_peer service serve echo
serving service
start server chroot root /adit server localhost 0 "$TOKEN" \
    --to "$(addr_of service)"
listening server
start client chroot root /adit client localhost "$(port_of server)" "$TOKEN" \
    --listen localhost:0
listening client
expect_ok peer crowd "$(addr_of client)" 50 100000
stop client
stop server

check "a name that cannot be resolved there: one line, exit 1"
start client chroot root /adit client nosuch.invalid 7000 "$TOKEN"
expect_exit client 1 30
has_line client.err '^cannot resolve nosuch\.invalid: ' ||
    fail "$(cat client.err)"
finish
