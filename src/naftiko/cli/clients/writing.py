"""Write a configuration file: a backup first, then all of it at once."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
from pathlib import Path


def read(path: Path) -> str:
    """Return the text of a file with its ends of lines as they are; ``""`` where there is none.

    Raises:
        OSError: it can't be read.
        UnicodeDecodeError: it is no UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""


def replace(path: Path, text: str) -> Path | None:
    """Write a file in one piece; return the backup of what was there before, if anything was.

    A symbolic link stays one: what it points to is written. Permissions stay as they are.

    Raises:
        OSError: it can't be written; then nothing has changed.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    backup = _backup(target) if target.exists() else None
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if backup is not None:
            shutil.copymode(target, temporary)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return backup


def _backup(path: Path) -> Path:
    """Copy a file to ``FILE.bak-YYYYMMDD-HHMMSS``, local time; an older backup is never overwritten."""
    name = f"{path.name}.bak-{dt.datetime.now().astimezone():%Y%m%d-%H%M%S}"
    backup = path.with_name(name)
    count = 1
    while backup.exists():
        count += 1
        backup = path.with_name(f"{name}-{count}")
    shutil.copy2(path, backup)
    return backup
