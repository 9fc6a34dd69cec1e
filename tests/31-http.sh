#!/bin/sh
# Goal: HTTP works through the tunnel: keep-alive, parallel downloads, a download that is broken off.
# Modes: native plain relay
. "${0%/*}/lib.sh"

mkdir www
for i in 1 2 3 4 5 6 7 8; do
	peer gen "$i" $((i * 3000000)) >"www/f$i"
done
printf 'small' >www/small
start_peer web http www
serving web
tunnel "$(addr_of web)" -v

check "keep-alive: five requests on one connection"
url=http://$ENTRY/small
curl -sSf "$url" "$url" "$url" "$url" "$url" >five || fail "curl exited $?"
expect_eq "$(cat five)" smallsmallsmallsmallsmall
expect_eq "$(grep '^request' web.out | sort -u | wc -l)" 1
expect_eq "$(count_lines client.err '^stream [0-9]+ opened: ')" 1

check "eight downloads at once, with checksums"
for i in 1 2 3 4 5 6 7 8; do
	start "get$i" curl -sSf -o "got$i" "http://$ENTRY/f$i"
done
for i in 1 2 3 4 5 6 7 8; do
	expect_exit "get$i" 0 30
	cmp -s "www/f$i" "got$i" || fail "f$i: other bytes"
done

check "a download that is broken off, and the next one"
curl -sf --limit-rate 1000 -m 1 -o broken "http://$ENTRY/f8"
expect_eq "$?" 28
expect_ok curl -sSf -o again "http://$ENTRY/f8"
cmp -s www/f8 again || fail "f8: other bytes"
finish
