#!/usr/bin/env python3
"""Churn at a relay, with kills of every part.

    soak.py PORT SECONDS [SEED]

Starts a relay at that port of 127.0.0.1, and so that it is known what belongs
to whom, all else: five rooms have a real server, with a service that echoes,
and a real client that listens; the others, up to 200, have servers and clients
that are written here, speak PROTOCOL.md 10 and echo as well.  All the time
clients come, transfer what belongs to a number, look at each byte of the
answer, or go in the middle; servers leave, in order or not, and come back;
one part or another is killed: a server, a client, the relay.

In the end nobody is killed any more, all must be well for everybody, and then
all who are written here leave: the relay has five rooms, and as many
descriptors and threads as before; the real ones, too.
"""
import asyncio, collections, hashlib, os, random, resource, shlex, signal
import struct, subprocess, sys, time
from peer import SLOW, pattern

ADIT = shlex.split(os.environ.get("WRAP", "")) + [os.environ["ADIT"]]
TOKEN = os.environ["STRONG"]
T = os.environ.get("T", ".")
MAGIC = b"\xad\x17\x01"
REAL, ROOMS = 5, int(os.environ.get("SOAK_ROOMS", "200"))
LIMIT = 20 * SLOW
PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
RNG = random.Random(int(sys.argv[3]) if sys.argv[3:] else 4711)
AT = "127.0.0.1"
count = collections.Counter()
wrong = []
over = False


def size_of(seed):
    return 20 + seed * 7919 % (300000 if seed % 20 == 0 else 20000)


def bad(text):
    wrong.append(text)
    print("not ok: " + text, flush=True)


async def echo(reader, writer):
    """Of a service, and of servers that are written here."""
    try:
        while True:
            data = await reader.read(65536)
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        # A close before the other end would be a reset.
        await asyncio.wait_for(reader.read(1), 5)
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


def abort(writer):
    writer.transport.abort()


async def transfer(reader, writer, seed):
    """Send what belongs to seed, look at what comes back.  True: all of it;
    false: it broke off, and what had come was right."""
    n = size_of(seed)
    data, digest, got = pattern(seed, 0, n), hashlib.sha256(), 0

    async def send():
        for i in range(0, n, 32768):
            writer.write(data[i:i + 32768])
            await writer.drain()
        writer.write_eof()
    sender = asyncio.ensure_future(send())
    try:
        while True:
            more = await reader.read(65536)
            if not more:
                break
            if data[got:got + len(more)] != more:
                bad("wrong bytes in %d at %d" % (seed, got))
                return False
            digest.update(more)
            got += len(more)
        if got != n:
            # An end of a server that was killed: nothing is sealed here.
            return False
        if digest.digest() != hashlib.sha256(data).digest():
            bad("another hash of %d" % seed)
        await sender
        count["bytes"] += n
        return True
    except OSError:
        return False
    finally:
        sender.cancel()
        abort(writer)


# Servers and clients that are written here -----------------------------

class Server:
    def __init__(self, room):
        self.room, self.tasks = room, set()
        self.control = None

    def spawn(self, job):
        task = asyncio.ensure_future(job)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def accept(self, ticket):
        writer = None
        try:
            reader, writer = await asyncio.open_connection(AT, PORT)
            writer.write(MAGIC + b"\5" + ticket)
            while True:
                byte = await reader.readexactly(1)
                if byte != b"\0":
                    break
                writer.write(b"\0")
            if byte == b"\1":
                go = await reader.readexactly(19)
                if go[0] != 1:
                    bad("go says %r" % go)
                writer.write(b"\1")
                await echo(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            if writer is not None:
                abort(writer)

    async def wait(self):
        try:
            reader, writer = await asyncio.open_connection(AT, PORT)
        except OSError:
            return
        body = b"\1" + os.urandom(16) + bytes([RNG.randrange(4), 0, 0, 0]) + \
            self.room
        try:
            self.control = writer
            writer.write(MAGIC + b"\3" + struct.pack(">H", len(body)) + body)
            while True:
                n, = struct.unpack(">H", await reader.readexactly(2))
                m = await reader.readexactly(n)
                if m[0] == 2:
                    count["rooms"] += 1
                elif m[0] == 3:
                    count["refused for reason %d" % m[1]] += 1
                    return
                elif m[0] in (4, 5):
                    self.spawn(self.accept(m[1:]))
                elif m[0] == 6:
                    writer.write(struct.pack(">HB", 5, 7) + m[1:])
                elif m[0] == 8:
                    return
        except (OSError, EOFError):
            pass
        finally:
            self.control = None
            abort(writer)

    async def run(self):
        """Come, stay a while, go, come again."""
        while not over:
            job = asyncio.ensure_future(self.wait())
            try:
                await asyncio.wait([job], timeout=RNG.expovariate(1 / 15))
                if self.control is not None and RNG.random() < 0.5:
                    self.control.write(b"\0\2\x08\6")     # BYE
                    await asyncio.wait([job], timeout=0.5)
            finally:
                job.cancel()
                await asyncio.wait([job])
            if RNG.random() < 0.3:
                self.leave()
            count["lives"] += 1
            await asyncio.sleep(RNG.random())

    def leave(self):
        for task in list(self.tasks):
            task.cancel()

    async def stay(self):
        """When all is calm: until told to go."""
        while True:
            await self.wait()
            await asyncio.sleep(0.2)


async def dial(room, seed, early):
    """One client: the status, and what became of the transfer."""
    reader, writer = await asyncio.open_connection(AT, PORT)
    writer.write(MAGIC + b"\4" + bytes([len(room)]) + room)
    data = pattern(seed, 0, size_of(seed))
    if early == 0:
        abort(writer)
        return None
    # What is said first is part of it.
    first = data[:early]
    writer.write(first)
    try:
        status = await reader.readexactly(1)
        if status != b"\x30":
            return status
        if seed % 5 == 0:
            await asyncio.sleep(RNG.random() * 0.1)
            return None
        got, sent = b"", early
        while sent < len(data):
            writer.write(data[sent:sent + 30000])
            sent += 30000
            # Both ways at once would need another task; the answers fit.
            await writer.drain()
            try:
                got += await asyncio.wait_for(reader.read(65536), 0.001)
            except TimeoutError:
                pass
        writer.write_eof()
        while True:
            more = await reader.read(65536)
            if not more:
                break
            got += more
        if not data.startswith(got):
            bad("wrong bytes in %d" % seed)
        if got == data:
            count["whole"] += 1
            count["bytes"] += len(got)
            return b"whole"
        return None
    finally:
        abort(writer)


async def client(rooms, seeds):
    while not over:
        room = RNG.choice(rooms)
        seed = next(seeds)
        early = RNG.choice([0, 1, 20, 20, 20])
        try:
            async with asyncio.timeout(LIMIT):
                status = await dial(room, seed, early)
            count["dials"] += 1
            if status is not None and status not in (b"\x31", b"\x33",
                                                     b"\x34", b"whole"):
                bad("status %r" % status)
        except TimeoutError:
            bad("a dial takes longer than %d s" % LIMIT)
        except (OSError, EOFError):
            count["broken"] += 1
        await asyncio.sleep(RNG.random() * 0.3)


# Programs --------------------------------------------------------------

class Program:
    def __init__(self, name, *args):
        self.name, self.args, self.proc = name, args, None
        self.base = None

    def start(self):
        self.err = os.path.join(T, self.name + ".err")
        with open(self.err, "wb") as err:
            self.proc = subprocess.Popen(
                ADIT + list(self.args), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err)

    def catches(self, number):
        """It does by now; or waits for it with all others blocked."""
        with open("/proc/%d/status" % self.proc.pid) as f:
            sets = dict(line.split(":", 1) for line in f)
        return any(int(sets[s], 16) >> number - 1 & 1
                   for s in ("SigCgt", "SigBlk"))

    def log(self):
        with open(self.err, errors="replace") as f:
            return f.read()

    def alive(self):
        if self.proc.poll() is not None:
            bad("%s has ended by itself: %d: %s" % (
                self.name, self.proc.returncode, self.log()[-300:]))
            return False
        return True

    async def kill(self):
        if not self.alive():
            return
        how = RNG.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        catches = self.catches(signal.SIGTERM)
        self.proc.send_signal(how)
        count["kills of " + self.name.rstrip("0123456789")] += 1
        await until("the end of " + self.name,
                    lambda: self.proc.poll() is not None)
        # Who does not catch signals yet is killed by them.
        if how == signal.SIGTERM and self.proc.returncode not in (0, 1) and \
                catches:
            bad("%s exited %d at SIGTERM" % (self.name,
                                             self.proc.returncode))
        await asyncio.sleep(RNG.random())
        self.start()

    def holds(self):
        return (len(os.listdir("/proc/%d/fd" % self.proc.pid)),
                len(os.listdir("/proc/%d/task" % self.proc.pid)))


async def until(what, fn, limit=None):
    end = time.monotonic() + (limit or LIMIT)
    while not fn():
        if time.monotonic() > end:
            bad("waited in vain for " + what)
            return False
        await asyncio.sleep(0.05)
    return True


async def visit(entry, seed):
    try:
        async with asyncio.timeout(LIMIT * 2):
            reader, writer = await asyncio.open_connection(*entry)
            if await transfer(reader, writer, seed):
                count["real streams"] += 1
                return True
            count["real resets"] += 1
    except TimeoutError:
        bad("a stream takes longer than %d s" % (2 * LIMIT))
    except OSError:
        await asyncio.sleep(0.2)
    return False


async def visitor(entry, seeds):
    while not over:
        await visit(entry, next(seeds))
        await asyncio.sleep(RNG.random() * 0.2)


async def killer(relay, programs):
    """A real server or client every second or two; the relay not as often."""
    at = time.monotonic() + SECONDS / 4
    while not over:
        await asyncio.sleep(RNG.random() * 2)
        if over:
            return
        if time.monotonic() > at:
            at = time.monotonic() + max(15, SECONDS / 10)
            await relay.kill()
        else:
            await RNG.choice(programs).kill()


async def metrics():
    reader, writer = await asyncio.open_connection(AT, PORT)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read(1 << 16)).decode()
    while True:
        more = await reader.read(1 << 16)
        if not more:
            break
        text += more.decode()
    writer.close()
    return dict(x.rsplit(" ", 1) for x in text.split("\n")
                if x and x[0] != "#" and " " in x)


async def works(entries, seeds):
    for entry in entries:
        end = time.monotonic() + 2 * LIMIT
        while not await visit(entry, next(seeds)):
            if time.monotonic() > end:
                bad("no stream through %s:%d any more" % entry)
                break
            await asyncio.sleep(0.2)


async def main():
    global over
    seeds = iter(range(1, 1 << 30))
    service = await asyncio.start_server(echo, AT, 0)
    to = "%s:%d" % (AT, service.sockets[0].getsockname()[1])
    at = AT, str(PORT)
    relay = Program("relay", "relay", *at)
    servers, clients, entries = [], [], []
    for i in range(REAL):
        place = *at, TOKEN, "--room", "real%d" % i
        servers.append(Program("server%d" % i, "server", *place, "--to", to))
        entries.append((AT, PORT + 1 + i))
        clients.append(Program("client%d" % i, "client", *place, "--listen",
                               "%s:%d" % entries[i]))
    programs = servers + clients
    relay.start()
    await until("the relay", lambda: "listening" in relay.log())
    for p in programs:
        p.start()
    await works(entries, seeds)

    # Churn.
    rooms = [b"soak%d" % i for i in range(ROOMS - REAL)]
    servers_here = [Server(r) for r in rooms]
    jobs = [s.run() for s in servers_here] + \
        [client(rooms + [b"real0"], seeds) for _ in range(60)] + \
        [visitor(e, seeds) for e in entries for _ in range(3)] + \
        [killer(relay, programs)]
    jobs = [asyncio.ensure_future(j) for j in jobs]
    await asyncio.sleep(SECONDS)
    over = True
    # Who waits for the end of a room's life is told now.
    _, left = await asyncio.wait(jobs[len(rooms):], timeout=2 * LIMIT)
    if left:
        bad("%d clients have not ended" % len(left))
    for job in jobs:
        job.cancel()
    await asyncio.wait(jobs)
    for job in jobs:
        if not job.cancelled() and job.exception() is not None:
            bad("%r" % job.exception())

    # All is well again, for all.
    await works(entries, seeds)
    calm = [Server(r) for r in rooms]
    stays = [asyncio.ensure_future(s.stay()) for s in calm]
    end = time.monotonic() + LIMIT + 15
    while (n := (await metrics())["adit_relay_rooms"]) != str(ROOMS):
        if time.monotonic() > end:
            bad("%s rooms, not %d" % (n, ROOMS))
            break
        await asyncio.sleep(0.2)
    for room in rooms:
        seed = next(seeds)
        seed += seed % 5 == 0
        try:
            async with asyncio.timeout(LIMIT):
                status = await dial(room, seed, 20)
        except (OSError, EOFError) as e:
            status = e
        if status != b"whole":
            bad("room %s in the end: %r" % (room.decode(), status))

    # And leave nothing.
    for job in stays:
        job.cancel()
    for s in servers_here + calm:
        s.leave()
    gone = time.monotonic() + LIMIT + 20
    while True:
        m = await metrics()
        if m["adit_relay_rooms"] == str(REAL) and \
                m["adit_relay_pairs"] == str(REAL):
            break
        if time.monotonic() > gone:
            bad("rooms %s, pairs %s, not %d each" % (
                m["adit_relay_rooms"], m["adit_relay_pairs"], REAL))
            break
        await asyncio.sleep(0.2)
    # A room: control, two parked, a link's pair; each has threads.  And what
    # every process has of its own.
    # TSan has a thread in each.
    one = os.environ.get("MODE") == "tsan"
    fds, threads = 12 + REAL * 5, 2 + REAL * 3 + one
    await until("the relay's descriptors (%d, %d) and threads" % (fds, threads),
                lambda: relay.holds() <= (fds, threads) and
                relay.holds()[1] <= threads, LIMIT + 20)
    for p, most, tasks in [(p, 18, 12 + one) for p in servers] + \
            [(p, 14, 6 + one) for p in clients]:
        await until("the descriptors and threads of " + p.name,
                    lambda p=p: p.holds()[0] <= most and
                    p.holds()[1] <= tasks, LIMIT + 20)
    print("# relay %s, servers %s, clients %s (descriptors, threads)" % (
        relay.holds(), servers[0].holds(), clients[0].holds()))
    for p in clients + servers + [relay]:
        if p.alive():
            p.proc.send_signal(signal.SIGTERM)
            await until("the end of " + p.name,
                        lambda p=p: p.proc.poll() is not None)
            if p.proc.returncode != 0:
                bad("%s exited %r" % (p.name, p.proc.returncode))
    for what, n in sorted(count.items()):
        print("# %d %s" % (n, what))
    for what in "whole", "real streams", "lives", "kills of relay", \
            "kills of server", "kills of client":
        if count[what] == 0:
            bad("nothing was tested: no " + what)
    print("%d faults" % len(wrong), flush=True)
    os._exit(1 if wrong else 0)


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
loop = asyncio.new_event_loop()
loop.set_exception_handler(lambda *_: None)
loop.run_until_complete(main())
