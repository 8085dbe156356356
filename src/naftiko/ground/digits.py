"""Numbers that keep the digits they were written with (SEMANTICS 4.2).

Python's ``float`` forgets how a number was spelt: ``1.10`` becomes ``1.1``, ``0.00000001`` becomes ``1e-08``, and of
``12345678901234567.89`` sixteen digits are left. A number that would be changed is an ``ExactNumber`` instead; every
other one is a plain ``int`` or ``float``, which costs nothing.
"""

from __future__ import annotations

import math
import re
from decimal import MAX_EMAX, Context, Decimal, InvalidOperation, localcontext
from functools import partial
from typing import Any, Final, Self

_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
"""A number as JSON has it (RFC 8259 chapter 6): no ``+5``, ``.5``, ``007``, ``1_000``, ``0x10``, ``inf``."""
_INTEGER: Final = re.compile(r"-?[0-9]+")
_EXPONENT: Final = re.compile(r"[eE].*")
_OF_64_BITS: Final = range(-(2**63), 2**64)
"""What JSON writers take for an integer."""
_SURELY: Final = 18
"""Characters of an integer that surely has no more than 64 bits."""
_POSSIBLY: Final = 20
_WRITTEN_OUT: Final = 4300
"""Digits that an exponent is written out to; beyond them the number stays as it is written."""
_TINIEST: Final = Decimal("1e-999999999999999999")
_LONGEST: Final = 100_000
"""Characters of a number; nobody means one that is longer."""


class ExactNumber(float):
    """A number with its text; a ``float`` of about the same value for whoever only calculates.

    It compares by its exact value, and knows whether it is whole, whatever its size.

    Attributes:
        text: as JSON has it.
        is_from_text: whether it was written in a text, not in JSON, so that it stands as written in another text.
    """

    __slots__ = ("_shown", "is_from_text", "text")

    text: str
    is_from_text: bool
    _shown: str | None

    def __new__(cls, text: str, *, is_from_text: bool = False) -> Self:
        """Make one of a text that is a JSON number."""
        self = super().__new__(cls, text)
        self.text = text
        self.is_from_text = is_from_text
        self._shown = text if is_from_text else None
        return self

    @property
    def shown(self) -> str:
        """As it stands in a URL, a header or a form: a number out of JSON has its exponent written out."""
        if self._shown is None:
            self._shown = without_exponent(self.text)
        return self._shown

    def is_integer(self) -> bool:
        """Tell whether it is whole, as JSON Schema understands it: ``1.0`` and ``1e2`` are."""
        value = exact_value(self)
        return value.is_finite() and value == value.to_integral_value()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(ExactNumber, is_from_text=self.is_from_text), (self.text,)

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        compared = _compared(self, other)
        return NotImplemented if compared is None else compared == 0

    def __ne__(self, other: object) -> bool:
        compared = _compared(self, other)
        return NotImplemented if compared is None else compared != 0

    def __lt__(self, other: float) -> bool:
        compared = _compared(self, other)
        return NotImplemented if compared is None else compared < 0

    def __le__(self, other: float) -> bool:
        compared = _compared(self, other)
        return NotImplemented if compared is None else compared <= 0

    def __gt__(self, other: float) -> bool:
        compared = _compared(self, other)
        return NotImplemented if compared is None else compared > 0

    def __ge__(self, other: float) -> bool:
        compared = _compared(self, other)
        return NotImplemented if compared is None else compared >= 0

    __hash__ = float.__hash__


def _compared(number: ExactNumber, other: object) -> float | None:
    """Return below, at or above 0 as ``number`` is to ``other``; NaN beside NaN, ``None`` beside what is no number."""
    if not isinstance(other, int | float):
        return None
    if not isinstance(other, ExactNumber) and other != other:  # noqa: PLR0124  # NaN alone is not itself
        return math.nan
    this, that = exact_value(number), exact_value(other)
    return (this > that) - (this < that)


def exact_value(number: float) -> Decimal:
    """Return the exact value of what was written; of a plain float that is the shortest text which means it."""
    if isinstance(number, int):
        return Decimal(number)
    try:
        return Decimal(repr(number))
    except InvalidOperation:  # an exponent of more than 18 digits
        return Decimal(float.__repr__(number).replace("inf", "1e999999999999999999")) or _TINIEST


def read_number(text: str) -> float | None:
    """Return the number that a caller wrote as text, to be sent on as it is written; ``None`` where it is no number."""
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    number = json_integer(text) if found[2] is None and found[3] is None else 0.0
    return number if isinstance(number, int) else ExactNumber(text, is_from_text=True)


def json_integer(text: str) -> float:
    """Return the number of JSON's text of an integer.

    Raises:
        ValueError: it has more than 100,000 characters.
    """
    if len(text) <= _POSSIBLY and text != "-0":
        number = int(text)
        if len(text) <= _SURELY or number in _OF_64_BITS:
            return number
    return _exact(text)


def json_decimal(text: str) -> float:
    """Return the number of JSON's text of a number with a fraction or an exponent.

    Raises:
        ValueError: as ``json_integer``.
    """
    number = float(text)
    return number if repr(number) == text and "e" not in text else _exact(text)


def core_number(text: str) -> float:
    """Return a number of YAML 1.2's core schema as JSON has it: ``+5``, ``.5``, ``5.``, ``007``, ``0x1F`` too.

    Raises:
        ValueError: as ``json_integer``.
    """
    if text[1:2] in {"o", "x"}:
        return json_integer(str(int(text, 0)))
    mantissa = _EXPONENT.sub("", text)
    integer, point, fraction = mantissa.lstrip("+-").partition(".")
    sign, exponent = "-" if text.startswith("-") else "", text[len(mantissa) :]
    plain = f"{sign}{integer.lstrip('0') or '0'}{'.' if fraction else ''}{fraction}{exponent}"
    return json_decimal(plain) if point or exponent else json_integer(plain)


def _exact(text: str) -> ExactNumber:
    if len(text) > _LONGEST:
        raise ValueError(f"a number has more than {_LONGEST:,} characters")
    return ExactNumber(text)


def whole(number: float) -> float:
    """Return a whole number in the way of an integer: 5 for ``5.0``, 500 for ``5e2``."""
    if isinstance(number, int) or (isinstance(number, ExactNumber) and _INTEGER.fullmatch(number.text)):
        return number
    value = exact_value(number)
    return json_integer(format(value.to_integral_value(), "f")) if value.adjusted() < _WRITTEN_OUT else number


def is_number(value: object) -> bool:
    """Tell whether a value is a number; ``True`` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Tell whether a value is an integer as JSON Schema understands it: ``1.0`` is."""
    return is_number(value) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def is_multiple(number: float, unit: float) -> bool:
    """Tell whether a number is a whole multiple of another, by all their digits; true where they have thousands."""
    value, of = exact_value(number), exact_value(unit)
    if not (value.is_finite() and of.is_finite() and of):
        return True
    lowest = min(int(value.as_tuple().exponent), int(of.as_tuple().exponent))
    if max(abs(lowest), value.adjusted(), of.adjusted()) > _WRITTEN_OUT:
        return True
    with localcontext(Context(prec=2 * _WRITTEN_OUT, Emin=-MAX_EMAX, Emax=MAX_EMAX)):
        return not value % of


def digits(number: float) -> str:
    """Return a number as it stands in a URL, a header, a form or a text: its digits, no exponent of our own making."""
    if isinstance(number, ExactNumber):
        return number.shown
    return str(number) if isinstance(number, int) else without_exponent(repr(number))


def without_exponent(text: str) -> str:
    """Return a number's text with its exponent written out, unless that takes thousands of digits."""
    if "e" not in text and "E" not in text:
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return format(value, "f") if abs(value.adjusted()) < _WRITTEN_OUT else text
