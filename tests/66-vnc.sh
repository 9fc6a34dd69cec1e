#!/bin/sh
# Goal: a desktop is seen and used with a VNC viewer through the tunnel, pixel by pixel as without it.
# Modes: native
. "${0%/*}/lib.sh"
sealed_only

for program in Xtigervnc xtightvncviewer; do
	command -v "$program" >/dev/null || skip "no $program"
done
python3 -c 'import Xlib' 2>last.err || skip "no python3-xlib"
# An X server has its keymap compiled into a file there that is named after the
# display alone, and every scenario has the same displays.
mkdir -p /var/lib/xkb 2>/dev/null
mount -t tmpfs tmpfs /var/lib/xkb 2>last.err ||
    skip "no /var/lib/xkb of our own: $(cat last.err)"
HOME=$T XAUTHORITY=$T/xauthority
export HOME XAUTHORITY
: >xauthority

# screen NAME NUMBER OPTION...: an X server that is its own VNC server.  Lock
# files and UNIX sockets would be shared with others; TCP is this scenario's.
screen() {
	_name=$1 _number=$2
	shift 2
	start "$_name" Xtigervnc ":$_number" -depth 24 -ac -nolock -noreset \
	    -nolisten unix -nolisten local -listen tcp "$@"
	wait_for 10 eval "ss -Htln | grep -q ':600$_number '"
}

# view ADDR: look at what is there.  The viewer's own window is on display 1;
# -nojpeg keeps every pixel as it is.
view() {
	start viewer env DISPLAY=127.0.0.1:1 xtightvncviewer -shared \
	    -encodings "copyrect tight" -nojpeg -passwd "$T/password" \
	    "${1%:*}::${1##*:}"
}

user() {	# user ARG...: the one in front of the viewer
	DISPLAY=127.0.0.1:1 python3 -B "$TESTS/66-vnc.py" "$@" >last.out \
	    2>last.err || die "$(cat last.err)"
}

# spy NAME ADDR PORT: stand before ADDR, at a port that the kernel gives to
# nobody by itself, and write down what comes from there to NAME.raw; sets SPY.
spy() {
	SPY=127.0.0.1:$3
	start "$1" socat -R "$1.raw" \
	    "TCP-LISTEN:$3,bind=127.0.0.1,reuseaddr,fork" "TCP:$2"
	wait_for 5 eval "ss -Htln | grep -q ':${SPY##*:} '"
}

# reach SERVICE: make it reachable, with a spy on the way; sets ENTRY.
reach() {
	adit relay relay 127.0.0.1 0
	wait_line relay.err '^relay, listening on '
	spy sealed "$(sed -n 's/^relay, listening on //p' relay.err)" 7002
	adit share share "${1##*:}" --relay "$SPY"
	wait_line share.out '^adit '
	adit ticket "$(sed -n '$s/^adit //p' share.out)" --listen 0
	listening ticket
	ENTRY=$(addr_of ticket)
}

# As `vncpasswd` writes "password".
printf '\333\330\074\375\162\172\024\130' >password
screen vnc 0 -geometry 640x480 -nocursor -rfbport 5900 -localhost \
    -SecurityTypes VncAuth -PasswordFile "$T/password"
screen eyes 1 -geometry 800x600 -rfbport -1
start desktop env DISPLAY=127.0.0.1:0 python3 -B "$TESTS/66-vnc.py" desktop 1
wait_line desktop.out '^shown'

# use NAME ADDR: look at the desktop, and do something there.
use() {
	view "$2"
	user see "$1.1" 1
	user type 2
	user see "$1.2" 2
	user click 300 200
	user see "$1.3" 2 300,200
	user click 11 402
	user see "$1.4" 2 300,200 11,402
	user type 1
	user see "$1.5" 1
	stop viewer 1
}

check "without the tunnel"
spy clear 127.0.0.1:5900 7001
use clear "$SPY"
grep -aq 'RFB 003\.' clear.raw || fail "the spy sees nothing"

check "through the tunnel: the picture, keys and clicks"
reach 127.0.0.1:5900
use tunnel "$ENTRY"
expect_eq "$(tail -n 4 desktop.out | tr '\n' ' ')" \
    "key 2 button 1 at 300,200 button 1 at 11,402 key 1 "
for i in 1 2 3 4 5; do
	cmp -s "clear.$i" "tunnel.$i" || fail "picture $i is another one"
done
! cmp -s tunnel.1 tunnel.2 || fail "the picture did not change"
! cmp -s tunnel.2 tunnel.3 || fail "the click changed nothing"
cmp -s tunnel.1 tunnel.5 || fail "the first picture did not come back"

check "the VNC server notices that the viewer has gone"
wait_for 10 eval "[ -z \"\$(ss -Htn state established 'sport = :5900')\" ]"

check "nothing of it is seen on the way"
[ "$(wc -c <sealed.raw)" -gt 1000000 ] || fail "the spy was passed by"
! grep -aq 'RFB 003\.' sealed.raw || fail "the greeting is there for all to see"
stop ticket
stop share
finish
