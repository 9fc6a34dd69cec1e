#!/usr/bin/env python3
"""The supervisor of scenario 84.  Environment: ADIT, WRAP, SLOW, RELAY, SERVICE
(an echo service), STRONG (a token)."""
import json, os, re, signal, socket, subprocess, sys, threading, time

WAIT = 10 * int(os.environ["SLOW"])
RELAY, SERVICE = os.environ["RELAY"], os.environ["SERVICE"]
PORT = SERVICE.rpartition(":")[2]
ID = "[0-9a-f]{16}"
ALL = []        # to be killed if something is wrong
NONE = b'{"action":"LIST","v":1,"event":"list","time":'


class Adit:
    """One of them, its stdin, and the lines that came on its stdout."""
    def __init__(self, *args, stdin=subprocess.PIPE, closed=False):
        words = os.environ.get("WRAP", "").split() + [os.environ["ADIT"]]
        if closed:
            words = ["sh", "-c", 'exec "$@" <&-', "sh"] + words
        self.args = args
        self.p = subprocess.Popen(words + list(args), stdin=stdin, bufsize=0,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.lines, self.told = [], []
        self.news = threading.Condition()        # with a lock that may be taken twice
        self.seen = 0
        self.errors = []
        ALL.append(self.p)
        self.threads = [threading.Thread(target=f, daemon=True) for f in
                        (self.read, self.read_errors)]
        for t in self.threads:
            t.start()

    def read(self):
        for line in self.p.stdout:
            with self.news:
                self.lines.append(line)
                self.told.append(json.loads(line))
                self.news.notify_all()

    def read_errors(self):
        self.errors += self.p.stderr.readlines()

    def order(self, data):
        if type(data) is dict:
            data = json.dumps(data).encode() + b"\n"
        self.p.stdin.write(data)

    def await_line(self, **want):
        """The next line with these members, of those not yet waited for."""
        end = time.monotonic() + WAIT
        with self.news:
            while True:
                while self.seen < len(self.lines):
                    at = self.seen
                    self.seen += 1
                    e = self.told[at]
                    if all(e.get(k) == v for k, v in want.items()):
                        return self.lines[at], e
                left = end - time.monotonic()
                assert left > 0, "%s: no %s in %s" % (self.args, want,
                                                      self.lines)
                self.news.wait(left)

    def list(self):
        self.order({"action": "LIST"})
        return self.await_line(action="LIST")

    def count(self, **want):
        with self.news:
            return sum(all(e.get(k) == v for k, v in want.items())
                       for e in self.told)

    def await_count(self, n, **want):
        end = time.monotonic() + WAIT
        with self.news:
            while self.count(**want) < n:
                assert self.news.wait(end - time.monotonic()), self.lines

    def ends(self, code):
        got = self.p.wait(WAIT)
        for t in self.threads:
            t.join(WAIT)
        assert got == code, "%s: exit %d: %s" % (self.args, got, self.errors)
        for f in self.p.stdin, self.p.stdout, self.p.stderr:
            if f is not None:
                f.close()
        if self.lines:
            assert self.told[-1]["event"] == "end", self.lines

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        self.ends(0)


def give_up(*what):
    for p in ALL:
        if p.poll() is None:
            p.kill()
    sys.__excepthook__(*what)


sys.excepthook = give_up


def begins(line, pattern):
    assert re.match(pattern.encode(), line), (pattern, line)


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), WAIT)
    s.settimeout(WAIT)
    echo(s, b"hello")
    return s


def echo(s, data):
    s.sendall(data)
    got = b""
    while len(got) < len(data):
        piece = s.recv(len(data) - len(got))
        assert piece, "an end"
        got += piece
    assert got == data, got


def is_cut(s):
    try:
        assert s.recv(1) == b"", "bytes"
        raise AssertionError("an orderly end")
    except ConnectionResetError:
        s.close()


def joined(server, *args):
    """A client; both sides tell so, with the same id."""
    c = Adit(*args, "--json")
    line, e = c.await_line(action="CONNECTED")
    begins(line, r'\{"action":"CONNECTED","session_id":"%s","port":\d+,"v":1,'
           % ID)
    sid = e["session_id"]
    line, _ = server.await_line(action="CONNECTED")
    begins(line, r'\{"action":"CONNECTED","session_id":"%s","addr":'
           r'"127\.0\.0\.1:\d+","v":1,"event":"link",' % sid)
    return c, sid, e["port"]


def about(e, sid):
    return [c for c in e["clients"] if c["session_id"] == sid][0]


# A share, as mtunnel's supervisors begin one; its token as it is.
share = Adit("-port", PORT, "-network=tcp", "--relay", RELAY, "--json")
line, e = share.await_line(action="TOKEN")
begins(line, r'\{"action":"TOKEN","token":"%s/[0-9a-z-]+","v":1,' %
       re.escape(RELAY))
token = e["token"]
line, e = share.list()
assert line.startswith(NONE) and e["clients"] == [], line
a, a_id, a_port = joined(share, "-token", token)
line, e = share.list()
begins(line, r'\{"action":"LIST","sessions":\["%s"\],"v":1,' % a_id)
b, b_id, b_port = joined(share, "--token=" + token, "-port", "0")
line, e = share.list()
begins(line, r'\{"action":"LIST","sessions":\["%s","%s"\],"v":1,' %
       (a_id, b_id))
assert a_id != b_id and len(e["clients"]) == 2

# What there is of each: what has passed so far, of streams that go on.
sa, sb = connect(a_port), connect(b_port)
echo(sb, b"x" * 10000)
for sid, n in (a_id, 5), (b_id, 10005):
    end = time.monotonic() + WAIT
    while True:     # counted when it is written, and we may be quicker
        c = about(share.list()[1], sid)
        if (c["sent"], c["received"]) == (n, n):
            break
        assert time.monotonic() < end, c
    assert c["streams"] == 1 and c["age_s"] < 1000, c
    assert re.fullmatch(r"127\.0\.0\.1:\d+", c["addr"]), c

# Another link takes the place of one: no session begins or ends.
for i in range(3):
    end = time.monotonic() + WAIT
    while a.count(event="link", state="down", session_id=a_id) <= i:
        # One that comes while a link is on its way asks for no other.
        a.p.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert time.monotonic() < end, (share.lines, a.lines)
    share.await_count(i + 1, event="link", state="down", session_id=a_id)
echo(sa, b"again")
for who in share, a:
    assert (who.count(action="CONNECTED", session_id=a_id),
            who.count(action="DISCONNECT")) == (1, 0), (who.args, who.lines)

# What is no order: one ERROR each, and nothing else.
BAD = [
    b"LIST", b"{}", b"[]", b"null", b'"LIST"', b"1", b"{", b"}", b"[1",
    b'{"action"}', b'{"action":}', b'{"action":1}', b'{"action":null}',
    b'{"action":["LIST"]}', b'{"action":"list"}', b'{"action":"LIST',
    b'{"action":"LIST","action":"LIST"}', b'{"action":"LIST",}',
    b"{'action':'LIST'}", b'{"Action":"LIST"}', b'{"action":"SHUTDOWN "}',
    b'{"action":"DISCONNECT"}', b'{"action":"DISCONNECT","session_id":""}',
    b'{"action":"DISCONNECT","session_id":7}',
    b'{"action":"DISCONNECT","session_id":"%s"}' % (b"0" * 100),
    b'{"action":"DISCONNECT","session_id":"%s"}' % a_id[:15].encode(),
    b'{"action":"DISCONNECT","session_id":"%sa"}' % a_id.encode(),
    b'{"action":"DISCONNECT","session_id":"%s"}' % (b"0" * 16),
    b'{"action":"%s"}' % (b"x" * 3000), b"x" * 5000, b"\0", b"\xff\xfe",
    b'{"action":"\xff"}', b'{"action":"\\ud800"}', b'\xef\xbb\xbf{}',
    b'{"a":' * 20 + b"1" + b"}" * 20, b'{"action":"LIST"  "x":1}',
    b'{"pad":"' + b"x" * 5000 + b'","action":"SHUTDOWN"}',
]
def answers():
    # Another link of somebody's may be on its way: who is asked often dials
    # often.
    with share.news:
        return sum(e["event"] != "link" for e in share.told)


before = answers()
for bad in BAD:
    share.order(bad + b"\n")
    line, e = share.await_line(action="ERROR")
    begins(line, r'\{"action":"ERROR","error":"')
share.list()
assert share.count(action="ERROR") == len(BAD)
assert answers() == before + len(BAD) + 1, share.lines
line, _ = share.list()
begins(line, r'\{"action":"LIST","sessions":\["%s","%s"\]' % (a_id, b_id))
echo(sa, b"still")
echo(sb, b"here")

# Orders in any pieces.
before = share.count(action="LIST")
share.order(b'{"action":"LIST"}{"action":"LIST"}\n\r\n {"x":[{}],"action":'
            b'"LIST"} nonsense\n{"action":"LIST"}')
for byte in b'\n{"action": "\\u004cIST"}\r\n':
    share.order(bytes([byte]))
for i in range(5):
    share.await_line(action="LIST")
share.list()
assert share.count(action="LIST") == before + 6
assert share.count(action="ERROR") == len(BAD) + 1

# A client has no sessions to list or to end.
line, e = a.list()
assert line.startswith(NONE) and e["clients"] == [], line
a.order({"action": "DISCONNECT", "session_id": a_id})
a.await_line(action="ERROR")

# One goes, with its streams, and stays away; the other one's are left alone.
share.order({"action": "DISCONNECT", "session_id": a_id})
line, _ = share.await_line(action="DISCONNECT")
begins(line, r'\{"action":"DISCONNECT","session_id":"%s","v":1,' % a_id)
is_cut(sa)
a.await_line(action="DISCONNECT", session_id=a_id)
a.await_line(action="ERROR")
a.ends(4)
echo(sb, b"y" * 100000)
line, e = share.list()
begins(line, r'\{"action":"LIST","sessions":\["%s"\],"v":1,' % b_id)
assert about(e, b_id)["streams"] == 1
share.order({"action": "DISCONNECT", "session_id": a_id})
_, e = share.await_line(action="ERROR")
assert e["error"] == 'no session "%s"' % a_id, e

# Somebody else with the same token is another session.
c, c_id, c_port = joined(share, token, "-port=0")
assert c_id != a_id
sc = connect(c_port)
sc.close()
c.order({"action": "SHUTDOWN"})
c.ends(0)
assert c.count(action="ERROR") == 0
share.await_line(action="DISCONNECT", session_id=c_id)

# stdin ends, in the midst of an order: the tunnel goes on.
share.order(b'{"action":"SHUTDOWN"')
share.p.stdin.close()
share.await_line(action="ERROR")
echo(sb, b"without")
sb.close()
share.stop()
# It dials on: the room is gone for now.
b.await_line(action="DISCONNECT", session_id=b_id)
b.order({"action": "SHUTDOWN"})
b.ends(0)
for sid in a_id, b_id, c_id:
    for action in "CONNECTED", "DISCONNECT":
        assert share.count(action=action, session_id=sid) == 1, (sid, action)

# SHUTDOWN, while a stream runs; stdin that is closed from the start.
share = Adit("share", "-port=" + PORT, "--relay", RELAY, "--drain", "1",
             "--json")
token = share.await_line(action="TOKEN")[1]["token"]
a, a_id, a_port = joined(share, "-token", token)
sa = connect(a_port)
share.order(b'{"action":"SHUTDOWN"}{"action":"LIST"}')
share.ends(1)           # as by SIGTERM: it had to be reset
assert share.count(action="LIST") == 0
assert share.count(action="DISCONNECT", session_id=a_id) == 1
is_cut(sa)
a.stop()
for how in {"stdin": subprocess.DEVNULL}, {"stdin": None, "closed": True}:
    share = Adit("-port", PORT, "--relay", RELAY, "--json", **how)
    token = share.await_line(action="TOKEN")[1]["token"]
    a, a_id, a_port = joined(share, "-token", token)
    connect(a_port).close()
    a.stop()
    share.await_line(action="DISCONNECT", session_id=a_id)
    assert share.count(action="ERROR") == 0
    share.stop()

# UDP here and TCP there is refused, in words; and so is a relay that is none.
share = Adit("-port", PORT, "-network", "udp", "--relay", RELAY, "--json")
token = share.await_line(action="TOKEN")[1]["token"]
a = Adit("-token", token, "--json")
line, e = a.await_line(action="ERROR")
assert "one side carries UDP (-u), the other TCP" in e["error"], line
a.ends(1)
a, a_id, _ = joined(share, "-token", token, "-network", "udp")
share.order({"action": "DISCONNECT", "session_id": a_id})
a.ends(4)
share.order({"action": "SHUTDOWN"})
share.ends(0)
share = Adit("-port", "0", "--relay", RELAY, "--json")
share.ends(2)
share = Adit("-port", PORT, "--relay", "127.0.0.1:1", "--json")
line, e = share.await_line(action="ERROR")
begins(line, r'\{"action":"ERROR","error":"[^"]*127\.0\.0\.1:1')
share.ends(1)

# Pipes to a service are sessions as well.
server = Adit("server", "127.0.0.1", "0", os.environ["STRONG"], "--to",
              SERVICE, "--json")
port = server.await_line(event="ready")[1]["listen"].rpartition(":")[2]
for order in False, True:
    pipe = Adit("client", "127.0.0.1", port, os.environ["STRONG"],
                "--json-fd", "2")
    sid = server.await_line(action="CONNECTED")[1]["session_id"]
    end = time.monotonic() + WAIT
    while about(server.list()[1], sid)["streams"] != 1:
        assert time.monotonic() < end
    if order:
        server.order({"action": "DISCONNECT", "session_id": sid})
    else:
        pipe.p.stdin.close()
    server.await_line(action="DISCONNECT", session_id=sid)
    pipe.ends(4 if order else 0)
assert server.count(action="CONNECTED") == server.count(
    action="DISCONNECT") == 2
server.stop()

# The other way round: streams that a server asks for are their client's.
server = Adit("server", "127.0.0.1", "0", os.environ["STRONG"], "--listen",
              "0", "--json")
e = server.await_line(event="ready")[1]
port, local = (int(e[k].rpartition(":")[2]) for k in ("listen", "local"))
a = Adit("client", "127.0.0.1", str(port), os.environ["STRONG"], "--to",
         SERVICE, "--json")
sid = a.await_line(action="CONNECTED")[1]["session_id"]
server.await_line(action="CONNECTED", session_id=sid)
sa = connect(local)
assert about(server.list()[1], sid)["streams"] == 1
server.order({"action": "DISCONNECT", "session_id": sid})
is_cut(sa)
a.ends(4)
server.stop()
print("all done")
