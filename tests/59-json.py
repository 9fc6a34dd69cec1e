#!/usr/bin/env python3
"""Events (adit.1, Events) for scenario 59.

    59-json.py read FILE    every line is an event as the man page has it;
                            prints each as `EVENT STATE MEMBER=VALUE...`
    59-json.py part FILE    the same, of what is left after some were lost
    59-json.py fill FIFO    fill it until it takes no more
    59-json.py drain FIFO   print what is in it, but for what `fill` wrote
"""
import json, os, re, sys, time

# What may be there; "?" is what may be missing.
MEMBERS = {
    "ready": {"role": str, "listen?": str, "local?": str},
    "link up": {"peer": str},
    "link down": {"peer": str, "reason": str, "lost": bool, "rtt_ms?": int},
    "link failed": {"reason": str, "refused": bool},
    "stream opened": {"id": int, "from": str, "to": str},
    "stream closed": {"id": int, "ms": int, "sent": int, "received": int,
                      "whole": bool, "reason": str},
    "refused": {"peer": str, "reason": str},
    "room waiting": {"room": str, "peer": str},
    "room lost": {"room": str, "peer": str, "reason": str},
    "error": {"error": str},
    "end": {"code": int},
}
STATES = "link", "room", "stream"
# Those that are mtunnel's as well: these members come first then.
ACTIONS = {"ready": ["CONNECTED"], "link up": ["CONNECTED"],
           "link down": ["DISCONNECT"], "error": ["ERROR"]}
FILLER = b"\n" * 4096


def once(pairs):
    """An object whose members have different names."""
    keys = [k for k, _ in pairs]
    assert len(set(keys)) == len(keys), "a member twice"
    return dict(pairs)


def shown(value):
    return json.dumps(value) if not isinstance(value, str) else value


def acted(e):
    """What comes before v, if it is what mtunnel's readers expect."""
    keys = list(e)
    first = keys[:keys.index("v")]
    assert first.pop(0) == "action", "action is not first"
    action = e.pop("action")
    assert first in ([["session_id", "addr"], ["session_id", "port"],
                      ["session_id"]] if action == "CONNECTED" else
                     [["session_id"]] if action == "DISCONNECT" else
                     [["error"]]), "members of %s: %s" % (action, first)
    return action, {key: e.pop(key) for key in first}


def session(kind, action, e, state):
    """Begins once and ends once, and is named by each of its links."""
    assert (action and action[0]) in [None, ACTIONS.get(kind, [None])[0]]
    if kind == "error":
        assert action, "an error without its action"
        return
    who = action[1].get("session_id") if action else None
    if kind.startswith("link ") and kind != "link failed" and not action:
        assert list(e)[-1] == "session_id", "whose link?"
        who = e.pop("session_id")
        assert who in state["sessions"], "a link of no session"
    assert who is None or re.fullmatch("[0-9a-f]{16}", who), "id %r" % who
    if state["part"] and action:        # what came before is lost
        (state["sessions"].add if action[0] == "DISCONNECT" else
         state["sessions"].discard)(who)
    if action:
        assert (who in state["sessions"]) == (action[0] == "DISCONNECT")
        change = state["sessions"]
        (change.add if action[0] == "CONNECTED" else change.discard)(who)
    if action and "addr" in action[1]:
        assert action[1]["addr"] == e["peer"], "addr is not peer"
    if action and "port" in action[1]:
        assert 0 < action[1]["port"] < 65536, "port"


def one(line, state):
    assert len(line) + 1 <= 2048, "%d bytes" % len(line)
    e = json.loads(line.decode("utf-8"), object_pairs_hook=once)
    action = acted(e) if "action" in e else None
    assert type(e) is dict and e.pop("v") == 1, "no v of 1"
    name, at = e.pop("event"), e.pop("time")
    assert type(at) is float or type(at) is int, "no time"
    assert state["start"] <= at <= time.time() + 1, "time is %r" % at
    # Threads say what they have seen; one may be held up for a while.
    assert at >= state["last"] - 10, "time goes back"
    state["last"] = at
    kind = name + (" " + e.pop("state") if name in STATES else "")
    members = MEMBERS[kind]
    session(kind, action, e, state)
    if kind == "error":
        e.update(action[1])
    for key, value in e.items():
        want = members.get(key) or members[key + "?"]
        assert type(value) is want, "%s is %r" % (key, value)
        assert value != "" or key == "reason", "%s is empty" % key
        assert want is not int or value >= 0, "%s is %d" % (key, value)
    for key in members:
        assert key.endswith("?") or key in e, "no " + key
    if kind.startswith("stream"):
        live = state["live"]
        assert (e["id"] in live) == (kind == "stream closed"), "id again"
        (live.discard if kind == "stream closed" else live.add)(e["id"])
    assert not state["ended"], "something after the end"
    state["ended"] = name == "end"
    assert not state["ended"] or not state["sessions"], "not disconnected"
    return " ".join([kind] + ["%s=%s" % (k, shown(v)) for k, v in e.items()])


def read(name, part=False):
    state = {"start": time.time() - 3600, "last": 0, "live": set(),
             "ended": False, "sessions": set(), "part": part}
    with open(name, "rb") as f:
        data = f.read()
    lines = data.split(b"\n")
    if lines.pop() != b"":
        sys.exit("the last line has no end")
    for line in lines:
        try:
            print(one(line, state))
        except Exception as e:
            sys.exit("%r: %r" % (line, e))
    if state["ended"] and state["live"]:
        sys.exit("streams never closed: %s" % state["live"])


def fill(name):
    fd = os.open(name, os.O_RDWR | os.O_NONBLOCK)
    for size in 4096, 1:        # the last page, too
        try:
            while True:
                os.write(fd, FILLER[:size])
        except BlockingIOError:
            pass


def drain(name):
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    data = b""
    try:
        while more := os.read(fd, 1 << 16):
            data += more
    except BlockingIOError:
        pass
    sys.stdout.buffer.write(data.lstrip(b"\n"))


{"read": read, "part": lambda name: read(name, True), "fill": fill, "drain": drain}[sys.argv[1]](sys.argv[2])
