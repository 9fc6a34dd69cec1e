#!/usr/bin/env python3
"""Measure adit and its peers side by side; tests/bench/run starts this.

Every contestant is a chain of two forwarders (or none) before the same
services.  All chains stand from the beginning; in each round every contestant
is measured once, in an order that turns by one from round to round, so that
whatever else the machine does hits all of them alike.  What is reported are
medians over the rounds; ratios are ratios of these medians.  Who cannot be
had here is left out, and the reason is reported.

Standard library only.  Bulk is iperf3's work, connections per second ab's;
the round trips are timed here, because neither sends single bytes.  The
ciphers' own speed is what `openssl speed` says.
"""
import contextlib, datetime, json, os, platform, re, resource, shutil
import signal, socket, statistics, subprocess, sys, tempfile, time

import relay, report
from stage import *

PINGS = 2                   # each round; where threads come to run is chance
PIPE_BYTES = SECONDS * 3 << 28
IDLE = 400                  # idle connections
WORN = 25                   # those of them that then carry bulk
WORN_BYTES = 20 * 1000 * 1000
WORN_WAIT = 7               # seconds until adit has given its buffers back
STARTS = 2                  # pipes begun for one byte, each round
DIALS = 40                  # key exchanges by one client
BOGUS = 60                  # hellos of strangers; the server takes 50 at once
SPEED_EVERY = 3             # rounds; openssl's figures vary little
RESULTS = os.path.join(TOP, "build/bench.json")


# Contestants -----------------------------------------------------------------

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


def direct(stage, to):
    return to, []


def adit(binary, *options):
    def chain(stage, to):
        if "--plain" not in options:
            encrypts(binary)
        middle, entry = stage.next_port(), stage.next_port()
        return entry, [
            stage.start([binary, "server", HOST, str(middle), "-q", *options,
                         "--to", "%s:%d" % (HOST, to)], middle),
            stage.start([binary, "client", HOST, str(middle), "-q", *options,
                         "--listen", "%s:%d" % (HOST, entry)], entry)]
    return chain


def two_spiped(stage, to):
    """As it comes: AES-256-CTR and HMAC-SHA-256, one process each."""
    need("spiped")
    key = os.path.join(stage.directory, "spiped.key")
    if not os.path.exists(key):
        with open(key, "wb") as f:
            f.write(os.urandom(32))
        os.chmod(key, 0o600)
    middle, entry = stage.next_port(), stage.next_port()

    def hop(way, port, to):
        return stage.start(
            ["spiped", way, "-F", "-n", "500", "-k", key,
             "-p", os.path.join(stage.directory, "spiped.%d" % port),
             "-s", "[%s]:%d" % (HOST, port), "-t", "[%s]:%d" % (HOST, to)],
            port)
    return entry, [hop("-d", middle, to), hop("-e", entry, middle)]


SSHD = """
ListenAddress %s:%d
HostKey %s
AuthorizedKeysFile %s.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
UseDNS no
"""


def ssh(cipher):
    """ssh -L and an sshd of its own, with keys that die with it."""
    def chain(stage, to):
        need("ssh")
        need("sshd")
        if not os.access("/run/sshd", os.W_OK):
            raise Absent("sshd has to run as root")
        host, user = (os.path.join(stage.directory, "ssh." + who)
                      for who in ("host", "user"))
        for key in (host, user):
            if not os.path.exists(key):
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                                "-f", key], check=True)
        middle, entry = stage.next_port(), stage.next_port()
        config = os.path.join(stage.directory, "sshd.%d" % middle)
        with open(config, "w") as f:
            f.write(SSHD % (HOST, middle, host, user))
        started = []
        try:
            started.append(stage.start(
                [shutil.which("sshd"), "-D", "-e", "-f", config], middle))
            started.append(stage.start(
                ["ssh", "-F", "none", "-N", "-T", "-i", user, "-p",
                 str(middle), "-c", cipher, "-o", "BatchMode=yes",
                 "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
                 "-o", "UserKnownHostsFile=" + stage.directory + "/known",
                 "-o", "ExitOnForwardFailure=yes", "-o", "IPQoS=none",
                 "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes",
                 "-L", "%s:%d:%s:%d" % (HOST, entry, HOST, to), HOST], entry))
        except Failed:
            stage.stop(started)
            with open(os.path.join(stage.directory, "log")) as f:
                last = f.read().strip().rpartition("\n")[2]
            raise Absent("it did not start: " + last[-160:])
        return entry, started
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
    "adit chacha20": adit(CHACHA),
    "ssh -L aes128-gcm": ssh("aes128-gcm@openssh.com"),
    "ssh -L chacha20": ssh("chacha20-poly1305@openssh.com"),
    "spiped": two_spiped,
    "adit --plain": adit(ADIT, "--plain"),
    "adit --plain, posix": adit(POSIX, "--plain"),
    "haproxy": two_haproxy,
    "socat": two_socat(),
    "socat -b 256K": two_socat(*BIG),
}
# Who is measured by what; ciphers and buffers make no other round trips.
BULK_ONLY = ("adit chacha20", "ssh -L chacha20", "adit --plain, posix",
             "socat -b 256K")


# Loads -----------------------------------------------------------------------

def pipe(receiver, sender, port):
    """dd | sender -> receiver | cat: Gbit/s, and CPU seconds for each GB."""
    count = PIPE_BYTES >> 18    # of 256 KiB
    source = ["dd", "if=/dev/zero", "bs=256K", "count=%d" % count,
              "status=none"]

    def start(command, stdin, stdout=subprocess.PIPE):
        return subprocess.Popen(command, stdin=stdin, stdout=stdout,
                                env=with_token())

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

    def adit(*options):
        return lambda p: ([ADIT, "server", HOST, port(p), "-q", *options],
                          [ADIT, "client", HOST, port(p), "-q", *options])
    return {
        "none": lambda p: (None, None),
        "adit": adit(),
        "adit --plain": adit("--plain"),
        "nc": lambda p: (["nc", "-d", "-l", HOST, port(p)],
                         ["nc", "-N", HOST, port(p)]),
        "socat -b 256K": lambda p: (
            ["socat", "-u", *BIG, listen % p, "STDOUT"],
            ["socat", "-u", *BIG, "STDIN", "TCP:%s:%d" % (HOST, p)]),
    }


# Key exchanges ---------------------------------------------------------------

def start_pipe(stage, *options):
    """A client starts, and one byte from the server comes out of it: how many
    ms that took, and how many of the client's CPU time."""
    port = stage.next_port()
    into = subprocess.Popen(
        [ADIT, "server", HOST, str(port), "-q", *options],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=with_token())
    await_port(port, into)
    into.stdin.write(b"x")
    into.stdin.flush()
    begin = time.perf_counter()
    client = subprocess.Popen(
        [ADIT, "client", HOST, str(port), "-q", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=with_token())
    if client.stdout.read(1) != b"x":
        raise Failed("no byte came through a pipe")
    took = time.perf_counter() - begin
    into.stdin.close()
    _, _, used = os.wait4(client.pid, 0)
    client.returncode = 0
    client.stdout.close()
    into.wait()
    return {"ms": 1000 * took, "cpu": 1000 * (used.ru_utime + used.ru_stime)}


def dials(stage):
    """Key exchanges alone: SIGHUP has a client dial another link, until it
    says that this is up.  Then those of strangers, who never finish them."""
    port = stage.next_port()
    server = stage.start([ADIT, "server", HOST, str(port), "-q",
                          "--to", "%s:%d" % (HOST, port)], port)
    client = subprocess.Popen(
        [ADIT, "client", HOST, str(port), "-q", "--json", "--listen", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=with_token())
    stage.procs.append(client)

    def up():
        for line in client.stdout:
            event = json.loads(line)
            if event.get("event") == "link" and event.get("state") == "up":
                return
        raise Failed("a link did not come up")

    up()
    took = []
    before = [cpu_seconds([p.pid]) for p in (client, server)]
    for _ in range(DIALS):
        begin = time.perf_counter()
        client.send_signal(signal.SIGHUP)
        up()
        took.append(1000 * (time.perf_counter() - begin))
        time.sleep(0.02)        # the old link goes
    cpu = [1000 * (cpu_seconds([p.pid]) - b) / DIALS
           for p, b in zip((client, server), before)]
    stage.stop([client])
    client.stdout.close()
    before = cpu_seconds([server.pid])
    answered = sum(bogus_hello(port) for _ in range(BOGUS))
    time.sleep(0.05)
    bogus = cpu_seconds([server.pid]) - before
    stage.stop([server])
    return {"ms": statistics.median(took), "client": cpu[0], "server": cpu[1],
            "bogus": 1e6 * bogus / max(answered, 1), "answered": answered}


# m1 of PROTOCOL.md, with P-256's generator for a share: a valid point.
M1 = bytes.fromhex(
    "ad17010103"
    "04"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def bogus_hello(port):
    """As much of a handshake as one can have without the token; True if the
    server has computed its part."""
    with socket.create_connection((HOST, port)) as s:
        s.settimeout(5)
        s.sendall(M1)
        with contextlib.suppress(OSError):
            return s.recv(4096)[:1] == b" "
    return False


def speed(cipher):
    """CPU seconds that OpenSSL takes for a GB, in records like ours."""
    out = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "-bytes", "16384", "-evp",
         cipher], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True).stdout
    found = re.search(r"^\S+ +([0-9.]+)k$", out, re.M)
    if found is None:
        raise Failed("openssl speed: " + out)
    return 1e6 / float(found[1])


SPEEDS = {"adit": "aes-256-gcm", "adit chacha20": "chacha20-poly1305"}


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


def idle_costs(stage, service, absent):
    """What one connection costs each of the two sides: fresh, and some time
    after bulk went through WORN of them, both ways.  All that was gained by
    then is put down to these few."""
    block = bytearray(1 << 20)
    held, result = {}, {}
    for name, chain in MEMORY.items():
        say("idle connections: %s" % name)
        try:
            entry, procs = chain(stage, service)
        except Absent as e:
            absent[name] = str(e)
            continue
        with socket.create_connection((HOST, entry)) as s:
            s.sendall(b".")     # the link is up, too
            told(s)
        time.sleep(0.2)
        before = [memory(p.pid) for p in procs]
        conns = []
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
        held[name] = procs, conns, before, fresh
    time.sleep(WORN_WAIT)
    for name, (procs, conns, before, fresh) in held.items():
        worn = [memory(p.pid) for p in procs]
        for s in conns:
            s.close()
        stage.stop(procs)
        result[name] = []
        for b, f, w in zip(before, fresh, worn):
            per = [(y - x) / IDLE for x, y in zip(b, f)]
            later = [p + (z - y) / WORN for p, y, z in zip(per, f, w)]
            result[name].append(
                {"rss": per[0], "pss": per[1], "threads": per[2],
                 "worn_rss": later[0], "worn_pss": later[1]})
    return result


MEMORY = {
    "adit": adit(ADIT),
    "adit musl": adit(STATIC),
    "adit --plain": adit(ADIT, "--plain"),
    "adit --plain, musl": adit(STATIC, "--plain"),
    "haproxy": two_haproxy,
    "socat": two_socat(),
}


# All of it -------------------------------------------------------------------

def version(command, pattern):
    if shutil.which(command[0]) is None:
        return "?"
    out = subprocess.run(command, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True).stdout
    found = re.search(pattern, out)
    return found[1] if found else "?"


def machine():
    model = "?"
    with open("/proc/cpuinfo") as f:
        text = f.read()
    found = re.search(r"^model name\s*: *(.*)$", text, re.M)
    if found:
        model = found[1]
    flags = re.search(r"^flags\s*: *(.*)$", text, re.M)
    flags = flags[1].split() if flags else []
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as f:
        control = f.read().strip()
    return {
        "date": datetime.date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "model": model,
        "aes": "aes" in flags and "pclmulqdq" in flags,
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
            "spiped": version(["spiped", "-v"], r"spiped (\d[\d.]*\d)"),
            "ssh": version(["ssh", "-V"], r"OpenSSH_(\w[\w.]*)"),
            "rathole": version(["rathole", "--version"],
                               r"Build Version: +(\d[\d.]*)"),
            "frp": version(["frps", "--version"], r"(\d[\d.]*)"),
            "bore": version(["bore", "--version"], r"bore-cli (\d[\d.]*)"),
            "openssl": version(["openssl", "version"], r"OpenSSL (\S+)"),
        },
    }


def serve_all(stage):
    """{load: port} of the services behind all forwarders."""
    echo_port = stage.serve(echo)
    iperf_port, web_port = stage.next_port(), stage.next_port()
    stage.start(["iperf3", "-s", "-p", str(iperf_port)], None)
    haproxy(stage, BACKEND, HOST, web_port)
    return {"bulk 1": iperf_port, "bulk 8": iperf_port, "ping": echo_port,
            "connections": web_port}


def measure(stage, service):
    loads = {
        "bulk 1": lambda entry, procs: bulk(entry, procs, 1),
        "bulk 8": lambda entry, procs: bulk(entry, procs, 8),
        "ping": lambda entry, procs: ping(entry),
        "connections": lambda entry, procs: connections(entry),
    }
    absent = {}
    result = {"machine": machine(), "absent": absent, "chains": {},
              "pipes": {}, "starts": {}, "dials": [], "speeds": {}}
    idle_port = stage.serve(obey)
    result["idle"] = idle_costs(stage, idle_port, absent)

    standing = {}
    for name, chain in CHAINS.items():
        wanted = {port for load, port in service.items()
                  if name not in BULK_ONLY or load.startswith("bulk")}
        try:
            made = {port: chain(stage, port) for port in sorted(wanted)}
        except Absent as e:
            absent[name] = str(e)
            continue
        standing[name] = {load: made[port] for load, port in service.items()
                          if port in made}
    ends = pipes()
    starts = {"adit": (), "adit --plain": ("--plain",)}
    if "adit" in absent:
        del ends["adit"], starts["adit"]
    for i in range(ROUNDS):
        say("round %d of %d" % (i + 1, ROUNDS))
        for load, run in loads.items():
            names = [n for n in standing if load in standing[n]]
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
        for _ in range(STARTS):
            for name, options in starts.items():
                result["starts"].setdefault(name, []).append(
                    start_pipe(stage, *options))
        if i % SPEED_EVERY == 0 and "adit" in starts:
            result["dials"].append(dials(stage))
            for name, cipher in SPEEDS.items():
                if shutil.which("openssl") is not None:
                    result["speeds"].setdefault(name, []).append(
                        speed(cipher))
    return result


def main():
    args = sys.argv[1:]
    readme, relay_only = "--readme" in args, "--relay" in args
    args = [a for a in args if a not in ("--readme", "--relay")]
    result = {}
    if args[:1] == ["--from"] and len(args) == 2:
        with open(args[1]) as f:
            result = json.load(f)
    elif not args:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if relay_only:
            with contextlib.suppress(OSError), open(RESULTS) as f:
                result = json.load(f)
        with tempfile.TemporaryDirectory(prefix="adit-bench.") as directory:
            stage = Stage(directory)
            try:
                service = serve_all(stage)
                # First, as long as nobody else is there.
                load = os.getloadavg()[0]
                found = relay.measure(stage, service, hard)
                found.update(machine=machine(), load_before=load)
                if not relay_only:
                    result = measure(stage, service)
                result["relay"] = found
            except Failed as e:
                with open(os.path.join(directory, "log"), "rb") as f:
                    sys.stderr.buffer.write(f.read()[-4000:])
                sys.exit("bench: %s" % e)
            finally:
                stage.stop(list(stage.procs))
        with open(RESULTS, "w") as f:
            json.dump(result, f, indent=1)
    else:
        sys.exit("usage: tests/bench/run [--readme] [--relay] [--from FILE]")
    print(report.plain(result), end="")
    if readme:
        report.into_readme(result, TOP)


if __name__ == "__main__":
    main()
