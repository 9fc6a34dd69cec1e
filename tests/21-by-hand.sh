#!/bin/sh
# Goal: whatever speaks the plain handshake works with us: nc, socat, printf, a few lines of anything.
# Modes: plain nobear
. "${0%/*}/lib.sh"
speak_plain

check "nc and printf as the client of a service"
start_peer service serve digest
serving service
adit server server 127.0.0.1 0 "$TOKEN" --to "$(addr_of service)"
listening server
port=$(port_of server)
sum=$(printf hello | sha256sum | cut -d ' ' -f 1)
printf '\000\006sesamehello' | nc -N 127.0.0.1 "$port" >answer ||
    fail "nc exited $?"
expect_eq "$(head -c 1 answer | od -An -tx1)" " 01"
expect_eq "$(tail -c +2 answer)" "$sum 5"

check "nc with a wrong token gets one byte and the end"
printf '\000\005wrong' | nc -N 127.0.0.1 "$port" >answer || fail "nc: $?"
expect_eq "$(od -An -tx1 answer)" " 00"

check "socat as the client of a pipe"
mkfifo down
IN=down adit pserver server 127.0.0.1 0 "$TOKEN"
exec 3<>down
listening pserver
printf '\000\006sesameto the server' |
    socat -t 20 - "TCP:$(addr_of pserver)" >answer 3>&- &
socat_pid=$!
wait_line pserver.out '^to the server$'
printf 'to the client' >&3
exec 3>&-
expect_exit pserver 0
wait "$socat_pid" || fail "socat exited $?"
expect_eq "$(tail -c +2 answer)" "to the client"

check "a server made with socat, for our pipe"
cat >hand.sh <<'END'
# The opening is 8 bytes long; dd reads no byte more than it has to.
test "$(dd bs=1 count=8 2>/dev/null | od -An -tx1)" = \
    " 00 06 73 65 73 61 6d 65" || exit 1
printf '\001'
printf 'got: '
exec cat
END
at=$NOBODY
# After one direction has ended, socat waits for the other for so long.
start hand socat -t 20 "TCP-LISTEN:${at##*:},bind=127.0.0.1,reuseaddr,fork" \
    "EXEC:sh hand.sh"
wait_for 5 eval "ss -Htln | grep -q ':${at##*:} '"
printf 'payload' >data
IN=data adit client client 127.0.0.1 "${at##*:}" "$TOKEN"
expect_exit client 0
expect_eq "$(cat client.out)" "got: payload"

check "and for our --listen"
adit client client 127.0.0.1 "${at##*:}" "$TOKEN" --listen 0
listening client
expect_ok peer raw "connect=$(addr_of client)" text=data fin \
    "gettext=got: data" end
stop client

check "a hand-made server byte by byte, data in the same segment as the 01"
start_peer bytewise raw listen= gethex=0006736573616d65 hex=0168656c6c6f \
    gettext=data fin end
serving bytewise
printf 'data' >data
IN=data adit client client 127.0.0.1 "$(port_of bytewise)" "$TOKEN"
expect_exit client 0
expect_exit bytewise 0
expect_eq "$(cat client.out)" hello
stop hand 143
finish
