#!/usr/bin/env python3
"""What the relay costs, beside haproxy in its place and beside others who
publish a port; bench.py calls measure().

Raw ends speak to the relay as PROTOCOL.md 10 wants it and then send as they
are, so that between them is nothing but the relay.  Every contestant stands
from the beginning and is measured once in each round, as in bench.py.

Standard library only.
"""
import contextlib, os, socket, statistics, struct, subprocess, sys, threading
import time

from stage import *

UNPARKED = os.path.join(TOP, "build/unparked/adit")
PINGS = 2                   # each round, as in bench.py
SETUPS = 30                 # streams, each round
SETUP_PAUSE = 0.004         # seconds; the server parks another one meanwhile
BLOCK = 1 << 20
PAIRS = 5000                # idle ones, if the descriptors allow it
IDLE_SECONDS = 5
CROWD_ROUNDS = 5
FAR_MS = 20                 # each way
FAR_SETUPS = 15
NEAR, FAR = "10.77.9.1", "10.77.9.2"


# Raw ends --------------------------------------------------------------------

HEAD = bytes.fromhex("ad1701")
held = []                   # idle connections of the process that serves


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise Failed("a connection ended early")
        data += more
    return data


def obey(s):
    """What stands behind raw ends: one letter says what it does."""
    order = s.recv(1)
    if order == b"e":
        echo(s)
    elif order == b"i":
        held.append(s)
        s.sendall(b".")
    elif order == b"s":
        into = bytearray(BLOCK)
        n = s.recv_into(into)           # the clock starts with it
        begin = time.perf_counter()
        while got := s.recv_into(into):
            n += got
        s.sendall(struct.pack("!Qd", n, time.perf_counter() - begin))


class Room:
    """A server of raw ends: obey() for each of its streams, in a process of
    its own, as Stage.serve() has it."""

    def __init__(self, port, name, parked):
        self.port, self.name, self.parked = port, name.encode(), parked
        up, down = os.pipe()
        if os.fork() == 0:
            try:
                threading.stack_size(256 * 1024)
                self.wait(down)
            finally:
                os._exit(1)
        os.close(down)
        if os.read(up, 1) != b".":
            raise Failed("the relay did not let a server wait")
        os.close(up)
        # Who comes at once may still be told that there is no such room.
        until = time.monotonic() + 5
        while True:
            try:
                with order((port, name), b"e"):
                    break
            except Failed:
                if time.monotonic() > until:
                    raise

    def wait(self, up):
        s = dial(self.port)
        body = (b"\x01" + os.urandom(16) + bytes([self.parked, 0, 0, 0]) +
                self.name)
        s.sendall(HEAD + b"\x03" + struct.pack("!H", len(body)) + body)
        while True:
            body = exactly(s, struct.unpack("!H", exactly(s, 2))[0])
            if body[0] == 2:
                os.write(up, b".")
            elif body[0] in (4, 5):
                threading.Thread(target=self.come, args=(body[1:17],),
                                 daemon=True).start()
            elif body[0] == 6:
                s.sendall(struct.pack("!H", 5) + b"\x07" + body[1:5])
            elif body[0] != 7:
                return

    def come(self, ticket):
        s = dial(self.port)
        s.sendall(HEAD + b"\x05" + ticket)
        with contextlib.suppress(ConnectionError):  # the relay ends
            while (byte := s.recv(1)) == b"\x00":
                s.sendall(byte)
            if byte == b"\x01":
                exactly(s, 19)
                s.sendall(byte)
                obey(s)


def order(entry, what):
    """A connection to obey(), which has its order on the way: entry is a
    port, or a relay's and the name of a room there."""
    if isinstance(entry, int):
        s = dial(entry)
        s.sendall(what)
        return s
    port, name = entry
    s = dial(port)
    s.sendall(HEAD + b"\x04" + bytes([len(name)]) + name.encode() + what)
    if (status := s.recv(1)) != b"\x30":
        raise Failed("the relay answered %s" % status.hex())
    return s


def raw_bulk(entry, procs, streams):
    block, threads = bytes(BLOCK), []
    conns = [order(entry, b"s") for _ in range(streams)]
    results = [None] * streams
    before = cpu_seconds([p.pid for p in procs])

    def send(i):
        s, until = conns[i], time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)
        results[i] = struct.unpack("!Qd", exactly(s, 16))
        s.close()

    for i in range(streams):
        threads.append(threading.Thread(target=send, args=(i,)))
        threads[i].start()
    for t in threads:
        t.join()
    time.sleep(0.02)
    size = sum(n for n, _ in results)
    spent = cpu_seconds([p.pid for p in procs]) - before
    return {"gbit": 8e-9 * size / max(took for _, took in results),
            "cpu": spent / (size / 1e9)}


def raw_ping(entry, procs):
    with order(entry, b"e") as s:
        return ping_over(s)


def p50_of(open_one, n, pause):
    """Of the ms from a connection's beginning until one byte came back."""
    took = []
    for _ in range(n):
        begin = time.perf_counter()
        with open_one() as s:
            if s.recv(1) != b"x":
                raise Failed("a connection ended early")
            took.append(1000 * (time.perf_counter() - begin))
        time.sleep(pause)
    return {"ms": statistics.median(took)}


def raw_setup(entry, procs):
    return p50_of(lambda: order(entry, b"ex"), SETUPS, SETUP_PAUSE)


def ask(entry, host=HOST):
    s = dial(entry, host)
    s.sendall(b"x")
    return s


def setup(entry, procs):
    return p50_of(lambda: ask(entry), SETUPS, SETUP_PAUSE)


# Contestants -----------------------------------------------------------------

def start_relay(stage, *options, binary=ADIT, host=HOST, within=()):
    port = stage.next_port()
    return port, stage.start([*within, binary, "relay", host, str(port), "-q",
                              *options],
                             port if not within else None)


def settle(entry, host=HOST):
    """Until a byte comes back: the chain stands, and something is parked."""
    until = time.monotonic() + 10
    while True:
        try:
            with ask(entry, host) as s:
                s.settimeout(2)
                if s.recv(1):
                    break
        except OSError:
            if time.monotonic() > until:
                raise Failed("nothing comes through port %d" % entry)
        time.sleep(0.05)


def raw_relay(parked):
    def chain(stage, to):
        port, proc = start_relay(stage)
        Room(port, "bench", parked)
        return (port, "bench"), [proc]
    return chain


def one_haproxy(stage, to):
    need("haproxy")
    port = stage.next_port()
    return port, [haproxy(stage, HAPROXY, HOST, port, HOST, to)]


RAW = {
    "direct": lambda stage, to: (to, []),
    "haproxy": one_haproxy,
    "adit relay": raw_relay(2),
    "adit relay, none parked": raw_relay(0),
}
RAW_LOADS = {
    "bulk 1": lambda entry, procs: raw_bulk(entry, procs, 1),
    "bulk 8": lambda entry, procs: raw_bulk(entry, procs, 8),
    "ping": raw_ping,
    "setup": raw_setup,
}


def ends(stage, to, host, port, *options, server=ADIT):
    """adit's own two ends; the client last."""
    entry = stage.next_port()
    waits = "--room" in options
    return entry, [
        stage.start([server, "server", host, str(port), "-q", *options,
                     "--to", "%s:%d" % (HOST, to)], None if waits else port),
        stage.start([ADIT, "client", host, str(port), "-q", *options,
                     "--listen", "%s:%d" % (HOST, entry)], entry)]


def sealed_direct(stage, to):
    return ends(stage, to, HOST, stage.next_port())


def sealed_haproxy(stage, to):
    middle = stage.next_port()
    front, procs = one_haproxy(stage, middle)
    entry = stage.next_port()
    return entry, procs + [
        stage.start([ADIT, "server", HOST, str(middle), "-q", "--to",
                     "%s:%d" % (HOST, to)], middle),
        stage.start([ADIT, "client", HOST, str(front), "-q", "--listen",
                     "%s:%d" % (HOST, entry)], entry)]


def sealed_relay(server):
    def chain(stage, to):
        encrypts(server)
        port, proc = start_relay(stage)
        entry, procs = ends(stage, to, HOST, port, "--room", "bench",
                            server=server)
        return entry, [proc] + procs
    return chain


SEALED = {
    "direct": sealed_direct,
    "haproxy": sealed_haproxy,
    "adit relay": sealed_relay(ADIT),
    "adit relay, none parked": sealed_relay(UNPARKED),
}


# Published ports -------------------------------------------------------------

def publish(server=ADIT, host=HOST, within=()):
    def chain(stage, to):
        encrypts(server)
        entry = stage.next_port()
        port, proc = start_relay(stage, "--publish", "%d-%d" % (entry, entry),
                                 host=host, within=within)
        return entry, [proc, stage.start(
            [server, "server", host, str(port), "-q", "--room", "bench",
             "--publish", str(entry), "--to", "%s:%d" % (HOST, to)])]
    return chain


def configured(stage, name, text):
    path = os.path.join(stage.directory, "%s.%d" % (name, stage.next_port()))
    with open(path + ".toml", "w") as f:
        f.write(text)
    return path + ".toml"


def rathole(host=HOST, within=()):
    """As it comes: a connection for each stream, some of them ready."""
    def chain(stage, to):
        need("rathole")
        port, entry = stage.next_port(), stage.next_port()
        far = configured(stage, "rathole", """
[server]
bind_addr = "%s:%d"
default_token = "bench"
[server.services.bench]
bind_addr = "%s:%d"
""" % (host, port, host, entry))
        near = configured(stage, "rathole", """
[client]
remote_addr = "%s:%d"
default_token = "bench"
[client.services.bench]
local_addr = "%s:%d"
""" % (host, port, HOST, to))
        return entry, [stage.start([*within, "rathole", "--server", far]),
                       stage.start(["rathole", "--client", near])]
    return chain


def frp(host=HOST, within=()):
    """Without TLS, which the others have not either; a connection for each
    stream and some of them ready, which is its fastest."""
    def chain(stage, to):
        need("frps")
        need("frpc")
        port, entry = stage.next_port(), stage.next_port()
        far = configured(stage, "frps", """
bindAddr = "%s"
bindPort = %d
proxyBindAddr = "%s"
transport.tcpMux = false
log.level = "error"
""" % (host, port, host))
        near = configured(stage, "frpc", """
serverAddr = "%s"
serverPort = %d
loginFailExit = false
transport.tls.enable = false
transport.tcpMux = false
transport.poolCount = 2
log.level = "error"
[[proxies]]
name = "bench"
type = "tcp"
localIP = "%s"
localPort = %d
remotePort = %d
""" % (host, port, HOST, to, entry))
        server = stage.start([*within, "frps", "-c", far])
        time.sleep(0.3)
        return entry, [server, stage.start(["frpc", "-c", near])]
    return chain


def bore(host=HOST, within=()):
    """Its own port cannot be chosen: one for all."""
    def chain(stage, to):
        need("bore")
        key = "bore " + host
        if key not in stage.shared:
            stage.shared[key] = stage.start(
                [*within, "bore", "server", "--min-port", "1024",
                 "--bind-addr", host])
            time.sleep(0.3)
        entry = stage.next_port()
        return entry, [stage.shared[key], stage.start(
            ["bore", "local", str(to), "--local-host", HOST, "--to", host,
             "--port", str(entry)])]
    return chain


PUBLIC = {
    "adit": publish(),
    "rathole": rathole(),
    "frp": frp(),
    "bore": bore(),
}


# A path of its own length ----------------------------------------------------

class Far:
    """A network namespace FAR_MS away."""

    def __init__(self, stage):
        need("nsenter")
        tests = os.path.join(TOP, "tests")
        self.held = stage.start(["unshare", "--net", "sleep", "100000"])
        self.within = ["nsenter", "-t", str(self.held.pid), "-n"]
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise Absent("no TUN here")
        wire = stage.start([sys.executable, "-B", "-S", tests + "/70-net.py",
                            "wire", "bench0", "bench1", str(FAR_MS), "0"])
        self.ip("link", "show", "bench1", tries=50)
        self.ip("link", "set", "bench1", "netns", str(self.held.pid), tries=50)
        for within, name, address in (([], "bench0", NEAR),
                                      (self.within, "bench1", FAR)):
            for what in (("addr", "add", address + "/24", "dev", name),
                         ("link", "set", name, "up"),
                         ("link", "set", "lo", "up")):
                self.ip(*what, within=within)
        self.echo = stage.next_port()
        stage.start([*self.within, sys.executable, "-B", "-S", __file__,
                     str(self.echo)])
        if wire.poll() is not None:
            raise Absent("no TUN here")

    def ip(self, *what, within=(), tries=1):
        for _ in range(tries):
            done = subprocess.run([*within, "ip", *what],
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
            if done.returncode == 0:
                return
            time.sleep(0.02)
        raise Absent("ip: " + done.stderr.strip())


def far_direct(far):
    def chain(stage, to):
        middle, entry = stage.next_port(), stage.next_port()
        stage.start([*far.within, ADIT, "server", FAR, str(middle), "-q",
                     "--to", "%s:%d" % (HOST, far.echo)])
        stage.start([ADIT, "client", FAR, str(middle), "-q", "--listen",
                     "%s:%d" % (HOST, entry)], entry)
        return entry, HOST
    return chain


def far_relay(far, server):
    def chain(stage, to):
        encrypts(server)
        port, _ = start_relay(stage, host=FAR, within=far.within)
        entry, _ = ends(stage, to, FAR, port, "--room", "bench",
                        server=server)
        return entry, HOST
    return chain


def far_public(chain):
    return lambda stage, to: (chain(stage, to)[0], FAR)


def measure_far(stage, echo_port, absent):
    """Stream setup over a path: p50, ms."""
    try:
        far = Far(stage)
    except Absent as e:
        absent["a path of %d ms" % FAR_MS] = str(e)
        return {}
    chains = {
        "sealed, direct": far_direct(far),
        "sealed, adit relay": far_relay(far, ADIT),
        "sealed, adit relay, none parked": far_relay(far, UNPARKED),
        "published, adit": far_public(publish(ADIT, FAR, far.within)),
        "published, adit, none parked":
            far_public(publish(UNPARKED, FAR, far.within)),
        "published, rathole": far_public(rathole(FAR, far.within)),
        "published, frp": far_public(frp(FAR, far.within)),
        "published, bore": far_public(bore(FAR, far.within)),
    }
    standing, took = {}, {}
    for name, chain in chains.items():
        try:
            standing[name] = chain(stage, echo_port)
        except Absent as e:
            absent[name] = str(e)
    for entry, host in standing.values():
        settle(entry, host)
    for i in range(FAR_SETUPS):
        for k in range(len(standing)):
            name = list(standing)[(i + k) % len(standing)]
            entry, host = standing[name]
            took.setdefault(name, []).append(
                p50_of(lambda: ask(entry, host), 1, 0.05)["ms"])
    return took


# A crowd ---------------------------------------------------------------------

def measure_crowd(stage, plain_port, limit):
    """Idle pairs: what each costs, and what they all cost one busy pair."""
    n = min(PAIRS, (limit - 200) // 2)
    many = HAPROXY.replace("maxconn 4000", "maxconn %d" % (n + 500))
    result = {"pairs": n, "limit": limit, "who": {}}
    for name in "haproxy", "adit relay":
        say("%d idle pairs: %s" % (n, name))
        if name == "haproxy":
            entry = stage.next_port()
            proc = haproxy(stage, many, HOST, entry, HOST, plain_port)
        else:
            # There is but one source.  No more than there will be: what is
            # left of the descriptors is for the pipes of bulk.
            port, proc = start_relay(
                stage, "--max-conns", str(n + 100), "--max-per-source",
                str(n + 100))
            Room(port, "crowd", 2)
            entry = port, "crowd"
        for _ in range(2):
            raw_bulk(entry, [proc], 1)

        def rounds():
            return [raw_bulk(entry, [proc], 1)["gbit"]
                    for _ in range(CROWD_ROUNDS)]

        alone = rounds()
        time.sleep(6)               # buffers of bulk are given back
        before, conns = memory(proc.pid), []
        began = time.monotonic()
        for _ in range(n):
            conns.append(order(entry, b"i"))
            exactly(conns[-1], 1)
        took = time.monotonic() - began
        time.sleep(1)
        after, cpu = memory(proc.pid), cpu_seconds([proc.pid])
        time.sleep(IDLE_SECONDS)
        cpu = (cpu_seconds([proc.pid]) - cpu) / IDLE_SECONDS
        crowded = rounds()
        for s in conns:             # by a reset: obey() would not see an end
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            s.close()
        time.sleep(2)
        per = [(y - x) / n for x, y in zip(before, after)]
        result["who"][name] = {
            "rss": per[0], "pss": per[1], "threads": per[2], "cpu": cpu,
            "rate": n / took, "alone": alone, "crowded": crowded,
            "again": rounds()}
        stage.stop([proc])
    return result


# All of it -------------------------------------------------------------------

def stand(stage, chains, ports, absent, what):
    """{name: {load: (entry, processes)}}"""
    standing = {}
    for name, chain in chains.items():
        # Once a stream is set up, it is as any other.
        wanted = {load: port for load, port in ports.items()
                  if "none parked" not in name or
                  load in ("setup", "connections")}
        try:
            made = {port: chain(stage, port)
                    for port in sorted(set(wanted.values()))}
        except Absent as e:
            absent["%s, %s" % (what, name)] = str(e)
            continue
        standing[name] = {load: made[port] for load, port in wanted.items()}
    return standing


def measure(stage, ports, limit):
    """ports: of the services that bench.py has, for each load."""
    absent = {}
    stage.shared = {}
    result = {"absent": absent, "raw": {}, "sealed": {}, "public": {}}
    plain_port = stage.serve(obey)
    ports = dict(ports, setup=ports["ping"])
    result["crowd"] = measure_crowd(stage, plain_port, limit)
    say("streams over a path of %d ms" % FAR_MS)
    result["far"] = measure_far(stage, ports["ping"], absent)
    loads = {
        "bulk 1": lambda entry, procs: bulk(entry, procs, 1),
        "bulk 8": lambda entry, procs: bulk(entry, procs, 8),
        "ping": lambda entry, procs: ping(entry),
        "setup": setup,
        "connections": lambda entry, procs: connections(entry),
    }
    kinds = {
        "raw": (RAW_LOADS, stand(stage, RAW, dict.fromkeys(
            RAW_LOADS, plain_port), absent, "raw ends")),
        "sealed": (loads, stand(stage, SEALED, ports, absent,
                                "sealed ends")),
        "public": (loads, stand(stage, PUBLIC, ports, absent, "published")),
    }
    for name in kinds["public"][1].values():
        settle(name["ping"][0])
    time.sleep(1)
    for i in range(ROUNDS):
        say("relay, round %d of %d" % (i + 1, ROUNDS))
        for kind, (runs, standing) in kinds.items():
            for load, run in runs.items():
                names = [n for n in standing if load in standing[n]]
                for k in range(len(names) * (PINGS if load == "ping" else 1)):
                    name = names[(i + k) % len(names)]
                    result[kind].setdefault(name, {}).setdefault(
                        load, []).append(run(*standing[name][load]))
    return result


if __name__ == "__main__":      # far away: an echo
    listener = socket.create_server((HOST, int(sys.argv[1])), backlog=100)
    while True:
        s, _ = listener.accept()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=echo, args=(s,), daemon=True).start()
