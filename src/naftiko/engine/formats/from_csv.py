"""csv, tsv, psv: a header line, then rows; an array of objects of strings (RFC 4180).

Values are not trimmed. Quotes are checked strictly. A short row lacks the keys of its last columns, a long row is an
error (one empty cell at the end is a trailing separator and ignored), a blank line is no row.
"""

from __future__ import annotations

import csv
import io

from naftiko.engine.formats.charset import decode_text
from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions
from naftiko.engine.formats.tables import column_names
from naftiko.ground.types import Json


def prepare_commas(options: FormatOptions) -> Decoder:
    """Prepare the decoder of comma-separated values."""
    return _prepare(options, ",")


def prepare_tabs(options: FormatOptions) -> Decoder:
    """Prepare the decoder of tab-separated values."""
    return _prepare(options, "\t")


def prepare_bars(options: FormatOptions) -> Decoder:
    """Prepare the decoder of values separated by ``|``."""
    return _prepare(options, "|")


def _prepare(options: FormatOptions, separator: str) -> Decoder:
    def decode(content: bytes, charset: str | None) -> Json:
        text = decode_text(content, charset)
        DecodeBudget(options).values(text.count(separator))  # a row is read as a whole, so ask before
        return _records(text, separator, DecodeBudget(options))

    return decode


def _records(text: str, separator: str, budget: DecodeBudget) -> list[Json]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    records: list[Json] = []
    try:
        for row in reader:
            if not row:  # a blank line
                continue
            if not names:
                names = column_names(row)
                continue
            if len(row) > len(names) and (len(row) > len(names) + 1 or row[-1]):
                raise FormatError(f"line {reader.line_num}: {len(row)} values for {len(names)} columns")
            budget.values(1 + len(row))
            records.append(dict(zip(names, row, strict=False)))
    except csv.Error as wrong:
        raise FormatError(f"line {reader.line_num}: {wrong}") from None
    if not names:
        raise FormatError("there is no header line")
    return records
