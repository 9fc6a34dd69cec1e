#!/usr/bin/env python3
"""The table of ends: {fin, rst, kill, pause} x the four endpoints x states.

    visitor -- client adit -- server adit -- service

fin at an adit is SIGTERM with time to drain, rst is SIGTERM without, kill is
SIGKILL, pause is SIGSTOP for a while.  Visitor and service are processes of
their own (`table.py agent`), so that killing and pausing them is real.

    table.py run [STATE [ACTION [ENDPOINT]]]    - stands for all
    table.py agent connect ADDR | agent listen
"""
import fcntl, os, select, shlex, signal, socket, subprocess, sys, termios
import threading, time
from concurrent.futures import ThreadPoolExecutor
from peer import LIMIT, SLOW, Wrong, dial, is_reset, listen_at, pattern, reset
from peer import say, spawn

STATES = "idle", "bulk", "halfv", "halfs"
ACTIONS = "fin", "rst", "kill", "pause"
ENDPOINTS = "visitor", "client", "server", "service"
PAUSE = 1.5


# The agent: one socket, told on stdin what to do, telling what it sees --------

class Agent:
    def __init__(self, s, mine, theirs):
        self.s, self.mine, self.theirs = s, mine, theirs
        self.got = self.sent = 0
        self.reading = threading.Event()
        self.reading.set()
        self.parked = self.flowing = self.finned = False
        self.writer = None
        s.settimeout(None)
        spawn(self.read)

    def read(self):
        try:
            while True:
                # Poll, so that `hold` takes effect before the next recv().
                while not select.select([self.s], [], [], 0.02)[0]:
                    pass
                if not self.reading.is_set():
                    self.parked = True
                    self.reading.wait()
                data = self.s.recv(1 << 16)
                if not data:
                    break
                if data != pattern(self.theirs, self.got, len(data)):
                    say("bad %d" % self.got)
                    return
                self.got += len(data)
            # A reset is told to one system call only, perhaps to our writer,
            # and then looks like an end to us.
            if is_reset(self.s) or not (self.finned or self.connected()):
                say("reset %d" % self.got)
                return
            say("end %d" % self.got)
            while not is_reset(self.s):
                time.sleep(0.02)
            say("reset %d" % self.got)
        except OSError:
            say("reset %d" % self.got)
        except ValueError:
            pass                # closed by ourselves

    def connected(self):
        try:
            return bool(self.s.getpeername())
        except OSError:
            return False

    def write(self, n):
        try:
            while n > 0 and (self.flowing or n < 1 << 40):
                data = pattern(self.mine, self.sent, min(n, 1 << 15))
                self.s.sendall(data)
                self.sent += len(data)
                n -= len(data)
        except OSError:
            say("reset writing %d" % self.sent)

    def do(self, word, arg=0):
        if word == "send":
            self.write(int(arg))
        elif word == "flow":
            self.flowing = True
            self.writer = spawn(self.write, 1 << 41)
        elif word == "stop":
            self.flowing = False
            self.writer.join()
        elif word == "fin":
            # Said first: after it the other side's end can come at any time.
            say("sent %d" % self.sent)
            self.finned = True
            self.s.shutdown(socket.SHUT_WR)
        elif word == "rst":
            reset(self.s)
            say("rst done")
        elif word == "close":
            self.s.close()
        elif word == "hold":
            self.reading.clear()
        elif word == "queued":
            # What the reader may just be about to take is not queued.
            n = fcntl.ioctl(self.s, termios.FIONREAD, b"    ")
            n = int.from_bytes(n, sys.byteorder)
            say("queued %d" % (n if self.parked else 0))
        elif word == "count":
            say("count %d" % self.got)


def agent(role, addr=None):
    if role == "connect":
        a = Agent(dial(addr), 1, 2)
    else:
        with listen_at() as listener:
            a = Agent(listener.accept()[0], 2, 1)
    say("up")
    for line in sys.stdin:
        try:
            a.do(*line.split())
        except OSError as e:
            say("failed %s: %s" % (line.strip(), e))


# The driver ------------------------------------------------------------------

class Proc:
    """A process whose lines are kept; each is looked at in order."""

    def __init__(self, name, argv, err=None):
        self.name, self.lines, self.cond = name, [], threading.Condition()
        self.p = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.over = False
        spawn(self.collect)

    def collect(self):
        for line in self.p.stdout:
            with self.cond:
                self.lines.append(line.rstrip("\n"))
                self.cond.notify_all()
        with self.cond:
            self.over = True
            self.cond.notify_all()

    def expect(self, start, since=0):
        """The rest of the first line that begins so."""
        end = time.monotonic() + LIMIT
        with self.cond:
            while True:
                for line in self.lines[since:]:
                    if line.startswith(start):
                        return line[len(start):].strip()
                left = end - time.monotonic()
                if left <= 0 or self.over:
                    raise Wrong("%s: no '%s' in %s"
                                % (self.name, start, self.lines))
                self.cond.wait(min(left, 0.2))

    def saw(self, start, since=0):
        with self.cond:
            return any(x.startswith(start) for x in self.lines[since:])

    def tell(self, text):
        self.p.stdin.write(text + "\n")

    def ask(self, word):
        mark = len(self.lines)
        self.tell(word)
        return int(self.expect(word if word != "count" else "count ", mark))

    def signal(self, sig):
        self.p.send_signal(sig)

    def exit(self, status, limit=15):
        try:
            got = self.p.wait(limit * SLOW)
        except subprocess.TimeoutExpired:
            raise Wrong("%s has not ended" % self.name) from None
        if got != status:
            raise Wrong("%s exited %d instead of %d: %s"
                        % (self.name, got, status, self.lines))

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.p.pid))


def wait_until(test, what):
    end = time.monotonic() + LIMIT
    while not test():
        if time.monotonic() > end:
            raise Wrong("waited in vain for " + what)
        time.sleep(0.02)


class Case:
    def __init__(self, state, action, where):
        self.state, self.action, self.where = state, action, where
        self.procs = []

    def add(self, name, argv):
        self.procs.append(Proc(name, argv))
        return self.procs[-1]

    def setup(self):
        me = [sys.executable, "-S", os.path.abspath(__file__), "agent"]
        adit = shlex.split(os.environ["WRAP"]) + [os.environ["ADIT"]]
        # rst at an adit is the end of a drain that has no time.
        drain = ["--drain", "0" if self.action == "rst" else "200"]
        self.w = self.add("service", me + ["listen"])
        service = self.w.expect("listening on")
        self.s = self.add("server", adit + [
            "server", "127.0.0.1", "0", "t", "--to", service] + drain)
        at = self.s.expect("waiting in room").split()[0] \
            if os.environ["MODE"] == "relay" else \
            self.s.expect("listening on").rpartition(":")[2]
        self.c = self.add("client", adit + [
            "client", "127.0.0.1", at, "t", "--listen", "127.0.0.1:0"] + drain)
        entry = self.c.expect("listening on")
        if os.environ["SEALED"] == "1":
            # One descriptor on each side is the link's.
            self.c.expect("connected to")
            wait_until(lambda: any(x.endswith(" linked")
                                   for x in self.s.lines), "the link")
        self.baseline = self.s.fds(), self.c.fds()
        self.v = self.add("visitor", me + ["connect", entry])
        self.v.expect("up")
        self.w.expect("up")
        self.v.tell("send 1000")
        self.w.tell("send 2000")
        wait_until(lambda: self.v.ask("count") == 2000, "the service's bytes")
        wait_until(lambda: self.w.ask("count") == 1000, "the visitor's bytes")
        if self.state == "bulk":
            self.v.tell("flow")
            self.w.tell("flow")
            for a in self.v, self.w:
                wait_until(lambda: a.ask("count") > 4 << 20, "bulk")
        elif self.state == "halfv":
            self.v.tell("fin")
            self.same_end(self.v, self.w)
        elif self.state == "halfs":
            self.w.tell("fin")
            self.same_end(self.w, self.v)

    def same_end(self, writer, reader):
        """The end has come, after exactly the bytes that were sent."""
        sent, got = writer.expect("sent"), reader.expect("end")
        if sent != got:
            raise Wrong("%s sent %s, %s got %s"
                        % (writer.name, sent, reader.name, got))

    def over(self, agent):
        """This agent has ended its direction already."""
        return agent.saw("sent")

    def clean(self, *agents):
        """These end their directions in order, and nothing was lost."""
        for a in agents:
            if not self.over(a):
                if self.state == "bulk":
                    a.tell("stop")
                a.tell("fin")
            self.same_end(a, self.v if a is self.w else self.w)

    def no_reset(self):
        for a in self.v, self.w:
            if a.saw("reset"):
                raise Wrong("%s saw a reset: %s" % (a.name, a.lines))

    def cut(self, agent, mark):
        """This agent sees a reset, and no clean end on the way."""
        agent.expect("reset", mark)
        if agent.saw("end", mark):
            raise Wrong("%s saw a clean end: %s" % (agent.name, agent.lines))

    def cut_on_writing(self, agent):
        """The other side is gone for good: to go on writing must fail."""
        agent.tell("flow")
        agent.expect("reset")

    # What happens, and what has to follow from it

    def fin_agent(self, x, y):
        if self.over(x):
            # Only close() is left; what comes after it is answered by RST.
            x.tell("close")
            if self.over(y):
                raise Wrong("nothing to test")
            self.cut_on_writing(y)
            return
        self.clean(x)
        self.clean(y)
        self.no_reset()

    def rst_agent(self, x, y):
        mark = len(y.lines)
        x.tell("rst")
        self.cut(y, mark)

    def kill_agent(self, x, y):
        mark = len(y.lines)
        if self.state == "bulk":
            # Unread bytes make the kernel send RST instead of FIN.
            x.tell("hold")
            wait_until(lambda: x.ask("queued") > 0, "unread bytes")
            x.signal(signal.SIGKILL)
            self.cut(y, mark)
        elif self.over(x):
            x.signal(signal.SIGKILL)
            self.cut_on_writing(y)
        else:
            x.signal(signal.SIGKILL)
            y.expect("end", mark)
            if self.over(y):
                time.sleep(0.2)
                self.no_reset()
            else:
                self.cut_on_writing(y)

    def pause_agent(self, x, y):
        x.signal(signal.SIGSTOP)
        if self.state != "bulk" and not self.over(y):
            y.tell("send %d" % (16 << 20))
        time.sleep(PAUSE)
        self.no_reset()
        x.signal(signal.SIGCONT)
        self.clean(x, y)
        self.no_reset()

    def fin_adit(self, x):
        x.signal(signal.SIGTERM)
        time.sleep(0.3)
        if x.p.poll() is not None:
            raise Wrong("%s did not drain: %s" % (x.name, x.lines))
        self.clean(self.v, self.w)
        self.no_reset()
        self.v.tell("close")
        self.w.tell("close")
        x.exit(0)

    def rst_adit(self, x):
        marks = len(self.v.lines), len(self.w.lines)
        x.signal(signal.SIGTERM)
        self.cut(self.v, marks[0])
        self.cut(self.w, marks[1])
        x.exit(1)

    def kill_adit(self, x):
        marks = len(self.v.lines), len(self.w.lines)
        x.signal(signal.SIGKILL)
        self.cut(self.v, marks[0])
        self.cut(self.w, marks[1])
        x.exit(-signal.SIGKILL)

    def pause_adit(self, x):
        x.signal(signal.SIGSTOP)
        if self.state == "idle":
            self.v.tell("send %d" % (4 << 20))
        time.sleep(PAUSE)
        self.no_reset()
        x.signal(signal.SIGCONT)
        self.clean(self.v, self.w)
        self.no_reset()

    def run(self):
        self.setup()
        x = {"visitor": self.v, "client": self.c,
             "server": self.s, "service": self.w}[self.where]
        if x in (self.v, self.w):
            y = self.w if x is self.v else self.v
            getattr(self, self.action + "_agent")(x, y)
        else:
            getattr(self, self.action + "_adit")(x)
        for a in self.v, self.w:
            if a.saw("bad"):
                raise Wrong("%s got other bytes than were sent" % a.name)
            if a.p.poll() is None:
                a.signal(signal.SIGKILL)
        # In a room, two may be parked now that were not yet there.
        more = 2 if os.environ["MODE"] == "relay" else 0
        for adit, base in zip((self.s, self.c), self.baseline):
            if adit.p.poll() is None:
                # Fewer, where the link has ended with the other side.
                wait_until(lambda: adit.fds() <= base + more,
                           "%s to close its descriptors" % adit.name)
                adit.signal(signal.SIGTERM)
                adit.exit(0)

    def report(self):
        name = "%-5s %-5s at %-7s" % (self.state, self.action, self.where)
        try:
            self.run()
            say("ok " + name)
            return True
        except (Wrong, OSError) as e:
            say("not ok %s: %s" % (name, e))
            return False
        finally:
            for p in self.procs:
                if p.p.poll() is None:
                    p.p.kill()
                p.p.wait()


def run(state="-", action="-", where="-"):
    cases = [Case(s, a, w) for s in STATES for a in ACTIONS for w in ENDPOINTS
             if state in ("-", s) and action in ("-", a) and where in ("-", w)]
    with ThreadPoolExecutor(int(os.environ.get("TABLE_JOBS", "6"))) as pool:
        good = list(pool.map(Case.report, cases))
    say("%d of %d cases" % (sum(good), len(good)))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    {"run": run, "agent": agent}[sys.argv[1]](*sys.argv[2:])
