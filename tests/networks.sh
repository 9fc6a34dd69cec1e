# shellcheck shell=sh
# networks.sh - scenarios with more than one machine: namespaces, and what is
# between them.  Read after lib.sh.

# networks: two more network namespaces, near (10.77.1.2, for clients) and far
# (10.77.2.2 to 10.77.2.6, for servers and services).  The scenario's own one
# is the router between them (near0, far0), so what nft decides here is what
# the network does: in table `way` there are `dead`, a set of addresses from
# and to which nothing passes, and `extra`, a chain for a scenario's own rules.
# The two are held by a process each, which finish() ends, and with it they go,
# and all that is in them.
networks() {
	unshare --net true 2>"$T/refused" ||
	    skip "no network namespace to be had: $(cat "$T/refused")"
	for _ns in near far; do
		start "$_ns" unshare --net sleep 100000
		wait_for 5 entered "$_ns"
		ip link add "${_ns}0" type veth peer name eth0 \
		    netns "$(pid_of "$_ns")" 2>"$T/refused" ||
		    skip "no veth to be had: $(cat "$T/refused")"
	done
	ip addr add 10.77.1.1/24 dev near0
	ip addr add 10.77.2.1/24 dev far0
	ip link set near0 up
	ip link set far0 up
	echo 1 >/proc/sys/net/ipv4/ip_forward
	within near sh -c '
		ip link set lo up
		ip link set eth0 up
		ip addr add 10.77.1.2/24 dev eth0
		ip route add default via 10.77.1.1'
	# shellcheck disable=SC2016 # $i is the inner shell's
	within far sh -c '
		ip link set lo up
		ip link set eth0 up
		for i in 2 3 4 5 6; do
			ip addr add 10.77.2.$i/24 dev eth0
		done
		ip route add default via 10.77.2.1'
	nft -f - 2>"$T/refused" <<-'END' || skip "no nft: $(cat "$T/refused")"
	table ip way {
		set dead { type ipv4_addr; }
		chain pass {
			type filter hook forward priority 0;
			ip saddr @dead drop
			ip daddr @dead drop
		}
		chain extra { type filter hook forward priority 1; }
	}
	END
}

entered() {	# entered NAME: it is in a network namespace of its own
	[ "$(readlink "/proc/$(pid_of "$1")/ns/net")" != \
	    "$(readlink /proc/self/ns/net)" ]
}

within() {	# within NAMESPACE COMMAND...: run it there
	_ns=$1
	shift
	nsenter -t "$(pid_of "$_ns")" -n -- "$@"
}

adit_in() {	# adit_in NAMESPACE NAME ARG...: as adit, there
	_wrap=$WRAP
	WRAP="nsenter -t $(pid_of "$1") -n -- $WRAP"
	shift
	adit "$@"
	WRAP=$_wrap
}

start_in() {	# start_in NAMESPACE NAME COMMAND...: as start, there
	_ns=$1 _name=$2
	shift 2
	start "$_name" nsenter -t "$(pid_of "$_ns")" -n -- "$@"
}

peer_in() {	# peer_in NAMESPACE NAME ARG...: as start_peer, there
	_ns=$1 _name=$2
	shift 2
	# shellcheck disable=SC2086 # $PYTHON is several words
	start_in "$_ns" "$_name" $PYTHON "$TESTS/peer.py" "$@"
}

service_in() {	# service_in NAMESPACE: an echo service there, at $service
	peer_in "$1" service serve echo
	serving service
	service=$(addr_of service)
}

link_down() {	# link_down ADDR: from now on nothing passes there
	nft add element ip way dead "{ $1 }"
}

link_up() {	# link_up ADDR: it does again; NOW says since when
	nft delete element ip way dead "{ $1 }"
	now
}

extra() {	# extra RULE...: for what passes; without a rule, none of these
	if [ $# -eq 0 ]; then
		nft flush chain ip way extra
	else
		nft add rule ip way extra "$@"
	fi
}

# est NAMESPACE FILTER...: the local ports of its established TCP connections
est() {
	within "$1" ss -Htn state established "$(shift; echo "$*")" |
	    sed 's/^ *[0-9]* *[0-9]* *[^ ]*:\([0-9]*\) .*/\1/'
}

none_est() {	# none_est NAMESPACE FILTER...
	[ -z "$(est "$@")" ]
}

# named NAME ADDR...: the router is the name server from now on, for all of this
# scenario, and NAME is there.  The mounts are the scenario's own.
named() {
	NAMED=$1
	shift
	mkdir names
	say_where "$@"
	start dns dnsmasq --no-daemon --conf-file=/dev/null --no-resolv \
	    --no-hosts --hostsdir="$T/names" --local=/test/ --local-ttl=0 \
	    --listen-address=10.77.1.1 --bind-interfaces --user=root \
	    --pid-file= --log-facility=- --log-queries
	echo 'nameserver 10.77.1.1' >resolv.conf
	echo 'hosts: files dns' >nsswitch.conf
	for _file in nsswitch resolv; do
		# Without the first one the system asks DNS anyway.
		[ "$_file" != nsswitch ] || [ -e /etc/nsswitch.conf ] || continue
		mount --bind "$_file.conf" "/etc/$_file.conf" 2>mount.log ||
		    skip "cannot bind /etc/$_file.conf: $(cat mount.log)"
	done
	wait_for 10 name_is "$@"
}

say_where() {	# say_where ADDR...: to the name server, when it looks
	rm -f names/hosts
	for _addr in "$@"; do
		echo "$_addr $NAMED"
	done >names.new
	mv names.new names/hosts
}

name_is() {	# name_is ADDR...
	[ "$(dig +short +tries=1 +time=1 @10.77.1.1 "$NAMED" A |
	    sort | xargs)" = "$*" ]
}

move_name() {	# move_name ADDR...: that is where NAME is now
	say_where "$@"
	send_signal dns HUP
	wait_for 10 name_is "$@"
}

# pairs SERVICE NUMBER...: for each a server in far, 10.77.2.NUMBER, of SERVICE,
# and a client in near that is linked to it.
pairs() {
	_service=$1
	shift
	for _i in "$@"; do
		adit_in far "server$_i" server "10.77.2.$_i" 0 "$TOKEN" \
		    --to "$_service" -v
		listening "server$_i"
		adit_in near "client$_i" client "10.77.2.$_i" \
		    "$(port_of "server$_i")" "$TOKEN" --listen 0 -v
		listening "client$_i"
		linked "server$_i" "client$_i"
	done
}

# usable ENTRY SINCE SECONDS: a visitor at ENTRY is answered by an echo service
# not later than so long after SINCE (now's NOW).  Visitors come all the time;
# the first that is answered counts.  Sets TOOK, in hundredths of a second.
# Deadlines here are promises, with room for a machine that has other work:
# SLOW, 2 where no sanitizer is, multiplies them.
usable() {
	# shellcheck disable=SC2086 # $PYTHON is several words
	TOOK=$(within near $PYTHON "$TESTS/70-net.py" back "$1" "$2" \
	    $(($3 * SLOW + 20)) 2>"$T/last.err") ||
	    die "not usable again: $(cat "$T/last.err")"
	echo "# usable again after $(hundredths "$TOOK") s"
	[ "$TOOK" -le $(($3 * SLOW * 100)) ] ||
	    fail "usable again only after $(hundredths "$TOOK") s"
}

until_s() {	# until_s SINCE SECONDS: so long after SINCE, a NOW
	now
	[ "$NOW" -ge $(($1 + $2 * 100)) ] ||
	    sleep "$(hundredths $(($1 + $2 * 100 - NOW)))"
}
