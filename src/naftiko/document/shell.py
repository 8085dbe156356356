"""Variables as shells, Compose files and documentation write them; ours are ``{{NAME}}`` and ``{{env.NAME}}``."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_CERTAIN: Final = re.compile(rf"\$env\.({_NAME})|\$\{{(?:env[.:])?({_NAME})(?::?-[^{{}}]*)?\}}")
"""``$env.NAME`` (the Ikanos schema describes it), ``${NAME}``, ``${env.NAME}``, ``${env:NAME}``, ``${NAME:-x}``."""
_WHOLE: Final = re.compile(r"\$([A-Z_][A-Z0-9_]*)|\$\(([A-Z_][A-Z0-9_]*)\)|%([A-Z_][A-Z0-9_]*)%|<([A-Z][A-Z0-9_]*)>")
"""Texts that are nothing but ``$NAME``, ``$(NAME)``, ``%NAME%`` or ``<NAME>``: meant so, or a text like any other."""


def as_template(text: str) -> str | None:
    """Return a text with ``$env.NAME`` and ``${NAME}`` in it as the template that is meant; ``None``: none is there.

    They can't be anything else in a credential.
    """
    if "$" not in text:
        return None
    made = _CERTAIN.sub(_template, text)
    return made if made != text else None


def first_in(text: str) -> str:
    """Return the first variable in a text that ``as_template`` rewrites, as it is written."""
    found = _CERTAIN.search(text)
    return found[0] if found is not None else ""


def meant(text: str) -> str | None:
    """Return the template that a text most likely means, or ``None``."""
    certain = as_template(text)
    if certain is not None:
        return certain
    whole = _WHOLE.fullmatch(text.strip())
    return None if whole is None else f"{{{{{next(name for name in whole.groups() if name)}}}}}"


def _template(found: re.Match[str]) -> str:
    if found[1]:
        return f"{{{{env.{found[1]}}}}}"
    prefix = "env." if found[0].startswith(("${env.", "${env:")) else ""
    return f"{{{{{prefix}{found[2]}}}}}"
