"""``file://``: YAML, JSON or ``.env`` beside the capability file, by its suffix."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from naftiko.document import reader
from naftiko.document.findings import Findings
from naftiko.document.nodes import MappingNode, Node, ScalarNode
from naftiko.engine.binds.source import NotReadable, ReadOnce, Source
from naftiko.ground.seen import seen, text_of
from naftiko.ground.types import Json


def open_source(location: str, base: Path, environment: Mapping[str, str]) -> Source:  # noqa: ARG001  # a scheme's shape
    """Return the file as a source.

    ``file:///./x``, ``file://./x``, ``file://x``, ``./x`` and ``x`` are relative to ``base``; ``file:///x`` and ``/x``
    are absolute. ``.json`` is JSON; ``.env``, also as a whole name or before another suffix (``.env.local``), is lines
    of ``KEY=value``; anything else is YAML 1.2. Only keys at the top are seen, and dotted ones walk into maps.
    """
    path = path_of(location, base)
    return ReadOnce(lambda: _read(path, location))


def path_of(location: str, base: Path) -> Path:
    """Return the path that a location means, seen from a directory; links are not resolved."""
    return base / _path(location)


def _path(location: str) -> str:
    """Return the path that a location means, relative or absolute."""
    if not location.lower().startswith("file:"):
        return location
    written = unquote(location[len("file:") :])
    if not written.startswith("//"):
        return written
    host, slash, rest = written[2:].partition("/")
    if host.lower() in {"", "localhost"}:
        absolute = not rest.startswith(("./", "../")) and not _has_drive(rest)
        return f"{slash}{rest}" if absolute else rest
    return written[2:]


def _has_drive(path: str) -> bool:
    """Tell whether a path starts as those of Windows do: ``file:///C:/secrets.yaml``."""
    return path[:1].isalpha() and path[1:2] == ":"


def _read(path: Path, location: str) -> Mapping[str, Json]:
    try:
        if seen("size", path, lambda: path.stat().st_size) > reader.MAX_BYTES:
            raise NotReadable(f"it is larger than {reader.MAX_BYTES // 1024 // 1024} MiB")
        content = text_of(path)
    except FileNotFoundError:
        raise NotReadable(f"there is no file {path}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        said = getattr(error, "strerror", None) or "no path"
        raise NotReadable(f"{path} can't be read: {said.lower()}") from None
    if path.suffix.lower() == ".json":
        return _json(content)
    if ".env" in (path.suffix.lower(), path.name[:4].lower()):
        return _dotenv(content)
    return _yaml(content, location)


def _json(content: bytes) -> Mapping[str, Json]:
    """Read JSON; numbers stay as they are written, so that a key ``0.10`` doesn't become ``0.1``."""
    try:
        values = json.loads(content.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except UnicodeDecodeError:
        raise NotReadable("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotReadable(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotReadable("it is nested too deeply") from None
    return values if isinstance(values, dict) else _no_map()


def _dotenv(content: bytes) -> Mapping[str, Json]:
    """Read ``KEY=value`` lines, with quotes, comments and ``export`` as shells have them; ``${X}`` stays text."""
    from dotenv import dotenv_values  # noqa: PLC0415  # only a capability with such a bind pays for it

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable("it is not UTF-8") from None
    return dict(dotenv_values(stream=io.StringIO(text), interpolate=False))


def _yaml(content: bytes, location: str) -> Mapping[str, Json]:
    findings = Findings(location)
    root = reader.read(content, findings)
    values = {} if root is None else _map(root, findings)
    for found in findings.errors:
        if found.rule == "no-root-key":
            _no_map()
        raise NotReadable(f"line {found.position.line}: {found.message}")
    return values


def _map(node: MappingNode, findings: Findings) -> dict[str, Json]:
    return {key: _as_written(value, findings) for key, (_, value) in reader.entries(node, findings).items()}


def _as_written(node: Node, findings: Findings) -> Json:
    """Return a node as data whose scalars are text: ``0123``, ``1.10`` and ``NO`` are values, not numbers or flags."""
    if isinstance(node, MappingNode):
        return _map(node, findings)
    if isinstance(node, ScalarNode):
        reader.scalar(node, findings)  # tells of a tag that doesn't fit
        return None if reader.is_null(node) else str(node.value)
    return reader.plain(node, findings)


def _no_map() -> NoReturn:
    raise NotReadable("it holds no map of keys and values")
