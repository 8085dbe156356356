"""Formats: an upstream's answer by its ``outputRawFormat``, decoded to JSON (SEMANTICS 5.1).

A format is a module of this package and a line in the table below. Its ``prepare`` function reads the selector or
the schema file once, at load, and gives the decoder that serves the requests; a module is imported when a capability
names its format.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from naftiko.engine.formats.decoder import (
    DecodeBudget,
    Decoder,
    FormatError,
    FormatOptions,
    FormatUnavailable,
)
from naftiko.ground.types import Json

__all__ = ["KNOWN", "DecodeBudget", "Decoder", "FormatError", "FormatOptions", "FormatUnavailable", "decoder"]

# name: (module, function that prepares the decoder)
_FORMATS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "json": ("from_json", "prepare"),
        "xml": ("from_xml", "prepare"),
        "csv": ("from_csv", "prepare_commas"),
        "tsv": ("from_csv", "prepare_tabs"),
        "psv": ("from_csv", "prepare_bars"),
        "yaml": ("from_yaml", "prepare"),
        "html": ("from_html", "prepare"),
        "markdown": ("from_markdown", "prepare"),
        "avro": ("from_avro", "prepare"),
        "protobuf": ("from_protobuf", "prepare"),
        "text": ("from_text", "prepare"),
        "binary": ("from_binary", "prepare"),
    }
)

KNOWN: Final[frozenset[str]] = frozenset(_FORMATS)
"""The names of ``outputRawFormat``, in lower case."""

_DEFAULTS: Final = FormatOptions()


def decoder(name: str, options: FormatOptions = _DEFAULTS) -> Decoder:
    """Set up the decoder of the format ``name``; upper and lower case are the same.

    An empty body is "no content" (SEMANTICS 5.2) and not the decoder's business: don't call it.

    Raises:
        FormatError: there is no such format, or its selector or schema file is broken.
        FormatUnavailable: the format's library is not installed.
    """
    try:
        module_name, function = _FORMATS[name.lower()]
    except KeyError:
        raise FormatError(f'Unsupported format "{name}"; known: {", ".join(_FORMATS)}') from None
    module = importlib.import_module(f"{__name__}.{module_name}")
    decode: Decoder = getattr(module, function)(options)
    max_bytes = options.max_bytes

    def bounded(content: bytes, charset: str | None) -> Json:
        if len(content) > max_bytes:
            raise FormatError(f"it is larger than {max_bytes:,} bytes")
        try:
            return decode(content, charset)
        except RecursionError:
            raise FormatError("it is nested too deeply") from None

    return bounded
