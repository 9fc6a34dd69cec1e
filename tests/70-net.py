#!/usr/bin/env python3
"""What scenarios 70 to 79 need of Python: visitors who measure, and a wire.

Standard library only; see peer.py, whose rules hold here, too.
"""
import fcntl, heapq, os, random, select, socket, struct, sys, threading, time

from peer import LIMIT, Stalls, Wrong, dial, listen_at, parse, recv_pattern
from peer import reset, say, send_pattern, spawn


def uptime():
    """The scenario's clock (now, in lib.sh), in hundredths of a second."""
    with open("/proc/uptime") as f:
        return int(f.read().split()[0].replace(".", ""))


def visit(addr, text, limit):
    """One visitor of an echo service; True if it was answered."""
    try:
        with socket.create_connection(parse(addr), limit) as s:
            s.settimeout(limit)
            s.sendall(text)
            got = b""
            while len(got) < len(text) and (data := s.recv(100)):
                got += data
            return got == text
    except OSError:
        return False


def age():
    """How long this process is there, in hundredths of a second."""
    with open("/proc/self/stat") as f:
        began = int(f.read().rsplit(")", 1)[1].split()[19])
    return uptime() - began * 100 // os.sysconf("SC_CLK_TCK")


def cmd_back(addr, since, limit):
    """back ADDR SINCE LIMIT: every quarter of a second a visitor comes; print
    when the first was answered, in hundredths of a second after SINCE, but
    for what is the machine's: how long this program took to start, how long
    nobody was let run meanwhile, and three times what a visitor needs when
    all is well (a link, a hello, a stream); that time on stderr."""
    since, limit, late = int(since), float(limit), age()
    answered, stalls = threading.Event(), Stalls(0.05)

    def one(i):
        if visit(addr, b"visitor %d" % i, limit):
            answered.set()

    end, i = time.monotonic() + limit, 0
    while not answered.is_set() and time.monotonic() < end:
        i += 1
        spawn(one, i)
        answered.wait(0.25)
    if not answered.is_set():
        raise Wrong("no visitor was answered for %s s" % limit)
    took, machine, well = uptime() - since, late + int(stalls.sum * 100), []
    for i in range(3):
        began = time.monotonic()
        visit(addr, b"well %d" % i, limit)
        well.append(time.monotonic() - began)
    machine += int(300 * sorted(well)[1])
    print(machine, file=sys.stderr)
    say(str(took - min(machine, took)))


def cmd_talk(addr, stop, every="0.25"):
    """talk ADDR STOP [EVERY]: one stream to an echo service; a numbered line
    every so often, each answered by itself and in its place, and one more
    once the file STOP is there; then an orderly end.  `up` after the first."""
    s = dial(addr)
    s.settimeout(90)
    i, longest, last = 0, 0.0, False
    while not last:
        last = os.path.exists(stop)
        line, began, got = b"line %d\n" % i, time.monotonic(), b""
        s.sendall(line)
        while len(got) < len(line):
            if not (data := s.recv(len(line) - len(got))):
                raise Wrong("an end after %d lines" % i)
            got += data
        if got != line:
            raise Wrong("%r came instead of %r" % (got, line))
        if i == 0:
            say("up")
        i += 1
        longest = max(longest, time.monotonic() - began)
        due = time.monotonic() + float(every)
        while time.monotonic() < due and not (last or os.path.exists(stop)):
            time.sleep(0.05)
    s.shutdown(socket.SHUT_WR)
    if s.recv(1):
        raise Wrong("something came after the end")
    say("%d lines, the longest wait %.2f s" % (i, longest))


# A reset is reported to one system call only: a reader beside a writer may see
# an end in its place.  So who wants to tell the two apart does one thing after
# the other: first all bytes go there, then all come back.

def cmd_turns(n, at="127.0.0.1:0"):
    """turns N [ADDR]: a service that reads N bytes to the end, then sends N;
    says `whole`, `reset`, or what was wrong, for each connection."""
    listener, n = listen_at(at), int(n)

    def one(s):
        try:
            recv_pattern(s, 1, n)
            send_pattern(s, 2, n)
            s.shutdown(socket.SHUT_WR)
            s.close()
            say("whole")
        except OSError:
            say("reset")
        except Wrong as e:
            say("wrong: %s" % e)

    while True:
        spawn(one, listener.accept()[0])


def cmd_brave(addr, n, seconds, count="4"):
    """brave ADDR N SECONDS [COUNT]: for so long, COUNT visitors at a time take
    turns of N bytes with `turns`, one connection after the other.  Each has to
    be either whole or reset; never does half of one look whole.  Where all is
    slow it takes longer, until there is one of each."""
    n, end = int(n), time.monotonic() + float(seconds)
    whole, resets, wrong = [], [], []
    late = end + LIMIT

    def one():
        while not wrong and time.monotonic() < (
                end if whole and resets else late):
            try:
                with dial(addr) as s:
                    send_pattern(s, 1, n)
                    s.shutdown(socket.SHUT_WR)
                    recv_pattern(s, 2, n)
                whole.append(1)
            except Wrong as e:
                wrong.append(str(e))
            except OSError as e:
                resets.append(str(e))
                time.sleep(0.05)

    for t in [spawn(one) for _ in range(int(count))]:
        t.join()
    if wrong:
        raise Wrong(wrong[0])
    say("%d whole, %d reset" % (len(whole), len(resets)))


def cmd_fickle(at, to, most, seed="7"):
    """fickle AT TO MOST: a box on the path that passes connections on and
    tires of each after a random number of bytes, MOST at most: by turns it
    ends both sides in order, and resets them."""
    dice, listener = random.Random(int(seed)), listen_at(at)

    def both(one, other, left):
        while left > 0:
            for s in select.select([one, other], [], [], 60)[0]:
                if not (data := s.recv(min(left, 1 << 14))):
                    return
                (other if s is one else one).sendall(data)
                left -= len(data)

    def carry(one, left):
        with one, dial(to) as other:
            try:
                both(one, other, left)
            except OSError:
                pass
            for s in one, other:
                if left % 2:
                    reset(s)
                    continue
                # Unread bytes would make a reset of an end.
                s.shutdown(socket.SHUT_WR)
                s.settimeout(5)
                while s.recv(1 << 16):
                    pass

    def one(s):
        try:
            carry(s, dice.randrange(1, int(most)))
        except OSError:
            pass

    while True:
        spawn(one, listener.accept()[0])


def cmd_wire(one, other, delay, loss, kbit="0", queue="0", seed="7"):
    """wire ONE OTHER DELAY LOSS [KBIT QUEUE]: make the two interfaces and
    carry IP packets between them, DELAY ms late, LOSS per thousand of them
    lost; not more than KBIT kilobits a second each way, with up to QUEUE bytes
    that wait for that.  (What tc-netem does, on any kernel that has TUN.)"""
    TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
    delay, loss, rate = float(delay) / 1000, int(loss) / 1000, int(kbit) * 125
    dice = random.Random(int(seed))
    fds = []
    for name in one, other:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(),
                                               IFF_TUN | IFF_NO_PI))
        fds.append(fd)
    say("up")
    free = {fd: 0.0 for fd in fds}      # when the way out of it is
    late, n = [], 0
    while True:
        now = time.monotonic()
        while late and late[0][0] <= now:
            _, _, fd, packet = heapq.heappop(late)
            try:
                os.write(fd, packet)
            except OSError:
                pass                    # down, or full: lost
        wait = max(0.0, late[0][0] - now) if late else None
        for fd in select.select(fds, [], [], wait)[0]:
            out = fds[fd == fds[0]]
            for _ in range(64):
                try:
                    packet = os.read(fd, 65536)
                except OSError:
                    break
                now = time.monotonic()
                if dice.random() < loss:
                    continue
                if rate:
                    start = max(now, free[out])
                    if (start - now) * rate > int(queue):
                        continue
                    now = free[out] = start + len(packet) / rate
                n += 1
                heapq.heappush(late, (now + delay, n, out, packet))


def main():
    try:
        globals()["cmd_" + sys.argv[1].replace("-", "_")](*sys.argv[2:])
    except (Wrong, OSError) as e:
        print("%s: %s" % (sys.argv[1], e), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
