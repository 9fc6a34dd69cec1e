#!/usr/bin/env python3
"""flood.py ADDR TOTAL OPEN SOURCES KIND...: an unauthenticated flood.

TOTAL connections, OPEN at a time, from 127.0.1.1 on (SOURCES of them), of
these kinds in turn: silent; garbage; half (of a hello); point (a hello with a
point that is valid, then silence); guess (the same, and then a confirmation
that is wrong); bad (a point off the curve); stream (of no session).
TOTAL may be SECONDS s: as many as they come until then.  Prints what came
back: connections, for how long, and how often each first byte; and per source
on stderr.
"""
import collections, random, selectors, socket, sys, time
from peer import parse

# The generator of P-256: a point as good as any.
POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
HELLO = b"\xad\x17\x01\x01\x03" + POINT
LIFE = 3.0

SAYS = {
    "silent": b"",
    "garbage": b"GET / HTTP/1.1\r\nHost: flood\r\n\r\n" + bytes(100),
    "half": HELLO[:40],
    "point": HELLO,
    "guess": HELLO,
    "bad": HELLO[:-1] + b"\0",
    "stream": b"\xad\x17\x01\x02\x01" + bytes(40) + b"\0\x30" + bytes(48),
}


def main():
    addr, total, open_max, sources = sys.argv[1:5]
    kinds = sys.argv[5:]
    end = None
    if total.endswith("s"):
        end, total = time.monotonic() + float(total[:-1]), 1 << 30
    total, open_max, sources = int(total), int(open_max), int(sources)
    sel, count, failed = selectors.DefaultSelector(), 0, 0
    answers = collections.Counter()
    by_source = collections.Counter()
    living = collections.OrderedDict()      # socket: (born, kind, source)
    start = time.monotonic()
    rng = random.Random(4711)

    def begin():
        nonlocal count
        kind = kinds[count % len(kinds)]
        source = "127.0.1.%d" % (1 + rng.randrange(sources))
        count += 1
        s = socket.socket()
        s.setblocking(False)
        s.bind((source, 0))
        s.connect_ex(parse(addr))
        living[s] = [time.monotonic(), kind, source]
        sel.register(s, selectors.EVENT_WRITE)

    def close(s):
        sel.unregister(s)
        s.close()
        del living[s]

    while True:
        over = count >= total or (end and time.monotonic() > end)
        if over and (end or not living):
            break
        while not over and len(living) < open_max and count < total:
            begin()
        for key, events in sel.select(0.1):
            s = key.fileobj
            kind, source = living[s][1:3]
            try:
                if events & selectors.EVENT_WRITE:
                    s.send(SAYS[kind])
                    sel.modify(s, selectors.EVENT_READ)
                    continue
                data = s.recv(4096)
            except OSError:
                failed += 1
                close(s)
                continue
            if not data:
                close(s)
                continue
            if len(living[s]) == 3:
                living[s].append(True)
                answers[data[0]] += 1
                by_source[source, data[0]] += 1
                if kind == "guess":
                    try:
                        s.send(bytes(32))
                    except OSError:
                        close(s)
        # Nobody stays for ever; the next ones are as bad.
        now = time.monotonic()
        while living:
            s = next(iter(living))
            if now - living[s][0] < LIFE:
                break
            close(s)
    print("connections %d" % count)
    print("seconds %d" % (time.monotonic() - start))
    for byte, n in sorted(answers.items()):
        print("answer %02x %d" % (byte, n))
    for (source, byte), n in sorted(by_source.items()):
        print("%s %02x %d" % (source, byte, n), file=sys.stderr)


main()
