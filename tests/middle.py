#!/usr/bin/env python3
"""The man in the middle: real programs talk through him, and he cuts, flips,
drops, repeats and swaps what he sees (PROTOCOL.md 10.2 to 10.4).

    middle.py cuts pipe|streams         every message is cut, at both ends of
                                        it and inside, by FIN and by RST
    middle.py tamper pipe|streams       bytes change, messages go, come twice,
                                        or in another order
    middle.py relay ADDR [WHAT WAY INDEX [AT]]
                                        stand before ADDR and do that to the
                                        first link, or nothing; stays

Whatever he does: no wrong byte comes out, half of something never looks whole,
nobody hangs, and nobody says that all went well if it did not.  Cases run side
by side; prints those that failed, and `N of M cases`.
"""
import itertools, os, shlex, signal, socket, struct, subprocess, sys, tempfile
import threading, time
from concurrent.futures import ThreadPoolExecutor
from peer import LIMIT, SLOW, Wrong, dial, is_reset, listen_at, parse, pattern
from peer import reset, say, spawn

ADIT = shlex.split(os.environ.get("WRAP", "")) + [os.environ["ADIT"]]
# In the mode relay he stands before it: there a server's address is a room.
RELAY = os.environ.get("RELAY")
# One that was generated: guesses are not counted, and what is damaged in a
# handshake looks like one.
TOKEN = os.environ["STRONG"]
JOBS = int(os.environ.get("MIDDLE_JOBS", "8"))
LINK, STREAM = 1, 2


class Over(Exception):
    """This connection has ended, or was ended."""


class Act:
    """What to do to message INDEX of a connection of this kind, one WAY: up is
    from the client.  Messages are hello, (confirmation,) records; or answer,
    records.  AT: a byte of it, from the end if negative."""

    def __init__(self, what, way, index, at=0, kind=LINK):
        self.what, self.way, self.index, self.at = what, way, index, at
        self.kind, self.done, self.taken = kind, False, False
        self.data = UP, DOWN

    def last(self, counts):
        """Twice or swapped, the last message is as good as before."""
        return self.what in ("repeat", "swap") and \
            self.index >= counts[self.way] - 1

    def __str__(self):
        return "%s %s %s %d at %d" % ("link" if self.kind == LINK else
                                      "stream", self.what, self.way,
                                      self.index, self.at)


def cut(s):
    """As reset(), where another thread may be waiting for s.

    Who waits in poll() holds the socket open, and once woken looks for it by
    number again.  Had the number been closed, and gone to another socket, that
    one would be waited for then, and no reset go out for all that time.  So it
    stays taken, by a file that lets everybody go on, as long as s lives.
    """
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.shutdown(socket.SHUT_RD)
    with open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), s.fileno(), inheritable=False)


class Pair:
    """One connection through the middle."""

    def __init__(self, middle, client):
        self.middle, self.act, self.dead = middle, None, False
        self.kind = None
        self.lock = threading.Lock()
        self.counts = {"up": 0, "down": 0}
        try:
            self.server = dial(middle.target)
        except OSError:
            reset(client)
            return
        self.client = client
        for s in client, self.server:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.settimeout(LIMIT * 3)
        # Whoever sees what becomes of it has to find it here.
        middle.pairs.append(self)
        spawn(self.relay, "up", client, self.server)
        spawn(self.relay, "down", self.server, client)

    def abort(self):
        with self.lock:
            if self.dead:
                return
            self.dead = True
        for s in self.client, self.server:
            try:
                cut(s)
            except OSError:
                pass

    def exactly(self, s, n, head=b""):
        data = head
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                if self.dead:
                    raise Over
                self.rest = data
                raise EOFError
            data += more
        return data

    def message(self, way, s, index):
        if way == "up" and index == 0:
            head, n = self.exactly(s, 4), 0
            if head == b"\xad\x17\x01\x04":
                # DIAL, for the relay; it counts as part of the hello.
                head = self.exactly(s, 5, head)
                n = 5 + head[4]
                head = self.exactly(s, n + 4, head)
            self.kind = head[n + 3] if head[n:n + 2] == b"\xad\x17" else 0
            self.act = self.middle.act_for(self.kind)
            return self.exactly(s, n + (70 if self.kind == LINK else 45), head)
        if way == "down" and index == 0:
            head = self.exactly(s, 1)
            n = int(head == b"\x30")            # the relay's: joined
            head = self.exactly(s, n + 1, head)
            if head[n:] != b"\x20":
                return head
            return self.exactly(s, n + (99 if self.kind == LINK else 17), head)
        if way == "up" and index == 1 and self.kind == LINK:
            return self.exactly(s, 32)
        head = self.exactly(s, 2)
        return self.exactly(s, 2 + int.from_bytes(head, "big"), head)

    def relay(self, way, src, dst):
        held = b""
        try:
            for index in itertools.count():
                try:
                    data = self.message(way, src, index)
                except EOFError:
                    # Nothing that was held back is lost by itself.
                    dst.sendall(held + self.rest)
                    dst.shutdown(socket.SHUT_WR)
                    return
                self.counts[way] = index + 1
                act = self.act
                if act and act.way == way and index == act.index:
                    act.done = True
                    if act.what == "swap":
                        held = data
                        continue
                    data = self.do(act, index, data, dst)
                dst.sendall(data + held)
                held = b""
        except Over:
            pass
        except (OSError, ValueError):
            self.abort()

    def do(self, act, index, data, dst):
        at = act.at if act.at >= 0 else len(data) + act.at
        if act.what == "flip":
            if not 0 <= at < len(data):
                raise Wrong("no byte %d" % act.at)
            # Of the suites, the better one: a downgrade, not nonsense.
            bit = 2 if index == 0 and act.way == "up" and at == 4 else 1
            return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]
        if act.what == "drop":
            return b""
        if act.what == "repeat":
            return data + data
        # The others cut, with so much of the message gone through.
        dst.sendall(data[:at])
        if act.what == "half":      # an end for one, the other goes on
            dst.shutdown(socket.SHUT_WR)
            raise Over
        if act.what == "fin":
            with self.lock:
                self.dead = True
            for s in self.client, self.server:
                s.shutdown(socket.SHUT_WR)
            spawn(self.drain, self.client)
            spawn(self.drain, self.server)
            raise Over
        # What was sent has to arrive before the reset takes it away.
        time.sleep(0.02)
        self.abort()
        raise Over

    def drain(self, s):
        """An end, not a reset: so all that comes has to be read."""
        try:
            while s.recv(1 << 16):
                pass
        except OSError:
            pass


class Middle:
    def __init__(self, target, act=None):
        self.target, self.act = target, act
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(100)
        self.port = str(self.listener.getsockname()[1])
        self.pairs = []
        spawn(self.serve)

    def serve(self):
        while True:
            try:
                s = self.listener.accept()[0]
            except OSError:
                return
            Pair(self, s)

    def act_for(self, kind):
        with self.lock:
            act = self.act
            if act is None or act.kind != kind or act.taken:
                return None
            act.taken = True
            return act

    def close(self):
        # Wakes accept(), too.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Adit:
    """A process, with files for what goes in and comes out."""
    all = []

    def __init__(self, where, name, args, data=b""):
        self.name, self.base = name, os.path.join(where, name)
        with open(self.base + ".in", "wb") as f:
            f.write(data)
        with open(self.base + ".in", "rb") as i, \
                open(self.base + ".out", "wb") as o, \
                open(self.base + ".err", "wb") as e:
            self.p = subprocess.Popen(ADIT + args, stdin=i, stdout=o, stderr=e)
        Adit.all.append(self.p)

    def read(self, what):
        with open(self.base + what, "rb") as f:
            return f.read()

    def err(self):
        return self.read(".err").decode(errors="replace")

    def line(self, start, limit=LIMIT):
        end = time.monotonic() + limit
        while True:
            for line in self.err().splitlines():
                if line.startswith(start):
                    return line[len(start):].strip()
            if time.monotonic() > end or self.p.poll() is not None:
                raise Wrong("%s: no '%s' in %r" % (self.name, start,
                                                   self.err()))
            time.sleep(0.01)

    def place(self):
        """Of a server: where to dial it, and what clients have to say."""
        if RELAY:
            room = self.line("waiting in room").split()[0]
            return RELAY, ["--room", room]
        return self.line("listening on"), []

    def exit(self, limit=LIMIT):
        try:
            code = self.p.wait(limit)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            raise Wrong("%s hangs: %r" % (self.name, self.err())) from None
        return code

    def stop(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGTERM)
        return self.exit()


# Pipes ---------------------------------------------------------------------

UP, DOWN = 20000, 5000
BULK = 3000000, 2000000


class Pipe:
    """Server and client, each with something to say, and what became of it."""

    def __init__(self, act, data=(UP, DOWN)):
        self.act = act
        data = act.data if act else data
        up, down = pattern(1, 0, data[0]), pattern(2, 0, data[1])
        with tempfile.TemporaryDirectory(dir=".") as where:
            server = Adit(where, "server", ["server", "127.0.0.1", "0", TOKEN],
                          down)
            client = None
            try:
                at, more = server.place()
                middle = Middle(at, act)
                client = Adit(where, "client", ["client", "127.0.0.1",
                                                middle.port, TOKEN] + more, up)
                self.c = client.exit()
                self.accepted = " accepted" in server.err()
                # A stranger who fails does not end it.
                self.s = server.exit() if self.accepted else server.stop()
                middle.close()
                self.counts = middle.pairs[0].counts
            finally:
                for x in server, client:
                    if x and x.p.poll() is None:
                        x.p.kill()
                        x.p.wait()
            self.s_err, self.c_err = server.err(), client.err()
            s_out, c_out = server.read(".out"), client.read(".out")
        if s_out != up[:len(s_out)] or c_out != down[:len(c_out)]:
            raise Wrong("other bytes came out than went in")
        self.s_whole, self.c_whole = s_out == up, c_out == down
        whole = self.s_whole and self.c_whole
        if self.c == 0 and not whole:
            raise Wrong("the client exits 0, and not all was delivered: %s"
                        % self)
        if self.s == 0 and self.accepted and not whole:
            raise Wrong("the server exits 0, and not all was delivered: %s"
                        % self)
        if self.c not in (0, 1, 3, 4) or self.s not in (0, 4):
            raise Wrong("strange exit codes: %s" % self)
        if self.accepted and self.c not in (0, 4):
            raise Wrong("a broken pipe exits 4: %s" % self)
        if self.c != 0 and len(self.c_err.splitlines()) < 1:
            raise Wrong("the client failed without a word: %s" % self)

    def __str__(self):
        return "client %d (%s), server %d (%s) %r %r" % (
            self.c, "whole" if self.c_whole else "cut", self.s,
            "whole" if self.s_whole else "cut", self.c_err, self.s_err)


def bulk(*whats):
    for what in whats:
        for way in "up", "down":
            for index in 25, 100:
                act = Act(what, way, index, 1000)
                act.data = BULK
                yield act


def pipe_cuts():
    """No cut: both exit 0; how many messages there are.  Then every one."""
    p = Pipe(None)
    if p.c or p.s:
        raise Wrong("undisturbed: %s" % p)
    for way in "up", "down":
        # How many there are may differ a little: reads may be shorter.
        for index in range(p.counts[way]):
            for what in "fin", "rst":
                for at in (0, 1, -1) if index > 1 else (0, 1, 10, -1):
                    yield Act(what, way, index, at)
            yield Act("half", way, index, 0)
    yield from bulk("fin", "rst", "half")


def pipe_cut(act):
    p = Pipe(act)
    # All had gone through, or somebody has noticed.
    if act.done and act.at != 0 and p.c == 0 and p.s == 0:
        raise Wrong("cut inside a message, and nobody noticed: %s" % p)
    return p


def pipe_tampers():
    p = Pipe(None)
    if p.c or p.s:
        raise Wrong("undisturbed: %s" % p)
    # What makes a hello none is met with silence for ten seconds: they come
    # first, and wait beside each other.
    for way, places in (("up", (0, 3, 5, 37, 38, 69, 2, 4)),
                        ("down", (0, 1, 2, 3, 34, 66, 67, 98))):
        for at in places:
            yield Act("flip", way, 0, at)
        for at in 0, 15, 31:
            yield Act("flip", "up", 1, at)
        for index in range(2 if way == "up" else 1, p.counts[way]):
            for at in 1, 2, 3, -1:
                yield Act("flip", way, index, at)
            for what in "drop", "repeat", "swap":
                yield Act(what, way, index)
    yield Act("flip", "up", 3, 0)
    yield from bulk("flip", "drop", "repeat", "swap")


def pipe_tamper(act):
    p = Pipe(act)
    if act.done and p.c == 0 and p.s == 0 and not act.last(p.counts):
        raise Wrong("nobody noticed: %s" % p)
    if act.done and act.index == 0 and p.accepted:
        raise Wrong("a handshake was changed, and came about: %s" % p)
    return p


# Streams -------------------------------------------------------------------

class Streams:
    """A server with a service and a client with a listener, for many streams;
    each visitor is served by the service's next connection."""

    def __init__(self):
        self.where = tempfile.TemporaryDirectory(dir=".")
        self.service = socket.socket()
        self.service.bind(("127.0.0.1", 0))
        self.service.listen(100)
        self.service.settimeout(0.05)
        to = "127.0.0.1:%d" % self.service.getsockname()[1]
        self.server = Adit(self.where.name, "server", [
            "server", "127.0.0.1", "0", TOKEN, "--to", to])
        at, more = self.server.place()
        self.middle = Middle(at)
        self.client = Adit(self.where.name, "client", [
            "client", "127.0.0.1", self.middle.port, TOKEN, "--listen",
            "127.0.0.1:0"] + more)
        self.entry = self.client.line("listening on")
        self.client.line("connected to")
        time.sleep(0.1)
        self.fds = [(x, len(os.listdir("/proc/%d/fd" % x.p.pid)))
                    for x in (self.server, self.client)]

    def settle(self):
        end = time.monotonic() + LIMIT
        more = 2 if RELAY else 0        # parked in its room, by now
        while any(len(os.listdir("/proc/%d/fd" % x.p.pid)) > n + more
                  for x, n in self.fds):
            if time.monotonic() > end:
                raise Wrong("descriptors leak: %s%s" % (self.server.err(),
                                                        self.client.err()))
            time.sleep(0.01)

    def close(self):
        # The waiting side last: there is nothing to dial any more.
        codes = self.client.stop(), self.server.stop()
        self.middle.close()
        self.service.close()
        err = self.server.err() + self.client.err()
        self.where.cleanup()
        if codes != (0, 0):
            raise Wrong("client and server exited %s: %s" % (codes, err))


class End:
    """One end of a stream: writes and reads at once, and sees how it ends."""

    def __init__(self, s, mine, theirs, n):
        self.s, self.got, self.end, self.finned = s, 0, "", False
        self.failed = False
        s.settimeout(LIMIT)
        t = spawn(self.write, mine, n)
        try:
            self.end = self.read(theirs)
        except ConnectionResetError:
            self.end = "reset"
        except TimeoutError:
            self.end = "nothing"
        t.join()
        # A reset is told to one system call only, perhaps to our writer, and
        # then looks like an end to the reader.
        if self.end == "end" and (self.failed or is_reset(s)):
            self.end = "reset"
        s.close()

    def read(self, seed):
        while data := self.s.recv(1 << 16):
            if data != pattern(seed, self.got, len(data)):
                return "other bytes than were sent near %d" % self.got
            self.got += len(data)
        return "end"

    def write(self, seed, n):
        try:
            self.s.sendall(pattern(seed, 0, n))
            self.s.shutdown(socket.SHUT_WR)
        except OSError:
            self.failed = True

    def __str__(self):
        return "%s after %d" % (self.end, self.got)


class Stream:
    """One visitor, and what the service sees of it: more than one connection
    if the first came to nothing, and then only one with data."""

    def __init__(self, streams, act, data=(UP, DOWN)):
        self.act, middle = act, streams.middle
        with middle.lock:
            middle.act = act
        seen = len(middle.pairs)
        over, services = threading.Event(), []

        def serve():
            threads = []
            while True:
                try:
                    s = streams.service.accept()[0]
                except TimeoutError:
                    if over.is_set():
                        break
                    continue
                threads.append(spawn(lambda s=s: services.append(
                    End(s, 2, 1, data[1]))))
            for t in threads:
                t.join()

        t = spawn(serve)
        began = time.monotonic()
        self.visitor = End(dial(streams.entry), 1, 2, data[0])
        self.took = time.monotonic() - began
        # What is late shall not be taken for the next one's.
        streams.settle()
        over.set()
        t.join()
        self.services = services
        pairs = [p for p in middle.pairs[seen:] if p.kind == STREAM]
        if not pairs:
            raise Wrong("no connection for it: %s\n%s" % (
                self, streams.client.err()[-500:]))
        self.counts = pairs[-1].counts
        for x, n in [(self.visitor, data[1])] + [(s, data[0])
                                                 for s in services]:
            if x.end == "end" and x.got != n or x.end not in ("end", "reset"):
                raise Wrong("%s of %d bytes: %s" % (x, n, self))
        if sum(s.got > 0 for s in services) > 1:
            raise Wrong("the same bytes came to the service twice: %s" % self)
        if act and act.done and act.what not in ("fin", "rst", "half") and \
                {x.end for x in [self.visitor] + services} == {"end"} and \
                len(middle.pairs) == seen + 1 and \
                not act.last(self.counts):
            raise Wrong("nobody noticed: %s" % self)

    def __str__(self):
        return "visitor %s, service %s, %.1f s" % (
            self.visitor, ", ".join(map(str, self.services)), self.took)


def stream_cuts(streams):
    p = Stream(streams, None)
    if p.visitor.end != "end" or [x.end for x in p.services] != ["end"]:
        raise Wrong("undisturbed: %s" % p)
    for way in "up", "down":
        for index in range(p.counts[way]):
            for what in "fin", "rst":
                for at in 0, 1, -1:
                    yield Act(what, way, index, at, STREAM)
            yield Act("half", way, index, 0, STREAM)


def stream_tampers(streams):
    p = Stream(streams, None)
    for way in "up", "down":
        # From a hello's role on; from an answer's randomness on.
        hello = (4, 5, 20, 21, 28, 29, 44) if way == "up" else (1, 8, 16)
        for at in hello:
            yield Act("flip", way, 0, at, STREAM)
        for index in range(1, p.counts[way]):
            for at in 1, 2, 3, -1:
                yield Act("flip", way, index, at, STREAM)
            for what in "drop", "repeat", "swap":
                yield Act(what, way, index, 0, STREAM)


# Running -------------------------------------------------------------------

def each(acts, run, jobs):
    def one(act):
        try:
            run(act)
            return act.done
        except (Wrong, OSError) as e:
            say("not ok %s: %s" % (act, e))
            return None
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(one, acts))
    good = sum(r is not None for r in results)
    # Some of the last messages may not have come this time.
    missed = sum(r is False for r in results)
    if missed > len(results) // 5:
        say("not ok: %d of %d had nothing done to them"
            % (missed, len(results)))
        good -= missed
    say("%d of %d cases" % (good, len(results)))
    return good == len(results)


def thin(acts):
    """In slow builds every so manieth will do."""
    step = int(os.environ.get("MIDDLE_STEP", "1"))
    return [a for i, a in enumerate(acts) if i % step == 0]


def main():
    sys.dont_write_bytecode = True
    command = sys.argv[1]
    # However this ends, nothing stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if command == "relay":
        act = None
        if len(sys.argv) > 3:
            act = Act(sys.argv[3], sys.argv[4], int(sys.argv[5]),
                      int((sys.argv[6:] or ["0"])[0]))
        middle = Middle(sys.argv[2], act)
        say("listening on 127.0.0.1:" + middle.port)
        signal.pause()
    elif sys.argv[2] == "pipe":
        acts, run = {"cuts": (pipe_cuts, pipe_cut),
                     "tamper": (pipe_tampers, pipe_tamper)}[command]
        ok = each(thin(acts()), run, JOBS)
    else:
        some = [Streams() for _ in range(4)]
        free = list(some)

        def run(act):
            streams = free.pop()
            try:
                Stream(streams, act)
            finally:
                free.append(streams)

        acts = {"cuts": stream_cuts, "tamper": stream_tampers}[command]
        ok = each(thin(acts(some[0])), run, len(some))
        for streams in some:
            # After all that: as if nothing had happened.
            Stream(streams, None)
            streams.close()
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    try:
        main()
    except (Wrong, OSError) as e:
        sys.exit("middle.py: %s" % e)
    finally:
        for p in Adit.all:
            if p.poll() is None:
                p.kill()
                p.wait()
