#!/usr/bin/env python3
"""Measure adit and its peers side by side; tests/bench/run starts this.

Every contestant is a chain of two forwarders (or none) before the same
services.  All chains stand from the beginning; in each round every contestant
is measured once, in an order that turns by one from round to round, so that
whatever else the machine does hits all of them alike.  What is reported are
medians over the rounds; ratios are ratios of these medians.

Standard library only.  Bulk is iperf3's work, connections per second ab's;
the round trips are timed here, because neither sends single bytes.
"""
import contextlib, datetime, gc, json, os, platform, re, resource, socket
import subprocess, sys, tempfile, threading, time

import report

HOST = "127.0.0.1"
ROUNDS = int(os.environ.get("ROUNDS", "9"))
SECONDS = int(os.environ.get("SECONDS_EACH", "1"))
PING_SECONDS = 0.5
PINGS = 2                   # each round; where threads come to run is chance
AB_CLIENTS = 8              # well below the 16 handshakes a source may have
PIPE_BYTES = SECONDS * 3 << 29
IDLE = 400                  # idle connections
WORN = 25                   # those of them that then carry bulk
WORN_BYTES = 100 * 1000 * 1000
WORN_WAIT = 7               # seconds until adit has given its buffers back
TICK = os.sysconf("SC_CLK_TCK")

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ADIT = os.path.join(TOP, "adit")
POSIX = os.path.join(TOP, "build/posix/adit")
STATIC = os.path.join(TOP, "build/static/adit")
RESULTS = os.path.join(TOP, "build/bench.json")


def say(text):
    print(text, file=sys.stderr, flush=True)


# Processes -------------------------------------------------------------------

class Failed(Exception):
    pass


def children():
    """{pid: (parent, clock ticks used by it and by its ended children)}"""
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open("/proc/%s/stat" % name) as f:
                    field = f.read().rpartition(")")[2].split()
                table[int(name)] = (int(field[1]),
                                    sum(int(x) for x in field[11:15]))
    return table


def family(root, table):
    """root and all that descend from it."""
    found = [root]
    for pid in found:
        found += [p for p, (parent, _) in table.items() if parent == pid]
    return found


def cpu_seconds(roots):
    table = children()
    return sum(table[pid][1] for root in roots
               for pid in family(root, table) if pid in table) / TICK


def memory(root):
    """(RSS, PSS, threads) of a process and its children.  Not VmRSS: that
    lags behind by up to a few hundred KB."""
    rss = pss = threads = 0
    for pid in family(root, children()):
        with open("/proc/%d/smaps_rollup" % pid) as f:
            text = f.read()
        rss += 1024 * int(re.search(r"^Rss: +(\d+)", text, re.M)[1])
        pss += 1024 * int(re.search(r"^Pss: +(\d+)", text, re.M)[1])
        threads += len(os.listdir("/proc/%d/task" % pid))
    return rss, pss, threads


class Stage:
    """Ports, a directory, and processes that end with it."""

    def __init__(self, directory):
        self.directory = directory
        self.procs = []
        self.port = 2000

    def next_port(self):
        self.port += 1
        return self.port

    def start(self, command, port=None):
        log = open(os.path.join(self.directory, "log"), "ab")
        env = dict(os.environ, ADIT_TOKEN="sesame")
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, env=env)
        log.close()
        self.procs.append(p)
        if port is not None:
            await_port(port, p)
        return p

    def serve(self, fn):
        """fn(socket) in a process of its own, for each connection a thread."""
        port = self.next_port()
        s = socket.create_server((HOST, port), backlog=1024)
        pid = os.fork()
        if pid == 0:
            threading.stack_size(256 * 1024)
            while True:
                c, _ = s.accept()
                c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=fn, args=(c,), daemon=True).start()
        s.close()
        return port

    def stop(self, procs):
        for p in procs:
            p.terminate()
        for p in procs:
            try:
                p.wait(3)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
            self.procs.remove(p)


def await_port(port, proc):
    """Until somebody listens.  Looks, and does not connect: single-use
    listeners are among them."""
    wanted = "%04X" % port
    until = time.monotonic() + 10
    while time.monotonic() < until and proc.poll() is None:
        with open("/proc/net/tcp") as f:
            for line in f:
                field = line.split()
                if field[1].endswith(":" + wanted) and field[3] == "0A":
                    return
        time.sleep(0.005)
    raise Failed("%s does not listen" % proc.args)


# Contestants -----------------------------------------------------------------

# As fast as it gets here: with pipes of 64 KiB, its default, it moves 0.8 as
# much in bulk for 1.5 times the CPU time.
HAPROXY = """
global
    nbthread 1
    maxconn 4000
    tune.pipesize 1048576
defaults
    mode tcp
    option splice-auto
    option splice-request
    option splice-response
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen hop
    bind %s:%d
    server next %s:%d
"""

BACKEND = """
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend answer
    bind %s:%d
    http-request return status 200 content-type text/plain string x
"""


def haproxy(stage, template, *args):
    port = args[1]
    path = os.path.join(stage.directory, "haproxy.%d" % port)
    with open(path, "w") as f:
        f.write(template % args)
    return stage.start(["haproxy", "-q", "-db", "-f", path], port)


def direct(stage, to):
    return to, []


def adit(binary):
    def chain(stage, to):
        middle, entry = stage.next_port(), stage.next_port()
        return entry, [
            stage.start([binary, "server", HOST, str(middle), "-q",
                         "--to", "%s:%d" % (HOST, to)], middle),
            stage.start([binary, "client", HOST, str(middle), "-q",
                         "--listen", "%s:%d" % (HOST, entry)], entry)]
    return chain


def two_haproxy(stage, to):
    middle, entry = stage.next_port(), stage.next_port()
    return entry, [haproxy(stage, HAPROXY, HOST, middle, HOST, to),
                   haproxy(stage, HAPROXY, HOST, entry, HOST, middle)]


def two_socat(*options):
    def chain(stage, to):
        def hop(port, to):
            return stage.start(
                ["socat", *options, "TCP-LISTEN:%d,bind=%s,fork,reuseaddr,"
                 "nodelay,backlog=1024" % (port, HOST),
                 "TCP:%s:%d,nodelay" % (HOST, to)], port)
        middle, entry = stage.next_port(), stage.next_port()
        return entry, [hop(middle, to), hop(entry, middle)]
    return chain


BIG = ("-b", "262144")
CHAINS = {
    "direct": direct,
    "adit": adit(ADIT),
    "adit posix": adit(POSIX),
    "haproxy": two_haproxy,
    "socat": two_socat(),
    "socat -b 256K": two_socat(*BIG),
}


# Loads -----------------------------------------------------------------------

def bulk(entry, procs, streams):
    """Gbit/s, and the forwarders' CPU seconds for each GB."""
    roots = [p.pid for p in procs]
    before = cpu_seconds(roots)
    for attempt in range(5):
        out = subprocess.run(
            ["iperf3", "-J", "-c", HOST, "-p", str(entry), "-t", str(SECONDS),
             "-P", str(streams)], stdout=subprocess.PIPE).stdout
        result = json.loads(out)
        if "error" not in result:
            break
        time.sleep(0.2)         # its server is not over the last one yet
    else:
        raise Failed("iperf3: " + result["error"])
    time.sleep(0.05)
    spent = cpu_seconds(roots) - before
    got = result["end"]["sum_received"]
    return {"gbit": got["bits_per_second"] / 1e9,
            "cpu": spent / (got["bytes"] / 1e9)}


def echo(s):
    while s.send(s.recv(4096)):
        pass


def ping(entry):
    """Microseconds of a one-byte round trip."""
    took = []
    with socket.create_connection((HOST, entry)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clock, send, recv = time.perf_counter_ns, s.send, s.recv
        begin = clock()
        gc.disable()
        while clock() - begin < 1.2 * PING_SECONDS * 1e9:
            t = clock()
            send(b"x")
            recv(1)
            took.append(clock() - t)
        gc.enable()
    took = sorted(took[len(took) // 6:])    # the rest was warming up
    return {"p50": took[len(took) // 2] / 1000,
            "p99": took[len(took) * 99 // 100] / 1000}


def connections(entry):
    """Connections per second: an HTTP request on each, no keep-alive."""
    out = subprocess.run(
        ["ab", "-q", "-r", "-t", str(SECONDS), "-n", "10000000",
         "-c", str(AB_CLIENTS), "http://%s:%d/" % (HOST, entry)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    rate = re.search(r"^Requests per second: +([0-9.]+)", out, re.M)
    failed = re.search(r"^Failed requests: +(\d+)", out, re.M)
    if rate is None:
        raise Failed("ab: " + out)
    return {"rate": float(rate[1]), "failed": int(failed[1])}


def pipe(receiver, sender, port):
    """dd | sender -> receiver | cat: Gbit/s, and CPU seconds for each GB."""
    count = PIPE_BYTES >> 18    # of 256 KiB
    source = ["dd", "if=/dev/zero", "bs=256K", "count=%d" % count,
              "status=none"]
    env = dict(os.environ, ADIT_TOKEN="sesame")

    def start(command, stdin, stdout=subprocess.PIPE):
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, env=env)

    sink = []
    if receiver is not None:
        into = start(receiver, subprocess.DEVNULL)
        sink = [into]
        await_port(port, into)
        last = start(["cat"], into.stdout, subprocess.DEVNULL)
        into.stdout.close()
    begin = time.perf_counter()
    dd = start(source, subprocess.DEVNULL)
    if receiver is None:
        last = start(["cat"], dd.stdout, subprocess.DEVNULL)
    else:
        sink.append(start(sender, dd.stdout, subprocess.DEVNULL))
    dd.stdout.close()
    last.wait()
    took = time.perf_counter() - begin
    dd.wait()
    cpu = 0
    for p in sink:
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode != 0:
            raise Failed("%s exited %d" % (p.args, p.returncode))
        cpu += used.ru_utime + used.ru_stime
    size = count << 18
    return {"gbit": 8 * size / took / 1e9, "cpu": cpu / (size / 1e9)}


def pipes():
    """Who joins two pipes over one connection; `none`: dd and cat alone."""
    listen = "TCP-LISTEN:%d,bind=" + HOST + ",reuseaddr"
    port = lambda p: str(p)
    return {
        "none": lambda p: (None, None),
        "adit": lambda p: ([ADIT, "server", HOST, port(p), "-q"],
                           [ADIT, "client", HOST, port(p), "-q"]),
        "nc": lambda p: (["nc", "-d", "-l", HOST, port(p)],
                         ["nc", "-N", HOST, port(p)]),
        "socat -b 256K": lambda p: (
            ["socat", "-u", *BIG, listen % p, "STDOUT"],
            ["socat", "-u", *BIG, "STDIN", "TCP:%s:%d" % (HOST, p)]),
    }


# Idle connections ------------------------------------------------------------

def obey(s):
    """The service behind idle connections: one letter says what to do."""
    block = bytearray(1 << 20)
    while order := s.recv(1):
        if order == b"u":
            swallow(s, block, WORN_BYTES)
        elif order == b"d":
            spout(s, block, WORN_BYTES)
        s.sendall(b".")


def swallow(s, block, left):
    while left > 0:
        n = s.recv_into(block, min(left, len(block)))
        if n == 0:
            raise Failed("a connection ended early")
        left -= n


def spout(s, block, left):
    view = memoryview(block)
    while left > 0:
        n = min(left, len(block))
        s.sendall(view[:n])
        left -= n


def told(s):
    if s.recv(1) != b".":
        raise Failed("a connection ended early")


def idle_cost(stage, chain, service):
    """What one connection costs each of the two sides: fresh, and some time
    after bulk went through WORN of them, both ways.  All that was gained by
    then is put down to these few."""
    entry, procs = chain(stage, service)
    conns = []
    block = bytearray(1 << 20)
    before = [memory(p.pid) for p in procs]
    for _ in range(IDLE):
        s = socket.create_connection((HOST, entry))
        s.sendall(b".")
        told(s)
        conns.append(s)
    time.sleep(1)
    fresh = [memory(p.pid) for p in procs]
    for s in conns[:WORN]:
        s.sendall(b"u")
        spout(s, block, WORN_BYTES)
        told(s)
        s.sendall(b"d")
        swallow(s, block, WORN_BYTES)
        told(s)
    time.sleep(WORN_WAIT)
    worn = [memory(p.pid) for p in procs]
    for s in conns:
        s.close()
    stage.stop(procs)
    sides = []
    for b, f, w in zip(before, fresh, worn):
        per = [(y - x) / IDLE for x, y in zip(b, f)]
        later = [p + (z - y) / WORN for p, y, z in zip(per, f, w)]
        sides.append({"rss": per[0], "pss": per[1], "threads": per[2],
                      "worn_rss": later[0], "worn_pss": later[1]})
    return sides


MEMORY = {
    "adit": adit(ADIT),
    "adit musl": adit(STATIC),
    "adit posix": adit(POSIX),
    "haproxy": two_haproxy,
    "socat": two_socat(),
}


# All of it -------------------------------------------------------------------

def version(command, pattern):
    out = subprocess.run(command, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True).stdout
    found = re.search(pattern, out)
    return found[1] if found else "?"


def machine():
    model = "?"
    with open("/proc/cpuinfo") as f:
        found = re.search(r"^model name\s*: *(.*)$", f.read(), re.M)
        if found:
            model = found[1]
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as f:
        control = f.read().strip()
    return {
        "date": datetime.date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "model": model,
        "kernel": platform.release(),
        "control": control,
        "load": os.getloadavg()[0],
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "versions": {
            "adit": version([ADIT, "--version"], r"(\d[\w.]*)"),
            "haproxy": version(["haproxy", "-v"], r"version (\d+[\d.]*\d)"),
            "socat": version(["socat", "-V"], r"version (\d[\d.]*\d)"),
            "nc": version(["dpkg-query", "-W", "-f", "${Version}",
                           "netcat-openbsd"], r"^(\d[\d.]*)"),
            "iperf3": version(["iperf3", "--version"], r"iperf (\d[\d.]*)"),
            "ab": version(["ab", "-V"], r"Version (\d[\d.]*)"),
        },
    }


def measure(stage):
    loads = {
        "bulk 1": lambda entry, procs: bulk(entry, procs, 1),
        "bulk 8": lambda entry, procs: bulk(entry, procs, 8),
        "ping": lambda entry, procs: ping(entry),
        "connections": lambda entry, procs: connections(entry),
    }
    result = {"machine": machine(), "chains": {}, "pipes": {}, "idle": {}}
    echo_port, idle_port = stage.serve(echo), stage.serve(obey)
    iperf_port, web_port = stage.next_port(), stage.next_port()
    stage.start(["iperf3", "-s", "-p", str(iperf_port)], None)
    haproxy(stage, BACKEND, HOST, web_port)
    service = {"bulk 1": iperf_port, "bulk 8": iperf_port, "ping": echo_port,
               "connections": web_port}

    for name, chain in MEMORY.items():
        say("idle connections: %s" % name)
        result["idle"][name] = idle_cost(stage, chain, idle_port)

    standing = {}
    for name, chain in CHAINS.items():
        made = {port: chain(stage, port) for port in set(service.values())}
        standing[name] = {load: made[port] for load, port in service.items()}
    names = list(CHAINS)
    ends = pipes()
    for i in range(ROUNDS):
        say("round %d of %d" % (i + 1, ROUNDS))
        for load, run in loads.items():
            for k in range(len(names) * (PINGS if load == "ping" else 1)):
                name = names[(i + k) % len(names)]
                values = run(*standing[name][load])
                result["chains"].setdefault(name, {}).setdefault(
                    load, []).append(values)
        for k in range(len(ends)):
            name = list(ends)[(i + k) % len(ends)]
            port = stage.next_port()
            result["pipes"].setdefault(name, []).append(
                pipe(*ends[name](port), port))
    return result


def main():
    args = sys.argv[1:]
    readme = "--readme" in args
    args = [a for a in args if a != "--readme"]
    if args[:1] == ["--from"] and len(args) == 2:
        with open(args[1]) as f:
            result = json.load(f)
    elif not args:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with tempfile.TemporaryDirectory(prefix="adit-bench.") as directory:
            stage = Stage(directory)
            try:
                result = measure(stage)
            except Failed as e:
                with open(os.path.join(directory, "log"), "rb") as f:
                    sys.stderr.buffer.write(f.read()[-4000:])
                sys.exit("bench: %s" % e)
            finally:
                stage.stop(list(stage.procs))
        with open(RESULTS, "w") as f:
            json.dump(result, f, indent=1)
    else:
        sys.exit("usage: tests/bench/run [--readme] [--from FILE]")
    print(report.plain(result), end="")
    if readme:
        report.into_readme(result, TOP)


if __name__ == "__main__":
    main()
