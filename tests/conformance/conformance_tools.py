"""Node and the official tools, from npm into a cache directory: nothing of them is in the repository."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONFORMANCE: Final = "@modelcontextprotocol/conformance"
INSPECTOR: Final = "@modelcontextprotocol/inspector"
PACKAGES: Final = {
    CONFORMANCE: "0.2.0-alpha.12",
    "conformance-0.1": f"npm:{CONFORMANCE}@0.1.16",
    INSPECTOR: "2.12.0",
}
"""What is installed, in these exact versions; the older suite is the last one that is no alpha."""
NODE_VERSION: Final = "24.21.0"
_OLDEST_NODE: Final = (22, 19)
_INSTALL_SECONDS: Final = 300.0
_RUN_SECONDS: Final = 60.0


class Missing(Exception):
    """The tools can't be had here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The installed tools.

    Attributes:
        node: a Node of at least 22.19.
        conformance: the suite with the requirement sets.
        conformance_active: the last stable suite.
        inspector: the MCP Inspector's launcher.
    """

    node: Path
    conformance: Path
    conformance_active: Path
    inspector: Path

    def run(self, script: Path, *arguments: str, seconds: float = _RUN_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a tool to its end; its exit code is for the caller to read."""
        return subprocess.run(
            [self.node, script, *arguments],
            capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip


def install() -> Tools:
    """Return the tools; they are installed when they are first wanted.

    Raises:
        Missing: npm is missing, or it can't install them.
    """
    packages = dict(PACKAGES)
    node = _suitable_node()
    if node is None:
        packages[_node_package()] = NODE_VERSION
    modules = installed(packages) / "node_modules"
    return Tools(
        node or modules / _node_package() / "bin" / "node",
        modules / CONFORMANCE / "dist" / "index.js",
        modules / "conformance-0.1" / "dist" / "index.js",
        modules / INSPECTOR / "clients" / "launcher" / "build" / "index.js",
    )


def cache() -> Path:
    """Return the directory that keeps what is installed; ``NAFTIKO_CONFORMANCE_CACHE`` is another one."""
    given = os.environ.get("NAFTIKO_CONFORMANCE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "naftiko-conformance"


def _suitable_node() -> Path | None:
    found = shutil.which("node")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=_RUN_SECONDS, check=False)
    version = re.match(r"v(\d+)\.(\d+)", said.stdout)
    return Path(found) if version and (int(version[1]), int(version[2])) >= _OLDEST_NODE else None


def _node_package() -> str:
    """Return the npm package that holds Node's binary for this machine; the package `node` installs it by a script."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    if sys.platform != "linux" or machine is None:
        raise Missing("install Node 22.19 or newer")
    return f"node-linux-{machine}"


def installed(packages: dict[str, str]) -> Path:
    """Return a directory with these packages; it appears in one piece, so that two runs can't disturb each other."""
    manifest = json.dumps({"private": True, "dependencies": packages}, indent=2, sort_keys=True)
    directory = cache() / hashlib.sha256(manifest.encode()).hexdigest()[:16]
    if directory.is_dir():
        return directory
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("install npm")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (
        (directory.parent / "lock").open("w") as lock,
        tempfile.TemporaryDirectory(dir=directory.parent, prefix="installing-") as temporary,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several test processes one installs, and the others wait for it
        if directory.is_dir():
            return directory
        fresh = Path(temporary) / "tools"
        fresh.mkdir()
        (fresh / "package.json").write_text(manifest, encoding="utf-8")
        # No scripts: the Inspector's would build its clients anew.
        _npm([npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], fresh)
        try:
            fresh.rename(directory)
        except OSError:
            if not directory.is_dir():
                raise
    return directory


def _npm(command: Sequence[str], directory: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=directory, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Missing(f"npm took longer than {_INSTALL_SECONDS:g} s to install the tools") from error
    if done.returncode:
        raise Missing(f"npm could not install the tools:\n{done.stderr.strip()}")
