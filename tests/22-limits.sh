#!/bin/sh
# Goal: --max-conns, --idle and --linger do what they say, to the connection they are about and to no other.
# Modes: native plain asan
# Slow: left out of tests/run --quick.
. "${0%/*}/lib.sh"

start_peer service serve echo
serving service
service=$(addr_of service)

for side in server client; do
	check "--max-conns 3 at the $side: the fourth is refused, with a line"
	case $side in
	server)	TOPT="--max-conns 3" COPT='' ;;
	client)	TOPT='' COPT="--max-conns 3" ;;
	esac
	tunnel "$service"
	rm -f go
	for i in 1 2 3; do
		start_peer "v$i" raw "connect=$ENTRY" text=a gettext=a say=up \
		    wait=go text=b gettext=b fin end
		wait_line "v$i.out" '^up$'
	done
	expect_ok peer raw "connect=$ENTRY" reset
	expect_ok peer raw "connect=$ENTRY" reset
	wait_line "$side.err" \
	    '^at the limit of 3 streams: 127\.0\.0\.1:[0-9]+ refused \(--max-conns\)$'

	check "and when one has gone the next one gets in"
	: >go
	for i in 1 2 3; do
		expect_exit "v$i" 0
	done
	wait_for 5 back_to_baseline "$side"
	# Its place may be free only a moment after its descriptors.
	wait_for 5 answered "$ENTRY"
	stop client
	stop server
done
unset TOPT COPT

check "a pipe server has room for its pipe only, whatever --max-conns says"
adit pserver server 127.0.0.1 0 "$TOKEN" --max-conns 1
listening pserver
adit pclient client 127.0.0.1 "$(port_of pserver)" "$TOKEN" --max-conns 1
expect_exit pclient 0
expect_exit pserver 0

for side in server client; do
	check "--idle 4 at the $side: a silent stream is reset, a trickle is not"
	case $side in
	server)	TOPT="--idle 4" COPT='' ;;
	client)	TOPT='' COPT="--idle 4" ;;
	esac
	tunnel "$service" -v
	start_peer silent raw "connect=$ENTRY" text=a gettext=a reset after=4:9
	# One direction is enough to be alive: the echo is not read.
	start_peer trickle raw "connect=$ENTRY" slow=0.7:61 gettext=a \
	    slow=0.7:62 gettext=b quiet=1.3 text=c gettext=c quiet=1.3 text=d \
	    gettext=d quiet=1.3 text=e gettext=e quiet=1.3 text=f gettext=f \
	    fin end after=5:20
	expect_exit silent 0
	expect_exit trickle 0
	wait_line "$side.err" '^stream [12] closed after .*: idle for 4 s$'
	expect_eq "$(count_lines "$side.err" 'idle for 4 s')" 1
	stop client
	stop server
done

check "--idle 3 counts both directions together: a one-way stream lives"
cat >slowly.sh <<'END'
i=0
while [ "$i" -lt 10 ]; do
	echo "$i"
	sleep 0.5
	i=$((i + 1))
done
END
at=$NOBODY
start clock socat "TCP-LISTEN:${at##*:},bind=127.0.0.1,reuseaddr,fork" \
    "EXEC:sh slowly.sh"
wait_for 5 eval "ss -Htln | grep -q ':${at##*:} '"
TOPT="--idle 3" COPT="--idle 3" tunnel "$at"
socat -u "TCP:$ENTRY" - >clock.got || fail "socat exited $?"
expect_eq "$(tail -n 1 clock.got)" 9
stop client
stop server
stop clock 143

for side in server client; do
	check "--linger 2 at the $side: half-closed and silent is reset, open is not"
	case $side in
	server)	TOPT="--linger 2" COPT='' ;;
	client)	TOPT='' COPT="--linger 2" ;;
	esac
	start_peer mum serve source 1000
	serving mum
	tunnel "$(addr_of mum)" -v
	# The service has ended its direction; this visitor does not.
	start_peer half raw "connect=$ENTRY" end cut after=2:9
	expect_exit half 0
	wait_line mum.out '^reset$'
	stop client
	stop server
	stop mum 143
	tunnel "$service" -v
	start_peer open raw "connect=$ENTRY" text=a gettext=a quiet=5 text=b \
	    gettext=b fin end
	expect_exit open 0
	stop client
	stop server
done
unset TOPT COPT

check "--linger never applies to stdin and stdout"
mkfifo down
IN=down adit pserver server 127.0.0.1 0 "$TOKEN" --linger 1
exec 3<>down
listening pserver
adit pclient client 127.0.0.1 "$(port_of pserver)" "$TOKEN" --linger 1
wait_line pserver.err ' accepted$'
# The client's stdin has ended long ago.
sleep 3.5
printf 'late' >&3
exec 3>&-
expect_exit pclient 0
expect_exit pserver 0
expect_eq "$(cat pclient.out)" late
finish
