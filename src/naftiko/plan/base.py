"""Base URIs: ``{domain}`` and ``{{NAME}}`` are variables that complete them (SEMANTICS 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from naftiko.expression.path import climbs, encode_literal, path_text
from naftiko.expression.placeholders import IN_ADDRESS
from naftiko.expression.references import InputOrVariable, Names, Variable
from naftiko.expression.scope import Scope, StandIn
from naftiko.expression.template import Value
from naftiko.ground.types import ABSENT
from naftiko.plan.addresses import HTTP, SOCKETS, ascii_origin, wrong_url

_ORIGIN = re.compile(r"(?:https?|wss?)://([^/@]*)(?:/|$)", re.IGNORECASE)
_MARK = 0xE000
"""The first character of private use: each stands for a placeholder."""
_PORT_BEGINS = re.compile(r":[0-9]{0,4}$")
_SCHEMES = re.compile(r"(?:https?|wss?)[:/]", re.IGNORECASE)
"""``{{NAME}}``, ``{NAME}``, and ``${NAME}`` as in a shell."""


@dataclass(frozen=True, slots=True)
class BasePart:
    """A placeholder of a base URI; only one in its path may be filled by an argument of a call."""

    name: str
    value: Value
    in_path: bool


@dataclass(frozen=True, slots=True)
class BaseUri:
    """A base URI, parsed.

    Attributes:
        text: as the file, or the operator, has it.
        query: the query that stands in it, which is joined with every request's.
        filled: as ``fill`` returns it, where nothing has to be filled in.
        schemes: what it may begin with.
    """

    text: str
    parts: tuple[str | BasePart, ...]
    query: str = ""
    filled: str | None = None
    schemes: frozenset[str] = HTTP

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that must have a value before any call."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, BasePart) and not part.in_path))

    @property
    def names(self) -> tuple[str, ...]:
        """All its placeholders."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, BasePart)))

    @property
    def origin_names(self) -> tuple[str, ...]:
        """The variables that are a host or a port, or a part of one, and nothing else: no whole URL, no user."""
        marked = "".join(part if isinstance(part, str) else chr(_MARK + at) for at, part in enumerate(self.parts))
        found = _ORIGIN.match(marked)
        if found is None:
            return ()
        parts = [part for at, part in enumerate(self.parts) if chr(_MARK + at) in found[1]]
        return tuple(part.name for part in parts if isinstance(part, BasePart))

    @property
    def path_names(self) -> tuple[str, ...]:
        """The placeholders in its path, which ``with`` may fill."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, BasePart) and part.in_path))

    @property
    def constant(self) -> bool:
        """Whether it is the same for every call."""
        return not self.path_names

    @property
    def climbs(self) -> bool:
        """Whether it holds a dot segment, whatever its placeholders are."""
        return climbs(path_of(_completed("".join(part if isinstance(part, str) else "x" for part in self.parts))))

    @property
    def broken(self) -> bool:
        """Whether a placeholder of it lacks a brace."""
        return any("{" in part or "}" in part for part in self.parts if isinstance(part, str))

    @property
    def wrong(self) -> str:
        """Why nothing can be sent to it, whatever its placeholders are; ``""``: something can, or nobody knows yet."""
        if not self.parts or isinstance(self.parts[0], BasePart):
            return ""
        known = ""
        for part in self.parts:  # a placeholder after a colon is a port, or the rest of one
            known += part if isinstance(part, str) else "1" if _PORT_BEGINS.search(known) else "x"
        return wrong_url(_completed(known), self.schemes)

    def fill(self, scope: Scope) -> str:
        """Return the base URI without a trailing slash.

        Raises:
            MissingVariable: a variable has no value.
            WrongBase: what variables make is no URL.
        """
        if self.filled is not None:
            return self.filled
        texts = [part if isinstance(part, str) else _filled(part, scope) for part in self.parts]
        base = _completed("".join(texts))
        if any(isinstance(text, StandIn) for text in texts):
            return base
        origin, path = _split(base)
        return f"{_checked(origin, self.schemes)}{encode_literal(path)}" if base else ""


class WrongBase(ValueError):
    """What the variables of a base URI make is no URL that a request can be sent to."""


@lru_cache(maxsize=256)  # one for each host that variables make: a caller chooses none
def _checked(origin: str, schemes: frozenset[str]) -> str:
    """Return scheme, host and port as they go on the wire.

    Raises:
        WrongBase: no request can be sent there.
    """
    if "?" in origin or "#" in origin or wrong_url(origin, schemes):
        raise WrongBase
    return ascii_origin(origin)


def _split(base: str) -> tuple[str, str]:
    """Split a URL before its path."""
    slash = base.find("/", base.find("://") + len("://"))
    return (base, "") if slash < 0 else (base[:slash], base[slash:])


def _completed(text: str) -> str:
    text = text.strip()
    if text and "://" not in text and not _SCHEMES.match(text):  # `https//h` is no host but half a scheme
        text = f"https://{text}"
    return text.rstrip("/")


def _filled(part: BasePart, scope: Scope) -> str:
    value = part.value(scope)
    text = "" if value is ABSENT else path_text(value)
    if not part.in_path or part.name not in scope.inputs:
        return text  # the operator's own: a variable may hold a host, or a path of several segments
    return quote(text, safe="")


def parse_base(text: str, names: Names, *, is_socket: bool = False) -> BaseUri:
    """Parse a base URI; a name that no bind has is a variable of the environment or of ``--var``.

    Args:
        text: the base URI.
        names: what names mean in it.
        is_socket: whether it may begin with ``ws://`` or ``wss://`` too.
    """
    schemes = SOCKETS if is_socket else HTTP
    bare, mark, query = _cut_query(text.strip())
    path_starts = _path_start(bare)
    parts: list[str | BasePart] = []
    at = 0
    for found in IN_ADDRESS.finditer(bare):
        if found.start() > at:
            parts.append(bare[at : found.start()])
        name = (found[1] or found[2]).strip()
        reference = names.caller_input(name) or name
        in_path = found.start() >= path_starts
        variable = names.variable(name)
        value: Value = Variable(variable or name, one_line=True)
        if in_path and variable is None:
            value = InputOrVariable(reference, one_line=True)
        parts.append(BasePart(reference, value, in_path and variable is None))
        at = found.end()
    if at < len(bare):
        parts.append(bare[at:])
    fixed = None if any(isinstance(part, BasePart) for part in parts) else _encoded(_completed(bare), schemes)
    return BaseUri(text, tuple(parts), query if mark else "", fixed, schemes)


def _encoded(base: str, schemes: frozenset[str]) -> str:
    """Return a base URI that the file alone decides; what is wrong with it is told at load (``BaseUri.wrong``)."""
    origin, path = _split(base)
    return f"{origin if wrong_url(origin, schemes) else ascii_origin(origin)}{encode_literal(path)}"


def path_of(address: str) -> str:
    """Return the path of a URL without query and fragment, without its first slash."""
    return address.partition("://")[2].partition("/")[2]


def _cut_query(text: str) -> tuple[str, str, str]:
    return text.partition("#")[0].partition("?")


def _path_start(text: str) -> int:
    """Return where the path begins; what stands before it decides which host is called."""
    bare = IN_ADDRESS.sub(lambda found: "x" * len(found[0]), text)
    scheme = bare.find("://")
    slash = bare.find("/", scheme + 3 if scheme >= 0 else 0)
    return slash if slash >= 0 else len(text)
