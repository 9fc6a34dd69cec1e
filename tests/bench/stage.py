"""What all measurements share: processes that end with them, and loads.

Standard library only.
"""
import contextlib, gc, json, os, re, shutil, socket, subprocess, sys
import threading, time

HOST = "127.0.0.1"
ROUNDS = int(os.environ.get("ROUNDS", "9"))
SECONDS = int(os.environ.get("SECONDS_EACH", "1"))
PING_SECONDS = 0.4
AB_CLIENTS = 8              # well below the 16 handshakes a source may have
TICK = os.sysconf("SC_CLK_TCK")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ADIT = os.path.join(TOP, "adit")
POSIX = os.path.join(TOP, "build/posix/adit")
STATIC = os.path.join(TOP, "build/static/adit")
CHACHA = os.path.join(TOP, "build/chacha/adit")
TOKEN = "vagoh-pipoj-hirub-nulum-lunog"


def say(text):
    print(text, file=sys.stderr, flush=True)


# Processes -------------------------------------------------------------------

class Failed(Exception):
    pass


class Absent(Exception):
    """A contestant that cannot be had here, and why."""


def need(program):
    if shutil.which(program) is None:
        raise Absent("%s is not installed" % program)


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


def with_token():
    return dict(os.environ, ADIT_TOKEN=TOKEN)


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
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, env=with_token())
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


def haproxy(stage, template, *args):
    port = args[1]
    path = os.path.join(stage.directory, "haproxy.%d" % port)
    with open(path, "w") as f:
        f.write(template % args)
    return stage.start(["haproxy", "-q", "-db", "-f", path], port)


def encrypts(binary):
    """Only a build with BearSSL serves without --plain."""
    try:
        out = subprocess.run([binary, "--version"], stdout=subprocess.PIPE,
                             text=True).stdout
    except OSError:
        raise Absent("%s is not built" % os.path.relpath(binary, TOP))
    if "WITHOUT encryption" in out:
        raise Absent("this build of adit does not encrypt")


# Loads -----------------------------------------------------------------------

def bulk(entry, procs, streams):
    """Gbit/s, and the forwarders' CPU seconds for each GB: both, and the one
    that is nearer to the sender and the other."""
    def spent():
        return [cpu_seconds([p.pid]) for p in procs]

    before = spent()
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
    got = result["end"]["sum_received"]
    cpu = [(y - x) / (got["bytes"] / 1e9) for x, y in zip(before, spent())]
    return {"gbit": got["bits_per_second"] / 1e9, "cpu": sum(cpu),
            "far": cpu[0] if cpu else 0, "near": cpu[-1] if cpu else 0}


def echo(s):
    while s.send(s.recv(4096)):
        pass


def dial(entry, host=HOST):
    s = socket.create_connection((host, entry))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def ping(entry):
    with dial(entry) as s:
        return ping_over(s)


def ping_over(s):
    """Microseconds of a one-byte round trip."""
    took = []
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
