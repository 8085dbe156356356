"""Form bodies that a file writes as a text: ``grant_type=x&user={{user}}`` (SEMANTICS 3.2 and 4.3)."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from naftiko.expression.escape import EscapeContext, escape
from naftiko.expression.scope import Scope
from naftiko.expression.template import Part, Section, Template
from naftiko.ground.types import ABSENT

_SAFE = string.ascii_letters + string.digits + string.punctuation
"""What of a form's own text stays as it is written: it is a form already."""


@dataclass(frozen=True, slots=True)
class FormText:
    """A form's text, cut into its pairs, so that one whose value is absent can be left out.

    Attributes:
        pairs: the name and the value of each, values escaped; no value for a bare name.
        text: the whole text, where sections decide what is in it.
    """

    pairs: tuple[tuple[Template, Template | None], ...]
    text: Template | None = None

    def __call__(self, scope: Scope) -> str:
        """Return the form, encoded; a list repeats its name."""
        if self.text is not None:
            return quote(self.text.render(scope).strip(), safe=_SAFE)
        return "&".join(pair for name, value in self.pairs for pair in _pairs(name, value, scope))


def form_text(template: Template) -> FormText:
    """Cut the parsed text of a form, whose placeholders stand at ``EscapeContext.QUERY``, into its pairs."""
    if any(isinstance(part, Section) for part in template.parts):
        return FormText((), template)
    cut = (_name_and_value(parts) for parts in _split(template.parts, "&"))
    return FormText(tuple(pair for pair in cut if pair[0].parts or pair[1] is not None))


def _name_and_value(parts: Sequence[Part]) -> tuple[Template, Template | None]:
    name, *values = _split(parts, "=", most=1)
    return _stripped(name), _stripped(values[0]) if values else None


def _split(parts: Sequence[Part], mark: str, most: int = -1) -> list[list[Part]]:
    """Split parts at a mark in their own text, which no placeholder's value is."""
    pieces: list[list[Part]] = [[]]
    for part in parts:
        if not isinstance(part, str):
            pieces[-1].append(part)
            continue
        left = most if most < 0 else most - len(pieces) + 1
        first, *others = part.split(mark, left) if left else [part]
        pieces[-1] += [first] if first else []
        pieces += [[text] if text else [] for text in others]
    return pieces


def _stripped(parts: Sequence[Part]) -> Template:
    """Return a name or a value without the blanks and line ends around it, which are the file's and not the form's."""
    bare = list(parts)
    if bare and isinstance(bare[0], str):
        bare[0] = bare[0].lstrip()
    if bare and isinstance(bare[-1], str):
        bare[-1] = bare[-1].rstrip()
    return Template("", tuple(part for part in bare if part != ""))


def _pairs(name: Template, value: Template | None, scope: Scope) -> Iterator[str]:
    key = quote(name.render(scope), safe=_SAFE)
    if value is None:
        yield key
        return
    made: Any = value(scope)
    if made is ABSENT or made is None:
        return
    if value.lone is None:
        yield f"{key}={quote(made, safe=_SAFE)}"
        return
    for element in made if isinstance(made, list) else [made]:
        if element is not None:
            yield f"{key}={escape(element, EscapeContext.QUERY)}"
