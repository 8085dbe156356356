"""Write what was measured into ``docs/performance.md``, between its two marks, and draw it.

    python benchmarks/page.py [FOLDER]      # benchmarks/results, where `make bench` leaves its figures

Of the folder it reads ``results.json`` and, where they are there, ``startup.json``, ``allocations.json`` and
``loading.json``. It writes ``docs/performance-curves.svg`` beside the page.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
PAGE = DOCS / "performance.md"
PLOT = DOCS / "performance-curves.svg"
BEGIN, END = "<!-- measured: written by benchmarks/page.py -->", "<!-- end of what was measured -->"
Found = dict[str, dict[str, dict[str, float]]]

DRAWN = {
    "rest-identity-1kb": "REST, 1 KB passed on",
    "rest-mapped-1kb": "REST, 1 KB mapped to twenty fields",
    "mcp-call-2026": "MCP tools/call, 2026-07-28",
}
ROWS = {
    **DRAWN,
    "rest-identity-1mb": "REST, 1 MB passed on",
    "rest-post-template": "REST, POST with a body of inputs",
    "mcp-call-2025": "MCP tools/call, 2025-11-25",
}
OWN = {"naftiko", "naftiko-mcp"}
PANELS = (
    ("rps", "requests a second", "more is better"),
    ("p99", "p99, ms", "less is better"),
    ("cpu", "CPU a request, µs", "less is better"),
)
COLOURS = {
    "naftiko": "#0b6e4f",
    "naftiko-mcp": "#0b6e4f",
    "asgi-aiohttp": "#d1495b",
    "starlette-httpx": "#edae49",
    "direct": "#9a9a9a",
    "fastmcp-openapi": "#edae49",
    "sdk-noop": "#30638e",
}
WIDE, HIGH, GAP, LEFT, TOP = 250, 150, 74, 66, 64


def curves(of: dict[str, dict[str, float]], figure: str) -> dict[str, list[tuple[int, float]]]:
    """Return the points of each variant: connections and the figure. What failed or wasn't measured has none."""
    found: dict[str, list[tuple[int, float]]] = {}
    for key, sample in of.items():
        variant, _, count = key.rpartition("@")
        if sample[figure] > 0 and sample["rps"] > 0:
            found.setdefault(variant, []).append((int(count), sample[figure]))
    return {variant: sorted(points) for variant, points in found.items()}


def spans(values: list[float]) -> tuple[float, float]:
    """Return the decades that hold all values."""
    return 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values) * 1.01))


def panel(found: dict[str, list[tuple[int, float]]], left: float, top: float) -> Iterator[str]:
    """Draw one panel, both axes in decades."""
    low, high = spans([value for points in found.values() for _, value in points])
    most = max(count for points in found.values() for count, _ in points)

    def x(count: float) -> float:
        return left + WIDE * math.log10(count) / max(math.log10(most), 0.3)

    def y(value: float) -> float:
        return top + HIGH * (1 - math.log10(value / low) / math.log10(high / low))

    decade = low
    while decade <= high * 1.001:
        yield f'<path class="grid" d="M{left} {y(decade):.1f}H{left + WIDE}"/>'
        yield f'<text x="{left - 6}" y="{y(decade) + 4:.1f}" text-anchor="end">{decade:,.10g}</text>'
        decade *= 10
    for count in sorted({count for points in found.values() for count, _ in points}):
        yield f'<text x="{x(count):.1f}" y="{top + HIGH + 16}" text-anchor="middle">{count}</text>'
    for variant, points in found.items():
        colour = COLOURS.get(variant, "#555555")
        line = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in points)
        width = 3 if variant in OWN else 1.6
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        yield from (f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.6" fill="{colour}"/>' for a, b in points)


def plot(results: Found) -> str:
    """Draw throughput, p99 and CPU by connections: a row for each scenario, a line for each variant."""
    pieces: list[str] = []
    top = TOP
    for name, title in DRAWN.items():
        if name not in results:
            continue
        pieces.append(f'<text class="title" x="{LEFT}" y="{top - 34}">{escape(title)}</text>')
        at = LEFT + 270
        for variant in curves(results[name], "rps"):
            colour = COLOURS.get(variant, "#555555")
            pieces.append(f'<rect x="{at}" y="{top - 44}" width="14" height="10" fill="{colour}"/>')
            pieces.append(f'<text x="{at + 19}" y="{top - 35}">{escape(variant)}</text>')
            at += 30 + 7 * len(variant)
        for column, (figure, label, better) in enumerate(PANELS):
            left = LEFT + column * (WIDE + GAP)
            pieces.append(f'<text x="{left}" y="{top - 10}">{label} ({better})</text>')
            pieces += panel(curves(results[name], figure), left, top)
        top += HIGH + 100
    style = "text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:14px}.grid{stroke:#ddd}"
    style += "svg{background:#fff}"
    size = f"0 0 {LEFT + 3 * (WIDE + GAP)} {top - 40}"
    caption = f'<text x="{LEFT}" y="{top - 52}">Connections along each panel; both axes are logarithmic.</text>'
    body = "\n".join([*pieces, caption])
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}"><style>{style}</style>\n{body}\n</svg>\n'


def table(results: Found) -> Iterator[str]:
    """Yield a row for each scenario, variant and number of connections."""
    yield "| what | connections | variant | requests/s | p50 ms | p99 ms | CPU a request, µs | failed |"
    yield "|---|--:|---|--:|--:|--:|--:|--:|"
    for name, title in ROWS.items():
        samples = results.get(name, {})
        for key in sorted(samples, key=lambda key: int(key.rpartition("@")[2])):
            variant, _, count = key.rpartition("@")
            one = samples[key]
            cells = (
                title,
                f"{int(count):,}",
                f"`{variant}`",
                f"{one['rps']:,.0f}",
                f"{one['p50']:.2f}",
                f"{one['p99']:.2f}",
            )
            cpu = f"{one['cpu']:.0f}" if one["rps"] else ""  # it answered nothing
            yield f"| {' | '.join(cells)} | {cpu} | {one['failed']:,.0f} |"


def ratios(results: Found) -> Iterator[str]:
    """Yield what the ratios of the run say, as a list."""

    def ratio(figure: str, of: tuple[str, str], against: tuple[str, str]) -> float | None:
        own, other = results.get(of[0], {}).get(of[1]), results.get(against[0], {}).get(against[1])
        return own[figure] / other[figure] if own and other and other[figure] else None

    passed, mapped, tool, two = "rest-identity-1kb", "rest-mapped-1kb", "mcp-call-2026", "rest-workers"
    many, seen = "rest-2000-routes", "telemetry-rest"
    said = (
        (
            "CPU of a call passed on, against raw ASGI + aiohttp, 32 connections",
            "cpu",
            (passed, "naftiko@32"),
            (passed, "asgi-aiohttp@32"),
        ),
        (
            "throughput of it, against bare Starlette + `httpx`",
            "rps",
            (passed, "naftiko@32"),
            (passed, "starlette-httpx@32"),
        ),
        ("throughput at 256 connections, against 32", "rps", (passed, "naftiko@256"), (passed, "naftiko@32")),
        ("CPU of a mapped call, against one passed on", "cpu", (mapped, "naftiko@32"), (passed, "naftiko@32")),
        ("CPU of `tools/call`, against a REST call passed on", "cpu", (tool, "naftiko-mcp@32"), (passed, "naftiko@32")),
        (
            "`tools/call` against FastMCP's `from_openapi`, one connection",
            "rps",
            (tool, "naftiko-mcp@1"),
            (tool, "fastmcp-openapi@1"),
        ),
        (
            "`tools/call` against FastMCP's `from_openapi`, 32 connections",
            "rps",
            (tool, "naftiko-mcp@32"),
            (tool, "fastmcp-openapi@32"),
        ),
        (
            "CPU of a call among two thousand routes, against a handful",
            "cpu",
            (many, "naftiko-2000@32"),
            (many, "naftiko@32"),
        ),
        (
            "CPU of a call with two workers, against one, 32 connections",
            "cpu",
            (two, "naftiko-2w@32"),
            (two, "naftiko@32"),
        ),
        (
            "throughput of two workers against one on these cores, 256 connections",
            "rps",
            (two, "naftiko-2w@256"),
            (two, "naftiko@256"),
        ),
        *(
            (f"CPU of a call with {what}, against all off", "cpu", (seen, f"naftiko-{kind}@32"), (seen, "naftiko@32"))
            for kind, what in (
                ("metrics", "metrics"),
                ("access", "an access log in JSON"),
                ("traces", "one trace in ten"),
            )
        ),
    )
    yield "| ratio | |"
    yield "|---|--:|"
    for label, figure, of, against in said:
        found = ratio(figure, of, against)
        if found is not None:
            yield f"| {label} | {found:.2f} |"


def others(folder: Path) -> Iterator[str]:
    """Yield the tables of the other measurements that are there."""
    titles = {
        "startup": ("start and memory", "`python benchmarks/startup.py`, medians"),
        "allocations": ("allocations a call", "`python benchmarks/allocations.py`, the whole process"),
        "loading": ("loading files", "`python benchmarks/loading.py`, CPU time"),
    }
    for name, (title, how) in titles.items():
        file = folder / f"{name}.json"
        if file.exists():
            yield ""
            yield f"| {title} | {how} |"
            yield "|---|--:|"
            yield from (f"| {label} | {value:,} |" for label, value in json.loads(file.read_text()).items())


def section(folder: Path) -> tuple[str, Found]:
    """Return the part of the page that is written here, and the results that it is of."""
    said: dict[str, Any] = json.loads((folder / "results.json").read_text())
    about, results = said["about"], said["results"]
    rounds = f"{about['rounds']} round{'s' if about['rounds'] != 1 else ''} of {about['seconds']:g} s"
    head = f"Python {about['python']}, {about['machine']}, {about['when'][:10]}; {rounds} each, medians."
    lines = [BEGIN, "", head, "", f"![Throughput, p99 and CPU by connections]({PLOT.name})", ""]
    lines += [*ratios(results), *others(folder), "", "<details><summary>All figures</summary>", "", *table(results)]
    return "\n".join([*lines, "", "</details>", "", END]), results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=HERE / "results")
    given = parser.parse_args()
    text, results = section(given.folder)
    page = PAGE.read_text()
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SystemExit(f"{PAGE} lacks its marks, {BEGIN} and {END}")
    PAGE.write_text(f"{before}{text}{after}")
    PLOT.write_text(plot(results))
    print(f"written: {PAGE}, {PLOT}")


if __name__ == "__main__":
    main()
