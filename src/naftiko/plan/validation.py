"""Check values against patterns and JSON Schemas of a file, within limits: no pattern hangs, nothing is fetched.

Both libraries are imported when a file needs them: ``regex`` takes 13 ms, ``jsonschema`` 60.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from naftiko.digits import is_multiple, is_number

LONGEST: Final = 10_000
"""Characters that a pattern is tried on: a file's pattern may backtrack, and a caller chooses the text."""
SECONDS: Final = 0.1
"""Time after which a text counts as one that doesn't match."""


def broken_pattern(pattern: str) -> str:
    """Return why a text is no regular expression, or ``""``."""
    import regex  # noqa: PLC0415  # see the module's text

    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        return str(error)
    return ""


def matches(pattern: str, value: str) -> bool:
    """Tell whether a pattern is found in a text; one that takes too long is not."""
    import regex  # noqa: PLC0415  # see the module's text

    try:
        return len(value) <= LONGEST and regex.search(pattern, value, timeout=SECONDS) is not None
    except TimeoutError:
        return False


def schema_errors(schema: Mapping[str, Any]) -> Callable[[Any], Iterable[Any]]:
    """Return what yields the ``jsonschema`` errors of a value; a schema that is broken itself refuses nothing."""
    from jsonschema import Draft202012Validator, SchemaError, ValidationError  # noqa: PLC0415  # see the module's text
    from jsonschema.validators import extend  # noqa: PLC0415  # see the module's text
    from referencing import Registry  # noqa: PLC0415  # comes with jsonschema, which would fetch a `$ref` without it
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # see the module's text

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return lambda _: ()
    bounded = extend(Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of})  # type: ignore[no-untyped-call]  # jsonschema's own
    checker = bounded(schema, registry=Registry())

    def errors(value: Any) -> Iterator[Any]:
        try:
            yield from checker.iter_errors(value)
        except Unresolvable:  # a `$ref` to nothing says nothing
            return
        except RecursionError:
            yield ValidationError("it is nested too deeply to be checked")

    return errors


def _multiple_of(validator: Any, unit: float, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError  # noqa: PLC0415  # see the module's text

    del validator, schema
    if is_number(instance) and is_number(unit) and not is_multiple(instance, unit):
        yield ValidationError(f"{instance!r} is not a multiple of {unit!r}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError  # noqa: PLC0415  # see the module's text

    del validator, schema
    if isinstance(instance, str) and not broken_pattern(pattern) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")
