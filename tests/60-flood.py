#!/usr/bin/env python3
"""Strangers by the thousand, for scenario 60.  They do not know the token, but
they know the protocol.

    60-flood.py flood ADDR TOTAL SECONDS PID SOURCE...
        TOTAL connections, evenly over SECONDS, from these sources in turn, of
        all KINDS in turn; most keep the server waiting for as long as it
        waits.  Prints what they got, and the most memory and threads that
        process PID had meanwhile.
    60-flood.py guess ADDR SECONDS EACH SOURCE...
        guess for so long as fast as the server lets us, EACH at once from each
        source; prints how many guesses were answered.
"""
import os, re, resource, selectors, socket, struct, sys, time

# The generator of P-256: a point as good as any.
G = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
HEAD = bytes.fromhex("ad17010101")
M1 = HEAD + G
WRONG_M3 = bytes(32)
M2_LEN, GO_ON = 99, 0x20
OPEN_MAX = 1500                 # of ours; beyond, the oldest goes

# What they say at once, and what they do when they have m2.
KINDS = [
    (M1, "stay"), (b"\x00" * 200, "stay"), (M1, "guess"), (M1[:40], "stay"),
    (b"", "stay"), (M1, "stay"), (M1, "reset"), (None, "reset"),
    (os.urandom(300), "stay"), (HEAD + G[:-1] + b"\0", "stay"),
    (M1, "stay"), (b"\x00\x06sesame", "stay"), (M1[:1], "reset"),
    (M1, "stay"), (b"GET / HTTP/1.0\r\n\r\n", "stay"), (M1 + WRONG_M3, "stay"),
]


class Stranger:
    def __init__(self, crowd, source, says, then):
        self.crowd, self.says, self.then = crowd, says, then
        self.got, self.source = b"", source
        self.s = socket.socket()
        self.s.setblocking(False)
        self.s.bind((source, 0))
        self.s.connect_ex(crowd.addr)
        crowd.all[self] = True
        crowd.sel.register(self.s, selectors.EVENT_WRITE, self)

    def over(self, reset=False):
        if reset:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
        self.crowd.sel.unregister(self.s)
        self.s.close()
        del self.crowd.all[self]

    def ready(self, events):
        try:
            if events & selectors.EVENT_WRITE:
                err = self.s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if err != 0:
                    raise OSError(err, "not connected")
                self.crowd.count["connected"] += 1
                if self.says is None:
                    return self.over(True)
                self.s.send(self.says)
                self.crowd.sel.modify(self.s, selectors.EVENT_READ, self)
                return
            data = self.s.recv(4096)
        except OSError:
            self.crowd.count["reset"] += 1
            return self.over()
        if not data:
            return self.over()
        whole = len(self.got) >= M2_LEN
        self.got += data
        if self.got[0] != GO_ON:
            self.crowd.count["refused"] += 1
            return self.over()
        if not whole and len(self.got) >= M2_LEN:
            self.crowd.answered(self)


class Crowd:
    def __init__(self, addr):
        host, _, port = addr.rpartition(":")
        self.addr = host, int(port)
        self.sel = selectors.DefaultSelector()
        self.all = {}           # in the order they came
        self.count = dict.fromkeys(
            ["connected", "answers", "refused", "reset"], 0)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.max = min(OPEN_MAX, hard - 50)

    def answered(self, who):
        self.count["answers"] += 1
        if who.then == "reset":
            who.over(True)
        elif who.then == "guess":
            who.s.send(WRONG_M3)

    def turn(self, seconds):
        for key, events in self.sel.select(max(0, seconds)):
            key.data.ready(events)

    def leave(self):
        for who in list(self.all):
            who.over()


def watched(pid):
    with open("/proc/%s/status" % pid) as f:
        text = f.read()
    return [int(re.search(name + r":\s+(\d+)", text)[1])
            for name in ("VmRSS", "Threads")]


def flood(addr, total, seconds, pid, *sources):
    crowd, total, seconds = Crowd(addr), int(total), float(seconds)
    begin, made, peak, look = time.monotonic(), 0, [0, 0], 0
    while made < total:
        now = time.monotonic()
        due = min(total, int((now - begin) / seconds * total) + 1)
        # A few at a time, so that those who are there get their turn.
        for _ in range(min(due - made, 50)):
            says, then = KINDS[made // len(sources) % len(KINDS)]
            Stranger(crowd, sources[made % len(sources)], says, then)
            made += 1
            if len(crowd.all) > crowd.max:
                next(iter(crowd.all)).over()
        if now >= look:
            peak = [max(p) for p in zip(peak, watched(pid))]
            look = now + 0.05
        crowd.turn(begin + made / total * seconds - time.monotonic())
    took = time.monotonic() - begin
    crowd.leave()
    print("made=%d %s rss=%d threads=%d ms=%d" % (
        made, " ".join("%s=%d" % c for c in crowd.count.items()), *peak,
        took * 1000), flush=True)


def guess(addr, seconds, each, *sources):
    crowd, each = Crowd(addr), int(each)
    begin = time.monotonic()
    end = begin + float(seconds)
    while time.monotonic() < end:
        # Whoever is through, or has to wait no longer, comes again.
        there = dict.fromkeys(sources, 0)
        for who in crowd.all:
            there[who.source] += 1
        for source, n in there.items():
            for _ in range(n, each):
                Stranger(crowd, source, M1, "guess")
        crowd.turn(0.05)
    took = time.monotonic() - begin
    crowd.leave()
    print("answers=%d refused=%d ms=%d" % (
        crowd.count["answers"], crowd.count["refused"], took * 1000),
        flush=True)


{"flood": flood, "guess": guess}[sys.argv[1]](*sys.argv[2:])
