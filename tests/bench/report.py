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


# Figures ---------------------------------------------------------------------

def values(result, name, load, value):
    return [v[value] for v in result["chains"][name][load]]


def median(result, name, load, value):
    return statistics.median(values(result, name, load, value))


def ratio(result, name, other, load, value):
    """Of medians; 0 if there is nothing to divide by."""
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


def idle(side, when):
    """Bytes of one connection on one side.  A process that forks for each
    connection counts by PSS: its RSS is mostly the same pages every time."""
    forks = side["rss"] > 2 * side["pss"] + 4096
    key = {"fresh": "", "worn": "worn_"}[when] + ("pss" if forks else "rss")
    return side[key] + STACK * side["threads"]


def idle_worst(sides, when):
    return max(idle(side, when) for side in sides)


def targets(result):
    """(what, wanted, got, met)"""
    rows = []

    def at_least(what, load, other, least):
        value = LOADS[load]
        got = ratio(result, "adit", other, load, value)
        low, high = spread(result, "adit", other, load, value)
        rows.append((what, ">= %.2f" % least,
                     "%.2f (%.2f to %.2f)" % (got, low, high), got >= least))

    for load, text in (("bulk 1", "1 stream"), ("bulk 8", "8 streams")):
        at_least("bulk, %s / haproxy" % text, load, "haproxy", 0.95)
        at_least("bulk, %s / socat" % text, load, "socat", 2)
        at_least("bulk, %s / socat -b 256K" % text, load, "socat -b 256K", 2)
    got = ratio(result, "adit", "haproxy", "ping", "p50")
    low, high = spread(result, "adit", "haproxy", "ping", "p50")
    rows.append(("round trip p50 / haproxy", "<= 1.00",
                 "%.2f (%.2f to %.2f)" % (got, low, high), got <= 1))
    at_least("connections per second / socat", "connections", "socat", 2)
    for name, text, limit in (("adit", "glibc", 60),
                              ("adit musl", "musl static", 50)):
        for when, then in (("fresh", "fresh"), ("worn", "after bulk")):
            got = idle_worst(result["idle"][name], when) / 1024
            rows.append(("idle connection, %s, %s" % (text, then),
                         "<= %d KiB" % limit, "%.1f KiB" % got, got <= limit))
    return rows


def failures(result):
    return ["%s: %d failed connections" % (name, sum(
                v["failed"] for v in loads["connections"]))
            for name, loads in result["chains"].items()
            if any(v["failed"] for v in loads["connections"])]


# Tables: lists of rows of text, the first one the heading --------------------

def forwarders(result):
    rows = [["two in a row", "1 stream, Gbit/s", "x direct", "CPU s/GB",
             "8 streams, Gbit/s", "x direct", "CPU s/GB", "1 byte p50, us",
             "p99, us", "connections/s"]]
    for name in result["chains"]:
        row = [name]
        for load in ("bulk 1", "bulk 8"):
            cpu = median(result, name, load, "cpu")
            row += ["%.1f" % median(result, name, load, "gbit"),
                    "%.2f" % ratio(result, name, "direct", load, "gbit"),
                    "%.2f" % cpu if name != "direct" else "-"]
        row += ["%.1f" % median(result, name, "ping", "p50"),
                "%.0f" % median(result, name, "ping", "p99"),
                "%.0f" % median(result, name, "connections", "rate")]
        rows.append(row)
    return rows


def ratios(result):
    rows = [["adit /", "1 stream", "its CPU", "8 streams", "its CPU",
             "1 byte p50", "p99", "connections/s"]]
    for name in result["chains"]:
        if name == "adit":
            continue
        row = [name]
        for load, value in (("bulk 1", "gbit"), ("bulk 1", "cpu"),
                            ("bulk 8", "gbit"), ("bulk 8", "cpu"),
                            ("ping", "p50"), ("ping", "p99"),
                            ("connections", "rate")):
            r = ratio(result, "adit", name, load, value)
            row.append("%.2f" % r if r > 0 else "-")
        rows.append(row)
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
    for what, wanted, got, met in targets(result):
        rows.append([what, wanted, got, "met" if met else "not met"])
    return rows


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
    return (
        "Medians of %d interleaved rounds of %d s each. Every forwarder stands "
        "twice in a row. haproxy %s: mode tcp, nbthread 1, splice-auto, "
        "splice-request, splice-response, pipes of 1 MiB (the fastest). socat %s: "
        "fork, nodelay, its own buffer of 8 KiB or -b 262144. nc %s. Loads: "
        "iperf3 %s; ab %s, 8 at once, an HTTP request on each connection. CPU is "
        "the forwarders' alone. An idle connection's memory is RSS (PSS where "
        "each has a process of its own) and 16 KiB for each thread's or "
        "process's kernel stack, on the side that takes more; 400 at once; "
        "after bulk: 7 s after 100 MB each way went through 25 of them, which "
        "all that was gained is put down to. In brackets: the middle half of "
        "the rounds' own ratios."
        % (m["rounds"], m["seconds"], v["haproxy"], v["socat"], v["nc"],
           v["iperf3"], v["ab"]))


def notes(result):
    m = result["machine"]
    found = failures(result)
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
    parts = [fold(heading(result))]
    parts += [align(t(result)) for t in (forwarders, ratios, pipes, idles,
                                         verdicts)]
    parts.append(fold(method(result)))
    parts += [fold("note: " + n) for n in notes(result)]
    return "\n".join(parts)


# README and drawing ----------------------------------------------------------

PANELS = (                  # title, load, value, more is better
    ("Bulk, one stream", "bulk 1", "gbit", "%.1f Gbit/s", True),
    ("Bulk, eight streams", "bulk 8", "gbit", "%.1f Gbit/s", True),
    ("CPU for it (one stream)", "bulk 1", "cpu", "%.2f s/GB", False),
    ("One byte, round trip p50", "ping", "p50", "%.0f \u00b5s", False),
    ("Connections", "connections", "rate", "%.0f /s", True),
)
BARS = (("adit", "adit"), ("haproxy", "haproxy (splice)"),
        ("socat", "socat"))


def drawing(result):
    """Bars for each contestant's ratio to haproxy.  The drawing brings its
    own ground, so that it can be read wherever it is shown."""
    left, unit, bar, gap, top = 272, 150, 20, 18, 84
    longest = max(ratio(result, name, "haproxy", load, value)
                  for _, load, value, _, _ in PANELS for name, _ in BARS)
    # One bar far off must not make the others small.
    scale = min(longest, 2.4)
    column = int(left + unit * scale + 12)      # of the figures
    width = column + 168
    height = top + len(PANELS) * (len(BARS) * bar + gap) + 30
    m = result["machine"]
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'viewBox="0 0 %d %d" role="img" font-family="system-ui, sans-serif" '
           'font-size="13">\n' % (width, height, width, height),
           "<title>adit, haproxy and socat, relative to haproxy</title>\n",
           "<style>\n"
           ".g{fill:#fff;stroke:#d0d7de}.t{fill:#1f2328}.q{fill:#59636e}\n"
           ".l{stroke:#59636e}.b0{fill:#0969da}.b1{fill:#8c959f}"
           ".b2{fill:#c4cbd2}\n"
           "@media (prefers-color-scheme:dark){\n"
           ".g{fill:#0d1117;stroke:#3d444d}.t{fill:#f0f6fc}.q{fill:#9198a1}\n"
           ".l{stroke:#9198a1}.b0{fill:#4493f8}.b1{fill:#656c76}"
           ".b2{fill:#424a53}}\n"
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
    for title, load, value, form, more in PANELS:
        text(16, y + 15, "t", title, ' font-weight="600"')
        text(16, y + 33, "q", "longer is better" if more else
             "shorter is better", ' font-size="12"')
        for i, (name, label) in enumerate(BARS):
            r = ratio(result, name, "haproxy", load, value)
            long = unit * min(r, scale)
            text(left - 8, y + 15, "q" if i else "t", name,
                 ' text-anchor="end"')
            out.append('<rect class="b%d" x="%d" y="%d" width="%.1f" '
                       'height="%d" rx="2"/>\n' % (i, left, y + 2, long,
                                                   bar - 4))
            if r > scale:       # cut off, and seen to be
                out.append('<path class="g" d="M%.1f %dl6 %dl5 0l-6 -%dz"/>\n'
                           % (left + long - 18, y, bar, bar))
            text(column + 38, y + 15, "q" if i else "t", "%.2f" % r,
                 ' text-anchor="end"')
            text(column + 54, y + 15, "q" if i else "t",
                 form % median(result, name, load, value))
            y += bar
        y += gap
    text(16, height - 14, "q", "medians of %d rounds; haproxy %s with splice, "
         "socat %s" % (m["rounds"], m["versions"]["haproxy"],
                       m["versions"]["socat"]), ' font-size="12"')
    return "".join(out) + "</svg>\n"


def block(result):
    parts = ["![adit, haproxy and socat beside each other](docs/bench.svg)\n",
             fold(heading(result) + ":")]
    parts += [markdown(t(result)) for t in (forwarders, pipes, idles, verdicts)]
    parts.append(fold(method(result) + " The same on your machine: "
                      "`make bench`."))
    parts += [fold("Note: " + n + ".") for n in notes(result)]
    return "\n".join(parts)


def into_readme(result, top):
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
