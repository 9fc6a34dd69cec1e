#!/bin/sh
# Goal: two sides that do not fit say why, each in one sentence, and nothing is carried; exit 3 is for a wrong token alone.
# Modes: native asan relay
. "${0%/*}/lib.sh"
sealed_only

ip='127\.0\.0\.1:[0-9]+'
calm="not encrypted: |a short token can be guessed|listening on |waiting in room |for clients' services, "

# one NAME REGEX: it has said this line, and nothing else but calm ones.
one() {
	expect_line "$1.err" "$2"
	expect_eq "$(grep -Evc "^($calm)" "$1.err")" 1
}

# refused CODE CLIENT-SAYS SERVER-SAYS: the client named client ends so; the
# server named server says so, and goes on.
refused() {
	expect_exit client "$1" 15
	one client "$2"
	wait_line server.err "^refused $ip: $3\$"
	one server "refused $ip: $3"
	expect_eq "$(cat client.out server.out)" ""
	stop server
}

start_peer service serve hold
serving service
to="--to $(addr_of service)"
printf 'data that must not be seen' >data

# pair SERVER-OPTIONS CLIENT-OPTIONS
pair() {
	# shellcheck disable=SC2086 # options are words
	IN=data adit server server 127.0.0.1 0 "$TOKEN" $1
	listening server
	# shellcheck disable=SC2086
	IN=data adit client client 127.0.0.1 "$(port_of server)" \
	    "${CLIENT_TOKEN:-$TOKEN}" $2
}

for ends in "|" "$to|" "$to|--listen 0"; do
	check "a sealed client, a plain server (server ${ends%|*}, client ${ends#*|})"
	pair "${ends%|*} --plain" "${ends#*|}"
	refused 4 \
	    "the other side, or something in between, does not encrypt; refused" \
	    "it encrypts, this side does not"
done

if direct; then	# at a relay nobody is plain
	for ends in "|" "$to|"; do
		check "a plain client, a sealed server (server ${ends%|*}, client ${ends#*|})"
		pair "${ends%|*}" "${ends#*|} --plain"
		refused 3 \
		    "refused: wrong token, busy, or the server encrypts \(leave out --plain\)" \
		    "it does not encrypt \(--plain\), this side does"
	done
	check "and with --listen, where each connection is refused"
	pair "$to" "--listen 0 --plain"
	listening client
	expect_ok peer raw "connect=$(addr_of client)" reset
	wait_line server.err "^refused $ip: it does not encrypt \(--plain\), this side does"
	wait_line client.err "^refused: wrong token, busy, or the server encrypts"
	stop client
	stop server
fi

for ends in "|" "$to|" "$to|--listen 0" "--listen 0|$to"; do
	check "a wrong token (server ${ends%|*}, client ${ends#*|}): exit 3"
	CLIENT_TOKEN=wrong pair "${ends%|*}" "${ends#*|}"
	refused 3 "refused: wrong token \(or somebody in between\)" \
	    "wrong token, or it gave up"
done
for pair in "$STRONG:korav-gilit-kuvar-rihat-huguz" "sesame:Sesame" \
    "a b:a b "; do
	check "wrong by one letter: ${pair##*:}"
	TOKEN=${pair%%:*} CLIENT_TOKEN=${pair##*:} pair "" ""
	refused 3 "refused: wrong token \(or somebody in between\)" \
	    "wrong token, or it gave up"
	TOKEN=sesame
done

fit="the two sides do not fit together"
check "both listen"
pair "--listen 0" "--listen 0"
refused 1 "refused: $fit: both listen; one side needs --to" \
    "$fit: both listen; one side needs --to"
check "both have a service"
pair "$to" "$to"
refused 1 "refused: $fit: both have a service; one side needs --listen" \
    "$fit: both have a service; one side needs --listen"
udp="one side carries UDP \(-u\), the other TCP"
for ends in "$to -u|--listen 0" "$to|--listen 0 -u" "--listen 0 -u|$to" \
    "--listen 0|$to -u" "$to -u|" "--listen 0 -u|" "|--listen 0 -u" \
    "|$to -u"; do
	check "one carries UDP: server ${ends%|*}, client ${ends#*|}"
	pair "${ends%|*}" "${ends#*|}"
	refused 1 "refused: $fit: $udp" "$fit: $udp"
done

if direct; then	# for a client in a room it stands elsewhere
	check "another version, or somebody who changes it on the way"
	IN=data adit server server 127.0.0.1 0 "$TOKEN"
	listening server
	# shellcheck disable=SC2086 # $PYTHON is several words
	start middle $PYTHON "$TESTS/middle.py" relay "$(addr_of server)" flip up 0 2
	serving middle
	IN=data adit client client 127.0.0.1 "$(port_of middle)" "$TOKEN"
	refused 1 "refused: the server speaks another version of the protocol" \
	    "it speaks another version of the protocol"
	stop middle 1
fi

# Anybody can say these: none of them is exit 3, and none of the data is sent.
while read -r status code says; do
	check "status $status"
	# shellcheck disable=SC2086
	start_peer fake raw listen= $HEARD "hex=$status" gone
	serving fake
	IN=data adit client client 127.0.0.1 "$(port_of fake)" "$TOKEN"
	expect_exit client "$code"
	one client "$says"
	expect_exit fake 0
done <<'END'
00 4 the other side, or something in between, does not encrypt; refused
21 1 refused: the server speaks another version of the protocol
22 1 refused for now: too many handshakes at the server
23 4 no tunnel to 127\.0\.0\.1:[0-9]+: the other side is no adit server
25 1 refused: the server says that our token is wrong
01 4 no tunnel to 127\.0\.0\.1:[0-9]+: the other side is no adit server
ff 4 no tunnel to 127\.0\.0\.1:[0-9]+: the other side is no adit server
END

check "who has been known waits, if the token changes at the server"
adit server server 127.0.0.1 0 "$TOKEN" --to "$(addr_of service)"
listening server
port=$(port_of server)
adit client client 127.0.0.1 "$port" "$TOKEN" --listen 0
listening client
linked server client
kill_now server
adit server server 127.0.0.1 "$port" other --to "$(addr_of service)"
listening server
wait_line client.err \
    '^refused: wrong token \(or somebody in between\); trying again'
wait_line server.err "^refused $ip: wrong token, or it gave up"
ended client && fail "the client has given up"
kill_now server
adit server server 127.0.0.1 "$port" "$TOKEN" --to "$(addr_of service)"
listening server
send_signal client HUP		# or else within 30 s
wait_line server.err "^client $ip linked"
linked server client
finish
