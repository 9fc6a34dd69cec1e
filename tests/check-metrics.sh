#!/bin/sh
# SPDX-License-Identifier: MIT
# Goal: what is served as metrics is what Prometheus reads: its own promtool
# says so, or where there is none, the parser of its library for Python.
#
# usage: tests/check-metrics.sh <METRICS
#
# Prints "ok metrics (TOOL)", or "not ok metrics (TOOL)" and what is wrong, and
# exits 1; without either tool, "skipped metrics", and exits 0.

LC_ALL=C
export LC_ALL
text=$(mktemp "${TMPDIR:-/tmp}/adit-metrics.XXXXXX") || exit 1
said=$text.said
trap 'rm -f "$text" "$said"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$text"

verdict() {	# verdict TOOL RC
	# What one of the two lets pass.  A sample has no time behind it.
	[ -s "$text" ] || echo 'no text at all' >>"$said"
	[ "$(tail -c 1 "$text" | wc -l)" -eq 1 ] ||
	    echo 'no newline at the end' >>"$said"
	sed -e '/^#/d' -e 's/ [^ ]*$//' "$text" | sort | uniq -d |
	    sed 's/$/: twice/' >>"$said"
	if [ "$2" -eq 0 ] && [ ! -s "$said" ]; then
		echo "ok metrics ($1)"
		exit 0
	fi
	echo "not ok metrics ($1)"
	sed 's/^/    /' "$said"
	exit 1
}

if command -v promtool >/dev/null; then
	promtool check metrics <"$text" >"$said" 2>&1
	verdict promtool $?
fi
if python3 -c 'import prometheus_client.parser' 2>/dev/null; then
	# Its parser is kinder than Prometheus: it lets pass families without
	# a type, or without a sample, and families in pieces.
	python3 - "$text" >"$said" 2>&1 <<'END'
import sys
from prometheus_client.parser import text_string_to_metric_families

families = set()
with open(sys.argv[1], encoding="utf-8", newline="") as f:
    text = f.read()
if "\r" in text:
    sys.exit("a carriage return")
for family in text_string_to_metric_families(text):
    if family.type in ("unknown", "untyped") or not family.documentation:
        print(family.name + ": no type, or no help")
    if (family.name, family.type) in families:
        print(family.name + ": in pieces")
    families.add((family.name, family.type))
    if not family.samples:
        print(family.name + ": no samples")
END
	verdict 'prometheus_client' $?
fi
echo 'skipped metrics: neither promtool (Debian: prometheus) nor' \
    'prometheus_client (Debian: python3-prometheus-client) is installed'
