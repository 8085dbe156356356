"""How long capability files take to load and link, and to be linted, against reading their YAML alone.

    python benchmarks/loading.py [DIRECTORY] [--rounds 5] [--json FILE]

All files are read by PyYAML's ``CSafeLoader``, loaded and linked by ``naftiko.load``, and linted, in turn in each round
of one process. Figures are CPU time, the least of all rounds: what else runs on the machine only adds to them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import yaml

import naftiko

ROOT = Path(__file__).parents[1]
BESIDE = ROOT.parent / "shared" / "corpus"
"""Where the public capability files are, unless ``NAFTIKO_CORPUS`` says otherwise."""


def files_below(folder: Path) -> list[Path]:
    """Return the YAML files that can be read as YAML."""
    found = []
    for path in sorted(folder.rglob("*.y*ml")):
        try:
            yaml.load(path.read_bytes(), yaml.CSafeLoader)
        except (yaml.YAMLError, ValueError):
            continue
        found.append(path)
    return found


def read_all(files: list[Path]) -> None:
    for path in files:
        yaml.load(path.read_bytes(), yaml.CSafeLoader)


def load_all(files: list[Path]) -> None:
    for path in files:
        naftiko.load(path)


def lint_all(files: list[Path]) -> None:
    for path in files:
        capability = naftiko.load(path)
        if capability.usable:
            capability.lint()


def cpu(work: Callable[[list[Path]], None], files: list[Path]) -> float:
    """Return the seconds of CPU that some work takes."""
    gc.collect()
    started = time.process_time()
    work(files)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    said = os.environ.get("NAFTIKO_CORPUS", "")
    usual = Path(said) if said not in {"", "required", "absent"} else BESIDE
    parser.add_argument("directory", type=Path, nargs="?", default=usual if usual.is_dir() else ROOT / "capabilities")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    given = parser.parse_args()
    files = files_below(given.directory)
    if not files:
        raise SystemExit(f"no capability file in {given.directory}")
    load_all(files[:3])  # what is imported when it is first used
    lint_all(files[:3])
    taken: dict[str, list[float]] = {"read": [], "load": [], "lint": []}
    for _ in range(given.rounds):
        for name, work in (("read", read_all), ("load", load_all), ("lint", lint_all)):
            taken[name].append(cpu(work, files))
    least = {name: min(values) for name, values in taken.items()}
    figures = {
        "files": len(files),
        "CSafeLoader alone, s": round(least["read"], 3),
        "load and link, s": round(least["load"], 3),
        "load, link and lint, s": round(least["lint"], 3),
        "load and link / CSafeLoader": round(least["load"] / least["read"], 2),
        "load, link and lint / CSafeLoader": round(least["lint"] / least["read"], 2),
    }
    for name, value in figures.items():
        print(f"{name:<34} {value:>10,}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
