"""Tell when files may have changed; what has changed is for others to find out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Final

from naftiko.ground.errors import NaftikoError

_DEBOUNCE: Final = 200
"""Milliseconds in which changes are one: an editor writes a file in several steps."""
_STEP: Final = 50
"""Milliseconds without a change after which the ones before are told."""


def check_watchable() -> None:
    """Raise where files can't be watched.

    Raises:
        NaftikoError: the library for it is not installed.
    """
    try:
        import watchfiles  # noqa: F401, PLC0415  # an extra
    except ImportError as error:
        raise NaftikoError(
            "--reload needs the library `watchfiles`: install `naftiko[reload]`, or send SIGHUP after a change"
        ) from error


async def changes(watched: Callable[[], Iterable[Path]]) -> AsyncIterator[None]:
    """Yield once it watches, and whenever something has changed in or beside the watched files.

    The directories are watched, not the files: editors and Kubernetes put another file in the place of one.

    Args:
        watched: returns files and directories; it is asked anew after each change. Directories are watched with all
            that is in them.
    """
    import watchfiles  # noqa: PLC0415  # an extra

    while True:
        directories = await asyncio.to_thread(_directories, watched())
        if not directories:
            await asyncio.sleep(1)
            continue
        watching = watchfiles.awatch(
            *directories,
            watch_filter=None,
            debounce=_DEBOUNCE,
            step=_STEP,
            recursive=False,
            ignore_permission_denied=True,
        )
        coming = asyncio.ensure_future(anext(watching))
        try:
            await asyncio.sleep(0)  # by now it watches, and what has changed before that nobody tells
            yield
            while await asyncio.to_thread(_directories, watched()) == directories:
                await coming
                yield
                coming = asyncio.ensure_future(anext(watching))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await watching.aclose()


def _directories(paths: Iterable[Path]) -> frozenset[Path]:
    """Return the directories to watch: those of files, and directories with those below them that aren't hidden."""
    found: set[Path] = set()
    for path in paths:
        if not path.is_dir():
            found.update(each for each in (path.parent, path.resolve().parent) if each.is_dir())
            continue
        found.add(path)
        below = (each for each in path.rglob("*") if each.is_dir())
        found.update(each for each in below if not any(part.startswith(".") for part in each.relative_to(path).parts))
    return frozenset(found)
