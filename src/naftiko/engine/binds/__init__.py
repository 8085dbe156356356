"""Read bind variables, one file for each scheme (SEMANTICS 2).

A bind's ``location`` says where its keys are read:

    file:///./secrets.yaml               YAML, JSON or .env, relative to the directory of the capability file
    vault://my-vault/secret/data/app     a secret of HashiCorp Vault or OpenBao, KV version 2
    k8s-secret://namespace/name          a Kubernetes secret, from a mounted directory or the API
    env://                               the environment, as without a location

Opening a source reads nothing; its first use does. To read anew, open it again.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from naftiko.engine.binds.source import Environment, NotReadable, ReadOnce, Source, UnreadableSource

__all__ = [
    "KNOWN",
    "Environment",
    "NotReadable",
    "OpenSource",
    "ReadOnce",
    "Source",
    "UnreadableSource",
    "file_of",
    "mounted_files",
    "open_source",
]

OpenSource: TypeAlias = Callable[[str, Path, Mapping[str, str]], Source]
"""Opens a location, seen from the directory of the capability file, with the environment that says how."""

# scheme: the module with its ``open_source``; no scheme at all is a file's path
_SCHEMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "file",
        "file": "file",
        "vault": "vault",
        "k8s": "kubernetes",
        "k8s-secret": "kubernetes",
        "env": "environment",
    }
)

KNOWN: Final[frozenset[str]] = frozenset(_SCHEMES) - {""}
"""The schemes that can be read."""


def open_source(location: str, base: Path, environment: Mapping[str, str]) -> Source:
    """Return the source at a bind's location; nothing is read before its first use, and then once.

    Args:
        location: as the bind has it.
        base: the directory of the capability file.
        environment: the process's environment, which says where a store is and how it is entered.

    Returns:
        the source; one that can't be read has no values and tells its ``reason``. Nothing is raised.
    """
    name = _SCHEMES.get(_scheme(location))
    if name is None:
        known = ", ".join(f"{scheme}://" for scheme in sorted(KNOWN))
        return UnreadableSource(f"`{_scheme(location)}://` is not read here; use one of {known}, or no location")
    opened: OpenSource = importlib.import_module(f"{__name__}.{name}").open_source
    return opened(location.strip(), base, environment)


def file_of(location: str, base: Path) -> Path | None:
    """Return the file that a location means, ``None`` where it is another source."""
    from naftiko.engine.binds.file import path_of  # noqa: PLC0415  # it brings the reader of YAML

    return path_of(location.strip(), base) if _SCHEMES.get(_scheme(location)) == "file" else None


def mounted_files(location: str, keys: Iterable[str], base: Path, environment: Mapping[str, str]) -> list[Path]:
    """Return the files and directories of a mounted secret that a location may mean, which may not be there.

    Args:
        location: as the bind has it.
        keys: that are read there.
        base: the directory of the capability file.
        environment: the process's environment, which says where secrets are mounted.
    """
    if _SCHEMES.get(_scheme(location)) != "kubernetes":
        return []
    from naftiko.engine.binds import kubernetes  # noqa: PLC0415  # it brings HTTP

    return kubernetes.mounted_files(location.strip(), keys, base, environment)


def _scheme(location: str) -> str:
    """Return a location's scheme in lower case; a lone letter is a drive, as in ``C:/secrets.yaml``."""
    scheme, colon, rest = location.strip().partition(":")
    if not colon or not (rest.startswith("//") or scheme.lower() == "file"):
        return ""
    return scheme.lower()
