"""Results as a table, as a block of README.md, and as docs/bench.svg."""
import os, statistics, sys
from xml.sax.saxutils import escape

STACK = 16 * 1024           # of a thread, in the kernel; no part of RSS

LOADS = {                   # load: its main value
    "bulk 1": "gbit",
    "bulk 8": "gbit",
    "ping": "p50",
    "connections": "rate",
}
SSH = ("ssh -L aes128-gcm", "ssh -L chacha20")


# Figures ---------------------------------------------------------------------

def values(result, name, load, value):
    return [v[value] for v in result["chains"].get(name, {}).get(load, [])]


def median(result, name, load, value):
    """0 if it was not measured."""
    each = values(result, name, load, value)
    return statistics.median(each) if each else 0


def ratio(result, name, other, load, value):
    """Of medians; 0 if there is nothing to divide, or to divide by."""
    below = median(result, other, load, value)
    return median(result, name, load, value) / below if below > 0 else 0


def spread(result, name, other, load, value):
    """The middle half of the rounds' own ratios."""
    each = [a / b for a, b in zip(values(result, name, load, value),
                                  values(result, other, load, value))]
    if len(each) < 2:
        return each[0], each[0]
    low, _, high = statistics.quantiles(each, n=4, method="inclusive")
    return low, high


def best_ssh(result, load):
    """The faster one of ssh's ciphers."""
    return max(SSH, key=lambda name: median(result, name, load, LOADS[load])
               if load.startswith("bulk") else name == SSH[0])


def mean(rows, value):
    return statistics.fmean(row[value] for row in rows)


def idle(side, when):
    """Bytes of one connection on one side.  A process that forks for each
    connection counts by PSS: its RSS is mostly the same pages every time."""
    forks = side["rss"] > 2 * side["pss"] + 4096
    key = {"fresh": "", "worn": "worn_"}[when] + ("pss" if forks else "rss")
    return side[key] + STACK * side["threads"]


def idle_worst(sides, when):
    return max(idle(side, when) for side in sides)


def targets(result):
    """(what, wanted, got, verdict)"""
    rows = []

    def compare(what, name, load, other, limit, at_most=False):
        value = LOADS[load]
        wanted = "%s %.2f" % ("<=" if at_most else ">=", limit)
        got = ratio(result, name, other, load, value)
        if got == 0:
            rows.append((what, wanted, "-", "not measured"))
            return
        low, high = spread(result, name, other, load, value)
        met = got <= limit if at_most else got >= limit
        rows.append((what, wanted, "%.2f (%.2f to %.2f)" % (got, low, high),
                     "met" if met else "not met"))

    bulks = (("bulk 1", "1 stream"), ("bulk 8", "8 streams"))
    for load, text in bulks:
        compare("bulk, %s / spiped" % text, "adit", load, "spiped", 4)
        compare("bulk, %s / ssh -L" % text, "adit", load,
                best_ssh(result, load), 1.5)
        if result["machine"]["aes"]:
            compare("bulk, %s / --plain" % text, "adit", load,
                    "adit --plain", 0.4)
            compare("bulk, %s / --plain, posix" % text, "adit", load,
                    "adit --plain, posix", 0.5)
    compare("round trip p50 / --plain", "adit", "ping", "adit --plain", 1.3,
            at_most=True)
    compare("connections per second / --plain", "adit", "connections",
            "adit --plain", 0.5)
    for load, text in bulks:
        compare("--plain, bulk, %s / haproxy" % text, "adit --plain", load,
                "haproxy", 0.95)
        compare("--plain, bulk, %s / socat" % text, "adit --plain", load,
                "socat", 2)
        compare("--plain, bulk, %s / socat -b 256K" % text, "adit --plain",
                load, "socat -b 256K", 2)
    compare("--plain, round trip p50 / haproxy", "adit --plain", "ping",
            "haproxy", 1, at_most=True)
    compare("--plain, connections per second / socat", "adit --plain",
            "connections", "socat", 2)
    for name, text, limit in (
            ("adit --plain", "--plain, idle connection, glibc", 60),
            ("adit --plain, musl", "--plain, idle connection, musl static",
             50)):
        for when, then in (("fresh", "fresh"), ("worn", "after bulk")):
            if name not in result["idle"]:
                continue
            got = idle_worst(result["idle"][name], when) / 1024
            rows.append(("%s, %s" % (text, then), "<= %d KiB" % limit,
                         "%.1f KiB" % got,
                         "met" if got <= limit else "not met"))
    return rows


def failures(result):
    failed = {name: sum(values(result, name, "connections", "failed"))
              for name in result["chains"]}
    return ["%s: %d failed connections" % (name, n)
            for name, n in failed.items() if n > 0]


# Tables: lists of rows of text, the first one the heading --------------------

def cell(form, value):
    return form % value if value > 0 else "-"


def forwarders(result):
    rows = [["two in a row", "1 stream, Gbit/s", "x direct", "CPU s/GB",
             "8 streams, Gbit/s", "x direct", "CPU s/GB", "1 byte p50, us",
             "p99, us", "connections/s"]]
    for name in result["chains"]:
        row = [name]
        for load in ("bulk 1", "bulk 8"):
            row += [cell("%.1f", median(result, name, load, "gbit")),
                    cell("%.2f", ratio(result, name, "direct", load, "gbit")),
                    cell("%.2f", median(result, name, load, "cpu"))]
        row += [cell("%.1f", median(result, name, "ping", "p50")),
                cell("%.0f", median(result, name, "ping", "p99")),
                cell("%.0f", median(result, name, "connections", "rate"))]
        rows.append(row)
    return rows


def ratios(result):
    rows = [["adit /", "1 stream", "its CPU", "8 streams", "its CPU",
             "1 byte p50", "p99", "connections/s"]]
    for name in result["chains"]:
        if name == "adit":
            continue
        rows.append([name] + [
            cell("%.2f", ratio(result, "adit", name, load, value))
            for load, value in (("bulk 1", "gbit"), ("bulk 1", "cpu"),
                                ("bulk 8", "gbit"), ("bulk 8", "cpu"),
                                ("ping", "p50"), ("ping", "p99"),
                                ("connections", "rate"))])
    return rows


CIPHERS = {
    "adit": ("AES-256-GCM", "aes-256-gcm"),
    "adit chacha20": ("ChaCha20-Poly1305", "chacha20-poly1305"),
}


def ciphers(result):
    """What encryption costs each side, beside what another library takes."""
    rows = [["CPU s/GB, one stream", "sealing side", "opening side",
             "the same without encryption", "openssl speed"]]
    plain = [median(result, "adit --plain, posix", "bulk 1", side)
             for side in ("near", "far")]
    for name, (text, _) in CIPHERS.items():
        if name not in result["chains"] or not result["speeds"].get(name):
            continue
        if name == "adit" and not result["machine"]["aes"]:
            continue
        rows.append([text,
                     "%.2f" % median(result, name, "bulk 1", "near"),
                     "%.2f" % median(result, name, "bulk 1", "far"),
                     "%.2f, %.2f" % tuple(plain),
                     "%.2f" % statistics.median(result["speeds"][name])])
    return rows


def exchanges(result):
    rows = [["key exchanges", "", "CPU ms, client", "CPU ms, server"]]
    for name, each in result["starts"].items():
        rows.append(["a pipe, from the client's start to its first byte, %s"
                     % name,
                     "%.1f ms" % statistics.median(v["ms"] for v in each),
                     "%.1f" % statistics.median(v["cpu"] for v in each),
                     "-"])
    if result["dials"]:
        rows.append(["another link, from dialling until it is up",
                     "%.1f ms" % statistics.median(
                         v["ms"] for v in result["dials"]),
                     "%.1f" % mean(result["dials"], "client"),
                     "%.1f" % mean(result["dials"], "server")])
        rows.append(["1000 valid first messages of strangers", "", "-",
                     "%.0f" % mean(result["dials"], "bogus")])
    return rows


def pipes(result):
    rows = [["dd | ... | cat", "Gbit/s", "x none", "CPU s/GB"]]

    def of(name, value):
        return statistics.median(v[value] for v in result["pipes"][name])

    for name in result["pipes"]:
        rows.append([name, "%.1f" % of(name, "gbit"),
                     "%.2f" % (of(name, "gbit") / of("none", "gbit")),
                     "%.2f" % of(name, "cpu") if name != "none" else "-"])
    return rows


def idles(result):
    rows = [["idle connection and side", "fresh, KiB", "after bulk, KiB",
             "threads or processes"]]
    for name, sides in result["idle"].items():
        rows.append([name, "%.1f" % (idle_worst(sides, "fresh") / 1024),
                     "%.1f" % (idle_worst(sides, "worn") / 1024),
                     "%.0f" % max(side["threads"] for side in sides)])
    return rows


def verdicts(result):
    rows = [["target", "wanted", "got (middle half)", ""]]
    return rows + [list(row) for row in targets(result)]


def align(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ""
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        text += "  ".join(cells).rstrip() + "\n"
    return text


def markdown(rows):
    lines = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 1)] + rows[1:]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in r) + " |\n"
                   for r in lines)


# The relay -------------------------------------------------------------------

def part(result, kind):
    """A part of the relay's, as median() and the like want it."""
    return {"chains": result["relay"][kind]}


def added(rows, name):
    """Of a round trip, us: what is in the middle."""
    return (median(rows, name, "ping", "p50") -
            median(rows, "direct", "ping", "p50"))


def relay_raw(result):
    rows = [["raw ends, and between them", "1 stream, Gbit/s", "x haproxy",
             "CPU s/GB", "8 streams, Gbit/s", "x haproxy", "CPU s/GB",
             "1 byte p50, us", "added", "a stream's setup p50, ms"]]
    raw = part(result, "raw")
    for name in raw["chains"]:
        row = [name]
        for load in ("bulk 1", "bulk 8"):
            row += [cell("%.1f", median(raw, name, load, "gbit")),
                    cell("%.2f", ratio(raw, name, "haproxy", load, "gbit")),
                    cell("%.3f", median(raw, name, load, "cpu"))]
        row += [cell("%.1f", median(raw, name, "ping", "p50")),
                cell("%.1f", added(raw, name)),
                cell("%.2f", median(raw, name, "setup", "ms"))]
        rows.append(row)
    return rows


def relay_ends(result, kind, title):
    """Forwarders at both ends, too."""
    rows = [[title, "1 stream, Gbit/s", "CPU s/GB", "8 streams, Gbit/s",
             "CPU s/GB", "1 byte p50, us", "p99, us",
             "a stream's setup p50, ms", "connections/s"]]
    of = part(result, kind)
    for name in of["chains"]:
        row = [name]
        for load in ("bulk 1", "bulk 8"):
            row += [cell("%.1f", median(of, name, load, "gbit")),
                    cell("%.2f", median(of, name, load, "cpu"))]
        row += [cell("%.1f", median(of, name, "ping", "p50")),
                cell("%.0f", median(of, name, "ping", "p99")),
                cell("%.2f", median(of, name, "setup", "ms")),
                cell("%.0f", median(of, name, "connections", "rate"))]
        rows.append(row)
    return rows


def relay_far(result):
    rows = [["20 ms each way: a stream's first byte is back after", "ms"]]
    return rows + [[name, "%.0f" % statistics.median(each)]
                   for name, each in result["relay"]["far"].items()]


def relay_crowd(result):
    crowd = result["relay"]["crowd"]
    rows = [["%d idle pairs" % crowd["pairs"], "KiB each", "threads each",
             "CPU for all, % of a core", "pairs/s", "bulk alone, Gbit/s",
             "bulk beside them", "bulk after them"]]
    for name, r in crowd["who"].items():
        rows.append([name, "%.1f" % (idle(r, "fresh") / 1024),
                     "%.0f" % r["threads"], "%.1f" % (100 * r["cpu"]),
                     "%.0f" % r["rate"]] +
                    ["%.1f" % statistics.median(r[when])
                     for when in ("alone", "crowded", "again")])
    return rows


def relay_targets(result):
    rows = [["target of the relay", "wanted", "got (middle half)", ""]]

    def judge(what, wanted, got, met):
        rows.append([what, wanted, got, "met" if met else "not met"])

    for kind, ends in (("raw", "raw ends"), ("sealed", "sealed ends")):
        of = part(result, kind)
        for load, text in (("bulk 1", "1 stream"), ("bulk 8", "8 streams")):
            got = ratio(of, "adit relay", "haproxy", load, "gbit")
            if got > 0:
                judge("%s, bulk, %s / haproxy" % (ends, text), ">= 0.90",
                      "%.2f (%.2f to %.2f)" % (got, *spread(
                          of, "adit relay", "haproxy", load, "gbit")),
                      got >= 0.9)
    raw = part(result, "raw")
    if added(raw, "haproxy") > 0:
        got = added(raw, "adit relay") / added(raw, "haproxy")
        judge("raw ends, added round trip / haproxy", "<= 1.10",
              "%.2f" % got, got <= 1.1)
    far = {name: statistics.median(each)
           for name, each in result["relay"]["far"].items()}
    for what in ("sealed, adit relay", "published, adit"):
        if what in far and what + ", none parked" in far:
            got = far[what + ", none parked"] - far[what]
            judge("20 ms each way, %s: saved by parking" % what, ">= 40 ms",
                  "%.0f ms" % got, got >= 40)
    r = result["relay"]["crowd"]["who"]["adit relay"]
    got = statistics.median(r["crowded"]) / statistics.median(
        r["alone"] + r["again"])
    judge("bulk beside %d idle pairs / alone" %
          result["relay"]["crowd"]["pairs"], ">= 0.80", "%.2f" % got,
          got >= 0.8)
    return rows


def relay_tables(result):
    return [relay_raw(result),
            relay_ends(result, "sealed", "adit's own ends, and between them"),
            relay_ends(result, "public", "published: visitor, relay, server"),
            relay_far(result), relay_crowd(result), relay_targets(result)]


def relay_method(result):
    m = result["relay"]["machine"]
    v = m["versions"]
    text = (
        "The relay: medians of %d interleaved rounds of %d s. Raw ends speak "
        "to it as PROTOCOL.md 10 has it and then send 1 MiB at a time, or one "
        "byte; haproxy %s stands in its place as above, with one hop. Added: "
        "to the direct round trip. None parked: a server built to keep no "
        "connection ready at the relay. Published: TCP without encryption, "
        "of the tunnels' own processes alone; adit %s, rathole %s, frp %s "
        "(without TLS and tcpMux, poolCount 2), bore %s. A setup is a "
        "connection and one byte there and back. 20 ms each way: between the "
        "relay (direct: the server) and all others. Idle pairs: RSS and 16 "
        "KiB for each thread; bulk alone is before and after them."
        % (m["rounds"], m["seconds"], v["haproxy"], v["adit"], v["rathole"],
           v["frp"], v["bore"]))
    return text


def relay_notes(result):
    r = result["relay"]
    found = ["%s is not measured: %s" % absent
             for absent in r["absent"].items()]
    if r["crowd"]["pairs"] < 5000:
        found.append("idle pairs: no more than %d descriptors are allowed "
                     "(ulimit -n)" % r["crowd"]["limit"])
    for kind in "sealed", "public":
        found += failures(part(result, kind))
    if r["machine"]["load"] > 0.5:
        found.append("relay: the machine was busy: load %.1f before, %.1f "
                     "after (with the measurement's own)" %
                     (r["load_before"], r["machine"]["load"]))
    if r["machine"]["rounds"] < 9:
        found.append("relay: %d rounds are not enough to go by"
                     % r["machine"]["rounds"])
    return found


# Words -----------------------------------------------------------------------

def heading(result):
    m = result["machine"]
    v = m["versions"]
    return ("adit %s on %d cores (%s), Linux %s, %s; only loopback, congestion "
            "control %s for all" % (v["adit"], m["cores"], m["model"],
                                    m["kernel"], m["date"], m["control"]))


def method(result):
    m = result["machine"]
    v = m["versions"]
    suite = ("AES-256-GCM" if m["aes"] else "ChaCha20-Poly1305")
    return (
        "Medians of %d interleaved rounds of %d s each. Every forwarder "
        "stands twice in a row. adit: encrypted, by %s; chacha20: a build "
        "that offers ChaCha20-Poly1305 alone; --plain: not encrypted, as "
        "haproxy and socat; posix: without splice. ssh -L and sshd %s, "
        "without compression. spiped %s as it comes. haproxy %s: mode tcp, "
        "nbthread 1, splice-auto, splice-request, splice-response, pipes of "
        "1 MiB (the fastest). socat %s: fork, nodelay, its own buffer of 8 "
        "KiB or -b 262144. nc %s. Loads: iperf3 %s; ab %s, 8 at once, an HTTP "
        "request on each connection. CPU is the forwarders' alone. openssl "
        "speed %s: records of 16 KiB. A pipe's start includes stretching the "
        "token (scrypt), once for each process; strangers' first messages are "
        "answered and then dropped. An idle connection's memory is RSS (PSS "
        "where each has a process of its own) and 16 KiB for each thread's or "
        "process's kernel stack, on the side that takes more; 400 at once; "
        "after bulk: 7 s after 20 MB each way went through 25 of them, which "
        "all that was gained is put down to. In brackets: the middle half of "
        "the rounds' own ratios."
        % (m["rounds"], m["seconds"], suite, v["ssh"], v["spiped"],
           v["haproxy"], v["socat"], v["nc"], v["iperf3"], v["ab"],
           v["openssl"]))


def notes(result):
    m = result["machine"]
    found = ["%s is not measured: %s" % absent
             for absent in result["absent"].items()]
    if not m["aes"]:
        found.append("this processor has no instructions for AES: what is "
                     "wanted beside --plain is not judged")
    found += failures(result)
    if m["load"] > 0.5:
        found.append("the machine was busy before: load %.1f" % m["load"])
    if m["rounds"] < 9:
        found.append("%d rounds are not enough to go by" % m["rounds"])
    return found


def fold(text, width=79):
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = (line + " " + word).strip()
    return "\n".join(lines + [line]) + "\n"


def plain(result):
    parts = []
    if "chains" in result:
        parts.append(fold(heading(result)))
        parts += [align(t(result)) for t in (forwarders, ratios, ciphers,
                                             exchanges, pipes, idles,
                                             verdicts)]
        parts.append(fold(method(result)))
        parts += [fold("note: " + n) for n in notes(result)]
    if "relay" in result:
        parts += [align(rows) for rows in relay_tables(result)]
        parts.append(fold(relay_method(result)))
        parts += [fold("note: " + n) for n in relay_notes(result)]
    return "\n".join(parts)


# README and drawing ----------------------------------------------------------

PANELS = (                  # title, load, value, more is better
    ("Bulk, one stream", "bulk 1", "gbit", "%.1f Gbit/s", True),
    ("Bulk, eight streams", "bulk 8", "gbit", "%.1f Gbit/s", True),
    ("CPU for it (one stream)", "bulk 1", "cpu", "%.2f s/GB", False),
    ("One byte, round trip p50", "ping", "p50", "%.0f \u00b5s", False),
    ("Connections", "connections", "rate", "%.0f /s", True),
)
# Those that encrypt, and those that do not; "" is the faster ssh.
BARS = (("adit", 0), ("", 1), ("spiped", 1), ("adit --plain", 3),
        ("haproxy", 2), ("socat", 2))


def drawing(result):
    """Bars for each contestant's ratio to haproxy.  The drawing brings its
    own ground, so that it can be read wherever it is shown."""
    left, unit, bar, gap, top = 296, 150, 17, 18, 84
    panels = []
    for title, load, value, form, more in PANELS:
        names = [(name or best_ssh(result, load), color)
                 for name, color in BARS]
        panels.append((title, load, value, form, more, [
            (name, color) for name, color in names
            if ratio(result, name, "haproxy", load, value) > 0]))
    longest = max(ratio(result, name, "haproxy", panel[1], panel[2])
                  for panel in panels for name, _ in panel[5])
    # One bar far off must not make the others small.
    scale = min(longest, 2.4)
    column = int(left + unit * scale + 12)      # of the figures
    width = column + 168
    height = top + sum(len(panel[5]) * bar + gap for panel in panels) + 30
    m = result["machine"]
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'viewBox="0 0 %d %d" role="img" font-family="system-ui, sans-serif" '
           'font-size="13">\n' % (width, height, width, height),
           "<title>adit, ssh -L, spiped, haproxy and socat, relative to "
           "haproxy</title>\n",
           "<style>\n"
           ".g{fill:#fff;stroke:#d0d7de}.t{fill:#1f2328}.q{fill:#59636e}\n"
           ".l{stroke:#59636e}.b0{fill:#0969da}.b1{fill:#8c959f}"
           ".b2{fill:#c4cbd2}.b3{fill:#80b4ec}\n"
           "@media (prefers-color-scheme:dark){\n"
           ".g{fill:#0d1117;stroke:#3d444d}.t{fill:#f0f6fc}.q{fill:#9198a1}\n"
           ".l{stroke:#9198a1}.b0{fill:#4493f8}.b1{fill:#7d8590}"
           ".b2{fill:#424a53}.b3{fill:#1f4e8c}}\n"
           "</style>\n",
           '<rect class="g" x=".5" y=".5" width="%d" height="%d" rx="6"/>\n'
           % (width - 1, height - 1)]

    def text(x, y, cls, words, more=""):
        out.append('<text class="%s" x="%d" y="%d"%s>%s</text>\n'
                   % (cls, x, y, more, escape(words)))

    text(16, 28, "t", "Two forwarders in a row, relative to haproxy",
         ' font-size="16" font-weight="600"')
    text(16, 48, "q", "%d cores, Linux %s, congestion control %s, %s"
         % (m["cores"], m["kernel"], m["control"], m["date"]))
    out.append('<path class="l" d="M%d.5 %dV%d" stroke-dasharray="3 3"/>\n'
               % (left + unit, top - 8, height - 42))
    text(left + unit, top - 14, "q", "haproxy = 1",
         ' text-anchor="middle" font-size="12"')
    y = top
    for title, load, value, form, more, bars in panels:
        text(16, y + 15, "t", title, ' font-weight="600"')
        text(16, y + 33, "q", "longer is better" if more else
             "shorter is better", ' font-size="12"')
        for name, color in bars:
            r = ratio(result, name, "haproxy", load, value)
            long = unit * min(r, scale)
            cls = "q" if color else "t"
            text(left - 8, y + 13, cls, name,
                 ' text-anchor="end" font-size="12"')
            out.append('<rect class="b%d" x="%d" y="%d" width="%.1f" '
                       'height="%d" rx="2"/>\n' % (color, left, y + 2, long,
                                                   bar - 4))
            if r > scale:       # cut off, and seen to be
                out.append('<path class="g" d="M%.1f %dl6 %dl5 0l-6 -%dz"/>\n'
                           % (left + long - 18, y, bar, bar))
            text(column + 38, y + 13, cls, "%.2f" % r,
                 ' text-anchor="end" font-size="12"')
            text(column + 54, y + 13, cls,
                 form % median(result, name, load, value),
                 ' font-size="12"')
            y += bar
        y += gap
    text(16, height - 14, "q", "medians of %d rounds; adit, ssh -L %s and "
         "spiped %s encrypt, the others do not; haproxy %s with splice, "
         "socat %s"
         % (m["rounds"], m["versions"]["ssh"], m["versions"]["spiped"],
            m["versions"]["haproxy"], m["versions"]["socat"]),
         ' font-size="12"')
    return "".join(out) + "</svg>\n"


def block(result):
    parts = ["![adit, ssh -L, spiped, haproxy and socat beside each other]"
             "(docs/bench.svg)\n",
             fold(heading(result) + ":")]
    parts += [markdown(t(result)) for t in (forwarders, ciphers, exchanges,
                                            pipes, idles, verdicts)]
    parts.append(fold(method(result) + " The same on your machine: "
                      "`make bench`."))
    parts += [fold("Note: " + n + ".") for n in notes(result)]
    return "\n".join(parts) + ("\n" + relay_block(result)
                               if "relay" in result else "")


def relay_block(result):
    parts = [markdown(rows) for rows in relay_tables(result)]
    parts.append(fold(relay_method(result)))
    parts += [fold("Note: " + n + ".") for n in relay_notes(result)]
    return "\n".join(parts)


def into_readme(result, top):
    if "chains" not in result:
        sys.exit("bench: only the relay was measured; README.md is for all")
    begin, end = "<!-- bench -->", "<!-- /bench -->"
    os.makedirs(os.path.join(top, "docs"), exist_ok=True)
    with open(os.path.join(top, "docs/bench.svg"), "w",
              encoding="utf-8") as f:
        f.write(drawing(result))
    path = os.path.join(top, "README.md")
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        before, rest = text.split(begin, 1)
        after = rest.split(end, 1)[1]
    except (OSError, ValueError, IndexError):
        sys.exit("bench: README.md has no %s ... %s" % (begin, end))
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + begin + "\n" + block(result) + end + after)
