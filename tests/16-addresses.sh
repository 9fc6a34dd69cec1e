#!/bin/sh
# Goal: IPv4, IPv6, both at once and names work wherever an address can stand.
# Modes: native asan
. "${0%/*}/lib.sh"

start_peer service serve echo
serving service
service=$(addr_of service)
start_peer service6 serve echo 0 '[::1]:0'
serving service6
service6=$(addr_of service6)

# through ADDR: a visitor of ADDR is answered.
through() {
	expect_ok peer raw "connect=$1" text=hello gettext=hello fin end
}

# Server's IP, client's HOST, how the server names itself when ready
while read -r ip host shown; do
	check "server $ip, client $host"
	adit server server "$ip" 0 "$TOKEN" --to "$service"
	listening server
	expect_line server.err "listening on $shown:[1-9][0-9]*"
	port=$(port_of server)
	adit client client "$host" "$port" "$TOKEN" --listen 0
	listening client
	expect_line client.err 'listening on 127\.0\.0\.1:[1-9][0-9]*'
	through "$(addr_of client)"
	stop client
	adit pipe client "$host" "$port" "$TOKEN"
	expect_exit pipe 0
	stop server
done <<'END'
127.0.0.1 127.0.0.1 127\.0\.0\.1
0.0.0.0 127.0.0.1 0\.0\.0\.0
0.0.0.0 127.9.8.7 0\.0\.0\.0
0.0.0.0 localhost 0\.0\.0\.0
::1 ::1 \[::1\]
[::1] [::1] \[::1\]
:: ::1 \[::\]
:: 127.0.0.1 \[::\]
[::] ::1 \[::\]
[::] 127.0.0.1 \[::\]
:: localhost \[::\]
::1 localhost \[::1\]
localhost localhost (127\.0\.0\.1|\[::1\])
END

check "a v4 visitor of a dual-stack server is named as v4"
adit server server :: 0 "$TOKEN" --to "$service"
listening server
port=$(port_of server)
adit wrong client 127.0.0.1 "$port" wrong
expect_exit wrong 3
wait_line server.err '^refused 127\.0\.0\.1:[0-9]+: wrong token'
adit wrong client ::1 "$port" wrong
expect_exit wrong 3
wait_line server.err '^refused \[::1\]:[0-9]+: wrong token'
stop server

check "--to and --listen: IPv6, names"
for to in "$service6" "localhost:${service##*:}" "localhost:${service6##*:}"
do
	tunnel "$to"
	through "$ENTRY"
	stop client
	stop server
done
adit server server 127.0.0.1 0 "$TOKEN" --to "$service"
listening server
for at in '[::1]:0' 127.0.0.2:0 0.0.0.0:0 '[::]:0' localhost:0; do
	adit client client 127.0.0.1 "$(port_of server)" "$TOKEN" --listen "$at"
	listening client
	entry=$(addr_of client)
	case $at in
	0.0.0.0:0)	entry=127.0.0.1:${entry##*:} ;;
	'[::]:0')	through "[::1]:${entry##*:}"
			entry=127.0.0.1:${entry##*:} ;;
	esac
	through "$entry"
	stop client
done

check "a name with several addresses: the one that answers is found"
# getaddrinfo reads this file; the namespace has a mount table of its own.
cat >hosts <<END
127.0.0.1 localhost
::1 localhost
127.0.0.8 several.test
127.0.0.9 several.test
127.0.0.1 several.test
END
if mount --bind hosts /etc/hosts 2>mount.log; then
	adit several client several.test "$(port_of server)" "$TOKEN"
	expect_exit several 0
	umount /etc/hosts
else
	fail "cannot bind /etc/hosts: $(cat mount.log)"
fi
stop server

check "a taken port is named, whatever the family"
adit server server 127.0.0.1 "${service##*:}" "$TOKEN"
expect_exit server 1
expect_line server.err "cannot listen on $service: Address already in use \(.*\)"
adit server server ::1 "${service6##*:}" "$TOKEN"
expect_exit server 1
expect_line server.err "cannot listen on \[::1\]:${service6##*:}: Address already in use \(.*\)"

check "two servers with port 0 get two ports"
adit one server 127.0.0.1 0 "$TOKEN"
adit two server 127.0.0.1 0 "$TOKEN"
listening one
listening two
[ "$(port_of one)" != "$(port_of two)" ] || fail "twice $(port_of one)"
finish
