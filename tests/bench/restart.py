#!/usr/bin/env python3
"""What relay-restart measures; run by it, in namespaces of its own."""
import os, selectors, socket, struct, subprocess, sys, time

AT = ("127.0.0.1", 7000)
TOKEN = "korav-gilit-kuvar-rihat-hugus"
LINGER = struct.pack("ii", 1, 0)
SLICE = 0.1


def relay(n):
    """Start it; returns the process, listening."""
    p = subprocess.Popen(
        ["./adit", "relay", AT[0], str(AT[1]), "--max-rooms", str(n + 100),
         "--max-per-source", str(n + 100)], stderr=subprocess.PIPE, bufsize=0)
    text = b""
    while b"relay, listening on " not in text:
        if not (data := os.read(p.stderr.fileno(), 4096)):
            sys.exit("no relay: %s" % text.decode())
        text += data
    return p, text.split(b"\n")[-1]


def waits(p, rest, n, since, limit):
    """When the rooms were taken: seconds after since, one for each room."""
    seen, times, end = set(), [], time.monotonic() + limit
    with selectors.DefaultSelector() as sel:
        sel.register(p.stderr, selectors.EVENT_READ)
        while len(seen) < n and time.monotonic() < end:
            if not sel.select(0.5):
                continue
            rest += os.read(p.stderr.fileno(), 1 << 16)
            *lines, rest = rest.split(b"\n")
            for line in lines:
                word = line.split()
                if word[:1] == [b"room"] and word[-1] == b"waits" and \
                        word[1] not in seen:
                    seen.add(word[1])
                    times.append(time.monotonic() - since)
    return times


def count(seconds):
    """Stand in the relay's place and reset everybody; when they came."""
    times, began = [], time.monotonic()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(AT)
        s.listen(4096)
        while (left := began + seconds - time.monotonic()) > 0:
            s.settimeout(left)
            try:
                c, _ = s.accept()
            except TimeoutError:
                break
            times.append(time.monotonic() - began)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            c.close()
    return times


def spread(what, times, until):
    """Print how many in each tenth of a second; and the most, and the mean."""
    slices = [0] * max(1, int(until / SLICE + 0.999))
    for t in times:
        if t < until:
            slices[int(t / SLICE)] += 1
    print("%s, in each %d ms: %s" % (what, SLICE * 1000,
                                     " ".join(map(str, slices))))
    late = slices[len(slices) // 2:]
    print("    the most %d, mean of the second half %.0f" %
          (max(slices), sum(late) / len(late)))


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    downs = [float(s) for s in sys.argv[2:]] or [0.0, 5.0]
    p, rest = relay(n)
    servers = [subprocess.Popen(
        ["./adit", "server", AT[0], str(AT[1]), TOKEN, "--room", "r%d" % i,
         "--to", "127.0.0.1:9", "-q"]) for i in range(n)]
    began = time.monotonic()
    times = waits(p, rest, n, began, 60)
    print("%d of %d servers have their rooms" % (len(times), n), flush=True)
    for down in downs:
        time.sleep(2)
        p.kill()
        p.wait()
        if down > 0:
            spread("attempts while it is away for %g s" % down, count(down),
                   down)
        p, rest = relay(n)
        times = waits(p, rest, n, time.monotonic(), 60)
        if len(times) < n:
            print("only %d of %d came back" % (len(times), n))
            break
        print("down for %g s: half back after %.2f s, 99 %% after %.2f s, "
              "all %d after %.2f s" % (down, times[n // 2],
                                       times[int(n * 0.99)], n, times[-1]))
        spread("rooms taken", times, times[-1] + SLICE)
        sys.stdout.flush()
    for s in servers:
        s.kill()


if __name__ == "__main__":
    main()
