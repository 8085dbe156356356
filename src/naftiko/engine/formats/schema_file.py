"""The schema file that an ``outputSchema`` names: always inside the folder of the capability file."""

from __future__ import annotations

from pathlib import Path

from naftiko.engine.formats.decoder import FormatError, FormatOptions
from naftiko.ground.seen import is_file, seen, text_of

MAX_SCHEMA_BYTES = 4 * 1024 * 1024


def schema_file(schema: str, options: FormatOptions) -> Path:
    """Find the file that ``schema`` names, relative to the capability file.

    Raises:
        FormatError: there is no such file, or it lies outside, symbolic links followed.
    """
    if options.schema_base is None:
        raise FormatError(f'outputSchema names the file "{schema}", but the capability is not a file on disk')
    base = options.schema_base.resolve()
    try:
        path = (base / schema).resolve()
        if not any(path.is_relative_to(root) for root in (base, *options.schema_roots)):
            raise FormatError(f'the schema file "{schema}" is outside the folder of the capability (--file-root)')
        if not is_file(path):
            raise FormatError(f'there is no schema file "{schema}" in the folder of the capability file')
        size = seen("size", path, lambda: path.stat().st_size)
    except (OSError, ValueError) as wrong:  # ValueError: a NUL in the name
        raise FormatError(f'the schema file "{schema}" can\'t be read') from wrong
    if size > MAX_SCHEMA_BYTES:
        raise FormatError(f'the schema file "{schema}" is larger than {MAX_SCHEMA_BYTES:,} bytes')
    return path


def read_schema_file(schema: str, options: FormatOptions) -> bytes:
    """Read the file that ``schema`` names; errors as in ``schema_file``."""
    path = schema_file(schema, options)
    try:
        return text_of(path)
    except OSError as wrong:
        raise FormatError(f'the schema file "{schema}" can\'t be read') from wrong
