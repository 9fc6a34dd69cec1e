#!/bin/sh
# Goal: a service is told who comes: by haproxy's header, of both versions, or by a source address for each client, which is what sshd logs.
# Modes: native plain asan
. "${0%/*}/lib.sh"

command -v haproxy >/dev/null || skip "haproxy is not installed"

# From this address a client comes that dials it.
ip route add local 127.9.9.9 dev lo table local src 127.9.9.9 ||
    skip "no route of our own to be had"

serve() {	# serve ADDRESS OPTION...
	[ -z "${pid_server:-}" ] || stop server
	_a=$1
	shift
	adit server server "$_a" 0 "$TOKEN" -v "$@"
	listening server
	port=$(port_of server)
}

# A pipe with a request in it; the answer is in client.out.
printf 'GET / HTTP/1.0\r\n\r\n' >request
ask() {		# ask HOST [STATUS]
	IN=request adit client client "$1" "$port" "$TOKEN"
	expect_exit client "${2:-0}"
}

refused() {	# the service ends it, in one way or another
	IN=request adit client client 127.0.0.1 "$port" "$TOKEN"
	reap client
	expect_no_line client.out '^HTTP/1.[01] 200'
}

# The client as the server has it in its last stream.
last_client() {
	sed -n 's/^stream [0-9]* opened: \([^ ]*\) -> .*/\1/p' server.err |
	    tail -n 1
}

# haproxy answers with what the header told it.
# (Ports that the kernel gives to nobody by itself.)
at=127.0.0.1:7001
bare=127.0.0.1:7002
cat >haproxy.cfg <<ENDCFG
defaults
    mode http
    timeout client 20s
frontend told
    bind $at accept-proxy
    http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port] end"
frontend bare
    bind $bare
    http-request return status 200 content-type text/plain lf-string "%[src] end"
ENDCFG
start haproxy haproxy -db -f haproxy.cfg
wait_for 10 eval "ss -Htln | grep -q ':${at##*:} '"
wait_for 10 eval "ss -Htln | grep -q ':${bare##*:} '"

# told HOST: haproxy knows what the server knows, whom HOST leads back to.
told() {
	ask "$1"
	_who=$(last_client)
	expect_eq "${_who%:*}" "$1"
	expect_line client.out "$_who $1:$port end"
}

for version in 1 2; do
	check "version $version: two clients, and the address they dialled"
	serve 0.0.0.0 --to "$at" --proxy-protocol "$version"
	told 127.0.0.1
	told 127.9.9.9

	check "version $version: by --listen, in three connections"
	adit client client 127.9.9.9 "$port" "$TOKEN" --listen 0
	listening client
	linked server client
	for i in 1 2 3; do
		timeout 30 socat -t 20 - "TCP:$(addr_of client)" <request \
		    >"answer$i" || fail "socat exited $?"
		expect_line "answer$i" "127.9.9.9:[0-9]+ 127.9.9.9:$port end"
		expect_line "answer$i" "$(last_client) .*"
	done
	stop client

	check "version $version: IPv4 and IPv6 at one listener"
	serve :: --to "$at" --proxy-protocol "v$version"
	told 127.9.9.9
	ask ::1
	who=$(last_client)
	expect_line client.out "::1:${who##*:} ::1:$port end"
done

check "where no header is expected it is not taken for the client's"
serve 127.0.0.1 --to "$bare" --proxy-protocol 1
refused
serve 127.0.0.1 --to "$at"
refused
serve 127.0.0.1 --to "$bare"
ask 127.0.0.1
expect_line client.out '127\.0\.0\.1 end'

check "--source-by-client: clients are told apart, each is always the same"
start_peer who serve who
serving who
who=$(addr_of who)
# seen HOST: print the address that the service sees.
seen() {
	ask "$1"
	sed 's/:[0-9]*$//' client.out
}
serve :: --to "$who" --source-by-client
near=$(seen 127.0.0.1)
other=$(seen 127.9.9.9)
six=$(seen ::1)
expect_eq "$near" 127.45.158.6
expect_eq "$other" 127.38.249.66
expect_eq "$six" 127.51.249.207
expect_eq "$(seen 127.0.0.1)" "$near"
expect_eq "$(seen 127.9.9.9)" "$other"
expect_line server.err "$(last_client) comes to $who from $(cat client.out)"

check "the same after a restart, and for connections of a --listen"
serve 127.0.0.1 --to "localhost:${who##*:}" --source-by-client
adit client client 127.0.0.1 "$port" "$TOKEN" --listen 0
listening client
linked server client
for i in 1 2 3; do
	timeout 30 socat -t 20 - "TCP:$(addr_of client)" <request >"answer$i" ||
	    fail "socat exited $?"
	expect_line "answer$i" "$near:[0-9]+"
done
stop client

check "both at once"
serve 127.0.0.1 --to "$at" --source-by-client --proxy-protocol 2
told 127.0.0.1
expect_line server.err "$(last_client) comes to $at from $near:[0-9]+"

check "a service that is elsewhere is refused"
code=4		# a plain server can only reset
[ "$SEALED" = 0 ] || code=1
ip addr add 10.77.0.1/32 dev lo
for to in "[::1]:9" 10.77.0.1:9; do
	serve 127.0.0.1 --to "$to" --source-by-client
	ask 127.0.0.1 "$code"
	said="cannot connect to $to: with --source-by-client a service must be in 127.0.0.0/8"
	expect_eq "$(grep -Fxc "$said" server.err)" 1
	expect_eq "$(grep -c cannot server.err)" 1
done
stop server
pid_server=

if [ "$(id -u)" -eq 0 ] && command -v sshd >/dev/null; then
	check "sshd logs that address"
	# The mount table is this scenario's own.
	mkdir -p /run/sshd 2>/dev/null || mount -t tmpfs tmpfs /run
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f hostkey
	ssh-keygen -q -t ed25519 -N '' -f userkey
	cp userkey.pub authorized
	at=127.0.0.1:7003
	cat >sshd_config <<ENDCFG
ListenAddress $at
HostKey $T/hostkey
AuthorizedKeysFile $T/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
ENDCFG
	start sshd "$(command -v sshd)" -D -e -f "$T/sshd_config"
	wait_for 10 eval "ss -Htln | grep -q ':${at##*:} '"
	serve 0.0.0.0 --to "$at" --source-by-client
	for from in 127.0.0.1 127.9.9.9; do
		adit client client "$from" "$port" "$TOKEN" --listen 0
		listening client
		linked server client
		expect_eq "$(ssh -F none -i userkey -p "$(port_of client)" \
		    -o BatchMode=yes -o StrictHostKeyChecking=no \
		    -o UserKnownHostsFile="$T/known" -o LogLevel=ERROR \
		    -o NoHostAuthenticationForLocalhost=yes \
		    127.0.0.1 echo hello)" hello
		stop client
	done
	for from in "$near" "$other"; do
		wait_line sshd.err \
		    "^Accepted publickey for root from $from port [0-9]+ "
	done
	stop server
fi
finish
