"""Capabilities with very many routes or tools."""

from __future__ import annotations

from pathlib import Path

import yaml


def write_many_routes(folder: Path, bench: Path, count: int = 2000) -> Path:
    """Write the benchmark capability with ``count`` more routes, half of them with placeholders."""
    document = yaml.safe_load(bench.read_text())
    rest = document["capability"]["exposes"][0]
    for at in range(count // 2):
        rest["resources"].append(
            {"path": f"/r{at}/{{id}}/parts", "operations": [{"method": "GET", "name": f"p{at}", "call": "up.thing"}]}
        )
    for at in range(count // 2, count):
        rest["resources"].append(
            {"path": f"/r{at}/small", "operations": [{"method": "GET", "name": f"s{at}", "call": "up.small"}]}
        )
    return _written(folder / "routes.yaml", document)


def write_many_tools(folder: Path, bench: Path, count: int = 500) -> Path:
    """Write the benchmark capability with ``count`` tools."""
    document = yaml.safe_load(bench.read_text())
    mcp = document["capability"]["exposes"][1]
    mcp["tools"] += [
        {"name": f"thing-{at}", "description": f"Thing number {at} by its id.", "call": "up.thing"}
        for at in range(count - len(mcp["tools"]))
    ]
    return _written(folder / "tools.yaml", document)


def _written(path: Path, document: object) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path
