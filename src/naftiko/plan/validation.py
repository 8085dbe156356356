"""Check values against patterns and JSON Schemas of a file, within limits.

No check hangs, none looks at what others have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from naftiko.ground.digits import exact_value, is_multiple, is_number
from naftiko.plan.deadline import Watch

Matching = Callable[[Sequence[str], Iterable[str]], Iterable[str]]
"""Yields the names that one of the patterns is found in."""

_ALL_OF_THE_REST: Final = ("additionalProperties", "unevaluatedProperties")
_CHOICES: Final = ("allOf", "anyOf", "oneOf")


def evaluated_names(validator: Any, instance: Mapping[str, Any], schema: Any, matching: Matching) -> set[str]:
    """Return the names of the members that a schema, or one of those that apply in its place, has looked at.

    Args:
        validator: of ``jsonschema``, for the schema.
        instance: an object.
        schema: of it.
        matching: finds the names of patterns.
    """
    if not isinstance(schema, Mapping):
        return set()
    found = {name for name in schema.get("properties", ()) if name in instance}
    for keyword in _ALL_OF_THE_REST:
        if keyword in schema:
            inner = schema[keyword]
            found.update(name for name, value in instance.items() if fulfils(validator, value, inner))
    found.update(matching([*schema.get("patternProperties", ())], instance))
    for name, inner in schema.get("dependentSchemas", {}).items():
        if name in instance:
            found |= evaluated_names(validator, instance, inner, matching)
    for beside, inner in _in_place(validator, instance, schema):
        found |= evaluated_names(beside, instance, inner, matching)
    return found


def evaluated_items(validator: Any, instance: Sequence[Any], schema: Any) -> set[int]:
    """Return the places of the items that a schema, or one of those that apply in its place, has looked at."""
    if not isinstance(schema, Mapping):
        return set()
    if "items" in schema:
        return set(range(len(instance)))
    found = set(range(min(len(instance), len(schema.get("prefixItems", ())))))
    for keyword in ("contains", "unevaluatedItems"):
        if keyword in schema:
            inner = schema[keyword]
            found.update(
                at for at, value in enumerate(instance) if at not in found and fulfils(validator, value, inner)
            )
    for beside, inner in _in_place(validator, instance, schema):
        found |= evaluated_items(beside, instance, inner)
    return found


def _in_place(validator: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the schemas that apply to the same value and are fulfilled, each with its validator."""
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            resolved = validator._resolver.lookup(schema[keyword])  # noqa: SLF001  # as its own keywords do
            inner = resolved.contents
            yield validator.evolve(schema=inner, _resolver=resolved.resolver), inner
    for keyword in _CHOICES:
        for inner in schema.get(keyword, ()):
            if fulfils(validator, instance, inner):
                yield validator, inner
    if "if" in schema:
        fulfilled = fulfils(validator, instance, schema["if"])
        if fulfilled:
            yield validator, schema["if"]
        branch = "then" if fulfilled else "else"
        if branch in schema:
            yield validator, schema[branch]


def fulfils(validator: Any, value: Any, schema: Any) -> bool:
    """Tell whether a value fulfils a schema."""
    return schema if isinstance(schema, bool) else next(validator.descend(value, schema), None) is None


LONGEST: Final = 10_000
"""Characters that a pattern is tried on: a file's pattern may backtrack, and a caller chooses the text."""
_SHOWN: Final = 200
"""Characters of a value that a message shows."""

Errors = Callable[[Any, Watch], Iterable[Any]]
"""Yields the ``jsonschema`` errors of a value, while there is time."""


@lru_cache(maxsize=1024)
def broken_pattern(pattern: str) -> str:
    """Return why a text is no regular expression, or ``""``."""
    import regex  # noqa: PLC0415  # see the module's text

    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        return str(error)
    return ""


def matches(pattern: str, value: str, watch: Watch) -> bool:
    """Tell whether a pattern is found in a text; one that takes too long is not."""
    import regex  # noqa: PLC0415  # see the module's text

    left = watch.for_patterns
    if len(value) > LONGEST or not left:
        return False
    since = time.perf_counter()
    try:
        found = regex.search(pattern, value, timeout=left)
    except TimeoutError:
        watch.spend_patterns()
        return False
    watch.matched(since)
    return found is not None


def schema_errors(schema: Mapping[str, Any]) -> Errors:
    """Return what yields the ``jsonschema`` errors of a value; a schema that is broken itself refuses nothing."""
    from jsonschema import Draft202012Validator, SchemaError, ValidationError  # noqa: PLC0415  # see the module's text
    from jsonschema.validators import extend  # noqa: PLC0415  # see the module's text
    from referencing import Registry  # noqa: PLC0415  # comes with jsonschema, which would fetch a `$ref` without it
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # see the module's text

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return lambda _, __: ()
    checks = _Checks()
    own = {name: getattr(checks, method) for name, method in _OWN.items()}
    known = {**Draft202012Validator.VALIDATORS, **own}
    timed = {name: checks.timed(keyword) for name, keyword in known.items()}
    checker = extend(Draft202012Validator, timed)(schema, registry=Registry())  # type: ignore[no-untyped-call]  # jsonschema's own

    def errors(value: Any, watch: Watch) -> Iterator[Any]:
        checks.watch = watch
        try:
            yield from checker.iter_errors(value)
        except Unresolvable:  # a `$ref` to nothing says nothing
            return
        except RecursionError:
            yield ValidationError("it is nested too deeply to be checked")

    return errors


_OWN: Final = {
    "pattern": "pattern",
    "multipleOf": "multiple_of",
    "uniqueItems": "unique_items",
    "patternProperties": "pattern_properties",
    "additionalProperties": "additional_properties",
    "unevaluatedProperties": "unevaluated_properties",
    "unevaluatedItems": "unevaluated_items",
}
"""The keywords that are checked here, and by which method: each takes linear time, or the time that is left."""

_Keyword = Callable[[Any, Any, Any, Any], Iterable[Any] | None]
"""As ``jsonschema`` calls it: with its validator, the keyword's value, the instance and the schema around it."""


class _Checks:
    """The keywords of one schema.

    Attributes:
        watch: of the check that runs; checks of one schema never overlap, since each runs to its end at once.
    """

    def __init__(self) -> None:
        self.watch = Watch()

    def timed(self, keyword: _Keyword) -> _Keyword:
        """Return a keyword that looks at the time before it looks at a value."""

        def within(validator: Any, expected: Any, instance: Any, schema: Any) -> Iterable[Any] | None:
            self.watch.look()
            return keyword(validator, expected, instance, schema)

        return within

    def pattern(self, _validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not broken_pattern(pattern) and not matches(pattern, instance, self.watch):
            yield _error(f"{_shown(instance)} does not match {pattern!r}")

    def multiple_of(self, _validator: Any, unit: float, instance: Any, _schema: Any) -> Iterator[Any]:
        if is_number(instance) and is_number(unit) and not is_multiple(instance, unit):
            yield _error(f"{instance!r} is not a multiple of {unit!r}")

    def unique_items(self, _validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
        if wanted is not True or not isinstance(instance, list):
            return
        seen: dict[Any, int] = {}
        for at, item in enumerate(instance):
            first = seen.setdefault(_identity(item), at)
            if first != at:
                yield _error(f"the items {first} and {at} are the same: {_shown(item)}")
                return
            if at % 1000 == 0:
                self.watch.look()

    def pattern_properties(self, validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
        if not isinstance(instance, dict):
            return
        for pattern, inner in wanted.items():
            for name in self._matching([pattern], instance):
                yield from validator.descend(instance[name], inner, path=name, schema_path=pattern)

    def additional_properties(self, validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, dict):
            return
        known = schema.get("properties", {})
        others = [name for name in instance if name not in known]
        matched = set(self._matching([*schema.get("patternProperties", {})], others))
        extras = [name for name in others if name not in matched]
        if isinstance(wanted, Mapping):
            for name in extras:
                yield from validator.descend(instance[name], wanted, path=name)
        elif wanted is False and extras:
            yield _error(f"Additional properties are not allowed ({_told(extras)} unexpected)")

    def unevaluated_properties(self, validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, dict):
            return
        known = evaluated_names(validator, instance, _without(schema, "unevaluatedProperties"), self._matching)
        others = [name for name in instance if name not in known]
        bad = [name for name in others if not fulfils(validator, instance[name], wanted)]
        if bad and wanted is False:
            yield _error(f"Unevaluated properties are not allowed ({_told(bad)} unexpected)")
        elif bad:
            said = _told(bad)
            yield _error(
                f"Unevaluated properties are not valid under the given schema ({said} unevaluated and invalid)"
            )

    def unevaluated_items(self, validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, list):
            return
        known = evaluated_items(validator, instance, _without(schema, "unevaluatedItems"))
        others = [item for at, item in enumerate(instance) if at not in known]
        bad = [item for item in others if not fulfils(validator, item, wanted)]
        if bad:
            yield _error(f"Unevaluated items are not allowed ({_told(bad)} unexpected)")

    def _matching(self, patterns: Sequence[str], names: Iterable[str]) -> Iterator[str]:
        """Yield the names that one of the patterns is found in."""
        sound = [pattern for pattern in patterns if not broken_pattern(pattern)]
        for name in names if sound else ():
            self.watch.look()
            if any(matches(pattern, name, self.watch) for pattern in sound):
                yield name


_NAMED: Final = 10
"""Names that a message lists."""


def _told(values: Sequence[Any]) -> str:
    """Return the first of several values as a message lists them, with the verb."""
    told = ", ".join(_shown(value) for value in values[:_NAMED])
    more = f" and {len(values) - _NAMED:,} more" if len(values) > _NAMED else ""
    return f"{told}{more} {'was' if len(values) == 1 else 'were'}"


def _without(schema: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != keyword}


def _error(message: str) -> Any:
    from jsonschema import ValidationError  # noqa: PLC0415  # see the module's text

    return ValidationError(message)


def _shown(value: Any) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, str) and len(value) > _SHOWN:
        value = f"{value[:_SHOWN]}…"
    text = repr(value)
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}…"


def _identity(value: Any) -> Any:
    """Return what is equal for equal JSON values, and can be hashed: 1 is 1.0, and neither is true.

    Numbers are texts in it: the hashes of Python's own numbers can be made to be the same by whoever chooses them.
    """
    if isinstance(value, str):
        return value
    if is_number(value):
        sign, digits, exponent = exact_value(value).as_tuple()
        text = "".join(map(str, digits))
        bare = text.rstrip("0")
        places = exponent + len(text) - len(bare) if isinstance(exponent, int) else exponent
        return "number", (f"{'-' if sign else ''}{bare.lstrip('0')}e{places}" if bare else "0")
    if isinstance(value, list):
        return "array", tuple(map(_identity, value))
    if isinstance(value, dict):
        return "object", frozenset((name, _identity(inner)) for name, inner in value.items())
    return "constant", str(value)
