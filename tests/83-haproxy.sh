#!/bin/sh
# Goal: two relays behind a real HAProxy, with an address for each of them, and with one address for both and for other services, as docs/relays.md says.
# Modes: native
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"
sealed_only
command -v haproxy >/dev/null || skip "no haproxy"

. "$TESTS/networks.sh"
networks
start_peer service serve echo 0 10.77.1.1:0
serving service
service=$(addr_of service)
start_peer web serve echo 0 127.0.0.1:8000
serving web

relay() {	# relay NUMBER
	adit "relay$1" relay 127.0.0.1 "780$1" -v --max-per-source 1000
	wait_line "relay$1.err" '^relay, listening on '
}
relay 1
relay 2

# The configuration is the page's own.
# shellcheck disable=SC2016 # these are no commands
sed -n '/^```haproxy$/,/^```$/p' "$TOP/docs/relays.md" | grep -v '^```' |
    sed 's/maxconn 100000/maxconn 1000/; s/192\.0\.2\.1:443/10.77.1.1:7001/; s/192\.0\.2\.2:443/10.77.2.1:7001/
	s/192\.0\.2\.3:443/10.77.1.1:7443/; s/10\.0\.0\.1:7999/127.0.0.1:7801/
	s/10\.0\.0\.2:7999/127.0.0.1:7802/; s/10\.0\.0\.3:443/127.0.0.1:8000/' \
    >haproxy.cfg
expect_ok haproxy -c -f haproxy.cfg
start haproxy haproxy -db -f haproxy.cfg
# shellcheck disable=SC2317 # wait_for calls it
up() {
	"$ADIT" status 10.77.1.1:7001 && "$ADIT" status 10.77.2.1:7001
} >/dev/null 2>&1
wait_for 10 up

echo '10.77.1.1 relay.test
10.77.2.1 relay.test' >hosts
mount --bind hosts /etc/hosts 2>mount.log ||
    skip "cannot bind /etc/hosts: $(cat mount.log)"

serve() {	# serve NAMESPACE NAME HOST PORT ROOM
	adit_in "$1" "$2" server "$3" "$4" "$STRONG" --room "$5" \
	    --to "$service" -v
}
join() {	# join NAME HOST PORT ROOM
	adit_in near "$1" client "$2" "$3" "$STRONG" --room "$4" --listen 0 -v
	listening "$1"
	wait_line "$1.err" '^connected to room '
}

check "an address for each relay: the server is at both"
serve near server relay.test 7001 r
wait_for 5 has_lines 2 server.err '^waiting in room '
join client relay.test 7001 r
entry=$(addr_of client)
now
usable "$entry" "$NOW" 1
for i in 1 2; do
	wait_line "relay$i.err" '^room r: server .* waits'
done

check "an address for each relay: each is killed, and started again"
for i in 1 2; do
	kill_now "relay$i"
	now
	usable "$entry" "$NOW" 3
	relay "$i"
	wait_line "relay$i.err" '^room r: server .* waits' 40
done
stop client
stop server

# Which room is at which relay is up to a hash: some are at either.
check "one address for both: both sides of a room come to one relay"
for i in 1 2 3 4 5 6; do
	serve near "s$i" 10.77.1.1 7443 "one$i"
	wait_line "s$i.err" '^waiting in room '
done
# A relay says so a little later than its server.
# shellcheck disable=SC2317 # wait_for calls it
six_wait() {
	[ "$(cat relay1.err relay2.err | grep -Ec '^room one.* waits')" -ge 6 ]
}
wait_for 5 six_wait
for i in 1 2; do
	echo "# relay $i has $(count_lines "relay$i.err" '^room one.* waits')"
	[ "$(count_lines "relay$i.err" '^room one.* waits')" -gt 0 ] ||
	    fail "all rooms are at one relay"
done
found=0
for i in 1 2 3 4 5 6; do
	adit_in near c client 10.77.1.1 7443 "$STRONG" --room "one$i" \
	    --listen 0 -v
	listening c
	! try_for 2 has_line c.err '^connected to room ' || found=$((found + 1))
	expect_no_line c.err 'nobody waits'
	stop c
done
# Where a source's ACCEPTs go is where its last WAIT went: how many can be
# reached is up to chance.
echo "# of six rooms of one source, $found could be reached"
for i in 1 2 3 4 5 6; do
	stop "s$i"
done

check "one address for both: one room for each source"
serve near server 10.77.1.1 7443 one
wait_line server.err '^waiting in room '
serve far other 10.77.1.1 7443 one4
wait_line other.err '^waiting in room '
join client 10.77.1.1 7443 one
join client4 10.77.1.1 7443 one4
now
usable "$(addr_of client)" "$NOW" 1
usable "$(addr_of client4)" "$NOW" 1
serve far second 10.77.1.1 7443 one
wait_line second.err 'room busy'
stop second
# The second one's WAIT has moved where its source's ACCEPTs go.
echo "# relays of room one: $(grep -l '^room one: .* waits' relay?.err |
    xargs), of room one4: $(grep -l '^room one4: .* waits' relay?.err | xargs)"

check "one address for both: the relay is killed, and started again"
# shellcheck disable=SC2317 # wait_for calls it
one_waits() {
	for i in 1 2; do
		has_line "relay$i.err" '^room one: .* waits' && return
	done
	return 1
}
wait_for 5 one_waits
kill_now "relay$i"
now
usable "$(addr_of client)" "$NOW" 3
relay "$i"
sleep 5
stop client
join client 10.77.1.1 7443 one
now
usable "$(addr_of client)" "$NOW" 1

check "one address for both, and for other services"
expect_ok curl -sf http://10.77.1.1:7443/healthz
# shellcheck disable=SC2086 # $PYTHON is several words
expect_ok $PYTHON "$TESTS/peer.py" raw connect=10.77.1.1:7443 \
    text=abcd gettext=abcd fin end
wait_line web.out '^open$'

for i in client client4 other server; do
	stop "$i"
done
finish
