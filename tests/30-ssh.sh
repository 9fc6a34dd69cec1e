#!/bin/sh
# Goal: an ssh session with commands, data, a terminal and an exit status works through the tunnel.
# Modes: native relay
. "${0%/*}/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "sshd has to run as root"
# The mount table is this scenario's own.
mkdir -p /run/sshd 2>/dev/null || mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f hostkey
ssh-keygen -q -t ed25519 -N '' -f userkey
cp userkey.pub authorized
at=$NOBODY
cat >sshd_config <<END
ListenAddress $at
HostKey $T/hostkey
AuthorizedKeysFile $T/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
END
start sshd "$(command -v sshd)" -D -e -f "$T/sshd_config"
wait_for 10 eval "ss -Htln | grep -q ':${at##*:} '"
tunnel "$at"

# shellcheck disable=SC2029 # the words are meant to be taken here
remote() {
	ssh -F none -i userkey -p "${ENTRY##*:}" -o BatchMode=yes \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile="$T/known" \
	    -o LogLevel=ERROR "$@"
}

check "a command, its output and its exit status"
expect_eq "$(remote 127.0.0.1 echo hello)" hello
status=0
remote 127.0.0.1 exit 7 || status=$?
expect_eq "$status" 7

check "50 MB each way, with a half-close at the end of stdin"
peer gen 1 50000000 >data
remote 127.0.0.1 cat <data >back || fail "ssh exited $?"
cmp -s data back || fail "other bytes"

check "a session on a terminal"
script -qec "ssh -F none -tt -i $T/userkey -p ${ENTRY##*:} -o BatchMode=yes \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=$T/known \
    127.0.0.1 'stty size; tty; exit 3'" /dev/null >terminal.out </dev/null
expect_eq "$?" 3
has_line terminal.out '/dev/pts/' || fail "no terminal: $(cat terminal.out)"

check "eight sessions at once"
for i in 1 2 3 4 5 6 7 8; do
	start "s$i" ssh -F none -i userkey -p "${ENTRY##*:}" \
	    -o BatchMode=yes -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile="$T/known" 127.0.0.1 "seq 1 20000 | tail -n 1"
done
for i in 1 2 3 4 5 6 7 8; do
	expect_exit "s$i" 0 20
	expect_eq "$(cat "s$i.out")" 20000
done
finish
