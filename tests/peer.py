#!/usr/bin/env python3
"""The real-socket half of the scenarios: services, visitors, hand-made peers.

Standard library only.  Every subcommand exits 0 when all it saw was right and
says otherwise what was wrong; it exits 75 if that is only that it took long.
Data is a fixed pattern in which every position can be told from every other, so
lost, doubled or mixed bytes are noticed.
"""
import hashlib, http.server, os, pty, random, re, select, signal, socket
import struct, sys, termios, threading, time

SLOW = int(os.environ.get("SLOW", "2"))
LIMIT = 20 * SLOW               # no wait in here is longer
BODY = random.Random(7).randbytes(65519)


class Wrong(Exception):
    """Something was not as it has to be."""


class Late(Wrong):
    """It was, but only after too long: perhaps the machine's fault."""


def pattern(seed, off, n):
    """n bytes of stream `seed` from position off: numbered blocks of BODY."""
    size = len(BODY) + 16
    first, last = off // size, (off + n) // size + 1
    data = b"".join(struct.pack(">QQ", seed, i) + BODY
                    for i in range(first, last))
    return data[off - first * size:off - first * size + n]


def parse(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def listen_at(text="127.0.0.1:0"):
    host, port = parse(text)
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen(1024)
    shown = "[%s]" % host if ":" in host else host
    say("listening on %s:%d" % (shown, s.getsockname()[1]))
    return s


def dial(text, source=None):
    s = socket.create_connection(parse(text), LIMIT,
                                 (source, 0) if source else None)
    s.settimeout(LIMIT)
    return s


def say(text):
    # One write per line: several threads share this descriptor.
    os.write(1, (text + "\n").encode())


def reset(s):
    """Close with RST instead of FIN, whatever is queued."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # A reader in another thread would otherwise keep the socket alive.
    s.shutdown(socket.SHUT_RD)
    s.close()


def is_reset(s):
    """An RST that came after the end shows as an error, never as data."""
    p = select.poll()
    p.register(s, 0)
    return any(e & select.POLLERR for _, e in p.poll(0))


def spawn(fn, *args):
    t = threading.Thread(target=fn, args=args, daemon=True)
    t.start()
    return t


class Stalls:
    """How long the machine let us not run, in seconds: whoever sleeps for a
    moment sees how much longer that was.  Less than `usual` in all is none."""

    def __init__(self, usual):
        self.sum, self.usual = 0.0, usual
        spawn(self.measure)

    def measure(self):
        last = time.monotonic()
        while True:
            time.sleep(0.02)
            now = time.monotonic()
            if now - last > self.usual:
                self.sum += now - last - 0.02
            last = now


def send_pattern(s, seed, n):
    for off in range(0, n, 1 << 18):
        s.sendall(pattern(seed, off, min(1 << 18, n - off)))


def recv_pattern(s, seed, n=None):
    """Read to the end; n bytes if given.  Returns how many came."""
    off = 0
    while True:
        data = s.recv(1 << 18)
        if not data:
            break
        if data != pattern(seed, off, len(data)):
            raise Wrong("other bytes than were sent near %d" % off)
        off += len(data)
    if n is not None and off != n:
        raise Wrong("%d bytes came, %d were sent" % (off, n))
    return off


# Pipes ---------------------------------------------------------------------

def cmd_gen(seed, n):
    """gen SEED N: the pattern on stdout."""
    n = int(n)
    for off in range(0, n, 1 << 18):
        sys.stdout.buffer.write(
            pattern(int(seed), off, min(1 << 18, n - off)))
    sys.stdout.buffer.flush()


def cmd_verify(seed, n):
    """verify SEED N: stdin is exactly that pattern."""
    off = 0
    while data := os.read(0, 1 << 18):
        if data != pattern(int(seed), off, len(data)):
            raise Wrong("other bytes than were sent near %d" % off)
        off += len(data)
    if off != int(n):
        raise Wrong("%d bytes came, %s were sent" % (off, n))


# Services ------------------------------------------------------------------

def serve_one(kind, s, n):
    if kind == "echo":
        while data := s.recv(1 << 16):
            s.sendall(data)
    elif kind == "digest":      # answers only after the end came
        h, got = hashlib.sha256(), 0
        while data := s.recv(1 << 16):
            h.update(data)
            got += len(data)
        s.sendall(("%s %d\n" % (h.hexdigest(), got)).encode())
    elif kind == "swap":        # n bytes each way at once
        t = spawn(lambda: (send_pattern(s, 2, n), s.shutdown(1)))
        recv_pattern(s, 1, n)
        t.join()
    elif kind == "source":      # n bytes, then the end; then reads on
        send_pattern(s, 2, n)
        s.shutdown(socket.SHUT_WR)
        recv_pattern(s, 1)
    elif kind == "reset-after":     # n bytes are read, then RST
        while n > 0 and (data := s.recv(min(n, 1 << 16))):
            n -= len(data)
        reset(s)
        say("sent reset")
        return
    elif kind == "sink":        # reads nothing until told to by SIGUSR1
        go.wait()
        recv_pattern(s, 1)
    elif kind == "who":         # says who comes, as it sees it
        s.sendall(("%s:%d\n" % s.getpeername()[:2]).encode())
        while s.recv(1 << 16):
            pass
    elif kind == "hold":        # says nothing, waits for the end
        while s.recv(1 << 16):
            pass
    if kind not in ("swap", "source"):      # those have ended already
        s.shutdown(socket.SHUT_WR)
    say("end")
    s.close()


go = threading.Event()


def cmd_serve(kind, n="0", at="127.0.0.1:0"):
    """serve KIND [N [ADDR]]: says `open`, then `end` or `reset` for each."""
    signal.signal(signal.SIGUSR1, lambda *_: go.set())
    listener = listen_at(at)

    def one(s):
        try:
            serve_one(kind, s, int(n))
        except OSError:
            say("reset")
            s.close()
        except Wrong as e:
            say("wrong: %s" % e)
            s.close()

    while True:
        s, _ = listener.accept()
        say("open")
        spawn(one, s)


def cmd_blackhole():
    """blackhole: a listener so full that further SYNs get no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    stuck, waiting = False, []
    while not stuck:
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
        stuck = not select.select([], [s], [], 1.0)[1]
        waiting.append(s)
    say("listening on 127.0.0.1:%d" % listener.getsockname()[1])
    signal.pause()


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"       # keep-alive

    def log_message(self, *args):
        say("request from port %d" % self.client_address[1])


def cmd_http(directory):
    """http DIRECTORY: serve its files, keeping connections open."""
    os.chdir(directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    say("listening on 127.0.0.1:%d" % server.server_port)
    server.serve_forever()


# Visitors ------------------------------------------------------------------

def cmd_crowd(addr, count, size, stalled="0"):
    """crowd ADDR COUNT SIZE [STALLED]: connections to an echo service, all at
    once, with every byte compared; STALLED more are open meanwhile and read
    nothing until the others are through."""
    count, size, lost = int(count), int(size), []
    slow = [dial(addr) for _ in range(int(stalled))]
    for i, s in enumerate(slow):
        s.setblocking(False)
        sent = 0
        # Blocked for good is: nothing taken for a while.
        while select.select([], [s], [], 0.5)[1]:
            sent += s.send(pattern(1000 + i, sent, 1 << 16))
        slow[i] = (s, 1000 + i, sent)
    barrier = threading.Barrier(count)

    def echo(s, seed, size, sent=0):
        s.settimeout(LIMIT * 4)
        t = spawn(lambda: (s.sendall(pattern(seed, sent, size - sent)),
                           s.shutdown(socket.SHUT_WR)))
        recv_pattern(s, seed, size)
        t.join()
        s.close()

    def one(seed):
        try:
            s = dial(addr)
            barrier.wait(LIMIT)
            echo(s, seed, size + seed)
        except (OSError, Wrong, threading.BrokenBarrierError) as e:
            lost.append("%d: %r" % (seed, e))

    threads = [spawn(one, i) for i in range(count)]
    for t in threads:
        t.join()
    for s, seed, sent in slow:
        echo(s, seed, sent + 1000, sent)
    if lost:
        raise Wrong("%d of %d failed: %s" % (len(lost), count, lost[:5]))
    say("%d connections, %d stalled" % (count, len(slow)))


def cmd_swap(addr, n):
    """swap ADDR N: N bytes each way at once with `serve swap`."""
    s = dial(addr)
    t = spawn(lambda: (send_pattern(s, 1, int(n)), s.shutdown(1)))
    recv_pattern(s, 2, int(n))
    t.join()


def cmd_pause(addr, n, seconds, pid):
    """pause ADDR N SECONDS PID: `serve source` has N bytes for us, and we do
    not read for so long; the memory of PID does not grow meanwhile."""
    def rss():
        with open("/proc/%s/status" % pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
    s = dial(addr)
    before = rss()
    end, peak = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        peak = max(peak, rss())
        time.sleep(0.2)
    if is_reset(s):
        raise Wrong("reset during the pause")
    recv_pattern(s, 2, int(n))
    s.close()
    say("grew %d KB" % (peak - before))


def cmd_silent(addr, *sources):
    """silent ADDR SOURCE:COUNT...: connections that say nothing; pause:SECONDS
    may stand between them.  Once all are open and things are quiet, prints how many of each are open and reset; then
    the same after each line on stdin; ends with stdin."""
    socks = []
    for item in sources:
        source, _, count = item.rpartition(":")
        if source == "pause":
            time.sleep(float(count))
            continue
        for _ in range(int(count)):
            try:
                socks.append((source, dial(addr, source)))
            except ConnectionResetError:
                socks.append((source, None))
            time.sleep(0.001)   # so that the order of arrival is ours
    while True:
        tally, last = {}, None
        while tally != last or last is None:
            last, tally = tally, {}
            time.sleep(0.3 * SLOW)
            for source, s in socks:
                t = tally.setdefault(source, [0, 0])
                t[s is None or is_reset(s)] += 1
        for source, t in tally.items():
            say("%s open=%d reset=%d" % (source, *t))
        say("done")
        if not sys.stdin.readline():
            return


def cmd_resets(addr, rounds):
    """resets ADDR ROUNDS: while data flows both ways, end with RST; `serve
    source` behind it has to see each as a reset."""
    for _ in range(int(rounds)):
        s = dial(addr)
        s.recv(1000)
        s.sendall(pattern(1, 0, 20000))
        reset(s)


def cmd_reset_by_service(addr, rounds):
    """reset-by-service ADDR ROUNDS: `serve reset-after` is behind it; we have
    to see a reset every time, although we write and read meanwhile."""
    for i in range(int(rounds)):
        s = dial(addr)
        try:
            s.sendall(pattern(1, 0, 300000))
            data = s.recv(1)
        except (ConnectionResetError, BrokenPipeError):
            continue
        raise Wrong("round %d: %s instead of a reset"
                    % (i, "data" if data else "a clean end"))


# Bytes by hand ---------------------------------------------------------------

class Script:
    """raw: what one end of a connection says and has to see, step by step."""

    def __init__(self):
        self.s, self.opened = None, False
        self.before = self.start = time.monotonic()

    def open(self, s):
        self.s, self.start = s, time.monotonic()
        s.settimeout(LIMIT)

    def do_connect(self, arg):
        self.opened, self.before = True, time.monotonic()
        source, _, addr = arg.rpartition("@")
        try:
            self.open(dial(addr, source))
        except ConnectionResetError:
            pass                # so early that there is no connection

    def do_listen(self, arg):
        with listen_at(arg or "127.0.0.1:0") as listener:
            self.before = time.monotonic()
            self.open(listener.accept()[0])

    def do_token(self, arg):
        self.s.sendall(struct.pack(">H", len(arg)) + arg.encode())

    def do_hex(self, arg):
        self.s.sendall(bytes.fromhex(arg))

    def do_text(self, arg):
        self.s.sendall(arg.encode())

    def do_send(self, arg):
        send_pattern(self.s, 1, int(arg))

    def do_slow(self, arg):
        """SECONDS:HEX: a byte at a time, until the other side has enough."""
        pause, data = arg.split(":")
        for b in bytes.fromhex(data):
            try:
                self.s.sendall(bytes([b]))
            except OSError:
                return
            if select.select([self.s], [], [], float(pause))[0]:
                return

    def do_gethex(self, arg):
        want, got = bytes.fromhex(arg), b""
        while len(got) < len(want):
            try:
                data = self.s.recv(len(want) - len(got))
            except OSError as e:
                data = repr(e).encode()
            if not data:
                break
            got += data
        if got != want:
            raise Wrong("got %r instead of %r" % (got, want))

    def do_gettext(self, arg):
        self.do_gethex(arg.encode().hex())

    def do_skip(self, arg):
        """N bytes come, whatever they are."""
        n = int(arg)
        while n > 0:
            data = self.s.recv(n)
            if not data:
                raise Wrong("%d bytes too few" % n)
            n -= len(data)

    def do_fin(self, _):
        self.s.shutdown(socket.SHUT_WR)

    def do_rst(self, _):
        reset(self.s)

    def do_close(self, _):
        self.s.close()

    def outcome(self):
        """What comes after all the bytes that still come."""
        if self.s is None:
            return "reset"
        try:
            while self.s.recv(1 << 16):
                pass
            return "reset" if is_reset(self.s) else "end"
        except ConnectionResetError:
            return "reset"
        except TimeoutError:
            return "nothing"

    def do_end(self, _):
        if (o := self.outcome()) != "end":
            raise Wrong("%s instead of a clean end" % o)

    def do_reset(self, _):
        if (o := self.outcome()) != "reset":
            raise Wrong("%s instead of a reset" % o)

    def do_cut(self, _):
        """A reset, after the end of what comes to us has been seen."""
        end = time.monotonic() + LIMIT
        while not is_reset(self.s):
            if time.monotonic() > end:
                raise Wrong("no reset")
            time.sleep(0.02)

    def do_gone(self, _):
        """Nothing is said; over by an end or a reset, either will do."""
        try:
            if data := self.s.recv(100):
                raise Wrong("got %r instead of nothing" % data)
        except ConnectionResetError:
            pass

    def do_quiet(self, arg):
        if select.select([self.s], [], [], float(arg))[0] or is_reset(self.s):
            raise Wrong("not quiet for %s s" % arg)

    def do_after(self, arg):
        """LOW:HIGH: the time since the connection was made, in seconds.  When
        that was is known to lie between two moments only."""
        low, high = map(float, arg.split(":"))
        took = time.monotonic()
        if took - self.before < low:
            raise Wrong("%.2f s instead of %s" % (took - self.before, arg))
        if took - self.start > high * (SLOW / 2):
            raise Late("%.2f s instead of %s" % (took - self.start, arg))

    def do_say(self, arg):
        say(arg)

    def do_wait(self, arg):
        """FILE: go on once it exists."""
        end = time.monotonic() + LIMIT * 2
        while not os.path.exists(arg):
            if time.monotonic() > end:
                raise Wrong("%s never appeared" % arg)
            time.sleep(0.02)


def cmd_raw(*steps):
    """raw STEP[=ARG]...: see class Script."""
    script = Script()
    for step in steps:
        name, _, arg = step.partition("=")
        if name != "reset" and script.s is None and script.opened:
            raise Wrong("%s: reset at once" % step[:60])
        try:
            getattr(script, "do_" + name)(arg)
        except Late as e:
            raise Late("%s: %s" % (step[:60], e))
        except (Wrong, OSError) as e:
            raise Wrong("%s: %s" % (step[:60], e))


# UDP -----------------------------------------------------------------------

def cmd_udp_serve(kind="echo", at="127.0.0.1:0"):
    """udp-serve [KIND [ADDR]]: echo; or name, which prefixes each answer with
    the port that asked us, so that flows can be told apart."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind(parse(at))
    say("listening on 127.0.0.1:%d" % s.getsockname()[1])
    while True:
        data, asker = s.recvfrom(1 << 17)
        if kind == "name":
            data = b"%d " % asker[1] + data
        s.sendto(data, asker)


def ask(s, data):
    s.send(data)
    try:
        got = s.recv(1 << 17)
    except TimeoutError:
        raise Wrong("no answer to %d bytes" % len(data)) from None
    if got != data:
        raise Wrong("%d other bytes came for %d" % (len(got), len(data)))


def udp_dial(addr, source_port=None):
    # A port that the system chose could be one that it chose before, and what
    # comes from there belongs to the flow of that time.
    if source_port is None:
        source_port = 22000 + os.getpid() % 10000
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # What comes while we have no processor must not be lost for that.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind(("127.0.0.1", source_port))
    s.connect(parse(addr))
    s.settimeout(LIMIT)
    return s


def cmd_udp_ask(addr, *sizes):
    """udp-ask ADDR SIZE...: each comes back as one datagram, unchanged."""
    s = udp_dial(addr)
    for i, n in enumerate(map(int, sizes)):
        ask(s, pattern(i, 0, n))
    s.settimeout(0.3)
    try:
        raise Wrong("%d bytes too many" % len(s.recv(1 << 17)))
    except TimeoutError:
        pass


def cmd_udp_alive(addr, *sizes):
    """udp-alive ADDR SIZE...: each comes back, although one or another may
    get lost on the way: it is sent until it does."""
    s = udp_dial(addr)
    s.settimeout(0.5 * SLOW)
    for i, n in enumerate(map(int, sizes)):
        end = time.monotonic() + LIMIT
        while True:
            s.send(pattern(i, 0, n))
            try:
                # An answer that came late was to an earlier one.
                while s.recv(1 << 17) != pattern(i, 0, n):
                    pass
                break
            except TimeoutError:
                if time.monotonic() > end:
                    raise Wrong("no answer to %d bytes" % n) from None


def cmd_udp_flows(addr, count, rounds):
    """udp-flows ADDR COUNT ROUNDS: so many askers at once, each gets its own
    answers and nobody else's.  They come from the same ports each time."""
    socks = [udp_dial(addr, 21000 + i) for i in range(int(count))]
    for r in range(int(rounds)):
        for i, s in enumerate(socks):
            s.send(pattern(i, r, 100 + i))
        for i, s in enumerate(socks):
            got = s.recv(1 << 17)
            if got != pattern(i, r, 100 + i):
                raise Wrong("flow %d round %d: a wrong answer" % (i, r))


def cmd_udp_name(addr, port, times="1"):
    """udp-name ADDR SOURCE-PORT [TIMES]: print the flow `udp-serve name` saw
    us in; gives up after an asking each quarter of a second for TIMES."""
    s = udp_dial(addr, int(port))
    s.settimeout(0.25 * SLOW)
    for _ in range(int(times)):
        try:
            s.send(b"who")
            say(s.recv(100).decode().split()[0])
            return
        except OSError:
            time.sleep(0.05)
    raise Wrong("no answer")


def cmd_udp_flood(addr, n):
    """udp-flood ADDR N: N big datagrams, the first one says `block`."""
    s = udp_dial(addr)
    s.send(b"block")
    for _ in range(int(n)):
        s.send(pattern(1, 0, 60000))
        time.sleep(0.001)


def cmd_udp_hand_server():
    """udp-hand-server: speaks the plain handshake with any token, then echoes
    datagrams; a connection whose first one is `block` is never read again."""
    listener = listen_at()

    def exactly(s, n):
        data = b""
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise Wrong("end")
            data += more
        return data

    def one(s):
        try:
            exactly(s, struct.unpack(">H", exactly(s, 2))[0])
            s.sendall(b"\1")
            while True:
                head = exactly(s, 2)
                body = exactly(s, struct.unpack(">H", head)[0])
                if body == b"block":
                    say("blocked")
                    threading.Event().wait()
                s.sendall(head + body)
        except (Wrong, OSError):
            s.close()

    while True:
        spawn(one, listener.accept()[0])


def cmd_udp_order(addr, count, size):
    """udp-order ADDR COUNT SIZE: so many numbered datagrams, few of them on
    the way at once, come back each once and in the order they were sent."""
    s = udp_dial(addr)
    count, size, ahead = int(count), int(size), 8
    sent = 0
    for i in range(count):
        while sent < min(count, i + ahead):
            s.send(pattern(sent, 0, size))
            sent += 1
        if s.recv(1 << 17) != pattern(i, 0, size):
            raise Wrong("not datagram %d" % i)


# Memory ----------------------------------------------------------------------

def cmd_find(pid, *words):
    """find PID WORD...: where in the memory of PID these words stand."""
    with open("/proc/%s/maps" % pid) as maps, \
            open("/proc/%s/mem" % pid, "rb", 0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            if "rw" not in mode or "[vvar]" in line:
                continue
            low, high = (int(x, 16) for x in where.split("-"))
            # A sanitizer's shadow is larger than all there is.
            if high - low > 1 << 28:
                continue
            try:
                mem.seek(low)
                data = mem.read(high - low)
            except (OSError, OverflowError):
                continue
            for word in words:
                if word.encode() in data:
                    say("%s at %s" % (word, line.strip()))


# Terminals -----------------------------------------------------------------

def cmd_pty(*args):
    """pty STEP... -- COMMAND...: run it on a terminal.  Steps: expect=REGEX,
    send=TEXT (\\n, \\x04 and so on), sig=NAME, noecho, echo (state of the
    terminal), wait=FILE (it exists), full=FILE (it is not empty).  Prints what it says and exits as it does."""
    cut = args.index("--")
    steps, command = args[:cut], args[cut + 1:]
    pid, fd = pty.fork()
    if pid == 0:
        # A background job's are ignored, and a shell cannot trap them then.
        for number in signal.SIGINT, signal.SIGQUIT:
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    seen, mark = b"", 0

    def read(timeout):
        nonlocal seen
        if not select.select([fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(fd, 4096)
        except OSError:         # EIO: nobody holds the other side any more
            data = b""
        seen += data
        os.write(1, data.replace(b"\r", b""))
        return bool(data)

    def until(test, what, limit=LIMIT):
        end = time.monotonic() + limit
        while not test():
            if time.monotonic() > end:
                raise Wrong("waited in vain for %s; saw %r" % (what, seen))
            if not read(0.05):
                if test():
                    return
                raise Wrong("ended before %s; saw %r" % (what, seen))

    try:
        for step in steps:
            name, _, arg = step.partition("=")
            if name == "expect":
                found = []

                def test():
                    found[:] = [m for m in [re.search(
                        arg.encode(), seen[mark:])] if m]
                    return found
                until(test, step)
                mark += found[0].end()
            elif name == "send":
                os.write(fd, arg.encode().decode("unicode_escape").encode())
            elif name == "sig":
                os.kill(pid, getattr(signal, "SIG" + arg))
            elif name in ("echo", "noecho"):
                until(lambda: bool(termios.tcgetattr(fd)[3] & termios.ECHO)
                      == (name == "echo"), step)
            elif name == "wait":
                # What is done meanwhile may be long.
                until(lambda: os.path.exists(arg), step, LIMIT * 5)
            elif name == "full":
                until(lambda: os.path.getsize(arg) > 0, step)
            else:
                raise Wrong("no step " + step)
        end = time.monotonic() + LIMIT
        status = 0
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                raise Wrong("has not ended; saw %r" % seen)
            if not read(0.05):
                time.sleep(0.02)
    except Wrong:
        os.kill(pid, signal.SIGKILL)
        raise
    while select.select([fd], [], [], 0)[0] and read(0):
        pass
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    command = globals().get("cmd_" + sys.argv[1].replace("-", "_"))
    if not command:
        sys.exit("peer.py: no subcommand %s" % sys.argv[1])
    try:
        command(*sys.argv[2:])
    except (Wrong, OSError) as e:
        print("peer.py %s: %s" % (sys.argv[1], e), file=sys.stderr)
        sys.exit(75 if isinstance(e, Late) else 1)


if __name__ == "__main__":
    main()
