"""A unit's inputs: what a caller may give, and the checks on it (SEMANTICS 3.4 to 3.8)."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from naftiko.document.suggest import did_you_mean, fold, listed
from naftiko.expression.content import Base64, Content
from naftiko.expression.jsonpath import JSONPath
from naftiko.expression.styles import Style
from naftiko.expression.text import as_text, compact_json, whole_characters
from naftiko.ground import jsontext
from naftiko.ground.digits import ExactNumber, is_number, is_whole, read_number, whole
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT
from naftiko.plan.deadline import Watch
from naftiko.plan.problems import Problems
from naftiko.plan.schema_types import is_nullable
from naftiko.plan.validation import Errors, matches, schema_errors

SIMPLE_KEYWORDS = frozenset(
    {"type", "description", "items", "enum", "pattern", "maxLength", "minLength", "minimum", "maximum", "format"}
    | {"default", "title", "examples", "deprecated"}
)
"""The schema keywords that ``check`` knows; a schema with others is checked by jsonschema as well."""
_SHOWN = 60
_LONGEST_NAME = 200
"""Characters of an unknown name that are looked at, and shown."""


class Null(enum.Enum):
    """What a caller's ``null`` is (SEMANTICS 3.2)."""

    ABSENT = "as if nothing was given"
    VALUE = "a value"
    REFUSED = "an error: it would be lost, or sent where the type forbids it"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a unit.

    Attributes:
        name: as the file has it; the second of a name, in another place, has its place in it.
        alias: the name that clients accept; the same where the name is safe.
        location: ``path``, ``query``, ``header``, ``cookie``, ``body`` or ``environment`` in REST, ``argument`` in MCP.
        type: the JSON type, or ``None`` for any.
        required: whether a call without it is refused.
        description: for people and agents.
        schema: its JSON Schema (2020-12) without ``required``.
        default: the value where none is given, or ABSENT.
        wire_name: its name in the REST request: the route's placeholder, the header's name.
        whole_body: whether it is the whole request body, not a field of it.
        body_path: a JSONPath on the body (``value: $.a.b``).
        constant: a value that the file fixes, or ABSENT.
        label: its name as the file has it, whatever place it has.
        or_body: whether the request's body is its value where that is no object, or has no field of its name.
        null: what a caller's null is.
        is_base64: whether its text is base64 that stands for bytes.
        style: how a request writes it where it is an array or an object, if the file says that.
        untyped: the type that clients are shown where ``type`` is ``None``.
        reads_json: whether a text that is a JSON object or array is meant as one: nobody says its type, and it goes
            into a JSON body as it is.
        admits_null: whether its own schema admits ``null``, however it says so.
        real: gives what is below it its real names, where clients see others.
    """

    name: str
    alias: str
    location: str
    type: str | None
    required: bool
    description: str | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    default: Any = ABSENT
    wire_name: str = ""
    whole_body: bool = False
    body_path: JSONPath | None = None
    constant: Any = ABSENT
    label: str = ""
    or_body: bool = False
    null: Null = Null.ABSENT
    is_base64: bool = False
    style: Style | None = None
    untyped: str = "string"
    reads_json: bool = False
    admits_null: bool = False
    real: Callable[[Any], Any] | None = None

    @property
    def shown(self) -> str:
        """Its name as callers know it."""
        return self.label or self.name

    @property
    def nullable(self) -> bool:
        """Whether ``null`` is a value of it, and not the absence of one."""
        return self.null is Null.VALUE or self.admits_null or is_nullable(self.schema)

    def answers_to(self, name: str) -> bool:
        """Tell whether a caller means this input by ``name``."""
        return name in {self.name, self.alias, self.wire_name}


class InputSet:
    """The inputs of one unit, with what checks them; made once, at load."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        self.inputs = tuple(inputs)
        self._by_name: dict[str, Input] = {}
        for kind in ("name", "alias", "wire_name"):  # an input's own name is never another one's spelling
            for given in self.inputs:
                if getattr(given, kind):
                    self._by_name.setdefault(getattr(given, kind), given)
        self._folded: dict[str, Input] = {}
        for given in self.inputs:
            self._folded.setdefault(fold(given.name) or given.name, given)
        self._doubled = tuple(found for found in self.inputs if found.shown != found.name)
        self._fixed = tuple(found for found in self.inputs if found.constant is not ABSENT)
        self._required = tuple(found for found in self.inputs if found.required)
        self._defaults = tuple(found for found in self.inputs if found.default is not ABSENT)
        self._deep = {
            found.name: found.schema for found in self.inputs if _needs_validator(found.schema)
        }  # checked by jsonschema, the others by hand, which is 20 times faster
        self._item_types = {found.name: _item_type(found.schema) for found in self.inputs}
        self._bounded = frozenset(found.name for found in self.inputs if not _BOUNDS.isdisjoint(found.schema))
        self._validators: dict[str, Errors] = {}
        self._watched = bool(self._deep) or any("pattern" in found.schema for found in self.inputs)

    def spread(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return values by name where one name may mean two inputs, in two places: it feeds both (SEMANTICS 4.3)."""
        if not self._doubled:
            return given
        others = {found.name: given[found.shown] for found in self._doubled if found.shown in given}
        return {**others, **given}

    def find(self, name: str) -> Input | None:
        """Return the input that a caller means: by name, alias or, if nothing else fits, folded name."""
        return self._by_name.get(name) or self._folded.get(fold(name))

    def check(self, given: Mapping[str, Any], *, text: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return the inputs by their real names, repaired and complete.

        Args:
            given: values by name or alias; ``None`` and ABSENT count as not given where the input may be absent.
            text: the names whose values came as text (a query, a path), to be read as the declared type.

        Raises:
            InputError: with every problem found.
        """
        problems = Problems()
        values: dict[str, Any] = {}
        watch = Watch() if self._watched else None
        for name, value in given.items():
            found = self.find(name)
            if found is None:
                if problems.is_full:
                    problems.count_one()
                else:
                    problems.append(self._unknown(name))
            elif value is None:
                _take_null(found, values, problems)
            elif value is not ABSENT:
                values[found.name] = self._value(found, value, problems, watch, is_text=name in text)
        for found in self._defaults:
            values.setdefault(found.name, found.default)
        for found in self._fixed:
            values[found.name] = found.constant
        if self._required:
            problems.extend(missing(found) for found in self._required if found.name not in values)
        if problems:
            raise InputError(problems.told())
        return values

    def _unknown(self, name: str) -> Problem:
        known = [found.alias for found in self.inputs]
        hint = did_you_mean(name, known) if len(name) <= _LONGEST_NAME else ""
        hint = hint or (f"known: {listed(known)}" if known else "it takes no inputs")
        shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
        return Problem(shown, "argument", f"there is no input `{shown}`; {hint}")

    def _value(self, found: Input, value: Any, problems: Problems, watch: Watch | None, *, is_text: bool) -> Any:
        if isinstance(value, Content):
            return value
        if found.location == "path" and value == "":
            problems.append(Problem(found.shown, found.location, f"`{found.name}` must not be empty", "a value", '""'))
            return value
        if found.real is not None:
            value = found.real(value)
        if found.reads_json:
            value = _meant(value)
        fitted = fit(value, found.type, is_text=is_text, items=self._item_types[found.name])
        if fitted is ABSENT:
            problems.append(_wrong_type(found, value, is_text=is_text))
            return value
        fitted = _as_members(fitted, found)
        if found.name in self._bounded:
            problems.extend(_constraints(found, fitted, watch))
        if found.name in self._deep:
            problems.extend(self._validate(found, fitted, watch or Watch()))
        return _bytes_of(found, fitted, problems) if found.is_base64 and not is_text else fitted

    def _validate(self, found: Input, value: Any, watch: Watch) -> Iterable[Problem]:
        """Check a value against a schema that says more than a type, by jsonschema."""
        validate = self._validators.get(found.name)
        if validate is None:
            validate = self._validators[found.name] = schema_errors(found.schema)
        for error in validate(value, watch):
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
            shown = error.message if len(error.message) <= 4 * _SHOWN else f"{error.message[: 4 * _SHOWN]}…"
            if error.validator == "type" and error.instance is None:
                shown = f"must be of type {error.validator_value}, not null; {_NULLABLE}"
            yield Problem(found.shown, found.location, f"`{found.name}{where}`: {shown}", str(error.validator), "")


def _needs_validator(schema: Mapping[str, Any]) -> bool:
    if not schema.keys() <= SIMPLE_KEYWORDS:
        return True
    items = schema.get("items")
    return isinstance(items, Mapping) and not items.keys() <= {"type", "description", "title"}


def _item_type(schema: Mapping[str, Any]) -> str | None:
    items = schema.get("items")
    kind = items.get("type") if isinstance(items, Mapping) else None
    return kind if isinstance(kind, str) else None


def _meant(value: Any) -> Any:
    """Return what a text that nobody gives a type means: an object or a list, where it is one as JSON."""
    if isinstance(value, list):
        return [_meant(element) for element in value]
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    parsed = _parsed(value)
    return value if parsed is ABSENT else parsed


def missing(found: Input) -> Problem:
    """Return the problem of a required input that was not given."""
    expected = found.type or "a value"
    return Problem(found.shown, found.location, f"`{found.alias}` is required", expected)


def _take_null(found: Input, values: dict[str, Any], problems: Problems) -> None:
    """Take a caller's null for what it is (SEMANTICS 3.2); one that is as absent is left out."""
    if found.nullable:
        values[found.name] = None
    elif found.null is Null.REFUSED or (found.required and found.type is not None):
        problem = _wrong_type(found, None, is_text=False)
        if found.null is Null.REFUSED:
            hint = f"{'' if found.required else 'leave it out, or '}{_NULLABLE}"
            problem = replace(problem, message=f"{problem.message}; {hint}")
        problems.append(problem)
        values[found.name] = None


_NULLABLE = "where null is meant to be sent, the file must declare it `nullable: true`"


def _bytes_of(found: Input, value: Any, problems: Problems, where: str = "") -> Any:
    """Return text in base64 with the bytes that it stands for, in a list too."""
    if isinstance(value, list):
        return [_bytes_of(found, element, problems, f"{where}[{at}]") for at, element in enumerate(value)]
    if not isinstance(value, str) or isinstance(value, Base64):
        return value
    try:
        return Base64.read(value)
    except ValueError:
        message = f"`{found.alias}{where}` must be base64 (RFC 4648), not {shorten(value)}"
        problems.append(Problem(found.shown, found.location, message, "base64", shorten(value)))
        return value


def _wrong_type(found: Input, value: Any, *, is_text: bool) -> Problem:
    where, kind, wrong = _culprit(found, value, is_text=is_text)
    got = shorten(wrong)
    expected = _ARTICLES.get(kind, "a value")
    return Problem(found.shown, found.location, f"`{found.alias}{where}` must be {expected}, not {got}", kind, got)


def _culprit(found: Input, value: Any, *, is_text: bool) -> tuple[str, str, Any]:
    """Return where in a value of the wrong type the fault is, what is expected there, and what stands there."""
    items = _item_type(found.schema)
    listed = _fit_array(value, is_text, None) if found.type == "array" and items is not None else ABSENT
    for at, element in enumerate(listed or ()):
        if fit(element, items, is_text=is_text) is ABSENT:
            return f"[{at}]", items or "", element
    return "", found.type or "", value


_ARTICLES = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
}


def shorten(value: Any) -> str:
    """Return a value as JSON text that fits into a message."""
    if isinstance(value, str | list):
        value = value[:_SHOWN]
    try:
        text = compact_json(value)
    except (TypeError, ValueError):
        text = str(type(value).__name__)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_Fit: TypeAlias = Callable[[Any, bool, "str | None"], Any]


def fit(value: Any, kind: str | None, *, is_text: bool = False, items: str | None = None) -> Any:
    """Return the value as the type wants it, or ABSENT if it can't be (SEMANTICS 3.6 and 3.7).

    Text that is meant to be another type and parses as it is repaired: ``"5"`` for an integer.
    """
    if isinstance(value, str):
        value = whole_characters(value)
    made = _FITS.get(kind or "")
    return value if made is None else made(value, is_text, items)


def _fit_string(value: Any, is_text: bool, items: str | None) -> Any:  # noqa: FBT001, ARG001  # the table's shape
    if is_text and isinstance(value, list) and value:  # a repeated key where one value is expected: the first one is
        return fit(value[0], "string")
    if isinstance(value, str):
        return value
    # An agent that sends 5 where the text "5" is meant is understood; a map or a list is not text.
    return as_text(value) if isinstance(value, bool | int | float) else ABSENT


def _fit_integer(value: Any, is_text: bool, items: str | None) -> Any:  # noqa: FBT001  # the table's shape
    number = _fit_number(value, is_text, items)
    if not is_whole(number):
        return ABSENT
    # Text is sent on as it is written. A JSON number of 5.0, which is how some agents write 5, is the integer it means.
    is_written = is_text or (number is value and isinstance(number, ExactNumber) and number.is_from_text)
    return number if is_written else whole(number)


def _fit_number(value: Any, is_text: bool, items: str | None) -> Any:  # noqa: FBT001, ARG001  # the table's shape
    if isinstance(value, list) and value and is_text:
        value = value[0]
    if isinstance(value, str):
        number = read_number(value)
        return ABSENT if number is None else number
    is_finite = isinstance(value, ExactNumber | int) or (isinstance(value, float) and math.isfinite(value))
    return value if is_finite and not isinstance(value, bool) else ABSENT


def _fit_boolean(value: Any, is_text: bool, items: str | None) -> Any:  # noqa: FBT001, ARG001  # the table's shape
    if isinstance(value, list) and value and is_text:
        value = value[0]
    if isinstance(value, str):
        words = {"true": True, "false": False} | ({"1": True, "0": False, "": True} if is_text else {})
        return words.get(value.strip().lower(), ABSENT)
    return value if isinstance(value, bool) else ABSENT


def _fit_array(value: Any, is_text: bool, items: str | None) -> Any:  # noqa: FBT001  # the table's shape
    if isinstance(value, str):
        value = _list_of_text(value, is_text)
    elif is_text and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = _list_of_text(value[0], is_text)
    if not isinstance(value, list):
        return ABSENT
    if items is None or items not in _FITS or items == "array":
        return value
    if is_text and items in {"integer", "number"}:  # `1, 2`
        value = [element.strip() if isinstance(element, str) else element for element in value]
    fitted = [fit(element, items, is_text=is_text) for element in value]
    return ABSENT if any(element is ABSENT for element in fitted) else fitted


def _list_of_text(text: str, is_text: bool) -> Any:  # noqa: FBT001  # the table's shape
    if text.lstrip().startswith("["):
        parsed = _parsed(text)
        if isinstance(parsed, list):
            return parsed
    if is_text:
        return text.split(",") if text else []
    return ABSENT


def _fit_object(value: Any, is_text: bool, items: str | None) -> Any:  # noqa: FBT001, ARG001  # the table's shape
    if isinstance(value, list) and value and is_text:
        value = value[0]
    if isinstance(value, str):
        value = _parsed(value)
    return value if isinstance(value, dict) else ABSENT


def _parsed(text: str) -> Any:
    try:
        return jsontext.read(text)
    except ValueError:
        return ABSENT


_FITS: dict[str, _Fit] = {
    "string": _fit_string,
    "integer": _fit_integer,
    "number": _fit_number,
    "boolean": _fit_boolean,
    "array": _fit_array,
    "object": _fit_object,
}


def _as_members(value: Any, found: Input) -> Any:
    """Return a value, or the elements of an array, as the enum has them, where no type says how they are read."""
    if found.type is None:
        return _member(value, found.schema.get("enum"))
    items = found.schema.get("items") if isinstance(value, list) else None
    if not isinstance(items, Mapping) or "enum" not in items or "type" in items:
        return value
    return [_member(element, items["enum"]) for element in value]


def _member(value: Any, members: Sequence[Any] | None) -> Any:
    """Return the member of an enum that a value of no declared type is; a text means the one that is written so."""
    if members is None or value in members:
        return value
    text = as_text(value)
    return next((member for member in members if member is not None and as_text(member) == text), value)


_BOUNDS: Final = frozenset({"enum", "minimum", "maximum", "minLength", "maxLength", "pattern"})
"""The keywords that ``_constraints`` checks."""


def _constraints(found: Input, value: Any, watch: Watch | None) -> Iterable[Problem]:
    """Check ``enum``, ``pattern``, lengths and bounds; all that are broken are told."""
    schema = found.schema
    name, where = found.alias, found.location
    enum = schema.get("enum")
    if enum is not None and value not in enum:
        allowed = ", ".join(as_text(word) for word in enum)
        yield Problem(found.shown, where, f"`{name}` must be one of: {allowed}", f"one of {allowed}", shorten(value))
    if isinstance(value, str):
        yield from _text_constraints(found, value, watch)
    elif is_number(value):
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None and value < low:
            yield Problem(found.shown, where, f"`{name}` must be at least {low}", f">= {low}", shorten(value))
        if high is not None and value > high:
            yield Problem(found.shown, where, f"`{name}` must be at most {high}", f"<= {high}", shorten(value))


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


def _text_constraints(found: Input, value: str, watch: Watch | None) -> Iterable[Problem]:
    schema = found.schema
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        limit = f"at most {_characters(longest)}"
        message = f"`{found.alias}` must be {limit} long"
        yield Problem(found.shown, found.location, message, limit, _characters(len(value)))
    if shortest is not None and len(value) < shortest:
        limit = f"at least {_characters(shortest)}"
        yield Problem(found.shown, found.location, f"`{found.alias}` must be {limit} long", limit, shorten(value))
    if pattern is not None and not matches(pattern, value, watch or Watch()):
        message = f"`{found.alias}` must match {pattern}"
        yield Problem(found.shown, found.location, message, f"matching {pattern}", shorten(value))
