"""Bodies made to exhaust memory or time: each is refused, or read, within bounds that are measured here.

Every case runs in a process of its own, so that its peak of memory is its own, and is given 20 seconds; the figures
are printed with ``pytest -rP``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import forks

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
MEGABYTE = 1024 * 1024
SECONDS = 120

PROGRAM = """
import sys, time
from pathlib import Path
from naftiko.engine.formats import FormatError, FormatOptions, decoder

def megabytes(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024

name, schema, expression, base = sys.argv[1:]
decode = decoder(name, FormatOptions(schema=schema or None, schema_base=Path(base)))
content = eval(expression)
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew, after the making of the body
before, start = megabytes("VmRSS"), time.perf_counter()
try:
    decode(content, None)
    outcome = "read"
except FormatError as refused:
    outcome = "refused: " + refused.detail
print(f"{time.perf_counter() - start:.2f}|{megabytes('VmHWM') - before:.0f}|{len(content)}|{outcome}")
"""

AVRO_HEADER = r"""b'Obj\x01\x02\x16avro.schema\x0c"null"\x00' + b's' * 16"""
THOUSAND_MILLION = r"b'\x80\xa8\xd6\xb9\x07'"

# name: format, schema, body, megabytes it may take, part of the outcome
CASES = {
    "json, a million open brackets": ("json", "", "b'[' * 10**6", 20, "refused"),
    "json, open brackets and values": ("json", "", "b'[1,' * 10**6", 20, "refused"),
    "json, 21 million empty arrays": ("json", "", "b'[' + b'[],' * (21 * 10**6) + b'0]'", 150, "refused"),
    "json, two million empty objects": ("json", "", "b'[' + b'{},' * 1_999_990 + b'0]'", 400, "read"),
    "json, 60 MB of digits": ("json", "", "b'[' + b'9' * 60_000_000 + b']'", 200, "refused"),
    "json, 10 MB of long numbers": ("json", "", "b'[' + b'9' * 300 + (b',' + b'9' * 300) * 30_000 + b']'", 100, "read"),
    "json, staircases of 200 levels": (
        "json",
        "",
        "b'[' + (b'[' * 199 + b']' * 199 + b',') * 9_000 + b'0]'",
        400,
        "read",
    ),
    "json, 30 MB of quotes and brackets": ("json", "", "b'[' + b'\"[\",' * 7_000_000 + b'0]'", 1100, "read"),
    "xml, entities in entities": (
        "xml",
        "",
        "b'<!DOCTYPE r [<!ENTITY a \"' + b'x' * 1000 + b'\"><!ENTITY b \"' + b'&a;' * 10**5 + b'\">]><r>&b;</r>'",
        20,
        "DTD",
    ),
    "xml, an external file": ("xml", "", "b'<!DOCTYPE r SYSTEM \"file:///dev/zero\"><r/>'", 20, "DTD"),
    "xml, a million open elements": ("xml", "", "b'<a>' * 10**6", 20, "200 levels"),
    "xml, 16 million empty elements": ("xml", "", "b'<r>' + b'<a/>' * (16 * 10**6) + b'</r>'", 500, "values"),
    "xml, 100,000 attributes": (
        "xml",
        "",
        "b'<r ' + b' '.join(b'a%d=\"\"' % i for i in range(10**5)) + b'/>'",
        60,
        "read",
    ),
    "xml, 60 MB of one text": ("xml", "", "b'<r>' + b'x' * (60 * 10**6) + b'</r>'", 400, "read"),
    "csv, 33 million rows": ("csv", "", "b'a\\n' + b'x\\n' * (33 * 10**6 )", 600, "values"),
    "csv, 67 million columns": ("csv", "", "b',' * (67 * 10**6)", 200, "values"),
    "csv, an open quote": ("csv", "", "b'a\\n\"' + b'x' * (60 * 10**6)", 400, "line 2"),
    "yaml, a billion laughs": (
        "yaml",
        "",
        "b'a0: &a0 [lol]\\n' + b''.join(b'a%d: &a%d [%s]\\n' % (i, i, b','.join([b'*a%d' % (i - 1)] * 9)) for i in range(1, 40))",
        20,
        "expands",
    ),
    "yaml, 100 kB that expand to 10 GB": (
        "yaml",
        "",
        "b'a: &a \"' + b'x' * 10**5 + b'\"\\nb: [' + b'*a,' * 10**5 + b']'",
        60,
        "expands",
    ),
    "yaml, a million open brackets": ("yaml", "", "b'[' * 10**6", 30, "nest"),
    "yaml, a million open mappings": ("yaml", "", "b'{a: ' * 10**6", 60, "200 levels"),
    "yaml, a chain of aliases": (
        "yaml",
        "",
        "b'a0: &a0 [x]\\n' + b''.join(b'a%d: &a%d [*a%d]\\n' % (i, i, i - 1) for i in range(1, 50_000))",
        60,
        "200 levels",
    ),
    "html, a million open elements": ("html", "", "b'<div>' * 10**6", 60, "200 levels"),
    "html, 60,000 attributes": (
        "html",
        "",
        "b'<p ' + b' '.join(b'a%d' % i for i in range(60_000)) + b'>'",
        40,
        "attributes",
    ),
    "html, tables in tables": ("html", "", "b'<table><tr><th>h<tr><td>' * 60 + b'x' * 10**6", 250, ""),
    "html, nested elements and a selector of descendants": (
        "html",
        "div div table",
        "b'<div>' * 190 + b'<table></table>' * 100_000",
        300,
        "read",
    ),
    "html, siblings and a selector of siblings": ("html", "b ~ table", "b'<table></table>' * 4_990", 160, "read"),
    "html, nested elements and a selector that looks into them": (
        "html",
        "div:has(p)",
        "b'<div>' * 190 + b'<i></i>' * 4_500",
        60,
        "read",
    ),
    "html, a wide header over many short rows": (
        "html",
        "",
        "b'<table><tr>' + b'<th>h' * 5_000 + b'<tr><td>x' * 5_000",
        250,
        "values",
    ),
    "markdown, 200 kB of short lines": ("markdown", "", "b'# H\\n' + b'x\\n' * 100_000", 100, "read"),
    "markdown, 200 kB of brackets": ("markdown", "", "b'[' * 200_000", 100, "read"),
    "markdown, 200 kB of links": ("markdown", "", "b'[a](' * 50_000", 100, "read"),
    "markdown, 200 kB of emphasis": ("markdown", "", "b'*a_ ' * 50_000", 100, "read"),
    "markdown, a wide table of short rows": (
        "markdown",
        "",
        "b'|a' * 5_000 + b'|\\n' + b'|-' * 5_000 + b'|\\n' + b'|b|\\n' * 100_000",
        300,
        "read",
    ),
    "markdown, laughs in the front matter": (
        "markdown",
        "",
        "b'---\\na0: &a0 [lol]\\n' + b''.join(b'a%d: &a%d [%s]\\n' % (i, i, b','.join([b'*a%d' % (i - 1)] * 9)) for i in range(1, 40)) + b'---\\n'",
        40,
        "read",
    ),
    "avro, a thousand million nulls in six bytes": (
        "avro",
        "",
        f"{AVRO_HEADER} + {THOUSAND_MILLION} + b'\\x00' + b's' * 16",
        20,
        "values",
    ),
    "avro, a deep list": ("avro", "schemas/vessel.avsc", "b'\\x00' * 10**6", 20, "refused"),
    "protobuf, four million empty messages": (
        "protobuf",
        "schemas/fleet.proto",
        "b'\\x0a\\x00' * (4 * 10**6)",
        800,
        "values",
    ),
    "protobuf, 60 MB": ("protobuf", "schemas/fleet.proto", "b'\\x0a\\x00' * (30 * 10**6)", 20, "larger"),
    "text, 60 MB": ("text", "", "b'x' * (60 * 10**6)", 70, "read"),
}

LONG = {
    "json, staircases of 200 levels",
    "xml, 16 million empty elements",
    "csv, 33 million rows",
    "html, nested elements and a selector of descendants",
    "html, nested elements and a selector that looks into them",
    "markdown, 200 kB of short lines",
    "markdown, 200 kB of brackets",
    "markdown, 200 kB of emphasis",
    "markdown, a wide table of short rows",
}
"""What takes more than a second of a processor: of each format there are others, which go the same ways."""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.long] if case in LONG else []) for case in CASES]
)
def test_hostile_bodies_are_bounded(case):
    name, schema, body, megabytes, outcome = CASES[case]
    command = [sys.executable, "-c", PROGRAM, name, schema, body, str(FIXTURES)]
    done = forks.run(command, env=forks.surroundings(), timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-500:]
    seconds, grown, length, got = done.stdout.strip().split("|")
    sys.stdout.write(f"{case}: {int(length) / MEGABYTE:.1f} MB in, {seconds} s, {grown} MB more memory, {got}")
    assert outcome in got
    assert int(grown) <= megabytes
