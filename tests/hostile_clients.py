#!/usr/bin/env python3
"""Strangers at a real relay, and what a good pair notices of them.

    hostile_clients.py RELAY ENTRY PID ROOM

RELAY is its address, PID its process; behind ENTRY there is a client in ROOM,
and an echo service behind its server.  One attack after the other is made from
127.0.1.1 on, while another process opens streams at ENTRY, one after the
other, and says how long each took from connect() to its first byte.

A check: in the same run, with the same load beside us, the median during an
attack is at most 3 times that of the calm time before it, and 10 ms for the
attack's own processor time; the 90th percentile 3 times the calm one, and
40 ms.  Who misses that is tried again, twice.  Percentiles above that belong to
the machine: they are printed.
"""
import asyncio, os, random, resource, socket, struct, subprocess, sys, time
from peer import SLOW, parse, pattern

MAGIC = b"\xad\x17\x01"
RNG = random.Random(4711)
TOTAL = int(os.environ.get("TOTAL", "10000"))
AT_ONCE = int(os.environ.get("AT_ONCE", "1500"))
PER_SOURCE = int(os.environ.get("PER_SOURCE", "16"))
ENOUGH = 20             # streams, at the least, to judge by
SECONDS = float(os.environ.get("SECONDS", "4"))
GROW = int(os.environ.get("GROW", "65536"))             # KB
POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
HELLO = MAGIC + b"\1\3" + POINT


def say(text):
    print(text, flush=True)


def measure(entry):
    """Streams, one every 20 ms; a line each: when, and how long in ms."""
    seed = 0
    while True:
        began = time.monotonic()
        seed += 1
        data = pattern(seed, 0, 100)
        try:
            with socket.create_connection(parse(entry), 20 * SLOW) as s:
                s.settimeout(20 * SLOW)
                s.sendall(data)
                got = s.recv(1)
                took = (time.monotonic() - began) * 1000
                s.shutdown(socket.SHUT_WR)
                while True:
                    more = s.recv(1000)
                    if not more:
                        break
                    got += more
            if got != data:
                took = -2
        except OSError:
            took = -1
        say("%.4f %.3f" % (began, took))
        time.sleep(0.02)


class Attackers:
    def __init__(self, relay, pid, room, samples):
        self.relay, self.pid, self.room = parse(relay), pid, room.encode()
        self.samples, self.failed, self.peak = samples, 0, 0
        self.source = 0

    # What is seen
    def fail(self, text):
        self.failed += 1
        say("not ok: " + text)

    def number(self, field):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1])

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def cut(self, since):
        """The samples since then, sorted; and how many failed."""
        all_ = [ms for at, ms in list(self.samples) if at >= since]
        return sorted(ms for ms in all_ if ms >= 0), \
            [ms for ms in all_ if ms < 0]

    @staticmethod
    def at(sorted_, part):
        return sorted_[min(len(sorted_) - 1, int(len(sorted_) * part))]

    # Means
    async def connect(self, source=None):
        """From one of eight addresses in turn."""
        if source is None:
            self.source = self.source % 8 + 1
            source = self.source
        async with asyncio.timeout(10 * SLOW):
            return await asyncio.open_connection(
                *self.relay, local_addr=("127.0.1.%d" % source, 0))

    async def answer(self, say_, source=None, n=1, limit=None):
        """Say it, and read up to n bytes or the end."""
        try:
            reader, writer = await self.connect(source)
        except OSError:
            return None
        try:
            writer.write(say_)
            async with asyncio.timeout(limit or 15 * SLOW):
                return await reader.read(n)
        except TimeoutError:
            return None
        except OSError:
            return b""
        finally:
            writer.close()

    async def crowd(self, one, at_once, rate, seconds=SECONDS, total=None):
        """one() again and again, so many at once and so many a second."""
        began, count, tasks = time.monotonic(), 0, set()
        while (count < total if total else
               time.monotonic() < began + seconds):
            while len(tasks) < at_once and \
                    count < (time.monotonic() - began) * rate and \
                    count != total:
                task = asyncio.ensure_future(one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                count += 1
            await asyncio.sleep(0.01)
        while tasks:
            await asyncio.wait(list(tasks))
        return count

    @staticmethod
    def dial(room, data):
        return MAGIC + b"\4" + bytes([len(room)]) + room + data

    @staticmethod
    def wait(room, parked=2):
        body = b"\1" + RNG.randbytes(16) + bytes([parked, 0, 0, 0]) + room
        return MAGIC + b"\3" + struct.pack(">H", len(body)) + body

    # Attacks: each returns a sentence about what came of it
    async def enumerate(self):
        wrong = []

        async def one():
            room = b"%04d" % RNG.randrange(10000)
            status = await self.answer(self.dial(room, b"x"))
            if status != b"\x31":
                wrong.append(status)
        n = await self.crowd(one, 200, 1500)
        # On a slow machine some had to go from the gate.
        if set(wrong) - {None, b""} or len(wrong) > n // 2:
            self.fail("%d of %d rooms that are not there: %r" % (
                len(wrong), n, set(wrong)))
        return "%d rooms asked for" % n

    async def squat(self):
        """One source takes what it can, and the room of the good pair."""
        held, reasons = [], []
        for i in range(PER_SOURCE + 8):
            reader, writer = await self.connect(1)
            writer.write(self.wait(b"squat%d" % i, 8))
            got = await asyncio.wait_for(reader.read(4), 10 * SLOW)
            held.append((reader, writer))
            reasons.append(got[2:4] if got[2:3] == b"\3" else b"")
        if reasons.count(b"") != PER_SOURCE or \
                reasons.count(b"\3\2") != 8:
            self.fail("squatting: %r" % reasons)
        got = await self.answer(self.wait(b"another"), 2, 3)
        if got is None or got[2:3] != b"\2":
            self.fail("another source gets no room: %r" % got)
        for i in range(3):
            got = await self.answer(self.wait(self.room), 3 + i, 4)
            if got is None or got[2:4] != b"\3\1":
                self.fail("a live server's room: %r" % got)
        await asyncio.sleep(1)
        for _, writer in held:
            writer.close()
        return "%d rooms for one source" % reasons.count(b"")

    async def half_open(self):
        async def one():
            await self.answer(RNG.choice([b"\xad", MAGIC, MAGIC + b"\4",
                                          MAGIC + b"\4\x08room",
                                          MAGIC + b"\3\0", MAGIC + b"\5abc",
                                          self.dial(self.room, b""), b""]),
                              limit=3)
        return "%d half hellos, %d at once" % (
            await self.crowd(one, AT_ONCE, 2000, total=TOTAL), AT_ONCE)

    async def drip(self):
        """A byte a minute is one byte: it must be shut out in 10 s."""
        late = []

        async def one():
            began = time.monotonic()
            got = await self.answer(MAGIC[:1], limit=13 * SLOW)
            if got is None:
                late.append(time.monotonic() - began)
        n = await self.crowd(one, 400, 1000, total=400)
        if late:
            self.fail("%d of %d are still there" % (len(late), n))
        return "%d that say a byte a minute" % n

    async def dial_flood(self):
        async def one():
            await self.answer(self.dial(self.room, RNG.choice(
                [b"", b"x", HELLO, HELLO[:5], bytes(4000),
                 b"\0\6sesame", b"GET / HTTP/1.0\r\n\r\n"])), n=200, limit=1)
        return "%d dials of the good room" % await self.crowd(one, 60, 300)

    async def dial_gone(self):
        """Dial, say something, and go at once."""
        async def one():
            try:
                _, writer = await self.connect()
                s = writer.get_extra_info("socket")
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
                writer.write(self.dial(self.room, HELLO))
                await asyncio.sleep(0.001)
                writer.close()
            except OSError:
                pass
        return "%d dials and resets" % await self.crowd(one, 40, 200)

    async def accept(self):
        wrong = []

        async def one():
            got = await self.answer(MAGIC + b"\5" + RNG.randbytes(16))
            if got != b"\x35":
                wrong.append(got)
        n = await self.crowd(one, 200, 1000)
        if set(wrong) - {None, b""} or len(wrong) > n // 2:
            self.fail("%d of %d tickets: %r" % (len(wrong), n, set(wrong)))
        return "%d tickets" % n

    async def http(self):
        async def one():
            await self.answer(RNG.choice([
                b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /healthz HTTP/1.0\r\n\r\n", b"GET /" + b"a" * 9000,
                b"GET / HTTP/1.1\r\nA:" + RNG.randbytes(200) + b"\r\n\r\n",
                b"XX" + RNG.randbytes(500), b"GET\r\n\r\n",
                b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n",
                b"GET /metrics HTTP/1.1\r\n"]), n=9000, limit=2)
        return "%d requests" % await self.crowd(one, 300, 500)

    async def slow_http(self):
        late = []

        async def one():
            try:
                reader, writer = await self.connect()
            except OSError:
                return
            began = time.monotonic()
            end = asyncio.ensure_future(reader.read(100))
            try:
                writer.write(b"GET /metrics HTTP/1.1\r\n")
                while not end.done() and \
                        time.monotonic() < began + 13 * SLOW:
                    writer.write(b"X")
                    await asyncio.wait([end], timeout=0.5)
            except OSError:
                pass
            if not end.done():
                late.append(1)
            end.cancel()
            writer.close()
        n = await self.crowd(one, 300, 1000, total=300)
        if late:
            self.fail("%d slow heads are still there" % len(late))
        return "%d slow heads" % n

    async def slow(self):
        return " and ".join(await asyncio.gather(self.drip(),
                                                 self.slow_http()))

    async def deaf(self):
        """Rooms whose servers never read, nor answer; and dials there, each
        of which waits for one."""
        held = []
        for i in range(PER_SOURCE):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            s.bind(("127.0.1.9", 0))
            s.setblocking(False)
            await asyncio.get_running_loop().sock_connect(s, self.relay)
            s.send(self.wait(b"deaf%d" % i, 8))
            held.append(s)

        async def one():
            await self.answer(self.dial(b"deaf%d" % RNG.randrange(PER_SOURCE),
                                        b"x"), limit=12)

        async def other():
            await self.answer(self.wait(b"deaf%d" % RNG.randrange(PER_SOURCE)),
                              limit=12, n=4)
        n = await self.crowd(one, 400, 400)
        n += await self.crowd(other, 200, 200, 1)
        for s in held:
            s.close()
        return "%d that wait for deaf servers" % n

    async def status(self):
        """Asked, and the answer's end is never answered."""
        async def one():
            try:
                reader, writer = await self.connect()
                writer.write(MAGIC + b"\7")
                await reader.read(1)
                await asyncio.sleep(3)
                writer.close()
            except OSError:
                pass
        return "%d who stay after their answer" % await self.crowd(
            one, AT_ONCE, 500)

    async def enough(self, since, job=None):
        """Streams to judge by, of this time."""
        end = time.monotonic() + 30 * SLOW
        while time.monotonic() < end and (
                len(self.cut(since)[0]) < ENOUGH or
                time.monotonic() < since + 1.5):
            await (job() if job else asyncio.sleep(0.1))
        return self.cut(since)

    async def run(self, name):
        """An attack.  Who is judged too slow may have been slowed by others:
        that counts when it comes three times in a row."""
        for left in 2, 1, 0:
            # What the one before has left is over.
            await self.calm(name)
            calm, lost = await self.enough(time.monotonic())
            if len(calm) < ENOUGH or lost:
                self.fail("%s: not calm before: %d good, %d not" % (
                    name, len(calm), len(lost)))
                return
            since = time.monotonic()
            watch = asyncio.ensure_future(self.watch())
            what = await getattr(self, name)()
            during, lost = await self.enough(since, getattr(self, name)) \
                if len(self.cut(since)[0]) < ENOUGH else self.cut(since)
            watch.cancel()
            if lost or len(during) < ENOUGH:
                self.fail("%s: %d streams of the good pair, %d lost" % (
                    name, len(during), len(lost)))
                return
            line = "%s: %s; setup calm %.1f %.1f %.1f, now %.1f %.1f %.1f " \
                "ms (p50 p90 p99), %d KB more" % (
                    (name, what) + tuple(self.at(x, p) for x in (calm, during)
                                         for p in (.5, .9, .99)) +
                    (self.peak - self.rss,))
            if self.peak - self.rss > GROW:
                self.fail(line)
                return
            if all(self.at(during, part) <= 3 * self.at(calm, part) +
                   more * SLOW / 2 for part, more in ((.5, 10), (.9, 40))):
                say("ok " + line)
                return
            if left == 0:
                self.fail(line)
            else:
                say("again: " + line)

    async def watch(self):
        self.peak = self.rss
        while True:
            self.peak = max(self.peak, self.number("VmRSS"))
            await asyncio.sleep(0.05)

    async def metrics(self):
        text = (await self.answer(b"GET /metrics HTTP/1.0\r\n\r\n", 8,
                                  1 << 16) or b"").decode()
        return dict(line.rsplit(" ", 1) for line in text.split("\n")
                    if line and line[0] != "#" and " " in line)

    def busy(self):
        return self.fds() > self.base_fds + 8 or \
            self.number("Threads") > self.threads + 8

    async def calm(self, name):
        """Given back, but for the good pair's streams that come and go."""
        end = time.monotonic() + 25 * SLOW
        while self.busy():
            if time.monotonic() > end:
                self.fail("before %s: %d descriptors and %d threads, not %d "
                          "and %d" % (name, self.fds(),
                                      self.number("Threads"), self.base_fds,
                                      self.threads))
                return
            await asyncio.sleep(0.1)

    async def main(self):
        await asyncio.sleep(2)
        self.base_fds, self.threads = self.fds(), self.number("Threads")
        self.rss = self.peak = self.number("VmRSS")
        for name in sys.argv[5:] or (
                "enumerate", "squat", "half_open", "slow", "dial_flood",
                "dial_gone", "accept", "http", "deaf", "status"):
            await self.run(name)
        await self.calm("the end")
        # The dead are found out by silence.
        end = time.monotonic() + 20 * SLOW
        while (await self.metrics()).get("adit_relay_rooms") != "1":
            if time.monotonic() > end:
                self.fail("rooms: %s" % (await self.metrics()).get(
                    "adit_relay_rooms"))
                break
            await asyncio.sleep(0.2)
        say("%d KB more in the end" % (self.number("VmRSS") - self.rss))


def main():
    if sys.argv[1] == "measure":
        measure(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    relay, entry, pid, room = sys.argv[1:5]
    probe = subprocess.Popen([sys.executable, "-B", "-S", sys.argv[0],
                              "measure", entry], stdout=subprocess.PIPE)
    samples = []

    async def go():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)

        def read():
            for line in probe.stdout:
                samples.append(tuple(map(float, line.split())))
        import threading
        threading.Thread(target=read, daemon=True).start()
        a = Attackers(relay, int(pid), room, samples)
        await a.main()
        return a.failed
    try:
        failed = asyncio.run(go())
    finally:
        probe.kill()
        probe.wait()
    os._exit(1 if failed else 0)


main()
