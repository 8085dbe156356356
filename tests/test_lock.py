"""The locks hold what pyproject.toml asks for, each file by its hash; the container is built of nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def locked(name: str) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for package, version in LOCKED.findall((ROOT / "requirements" / name).read_text()):
        found.setdefault(canonicalize_name(package), set()).add(Version(version))
    return found


def asked(*extras: str) -> Iterator[Requirement]:
    """Yield what the project asks for, extras of its own followed."""
    texts = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        texts += PROJECT["project"]["optional-dependencies"][extra]
    for requirement in map(Requirement, texts):
        if requirement.name == PROJECT["project"]["name"]:
            yield from asked(*requirement.extras)
        else:
            yield requirement


@pytest.mark.parametrize(
    ("lock", "extras"), [("dev.txt", ("dev",)), ("image.txt", ("formats", "otel", "reload", "shared"))]
)
def test_every_dependency_is_locked_within_its_bounds(lock, extras):
    versions = locked(lock)
    for requirement in asked(*extras):
        found = versions.get(canonicalize_name(requirement.name))
        assert found, f"{requirement} is not in requirements/{lock}: run `make lock`"
        # All of them: a lock has another version for another Python, and the image is built of that one.
        assert all(requirement.specifier.contains(version) for version in found), requirement


def test_the_lowest_versions_are_what_the_bounds_say():
    """What `make lowest` tests is what pyproject.toml promises."""
    versions = locked("lowest.txt")
    for requirement in asked("formats", "search", "shared"):
        lowest = {Version(each.version) for each in requirement.specifier if each.operator == ">="}
        assert versions[canonicalize_name(requirement.name)] == lowest, f"{requirement}: run `make lock`"


@pytest.mark.parametrize("lock", ["dev.txt", "image.txt", "build.txt", "lowest.txt"])
def test_every_locked_file_has_its_hash(lock):
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.partition("\n")[0]


def test_what_the_image_has_is_what_was_tested():
    tested = locked("dev.txt")
    for name, versions in locked("image.txt").items():
        assert versions <= tested[name], name


def test_nothing_is_installed_that_no_lock_names():
    for file, least in (("Dockerfile", 2), ("Makefile", 2)):
        text = (ROOT / file).read_text()
        installs = [
            line
            for line in text.splitlines()
            if re.search(r"pip install", line)
            and not re.search(r"VENV\)/(sbom|audit)/|benchmarks/requirements.txt", line)
        ]
        hashed = [line for line in installs if "--require-hashes" in line]
        others = [line for line in installs if "--require-hashes" not in line]
        assert len(hashed) >= least, file
        assert all("--no-deps" in line for line in others), others
