"""Write what was measured: a Markdown table with ratios, and an SVG plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Sample


def write_report(folder: Path, about: dict[str, Any], results: dict[str, dict[str, Sample]]) -> None:
    """Write ``results.md`` and ``throughput.svg``."""
    lines = [
        "# Benchmark results",
        "",
        ", ".join(f"{key}: {value}" for key, value in about.items()),
        "",
        "`x` is the throughput of naftiko divided by that of the row.",
        "",
    ]
    for name, found in results.items():
        lines += [f"## {name}", "", *_table(found), ""]
    (folder / "results.md").write_text("\n".join(lines))
    (folder / "throughput.svg").write_text(_plot(results))


def _table(found: dict[str, Sample]) -> list[str]:
    rows = [
        "| variant | connections | requests/s | p50 ms | p99 ms | CPU µs | RSS MiB | MB/s | failed | x |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for key, sample in found.items():
        variant, _, connections = key.rpartition("@")
        own = next(
            (each for name, each in found.items() if name.startswith("naftiko") and name.endswith(f"@{connections}")),
            None,
        )
        ratio = f"{own.rps / sample.rps:.2f}" if own and sample.rps else ""
        rows.append(
            f"| {variant} | {connections} | {sample.rps:,.0f} | {sample.p50:.2f} | {sample.p99:.2f} | {sample.cpu:.0f}"
            f" | {sample.rss:.0f} | {sample.mb_s:.1f} | {sample.failed} | {ratio} |"
        )
    return rows


_WIDTH, _BAR, _LEFT = 900, 16, 330
_COLOURS = {"naftiko": "#0b6e4f", "direct": "#bbbbbb"}


def _plot(results: dict[str, dict[str, Sample]]) -> str:
    """Draw a bar for each variant, on a scale of its own in each scenario."""
    pieces: list[str] = []
    top = 20
    for name, found in results.items():
        pieces.append(f'<text x="8" y="{top + 12}" font-weight="bold">{name}</text>')
        top += 20
        highest = max((sample.rps for key, sample in found.items() if not key.startswith("direct")), default=1) or 1
        for key, sample in found.items():
            width = min(1.0, sample.rps / highest) * (_WIDTH - _LEFT - 90)
            colour = next((value for start, value in _COLOURS.items() if key.startswith(start)), "#6c8ebf")
            pieces.append(f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{key}</text>')
            pieces.append(f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="{_BAR - 3}" fill="{colour}"/>')
            pieces.append(f'<text x="{_LEFT + width + 6:.0f}" y="{top + 12}">{sample.rps:,.0f}/s</text>')
            top += _BAR
        top += 14
    style = "text{font:12px sans-serif}"
    body = "\n".join(pieces)
    size = f'width="{_WIDTH}" height="{top}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>\n{body}\n</svg>\n'
