#!/usr/bin/env python3
"""What 85-operating.sh wants of a relay that neither adit nor curl does.

Standard library only.  Every subcommand exits 0 when all it saw was right and
says otherwise what was wrong.
"""
import socket, sys, time

from peer import Stalls, dial


def cmd_say(addr, source, text, n="1000"):
    """say ADDR SOURCE HEX [N]: print in hex what is answered, up to the end or
    N bytes."""
    s = dial(addr, source)
    s.sendall(bytes.fromhex(text))
    got = b""
    try:
        while len(got) < int(n) and (data := s.recv(int(n) - len(got))):
            got += data
    except ConnectionResetError:
        got += b"reset"
    print(got.hex() if got != b"reset" else "reset")


def cmd_dial(addr, source, room):
    """dial ADDR SOURCE ROOM: what a relay says to a client of this room."""
    name = room.encode()
    cmd_say(addr, source, (b"\xad\x17\x01\x04" + bytes([len(name)]) + name +
                           b"x").hex(), "1")


def cmd_keep(addr, source, text, n):
    """keep ADDR SOURCE HEX N: so many that say this, all at once, and stay
    until the end of stdin."""
    kept = [dial(addr, source) for _ in range(int(n))]
    for s in kept:
        s.sendall(bytes.fromhex(text))
    sys.stdin.read()


def cmd_hold(addr, n):
    """hold ADDR N: send N bytes to an echo service, say `back` when they have
    come back, and wait for the end of stdin."""
    s = dial(addr)
    s.sendall(bytes(int(n)))
    left = int(n)
    while left > 0:
        data = s.recv(left)
        if not data:
            sys.exit("it ended, %d bytes are missing" % left)
        left -= len(data)
    print("back", flush=True)
    sys.stdin.read()
    s.shutdown(socket.SHUT_WR)
    if s.recv(1):
        sys.exit("more than was sent")
    print("end", flush=True)


def cmd_speed(addr, n):
    """speed ADDR N: N bytes of a source; print bytes a second, twice: from the
    first that comes to the last, without what the machine held us up; and all
    in all, from before the connection, which a slow machine can only make
    less."""
    dialled, stalls = time.monotonic(), Stalls(0.03)
    s = dial(addr)
    left = int(n) - len(s.recv(1))
    began, before = time.monotonic(), stalls.sum
    while left > 0:
        data = s.recv(min(left, 1 << 16))
        if not data:
            sys.exit("%d bytes are missing" % left)
        left -= len(data)
    now = time.monotonic()
    low = int(n) / max(now - began - (stalls.sum - before), 0.01)
    print(int(low), int(int(n) / (now - dialled)))


if __name__ == "__main__":
    globals()["cmd_" + sys.argv[1]](*sys.argv[2:])
