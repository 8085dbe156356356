"""avro: one bare datum of the schema file that ``outputSchema`` names, or a container file (Avro 1.12).

A container file brings its own schema, needs no schema file and is an array of its data. Records and maps are objects,
unions their value, enums their symbol; bytes are base64, decimals their digits as a string, dates and times ISO 8601,
NaN and infinities strings.

fastavro checks the schemas; reading is done here, since its compiled reader has no limits: a recursive schema ends
the process at some thousand levels, and five bytes make a thousand million nulls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from naftiko.engine.formats.avro_container import MAGIC, Container
from naftiko.engine.formats.avro_datum import Cursor, Read, compile_schema
from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions, library
from naftiko.engine.formats.from_json import decode_json
from naftiko.engine.formats.schema_file import read_schema_file
from naftiko.ground.types import Json

_SCHEMA_LIMITS: Final = FormatOptions(max_depth=64, max_values=50_000)


def prepare(options: FormatOptions) -> Decoder:
    """Read and compile the schema file.

    Raises:
        FormatError: the schema file is missing or broken.
        FormatUnavailable: fastavro is not installed.
    """
    library("fastavro", "avro")
    read = _compiled(read_schema_file(options.schema, options)) if options.schema else None

    def decode(content: bytes, _charset: str | None) -> Json:
        budget = DecodeBudget(options)
        if content.startswith(MAGIC):
            return list(_container(content, budget))
        if read is None:
            raise FormatError("Avro format requires outputSchema: it is not a container file, which has its own schema")
        cursor = Cursor(content, budget)
        datum = read(cursor)
        cursor.expect_end()
        return datum

    return decode


def _container(content: bytes, budget: DecodeBudget) -> Iterator[Json]:
    container = Container(content, budget)
    read = _compiled(container.schema)
    for count, block in container.blocks():
        budget.values(count)
        cursor = Cursor(block, budget)
        for _ in range(count):
            yield read(cursor)
        cursor.expect_end()


def _compiled(text: bytes) -> Read:
    try:
        schema = decode_json(text, None, _SCHEMA_LIMITS)
        parsed = library("fastavro", "avro").parse_schema(schema)
    except FormatError as wrong:
        raise FormatError(f"the Avro schema is broken: {wrong.detail}") from None
    except RecursionError:
        raise FormatError("the Avro schema is broken: it is nested too deeply") from None
    except library("fastavro.schema", "avro").UnknownType as unknown:
        raise FormatError(f'the Avro schema is broken: unknown type "{unknown.name}"') from None
    except Exception as wrong:  # noqa: BLE001 -- fastavro raises KeyError, TypeError and more for broken schemas
        raise FormatError(f"the Avro schema is broken: {wrong or type(wrong).__name__}") from None
    return compile_schema(parsed)
