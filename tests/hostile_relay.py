#!/usr/bin/env python3
"""A relay that lies (PROTOCOL.md 10), with real servers and clients at it.

    hostile_relay.py [CASE...]      all cases, or those whose names begin so

It drops, swaps, replays, reflects, delays, changes bytes, pairs the wrong
rooms, sends every status and every kind of nonsense.  In each case visitors
come through the tunnel while it misbehaves, and then while it does not.
Whatever it does: no wrong byte comes out at either end, half of something
never looks whole, nothing is delivered twice, nobody crashes, spins or keeps
descriptors, and everything works again as soon as the relay behaves.

Two servers, in rooms a and b, know the same token; a client that listens is
for room a.  Groups of cases run side by side, each with programs of its own.
Prints a line for each case, and `N of M cases`.
"""
import asyncio, collections, os, random, shlex, signal, socket, struct
import subprocess, sys, time
from peer import SLOW, pattern

ADIT = shlex.split(os.environ.get("WRAP", "")) + [os.environ["ADIT"]]
TOKEN = os.environ["STRONG"]
T = os.environ.get("T", ".")
JOBS = int(os.environ.get("HOSTILE_JOBS", "3"))
# Cases last so many times as long as they say.
TIME = float(os.environ.get("HOSTILE_TIME", "1"))
# A whole transfer, or the way back to one, takes no longer.
LIMIT = 20 * SLOW
MAGIC = b"\xad\x17\x01"
WAIT, DIAL, ACCEPT = 3, 4, 5
M_WAITING, M_REFUSED, M_CALL, M_GRANT, M_PING, M_PONG, M_BYE = range(2, 9)
JOINED, NO_TICKET = b"\x30", b"\x35"
CLIENT = struct.pack(">BB", 1, 1) + bytes(10) + b"\xff\xff\x7f\1\2\3\x30\x39"
LINK, STREAM = 1, 2
RNG = random.Random(int(os.environ.get("SEED", "4711")))


class Bad(Exception):
    """What must never happen has."""


def log(*what):
    if os.environ.get("HOSTILE_LOG"):
        print("%.3f" % time.monotonic(), *what, file=sys.stderr)


def size_of(seed):
    """How many bytes belong to this seed: the ends need not agree on it."""
    return 20 + seed % 60000


def reset(writer):
    try:
        s = writer.get_extra_info("socket")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    except OSError:
        pass
    writer.close()


# Both ends ------------------------------------------------------------

class Ends:
    """A service that echoes what belongs to a seed, and visitors who bring
    that; both look at every byte."""

    def __init__(self):
        self.wrong, self.seen = [], collections.Counter()
        self.seed = RNG.randrange(1 << 40)

    async def serve(self, reader, writer):
        data = seed = None
        try:
            data = await reader.readexactly(16)
            seed, = struct.unpack(">Q", data[:8])
            self.seen[seed] += 1
            if self.seen[seed] > 1:
                self.wrong.append("data came twice")
            while True:
                if data != pattern(seed, 0, 60020)[:len(data)] or \
                        len(data) > size_of(seed):
                    self.wrong.append("wrong bytes at the service")
                    break
                more = await reader.read(65536)
                if not more:
                    break
                data += more
            if len(data) != size_of(seed):
                self.wrong.append("half of a stream looks whole at the "
                                  "service: %d of %d" % (len(data),
                                                         size_of(seed)))
            writer.write(data)
            writer.write_eof()
            await writer.drain()
        except asyncio.IncompleteReadError as e:
            self.wrong.append("an end after %d bytes" % len(e.partial))
        except OSError:
            pass
        finally:
            writer.close()

    async def visit(self, entry, limit):
        """One stream.  True: all came back; false: it was reset."""
        self.seed += 1
        seed, n = self.seed, size_of(self.seed)
        got, writer = b"", None
        try:
            async with asyncio.timeout(limit):
                reader, writer = await asyncio.open_connection(*entry)
                writer.write(pattern(seed, 0, n))
                writer.write_eof()
                while True:
                    more = await reader.read(65536)
                    if not more:
                        break
                    got += more
        except OSError:         # TimeoutError, too
            if got != pattern(seed, 0, n)[:len(got)]:
                self.wrong.append("wrong bytes at the visitor")
            return False
        finally:
            if writer is not None:
                reset(writer)
        if got != pattern(seed, 0, n):
            self.wrong.append("%s at the visitor: %d of %d" % (
                "half looks whole" if pattern(seed, 0, n).startswith(got)
                else "wrong bytes", len(got), n))
        return True


# The relay -------------------------------------------------------------

class Room:
    def __init__(self, name, writer):
        self.name, self.writer = name, writer
        self.parked = []                # (reader, writer)

    def say(self, kind, body=b""):
        self.writer.write(struct.pack(">HB", 1 + len(body), kind) + body)


class Relay:
    """An honest one, whose steps ask the case what to do instead."""

    def __init__(self):
        self.id = RNG.randbytes(16)
        self.rooms, self.tickets = {}, {}
        self.case = Case()
        self.last = {}                  # case's own memory
        self.tasks = set()
        self.open = set()

    async def listen(self):
        self.server = await asyncio.start_server(self.on, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def on(self, reader, writer):
        self.open.add(writer)
        keep = False
        try:
            await self.case.step(self, "accept", writer)
            head = await reader.readexactly(4)
            if head[:3] != MAGIC:
                raise Bad("first bytes " + head.hex())
            await self.case.step(self, "head", writer)
            if head[3] == WAIT:
                await self.wait(reader, writer)
            elif head[3] == DIAL:
                await self.dial(reader, writer)
            elif head[3] == ACCEPT:
                keep = await self.accept(reader, writer)
        except (OSError, EOFError, Over):
            pass
        finally:
            if not keep:
                self.open.discard(writer)
                writer.close()

    # Control connections
    async def message(self, reader):
        n, = struct.unpack(">H", await reader.readexactly(2))
        body = await reader.readexactly(n)
        return body[0], body[1:]

    def grant(self, room, kind=M_GRANT, waiter=None):
        ticket = RNG.randbytes(16)
        self.tickets[ticket] = (room, waiter)
        room.say(kind, ticket)

    async def beats(self, room):
        while True:
            await asyncio.sleep(5)
            room.say(M_PING, b"beat")
            for _, writer in room.parked:
                writer.write(b"\0")

    async def wait(self, reader, writer):
        _, body = await self.message(reader)
        name = body[20:].decode()
        room = Room(name, writer)
        await self.case.step(self, "wait", writer)
        if await self.case.waits(self, room):
            return
        self.rooms[name] = room
        room.say(M_WAITING, self.id + bytes(3) + bytes(18))
        beats = asyncio.ensure_future(self.beats(room))
        try:
            await self.case.step(self, "waiting", writer)
            for _ in range(2):
                self.grant(room)
            await self.case.step(self, "grant", writer)
            while True:
                kind, body = await self.message(reader)
                if kind == M_PING:
                    room.say(M_PONG, body)
                elif kind == M_BYE:
                    return
        finally:
            beats.cancel()
            if self.rooms.get(name) is room:
                del self.rooms[name]
            for _, w in room.parked:
                w.close()

    async def accept(self, reader, writer):
        ticket = await reader.readexactly(16)
        room, waiter = self.tickets.pop(ticket, (None, None))
        if room is None:
            writer.write(NO_TICKET)
            await writer.drain()
            await self.case.stranger(self, reader, writer)
            return False
        if waiter is not None and not waiter.done():
            waiter.set_result((reader, writer))
        else:
            room.parked.append((reader, writer))
        return True

    async def fetch(self, name):
        """A connection of the server there."""
        room = self.rooms.get(name)
        if room is None:
            raise Over
        while room.parked:
            got = room.parked.pop(0)
            self.grant(room)
            if not got[0].at_eof():
                return got
        waiter = asyncio.get_running_loop().create_future()
        self.grant(room, M_CALL, waiter)
        async with asyncio.timeout(10):
            return await waiter

    async def go(self, name, first, go=CLIENT):
        sr, sw = await self.fetch(name)
        sw.write(go + first)
        await self.case.step(self, "go", sw)
        async with asyncio.timeout(5):
            while True:
                byte = await sr.readexactly(1)
                if byte == b"\1":
                    return sr, sw
                if byte != b"\0":
                    raise Over

    async def dial(self, reader, writer):
        n = (await reader.readexactly(1))[0]
        name = (await reader.readexactly(n)).decode()
        head = await reader.readexactly(4)
        kind = head[3]
        await self.case.step(self, "dial", writer, kind)
        first = head + await reader.read(4092)
        name = self.case.room(name)
        if await self.case.dials(self, reader, writer, name, kind, first):
            return
        if name not in self.rooms:
            writer.write(b"\x31")
            await writer.drain()
            writer.write_eof()
            return
        sr, sw = await self.go(name, self.case.first(self, kind, first))
        self.open.add(sw)
        try:
            await self.case.step(self, "taken", writer, kind)
            writer.write(JOINED)
            await self.case.step(self, "joined", writer, kind)
            await self.case.pair(self, kind, (reader, writer), (sr, sw))
        finally:
            sw.close()
            self.open.discard(sw)

    async def pair(self, client, server, up=None, down=None):
        await asyncio.gather(self.copy(client[0], server[1], up),
                             self.copy(server[0], client[1], down))

    async def copy(self, reader, writer, change):
        try:
            while True:
                data = await reader.read(65536)
                if change is not None:
                    data = await change(data, writer)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            reset(writer)
            raise

    def cut(self):
        """Reset all that is there: a new start."""
        for writer in list(self.open):
            reset(writer)


class Over(Exception):
    """This connection is."""


# Cases -----------------------------------------------------------------

class Case:
    """The honest relay, and what others change of it."""
    seconds = 2.0           # of misbehaviour
    link = False            # a new link is wanted while it lasts
    crowd = 4               # visitors at a time
    fresh = False           # the servers are cut off before
    cpu = 1.5               # seconds of processor time a process may need
    quiet = None            # what must not work meanwhile
    hits = 0                # how often it has done what it is for

    def begin(self, group):
        pass

    async def step(self, relay, where, writer, kind=None):
        pass

    async def waits(self, relay, room):
        return False

    async def dials(self, relay, reader, writer, name, kind, first):
        return False

    async def stranger(self, relay, reader, writer):
        pass

    def room(self, name):
        return name

    def first(self, relay, kind, first):
        return first

    async def pair(self, relay, kind, client, server):
        await relay.pair(client, server)

    async def meanwhile(self, group):
        """Beside the visitors."""


class Drop(Case):
    def __init__(self, where, how, link=False):
        self.where, self.how = where, how
        self.link = link or where in ("accept", "head")
        self.fresh = where in ("accept", "head", "wait", "waiting", "grant")
        self.seconds = 1.5

    async def step(self, relay, where, writer, kind=None):
        if where == self.where and (self.hits == 0 or RNG.random() < 0.8):
            self.hits += 1
            if self.how == "reset":
                reset(writer)
            raise Over


class Cut(Case):
    """Pairs end in the middle, on one side or both, by FIN or RST."""
    link = True

    def __init__(self, how):
        self.how = how

    async def pair(self, relay, kind, client, server):
        left = RNG.randrange(2000) if RNG.random() < 0.5 else \
            RNG.randrange(100000)

        async def change(data, writer):
            nonlocal left
            data = data[:left]
            left -= len(data)
            if left == 0:
                self.hits += 1
                if data:
                    writer.write(data)
                    await writer.drain()
                if self.how == "reset":
                    for _, w in client, server:
                        reset(w)
                    raise Over
                return b""
            return data
        await relay.pair(client, server, change, change)


class Change(Case):
    """Bytes are flipped, put in, or left out."""
    link = True
    seconds = 4.0

    def __init__(self, how, early):
        self.how, self.early = how, early

    def some(self, data):
        self.hits += 1
        i = RNG.randrange(len(data))
        if self.how == "flip":
            return data[:i] + bytes([data[i] ^ 1 << RNG.randrange(8)]) + \
                data[i + 1:]
        if self.how == "insert":
            return data[:i] + RNG.randbytes(1 + RNG.randrange(40)) + data[i:]
        if self.how == "delete":
            return data[:i] + data[i + 1 + RNG.randrange(40):]
        return data[:i] + data[i:] + data[i:]          # repeat

    def first(self, relay, kind, first):
        return self.some(first) if self.early and RNG.random() < 0.8 \
            else first

    async def pair(self, relay, kind, client, server):
        async def change(data, writer):
            if data and not self.early and RNG.random() < 0.3:
                data = self.some(data) or b"\0"
            return data
        await relay.pair(client, server, change, change)


class Delay(Case):
    link = True
    seconds = 3.0

    async def step(self, relay, where, writer, kind=None):
        await asyncio.sleep(RNG.random() * 0.3)

    async def pair(self, relay, kind, client, server):
        async def copy(reader, writer):
            while True:
                data = await reader.read(4096)
                self.hits += 1
                await asyncio.sleep(RNG.random() * 0.02)
                if not data:
                    break
                cut = RNG.randrange(len(data) + 1)
                for part in data[:cut], data[cut:]:
                    if part:
                        writer.write(part)
                        await writer.drain()
                        await asyncio.sleep(0.001)
            writer.write_eof()
        await asyncio.gather(copy(client[0], server[1]),
                             copy(server[0], client[1]))


class Swap(Case):
    """Two who have dialled get each other's servers."""
    seconds = 3.0

    def begin(self, group):
        self.other = None

    async def pair(self, relay, kind, client, server):
        if kind != STREAM:
            await relay.pair(client, server)
            return
        mine = client, server, asyncio.get_running_loop().create_future()
        if self.other is None:
            self.other = mine
            async with asyncio.timeout(3):
                await mine[2]
            return
        theirs, self.other = self.other, None
        self.hits += 1
        try:
            await asyncio.gather(relay.pair(client, theirs[1]),
                                 relay.pair(theirs[0], server))
        finally:
            if not theirs[2].done():
                theirs[2].set_result(None)


class Cross(Case):
    """Two connections of the server get what a client says first; one of
    them is heard, and the other one is told the rest."""
    link = True
    seconds = 3.0

    def first(self, relay, kind, first):
        self.said = first
        return first

    async def pair(self, relay, kind, client, server):
        other = await relay.go("a", self.said)
        self.hits += 1
        try:
            await relay.pair(client, server) if RNG.random() < 0.2 else \
                await asyncio.gather(relay.copy(client[0], server[1], None),
                                     relay.copy(other[0], client[1], None))
        finally:
            other[1].close()


class Rooms(Case):
    """Who dials room a gets the server in room b, which knows the token."""
    link = True
    seconds = 3.0
    quiet = "a link into another room"

    def begin(self, group):
        group.relay.cut()           # links into room a are not streams' own

    def room(self, name):
        self.hits += 1
        return "b" if name == "a" else name


class Reflect(Case):
    link = True

    async def pair(self, relay, kind, client, server):
        self.hits += 1
        await asyncio.gather(relay.copy(client[0], client[1], None),
                             relay.copy(server[0], server[1], None))


class ReflectFirst(Case):
    """The client is given its own first flight as the answer."""
    link = True

    async def dials(self, relay, reader, writer, name, kind, first):
        self.hits += 1
        writer.write(JOINED + first)
        await relay.copy(reader, writer, None)
        return True


class Replay(Case):
    """What a client sent first, and all of it, comes to the server again."""
    link = True
    seconds = 3.0
    cpu = 4.0

    def begin(self, group):
        self.taken = []

    async def pair(self, relay, kind, client, server):
        said = []

        async def up(data, writer):
            said.append(data)
            return data
        await relay.pair(client, server, up)
        self.taken.append(b"".join(said))

    def first(self, relay, kind, first):
        self.taken.append(first)
        return first

    async def meanwhile(self, group):
        async def one():
            try:
                async with asyncio.timeout(3):
                    sr, sw = await group.relay.go(
                        "a", RNG.choice(self.taken))
                    self.hits += 1
                    sw.write(RNG.choice(self.taken))
                    await sw.drain()
                    if RNG.random() < 0.5:
                        sw.write_eof()
                    await sr.read(100)
                    sw.close()
            except (OSError, EOFError, Over):
                pass
        end, tasks = time.monotonic() + self.seconds, set()
        while time.monotonic() < end:
            await asyncio.sleep(0.05)
            if self.taken and len(tasks) < 20:
                task = asyncio.ensure_future(one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks)


class Go(Case):
    """Go twice, too long, of other things, from odd addresses."""
    seconds = 3.0

    async def dials(self, relay, reader, writer, name, kind, first):
        sr, sw = await relay.fetch(name)
        what = RNG.randrange(6)
        self.hits += 1
        addr = RNG.choice([bytes(18), b"\xff" * 18, RNG.randbytes(18),
                           bytes(10) + b"\xff\xff" + bytes(6),
                           b"\xfe\x80" + RNG.randbytes(16)])
        go = b"\1" + bytes([RNG.choice([0, 1, 1, 1, 2, 3, 4, 255])]) + addr
        if what == 0:
            sw.write(go + go + first)
        elif what == 1:
            sw.write(go[:RNG.randrange(20)])
            await sw.drain()
            await asyncio.sleep(0.3)
        elif what == 2:
            sw.write(bytes([2 + RNG.randrange(254)]) + go[1:] + first)
        elif what == 3:
            sw.write(bytes(RNG.randrange(3)) + go + first)
        elif what == 4:
            sw.write(go)
            sw.write_eof()
        else:
            sw.write(go + first)
        try:
            writer.write(JOINED)
            await relay.pair((reader, writer), (sr, sw))
        finally:
            sw.close()
        return True


class Status(Case):
    """Every status in turn, alone or with more."""
    seconds = 4.0
    crowd = 30
    cpu = 3.0

    def __init__(self, links):
        self.link = self.links = links

    def begin(self, group):
        self.next = 0

    async def dials(self, relay, reader, writer, name, kind, first):
        if kind == LINK and not self.links:
            return False
        self.next = self.hits = self.next + 1
        byte = self.next % 256
        writer.write(bytes([byte]) * RNG.choice([1, 1, 2, 5000]))
        await writer.drain()
        if RNG.random() < 0.5:
            writer.write_eof()
        await asyncio.sleep(0.1)
        return True


class NoAnswer(Case):
    """To WAIT, or to DIAL; for a while."""
    seconds = 3.0
    fresh = link = True

    async def waits(self, relay, room):
        self.hits += 1
        await asyncio.sleep(self.seconds)
        return True

    async def dials(self, relay, reader, writer, name, kind, first):
        await asyncio.sleep(self.seconds)
        return True


class Answers(Case):
    """WAIT is answered with nonsense."""
    seconds = 3.0
    fresh = True

    async def waits(self, relay, room):
        self.hits += 1
        waiting = bytes([M_WAITING]) + relay.id + bytes(21)
        say = RNG.choice([
            b"\0\0", b"\xff\xff" + bytes(65535), b"\1\x41" + bytes(321),
            b"\0\1\0", b"\0\1\xff", b"\0\1\2", b"\0\x10" + waiting[:16],
            b"\0\x27" + waiting + b"\0", b"\0\x26" + waiting[:-18] + b"\x99",
            b"\0\2\3\1" * 2, b"\0\2\3\0", b"\0\2\3\x09",
            b"\0\x0c\3\1" + b"\x1b[2J\x07\r\nok", b"\0\5\3\2a\0b",
            b"\0\x11\4" + bytes(16) + b"\0\2\x08\5", b"\0\1\1",
            RNG.randbytes(400), b"HTTP/1.1 200 OK\r\n\r\n",
            b"\0\5\6abcd" * 1000])
        room.writer.write(say)
        await room.writer.drain()
        await asyncio.sleep(0.05)
        return True


class Messages(Case):
    """The same on a control connection that is up."""
    seconds = 3.0
    fresh = True

    async def step(self, relay, where, writer, kind=None):
        if where != "grant":
            return
        await asyncio.sleep(0.2)
        self.hits += 1
        writer.write(RNG.choice([
            b"\0\0", b"\xff\xff", b"\1\x41" + bytes(321), b"\0\1\x09",
            b"\0\2\4\0", b"\0\x12\5" + bytes(17), b"\0\5\x07abcd" * 500,
            b"\0\2\x08\5", b"\0\1\x08", b"\0\x12" + bytes([M_GRANT]),
            RNG.randbytes(1000)]))
        if RNG.random() < 0.5:
            await writer.drain()
            writer.write_eof()


class Tickets(Case):
    """Thousands of tickets that are none, CALL and GRANT."""
    seconds = 3.0
    cpu = 6.0

    def __init__(self, hold):
        self.hold = hold

    async def stranger(self, relay, reader, writer):
        self.hits += 1
        if self.hold:
            await asyncio.sleep(4)

    async def meanwhile(self, group):
        for i in range(5000):
            room = group.relay.rooms.get("a")
            if room is None:
                await asyncio.sleep(0.01)
                continue
            room.say(M_CALL if i % 2 else M_GRANT, RNG.randbytes(16))
            if i % 100 == 0:
                await asyncio.sleep(0.02)


class Parked(Case):
    """What is parked is fed with zeros, or other bytes, or ended."""
    seconds = 3.0
    cpu = 3.0

    def __init__(self, what):
        self.what = what

    async def meanwhile(self, group):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            await asyncio.sleep(0.01)
            room = group.relay.rooms.get("a")
            for reader, writer in list(room.parked) if room else []:
                self.hits += 1
                if self.what == "zeros":
                    writer.write(bytes(4096))
                elif self.what == "bytes":
                    writer.write(RNG.randbytes(1))
                else:
                    writer.close()
                if reader.at_eof() and (reader, writer) in room.parked:
                    room.parked.remove((reader, writer))
                    group.relay.grant(room)


class Pings(Case):
    """PING without end."""
    seconds = 2.0
    cpu = 4.0

    async def meanwhile(self, group):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            room = group.relay.rooms.get("a")
            if room is not None:
                self.hits += 1
                room.say(M_PING, b"ping" if RNG.random() < 0.5 else b"pong")
            await asyncio.sleep(0.0005)


def cases():
    for how in "end", "reset":
        for where in ("accept", "head", "wait", "waiting", "grant", "dial",
                      "go", "taken", "joined"):
            yield "drop-%s-%s" % (where, how), Drop(where, how,
                                                    where == "taken")
        yield "cut-%s" % how, Cut(how)
    for how in "flip", "insert", "delete", "repeat":
        yield "change-%s" % how, Change(how, False)
        yield "change-first-%s" % how, Change(how, True)
    yield "delay", Delay()
    yield "swap", Swap()
    yield "cross", Cross()
    yield "rooms", Rooms()
    yield "reflect", Reflect()
    yield "reflect-first", ReflectFirst()
    yield "replay", Replay()
    yield "go", Go()
    yield "status-streams", Status(False)
    yield "status-links", Status(True)
    yield "no-answer", NoAnswer()
    yield "answers", Answers()
    yield "messages", Messages()
    yield "tickets", Tickets(False)
    yield "tickets-held", Tickets(True)
    for what in "zeros", "bytes", "closed":
        yield "parked-%s" % what, Parked(what)
    yield "pings", Pings()


# Programs --------------------------------------------------------------

class Program:
    def __init__(self, name, *args):
        self.name = name
        self.err = os.path.join(T, name + ".err")
        with open(self.err, "wb") as err:
            self.proc = subprocess.Popen(
                ADIT + list(args), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err)

    def said(self, text):
        with open(self.err, errors="replace") as f:
            return f.read().count(text)

    def cpu(self):
        with open("/proc/%d/stat" % self.proc.pid) as f:
            field = f.read().rsplit(")", 1)[1].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.proc.pid))

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.proc.pid))

    def alive(self):
        if self.proc.poll() is not None:
            raise Bad("%s has ended: %d" % (self.name, self.proc.returncode))

    async def stop(self):
        self.alive()
        self.proc.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT):
            while self.proc.poll() is None:
                await asyncio.sleep(0.05)
        if self.proc.returncode != 0:
            raise Bad("%s exited %d at a stop" % (self.name,
                                                  self.proc.returncode))


async def until(what, limit, fn):
    end = time.monotonic() + limit
    while not fn():
        if time.monotonic() > end:
            raise Bad("waited in vain for " + what)
        await asyncio.sleep(0.05)


class Group:
    """A relay, two servers, a client, and the cases they go through."""

    def __init__(self, number):
        self.number, self.ends, self.relay = number, Ends(), Relay()

    async def start(self):
        await self.relay.listen()
        service = await asyncio.start_server(self.ends.serve, "127.0.0.1", 0)
        to = "127.0.0.1:%d" % service.sockets[0].getsockname()[1]
        at = "127.0.0.1", str(self.relay.port), TOKEN
        n = self.number
        self.server, self.other = (
            Program("server-%s%d" % (room, n), "server", *at, "--room", room,
                    "--to", to, "-v") for room in "ab")
        self.client = Program("client%d" % n, "client", *at, "--room", "a",
                              "--listen", "127.0.0.1:0", "-v")
        self.programs = self.server, self.other, self.client
        await until("the link", LIMIT,
                    lambda: self.client.said("connected to"))
        with open(self.client.err) as f:
            line = [x for x in f if x.startswith("listening on ")][0]
        self.entry = "127.0.0.1", int(line.rsplit(":", 1)[1])
        await self.works()
        await asyncio.sleep(1)
        self.base = [p.fds() for p in self.programs]
        self.threads = [p.threads() for p in self.programs]

    async def works(self):
        end = time.monotonic() + 2 * LIMIT
        self.client.proc.send_signal(signal.SIGHUP)
        while not await self.ends.visit(self.entry, LIMIT):
            for p in self.programs:
                p.alive()
            if time.monotonic() > end:
                raise Bad("does not work again")
            self.client.proc.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.5)

    async def run(self, name, case):
        relay, ends, began = self.relay, self.ends, time.monotonic()
        ends.wrong.clear()
        linked = self.other.said(" linked")
        cpu = [p.cpu() for p in self.programs]
        case.begin(self)
        relay.case = case
        if case.fresh:
            relay.cut()
        beside = asyncio.ensure_future(case.meanwhile(self))
        good = bad = 0
        visits = set()
        while time.monotonic() < began + case.seconds or (
                case.hits == 0 and time.monotonic() < began + LIMIT):
            if case.link:
                self.client.proc.send_signal(signal.SIGHUP)
            for _ in range(case.crowd):
                visits.add(asyncio.ensure_future(
                    ends.visit(self.entry, case.seconds + LIMIT)))
            done, visits = await asyncio.wait(visits, timeout=0.3)
            for v in done:
                good, bad = good + v.result(), bad + (not v.result())
        await beside
        relay.case = Case()
        if case.hits == 0:
            raise Bad("nothing was tested")
        if case.quiet and self.other.said(" linked") > linked:
            raise Bad(case.quiet)
        # What it has done to streams that are open need not end by itself.
        relay.cut()
        for v in visits:
            good, bad = good + await v, bad + (not v.result())
        took = time.monotonic() - began
        await self.works()
        again = time.monotonic() - began - took
        for p, before in zip(self.programs, cpu):
            p.alive()
            used = p.cpu() - before
            if used > case.cpu * SLOW / 2 + took * 0.3:
                raise Bad("%s needed %.1f s of processor time in %.1f s" % (
                    p.name, used, took))
        if ends.wrong:
            raise Bad("; ".join(sorted(set(ends.wrong))))
        print("ok %s: %d times; %d streams whole, %d reset; works again after "
              "%.1f s" % (name, case.hits, good, bad, again), flush=True)

    async def stop(self):
        """All is given back, and a stop is orderly."""
        for p, base, threads in zip(self.programs, self.base, self.threads):
            # A connection more or less is parked, or on its way.
            await until("%s's descriptors, %d and not %d" % (
                p.name, base, p.fds()), LIMIT, lambda: p.fds() <= base + 2)
            await until("%s's threads, %d and not %d" % (
                p.name, threads, p.threads()), LIMIT,
                lambda: p.threads() <= threads + 2)
        for p in reversed(self.programs):
            await p.stop()


async def fresh_client(relay, ends, case, args, codes):
    """One that has never known a server: it must end, with such a code."""
    relay.case = case
    p = Program("fresh%d" % RNG.randrange(1 << 30), "client", "127.0.0.1",
                str(relay.port), TOKEN, "--room", "a", *args)
    try:
        async with asyncio.timeout(LIMIT):
            while p.proc.poll() is None:
                await asyncio.sleep(0.02)
    except TimeoutError:
        p.proc.kill()
        p.proc.wait()
        raise Bad("a client does not end")
    if p.proc.returncode not in codes:
        raise Bad("a client exits %d" % p.proc.returncode)


async def group_main(number, queue, failed):
    group = Group(number)
    group.relay.server = None
    name = "start"
    try:
        await group.start()
        while queue:
            name, case = queue.popleft()
            try:
                await group.run(name, case)
            except Bad as e:
                failed.append(name)
                print("not ok %s: %s" % (name, e), flush=True)
        name = "fresh-clients"
        if number == 0:
            for byte in 0, 0x20, 0x21, 0x22, 0x25, 0x31, 0x32, 0x33, 0x34, 255:
                class One(Status):
                    async def dials(self, relay, reader, writer, name, kind,
                                    first):
                        writer.write(bytes([byte]))
                        await writer.drain()
                        return True
                await fresh_client(group.relay, group.ends, One(True), [],
                                   (1, 3, 4))
            group.relay.case = Case()
            print("ok fresh-clients", flush=True)
            await group.works()
        name = "stop"
        await group.stop()
    except (Bad, OSError) as e:
        failed.append(name)
        print("not ok group %d, %s: %s" % (number, name, e or "too long"),
              flush=True)
        for p in getattr(group, "programs", ()):
            if p.proc.poll() is None:
                p.proc.kill()


async def main():
    chosen = [(n, c) for n, c in cases()
              if not sys.argv[1:] or n.startswith(tuple(sys.argv[1:]))]
    for _, case in chosen:
        case.seconds *= TIME
    queue, failed = collections.deque(chosen), []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    await asyncio.gather(*(group_main(i, queue, failed)
                           for i in range(min(JOBS, len(chosen)))))
    print("%d of %d cases" % (len(chosen) - len(
        [f for f in failed if f in dict(chosen)]), len(chosen)))
    os._exit(1 if failed else 0)


asyncio.run(main())
