"""Files that a capability names: ``file://`` locations, relative to its own file (SEMANTICS 2)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from naftiko.plan.scope import Variables

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def located(location: str, base: Path, variables: Variables) -> Path:
    """Return the path that a ``file://`` location means: absolute, or relative to the capability file.

    ``file:///data/docs`` is absolute; ``file://docs``, ``file://./docs`` and ``file:///./docs`` are relative.
    Variables in it are filled in; one without a value stays as it is, so that the path is not found.

    Args:
        location: as the file has it.
        base: the directory of the capability file.
        variables: the capability's.
    """
    filled = _VARIABLE.sub(lambda found: variables.get(found[1]) or found[0], location)
    text = filled.removeprefix("file://").replace(
        "\0", "\N{REPLACEMENT CHARACTER}"
    )  # no file system has a NUL in a name
    if text.startswith(("/./", "/../")):
        text = text[1:]
    return (base / text).resolve()


def is_there(path: Path) -> bool:
    """Tell whether there is a file or a directory; a name that no file system has, such as a long one, is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
